package creatio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"styk"
	"styk/connect"
)

// customer finds or makes the contact of the ticket and, for a new one, its
// account; it sets j.contact and j.account. What the search found is a step of
// its own, so that a later attempt does not choose anew.
func (j *job) customer(ctx context.Context) error {
	found, err := j.p.Step(ctx, "contact.find", connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
		row, err := j.search(ctx)
		if err != nil || row == nil {
			return connect.Done{ID: nobody}, err
		}
		j.contact, j.account = row.GUID("Id"), row.GUID("AccountId")
		return connect.Done{ID: j.contact.String()}, nil
	})
	if err != nil {
		return err
	}
	if found.ID != nobody {
		return j.recall(ctx, found.ID)
	}
	if err := j.makeAccount(ctx); err != nil {
		return err
	}
	done, err := j.p.Step(ctx, "contact", j.findContact, j.createContact)
	if err != nil {
		return err
	}
	return j.recall(ctx, done.ID)
}

// nobody is the receipt of a search that found no contact.
const nobody = "none"

// recall takes up a contact that this or an earlier attempt settled on; its
// account is read only when this attempt has not met it.
func (j *job) recall(ctx context.Context, id string) error {
	contact, err := uuid.Parse(id)
	if err != nil {
		return fmt.Errorf("recall contact: %w", err)
	}
	if j.contact == contact {
		return nil
	}
	j.contact = contact
	if j.p.DryRun {
		return nil // it was not made: there is nothing to read
	}
	row, err := j.n.Get(ctx, entContact, contact, "Id", "AccountId")
	if err != nil && !errors.Is(err, connect.NotFound) { // merged or deleted meanwhile: the case will tell
		return err
	}
	j.account = row.GUID("AccountId")
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

// makeAccount finds or makes the legal entity of a new contact; without a
// company's name there is none.
func (j *job) makeAccount(ctx context.Context) error {
	name := j.company()
	if name == "" {
		return nil
	}
	done, err := j.p.Step(ctx, "account", j.findAccount, func(ctx context.Context) (connect.Done, error) {
		if d, err := j.findAccount(ctx); !errors.Is(err, connect.NotFound) {
			return d, err
		}
		values := map[string]any{"Name": cut(name, j.t.limit(entAccount, "Name"))}
		if column := j.t.set.Text("account_inn_column"); column != "" && j.ticket.Contact.INN != "" {
			values[column] = j.ticket.Contact.INN
		}
		j.mapped(entAccount, values)
		return j.createOnce(ctx, entAccount, j.accountKey(), values, j.sameAccount, "Id", "Name")
	})
	if err != nil {
		return err
	}
	j.account, err = uuid.Parse(done.ID)
	return err
}

// company is the legal entity's name by the form field that the settings name.
func (j *job) company() string {
	field := j.t.set.Text("account_from")
	if slices.ContainsFunc(j.ticket.Fields, func(v connect.Value) bool { return v.Name == field }) {
		return strings.TrimSpace(j.ticket.Value(field))
	}
	return strings.TrimSpace(j.ticket.Contact.Company)
}

// findAccount looks by ИНН where the CRM has a column for it, else by the exact
// name; the oldest of several, which is the one that people know.
func (j *job) findAccount(ctx context.Context) (connect.Done, error) {
	f := Eq("Name", cut(j.company(), j.t.limit(entAccount, "Name")))
	if column := j.t.set.Text("account_inn_column"); column != "" && j.ticket.Contact.INN != "" {
		f = Eq(column, j.ticket.Contact.INN)
	}
	rows, err := j.n.List(ctx, entAccount, Query{Select: []string{"Id", "Name"}, Filter: f, OrderBy: "CreatedOn,Id", Top: 1})
	if err != nil {
		return connect.Done{}, err
	}
	if len(rows) == 0 {
		return connect.Done{}, connect.NotFound
	}
	return connect.Done{ID: rows[0].GUID("Id").String()}, nil
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
		j.contact, j.account = id, row.GUID("AccountId")
		return connect.Done{ID: id.String()}, nil
	}
	row, err := j.search(ctx)
	if err != nil {
		return connect.Done{}, err
	}
	if row == nil {
		return connect.Done{}, connect.NotFound
	}
	j.contact, j.account = row.GUID("Id"), row.GUID("AccountId")
	return connect.Done{ID: j.contact.String()}, nil
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
			j.contact = row.GUID("Id")
			if !made { // the winner of a race may have brought another account
				j.account = row.GUID("AccountId")
			}
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

func (j *job) sameAccount(r Row) bool {
	if j.t.set.Text("account_inn_column") != "" && j.ticket.Contact.INN != "" {
		return true // the id was made of the ИНН; a firm may be renamed
	}
	return strings.EqualFold(strings.TrimSpace(r.Text("Name")), cut(j.company(), j.t.limit(entAccount, "Name")))
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

// accountKey names the firm: by ИНН where the CRM has a column to compare it.
func (j *job) accountKey() string {
	if inn := j.ticket.Contact.INN; inn != "" && j.t.set.Text("account_inn_column") != "" {
		return "inn/" + inn
	}
	return "name/" + strings.ToLower(j.company())
}

// fullName is never empty: the CRM refuses a contact without a name.
func fullName(c connect.Contact) string {
	parts := strings.Join(strings.Fields(c.Last+" "+c.First+" "+c.Middle), " ")
	return cmp.Or(strings.TrimSpace(c.Name), parts, c.Phone, c.Email, "Без имени")
}

// phoneVariants are the spellings under which people keep a number in a CRM.
func phoneVariants(phone string) []string {
	if phone == "" {
		return nil
	}
	n, russian := strings.CutPrefix(phone, "+7")
	if !russian || len(n) != 10 {
		return []string{phone, strings.TrimPrefix(phone, "+")}
	}
	a, b, c, d := n[:3], n[3:6], n[6:8], n[8:]
	return []string{
		phone, "7" + n, "8" + n, n,
		"+7 (" + a + ") " + b + "-" + c + "-" + d,
		"+7(" + a + ") " + b + "-" + c + "-" + d,
		"+7(" + a + ")" + b + "-" + c + "-" + d,
		"+7 " + a + " " + b + "-" + c + "-" + d,
		"+7 " + a + " " + b + " " + c + " " + d,
		"8 (" + a + ") " + b + "-" + c + "-" + d,
		"8 " + a + " " + b + "-" + c + "-" + d,
	}
}

func hasPhone(r Row, phone string) bool {
	tail := lastTen(phone)
	return tail != "" && (lastTen(r.Text("MobilePhone")) == tail || lastTen(r.Text("Phone")) == tail)
}

// lastTen gives the digits by which numbers are compared; "" when there are
// fewer than ten.
func lastTen(text string) string {
	p, ok := styk.ParsePhone(text)
	if !ok {
		return ""
	}
	digits := strings.TrimPrefix(string(p), "+")
	return digits[max(0, len(digits)-10):]
}

func reversed(digits string) string {
	b := []byte(digits)
	slices.Reverse(b)
	return string(b)
}
