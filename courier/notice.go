package courier

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"styk"
	"styk/connect"
	"styk/store"
)

var errNoWords = errors.New("nobody words notices here")

// notice words a message to a person with what is known at this moment.
func (c *Courier) notice(tx *store.Tx, d *styk.Delivery) (*connect.Notice, error) {
	n, err := content[styk.Notice](d)
	if err != nil {
		return nil, err
	}
	if c.o.Compose == nil {
		return nil, connect.Permanent(connect.Because(errNoWords, "Письма не настроены."))
	}
	switch n.Type {
	case styk.NoticeAccepted, styk.NoticeNumber, styk.NoticeRefused:
		err = c.tellTicket(tx, d.About, n)
	case styk.NoticeAnswer:
		return c.answer(tx, d, n)
	case styk.NoticeReply, styk.NoticeOverdue:
		// It says all itself.
	default:
		err = tellTarget(tx, n)
	}
	if err != nil {
		return nil, err
	}
	words := c.o.Compose(*n)
	if n.Ticket != 0 && n.To != "" && n.Type != styk.NoticeReply {
		words.MessageID = tx.DB().Thread(n.Ticket, strings.ReplaceAll(d.UID, "-", ""))
	}
	return &words, nil
}

// answer makes the letter that one of us wrote to a customer, in the thread of
// those before it.
func (c *Courier) answer(tx *store.Tx, d *styk.Delivery, n *styk.Notice) (*connect.Notice, error) {
	m, err := tx.Message(n.Message)
	if styk.CodeOf(err) == styk.NotFound {
		return nil, connect.Permanent(connect.Because(err, "Письма больше нет: его стёрли."))
	}
	if err != nil {
		return nil, err
	}
	letters, err := tx.MessagesOf(m.Ticket)
	if err != nil {
		return nil, err
	}
	n.To, n.Subject, n.Text = m.Address, m.Subject, m.Text
	words := c.o.Compose(*n)
	words.MessageID = m.MessageID
	for _, l := range slices.Backward(letters) { // the oldest first
		if l.ID < m.ID && l.Kind == styk.MessageLetter && l.MessageID != "" {
			words.References = append(words.References, l.MessageID)
		}
	}
	words.References = words.References[max(0, len(words.References)-maxReferences):]
	return &words, nil
}

const maxReferences = 20 // in one letter's header

func (c *Courier) tellTicket(tx *store.Tx, submission styk.ID, n *styk.Notice) error {
	s, err := tx.Post(submission)
	if styk.CodeOf(err) == styk.NotFound {
		return connect.Permanent(connect.Because(err, "Обращения больше нет: его стёрли."))
	}
	if err != nil {
		return err
	}
	record := &styk.Ticket{Entity: styk.Entity{ID: s.Ticket}}
	if err := tx.Load(record); err != nil && styk.CodeOf(err) != styk.NotFound {
		return err
	}
	p, err := tx.PostProgress(submission)
	if err != nil {
		return err
	}
	n.Number, n.CRMNumber, n.Form, n.Ticket = record.Number, p.Number, s.Title, s.Ticket
	n.StatusURL, err = c.statusURL(tx, s)
	return err
}

func tellTarget(tx *store.Tx, n *styk.Notice) error {
	t, err := tx.Target(n.Target)
	if err != nil {
		return err
	}
	rows, err := tx.Deliveries(store.DeliveryFilter{State: styk.NeedsHand, Target: t.ID, Limit: 20})
	if err != nil {
		return err
	}
	n.Numbers = nil
	for _, r := range rows {
		if r.TicketNumber != "" {
			n.Numbers = append(n.Numbers, r.TicketNumber)
		}
	}
	states, err := tx.QueueStates()
	for _, q := range states {
		if q.Target == t.ID {
			n.Waiting, n.Failed = q.Waiting+q.UnderWay, q.Failed
		}
	}
	return err
}

// tellNumber sends the visitor the foreign number, unless the first letter has
// not gone yet: then it stands in there. It belongs in the transaction that
// publishes the number.
func tellNumber(tx *store.Tx, submission styk.ID) error {
	letters, err := tx.DeliveriesOf(styk.SubjectNotice, submission)
	if err != nil || len(letters) == 0 || letters[0].State == styk.Due {
		return err
	}
	first, err := content[styk.Notice](letters[0])
	if err != nil {
		return err
	}
	for _, later := range letters[1:] {
		if n, err := content[styk.Notice](later); err != nil || n.Type == styk.NoticeNumber {
			return err // he was told already
		}
	}
	text, err := json.Marshal(styk.Notice{Type: styk.NoticeNumber, To: first.To})
	if err != nil {
		return err
	}
	return tx.Enqueue(&styk.Delivery{
		Target: letters[0].Target, Subject: styk.SubjectNotice, About: submission, Content: text,
		Coalesce: fmt.Sprintf("number/%d", submission),
	})
}

// tellRefused writes to the visitor that a file of his stays behind; once for a
// submission, and never to wherever a suspicious post likes.
func tellRefused(tx *store.Tx, s *styk.Submission) error {
	to := s.OfType(styk.FieldEmail)
	known, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil || known[styk.MailTarget] == 0 || to == "" || s.Suspicion > 0 {
		return err
	}
	text, err := json.Marshal(styk.Notice{Type: styk.NoticeRefused, To: to})
	if err != nil {
		return err
	}
	return tx.Enqueue(&styk.Delivery{
		Target: known[styk.MailTarget], Subject: styk.SubjectNotice, About: s.ID, Content: text, Due: tx.Now().Add(tellSoon),
		Coalesce: fmt.Sprintf("refused/%d", s.ID),
	})
}

// How often an owner is told of deliveries that need him.
const (
	tellSoon  = time.Minute
	tellEvery = time.Hour
)

// tellOwner sends the owner a letter about a target, where letters are set up.
// A waiting one about the same is replaced.
func tellOwner(tx *store.Tx, about string, n styk.Notice, due time.Time) error {
	if n.Target == styk.MailTarget {
		return nil // a letter about letters would not arrive
	}
	known, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil || known[styk.MailTarget] == 0 {
		return err
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return tx.Enqueue(&styk.Delivery{
		Target: known[styk.MailTarget], Subject: styk.SubjectNotice, Content: text, Due: due,
		Coalesce: about + "/" + n.Target,
	})
}

func tellFailed(tx *store.Tx, t *styk.Target, cause string) error {
	at, err := tx.WarnAt(t.ID, tellSoon, tellEvery)
	if err != nil {
		return err
	}
	return tellOwner(tx, "failed", styk.Notice{Type: styk.NoticeFailed, Target: t.Name, Cause: cause, Since: tx.Now()}, at)
}

func tellUnchecked(tx *store.Tx, t *styk.Target, since time.Time) error {
	at, err := tx.WarnAt(t.ID, tellSoon, tellEvery)
	if err != nil {
		return err
	}
	return tellOwner(tx, "unchecked", styk.Notice{Type: styk.NoticeUnchecked, Target: t.Name, Since: since}, at)
}

func tellStands(tx *store.Tx, t *styk.Target, cause string, since time.Time) error {
	first, err := tx.Alarm(t.ID)
	if err != nil || !first {
		return err
	}
	return tellOwner(tx, "stands", styk.Notice{Type: styk.NoticeFailed, Target: t.Name, Cause: cause, Paused: true, Since: since}, time.Time{})
}

func tellRecovered(tx *store.Tx, t *styk.Target) (told bool, err error) {
	since, ended, err := tx.Calm(t.ID)
	if err != nil || !ended {
		return false, err
	}
	return true, tellOwner(tx, "recovered", styk.Notice{Type: styk.NoticeRecovered, Target: t.Name, Down: tx.Now().Sub(since)}, time.Time{})
}
