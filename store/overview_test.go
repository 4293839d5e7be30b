package store

import (
	"testing"
	"time"
)

func TestOverviewCounts(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		seedLists(t, db, 3000) // a post each second from the first of January on
		first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		must(t, db.View(t.Context(), func(tx *Tx) error {
			days, err := tx.PostsByDay(first.Add(-24 * time.Hour))
			if err != nil || len(days) != 1 || days[0] != (DayCount{1, "feedback", 3000}) {
				t.Errorf("got %v, %v", days, err)
			}
			if days, err := tx.PostsByDay(first.Add(2901 * time.Second)); err != nil || len(days) != 1 || days[0].Posts != 100 {
				t.Errorf("got %v, %v", days, err)
			}
			median, err := tx.MedianDelivery(first)
			if err != nil || median != 500*time.Millisecond {
				t.Errorf("got %v, %v", median, err)
			}
			at, err := tx.LastDelivered(1)
			if want := first.Add(3000*time.Second + 500*time.Millisecond); err != nil || !at.Equal(want) {
				t.Errorf("got %v, want %v, %v", at, want, err)
			}
			open, err := tx.OpenTickets(1000)
			if err != nil || open != 60 {
				t.Errorf("got %d, %v", open, err)
			}
			if open, err := tx.OpenTickets(10); err != nil || open != 10 {
				t.Errorf("got %d, %v", open, err)
			}
			cards, err := tx.CountCardsTo(true, 10)
			if err != nil || cards != 0 {
				t.Errorf("got %d, %v", cards, err)
			}
			return nil
		}))
	})
}
