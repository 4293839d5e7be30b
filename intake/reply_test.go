package intake_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/intake"
	"styk/store"
)

// replyDesk is an intake with a mail target and one open ticket of a customer.
func replyDesk(t *testing.T) (in *intake.Intake, ticket *styk.Ticket) {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Database: filepath.Join(dir, "styk.db"), Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	blobs, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	in = &intake.Intake{DB: db, Blobs: blobs}
	in.DB = db
	change(t, in, func(tx *store.Tx) error {
		if _, err := tx.SaveTarget(&styk.Target{Name: styk.MailTarget, Kind: "email", Settings: map[string]any{"from": "h@firm.ru"}}, nil); err != nil {
			return err
		}
		c := &styk.Contact{LastName: "Ёлкин", Email: "elkin@example.ru"}
		if err := tx.Insert(c, store.By{}); err != nil {
			return err
		}
		ticket = &styk.Ticket{Number: "2611-0042-7", Title: "Касса", Status: store.TicketClosed, Contact: c.ID}
		return tx.Insert(ticket, store.By{})
	})
	return in, ticket
}

func change(t *testing.T, in *intake.Intake, do func(tx *store.Tx) error) {
	t.Helper()
	if err := in.DB.Update(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// Which letters find their ticket, and which of them open it again.
func TestLetterFindsItsTicket(t *testing.T) {
	t.Parallel()
	letter := func(change func(l *styk.Letter)) *styk.Letter {
		l := &styk.Letter{MessageID: "m@x", Kind: styk.MessageLetter, From: "elkin@example.ru", Text: "Спасибо"}
		change(l)
		return l
	}
	for name, c := range map[string]struct {
		letter func(thread string) *styk.Letter
		known  bool
		opens  bool
	}{
		"by its thread, under another subject": {func(thread string) *styk.Letter {
			return letter(func(l *styk.Letter) {
				l.References, l.Subject, l.From = []string{thread, "other@x"}, "Привет", "second@example.ru"
			})
		}, true, true},
		"by number, of the customer himself": {func(string) *styk.Letter {
			return letter(func(l *styk.Letter) { l.Subject = "Re: заявка 2611 0042 7" })
		}, true, true},
		"by number, of somebody else": {func(string) *styk.Letter {
			return letter(func(l *styk.Letter) { l.Subject, l.From = "2611-0042-7", "other@example.ru" })
		}, false, false},
		"a thread that was made up": {func(thread string) *styk.Letter {
			return letter(func(l *styk.Letter) { l.References = []string{thread[:len(thread)-12] + "0@firm.ru"} })
		}, false, false},
		"the customer, about nothing": {func(string) *styk.Letter { return letter(func(*styk.Letter) {}) }, false, false},
		"a vacation reply": {func(thread string) *styk.Letter {
			return letter(func(l *styk.Letter) { l.References, l.Kind = []string{thread}, styk.MessageAuto })
		}, true, false},
		"a bounce of the letter with the number": {func(thread string) *styk.Letter {
			return letter(func(l *styk.Letter) { l.Mentioned, l.Kind, l.From = []string{thread}, styk.MessageBounce, "" })
		}, true, false},
	} {
		in, ticket := replyDesk(t)
		l := c.letter(in.DB.Thread(ticket.ID, "a1") + "@firm.ru")
		for range 2 { // the server shows it twice
			if err := in.TakeLetter(t.Context(), l, func(*store.Tx) error { return nil }); err != nil {
				t.Fatal(name, err)
			}
		}
		change(t, in, func(tx *store.Tx) error {
			list, err := tx.MessagesOf(ticket.ID)
			if err != nil {
				return err
			}
			lost, err := tx.LostMessages(0, 10)
			if err != nil {
				return err
			}
			if len(list) != map[bool]int{true: 1}[c.known] || len(lost) != map[bool]int{false: 1}[c.known] {
				t.Errorf("%s: %d in the ticket, %d belong nowhere", name, len(list), len(lost))
			}
			now := &styk.Ticket{}
			now.ID = ticket.ID
			if err := tx.Load(now); err != nil {
				return err
			}
			if opened := now.Status == "Open"; opened != c.opens {
				t.Errorf("%s: the ticket is %s", name, now.Status)
			}
			notices, err := tx.Deliveries(store.DeliveryFilter{Limit: 10})
			if told := len(notices) == 1; told != c.opens {
				t.Errorf("%s: %d letters about it", name, len(notices))
			}
			return err
		})
	}
}

// A ticket that waits too long is told of once, and once more only when the
// customer has waited anew; an answer ends his waiting.
func TestOverdueIsToldOnce(t *testing.T) {
	t.Parallel()
	in, ticket := replyDesk(t)
	letters := func() (n int) {
		change(t, in, func(tx *store.Tx) error {
			list, err := tx.Deliveries(store.DeliveryFilter{Limit: 50})
			n = len(list)
			return err
		})
		return n
	}
	look := func() {
		if err := in.TellOverdue(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	look()
	if letters() != 0 {
		t.Fatal("a closed ticket waits for nobody")
	}
	change(t, in, func(tx *store.Tx) error {
		_, err := tx.Edit(ticket, store.By{}, func() error { ticket.Status = "Open"; return nil })
		return err
	})
	for range 3 {
		look()
	}
	if n := letters(); n != 1 {
		t.Fatalf("told %d times", n)
	}
	change(t, in, func(tx *store.Tx) error {
		m, err := in.Answer(tx, intake.Answer{Ticket: ticket.ID, To: "elkin@example.ru", Text: "Готово"}, store.By{User: 5})
		if err == nil && !strings.Contains(m.Subject, ticket.Number) {
			t.Errorf("the subject: %q", m.Subject)
		}
		return err
	})
	look()
	if n := letters(); n != 2 { // the answer itself
		t.Fatalf("told of one that was answered: %d", n)
	}
	time.Sleep(2 * time.Millisecond) // the store's clock is the machine's
	thread := in.DB.Thread(ticket.ID, "1") + "@firm.ru"
	if err := in.TakeLetter(t.Context(), &styk.Letter{MessageID: "r@x", Kind: styk.MessageLetter, From: "e@x.ru", References: []string{thread}},
		func(*store.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	look()
	look()
	if n := letters(); n != 4 { // that he replied, and that he waits
		t.Errorf("after his reply: %d", n)
	}
}

// What the customer and we wrote goes with him, the letter on its way too.
func TestErasureTakesLetters(t *testing.T) {
	t.Parallel()
	in, ticket := replyDesk(t)
	change(t, in, func(tx *store.Tx) error {
		m := &styk.Message{Ticket: ticket.ID, Kind: styk.MessageLetter, Address: "canary@other.example", MessageID: "c@x", Text: "canary"}
		if err := tx.AddMessage(m); err != nil {
			return err
		}
		_, err := in.Answer(tx, intake.Answer{Ticket: ticket.ID, To: "canary@other.example", Text: "canary"}, store.By{User: 5})
		return err
	})
	if _, err := in.Erase(t.Context(), ticket.Contact, store.By{User: 5}); err != nil {
		t.Fatal(err)
	}
	change(t, in, func(tx *store.Tx) error {
		letters, err := tx.MessagesOf(ticket.ID)
		if err != nil || len(letters) != 0 {
			t.Errorf("letters that are left: %+v, %v", letters, err)
		}
		rows, err := tx.Deliveries(store.DeliveryFilter{Limit: 10})
		for _, r := range rows {
			d, err := tx.Delivery(r.ID)
			if err != nil || strings.Contains(string(d.Content), "canary") {
				t.Errorf("a delivery: %s, %v", d.Content, err)
			}
		}
		return err
	})
}
