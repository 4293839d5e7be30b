package store

import (
	"testing"
	"time"

	"styk"
)

// The lists of the inbox, and since when a customer waits.
func TestInboxLists(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		me := &styk.User{Name: "olga", Role: styk.RoleOperator}
		program := &styk.User{Name: "api", Role: styk.RoleAPI, AccessKey: "DemoKey000000001"}
		list := map[string]*styk.Ticket{}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			for _, u := range []*styk.User{me, program} {
				u.ID = 0
				if err := tx.SaveUser(u); err != nil {
					return err
				}
			}
			for _, one := range []*styk.Ticket{
				{Number: "2611-0001-0", Title: "new", Status: "Open"}, {Number: "2611-0002-8", Title: "mine", Status: "In Progress"},
				{Number: "2611-0003-6", Title: "asked", Status: "Wait For Response"}, {Number: "2611-0004-4", Title: "spam", Status: "Open", Spam: true},
				{Number: "2611-0005-1", Title: "closed", Status: TicketClosed},
			} {
				one.Owner = program.ID
				if one.Title == "mine" {
					one.Owner = me.ID
				}
				if err := tx.Insert(one, By{}); err != nil {
					return err
				}
				list[one.Title] = one
			}
			return nil
		}))
		far := time.Now().Add(time.Hour)
		look := func(name string, f TicketFilter, want ...string) {
			t.Helper()
			must(t, db.View(t.Context(), func(tx *Tx) error {
				rows, err := tx.Tickets(f)
				var got []string
				for _, r := range rows {
					got = append(got, r.Title)
				}
				f.Limit = 50
				ids, failed := tx.TicketNumbers(f)
				n, uncounted := tx.CountTickets(f, 100)
				same := len(got) == len(want) && len(ids) == len(want) && int(n) == len(want)
				for i := range want {
					same = same && got[i] == want[i]
				}
				if !same || failed != nil || uncounted != nil {
					t.Errorf("%s: got %v, %d, %d; want %v; %v %v", name, got, len(ids), n, want, failed, uncounted)
				}
				return err
			}))
		}
		look("all", TicketFilter{}, "closed", "asked", "mine", "new")
		look("mine", TicketFilter{Owner: me.ID}, "mine")
		look("new", TicketFilter{New: true}, "new")
		look("nobody's", TicketFilter{Free: true}, "asked", "new")
		look("overdue", TicketFilter{Overdue: far}, "mine", "new")
		look("not yet overdue", TicketFilter{Overdue: time.Now().Add(-time.Hour)})
		look("spam", TicketFilter{Spam: true}, "spam")
		look("these", TicketFilter{IDs: []styk.ID{list["spam"].ID, list["new"].ID}}, "spam", "new")
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Answered(list["new"].ID) }))
		look("answered", TicketFilter{Overdue: far}, "mine")
		time.Sleep(2 * time.Millisecond) // the store's clock is the machine's
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Replied(list["new"].ID) }))
		look("replied", TicketFilter{Overdue: far}, "mine", "new")
		for i, want := range []int{2, 0} {
			must(t, db.Update(t.Context(), func(tx *Tx) error {
				told, err := tx.Untold(far, 10)
				if len(told) != want {
					t.Errorf("look %d: %+v", i, told)
				}
				return err
			}))
		}
	})
}

// A letter is stored once; a Message-ID of ours cannot be made up.
func TestLetters(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		m := &styk.Message{Kind: styk.MessageLetter, MessageID: "a@b", Address: "a@b.ru", Text: "x", Files: []styk.ID{3, 4}}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.AddMessage(m) }))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			has, err := tx.HasLetter("a@b")
			lost, failed := tx.LostMessages(0, 10)
			n, uncounted := tx.CountLost(10)
			if !has || len(lost) != 1 || len(lost[0].Files) != 2 || n != 1 || failed != nil || uncounted != nil {
				t.Errorf("%v, %+v, %d, %v %v", has, lost, n, failed, uncounted)
			}
			return err
		}))
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.AddMessage(&styk.Message{Kind: styk.MessageLetter, MessageID: "a@b"}) }); err == nil {
			t.Error("the same letter twice")
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(m.ID, 77) }))
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.SettleMessage(m.ID, true) }); styk.CodeOf(err) != styk.NotFound {
			t.Errorf("a letter of a ticket was settled: %v", err)
		}
		id := db.Thread(42, "1f")
		if got, ours := db.ThreadOf(id + "@firm.ru"); !ours || got != 42 {
			t.Errorf("%s: %d %v", id, got, ours)
		}
		for _, made := range []string{"", "x@y", "styk-43-" + id[len("styk-42-"):], id[:len(id)-1] + "z", id + "0"} {
			if _, ours := db.ThreadOf(made); ours {
				t.Errorf("%q passes", made)
			}
		}
	})
}
