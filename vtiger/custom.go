package vtiger

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"styk"
	"styk/intake"
	"styk/store"
)

// customOperations are the seed's own, and PutFile, which the seed lacks: it
// says which path to overwrite, but not how (spec/vtiger.md 4).
var customOperations = []operation{
	{OpCreateContact, false, (*call).createContact},
	{OpCreateAccount, false, (*call).createAccount},
	{OpCreateProject, false, (*call).createProject},
	{OpGetFilesList, false, (*call).getFilesList},
	{OpPutFile, false, (*call).putFile},
}

// by says who changes something through this call.
func (c *call) by() store.By { return store.By{User: c.user.ID, Origin: "webservice"} }

// createContact finds a contact by phone and changes him, or makes one; the
// answer is his bare number as text (spec/vtiger.md 4, contract 4).
func (c *call) createContact() (Value, error) {
	contact := &styk.Contact{}
	rest, err := readSeed(c.params, contactSeed, contact)
	if err != nil {
		return nil, err
	}
	c.own(contact)
	return c.make(ModuleContacts, contactSeed, func(tx *store.Tx) (styk.ID, error) {
		return intake.SaveContact(tx, c.by(), contact, rest["code"])
	})
}

func (c *call) createAccount() (Value, error) {
	account := &styk.Account{}
	if _, err := readSeed(c.params, accountSeed, account); err != nil {
		return nil, c.hintProject(err)
	}
	c.own(account)
	return c.make(ModuleAccounts, accountSeed, func(tx *store.Tx) (styk.ID, error) {
		return intake.SaveAccount(tx, c.by(), account)
	})
}

// hintProject helps who follows the seed's table, which names CreateAccount as
// the operation that makes projects.
func (c *call) hintProject(err error) error {
	ours, ok := err.(*styk.Error)
	_, contact := c.params.Get("contactid")
	_, offender := c.params.Get("offenderid")
	if !ok || !contact && !offender {
		return err
	}
	ours.Hint = "did you mean CreateProject?"
	return ours
}

func (c *call) createProject() (Value, error) {
	p := &styk.Project{}
	rest, err := readSeed(c.params, projectSeed, p)
	if err != nil {
		return nil, err
	}
	c.own(p)
	if source := rest["source"]; source != "" {
		p.Source = source
	}
	p.Name = projectName(p)
	return c.make(ModuleProject, projectSeed, func(tx *store.Tx) (styk.ID, error) {
		return intake.SaveProject(tx, c.by(), p)
	})
}

// projectName makes the name that the seed does not send.
func projectName(p *styk.Project) string {
	for _, text := range []string{p.Subject, p.Category, p.Direction} {
		if text != "" {
			return cutRunes(text, maxLine)
		}
	}
	return "Обращение контакта " + strconv.FormatInt(int64(p.Contact), 10)
}

func cutRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// own gives a new record its owner and source.
func (c *call) own(rec styk.Record) {
	rec.Base().Owner = c.user.ID
	rec.Base().Source = "WEBSERVICE"
}

// make runs a creation once for its idempotency key and gives the number.
func (c *call) make(module string, fields []seedField, create func(tx *store.Tx) (styk.ID, error)) (Value, error) {
	if err := c.mayUse(module); err != nil {
		return nil, err
	}
	hash := sha256.New()
	for _, f := range fields {
		text, _ := c.params.Text(f.name)
		_, _ = hash.Write([]byte(f.name + "\x00" + text + "\x00"))
	}
	var id styk.ID
	err := c.s.DB.Update(c, func(tx *store.Tx) (err error) {
		id, err = c.idempotent(tx, hex.EncodeToString(hash.Sum(nil)), func() (styk.ID, error) { return create(tx) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return Text(strconv.FormatInt(int64(id), 10)), nil
}

// maxKey bounds an idempotency key, in bytes.
const maxKey = 200

// idempotent runs create unless the request's key (header Idempotency-Key or
// parameter requestid, contract 11) has made a record before; then that one's
// number is the answer. hash is of the request's values.
func (c *call) idempotent(tx *store.Tx, hash string, create func() (styk.ID, error)) (styk.ID, error) {
	key, err := c.requestKey()
	if err != nil {
		return 0, err
	}
	if key == "" {
		return create()
	}
	scope := "user:" + strconv.FormatInt(int64(c.user.ID), 10) + ":" + strings.ToLower(c.op.name)
	id, err := tx.Once(scope, key, hash)
	if err != nil || id != 0 {
		return id, err
	}
	if id, err = create(); err != nil {
		return 0, err
	}
	return id, tx.Made(scope, key, id)
}

func (c *call) requestKey() (string, error) {
	key := repairText(c.request.Header.Get("Idempotency-Key"))
	if key == "" {
		var err error
		if key, err = c.given("requestid"); err != nil {
			return "", err
		}
	}
	if len(key) > maxKey {
		return "", styk.FieldError(styk.Invalid, "requestid", "max_length", "longer than 200 bytes")
	}
	return key, nil
}

// The seed's words of GetFilesList, without the blanks that its sample bears.
const (
	filesOK      = "ok"
	filesFailed  = "failed"
	filesMissing = "Клиент с указанным СМС-кодом и ИНН не найден"
)

// getFilesList lists the files that a pair of ИНН and SMS code opens (spec/
// vtiger.md 4, contract 8).
func (c *call) getFilesList() (Value, error) {
	inn, err := c.given("inn")
	if err != nil {
		return nil, err
	}
	code, err := c.given("sms")
	if err != nil {
		return nil, err
	}
	if fault := missingOf([2]string{"inn", inn}, [2]string{"sms", code}); fault != nil {
		return nil, fault
	}
	if err := c.mayUse(ModuleDocuments); err != nil {
		return nil, err
	}
	docs, found, wait, err := c.s.Intake.FilesByCode(c, inn, code, "session "+c.session, "address "+c.remote.String())
	if err != nil {
		return nil, err
	}
	if !found {
		if wait > 0 {
			if err := c.s.Wait(c, wait); err != nil {
				return nil, err
			}
		}
		return Object{{"status", Text(filesFailed)}, {"message", Text(filesMissing)}}, nil
	}
	files := make(List, len(docs))
	for i, d := range docs {
		files[i] = Object{{"title", Text(d.Title)}, {"path", Text(d.Path)}}
	}
	return Object{{"status", Text(filesOK)}, {"files", files}}, nil
}

// missingOf gives one error about all named values that are empty.
func missingOf(values ...[2]string) error {
	var faults []styk.Fault
	for _, v := range values {
		if v[1] == "" {
			faults = append(faults, styk.Fault{Field: v[0], Rule: "required", Text: "does not have a value"})
		}
	}
	if faults == nil {
		return nil
	}
	return &styk.Error{Code: styk.Missing, Faults: faults}
}

// putFile overwrites a listed file with the real one (contract 9).
func (c *call) putFile() (Value, error) {
	path, err := c.given("path")
	if err != nil {
		return nil, err
	}
	up, sent := c.files.named("file")
	file := ""
	if sent {
		file = up.Info.Sum
	}
	if fault := missingOf([2]string{"path", path}, [2]string{"file", file}); fault != nil {
		return nil, fault
	}
	if err := c.mayUse(ModuleDocuments); err != nil {
		return nil, err
	}
	d, err := c.s.Intake.OverwriteWith(c, store.By{User: c.user.ID, Origin: "putfile"}, path, up.Info)
	if styk.CodeOf(err) == styk.NotFound {
		return nil, &wireError{CodeRecordNotFound, MsgRecordNotFound + ": there is no file at this path"}
	}
	if err != nil {
		return nil, err
	}
	return Object{{"path", Text(d.Path)}, {"size", Int(d.Size)}, {"sha256", Text(d.Sum)}, {"version", Int(d.Version)}}, nil
}
