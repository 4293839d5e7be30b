package intake_test

import (
	"slices"
	"testing"
	"time"

	"styk"
	"styk/intake"
	"styk/store"
)

// two are customers who turn out to be one: each with a request of his own.
func (d *desk) two() (winner, loser styk.ID) {
	d.Helper()
	d.move(time.Since(d.now())) // the folder of files has a real clock
	first := d.accept(d.post("name=Анна Белова", "phone=+7 900 555-31-41", "topic=Касса"))
	second := d.accept(d.post("name=Белова Анна Петровна", "phone=+7 900 555-31-42", "email=anna@firm.example", "topic=Чек"))
	d.view(func(tx *store.Tx) error {
		for i, a := range []*intake.Accepted{first, second} {
			s, err := tx.Post(a.Submission)
			if err != nil {
				return err
			}
			*[]*styk.ID{&winner, &loser}[i] = s.Contact
		}
		return nil
	})
	return winner, loser
}

func (d *desk) update(do func(tx *store.Tx) error) {
	d.Helper()
	d.must(d.db.Update(d.Context(), do))
}

var byPerson = store.By{User: 7, Origin: "admin"}

// owner tells whom a phone names.
func (d *desk) owner(phone string) (id styk.ID) {
	d.Helper()
	key, _ := store.PhoneKey(styk.KindContact, phone)
	d.view(func(tx *store.Tx) (err error) { id, err = tx.Lookup(key); return err })
	return id
}

func (d *desk) ticketsOf(contact styk.ID) (n int) {
	d.Helper()
	d.view(func(tx *store.Tx) error {
		list, err := tx.Tickets(store.TicketFilter{Contact: contact})
		n = len(list)
		return err
	})
	return n
}

// TestTwoCustomersBecomeOne and part again: requests, files, keys and values go
// over and come back.
func TestTwoCustomersBecomeOne(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		winner, loser := d.two()
		var plan *intake.MergePlan
		d.view(func(tx *store.Tx) (err error) { plan, err = intake.PlanMerge(tx, winner, loser); return err })
		if len(plan.Differing) == 0 || !slices.ContainsFunc(plan.Filled, func(f intake.MergeField) bool { return f.Column == "email" }) ||
			plan.Moved.Count("ticket") != 1 || plan.Moved.Count("submission") != 1 || plan.Moved.Count("linked") != 1 {
			t.Errorf("the plan: %+v", plan)
		}
		d.update(func(tx *store.Tx) error { return intake.Merge(tx, winner, loser, []string{"second_name"}, byPerson) })
		if d.ticketsOf(winner) != 2 || d.ticketsOf(loser) != 0 {
			t.Errorf("tickets: %d and %d", d.ticketsOf(winner), d.ticketsOf(loser))
		}
		if got := d.owner("8 900 555 31 42"); got != winner {
			t.Errorf("the loser's phone names %d, want %d", got, winner)
		}
		third := d.accept(d.post("name=Анна", "phone=+7 900 555-31-42", "topic=Снова"))
		d.view(func(tx *store.Tx) error {
			s, err := tx.Post(third.Submission)
			if err == nil && s.Contact != winner {
				t.Errorf("a later request came to %d, want %d", s.Contact, winner)
			}
			c := &styk.Contact{Entity: styk.Entity{ID: winner}}
			if err := tx.Load(c); err != nil {
				return err
			}
			if c.Email != "anna@firm.example" || c.Mobile != "+7 900 555-31-41" {
				t.Errorf("the winner is %+v", c)
			}
			return err
		})
		d.update(func(tx *store.Tx) error { return tx.Unmerge(loser, byPerson) })
		if d.ticketsOf(winner) != 2 || d.ticketsOf(loser) != 1 || d.owner("+79005553142") != loser || d.owner("+79005553141") != winner {
			t.Errorf("parted: tickets %d and %d, phones of %d and %d", d.ticketsOf(winner), d.ticketsOf(loser), d.owner("+79005553141"), d.owner("+79005553142"))
		}
		d.view(func(tx *store.Tx) error {
			c := &styk.Contact{Entity: styk.Entity{ID: winner}}
			err := tx.Load(c)
			if c.Email != "" {
				t.Errorf("the winner kept %s", c.Email)
			}
			docs, err2 := tx.DocumentsOf(loser)
			if len(docs) != 1 {
				t.Errorf("the loser has %d files", len(docs))
			}
			if err == nil {
				err = err2
			}
			return err
		})
	})
}

// TestKeysOfTheMergedGoWithTheWinner: deleted, he names nobody by them; back, he
// does again.
func TestKeysOfTheMergedGoWithTheWinner(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		winner, loser := d.two()
		d.update(func(tx *store.Tx) error { return intake.Merge(tx, winner, loser, nil, byPerson) })
		c := &styk.Contact{Entity: styk.Entity{ID: winner}}
		d.update(func(tx *store.Tx) error { return tx.Delete(c, byPerson) })
		if got := d.owner("+79005553142"); got != 0 {
			t.Errorf("a deleted customer is named by a phone: %d", got)
		}
		d.update(func(tx *store.Tx) error { return tx.Undelete(c, byPerson) })
		if got := d.owner("+79005553142"); got != winner {
			t.Errorf("back again the phone names %d, want %d", got, winner)
		}
		if _, err := d.in.Erase(d.Context(), winner, byPerson); err != nil {
			t.Fatal(err)
		}
		for _, id := range []styk.ID{winner, loser} {
			d.view(func(tx *store.Tx) error {
				list, err := tx.History(id, 0, 100)
				for _, h := range list {
					if len(h.Fields) > 0 {
						t.Errorf("the history of %d still tells %v", id, h.Fields)
					}
				}
				return err
			})
		}
		if d.owner("+79005553141") != 0 || d.owner("+79005553142") != 0 {
			t.Error("an erased customer is still named by a phone")
		}
		err := d.db.Update(d.Context(), func(tx *store.Tx) error { return tx.Unmerge(loser, byPerson) })
		if styk.CodeOf(err) != styk.Conflict {
			t.Errorf("an erased one was parted: %v", err)
		}
	})
}

// TestErasureGoesOn: one that was cut after any of its steps is finished by the
// next call, and bytes that others need too stay.
func TestErasureGoesOn(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		d.move(time.Since(d.now()))
		first := d.accept(d.post("name=Анна Белова", "phone=+7 900 555-31-41"))
		other := d.accept(d.post("name=Пётр", "phone=+7 900 555-31-49", "topic=Тот же файл"))
		var contact styk.ID
		var sum string
		d.view(func(tx *store.Tx) error {
			s, err := tx.Post(first.Submission)
			if err != nil {
				return err
			}
			contact = s.Contact
			docs, _, err := tx.PostFiles(other.Submission)
			sum = docs[0].Sum
			return err
		})
		d.update(func(tx *store.Tx) error { _, err := tx.BeginErasure(contact, byPerson); return err })
		d.must(d.in.ResumeErasures(d.Context()))
		d.view(func(tx *store.Tx) error {
			e, err := tx.Erasure(contact)
			if err == nil && (e.Finished.IsZero() || e.User != byPerson.User || e.Counts["file"] != 0) {
				t.Errorf("%+v", e)
			}
			return err
		})
		if _, _, err := d.in.Blobs.Stat(d.Context(), sum); err != nil {
			t.Errorf("another one's file is gone: %v", err)
		}
	})
}
