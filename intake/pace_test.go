package intake_test

import (
	"fmt"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// TestPaceOfOnePhone: more posts than a person sends are stored and delivered
// all the same, with a number; they are marked, and no letter goes out for them.
func TestPaceOfOnePhone(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		d.must(d.db.Update(d.Context(), func(tx *store.Tx) error {
			_, err := tx.SaveTarget(&styk.Target{Name: styk.MailTarget, Kind: "test"}, nil)
			return err
		}))
		post := func(n int, phone string) *styk.Submission {
			d.Helper()
			p := d.post(fmt.Sprint("topic=Касса ", n), "phone="+phone, fmt.Sprintf("email=anna%d@firm.ru", n))
			p.Address = fmt.Sprintf("198.51.%d.7", n)
			a, again := d.accept(p), d.accept(p)
			if a.Number == "" || again.Submission != a.Submission {
				d.Errorf("post %d: %+v, again %+v", n, a, again)
			}
			var s *styk.Submission
			d.view(func(tx *store.Tx) (err error) {
				s, err = tx.Post(a.Submission)
				return err
			})
			return s
		}
		look := func(s *styk.Submission, suspicious bool) {
			d.Helper()
			d.view(func(tx *store.Tx) error {
				tickets, err := tx.DeliveriesOf(styk.SubjectTicket, s.ID)
				letters, err2 := tx.DeliveriesOf(styk.SubjectNotice, s.ID)
				if s.Suspicion > 0 != suspicious || len(s.Reasons) > 0 != suspicious || len(letters) > 0 == suspicious || len(tickets) != 1 {
					d.Errorf("post %d: suspicion %d %q, %d letters, %d deliveries", s.ID, s.Suspicion, s.Reasons, len(letters), len(tickets))
				}
				if err != nil {
					return err
				}
				return err2
			})
		}
		for n := range 6 {
			look(post(n, "8 900 123-45-67"), false)
			d.move(time.Minute)
		}
		look(post(6, "+7 (900) 123-45-67"), true) // whatever address and spelling
		look(post(7, "8 900 123-45-68"), false)
		d.move(time.Hour)
		look(post(8, "8 900 123-45-67"), false)
	})
}
