package intake

import (
	"context"

	"styk"
	"styk/store"
)

// Post is one post of a public web form, translated to our nouns.
type Post struct {
	Contact styk.Contact
	Code    string            // SMS code of the pair, never kept as it is
	Values  map[string]string // what came, by field name, without the code
	Files   []Upload
	Address string // of the visitor
	Key     string // idempotency key; "" for none
	Hash    string // of values and files, for the key

	number string // of the ticket, where the form names targets
}

// byCapture stands in the history of what public forms brought.
var byCapture = store.By{Origin: "capture"}

// Capture stores a post of a public form with its contact, documents and pair
// of ИНН and code, in one transaction. A found contact is never overwritten:
// only his empty fields are filled, other values wait for a person (contract
// 10). It gives the contact's number.
func (in *Intake) Capture(ctx context.Context, form *styk.Webform, p Post) (id styk.ID, err error) {
	if len(form.Targets) > 0 {
		if p.number, err = in.numbers.Next(ctx, in.DB); err != nil {
			return 0, err
		}
		defer in.wake()
	}
	var docs []*styk.Document
	err = in.DB.Update(ctx, func(tx *store.Tx) (err error) {
		docs = nil
		scope := "capture:" + form.PublicID
		if p.Key != "" {
			if id, err = tx.Once(scope, p.Key, p.Hash); err != nil || id != 0 {
				return err
			}
		}
		if id, docs, err = in.capture(tx, form, p); err != nil || p.Key == "" {
			return err
		}
		return tx.Made(scope, p.Key, id)
	})
	if err != nil {
		return 0, err
	}
	return id, in.PlaceDocuments(ctx, docs...)
}

func (in *Intake) capture(tx *store.Tx, form *styk.Webform, p Post) (styk.ID, []*styk.Document, error) {
	id, differing, err := meet(tx, form, &p.Contact)
	if err != nil {
		return 0, nil, err
	}
	var docs []*styk.Document
	var ids []styk.ID
	for _, part := range form.Files {
		for _, up := range p.Files {
			if up.Part != part.Part {
				continue // stock ignores file parts that the form does not declare
			}
			d := &styk.Document{Title: part.Title, Placeholder: true}
			d.Source = "Webform"
			if err := in.AddDocument(tx, byCapture, d, up, id); err != nil {
				return 0, nil, err
			}
			docs, ids = append(docs, d), append(ids, d.ID)
		}
	}
	s := &store.Submission{Form: form.PublicID, Contact: id, Address: p.Address, Values: p.Values}
	if err := tx.SaveSubmission(s, ids); err != nil {
		return 0, nil, err
	}
	for _, d := range differing {
		if err := tx.Suggest(id, d.Name, d.Text(), s.ID); err != nil {
			return 0, nil, err
		}
	}
	if len(form.Targets) > 0 {
		if err := in.captureTicket(tx, form, p, s, docs); err != nil {
			return 0, nil, err
		}
	}
	return id, docs, tx.SaveCode(p.Contact.INN, p.Code, id, s.ID, false)
}

// meet finds the contact by phone or makes him, and gives the values that
// differ from those he has.
func meet(tx *store.Tx, form *styk.Webform, c *styk.Contact) (id styk.ID, differing []styk.Column, err error) {
	if key, ok := store.PhoneKey(styk.KindContact, c.Mobile); ok && form.Match != styk.MatchNever {
		if id, err = tx.Claim(key); err != nil {
			return 0, nil, err
		}
	}
	if id == 0 {
		fresh := clone(c)
		fresh.Base().Source = "Webform"
		Warn(fresh)
		err := tx.Insert(fresh, byCapture)
		return fresh.Base().ID, nil, err
	}
	found := &styk.Contact{}
	found.ID = id
	_, err = tx.Edit(found, byCapture, func() error {
		differing = fillEmpty(found, c)
		Warn(found)
		return nil
	})
	return id, differing, err
}

// fillEmpty copies values into empty columns and gives those that differ. A
// phone in another spelling, or a text in another case, does not differ.
func fillEmpty(to, from *styk.Contact) (differing []styk.Column) {
	into := to.Columns()
	for i, c := range from.Columns() {
		text, has := c.Text(), into[i].Text()
		switch {
		case text == "" || text == has:
		case has == "":
			into[i].SetText(text)
		case !samePhone(c.Name, text, has) && styk.Fold(text) != styk.Fold(has):
			differing = append(differing, c)
		}
	}
	return differing
}

func samePhone(column, a, b string) bool {
	if column != "mobile" && column != "phone" {
		return false
	}
	pa, ok := styk.ParsePhone(a)
	pb, both := styk.ParsePhone(b)
	return ok && both && pa == pb
}
