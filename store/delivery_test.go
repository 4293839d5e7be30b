package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
)

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func addTarget(t *testing.T, db *DB, name string) *styk.Target {
	t.Helper()
	target := &styk.Target{Name: name, Kind: "test", Parallel: 2}
	must(t, db.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.SaveTarget(target, nil)
		return err
	}))
	return target
}

func enqueue(t *testing.T, db *DB, d styk.Delivery) styk.ID {
	t.Helper()
	if d.Subject == "" {
		d.Subject = styk.SubjectTicket
	}
	must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Enqueue(&d) }))
	return d.ID
}

func claim(t *testing.T, db *DB, target *styk.Target, limit int) []*styk.Delivery {
	t.Helper()
	var list []*styk.Delivery
	must(t, db.Update(t.Context(), func(tx *Tx) (err error) {
		list, err = tx.ClaimDeliveries(Claim{
			Target: target.ID, Owner: "me", Life: time.Minute, Limit: limit,
			Next: func(rung int) time.Time { return tx.Now().Add(time.Duration(rung+1) * time.Second) },
		})
		return err
	}))
	return list
}

func end(t *testing.T, db *DB, d *styk.Delivery, state styk.DeliveryState) error {
	t.Helper()
	return db.Update(t.Context(), func(tx *Tx) error {
		d.State = state
		return tx.EndAttempt(d, &styk.Attempt{Number: d.Attempts, Started: tx.Now(), Ended: tx.Now(), Outcome: styk.AttemptRetry, Cause: "потому"})
	})
}

func leased(list []*styk.Delivery) (out []styk.ID) {
	for _, d := range list {
		out = append(out, d.ID)
	}
	return out
}

func TestClaimsKeepTheOrderOfACustomer(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := newClock()
		db.Now = c.Now
		target := addTarget(t, db, "crm")
		other := addTarget(t, db, "other")
		first := enqueue(t, db, styk.Delivery{Target: target.ID, Customer: "anna"})
		second := enqueue(t, db, styk.Delivery{Target: target.ID, Customer: "anna", Urgent: true})
		third := enqueue(t, db, styk.Delivery{Target: target.ID, Customer: "boris", Urgent: true})
		enqueue(t, db, styk.Delivery{Target: other.ID, Customer: "anna"})
		got := claim(t, db, target, 10)
		if want := []styk.ID{third, first}; !slices.Equal(leased(got), want) {
			t.Fatalf("claimed %v, want %v: the waiting visitor first, anna's second not yet", leased(got), want)
		}
		must(t, end(t, db, got[1], styk.Due)) // first waits for its retry and holds the second
		if list := claim(t, db, target, 10); len(list) != 0 {
			t.Fatalf("claimed %v while an earlier one waits", leased(list))
		}
		c.move(time.Hour)
		got = claim(t, db, target, 10)
		if want := []styk.ID{first}; !slices.Equal(leased(got), want) {
			t.Fatalf("claimed %v, want %v", leased(got), want)
		}
		must(t, end(t, db, got[0], styk.NeedsHand)) // a failed ticket holds nobody
		got = claim(t, db, target, 10)
		if want := []styk.ID{second}; !slices.Equal(leased(got), want) {
			t.Fatalf("claimed %v, want %v", leased(got), want)
		}
	})
}

func TestFailedCardHoldsLaterOnes(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		target := addTarget(t, db, "till")
		enqueue(t, db, styk.Delivery{Target: target.ID, Subject: styk.SubjectCard, Customer: "card"})
		enqueue(t, db, styk.Delivery{Target: target.ID, Subject: styk.SubjectCard, Customer: "card"})
		must(t, end(t, db, claim(t, db, target, 1)[0], styk.NeedsHand))
		if list := claim(t, db, target, 1); len(list) != 0 {
			t.Fatalf("claimed %v: a newer value overtook", leased(list))
		}
	})
}

func TestNewerWaitingOneTakesThePlace(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := newClock()
		db.Now = c.Now
		target := addTarget(t, db, "till")
		card := styk.Delivery{Target: target.ID, Subject: styk.SubjectCard, Customer: "card", Coalesce: "card"}
		card.Content = []byte(`{"bonus":1}`)
		id := enqueue(t, db, card)
		d := claim(t, db, target, 1)[0]
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.StartStep(d, "event") }))
		card.Content = []byte(`{"bonus":2}`)
		while := enqueue(t, db, card) // the first is under way: this one is its own
		must(t, end(t, db, d, styk.Due))
		c.move(time.Minute)
		card.Content = []byte(`{"bonus":3}`)
		if got := enqueue(t, db, card); got != while || got == id {
			t.Fatalf("replaced %d, want %d", got, while)
		}
		must(t, db.View(t.Context(), func(tx *Tx) error {
			kept, err := tx.Delivery(while)
			if string(kept.Content) != `{"bonus":3}` || kept.UID == d.UID {
				t.Errorf("content %s, uid %s", kept.Content, kept.UID)
			}
			return err
		}))
	})
}

func TestWhoLostTheLeaseWritesNothing(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := newClock()
		db.Now = c.Now
		target := addTarget(t, db, "crm")
		enqueue(t, db, styk.Delivery{Target: target.ID, Customer: "anna"})
		zombie := claim(t, db, target, 1)[0]
		c.move(2 * time.Minute)
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			n, err := tx.ReturnLeases(false, 10)
			if n != 1 {
				t.Errorf("returned %d leases", n)
			}
			return err
		}))
		heir := claim(t, db, target, 1)[0]
		writes := map[string]func(tx *Tx) error{
			"start": func(tx *Tx) error { return tx.StartStep(zombie, "case") },
			"save":  func(tx *Tx) error { return tx.SaveStep(zombie, styk.Step{Name: "case", Foreign: "1"}) },
			"renew": func(tx *Tx) error { return tx.RenewLease(zombie, time.Minute) },
		}
		for name, write := range writes {
			if err := db.Update(t.Context(), write); !errors.Is(err, ErrLeaseLost) {
				t.Errorf("%s: %v, want a lost lease", name, err)
			}
		}
		if err := end(t, db, zombie, styk.Delivered); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("end: %v, want a lost lease", err)
		}
		must(t, end(t, db, heir, styk.Delivered))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			list, err := tx.Attempts(heir.ID)
			if len(list) != 2 || list[1].Outcome != styk.AttemptLost {
				t.Errorf("attempts %+v", list)
			}
			return err
		}))
	})
}

func TestStepsAndTheirNumber(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		target := addTarget(t, db, "crm")
		ticket := &styk.Ticket{Number: "2611-0001-0", Title: "Касса"}
		post := &styk.Submission{UUID: "u", Form: "feedback", Fields: []styk.FieldValue{{Name: "topic", Type: "text", Value: "Касса"}}}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			if err := tx.Insert(ticket, By{}); err != nil {
				return err
			}
			post.Ticket = ticket.ID
			return tx.SavePost(post, nil)
		}))
		enqueue(t, db, styk.Delivery{Target: target.ID, About: post.ID})
		d := claim(t, db, target, 1)[0]
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.StartStep(d, "case") }))
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			return tx.SaveStep(d, styk.Step{Name: "case", Foreign: "id\x00", Number: "SR-00000042", URL: "http://crm/1"})
		}))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			p, err := tx.PostProgress(post.ID)
			if p.Number != "SR-00000042" || p.Total != 1 || p.Delivered != 0 {
				t.Errorf("progress %+v", p)
			}
			hits, e := tx.Search("sr-00000042", nil, 5)
			if len(hits) != 1 || hits[0].ID != ticket.ID {
				t.Errorf("found %v", hits)
			}
			steps, e2 := tx.Steps(d.ID)
			if len(steps) != 1 || !steps[0].Done || steps[0].Foreign != "id" {
				t.Errorf("steps %+v", steps)
			}
			rows, e3 := tx.Deliveries(DeliveryFilter{State: styk.Leased, Target: target.ID})
			if len(rows) != 1 || rows[0].TicketNumber != ticket.Number || rows[0].TargetName != "crm" {
				t.Errorf("rows %+v", rows)
			}
			secret := db.StatusSecret(post)
			found, e4 := tx.PostByStatus(secret)
			if e4 == nil && found.Value("topic") != "Касса" {
				t.Errorf("post %+v", found)
			}
			if _, err := tx.PostByStatus(secret[:len(secret)-1] + "x"); styk.CodeOf(err) != styk.NotFound {
				t.Errorf("a wrong secret: %v", err)
			}
			return errors.Join(err, e, e2, e3, e4)
		}))
	})
}

func TestReplayOfWhatFailed(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := newClock()
		db.Now = c.Now
		target := addTarget(t, db, "crm")
		for i := range 5 {
			enqueue(t, db, styk.Delivery{Target: target.ID, Customer: fmt.Sprint(i)})
		}
		for _, d := range claim(t, db, target, 5) {
			must(t, end(t, db, d, styk.NeedsHand))
			c.move(time.Minute)
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			groups, err := tx.FailedByCause()
			if len(groups) != 1 || groups[0].Count != 5 || groups[0].Cause != "потому" {
				t.Errorf("groups %+v", groups)
			}
			after, n, e := tx.ReplayFailed(target.ID, "потому", c.Now().Add(-3*time.Minute), 0, 2)
			_, m, e2 := tx.ReplayFailed(0, "", c.Now().Add(-3*time.Minute), after, 2)
			if n != 2 || m != 1 {
				t.Errorf("replayed %d and %d, want 2 and 1", n, m)
			}
			states, e3 := tx.QueueStates()
			if len(states) != 1 || states[0].Waiting != 3 || states[0].Failed != 2 {
				t.Errorf("states %+v", states)
			}
			_, e4 := tx.SendAgain(after)
			return errors.Join(err, e, e2, e3, e4)
		}))
		d := claim(t, db, target, 1)[0]
		if err := db.Update(t.Context(), func(tx *Tx) error { _, err := tx.SendAgain(d.ID); return err }); styk.CodeOf(err) != styk.Conflict {
			t.Errorf("sending a leased one again: %v", err)
		}
	})
}

func TestTargetKeepsItsSecretsSealed(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		save := func(settings map[string]any, want bool) {
			t.Helper()
			target := &styk.Target{Name: "crm", Kind: "creatio", Settings: settings, Mapping: map[string]string{"topic": "Subject"}}
			must(t, db.Update(t.Context(), func(tx *Tx) error {
				changed, err := tx.SaveTarget(target, []string{"password"})
				if changed != want {
					t.Errorf("changed %v, want %v", changed, want)
				}
				return err
			}))
		}
		save(map[string]any{"url": "http://crm", "password": "s3cret", "max": 10}, true)
		save(map[string]any{"url": "http://crm", "password": "s3cret", "max": 10}, false)
		save(map[string]any{"url": "http://crm", "max": 10}, false)
		save(map[string]any{"url": "http://crm2"}, true)
		must(t, db.View(t.Context(), func(tx *Tx) error {
			got, err := tx.Target("crm")
			if err == nil && (got.Settings["password"] != "s3cret" || got.Version != 2 || !slices.Equal(got.Secrets, []string{"password"})) {
				t.Errorf("target %+v", got)
			}
			list, e := tx.Targets()
			if len(list) != 1 || list[0].Settings["password"] != nil {
				t.Errorf("a list shows secrets: %+v", list)
			}
			var raw string
			e2 := tx.row(`SELECT settings || secrets || sealed || mapping FROM target`).Scan(&raw)
			if strings.Contains(raw, "s3cret") {
				t.Error("the secret lies open in the database")
			}
			return errors.Join(err, e, e2)
		}))
	})
}

func TestNumbersOfTwoProcesses(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := newClock()
		db.Now = c.Now
		var one, two Numbers
		seen := map[string]bool{}
		for i := range 250 {
			for _, n := range []*Numbers{&one, &two} {
				number, err := n.Next(t.Context(), db)
				must(t, err)
				if seen[number] {
					t.Fatalf("%s was given twice", number)
				}
				if _, err := styk.ParseTicketNumber(number); err != nil || !strings.HasPrefix(number, "2611-") {
					t.Fatalf("number %s: %v", number, err)
				}
				seen[number] = true
			}
			_ = i
		}
		c.now = time.Date(2026, 11, 30, 21, 0, 0, 0, time.UTC) // December in Moscow
		if number, err := one.Next(t.Context(), db); err != nil || number != styk.TicketNumber("2612", 1) {
			t.Errorf("number %s, %v", number, err)
		}
	})
}

func TestFormsAreKept(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		wait := styk.Duration(time.Second)
		f := &styk.Form{Name: "feedback", Title: "Обратная связь", Wait: &wait, Fields: []styk.FormField{{Name: "topic", Type: "text"}}}
		for _, want := range []bool{true, false} {
			must(t, db.Update(t.Context(), func(tx *Tx) error {
				changed, err := tx.SaveForm(f)
				if changed != want {
					t.Errorf("changed %v, want %v", changed, want)
				}
				return err
			}))
		}
		must(t, db.View(t.Context(), func(tx *Tx) error {
			got, err := tx.Form("feedback")
			if err == nil && (got.WaitFor() != time.Second || len(got.Fields) != 1) {
				t.Errorf("form %+v", got)
			}
			_, e := tx.Form("other")
			if styk.CodeOf(e) != styk.NotFound {
				t.Errorf("a form that is not there: %v", e)
			}
			return err
		}))
	})
}

func TestOldExchangesAreForgotten(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := newClock()
		db.Now = c.Now
		target := addTarget(t, db, "crm")
		for range 2 {
			enqueue(t, db, styk.Delivery{Target: target.ID})
			d := claim(t, db, target, 1)[0]
			d.State = styk.Delivered
			must(t, db.Update(t.Context(), func(tx *Tx) error {
				return tx.EndAttempt(d, &styk.Attempt{Number: 1, Ended: tx.Now(), Outcome: styk.AttemptDone, Exchanges: []styk.Exchange{{Method: "GET"}}})
			}))
			c.move(time.Hour)
		}
		must(t, db.ForgetExchanges(t.Context(), c.Now().Add(-90*time.Minute)))
		for id, want := range map[styk.ID]int{1: 0, 2: 1} {
			must(t, db.View(t.Context(), func(tx *Tx) error {
				list, err := tx.Attempts(id)
				if len(list) != 1 || len(list[0].Exchanges) != want {
					t.Errorf("attempts of %d: %+v", id, list)
				}
				return err
			}))
		}
	})
}
