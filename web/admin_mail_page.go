package web

import (
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminMailPage lists letters that came and belong to no ticket.
type adminMailPage struct {
	adminFrame
	Messages []adminMessage
	May      bool
	Older    string
}

const (
	actionMailPut     = "mail.put"
	actionMailSettled = "mail.settled"
)

func (a *admin) showMail(v *visit) error {
	before, _ := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64)
	p := adminMailPage{May: v.may(staff.ChangeTickets)}
	f := &talkFacts{}
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		*f = talkFacts{files: map[styk.ID]*styk.Document{}}
		if f.messages, err = tx.LostMessages(styk.ID(max(before, 0)), pageSize+1); err != nil {
			return err
		}
		for _, m := range f.messages {
			if err := f.readMessage(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.adminFrame = a.frame(v, "/admin/tickets", choose(v.lang, "Письма без обращения", "Letters without a ticket"))
	if len(f.messages) > pageSize {
		f.messages = f.messages[:pageSize]
		p.Older = "/admin/mail?before=" + strconv.FormatInt(int64(f.messages[pageSize-1].ID), 10)
	}
	for _, m := range f.messages {
		p.Messages = append(p.Messages, a.message(v, m, f, nil))
	}
	return a.show(v, http.StatusOK, "admin_mail.html", p)
}

// putMail brings a letter to the ticket whose number was typed.
func (a *admin) putMail(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	var ticket styk.ID
	err = a.DB.Update(v.r.Context(), func(tx *store.Tx) error {
		t, err := findTyped(tx, v.r.PostForm.Get("number"))
		if styk.CodeOf(err) == styk.NotFound {
			return styk.Failed(styk.Invalid, choose(v.lang, "Обращения с таким номером нет", "There is no ticket with that number"))
		}
		if err != nil {
			return err
		}
		ticket = t.ID
		if err := a.Intake.PutLetter(tx, id, t); err != nil {
			return err
		}
		return tx.Audit(v.session.User.ID, actionMailPut, t.ID, 0)
	})
	if err != nil {
		return err
	}
	return v.redirect(address("tickets", ticket), "put")
}

// findTyped finds the one ticket that a typed number names, however it is
// grouped.
func findTyped(tx *store.Tx, typed string) (*styk.Ticket, error) {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, typed)
	if len(digits) < 9 {
		return nil, styk.Failed(styk.NotFound, "")
	}
	last := len(digits) - 1
	return tx.TicketByNumber(digits[:4] + "-" + digits[4:last] + "-" + digits[last:])
}

func (a *admin) settleMail(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	err = a.DB.Update(v.r.Context(), func(tx *store.Tx) error {
		if err := tx.SettleMessage(id, true); err != nil {
			return err
		}
		return tx.Audit(v.session.User.ID, actionMailSettled, 0, 1)
	})
	if err != nil {
		return err
	}
	return v.redirect("/admin/mail", "settled")
}
