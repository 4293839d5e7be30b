package creatio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"styk/connect"
)

// job is one parcel under way. It is used by one goroutine.
type job struct {
	t       *target
	n       *Conn
	p       *connect.Parcel
	ticket  *connect.Ticket
	fields  []foreign // right-hand sides of the mapping, each once, sorted
	remarks []string  // said below the form's text in the case

	contact, account, caseID, messageID uuid.UUID

	met bool // this attempt has seen the contact's row, so account is true
}

// Deliver takes the steps in the order of the seed: contact, or else account
// and then contact; partner; case; message; files.
func (t *target) Deliver(ctx context.Context, p *connect.Parcel) error {
	if p.Ticket == nil {
		return connect.Because(connect.Permanentf("creatio takes tickets, not a %s", p.SubjectName()),
			"Эта система принимает только обращения.")
	}
	j := &job{t: t, n: t.client.Via(p.HTTP()), p: p, ticket: p.Ticket}
	if err := j.readMapping(); err != nil {
		return err
	}
	if err := j.customer(ctx); err != nil {
		return err
	}
	number, err := j.makeCase(ctx)
	if err != nil {
		return err
	}
	if number == "" { // published as soon as it is there, before the slow files
		if number, err = j.awaitNumber(ctx); err != nil {
			return err
		}
	}
	if err := j.say(ctx); err != nil {
		return err
	}
	if err := j.sendFiles(ctx); err != nil {
		return err
	}
	return j.numbered(number)
}

func (j *job) id(step string) uuid.UUID { return uuid.MustParse(j.p.UUID(step)) }

// remark tells the operator of the CRM, in the case, and ours, on the attempt.
func (j *job) remark(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(j.remarks, text) {
		j.remarks = append(j.remarks, text)
		j.p.Warn("%s", text)
	}
}

func (j *job) readMapping() error {
	var texts []string
	for _, to := range j.ticket.Mapping {
		if to != "" && to != toMessage && !slices.Contains(texts, to) {
			texts = append(texts, to)
		}
	}
	slices.Sort(texts)
	for _, text := range texts {
		f := parseForeign(text)
		for _, name := range []string{f.column, f.lookup, f.by} {
			if name != "" && !columnName.MatchString(name) {
				return connect.Because(connect.Permanentf("mapping: %q is no column", text),
					"В соответствии полей указано не имя колонки.")
			}
		}
		j.fields = append(j.fields, f)
	}
	return nil
}

// mapped adds the form's values that the mapping sends to the entity as text.
func (j *job) mapped(entity string, values map[string]any) {
	for _, f := range j.fields {
		if f.entity != entity || f.lookup != "" {
			continue
		}
		if v := j.ticket.MappedTo(f.source); v != "" {
			values[f.column] = v
		}
	}
}

// settingLookups: settings that name a row of a lookup of Case.
var settingLookups = map[string]string{
	"status": "Status", "origin": "Origin", "priority": "Priority", "category": "Category",
}

// makeCase gives the CRM's number, "" when it is still to come.
func (j *job) makeCase(ctx context.Context) (number string, err error) {
	partner, err := j.partner(ctx)
	if err != nil {
		return "", err
	}
	done, err := j.p.Step(ctx, "case", j.findCase, func(ctx context.Context) (connect.Done, error) {
		if err := j.recall(ctx); err != nil {
			return connect.Done{}, err
		}
		values, err := j.caseValues(ctx, partner)
		if err != nil {
			return connect.Done{}, err
		}
		row, _, err := j.n.Create(ctx, entCase, values, "Id", "Number")
		if err != nil {
			return connect.Done{}, err
		}
		return j.caseDone(row), nil
	})
	if err != nil {
		return "", err
	}
	j.caseID, err = uuid.Parse(done.ID)
	return done.Number, err
}

// partner gives the configured partner; Nil means the contact's own account.
func (j *job) partner(ctx context.Context) (uuid.UUID, error) {
	if j.t.who.own() {
		return uuid.Nil, nil
	}
	done, err := j.p.Step(ctx, "partner", connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
		id, err := j.t.partner(ctx, j.n)
		return connect.Done{ID: id.String()}, err
	})
	if err != nil {
		return uuid.Nil, err
	}
	return uuid.Parse(done.ID)
}

// caseValues is the row of the case. Its Number is the CRM's to give.
func (j *job) caseValues(ctx context.Context, partner uuid.UUID) (map[string]any, error) {
	values := map[string]any{"Id": j.id("case"), "ContactId": j.contact, "RegisteredOn": j.ticket.Created.UTC()}
	if j.account != uuid.Nil {
		values["AccountId"] = j.account
	}
	if j.t.who.own() {
		partner = j.account
	}
	if partner != uuid.Nil && j.t.who.Column != "" {
		values[j.t.who.Column] = partner
	}
	if err := j.lookUp(ctx, values); err != nil {
		return nil, err
	}
	j.mapped(entCase, values)
	subject, _ := values[colSubject].(string)
	subject = strings.Join(strings.Fields(cmp.Or(subject, j.ticket.FormTitle, "Обращение с сайта")), " ")
	values[colSubject] = cut(subject, j.t.limit(entCase, colSubject))
	if column := j.t.set.Text("external_id_column"); column != "" {
		values[column] = j.ticket.Number
	}
	j.addRemarks(values)
	return j.t.constants(entCase, values), nil
}

// lookUp turns names into the keys of lookups: those of the settings, and those
// that the visitor chose. An unknown one never fails the case.
func (j *job) lookUp(ctx context.Context, values map[string]any) error {
	for setting, column := range settingLookups {
		name := j.t.set.Text(setting)
		if name == "" {
			continue
		}
		id, found, err := j.t.lookups.find(ctx, j.n, caseLookups[column], "Name", name)
		switch {
		case err != nil:
			return err
		case found:
			values[column+"Id"] = id
		default:
			j.p.Warn("Настройка %s: в CRM нет «%s», оставлено пустым.", setting, name)
		}
	}
	for _, f := range j.fields {
		if f.lookup == "" {
			continue
		}
		name := strings.TrimSpace(j.ticket.MappedTo(f.source))
		if name == "" {
			continue
		}
		id, found, err := j.t.lookups.find(ctx, j.n, f.lookup, f.by, name)
		switch {
		case err != nil:
			return err
		case found:
			values[f.column] = id
		default:
			j.remark("В справочнике %s нет «%s»: поле оставлено пустым.", f.lookup, name)
		}
	}
	return nil
}

// addRemarks puts below the form's text what a person in the CRM should know.
// Where no column takes our number, the text does: both people and a search
// for a case of unknown outcome need it.
func (j *job) addRemarks(values map[string]any) {
	lines := slices.Clone(j.remarks)
	if j.t.set.Text("external_id_column") == "" {
		lines = append(lines, "Номер на сайте: "+j.ticket.Number)
	}
	text, _ := values[colSymptoms].(string)
	if len(lines) > 0 {
		text = strings.TrimSpace(text + "\n\n" + strings.Join(lines, "\n"))
	}
	if text != "" {
		values[colSymptoms] = text
	}
}

func (j *job) caseDone(row Row) connect.Done {
	id := row.GUID("Id")
	return connect.Done{ID: id.String(), Number: strings.TrimSpace(row.Text("Number")), URL: j.n.caseURL(id)}
}

// caseURL is where a person opens the case.
func (n *Conn) caseURL(id uuid.UUID) string {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	if n.c.prefix == nil {
		return ""
	}
	return n.c.base + *n.c.prefix + "/Nui/ViewModule.aspx#CardModuleV2/CasePage/edit/" + id.String()
}

// findCase looks up a case whose creation is in doubt: under our id; by our
// number where a column keeps it; and, where the CRM chooses the ids, by what
// only this case can say (spec/creatio.md 5 trap 10).
func (j *job) findCase(ctx context.Context) (connect.Done, error) {
	row, err := j.n.Get(ctx, entCase, j.id("case"), "Id", "Number")
	if err == nil {
		return j.caseDone(row), nil
	}
	if !errors.Is(err, connect.NotFound) {
		return connect.Done{}, err
	}
	var f Filter
	if column := j.t.set.Text("external_id_column"); column != "" {
		f = Eq(column, j.ticket.Number)
	} else {
		f = And(Eq("Contact/Id", j.contact), Ge("CreatedOn", j.ticket.Created.Add(-2*time.Minute)))
	}
	rows, err := j.n.List(ctx, entCase, Query{
		Select: []string{"Id", "Number", colSymptoms}, Filter: f, OrderBy: "CreatedOn desc", Top: 50,
	})
	if err != nil {
		return connect.Done{}, err
	}
	if j.t.set.Text("external_id_column") == "" {
		line := "Номер на сайте: " + j.ticket.Number
		rows = slices.DeleteFunc(rows, func(r Row) bool { return !strings.HasSuffix(r.Text(colSymptoms), line) })
	}
	switch len(rows) {
	case 0:
		return connect.Done{}, connect.NotFound
	case 1:
		return j.caseDone(rows[0]), nil
	}
	return connect.Done{}, connect.Because(connect.Permanentf("look up case: %d cases carry our number", len(rows)),
		"В CRM несколько обращений с нашим номером: проверьте их и закройте лишние.")
}

// awaitNumber reads the number that a process of the CRM gives after the case
// was saved: five times within some seconds, then with each further attempt
// (spec/creatio.md 2.5).
func (j *job) awaitNumber(ctx context.Context) (string, error) {
	if j.p.DryRun {
		return "", nil
	}
	done, err := j.p.Step(ctx, "number", connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
		wait := 200 * time.Millisecond
		for try := range 5 {
			if try > 0 {
				if err := j.t.pause(ctx, wait); err != nil {
					return connect.Done{}, err
				}
				wait = min(2*wait, 3*time.Second)
			}
			row, err := j.n.Get(ctx, entCase, j.caseID, "Id", "Number")
			if err != nil {
				return connect.Done{}, err
			}
			if d := j.caseDone(row); d.Number != "" {
				return d, nil
			}
		}
		return connect.Done{}, errNoNumber
	})
	if errors.Is(err, errNoNumber) {
		return "", nil // message and files do not wait for it
	}
	return done.Number, err
}

var errNoNumber = errors.New("the case has no number yet")

// numbered ends the parcel: a number that did not come is asked for again by
// the next attempts, but not for ever.
func (j *job) numbered(number string) error {
	if number != "" || j.p.DryRun {
		return nil
	}
	if j.p.Attempt >= 6 {
		j.p.Warn("CRM не присвоила обращению номер.")
		return nil
	}
	return connect.Because(errNoNumber, "Обращение в CRM есть, но номера у него ещё нет. Прочитаем позже.")
}

// say writes the visitor's own words as a message on the case.
func (j *job) say(ctx context.Context) error {
	text := j.ticket.MappedTo(toMessage)
	inMessage := j.t.set.Text("files") == filesMessage && len(j.ticket.Files) > 0
	if text == "" && !inMessage {
		return nil
	}
	entity := entFeed
	values := map[string]any{
		"Id": j.id("message"), "EntitySchemaUId": caseSchema, "EntityId": j.caseID,
		"Message": messageHTML(cmp.Or(text, "Файлы обращения")),
	}
	if j.t.set.Text("message") == messagePortal {
		entity = entPortal
		values["FromPortal"], values["HideOnPortal"], values["IsNotPublished"] = true, false, false
	}
	find := func(ctx context.Context) (connect.Done, error) { return j.findMessage(ctx, entity, values) }
	done, err := j.p.Step(ctx, "message", find, func(ctx context.Context) (connect.Done, error) {
		row, _, err := j.n.Create(ctx, entity, values, "Id")
		if err != nil {
			return connect.Done{}, err
		}
		return connect.Done{ID: row.GUID("Id").String()}, nil
	})
	if err != nil {
		return err
	}
	j.messageID, err = uuid.Parse(done.ID)
	return err
}

func (j *job) findMessage(ctx context.Context, entity string, values map[string]any) (connect.Done, error) {
	row, err := j.n.Get(ctx, entity, values["Id"].(uuid.UUID), "Id")
	if err == nil {
		return connect.Done{ID: row.GUID("Id").String()}, nil
	}
	if !errors.Is(err, connect.NotFound) {
		return connect.Done{}, err
	}
	q := Query{Select: []string{"Id", "Message"}, Filter: Eq("EntityId", j.caseID), Top: 50}
	for row, err := range j.n.Each(ctx, entity, q) {
		if err != nil {
			return connect.Done{}, err
		}
		if row.Text("Message") == values["Message"] {
			return connect.Done{ID: row.GUID("Id").String()}, nil
		}
	}
	return connect.Done{}, connect.NotFound
}

// messageHTML makes plain words safe for the feed, which shows HTML.
func messageHTML(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(text, ""))
	text = htmlText.Replace(text)
	return "<p>" + text + "</p>"
}

var htmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "<br>")
