package store

import (
	"fmt"
	"testing"

	"styk"
)

func TestTicketsAreListedWithTheirDeliveries(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		target := addTarget(t, db, "crm")
		anna := &styk.Contact{FirstName: "Семён", LastName: "Ёлкин", Mobile: "+7 900 123-45-67", Email: "elkin@example.ru"}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Insert(anna, By{}) }))
		var tickets []styk.ID
		for i := range 12 {
			k := &styk.Ticket{Number: fmt.Sprintf("2611-%04d-1", i), Title: "Касса", Status: "Open", Contact: anna.ID}
			s := &styk.Submission{UUID: fmt.Sprintf("u%d", i), Form: "feedback", Title: "Обратная связь", Contact: anna.ID}
			must(t, db.Update(t.Context(), func(tx *Tx) error {
				if err := tx.Insert(k, By{}); err != nil {
					return err
				}
				s.Ticket = k.ID
				return tx.SavePost(s, nil)
			}))
			tickets = append(tickets, k.ID)
			enqueue(t, db, styk.Delivery{Target: target.ID, About: s.ID})
		}
		for _, d := range claim(t, db, target, 2) {
			must(t, end(t, db, d, styk.NeedsHand))
		}
		list := func(f TicketFilter) (rows []*TicketRow) {
			t.Helper()
			must(t, db.View(t.Context(), func(tx *Tx) (err error) {
				rows, err = tx.Tickets(f)
				return err
			}))
			return rows
		}
		for name, one := range map[string]struct {
			filter TicketFilter
			want   int
		}{
			"all": {TicketFilter{}, 12}, "open": {TicketFilter{Open: true}, 12}, "closed": {TicketFilter{Closed: true}, 0},
			"stuck": {TicketFilter{State: styk.NeedsHand}, 2}, "waiting": {TicketFilter{State: styk.Due}, 10},
			"tail": {TicketFilter{Query: "45-67"}, 12}, "name": {TicketFilter{Query: "елкин"}, 12}, "nobody": {TicketFilter{Query: "zzz"}, 0},
			"number": {TicketFilter{Query: "2611 0003 1"}, 1}, "his": {TicketFilter{Contact: anna.ID, Open: true, Limit: 5}, 5},
			"all at once": {TicketFilter{Query: "elkin@example.ru", Open: true, State: styk.NeedsHand, Contact: anna.ID, Before: tickets[1]}, 1},
			"page":        {TicketFilter{Before: tickets[3]}, 3},
		} {
			if got := len(list(one.filter)); got != one.want {
				t.Errorf("%s: got %d, want %d", name, got, one.want)
			}
		}
		first := list(TicketFilter{Query: "2611-0000-1"})[0]
		if first.Name != "Семён Ёлкин" || first.Form != "Обратная связь" || len(first.Deliveries) != 1 ||
			first.Deliveries[0].State != styk.NeedsHand || first.Deliveries[0].Target != "crm" {
			t.Errorf("%+v", first)
		}
		must(t, db.View(t.Context(), func(tx *Tx) error {
			for state, want := range map[styk.DeliveryState]int64{styk.NeedsHand: 2, styk.Due: 4, styk.Leased: 0} {
				n, err := tx.CountDeliveries(state, target.ID, 4)
				if err != nil || n != want {
					t.Errorf("%s: got %d, want %d (%v)", state, n, want, err)
				}
			}
			if _, err := tx.CountDeliveries(styk.Delivered, 0, 4); err == nil {
				t.Error("a count without an index")
			}
			n, err := tx.CountToReplay(DeliveryFilter{Target: target.ID, Cause: "потому"}, 10)
			if n != 2 || err != nil {
				t.Errorf("to replay: %d, %v", n, err)
			}
			posts, err := tx.SubmissionsOfTicket(tickets[0])
			if len(posts) != 1 || err != nil {
				t.Errorf("submissions: %d, %v", len(posts), err)
			}
			return nil
		}))
	})
}

func TestSuggestionIsSettledOnce(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := &styk.Contact{FirstName: "Анна", Email: "old@example.ru"}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			if err := tx.Insert(c, By{}); err != nil {
				return err
			}
			if err := tx.Suggest(c.ID, "email", "new@example.ru", 1); err != nil {
				return err
			}
			return tx.Suggest(c.ID, "first_name", "Яна", 1)
		}))
		settle := func(record, id styk.ID, accept bool) error {
			return db.Update(t.Context(), func(tx *Tx) error { return tx.Settle(record, id, accept, By{Origin: "admin"}) })
		}
		must(t, settle(c.ID, 1, true))
		must(t, settle(c.ID, 2, false))
		if err := settle(c.ID, 1, true); styk.CodeOf(err) != styk.Conflict {
			t.Errorf("twice: %v", err)
		}
		if err := settle(c.ID+1, 1, true); styk.CodeOf(err) != styk.NotFound {
			t.Errorf("another record's: %v", err)
		}
		must(t, db.View(t.Context(), func(tx *Tx) error { return tx.Load(c) }))
		if c.Email != "new@example.ru" || c.FirstName != "Анна" {
			t.Errorf("%s %s", c.Email, c.FirstName)
		}
	})
}

func TestCommentsAreListed(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			k := &styk.Ticket{Title: "a"}
			if err := tx.Insert(k, By{}); err != nil {
				return err
			}
			for _, text := range []string{"one", "two"} {
				if err := tx.Insert(&styk.Comment{Text: text, Related: k.ID}, By{}); err != nil {
					return err
				}
			}
			list, err := tx.CommentsOf(k.ID)
			if err == nil && (len(list) != 2 || list[0].Text != "one") {
				t.Errorf("%v", list)
			}
			return err
		}))
	})
}
