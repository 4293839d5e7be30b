package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"styk"
	"styk/blob"
	"styk/store"
)

// FormPost is one post of a site form, its files' bytes already kept.
type FormPost struct {
	Values    map[string]string // by field name
	Files     []Upload          // Part is the field
	Key       string            // hidden _key of the rendered form; "" for none
	HeaderKey string            // Idempotency-Key of a program; "" for none
	Address   string            // of the visitor
	Agent     string
	Page      string   // where the form stood
	Suspicion int      // points; 0: none. It is kept and never drops a post
	Reasons   []string // of the suspicion
}

// Accepted is the receipt of a form post: it lies on disk with its files.
type Accepted struct {
	Submission styk.ID
	Ticket     styk.ID
	Number     string // ours
	Secret     string // of the status page
	Repeated   bool   // the same post came before; this is its first receipt
	Card       string // number of the card that the post brought; "": none
	Suspicion  int
	Warnings   []styk.Fault // odd values that were taken
}

// byForm stands in the history of what site forms brought.
var byForm = store.By{Origin: "form"}

// sameWithin is how long a post without a key is known again by its values
// (contract 3).
const sameWithin = 10 * time.Minute

// Accept stores a post of a site form in one transaction: submission, ticket
// with its number, contact, documents, and a delivery for each target. Nothing
// foreign is called. A refused post (*styk.Error of Invalid, with the visitor's
// words) uses up neither number nor key; a repeated one gives the receipt of
// the first. When the disk is nearly full it is styk.Full.
func (in *Intake) Accept(ctx context.Context, form *styk.Form, post FormPost) (*Accepted, error) {
	if err := in.Room(0); err != nil {
		return nil, err
	}
	filled, err := form.Read(post.Values, seenFiles(post.Files))
	if err != nil {
		return nil, err
	}
	number, err := in.numbers.Next(ctx, in.DB)
	if err != nil {
		return nil, fmt.Errorf("draw a ticket number: %w", err)
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, err
	}
	a := &acceptance{in: in, form: form, post: post, filled: filled, number: number, uuid: id.String()}
	a.hash = a.valueHash()
	a.key = a.knownBy()
	if err := a.update(ctx); err != nil {
		return nil, err
	}
	a.done.Secret = in.DB.StatusSecret(a.kept)
	if !a.done.Repeated {
		in.wake()
	}
	return a.done, nil
}

// update stores the post. Where another transaction took a card's value at the
// same moment, the second look finds it.
func (a *acceptance) update(ctx context.Context) error {
	err := a.in.DB.Update(ctx, a.store)
	var taken *store.CardTaken
	if errors.As(err, &taken) {
		return a.in.DB.Update(ctx, a.store)
	}
	return err
}

// acceptance is one post on its way into the store.
type acceptance struct {
	in     *Intake
	form   *styk.Form
	post   FormPost
	filled *styk.Filled
	number string
	uuid   string
	hash   string
	key    string
	kept   *styk.Submission
	done   *Accepted
}

// valueHash is over values and file hashes, not over raw bytes.
func (a *acceptance) valueHash() string {
	type file struct{ Part, Sum string }
	var files []file
	for _, f := range a.post.Files {
		files = append(files, file{f.Part, f.Info.Sum})
	}
	text, _ := json.Marshal([]any{a.filled.Fields, a.filled.Consents, files}) // texts always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// knownBy gives under which key the post is known again.
func (a *acceptance) knownBy() string {
	short := func(key string) string {
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:16])
	}
	switch {
	case a.post.HeaderKey != "":
		return "header:" + short(a.post.HeaderKey)
	case a.post.Key != "": // a cached page gives one key to many visitors: the values belong to it
		return "page:" + short(a.post.Key) + ":" + a.hash
	}
	return "values:" + a.hash
}

// store runs inside the transaction, perhaps several times.
func (a *acceptance) store(tx *store.Tx) error {
	a.done, a.kept = nil, nil
	scope := "form:" + a.form.Name
	var before styk.ID
	var err error
	if a.post.HeaderKey == "" && a.post.Key == "" {
		before, err = tx.OnceWithin(scope, a.key, sameWithin)
	} else {
		before, err = tx.Once(scope, a.key, a.hash)
	}
	switch {
	case styk.CodeOf(err) == styk.Conflict:
		return styk.FieldError(styk.Conflict, "Idempotency-Key", "reused", "Этот ключ уже был у заявки с другими значениями")
	case err != nil:
		return err
	case before != 0:
		return a.again(tx, before)
	}
	s, err := a.keep(tx)
	if err != nil {
		return err
	}
	a.kept = s
	a.done = &Accepted{
		Submission: s.ID, Ticket: s.Ticket, Number: a.number,
		Suspicion: s.Suspicion, Warnings: a.filled.Warnings,
	}
	if a.done.Card, err = a.in.issueCard(tx, a.form, s); err != nil {
		return err
	}
	return tx.Made(scope, a.key, s.ID)
}

// again gives the receipt of the first post.
func (a *acceptance) again(tx *store.Tx, id styk.ID) error {
	s, err := tx.Post(id)
	if err != nil {
		return err
	}
	ticket := &styk.Ticket{Entity: styk.Entity{ID: s.Ticket}}
	if err := tx.Load(ticket); err != nil && styk.CodeOf(err) != styk.NotFound {
		return err
	}
	a.kept = s
	a.done = &Accepted{
		Submission: s.ID, Ticket: s.Ticket, Number: ticket.Number,
		Repeated: true, Suspicion: s.Suspicion, Warnings: a.filled.Warnings,
	}
	a.done.Card, err = CardOf(tx, s)
	return err
}

// keep stores the post and all that is made of it.
func (a *acceptance) keep(tx *store.Tx) (*styk.Submission, error) {
	s := &styk.Submission{
		UUID: a.uuid, Form: a.form.Name, Title: a.form.Title, Address: a.post.Address, Agent: a.post.Agent, Page: a.post.Page,
		Fields: a.filled.Fields, Suspicion: a.post.Suspicion, Reasons: a.post.Reasons,
	}
	for _, c := range a.filled.Consents {
		c.At, c.Address, c.Agent, c.Page = tx.Now(), a.post.Address, a.post.Agent, a.post.Page
		c.FormVersion = a.form.Version
		s.Consents = append(s.Consents, c)
	}
	who, err := meetVisitor(tx, s)
	if err != nil {
		return nil, err
	}
	s.Contact = who.contact
	if !who.fresh { // nobody's first post is one too many
		if err := weighPace(tx, s); err != nil {
			return nil, err
		}
	}
	ticket := newTicket(a.number, s)
	ticket.Account = who.account
	if err := tx.Insert(ticket, byForm); err != nil {
		return nil, err
	}
	s.Ticket = ticket.ID
	files, err := a.documents(tx, s)
	if err != nil {
		return nil, err
	}
	if err := tx.SavePost(s, files); err != nil {
		return nil, fmt.Errorf("store submission: %w", err)
	}
	for _, d := range who.differing {
		if err := tx.Suggest(s.Contact, d.Name, d.Text(), s.ID); err != nil {
			return nil, err
		}
	}
	return s, a.in.dispatch(tx, s, a.form.Targets, a.form.WaitFor())
}

// documents makes a document of each file that the form has a field for.
func (a *acceptance) documents(tx *store.Tx, s *styk.Submission) ([]store.PostFile, error) {
	var list []store.PostFile
	for _, up := range a.post.Files {
		field := a.form.Field(up.Part)
		if field == nil || field.Type != styk.FieldFile {
			continue
		}
		d := &styk.Document{Title: up.FileName}
		d.Source = sourceForm
		if err := a.in.AddDocument(tx, byForm, d, up, s.Contact, s.Ticket); err != nil {
			return nil, err
		}
		list = append(list, store.PostFile{Document: d.ID, Field: up.Part})
	}
	return list, nil
}

const sourceForm = "Webform"

// newTicket makes the ticket of a submission.
func newTicket(number string, s *styk.Submission) *styk.Ticket {
	t := &styk.Ticket{Number: number, Title: s.Value("topic"), Status: "Open", Contact: s.Contact, Text: s.Text()}
	if t.Title == "" {
		t.Title = s.Title
	}
	t.Source = sourceForm
	return t
}

// dispatch makes a delivery for each target and the visitor's letter. It waits
// as long as the visitor does, so that the CRM's number can stand in it.
func (in *Intake) dispatch(tx *store.Tx, s *styk.Submission, targets []string, wait time.Duration) error {
	to := s.OfType(styk.FieldEmail)
	if s.Suspicion > 0 {
		to = "" // no letters to wherever a stranger likes
	}
	names := targets
	if to != "" {
		names = append(slices.Clone(targets), styk.MailTarget)
	}
	known, err := tx.RunningTargets(names)
	if err != nil {
		return err
	}
	for _, name := range targets {
		id, ok := known[name]
		if !ok {
			in.logger().Error("a form names a target that is not there", "target", name, "submission", int64(s.ID))
			continue
		}
		err := tx.Enqueue(&styk.Delivery{
			Target: id, Subject: styk.SubjectTicket, About: s.ID, Urgent: true,
			Customer: fmt.Sprintf("contact:%d", s.Contact),
		})
		if err != nil {
			return err
		}
	}
	mail := known[styk.MailTarget]
	if to == "" || mail == 0 {
		return nil
	}
	content, err := json.Marshal(styk.Notice{Type: styk.NoticeAccepted, To: to})
	if err != nil {
		return err
	}
	return tx.Enqueue(&styk.Delivery{
		Target: mail, Subject: styk.SubjectNotice, About: s.ID, Content: content, Due: tx.Now().Add(wait),
	})
}

func seenFiles(files []Upload) []styk.FilledFile {
	var list []styk.FilledFile
	for _, f := range files {
		list = append(list, styk.FilledFile{Field: f.Part, Name: f.FileName, Ext: f.Info.Ext, Size: f.Info.Size})
	}
	return list
}

// defaultReserve keeps the journal writable when files have filled the disk.
const defaultReserve = 64 << 20 // bytes

// Room says styk.Full when less than n bytes and the reserve are free. With
// files in S3 it knows nothing and says nothing.
func (in *Intake) Room(n int64) error {
	roomy, ok := in.Blobs.(blob.Roomy)
	if !ok {
		return nil
	}
	reserve := in.Reserve
	if reserve == 0 {
		reserve = defaultReserve
	}
	free, err := roomy.FreeSpace()
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if free < n+reserve {
		return styk.Failed(styk.Full, "Сейчас не можем принять заявку: на сервере кончилось место. Ничего не сохранено, попробуйте позже.")
	}
	return nil
}
