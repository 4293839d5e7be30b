package api

import (
	"strconv"
	"time"

	"styk"
	"styk/intake"
	"styk/staff"
	"styk/store"
)

// What is noted of merging, giving and erasing people.
const (
	actionMerge  = "customer.merged"
	actionPart   = "customer.parted"
	actionApart  = "customer.apart"
	actionExport = "customer.exported"
	actionErase  = "customer.erased"
)

var personOperations = []operation{
	{id: "listDoubles", method: "GET", path: "/customers/{id}/doubles", rights: []staff.Right{staff.SeeCustomers}, tag: "customers",
		says: words{"Кто может быть тем же человеком", "Who may be the same person"}, answer: all[customerRow]{}, handle: (*call).listDoubles},
	{id: "planMerge", method: "GET", path: "/customers/{id}/merge", rights: []staff.Right{staff.ChangeCustomers}, tag: "customers",
		says:  words{"Что даст слияние", "What a merge would do"},
		query: []param{{name: "with", kind: "integer", text: "The customer who goes into this one.", eg: "18"}}, answer: mergePlan{}, handle: (*call).planMerge},
	{id: "mergeCustomer", method: "POST", path: "/customers/{id}/merge", rights: []staff.Right{staff.ChangeCustomers}, tag: "customers",
		says: words{"Слить другого клиента с этим", "Merge another customer into this one"}, body: merging{}, answer: customer{}, handle: (*call).mergeCustomer},
	{id: "partCustomer", method: "POST", path: "/customers/{id}/part", rights: []staff.Right{staff.ChangeCustomers}, tag: "customers",
		says: words{"Разделить слитых снова", "Part again who was merged into this one"}, body: other{}, answer: customer{}, handle: (*call).partCustomer},
	{id: "keepApart", method: "POST", path: "/customers/{id}/apart", rights: []staff.Right{staff.ChangeCustomers}, tag: "customers",
		says: words{"Это разные люди: снять отметку", "These are two people: take the flag off"}, body: other{}, answer: customer{}, handle: (*call).keepApart},
	{id: "exportCustomer", method: "GET", path: "/customers/{id}/export", rights: []staff.Right{staff.ExportPerson}, tag: "customers",
		says: words{"Всё, что хранится о человеке", "All that is kept of a person"}, answer: store.Dossier{}, handle: (*call).exportCustomer},
	{id: "eraseCustomer", method: "POST", path: "/customers/{id}/erase", rights: []staff.Right{staff.ErasePerson}, tag: "customers",
		says:  words{"Стереть человека всюду и навсегда", "Erase a person everywhere and for good"},
		about: "An erasure that was cut goes on when it is called again; a finished one is only read.",
		body:  erasing{}, answer: erasure{}, handle: (*call).eraseCustomer},
	{id: "getErasure", method: "GET", path: "/customers/{id}/erasure", rights: []staff.Right{staff.ErasePerson, staff.SeeAudit}, tag: "customers",
		says: words{"Запись о стирании", "The record of an erasure"}, answer: erasure{}, handle: (*call).getErasure},
}

func (c *call) listDoubles() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var rows []*store.CustomerRow
	err = c.view(func(tx *store.Tx) error {
		contact := contactOf(id)
		if err := tx.Load(contact); err != nil {
			return err
		}
		var err error
		rows, err = tx.Doubles(contact)
		return err
	})
	return allOf(rows, func(r *store.CustomerRow) customerRow {
		return customerRow{r.ID, r.Name, r.Mobile, r.Email, r.INN, r.Account, r.Created, showWarnings(r.Warnings)}
	}), err
}

type mergePlan struct {
	Filled    []mergeField   `json:"filled" doc:"Empty here: the other's values go over."`
	Differing []mergeField   `json:"differing" doc:"This one's stay, but for those named in take."`
	Moved     map[string]int `json:"moved" doc:"What goes over, counted." eg:"{\"ticket\":2}"`
}

type mergeField struct {
	Field string `json:"field" eg:"email"`
	Has   string `json:"has" eg:"ivan@firm.ru"`
	Comes string `json:"comes" eg:"ivan@mail.ru"`
}

func showMergeFields(list []intake.MergeField) []mergeField {
	shown := []mergeField{}
	for _, f := range list {
		shown = append(shown, mergeField{f.Column, f.Has, f.Comes})
	}
	return shown
}

func (c *call) planMerge() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	with := c.query.id("with")
	if with == 0 {
		return nil, styk.FieldError(styk.Missing, "with", "required", "С кем слить?")
	}
	var plan mergePlan
	err = c.view(func(tx *store.Tx) error {
		p, err := intake.PlanMerge(tx, id, with)
		if err != nil {
			return err
		}
		plan = mergePlan{showMergeFields(p.Filled), showMergeFields(p.Differing), map[string]int{}}
		for part := range p.Moved.Parts {
			plan.Moved[part] = p.Moved.Count(part)
		}
		return nil
	})
	return plan, err
}

type merging struct {
	With styk.ID  `json:"with" doc:"The customer who goes into this one." eg:"18"`
	Take []string `json:"take,omitempty" doc:"Differing fields in which the other's value stays." eg:"email"`
}

type other struct {
	Other styk.ID `json:"other" doc:"The other customer." eg:"18"`
}

func (c *call) mergeCustomer() (any, error) {
	in := c.in.(*merging)
	return c.mend(actionMerge, func(tx *store.Tx, contact *styk.Contact) error {
		return intake.Merge(tx, contact.ID, in.With, in.Take, c.by())
	})
}

func (c *call) partCustomer() (any, error) {
	in := c.in.(*other)
	return c.mend(actionPart, func(tx *store.Tx, contact *styk.Contact) error {
		m, err := tx.MergedInto(in.Other)
		if err != nil || m.Winner != contact.ID {
			return styk.FieldError(styk.Reference, "other", "reference", "Этот клиент сюда не слит")
		}
		return tx.Unmerge(in.Other, c.by())
	})
}

func (c *call) keepApart() (any, error) {
	in := c.in.(*other)
	return c.mend(actionApart, func(tx *store.Tx, contact *styk.Contact) error {
		if err := tx.Load(contactOf(in.Other)); err != nil {
			return styk.FieldError(styk.Reference, "other", "reference", "Такого клиента нет")
		}
		return tx.KeepApart(contact.ID, in.Other, c.by())
	})
}

func (c *call) exportCustomer() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var d *store.Dossier
	err = c.view(func(tx *store.Tx) (err error) {
		d, err = tx.Dossier(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, c.note(actionExport, id, 0)
}

type erasing struct {
	Confirm string `json:"confirm" doc:"The customer's number once more: nothing takes an erasure back." eg:"17"`
}

type erasure struct {
	Contact  styk.ID          `json:"customer" eg:"17"`
	User     styk.ID          `json:"user,omitempty" doc:"Who did it."`
	Begun    time.Time        `json:"begun"`
	Finished time.Time        `json:"finished,omitzero" doc:"Absent: it was cut and goes on."`
	Counts   map[string]int64 `json:"counts" doc:"What was emptied, counted."`
}

func showErasure(r *store.ErasureRecord) erasure {
	counts := r.Counts
	if counts == nil {
		counts = map[string]int64{}
	}
	return erasure{r.Contact, r.User, r.Begun, r.Finished, counts}
}

func (c *call) eraseCustomer() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	if c.in.(*erasing).Confirm != strconv.FormatInt(int64(id), 10) {
		return nil, styk.FieldError(styk.Invalid, "confirm", "confirm", "Повторите номер клиента: стёртое не вернуть")
	}
	r, err := c.s.Intake.Erase(c, id, c.by())
	if err != nil {
		return nil, err
	}
	return showErasure(r), c.note(actionErase, id, 0)
}

func (c *call) getErasure() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var r *store.ErasureRecord
	err = c.view(func(tx *store.Tx) (err error) {
		r, err = tx.Erasure(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return showErasure(r), nil
}
