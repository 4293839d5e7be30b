package creatio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"styk/connect"
)

// customer finds or makes the contact of the ticket and, for a new one, its
// account. What the search found is a step of its own, so that a later attempt
// does not choose anew.
func (j *job) customer(ctx context.Context) error {
	done, err := j.p.Step(ctx, "contact.find", connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
		row, err := j.search(ctx)
		if err != nil || row == nil {
			return connect.Done{ID: nobody}, err
		}
		return j.meet(row), nil
	})
	if err == nil && done.ID == nobody {
		if err = j.makeAccount(ctx); err == nil {
			done, err = j.p.Step(ctx, "contact", j.findContact, j.createContact)
		}
	}
	if err != nil {
		return err
	}
	j.contact, err = uuid.Parse(done.ID)
	return err
}

// nobody is the receipt of a search that found no contact.
const nobody = "none"

// meet settles on a contact whose row this attempt has seen.
func (j *job) meet(row Row) connect.Done {
	j.contact, j.account, j.met = row.GUID("Id"), row.GUID("AccountId"), true
	return connect.Done{ID: j.contact.String()}
}

// recall looks at a contact that an earlier attempt settled on, before a case
// is made for it: its account is needed, and it may have been merged into
// another meanwhile.
func (j *job) recall(ctx context.Context) error {
	if j.met || j.p.DryRun {
		return nil
	}
	chosen, err := j.search(ctx) // for its remark, too
	if err != nil {
		return err
	}
	row, err := j.n.Get(ctx, entContact, j.contact, contactColumns...)
	switch {
	case err == nil:
		j.meet(row)
	case !errors.Is(err, connect.NotFound):
		return err
	case chosen != nil:
		j.meet(chosen)
	default:
		return connect.Because(connect.Permanent(fmt.Errorf("recall contact: %w", err)),
			"Контакт этого обращения удалён в CRM, пока обращение ждало.")
	}
	return nil
}

var contactColumns = []string{"Id", "Name", "AccountId", "Phone", "MobilePhone", "Email", "ModifiedOn"}

// search looks for the visitor by every usual spelling of the phone and by
// e-mail: first on the contact itself, then among its further numbers. A phone
// counts more than an e-mail. nil: there is none.
func (j *job) search(ctx context.Context) (Row, error) {
	phone := j.ticket.Contact.Phone
	var conditions []Filter
	for _, v := range phoneVariants(phone) {
		conditions = append(conditions, Eq("MobilePhone", v), Eq("Phone", v))
	}
	for _, v := range j.emails() {
		conditions = append(conditions, Eq("Email", v))
	}
	if conditions == nil {
		return nil, nil //nolint:nilnil // documented above
	}
	rows, err := j.contacts(ctx, Or(conditions...))
	if err != nil {
		return nil, err
	}
	byPhone := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return !hasPhone(r, phone) })
	if len(byPhone) > 0 {
		return j.choose(byPhone), nil
	}
	further, phoned, err := j.furtherNumbers(ctx, phone)
	switch {
	case connect.IsPermanent(err) && !connect.IsStop(err):
		j.t.closeNumbers() // not among the rights that a set-up must give: 1.9
		j.p.Warn("Дополнительные номера контактов (ContactCommunication) не читаются: ищем без них.")
	case err != nil:
		return nil, err
	case len(phoned) > 0:
		return j.choose(phoned), nil
	}
	return j.choose(append(rows, further...)), nil
}

// emails gives the address in lower case and as typed: whether the CRM compares
// letters by case depends on its database.
func (j *job) emails() []string {
	lower := j.ticket.Contact.Email
	if lower == "" {
		return nil
	}
	out := []string{lower}
	for _, v := range j.ticket.Fields {
		typed := strings.TrimSpace(v.Value)
		if strings.EqualFold(typed, lower) && !slices.Contains(out, typed) {
			out = append(out, typed)
		}
	}
	return out
}

func (j *job) contacts(ctx context.Context, f Filter) ([]Row, error) {
	var rows []Row
	q := Query{Select: contactColumns, Filter: f, OrderBy: "ModifiedOn desc", Top: 100}
	for row, err := range j.n.Each(ctx, entContact, q) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// furtherNumbers reads ContactCommunication, whose SearchNumber holds the
// digits reversed: the last ten digits are its beginning (spec/creatio.md 2.3).
func (j *job) furtherNumbers(ctx context.Context, phone string) (all, phoned []Row, err error) {
	if !j.t.numbersOpen() {
		return nil, nil, nil
	}
	var conditions []Filter
	tail := lastTen(phone)
	if tail != "" {
		conditions = append(conditions, Prefix("SearchNumber", reversed(tail)))
	}
	for _, v := range j.emails() {
		conditions = append(conditions, Eq("Number", v))
	}
	owners := map[uuid.UUID]bool{} // -> found by phone
	q := Query{Select: []string{"Id", "ContactId", "Number"}, Filter: Or(conditions...), Top: 100}
	for row, err := range j.n.Each(ctx, entCommunication, q) {
		if err != nil {
			return nil, nil, err
		}
		if id := row.GUID("ContactId"); id != uuid.Nil {
			owners[id] = owners[id] || tail != "" && lastTen(row.Text("Number")) == tail
		}
	}
	var ids []uuid.UUID
	for id := range owners {
		ids = append(ids, id)
	}
	// Web servers cut query strings of 2 KB: twenty GUIDs at a time stay below.
	for some := range slices.Chunk(ids, 20) {
		var each []Filter
		for _, id := range some {
			each = append(each, Eq("Id", id))
		}
		rows, err := j.contacts(ctx, Or(each...))
		if err != nil {
			return nil, nil, err
		}
		all = append(all, rows...)
	}
	for _, row := range all {
		if owners[row.GUID("Id")] {
			phoned = append(phoned, row)
		}
	}
	return all, phoned, nil
}

// choose takes of several contacts the one with an account, then the one
// modified last, and says so in the case (spec/creatio.md 5 trap 13).
func (j *job) choose(rows []Row) Row {
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(one(b.GUID("AccountId") != uuid.Nil), one(a.GUID("AccountId") != uuid.Nil)),
			b.Time("ModifiedOn").Compare(a.Time("ModifiedOn")),
			cmp.Compare(a.Text("Id"), b.Text("Id")),
		)
	})
	rows = slices.CompactFunc(rows, func(a, b Row) bool { return a.Text("Id") == b.Text("Id") })
	if len(rows) == 0 {
		return nil
	}
	if len(rows) > 1 {
		j.remark("В CRM найдено похожих контактов: %d; взят «%s».", len(rows), rows[0].Text("Name"))
	}
	return rows[0]
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// findContact looks up a contact whose creation is in doubt: under the ids that
// we may have chosen, then by search.
func (j *job) findContact(ctx context.Context) (connect.Done, error) {
	for _, id := range []uuid.UUID{idFor(entContact, contactKey(j.ticket)), j.id("contact")} {
		row, err := j.n.Get(ctx, entContact, id, contactColumns...)
		if errors.Is(err, connect.NotFound) || err == nil && !j.sameContact(row) {
			continue
		}
		if err != nil {
			return connect.Done{}, err
		}
		return j.meet(row), nil
	}
	row, err := j.search(ctx)
	if err != nil {
		return connect.Done{}, err
	}
	if row == nil {
		return connect.Done{}, connect.NotFound
	}
	return j.meet(row), nil
}

func (j *job) createContact(ctx context.Context) (connect.Done, error) {
	c := j.ticket.Contact
	values := map[string]any{"Name": cut(fullName(c), j.t.limit(entContact, "Name"))}
	for column, value := range map[string]string{
		"Surname": c.Last, "GivenName": c.First, "MiddleName": c.Middle,
		"MobilePhone": c.Phone, "Email": c.Email,
	} {
		if value != "" {
			values[column] = value
		}
	}
	if column := j.t.set.Text("contact_inn_column"); column != "" && c.INN != "" {
		values[column] = c.INN
	}
	if j.account != uuid.Nil {
		values["AccountId"] = j.account
	}
	j.mapped(entContact, values)
	return j.createOnce(ctx, entContact, contactKey(j.ticket), values, j.sameContact, contactColumns...)
}

// createOnce makes a record that other tickets may be making at this moment:
// its id comes from the customer, not from the ticket. When the id is taken by
// a record that has become somebody else's, the ticket's own id is used.
func (j *job) createOnce(ctx context.Context, entity, key string, values map[string]any, same func(Row) bool, back ...string) (connect.Done, error) {
	step := strings.ToLower(entity)
	for _, id := range []uuid.UUID{idFor(entity, key), j.id(step)} {
		values["Id"] = id
		row, made, err := j.n.Create(ctx, entity, j.t.constants(entity, values), back...)
		if err != nil {
			return connect.Done{}, err
		}
		if !made && !same(row) {
			continue
		}
		if entity == entContact {
			if made { // a short answer may leave columns out
				row = Row{"Id": row.Text("Id"), "AccountId": j.account.String()}
			}
			return j.meet(row), nil // the winner of a race may have brought another account
		}
		return connect.Done{ID: row.GUID("Id").String()}, nil
	}
	return connect.Done{}, connect.Permanentf("create %s: both ids are taken by other records", entity)
}

// sameContact tells whether a record under our id still is this customer's.
func (j *job) sameContact(r Row) bool {
	c := j.ticket.Contact
	switch {
	case c.Phone != "":
		return hasPhone(r, c.Phone)
	case c.Email != "":
		return strings.EqualFold(strings.TrimSpace(r.Text("Email")), c.Email)
	}
	return r.GUID("Id") == j.id("contact") || strings.EqualFold(r.Text("Name"), fullName(c))
}

// contactKey names the customer for ever: by phone, else e-mail, else the
// ticket, which nobody shares.
func contactKey(t *connect.Ticket) string {
	switch {
	case lastTen(t.Contact.Phone) != "":
		return "phone/" + lastTen(t.Contact.Phone)
	case t.Contact.Email != "":
		return "email/" + strings.ToLower(t.Contact.Email)
	}
	return "ticket/" + t.ID
}

// fullName is never empty: the CRM refuses a contact without a name.
func fullName(c connect.Contact) string {
	parts := strings.Join(strings.Fields(c.Last+" "+c.First+" "+c.Middle), " ")
	return cmp.Or(strings.TrimSpace(c.Name), parts, c.Phone, c.Email, "Без имени")
}
