package vtiger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/connect"
)

// job is one parcel under way. It is used by one goroutine.
type job struct {
	t      *target
	c      *Client
	p      *connect.Parcel
	ticket *connect.Ticket

	sent  []connect.File // that go through the web form, in the order of its parts
	links []connect.File // that are named in the description

	contact string // numbers of records
}

// Deliver takes the seed's steps: the visitor registered with placeholders of
// his files, contact, counterparty, project, and the real files in the
// placeholders' places.
func (t *target) Deliver(ctx context.Context, p *connect.Parcel) error {
	if p.Ticket == nil {
		return connect.Because(connect.Permanentf("vtiger takes tickets, not a %s", p.SubjectName()),
			"Эта система принимает только обращения.")
	}
	j := &job{t: t, c: t.client.Via(p.HTTP()), p: p, ticket: p.Ticket}
	mask := connect.NewMask() // a query's error may quote what was looked for
	mask.Personal(p.Ticket.Personal()...)
	return mask.Error(j.run(ctx))
}

func (j *job) run(ctx context.Context) error {
	if err := checkMapping(j.ticket.Mapping); err != nil {
		return err
	}
	j.sortFiles()
	if err := j.customer(ctx); err != nil {
		return err
	}
	offender, err := j.account(ctx, ofAccount, j.accountCells())
	if err != nil {
		return err
	}
	agent := ""
	if values := j.mapped(ofAgent); len(values) > 0 {
		if agent, err = j.account(ctx, ofAgent, values); err != nil {
			return err
		}
	}
	if err := j.project(ctx, offender, agent); err != nil {
		return err
	}
	return j.sendFiles(ctx)
}

// nobody is the receipt of a search that found none.
const nobody = "none"

// customer finds or makes the contact. What the search found is a step of its
// own, so that a later attempt, which would find what the first one made, does
// not choose anew.
func (j *job) customer(ctx context.Context) error {
	values := j.contactCells()
	found := connect.Done{ID: nobody}
	var err error
	if j.t.set.Text("known") == knownKeep {
		found, err = j.p.Step(ctx, "contact.find", connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
			return j.orNobody(j.findContact(connect.Harmless(ctx), values["mobile"]))
		})
		if err != nil {
			return err
		}
	}
	filled := values
	filled.fill(j.t.defaults[ofContact])
	if missing := filled.lacking(ofContact); found.ID == nobody && len(missing) > 0 {
		return lacks(ofContact, missing)
	}
	if err := j.register(ctx, filled); err != nil {
		return err
	}
	if found.ID == nobody {
		found, err = j.make(ctx, "contact", OpCreateContact, filled, "phone:"+values["mobile"], func(ctx context.Context) (connect.Done, error) {
			if j.t.set.Text("known") == knownUpdate {
				return connect.Done{}, connect.NotFound // the handler itself finds by phone; its values may not be there yet
			}
			return j.findContact(ctx, values["mobile"])
		})
	}
	j.contact = found.ID
	return err
}

// orNobody turns "surely not there" into a receipt.
func (j *job) orNobody(d connect.Done, err error) (connect.Done, error) {
	if errors.Is(err, connect.NotFound) {
		return connect.Done{ID: nobody}, nil
	}
	return d, err
}

// account finds by ИНН or makes a counterparty and gives its number. The
// default one stands in where the form names none.
func (j *job) account(ctx context.Context, of string, values cells) (id string, err error) {
	if fixed := j.t.set.Text("offender_id"); of == ofAccount && fixed != "" && values["accountname"] == "" && values["inn"] == "" {
		return fixed, nil
	}
	values.fill(j.t.defaults[of])
	found := connect.Done{ID: nobody}
	look := func(ctx context.Context) (connect.Done, error) {
		return j.findAccount(connect.Harmless(ctx), values["inn"])
	}
	if j.t.set.Text("known") == knownKeep && values["inn"] != "" {
		found, err = j.p.Step(ctx, of+".find", connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
			return j.orNobody(look(ctx))
		})
		if err != nil {
			return "", err
		}
	}
	if found.ID != nobody {
		return found.ID, nil
	}
	if missing := values.lacking(of); len(missing) > 0 {
		return "", lacks(of, missing)
	}
	found, err = j.make(ctx, of, OpCreateAccount, values, "inn:"+values["inn"], func(ctx context.Context) (connect.Done, error) {
		if j.t.set.Text("known") == knownUpdate {
			return connect.Done{}, connect.NotFound
		}
		return look(ctx)
	})
	return found.ID, err
}

// project makes the project, each ticket one.
func (j *job) project(ctx context.Context, offender, agent string) error {
	values := j.projectCells()
	values["contactid"], values["offenderid"] = j.contact, offender
	if agent != "" {
		values["agentid"] = agent
	}
	_, err := j.make(ctx, "project", OpCreateProject, values, "", j.findProject)
	return err
}

// make does one of the seed's creations as a step. The request carries a key of
// its own, which our server knows again and any other drops; look finds the
// record there.
func (j *job) make(ctx context.Context, step, operation string, values cells, key string, look connect.Find) (connect.Done, error) {
	find := func(ctx context.Context) (connect.Done, error) {
		if safe, err := j.repeatable(ctx); err != nil {
			return connect.Done{}, err
		} else if safe {
			return connect.Repeatable(ctx)
		}
		return look(ctx)
	}
	if key != "" {
		end, err := j.t.turn(ctx, key)
		if err != nil {
			return connect.Done{}, fmt.Errorf("%s: %w", step, err)
		}
		defer end()
	}
	return j.p.Step(ctx, step, find, func(ctx context.Context) (connect.Done, error) {
		params := map[string]string{"requestid": j.p.UUID(step)}
		for name, value := range values {
			params[name] = value
		}
		result, err := j.c.Call(ctx, operation, params)
		if err != nil {
			return connect.Done{}, explained(err)
		}
		id, err := recordNumber(operation, result)
		return j.done(step, id), err
	})
}

// repeatable tells whether a request whose outcome is in doubt may simply be
// sent again.
func (j *job) repeatable(ctx context.Context) (bool, error) {
	if j.t.set.Now().Sub(j.ticket.Created) > keyLife {
		return false, nil
	}
	return j.t.isOurs(ctx, j.c)
}

// done is the receipt of a record; the project's has the visitor's number.
func (j *job) done(step, id string) connect.Done {
	d := connect.Done{ID: id}
	view := map[string]string{"contact": ModuleContacts, "project": ModuleProject}[step]
	if view == "" {
		view = ModuleAccounts
	}
	d.URL = j.c.root() + "/index.php?module=" + view + "&view=Detail&record=" + id
	if step == "project" && j.t.set.Text("number") == "id" {
		d.Number = id
	}
	return d
}

// recordNumber reads what a custom operation returns: a record's number as text
// (spec/vtiger.md 4); a handler may return a number, or an id with its module.
func recordNumber(operation string, result json.RawMessage) (string, error) {
	id, err := ParseRecordID(scalarText(result))
	if err != nil {
		return "", explained(&AnswerError{Operation: operation, Text: "the result is no record's number"})
	}
	return strconv.FormatInt(int64(id.Record), 10), nil
}

// findContact looks for the phone in its usual spellings, then by its digits in
// their order, and takes only rows whose number is the same (spec/vtiger.md 9).
// Of several the one modified last is taken.
func (j *job) findContact(ctx context.Context, mobile string) (connect.Done, error) {
	if mobile == "" {
		return connect.Done{}, connect.NotFound
	}
	columns := j.t.set.List("phone_columns")
	list := "(" + quoteAll(phoneSpellings(mobile)) + ")"
	rows, err := j.people(ctx, columns, func(column string) string { return column + " in " + list }, mobile)
	if err == nil && len(rows) == 0 {
		rows, err = j.peopleLike(ctx, columns, mobile)
	}
	switch {
	case err != nil:
		return connect.Done{}, explained(err)
	case len(rows) == 0:
		return connect.Done{}, connect.NotFound
	case len(rows) > 1:
		j.p.Warn("С этим телефоном в CRM несколько контактов (%d): взят изменённый последним.", len(rows))
	}
	latest := slices.MaxFunc(rows, func(a, b Record) int { return strings.Compare(a["modifiedtime"], b["modifiedtime"]) })
	return j.done("contact", latest.number()), nil
}

// people asks for contacts and keeps those whose phone is really the same.
func (j *job) people(ctx context.Context, columns []string, condition func(column string) string, mobile string) ([]Record, error) {
	conditions := make([]string, len(columns))
	for i, column := range columns {
		conditions[i] = condition(column)
	}
	rows, err := j.c.Query(ctx, "select id, modifiedtime, "+strings.Join(columns, ", ")+" from Contacts where "+
		strings.Join(conditions, " or ")+" order by id desc limit 100;")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(r Record) bool {
		return !slices.ContainsFunc(columns, func(column string) bool { return samePhoneText(r[column], mobile) })
	}), nil
}

// peopleLike finds odd spellings by the digits in their order. Our own server
// compares numbers rather than texts, so there is nothing more to find.
func (j *job) peopleLike(ctx context.Context, columns []string, mobile string) ([]Record, error) {
	digits, russian := strings.CutPrefix(mobile, "+7")
	if !russian || len(digits) != 10 {
		return nil, nil
	}
	if ours, err := j.t.isOurs(ctx, j.c); err != nil || ours {
		return nil, err
	}
	like := quote("%" + digits[:3] + "%" + digits[3:6] + "%" + digits[6:8] + "%" + digits[8:] + "%")
	return j.people(ctx, columns, func(column string) string { return column + " like " + like }, mobile)
}

func samePhoneText(a, b string) bool {
	p, ok := styk.ParsePhone(a)
	if !ok {
		return a == b
	}
	return string(p) == b
}

func (r Record) number() string { return strconv.FormatInt(int64(r.ID().Record), 10) }

// findAccount looks for the ИНН as text (spec/vtiger.md 9).
func (j *job) findAccount(ctx context.Context, inn string) (connect.Done, error) {
	if inn == "" {
		return connect.Done{}, connect.NotFound
	}
	rows, err := j.c.Query(ctx, "select id from Accounts where "+j.t.set.Text("account_inn_column")+" = "+quote(inn)+" order by id limit 1;")
	if err != nil {
		return connect.Done{}, explained(err)
	}
	if len(rows) == 0 {
		return connect.Done{}, connect.NotFound
	}
	return j.done(ofAccount, rows[0].number()), nil
}

// findProject looks for our number.
func (j *job) findProject(ctx context.Context) (connect.Done, error) {
	column := j.t.set.Text("number_column")
	rows, err := j.c.Query(ctx, "select id, "+column+" from Project where "+column+" like "+quote("%"+j.ticket.Number+"%")+" order by id limit 100;")
	if err != nil {
		return connect.Done{}, explained(err)
	}
	rows = slices.DeleteFunc(rows, func(r Record) bool { return !j.carries(r[column]) })
	switch len(rows) {
	case 0:
		return connect.Done{}, connect.NotFound
	case 1:
		return j.done("project", rows[0].number()), nil
	}
	return connect.Done{}, connect.Because(connect.Permanentf("look up project: %d carry our number", len(rows)),
		"В CRM несколько проектов с нашим номером: проверьте их и удалите лишние.")
}

// quote makes a literal of VTQL; a quote in it is doubled (spec/vtiger.md 10.9).
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func quoteAll(texts []string) string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = quote(text)
	}
	return strings.Join(out, ", ")
}

// phoneSpellings are those under which people keep a number (spec/vtiger.md 9).
func phoneSpellings(phone string) []string {
	n, russian := strings.CutPrefix(phone, "+7")
	if !russian || len(n) != 10 {
		return []string{phone, strings.TrimPrefix(phone, "+")}
	}
	a, b, c, d := n[:3], n[3:6], n[6:8], n[8:]
	return []string{
		phone, "7" + n, "8" + n, n,
		"+7(" + a + ") " + b + "-" + c + "-" + d, "+7 (" + a + ") " + b + "-" + c + "-" + d, "+7(" + a + ")" + b + "-" + c + "-" + d,
		"+7 " + a + " " + b + "-" + c + "-" + d, "+7 " + a + " " + b + " " + c + " " + d, "+7 " + a + " " + b + c + d,
		"8 (" + a + ") " + b + "-" + c + "-" + d, "8(" + a + ")" + b + "-" + c + "-" + d, "8 " + a + " " + b + "-" + c + "-" + d, "8 " + a + " " + b + c + d,
	}
}
