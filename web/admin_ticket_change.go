package web

import (
	"slices"
	"strings"

	"styk"
	"styk/store"
)

// What is noted of people's work on tickets.
const (
	actionStatus = "ticket.status"
	actionNote   = "ticket.note"
	actionUndo   = "record.undone"
	actionSettle = "value.settled"
	actionFile   = "file.read"
)

// change runs a person's change of the ticket in the address and notes it.
func (a *admin) change(v *visit, action, said string, do func(tx *store.Tx, t *styk.Ticket) error) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	err = a.DB.Update(v.r.Context(), func(tx *store.Tx) error {
		t := &styk.Ticket{}
		t.ID = id
		if err := tx.Load(t); err != nil {
			return err
		}
		if err := do(tx, t); err != nil {
			return err
		}
		return tx.Audit(v.session.User.ID, action, id, 0)
	})
	if err != nil {
		return err
	}
	return v.redirect(address("tickets", id), said)
}

func (a *admin) setStatus(v *visit) error {
	status := v.r.PostForm.Get("status")
	if !slices.Contains(statuses, status) {
		return styk.Failed(styk.Invalid, choose(v.lang, "Такого состояния нет", "There is no such status"))
	}
	return a.change(v, actionStatus, "status", func(tx *store.Tx, t *styk.Ticket) error {
		_, err := tx.Edit(t, v.by(), func() error {
			t.Status = status
			return nil
		})
		return err
	})
}

const maxNote = 10000 // bytes

func (a *admin) addNote(v *visit) error {
	text := strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(v.r.PostForm.Get("text"), "\x00", ""), "\uFFFD"))
	if text == "" || len(text) > maxNote {
		return styk.Failed(styk.Invalid, choose(v.lang, "Заметка пуста или слишком длинная", "The note is empty or too long"))
	}
	return a.change(v, actionNote, "noted", func(tx *store.Tx, t *styk.Ticket) error {
		c := &styk.Comment{Text: text, Related: t.ID}
		c.Owner, c.Source = v.session.User.ID, "CRM"
		return tx.Insert(c, v.by())
	})
}

func (a *admin) settle(v *visit) error {
	id, accept := settling(v)
	said := "dropped"
	if accept {
		said = "accepted"
	}
	return a.change(v, actionSettle, said, func(tx *store.Tx, t *styk.Ticket) error {
		return tx.Settle(t.Contact, id, accept, v.by())
	})
}

// undo takes back one change of the ticket or of its customer.
func (a *admin) undo(v *visit) error {
	return a.change(v, actionUndo, "undone", func(tx *store.Tx, t *styk.Ticket) error { return undoChange(tx, v, t.ID, t.Contact) })
}
