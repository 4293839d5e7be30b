package intake

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"strconv"
	"strings"

	"styk"
	"styk/store"
)

// Answer is what one of us writes to a customer by e-mail.
type Answer struct {
	Ticket styk.ID
	To     string
	Text   string // sent as it is
	Status string // of the ticket afterwards; "": as it was
	Key    string // the same one sends the same text once; "": each time
}

// MaxAnswer bounds the text of an answer, in bytes.
const MaxAnswer = 50000

// Answer stores the letter and sends it on its way; the customer waits no longer.
// It belongs in a DB.Update closure; Wake follows the commit. styk.Conflict when
// no letters can be sent from here.
func (in *Intake) Answer(tx *store.Tx, a Answer, by store.By) (*styk.Message, error) {
	if a.Key != "" {
		made, err := tx.Once("answer", a.Key, fmt.Sprint(a.Ticket))
		if err != nil || made != 0 {
			return nil, err
		}
	}
	mailbox, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil {
		return nil, err
	}
	if mailbox[styk.MailTarget] == 0 {
		return nil, styk.Failed(styk.Conflict, "почта не настроена: письма отправлять некому")
	}
	t := &styk.Ticket{}
	t.ID = a.Ticket
	if err := tx.Load(t); err != nil {
		return nil, err
	}
	if address, err := mail.ParseAddress(a.To); err != nil || address.Address != a.To {
		return nil, styk.FieldError(styk.Invalid, "to", "email", "на такой адрес письмо не отправить")
	}
	m := &styk.Message{Ticket: a.Ticket, Out: true, Kind: styk.MessageLetter, User: by.User, Address: a.To, Text: a.Text}
	if m.Subject, err = answerSubject(tx, t); err != nil {
		return nil, err
	}
	if err := tx.AddMessage(m); err != nil {
		return nil, err
	}
	m.MessageID = tx.DB().Thread(a.Ticket, strconv.FormatInt(int64(m.ID), 16))
	content, err := json.Marshal(styk.Notice{Type: styk.NoticeAnswer, To: a.To, Ticket: a.Ticket, Message: m.ID})
	if err != nil {
		return nil, err
	}
	d := &styk.Delivery{Target: mailbox[styk.MailTarget], Subject: styk.SubjectNotice, Content: content,
		Customer: fmt.Sprintf("answers:%d", a.Ticket), Urgent: true}
	if err := tx.Enqueue(d); err != nil {
		return nil, err
	}
	m.Delivery = d.ID
	if err := tx.SendMessage(m); err != nil {
		return nil, err
	}
	if err := tx.Answered(a.Ticket); err != nil {
		return nil, err
	}
	if a.Key != "" {
		if err := tx.Made("answer", a.Key, m.ID); err != nil {
			return nil, err
		}
	}
	_, err = tx.Edit(t, by, func() error {
		if a.Status != "" {
			t.Status = a.Status
		}
		if t.Owner == 0 { // who answers has taken it on
			t.Owner = by.User
		}
		return nil
	})
	return m, err
}

// answerSubject is that of the customer's last letter, else of the ticket, with
// our number for him and for programs that lose what else ties letters together.
func answerSubject(tx *store.Tx, t *styk.Ticket) (string, error) {
	subject := strings.TrimSpace(t.Title)
	letters, err := tx.MessagesOf(t.ID)
	if err != nil {
		return "", err
	}
	for _, l := range letters {
		if !l.Out && l.Kind == styk.MessageLetter && l.Subject != "" {
			subject = l.Subject
			if !strings.HasPrefix(strings.ToLower(subject), "re:") {
				subject = "Re: " + subject
			}
			break
		}
	}
	if t.Number != "" && !strings.Contains(subject, t.Number) {
		subject = strings.TrimSpace(subject + " [" + t.Number + "]")
	}
	return subject, nil
}
