package courier_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/connect"
	"styk/courier"
	"styk/store"
	"styk/store/storetest"
	"styk/webhook"
)

const anna = "+79001234567"

var errDown = errors.New("the system is down")

func TestVisitorGetsTheForeignNumber(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.start(h.db)
		a := h.post(nil)
		p := h.in.Wait(t.Context(), a, 10*time.Second)
		if p.Number != "SR-"+a.Number || !p.Delivered {
			t.Fatalf("progress %+v", p)
		}
		d := h.awaitState(a, styk.Delivered)
		h.once(a, anna)
		list := h.history(d.ID)
		if len(list) != 1 || list[0].Outcome != styk.AttemptDone {
			t.Errorf("attempts %+v", list)
		}
	})
}

func TestDeadSystemNeverDelaysTheVisitorLong(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	h.world.setFault(func(string, bool, *connect.Parcel) error { return errDown })
	h.start(h.db)
	began := time.Now()
	p := h.in.Wait(t.Context(), h.post(nil), 100*time.Millisecond)
	if took := time.Since(began); p.Number != "" || p.Delivered || took > 2*time.Second {
		t.Errorf("progress %+v after %v", p, took)
	}
}

func TestLadder(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	h.world.setFault(func(string, bool, *connect.Parcel) error { return errDown })
	c, _ := h.start(h.db)
	a := h.post(nil)
	for n := 1; ; n++ {
		h.await(fmt.Sprintf("attempt %d", n), func() bool {
			d := h.delivery(a, 0)
			return d.Attempts == n && d.State != styk.Leased
		})
		d := h.delivery(a, 0)
		if d.State == styk.NeedsHand {
			if age := h.clock.Now().Sub(d.Created); age < 7*24*time.Hour || n < 20 {
				t.Errorf("given up after %v and %d attempts", age, n)
			}
			if !strings.HasPrefix(d.Cause, "Семь дней") {
				t.Errorf("cause %q", d.Cause)
			}
			break
		}
		wait, want := d.Due.Sub(h.clock.Now()), courier.Rung(n-1)
		if wait < want*79/100 || wait > want*121/100 {
			t.Fatalf("after attempt %d: next in %v, want about %v", n, wait, want)
		}
		h.clock.move(max(wait, 6*time.Minute)) // the breaker's pause too
		c.Wake()
	}
	if got := []time.Duration{courier.Rung(0), courier.Rung(1), courier.Rung(5), courier.Rung(8), courier.Rung(99)}; fmt.Sprint(got) !=
		"[2s 10s 1h0m0s 12h0m0s 12h0m0s]" {
		t.Errorf("ladder %v", got)
	}
}

func TestPermanentErrorWaitsForAPerson(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.target(styk.Target{Name: styk.MailTarget})
		c, _ := h.start(h.db)
		h.world.setFault(func(step string, after bool, p *connect.Parcel) error {
			if step == "case" {
				return connect.Permanent(connect.Because(errors.New("s3cret is not a field"), "Нет такого поля."))
			}
			return nil
		})
		a, b := h.post(nil), h.post(map[string]string{"phone": "+7 900 000-00-01"})
		d := h.awaitState(a, styk.NeedsHand)
		h.awaitState(b, styk.NeedsHand)
		if d.Cause != "Нет такого поля." {
			t.Errorf("cause %q", d.Cause)
		}
		if list := h.history(d.ID); len(list) != 1 || strings.Contains(list[0].Err, "s3cret") {
			t.Errorf("attempts %+v", list[0])
		}
		h.clock.move(24 * time.Hour)
		c.Wake()
		h.await("the owner's letter", func() bool {
			h.world.mu.Lock()
			defer h.world.mu.Unlock()
			return len(h.world.letters) == 1 && h.world.letters[0].Type == string(styk.NoticeFailed)
		})
		if n := len(h.history(d.ID)); n != 1 {
			t.Errorf("%d attempts: a permanent error was repeated", n)
		}
		h.world.setFault(nil)
		h.must(c.Retry(t.Context(), d.ID))
		h.awaitState(a, styk.Delivered)
		if err := c.Retry(t.Context(), d.ID); styk.CodeOf(err) != styk.Conflict {
			t.Errorf("retry of a delivered one: %v", err)
		}
		if n, err := c.Replay(t.Context(), "crm", "Нет такого поля.", time.Time{}); err != nil || n != 1 {
			t.Errorf("replayed %d, %v", n, err)
		}
		h.awaitState(b, styk.Delivered)
		h.once(a, anna)
		h.once(b, "+79000000001")
	})
}

func TestStopPausesTheTarget(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	c, _ := h.start(h.db)
	h.world.setFault(func(string, bool, *connect.Parcel) error {
		return connect.Stop(connect.Because(errDown, "Пароль не подошёл."))
	})
	a := h.post(nil)
	target := func() *styk.Target {
		var got *styk.Target
		h.must(h.db.View(t.Context(), func(tx *store.Tx) (err error) { got, err = tx.Target("crm"); return err }))
		return got
	}
	h.await("pause", func() bool { return !target().Paused.IsZero() })
	if why := target().PausedWhy; why != "Пароль не подошёл." {
		t.Errorf("why %q", why)
	}
	d := h.delivery(a, 0)
	if d.State != styk.Due || d.Rung != 0 {
		t.Errorf("the parcel that noticed it: %+v", d)
	}
	calls := h.world.attempts()
	b := h.post(map[string]string{"topic": "Вторая"})
	began := time.Now()
	if p := h.in.Wait(t.Context(), b, 5*time.Second); p.Number != "" || time.Since(began) > 3*time.Second {
		t.Errorf("waited %v for a paused target", time.Since(began))
	}
	if n := h.world.attempts(); n != calls {
		t.Errorf("%d attempts at a paused target", n-calls)
	}
	h.world.setFault(nil)
	h.must(c.Resume(t.Context(), "crm"))
	h.awaitState(a, styk.Delivered)
	h.awaitState(b, styk.Delivered)
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	c, _ := h.start(h.db)
	h.world.setFault(func(string, bool, *connect.Parcel) error {
		return connect.After(90*time.Second, &connect.StatusError{Status: http.StatusTooManyRequests})
	})
	a := h.post(nil)
	h.await("first attempt", func() bool { return h.world.attempts() == 1 && h.delivery(a, 0).State == styk.Due })
	if wait := h.delivery(a, 0).Due.Sub(h.clock.Now()); wait < 90*time.Second {
		t.Errorf("due in %v", wait)
	}
	b := h.post(map[string]string{"phone": "+79000000001"})
	h.world.setFault(nil)
	h.clock.move(60 * time.Second)
	c.Wake()
	h.in.Wait(t.Context(), b, 200*time.Millisecond)
	if n := h.world.attempts(); n != 1 {
		t.Errorf("%d attempts while the system asked for quiet", n)
	}
	h.clock.move(31 * time.Second)
	c.Wake()
	h.awaitState(b, styk.Delivered)
	h.awaitState(a, styk.Delivered)
}

// An outcome that nobody knows is looked up before anything is sent again.
func TestUnknownOutcomeIsLookedUp(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		c, _ := h.start(h.db)
		failed := map[string]bool{}
		h.world.setFault(func(step string, after bool, p *connect.Parcel) error {
			if after && !failed[step] {
				failed[step] = true
				return context.DeadlineExceeded
			}
			return nil
		})
		a := h.post(nil)
		h.untilDelivered(c, a)
		h.once(a, anna)
		if d := h.delivery(a, 0); d.Attempts != 4 { // contact, case, file, and the end
			t.Errorf("%d attempts", d.Attempts)
		}
	})
}

// The process is killed before and after every foreign write.
func TestKilledInTheMiddleOfEachStep(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.lease = time.Second
		for i, step := range []string{"contact", "case", "file.0"} {
			for j, after := range []bool{false, true} {
				phone := fmt.Sprintf("+7900000%02d%02d", i, j)
				reached, dead := make(chan struct{}), make(chan struct{})
				h.world.setFault(func(s string, at bool, p *connect.Parcel) error {
					if s == step && at == after && p.Ticket.Contact.Phone == phone {
						select {
						case <-dead:
							return nil // the second life
						default:
							close(reached)
							<-dead
							return errDown
						}
					}
					return nil
				})
				db := h.open()
				_, stop := h.start(db)
				a := h.post(map[string]string{"phone": phone})
				<-reached
				h.must(db.Close()) // from here on the first process writes nothing
				close(dead)
				stop()
				if d := h.delivery(a, 0); d.State != styk.Leased {
					t.Fatalf("%s: the killed one still wrote: %s", step, d.State)
				}
				h.clock.move(time.Minute)
				_, stop = h.start(h.db)
				d := h.awaitState(a, styk.Delivered)
				stop()
				h.once(a, phone)
				if list := h.history(d.ID); len(list) != 2 || list[1].Outcome != styk.AttemptLost {
					t.Errorf("%s: attempts %+v", step, list)
				}
			}
		}
	})
}

func TestDeadTargetStopsItsOwnLaneOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	dead := &world{fault: func(string, bool, *connect.Parcel) error { return errDown }}
	h.extra = []connect.Kind{dead.kind("dead")}
	h.target(styk.Target{Name: "dead", Kind: "dead"})
	h.form.Targets = []string{"dead", "crm"}
	h.start(h.db)
	for i := range 40 {
		a := h.post(map[string]string{"phone": fmt.Sprintf("+7900000%04d", i)})
		h.await("the healthy one", func() bool { return h.delivery(a, 1).State == styk.Delivered })
	}
	if n := dead.attempts(); n > 12 {
		t.Errorf("%d attempts at a dead system: the breaker did not open", n)
	}
}

func TestPanicIsAnErrorLikeOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	c, _ := h.start(h.db)
	h.world.setFault(func(string, bool, *connect.Parcel) error { panic("slip") })
	a := h.post(nil)
	h.await("retry", func() bool { d := h.delivery(a, 0); return d.Attempts == 1 && d.State == styk.Due })
	h.world.setFault(nil)
	h.untilDelivered(c, a)
}

func TestDrain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	_, stop := h.start(h.db)
	reached, release := make(chan struct{}, 2), make(chan struct{})
	h.world.setFault(func(step string, after bool, p *connect.Parcel) error {
		if step == "case" && !after {
			reached <- struct{}{}
			<-release
		}
		return nil
	})
	a := h.post(nil)
	<-reached
	over := make(chan struct{})
	go func() { defer close(over); stop() }()
	close(release)
	<-over
	d := h.delivery(a, 0)
	if d.State != styk.Delivered && !(d.State == styk.Due && h.history(d.ID)[0].Outcome == styk.AttemptInterrupted) {
		t.Errorf("after the drain: %+v", d)
	}
	h.world.setFault(nil)
	h.start(h.db)
	h.awaitState(a, styk.Delivered)
	h.once(a, anna)
}

func TestLettersCarryTheNumber(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	h.target(styk.Target{Name: styk.MailTarget})
	c, _ := h.start(h.db)
	letters := func() (list []string) {
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		for _, l := range h.world.letters {
			list = append(list, l.Type+" "+l.Subject+" "+l.Text)
		}
		return list
	}
	a := h.post(map[string]string{"email": "anna@firm.ru"})
	h.awaitState(a, styk.Delivered)
	h.clock.move(5 * time.Second)
	c.Wake()
	want := "ticket.accepted " + a.Number + " SR-" + a.Number
	h.await("the letter", func() bool { return len(letters()) == 1 })
	if got := letters()[0]; got != want {
		t.Errorf("letter %q, want %q: the number came in time", got, want)
	}
	h.world.setFault(func(step string, _ bool, _ *connect.Parcel) error {
		if step == "case" {
			return errDown
		}
		return nil
	})
	b := h.post(map[string]string{"topic": "Вторая", "email": "anna@firm.ru"})
	h.await("the first attempt", func() bool { d := h.delivery(b, 0); return d.Attempts == 1 && d.State == styk.Due })
	h.clock.move(5 * time.Second)
	c.Wake()
	h.await("the second letter", func() bool { return len(letters()) >= 2 })
	h.world.setFault(nil)
	h.untilDelivered(c, b)
	h.await("the number's letter", func() bool { return len(letters()) == 3 })
	if got := letters()[1:]; got[0] != "ticket.accepted "+b.Number+" " || got[1] != "ticket.number "+b.Number+" SR-"+b.Number {
		t.Errorf("letters %q", got)
	}
}

const hookSecret = "whsec_c3R5ay13ZWJob29rLWV4YW1wbGUta2V5LTAx"

func TestWebhookKeepsExactRequests(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		sim := webhook.NewSim(hookSecret)
		sim.Now = h.clock.Now
		server := httptest.NewServer(sim)
		t.Cleanup(server.Close)
		h.extra = []connect.Kind{webhook.Kind}
		h.target(styk.Target{Name: "crm", Kind: "webhook", Settings: map[string]any{
			"url": server.URL + "/hook", "secret": hookSecret, "authorization": "Bearer t0p-s3cret",
		}})
		c := h.courier(h.db)
		if x, err := c.Check(t.Context(), "crm"); err != nil || len(x) != 1 || sim.Pings() != 1 {
			t.Errorf("check: %v, %+v", err, x)
		}
		a := h.post(nil)
		shown, err := c.DryRun(t.Context(), h.delivery(a, 0).ID)
		if err != nil || len(shown) != 1 || !shown[0].DryRun || !strings.Contains(shown[0].RequestBody, a.Number) {
			t.Errorf("dry run: %v, %+v", err, shown)
		}
		if n := len(sim.Tickets(a.Number)); n != 0 {
			t.Errorf("a dry run sent %d", n)
		}
		h.start(h.db)
		if p := h.in.Wait(t.Context(), a, 10*time.Second); p.Number != "WH-00001" {
			t.Fatalf("progress %+v", p)
		}
		d := h.awaitState(a, styk.Delivered)
		x := h.history(d.ID)[0].Exchanges
		if len(x) != 1 || x[0].Status != 200 || x[0].Step != "event" || x[0].Total <= 0 ||
			!strings.Contains(x[0].RequestBody, "Молчит") || !strings.Contains(x[0].AnswerBody, "WH-00001") {
			t.Errorf("exchange %+v", x)
		}
		if strings.Contains(fmt.Sprint(x), "t0p-s3cret") {
			t.Error("a secret was stored")
		}
	})
}

func TestHundredSubmissionsOfOneVisitor(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		h.target(styk.Target{Name: "crm", Parallel: 8})
		other := h.open()
		h.start(h.db)
		if other.Engine() != "sqlite" { // there one process alone delivers
			h.start(other)
		}
		n := 100
		if testing.Short() {
			n = 30
		}
		errs := make(chan error, n)
		for i := range n {
			go func() {
				defer func() { errs <- nil }()
				h.post(map[string]string{"topic": fmt.Sprint("Касса ", i)})
			}()
		}
		for range n {
			<-errs
		}
		h.await("all", func() bool {
			h.world.mu.Lock()
			defer h.world.mu.Unlock()
			return len(h.world.cases) >= n && len(h.world.files) >= n
		})
		w := h.world
		if c := w.count(&w.contacts, anna); c != 1 || len(w.cases) != n || len(w.files) != n {
			t.Errorf("%d contacts, %d cases, %d files", c, len(w.cases), len(w.files))
		}
		seen := map[string]bool{}
		for _, number := range w.cases {
			if seen[number] {
				t.Errorf("%s came twice", number)
			}
			seen[number] = true
		}
	})
}

func TestTwoProcessesShareTheWork(t *testing.T) {
	t.Parallel()
	h := newHouse(t, storetest.Postgres(t))
	n := 60
	for i := range n {
		h.post(map[string]string{"phone": fmt.Sprintf("+7900000%04d", i)})
	}
	h.start(h.open())
	h.start(h.open())
	h.await("all", func() bool {
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		return len(h.world.files) >= n
	})
	if len(h.world.cases) != n || len(h.world.contacts) != n {
		t.Errorf("%d cases, %d contacts of %d", len(h.world.cases), len(h.world.contacts), n)
	}
}

func TestTenThousandThatWaitCostNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	n := 10000
	if testing.Short() {
		n = 1000
	}
	var target *styk.Target
	h.must(h.db.View(t.Context(), func(tx *store.Tx) (err error) { target, err = tx.Target("crm"); return err }))
	for range n / 500 {
		h.must(h.db.Update(t.Context(), func(tx *store.Tx) error {
			for range 500 {
				d := styk.Delivery{Target: target.ID, Subject: styk.SubjectTicket}
				if err := tx.Enqueue(&d); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	c, _ := h.start(h.db)
	h.must(c.Pause(t.Context(), "crm", ""))
	h.await("lanes", c.QueueRunning)
	calls := h.world.attempts()
	_, before := h.db.WriterStats()
	for range 50 {
		c.Wake()
	}
	h.in.Wait(t.Context(), h.post(nil), 50*time.Millisecond)
	_, after := h.db.WriterStats()
	if made := h.world.attempts() - calls; made > 8 || after-before > 30 {
		t.Errorf("%d attempts and %d transactions for a paused target", made, after-before)
	}
}

// An owner learns once that a target stands, and once that it works again.
func TestOwnerLearnsOfADeadTarget(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	h.target(styk.Target{Name: styk.MailTarget})
	h.target(styk.Target{Name: "crm", Parallel: 8})
	h.world.setFault(func(step string, _ bool, _ *connect.Parcel) error {
		if step == "contact" {
			return errDown
		}
		return nil
	})
	c, _ := h.start(h.db)
	last := h.post(nil)
	for i := range 6 {
		last = h.post(map[string]string{"phone": fmt.Sprintf("+7900000%04d", i)})
	}
	letters := func() (out []string) {
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		for _, l := range h.world.letters {
			out = append(out, l.Type)
		}
		return out
	}
	h.await("the breaker", func() bool { return h.world.attempts() >= 5 })
	for range 4 { // its pauses
		h.quiet()
		calls := h.world.attempts()
		h.clock.move(7 * time.Minute)
		c.Wake()
		h.await("a probe", func() bool { return h.world.attempts() > calls })
	}
	h.await("the letter", func() bool { return len(letters()) == 1 })
	h.world.setFault(nil)
	h.await("the end", func() bool {
		h.quiet()
		h.clock.move(10 * time.Minute)
		c.Wake()
		return h.delivery(last, 0).State == styk.Delivered && len(letters()) >= 2
	})
	if got := fmt.Sprint(letters()); got != "[target.failed target.recovered]" {
		t.Errorf("letters %s", got)
	}
}
