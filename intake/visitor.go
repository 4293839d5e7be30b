package intake

import (
	"slices"
	"strings"

	"styk"
	"styk/store"
)

// visitor is who a form post turned out to come from.
type visitor struct {
	contact   styk.ID
	fresh     bool // his first post
	account   styk.ID
	differing []styk.Column // values that wait for a person
}

// contactFields are the form fields, by their usual names, that tell something
// about the person. Phone, e-mail and ИНН go by their type.
var contactFields = map[string]string{
	"firstname": "first_name", "first_name": "first_name",
	"lastname": "last_name", "last_name": "last_name",
	"secondname": "second_name", "second_name": "second_name", "middlename": "second_name",
	"tgid": "telegram_id", "birthday": "birthday", "birthplace": "birthplace",
	"mailingstreet": "address", "address": "address", "requisites": "requisites", "position": "title",
}

// contactOf reads the person out of a form.
func contactOf(s *styk.Submission) *styk.Contact {
	c := &styk.Contact{
		Mobile: s.OfType(styk.FieldPhone),
		Email:  strings.ToLower(s.OfType(styk.FieldEmail)),
	}
	if inn := styk.CleanINN(s.OfType(styk.FieldINN)); len(inn) == personINN {
		c.INN = inn
	}
	columns := c.Columns()
	for _, f := range s.Fields {
		name, ok := contactFields[strings.ToLower(f.Name)]
		if !ok || f.Value == "" {
			continue
		}
		for _, col := range columns {
			if col.Name == name {
				_ = col.SetText(f.Value) // what is no date stays on the submission
			}
		}
	}
	if c.FirstName == "" && c.LastName == "" {
		c.LastName, c.FirstName, c.SecondName = SplitName(s.Value("name"))
	}
	if c.FirstName == "" && c.LastName == "" {
		c.LastName = "Посетитель сайта"
	}
	return c
}

const (
	personINN = 12 // digits
	firmINN   = 10
)

// patronymics are how the last of three Russian names ends.
var patronymics = []string{"ич", "вна", "чна", "оглы", "кызы"}

// SplitName takes a name apart as people write it into one field: "Анна
// Иванова", "Иванова Анна Петровна", "Анна Петровна". What is not clear stays
// together.
func SplitName(name string) (last, first, second string) {
	words := strings.Fields(name)
	patronymic := func(w string) bool {
		return slices.ContainsFunc(patronymics, func(end string) bool { return strings.HasSuffix(styk.Fold(w), end) })
	}
	switch n := len(words); {
	case n == 0:
		return "", "", ""
	case n == 1:
		return "", words[0], ""
	case n == 2 && patronymic(words[1]):
		return "", words[0], words[1]
	case n == 3 && patronymic(words[2]):
		return words[0], words[1], words[2]
	case n == 3 && patronymic(words[1]):
		return words[2], words[0], words[1]
	}
	return strings.Join(words[1:], " "), words[0], ""
}

// meetVisitor finds the person by phone, then ИНН, then e-mail, or makes him.
// Of a known one only empty fields are filled; keys that name different people
// are flagged on the record (contract, opening; 10).
func meetVisitor(tx *store.Tx, s *styk.Submission) (*visitor, error) {
	c := contactOf(s)
	who := &visitor{}
	var err error
	if who.account, err = meetFirm(tx, s); err != nil {
		return nil, err
	}
	c.Account = who.account
	keys := store.KeysOf(c)
	owners := make([]styk.ID, len(keys))
	for i, k := range keys { // sorted, so that transactions take them in one order
		if owners[i], err = tx.Claim(k); err != nil {
			return nil, err
		}
	}
	for _, what := range []string{".phone", ".inn", ".email"} {
		for i, k := range keys {
			if who.contact == 0 && strings.HasSuffix(k.Kind, what) {
				who.contact = owners[i]
			}
		}
	}
	if who.contact == 0 {
		fresh := clone(c)
		fresh.Base().Source = sourceForm
		Warn(fresh)
		if err := tx.Insert(fresh, byForm); err != nil {
			return nil, err
		}
		who.contact, who.fresh = fresh.Base().ID, true
		return who, nil
	}
	found := &styk.Contact{Entity: styk.Entity{ID: who.contact}}
	_, err = tx.Edit(found, byForm, func() error {
		who.differing = fillVisitor(found, c)
		Warn(found)
		for i, k := range keys {
			if owners[i] != 0 && owners[i] != who.contact {
				flagOther(found, strings.TrimPrefix(k.Kind, "contact."), owners[i])
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		if owners[i] == 0 {
			if err := tx.Unclaim(k); err != nil {
				return nil, err
			}
		}
	}
	return who, nil
}

// fillVisitor is fillEmpty that takes a name as a whole: half of one person's
// name never completes another's, and "Анна" neither fills nor contradicts
// "Анна Иванова", in whatever order the parts came.
func fillVisitor(has, came *styk.Contact) []styk.Column {
	known := styk.Words(has.FirstName + " " + has.SecondName + " " + has.LastName)
	if len(known) == 0 {
		return fillEmpty(has, came)
	}
	names := []styk.Column{{Name: "first_name", Value: &came.FirstName}, {Name: "second_name", Value: &came.SecondName},
		{Name: "last_name", Value: &came.LastName}}
	rest := *came
	rest.FirstName, rest.SecondName, rest.LastName = "", "", ""
	differing := fillEmpty(has, &rest)
	for _, w := range styk.Words(came.FirstName + " " + came.SecondName + " " + came.LastName) {
		if slices.Contains(known, w) {
			continue
		}
		for _, n := range names {
			if n.Text() != "" {
				differing = append(differing, n)
			}
		}
		break
	}
	return differing
}

// flagOther notes that a key of the post names another person.
func flagOther(c *styk.Contact, field string, other styk.ID) {
	w := styk.Warning{Field: field, Rule: "duplicate", Other: other}
	if !slices.Contains(c.Warnings, w) {
		c.Warnings = append(slices.Clip(c.Warnings), w)
	}
}

// meetFirm finds the firm by its ten-digit ИНН, or makes it. Without an ИНН a
// firm's name is too little to go by: it stays on the submission.
func meetFirm(tx *store.Tx, s *styk.Submission) (styk.ID, error) {
	inn := styk.CleanINN(s.OfType(styk.FieldINN))
	if len(inn) != firmINN || strings.Trim(inn, "0123456789") != "" {
		return 0, nil
	}
	key, _ := store.INNKey(styk.KindAccount, inn)
	id, err := tx.Claim(key)
	if err != nil || id != 0 {
		return id, err
	}
	a := &styk.Account{Name: s.Value("company"), INN: inn}
	if a.Name == "" {
		a.Name = "ИНН " + inn
	}
	a.Source = sourceForm
	Warn(a)
	err = tx.Insert(a, byForm)
	return a.ID, err
}
