package store

import (
	"fmt"
	"testing"

	"styk"
)

// A word that stands in every ticket finds the newest ones, alone and beside
// other common words, and a rare word beside it finds its own.
func TestCommonWordsFindTheNewest(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		const n = commonWord + 1000
		seedLists(t, db, n)
		search := func(text string, kinds ...styk.Kind) (hits []Hit) {
			t.Helper()
			must(t, db.View(t.Context(), func(tx *Tx) (err error) {
				hits, err = tx.Search(text, kinds, 20)
				return err
			}))
			return hits
		}
		for _, text := range []string{"касса", "чек касса", "пЕЧАТ", "не"} {
			hits := search(text)
			if len(hits) != 20 || hits[0] != (Hit{styk.KindTicket, 2 * n}) || hits[19].ID != 2*n-19 {
				t.Errorf("%q: got %v", text, hits)
			}
		}
		if hits := search("касса", styk.KindContact); len(hits) != 0 {
			t.Errorf("no customer is called so: %v", hits)
		}
		if hits := search("касса чек Сидоров"); len(hits) != 0 {
			t.Errorf("words of two records: %v", hits)
		}
		if hits := search("2611-5990-0"); len(hits) != 1 || hits[0].ID != n+5990 {
			t.Errorf("got %v", hits)
		}
		if hits := search("соловьев4 анна"); len(hits) == 0 || len(search("Анна Соловьёв4")) != len(hits) {
			t.Errorf("got %v", hits)
		}
		for state, want := range map[styk.DeliveryState]int{styk.NeedsHand: n / 1000, styk.Due: n / 1000, styk.Delivered: 50} {
			var rows []*TicketRow
			must(t, db.View(t.Context(), func(tx *Tx) (err error) {
				rows, err = tx.Tickets(TicketFilter{State: state})
				return err
			}))
			if len(rows) != want || rows[0].Deliveries[0].State != state {
				t.Errorf("%s: %d tickets", state, len(rows))
			}
		}
		var queues []QueueState
		must(t, db.View(t.Context(), func(tx *Tx) (err error) {
			queues, err = tx.QueueStates()
			return err
		}))
		if got := fmt.Sprint(len(queues), queues[0].Waiting+queues[len(queues)-1].Waiting, queues[0].Failed+queues[len(queues)-1].Failed); got != fmt.Sprint(2, n/1000, n/1000) {
			t.Errorf("got %s: %+v", got, queues)
		}
	})
}
