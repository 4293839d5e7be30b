package intake

import (
	"styk"
	"styk/store"
)

// SaveContact finds the contact by phone, in whatever spelling, and changes
// it, or makes a new one (contract 4). Non-empty values of c overwrite, empty
// ones leave the old. A code is stored with the contact's ИНН and opens his
// documents: the caller vouches that he has checked the phone.
// It gives the contact's number and belongs in a DB.Update closure.
func SaveContact(tx *store.Tx, by store.By, c *styk.Contact, code string) (styk.ID, error) {
	key, ok := store.PhoneKey(styk.KindContact, c.Mobile)
	id, err := saveMatched(tx, by, c, key, ok)
	if err != nil {
		return 0, err
	}
	return id, tx.SaveCode(c.INN, code, id, 0, true)
}

// SaveAccount does the same for a firm, found by ИНН.
func SaveAccount(tx *store.Tx, by store.By, a *styk.Account) (styk.ID, error) {
	key, ok := store.INNKey(styk.KindAccount, a.INN)
	return saveMatched(tx, by, a, key, ok)
}

// saveMatched takes the key's row first: two calls at once cannot make two
// records (architecture 6).
func saveMatched(tx *store.Tx, by store.By, rec styk.Record, key store.Key, keyed bool) (styk.ID, error) {
	var id styk.ID
	var err error
	if keyed {
		if id, err = tx.Claim(key); err != nil {
			return 0, err
		}
	}
	e := rec.Base()
	if id == 0 {
		fresh := clone(rec)
		Warn(fresh)
		err := tx.Insert(fresh, by)
		return fresh.Base().ID, err
	}
	found := styk.NewRecord(rec.Kind())
	found.Base().ID = id
	_, err = tx.Edit(found, by, func() error {
		overwrite(found, rec)
		if e.Owner != 0 && found.Base().Owner == 0 {
			found.Base().Owner = e.Owner
		}
		Warn(found)
		return nil
	})
	return id, err
}

// clone copies a record's columns into a new one: a closure may run twice, and
// Insert writes into what it is given.
func clone(rec styk.Record) styk.Record {
	fresh := styk.NewRecord(rec.Kind())
	*fresh.Base() = *rec.Base()
	overwrite(fresh, rec)
	return fresh
}

// overwrite sets to's columns to from's where those are not empty.
func overwrite(to, from styk.Record) {
	into := to.Columns()
	for i, c := range from.Columns() {
		if text := c.Text(); text != "" {
			into[i].SetText(text) // its own text always parses
		}
	}
}

// SaveProject makes a new project; its references are checked for right kind
// (contract 6). The faults name the seed's fields.
func SaveProject(tx *store.Tx, by store.By, p *styk.Project) (styk.ID, error) {
	if err := CheckReferences(tx, []Reference{
		{"contactid", p.Contact, styk.KindContact},
		{"offenderid", p.Offender, styk.KindAccount},
		{"agentid", p.Agent, styk.KindAccount},
	}); err != nil {
		return 0, err
	}
	fresh := clone(p).(*styk.Project)
	Warn(fresh)
	if err := tx.Insert(fresh, by); err != nil {
		return 0, err
	}
	return fresh.ID, nil
}

// Reference is a field that names a living record of one kind; 0 names none.
type Reference struct {
	Field string
	ID    styk.ID
	Kind  styk.Kind
}

// CheckReferences gives a styk.Reference error with all fields that name
// nothing, or a record of another kind.
func CheckReferences(tx *store.Tx, refs []Reference) error {
	var faults []styk.Fault
	for _, ref := range refs {
		if ref.ID == 0 {
			continue
		}
		rec, err := tx.Find(ref.ID)
		switch {
		case styk.CodeOf(err) == styk.NotFound:
			faults = append(faults, styk.Fault{Field: ref.Field, Rule: "reference", Text: "there is no such record"})
		case err != nil:
			return err
		case rec.Kind() != ref.Kind:
			faults = append(faults, styk.Fault{Field: ref.Field, Rule: "reference",
				Text: "expected a record of kind " + string(ref.Kind) + ", this is of kind " + string(rec.Kind())})
		}
	}
	if faults != nil {
		return &styk.Error{Code: styk.Reference, Faults: faults}
	}
	return nil
}
