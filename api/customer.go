package api

import (
	"net/http"
	"reflect"
	"strconv"
	"time"

	"styk"
	"styk/intake"
	"styk/staff"
	"styk/store"
)

// What is noted of work on customers.
const (
	actionCustomerMade   = "customer.made"
	actionCustomerChange = "customer.changed"
	actionUndo           = "record.undone"
	actionSettle         = "value.settled"
)

var customerOperations = []operation{
	{id: "listCustomers", method: "GET", path: "/customers", rights: []staff.Right{staff.SeeCustomers}, tag: "customers",
		says: words{"Найти клиентов или перечислить их", "Find customers, or list them"},
		query: append([]param{
			{name: "q", kind: "string", text: "What a person would type: the tail of a phone, name, e-mail, ИНН, ticket number, card.", eg: "1234511"},
			{name: "flagged", kind: "boolean", text: "Only those that may be doubles.", eg: "true"},
		}, paged...), answer: page[customerRow]{}, handle: (*call).listCustomers},
	{id: "saveCustomer", method: "POST", path: "/customers", rights: []staff.Right{staff.ChangeCustomers}, tag: "customers",
		says:  words{"Завести клиента или дополнить найденного по телефону", "Make a customer, or add to the one with this phone"},
		about: "The phone finds the customer in whatever spelling; then values that came overwrite, empty ones leave what was.",
		body:  customerChange{}, answer: customer{}, status: http.StatusCreated, once: true, handle: (*call).saveCustomer},
	{id: "getCustomer", method: "GET", path: "/customers/{id}", rights: []staff.Right{staff.SeeCustomers}, tag: "customers",
		says: words{"Прочитать клиента", "Read a customer"}, answer: customer{}, handle: (*call).getCustomer},
	{id: "changeCustomer", method: "PATCH", path: "/customers/{id}", rights: []staff.Right{staff.ChangeCustomers}, tag: "customers",
		says:  words{"Изменить клиента", "Change a customer"},
		about: "What is absent stays as it was; an empty text empties.",
		body:  customerChange{}, answer: customer{}, match: true, handle: (*call).changeCustomer},
	{id: "getCustomerHistory", method: "GET", path: "/customers/{id}/history", rights: []staff.Right{staff.SeeCustomers}, tag: "customers",
		says: words{"История изменений клиента", "History of a customer"}, query: paged, answer: page[change]{}, handle: (*call).customerHistory},
	{id: "undoCustomerChange", method: "POST", path: "/customers/{id}/undo", rights: []staff.Right{staff.ChangeCustomers}, tag: "customers",
		says: words{"Отменить изменение клиента", "Undo a change of a customer"}, body: undoing{}, answer: customer{}, handle: (*call).undoCustomer},
	{id: "listSuggestions", method: "GET", path: "/customers/{id}/suggestions", rights: []staff.Right{staff.SeeCustomers}, tag: "customers",
		says: words{"Отличающиеся значения из форм", "Differing values that forms brought"}, answer: all[suggestion]{}, handle: (*call).listSuggestions},
	{id: "settleSuggestion", method: "POST", path: "/customers/{id}/suggestions/{value}", rights: []staff.Right{staff.ChangeCustomers},
		tag: "customers", says: words{"Принять значение или отбросить", "Accept a value or drop it"}, body: settling{}, answer: customer{},
		handle: (*call).settleSuggestion},
	{id: "listProjects", method: "GET", path: "/customers/{id}/projects", rights: []staff.Right{staff.SeeCustomers}, tag: "customers",
		says: words{"Проекты клиента, последние 200", "A customer's projects, the newest 200"}, answer: all[project]{}, handle: (*call).listProjects},
	{id: "listSubmissions", method: "GET", path: "/customers/{id}/submissions", rights: []staff.Right{staff.SeeCustomers}, tag: "customers",
		says: words{"Что клиент прислал через формы, последние 200", "What a customer sent by forms, the newest 200"}, answer: all[submission]{},
		handle: (*call).listSubmissions},
}

type customerRow struct {
	ID       styk.ID   `json:"id" eg:"17"`
	Name     string    `json:"name" eg:"Иванов Иван"`
	Mobile   string    `json:"mobile" eg:"+79491234511"`
	Email    string    `json:"email" eg:"ivan@firm.ru"`
	INN      string    `json:"inn" eg:"643922466250"`
	Account  string    `json:"account" doc:"Name of the firm." eg:""`
	Created  time.Time `json:"created"`
	Warnings []warning `json:"warnings"`
}

type warning struct {
	Field string  `json:"field" eg:"inn"`
	Rule  string  `json:"rule" eg:"inn"`
	Text  string  `json:"text" eg:"неверная контрольная цифра"`
	Other styk.ID `json:"other,omitempty" doc:"The other record of a double."`
}

func showWarnings(list []styk.Warning) []warning {
	shown := []warning{}
	for _, w := range list {
		shown = append(shown, warning{w.Field, w.Rule, w.Text, w.Other})
	}
	return shown
}

type customer struct {
	ID         styk.ID   `json:"id" eg:"17"`
	FirstName  string    `json:"first_name" eg:"Иван"`
	SecondName string    `json:"second_name" eg:"Петрович"`
	LastName   string    `json:"last_name" eg:"Иванов"`
	Mobile     string    `json:"mobile" eg:"+79491234511"`
	Phone      string    `json:"phone"`
	Email      string    `json:"email" eg:"ivan@firm.ru"`
	TelegramID string    `json:"telegram_id"`
	Birthday   styk.Date `json:"birthday" doc:"YYYY-MM-DD or empty." eg:"1986-11-15"`
	Birthplace string    `json:"birthplace"`
	Address    string    `json:"address"`
	INN        string    `json:"inn" eg:"643922466250"`
	Requisites string    `json:"requisites"`
	Account    styk.ID   `json:"account_id" doc:"0: none." eg:"0"`
	Title      string    `json:"title" doc:"Position at the firm."`
	Text       string    `json:"text" doc:"Remarks."`
	Source     string    `json:"source" eg:"Webform"`
	Created    time.Time `json:"created"`
	Modified   time.Time `json:"modified"`
	Warnings   []warning `json:"warnings"`
}

func showCustomer(c *styk.Contact) customer {
	return customer{c.ID, c.FirstName, c.SecondName, c.LastName, c.Mobile, c.Phone, c.Email, c.TelegramID, c.Birthday, c.Birthplace,
		c.Address, c.INN, c.Requisites, c.Account, c.Title, c.Text, c.Source, c.Created, c.Modified, showWarnings(c.Warnings)}
}

// customerChange holds what may be written, under the columns' names.
type customerChange struct {
	FirstName  *string  `json:"first_name" eg:"Иван"`
	SecondName *string  `json:"second_name"`
	LastName   *string  `json:"last_name" eg:"Иванов"`
	Mobile     *string  `json:"mobile" eg:"+7 949 123-45-11"`
	Phone      *string  `json:"phone"`
	Email      *string  `json:"email"`
	TelegramID *string  `json:"telegram_id"`
	Birthday   *string  `json:"birthday"`
	Birthplace *string  `json:"birthplace"`
	Address    *string  `json:"address"`
	INN        *string  `json:"inn"`
	Requisites *string  `json:"requisites"`
	Account    *styk.ID `json:"account_id"`
	Title      *string  `json:"title"`
	Text       *string  `json:"text"`
}

const maxText = 20_000 // letters of one value

// apply writes what came into the record, and tells all that is wrong at once.
func (in *customerChange) apply(c *styk.Contact) error {
	columns := map[string]styk.Column{}
	for _, column := range c.Columns() {
		columns[column.Name] = column
	}
	var faults []styk.Fault
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			continue
		}
		name, text := jsonName(v.Type().Field(i)), ""
		switch value := v.Field(i).Elem().Interface().(type) {
		case styk.ID:
			text = strconv.FormatInt(int64(value), 10)
		case string:
			text = value
		}
		if len([]rune(text)) > maxText {
			faults = append(faults, styk.Fault{Field: name, Rule: "length", Text: "Не длиннее 20 000 знаков"})
		} else if f := columns[name].SetText(text); f != nil {
			faults = append(faults, *f)
		}
	}
	if faults != nil {
		return &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return nil
}

func (in *customerChange) references(tx *store.Tx) error {
	if in.Account == nil || *in.Account == 0 {
		return nil
	}
	return intake.CheckReferences(tx, []intake.Reference{{Field: "account_id", ID: *in.Account, Kind: styk.KindAccount}})
}

func (c *call) listCustomers() (any, error) {
	var rows []*store.CustomerRow
	err := c.view(func(tx *store.Tx) (err error) {
		rows, err = tx.Customers(store.CustomerFilter{Query: c.query["q"], Flagged: c.query["flagged"] == "true",
			Before: c.query.id("before"), Limit: c.limit() + 1})
		return err
	})
	if err != nil {
		return nil, err
	}
	return pageOf(c, rows, func(r *store.CustomerRow) int64 { return int64(r.ID) }, func(r *store.CustomerRow) customerRow {
		return customerRow{r.ID, r.Name, r.Mobile, r.Email, r.INN, r.Account, r.Created, showWarnings(r.Warnings)}
	}), nil
}

func (c *call) saveCustomer() (any, error) {
	in := c.in.(*customerChange)
	fresh := &styk.Contact{}
	if err := in.apply(fresh); err != nil {
		return nil, err
	}
	if fresh.LastName == "" && fresh.FirstName == "" && fresh.Mobile == "" && fresh.Email == "" {
		return nil, styk.FieldError(styk.Missing, "last_name", "required", "Нужны имя, телефон или почта")
	}
	fresh.Source = "API"
	var id styk.ID
	var found bool
	err := c.s.DB.Update(c, func(tx *store.Tx) (err error) {
		if err := in.references(tx); err != nil {
			return err
		}
		made := false
		id, err = c.once(tx, string(c.body), func() (styk.ID, error) {
			before := styk.ID(0)
			if key, ok := store.PhoneKey(styk.KindContact, fresh.Mobile); ok {
				if before, err = tx.Lookup(key); err != nil {
					return 0, err
				}
			}
			made = before == 0
			return intake.SaveContact(tx, c.by(), fresh, "")
		})
		if err != nil {
			return err
		}
		found = !made
		return tx.Audit(c.key.User, actionCustomerMade, id, 0)
	})
	if err != nil {
		return nil, err
	}
	if found {
		c.status = http.StatusOK
	}
	return c.readCustomer(id)
}

func (c *call) getCustomer() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	return c.readCustomer(id)
}

func (c *call) readCustomer(id styk.ID) (any, error) {
	contact := &styk.Contact{}
	err := c.view(func(tx *store.Tx) error {
		contact.ID = id
		if err := tx.Load(contact); err != nil {
			return err
		}
		return c.tagged(tx, id)
	})
	return showCustomer(contact), err
}

// mend changes the customer in the address and shows him as he then is.
func (c *call) mend(action string, do func(tx *store.Tx, contact *styk.Contact) error) (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	err = c.change(action, id, func(tx *store.Tx) error {
		contact := &styk.Contact{}
		contact.ID = id
		if err := tx.Load(contact); err != nil {
			return err
		}
		return do(tx, contact)
	})
	if err != nil {
		return nil, err
	}
	return c.readCustomer(id)
}

func (c *call) changeCustomer() (any, error) {
	in := c.in.(*customerChange)
	return c.mend(actionCustomerChange, func(tx *store.Tx, contact *styk.Contact) error {
		if err := c.match(tx, contact.ID); err != nil {
			return err
		}
		if err := in.references(tx); err != nil {
			return err
		}
		_, err := tx.Edit(contact, c.by(), func() error {
			if err := in.apply(contact); err != nil {
				return err
			}
			intake.Warn(contact)
			return nil
		})
		return err
	})
}

// undoing names a change to be taken back.
type undoing struct {
	Change int64 `json:"change" doc:"Number of the change in the history." eg:"42"`
}

func (c *call) customerHistory() (any, error) { return c.history(styk.KindContact) }

func (c *call) undoCustomer() (any, error) {
	in := c.in.(*undoing)
	return c.mend(actionUndo, func(tx *store.Tx, contact *styk.Contact) error { return c.undo(tx, contact.ID, in.Change) })
}

// undo takes back one change of a record's own values.
func (c *call) undo(tx *store.Tx, record styk.ID, tick int64) error {
	list, err := tx.History(record, tick+1, 1)
	if err != nil {
		return err
	}
	if len(list) == 0 || list[0].Tick != tick || list[0].Op != "update" {
		return styk.FieldError(styk.Reference, "change", "reference", "Такого изменения значений у записи нет")
	}
	return tx.Undo(tick, c.by())
}

// change is one entry of a history.
type change struct {
	Change int64              `json:"change" doc:"For undo." eg:"42"`
	Op     string             `json:"op" doc:"create, update, delete, undelete, link, unlink, erase" eg:"update"`
	At     time.Time          `json:"at"`
	User   styk.ID            `json:"user,omitempty" doc:"Who did it; absent: a program without a person's name."`
	Origin string             `json:"origin" doc:"Through what; api:NAME is a key." eg:"admin"`
	Fields map[string]between `json:"fields" doc:"By name, of an update." eg:"{\"status\":{\"from\":\"Open\",\"to\":\"Closed\"}}"`
}

type between struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func showChange(h store.Change) change {
	fields := map[string]between{}
	for name, v := range h.Fields {
		fields[name] = between{v[0], v[1]}
	}
	return change{h.Tick, h.Op, h.At, h.User, h.Origin, fields}
}

func changeNumber(h store.Change) int64 { return h.Tick }

// history lists the changes of the living record in the address.
func (c *call) history(kind styk.Kind) (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var list []store.Change
	err = c.view(func(tx *store.Tx) (err error) {
		rec := styk.NewRecord(kind)
		rec.Base().ID = id
		if err := tx.Load(rec); err != nil {
			return err
		}
		list, err = tx.History(id, int64(c.query.id("before")), c.limit()+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pageOf(c, list, changeNumber, showChange), nil
}

type suggestion struct {
	ID         styk.ID   `json:"id" eg:"3"`
	Field      string    `json:"field" eg:"email"`
	Value      string    `json:"value" eg:"ivan@mail.ru"`
	Submission styk.ID   `json:"submission" eg:"12"`
	State      string    `json:"state" enum:"open,accepted,dropped"`
	Created    time.Time `json:"created"`
}

func (c *call) listSuggestions() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var list []store.Suggestion
	err = c.view(func(tx *store.Tx) (err error) {
		if err := tx.Load(contactOf(id)); err != nil {
			return err
		}
		list, err = tx.Suggestions(id)
		return err
	})
	return allOf(list, func(s store.Suggestion) suggestion {
		return suggestion{s.ID, s.Field, s.Value, s.Submission, s.State, s.Created}
	}), err
}

func contactOf(id styk.ID) *styk.Contact {
	contact := &styk.Contact{}
	contact.ID = id
	return contact
}

type settling struct {
	Answer string `json:"answer" enum:"accept,drop"`
}

func (c *call) settleSuggestion() (any, error) {
	value, err := c.id("value")
	if err != nil {
		return nil, err
	}
	answer := c.in.(*settling).Answer
	return c.mend(actionSettle, func(tx *store.Tx, contact *styk.Contact) error {
		return tx.Settle(contact.ID, value, answer == "accept", c.by())
	})
}

type project struct {
	ID      styk.ID           `json:"id" eg:"83834"`
	Name    string            `json:"name" eg:"Возврат за тур"`
	Fields  map[string]string `json:"fields" doc:"Every field that has a value, by name." eg:"{\"subject\":\"Тур\"}"`
	Created time.Time         `json:"created"`
}

func (c *call) listProjects() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var list []*styk.Project
	err = c.view(func(tx *store.Tx) (err error) {
		if err := tx.Load(contactOf(id)); err != nil {
			return err
		}
		list, err = tx.ProjectsOf(id, maxLimit)
		return err
	})
	return allOf(list, func(p *styk.Project) project {
		fields := map[string]string{}
		for _, column := range p.Columns() {
			if text := column.Text(); text != "" {
				fields[column.Name] = text
			}
		}
		return project{p.ID, p.Label(), fields, p.Created}
	}), err
}

type submission struct {
	ID       styk.ID   `json:"id" eg:"12"`
	Form     string    `json:"form" eg:"feedback"`
	Title    string    `json:"title" eg:"Обратная связь"`
	Ticket   styk.ID   `json:"ticket,omitempty" eg:"4711"`
	Created  time.Time `json:"created"`
	Fields   []answer  `json:"fields"`
	Consents []consent `json:"consents"`
	Reasons  []string  `json:"suspicion" doc:"Why it may be unwanted; empty: it is not."`
}

type answer struct {
	Name  string `json:"name" eg:"topic"`
	Label string `json:"label" eg:"Тема обращения"`
	Type  string `json:"type" eg:"text"`
	Value string `json:"value" eg:"Касса не печатает"`
}

type consent struct {
	Field   string    `json:"field" eg:"consent"`
	Text    string    `json:"text" eg:"Согласие на обработку персональных данных"`
	Version string    `json:"version" eg:"0123456789abcdef"`
	At      time.Time `json:"at"`
	Address string    `json:"address" eg:"203.0.113.7"`
}

func showSubmission(s *styk.Submission) submission {
	shown := submission{s.ID, s.Form, s.Title, s.Ticket, s.Created, []answer{}, []consent{}, append([]string{}, s.Reasons...)}
	for _, f := range s.Fields {
		shown.Fields = append(shown.Fields, answer{f.Name, f.Label, f.Type, f.Value})
	}
	for _, k := range s.Consents {
		shown.Consents = append(shown.Consents, consent{k.Field, k.Text, k.Version, k.At, k.Address})
	}
	return shown
}

func (c *call) listSubmissions() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var list all[submission]
	err = c.view(func(tx *store.Tx) error {
		list = all[submission]{Items: []submission{}}
		if err := tx.Load(contactOf(id)); err != nil {
			return err
		}
		posts, values, err := tx.SubmissionsOf(id, maxLimit)
		for i, post := range posts {
			shown := showSubmission(post)
			if len(shown.Fields) == 0 { // capture.php keeps its values by name
				for _, name := range sortedKeys(values[i]) {
					shown.Fields = append(shown.Fields, answer{Name: name, Type: styk.FieldText, Value: values[i][name]})
				}
			}
			list.Items = append(list.Items, shown)
		}
		return err
	})
	return list, err
}
