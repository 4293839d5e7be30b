package connecttest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"styk/connect"
)

// cuts breaks each foreign write in turn, in every way, and retries.
func (c Case) cuts(t *testing.T) {
	t.Parallel()
	writes, _ := c.count(t)
	ways := []struct {
		name string
		how  func(*wire) action
	}{
		{"before", func(*wire) action { return cutBefore }},
		{"after", func(*wire) action { return cutAfter }},
		{"500 after", func(*wire) action { return failAfter }},
		{"time-out after", func(w *wire) action { return w.timeOutAfter }},
	}
	for k := 1; k <= writes; k++ {
		for _, way := range ways {
			t.Run(fmt.Sprintf("%s write %d", way.name, k), func(t *testing.T) {
				t.Parallel()
				w := c.world(t)
				w.wire.atWrite(k, way.how(w.wire))
				p, m := w.parcel(1), &connect.Memory{}
				err := w.attempt(t.Context(), p, m)
				if err != nil && connect.IsPermanent(err) {
					t.Errorf("an unknown outcome is no reason to give up: %v", err)
				}
				w.restart() // as another process would
				w.deliver(p, m)
				w.complete(p)
			})
		}
		t.Run(fmt.Sprintf("not remembered write %d", k), func(t *testing.T) {
			t.Parallel()
			c.unremembered(t, k)
		})
	}
}

// unremembered kills the process between the k-th write and its checkpoint.
func (c Case) unremembered(t *testing.T, k int) {
	w := c.world(t)
	p, m := w.parcel(1), &connect.Memory{}
	e := m.Effects(nil)
	lost := false
	e.Save = func(_ctx ctx, step string, d connect.Done) error {
		if !lost && w.wire.writes() >= k {
			lost = true
			return errKilled
		}
		return m.Effects(nil).Save(_ctx, step, d)
	}
	if err := w.attemptWith(t.Context(), p, e); err != nil && !errors.Is(err, errKilled) {
		t.Fatalf("got %v", err)
	}
	w.restart()
	w.deliver(p, m)
	w.complete(p)
}

var errKilled = errors.New("killed before the checkpoint")

// anyRequest lets every request in turn, logins and look-ups too, fail once.
func (c Case) anyRequest(t *testing.T) {
	t.Parallel()
	_, requests := c.count(t)
	for k := 1; k <= requests; k++ {
		t.Run(fmt.Sprintf("500 at request %d", k), func(t *testing.T) {
			t.Parallel()
			w := c.world(t)
			w.wire.atRequest(k, reply(500, "", ""))
			p, m := w.parcel(1), &connect.Memory{}
			if err := w.attempt(t.Context(), p, m); err != nil {
				if connect.IsPermanent(err) {
					t.Errorf("500 is no reason to give up: %v", err)
				}
				if _, ok := connect.Wait(err); ok {
					t.Errorf("500 asks for no wait: %v", err)
				}
			}
			w.deliver(p, m)
			w.complete(p)
		})
	}
}

// refusals looks at the marks on errors.
func (c Case) refusals(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status    int
		retry     string
		permanent bool
		wait      time.Duration // -1: none
	}{
		{400, "", true, -1},
		{422, "", true, -1},
		{429, "7", false, 7 * time.Second},
		{503, "90", false, 90 * time.Second},
		{500, "", false, -1},
		{502, "", false, -1},
		{503, "", false, -1},
		{504, "", false, -1},
	}
	for _, r := range cases {
		t.Run(strings.TrimSpace(fmt.Sprintf("%d %s", r.status, r.retry)), func(t *testing.T) {
			t.Parallel()
			w := c.world(t)
			w.wire.atWrite(1, reply(r.status, r.retry, "<h1>Отказ</h1> нет такого поля"))
			p, m := w.parcel(1), &connect.Memory{}
			err := w.attempt(t.Context(), p, m)
			if err == nil {
				t.Fatalf("%d was taken for success", r.status)
			}
			wait, asked := connect.Wait(err)
			if !asked {
				wait = -1
			}
			if connect.IsPermanent(err) != r.permanent || wait != r.wait {
				t.Errorf("got permanent %v, wait %v; want %v, %v: %v",
					connect.IsPermanent(err), wait, r.permanent, r.wait, err)
			}
			if connect.Explain(err) == "" {
				t.Error("the cause has no words")
			}
			w.deliver(p, m) // a person sends it again
			w.complete(p)
		})
	}
}

// cancelled stops while the foreign system thinks.
func (c Case) cancelled(t *testing.T) {
	t.Parallel()
	_, requests := c.count(t)
	for k := 1; k <= requests; k++ {
		t.Run(fmt.Sprintf("at request %d", k), func(t *testing.T) {
			t.Parallel()
			w := c.world(t)
			w.wire.atRequest(k, hang)
			ctx, cancel := withCancel(t)
			go func() {
				<-w.wire.hung
				cancel()
			}()
			p, m := w.parcel(1), &connect.Memory{}
			err := w.attempt(ctx, p, m)
			took := time.Since(w.wire.hungAt())
			if err == nil || took > soon {
				t.Errorf("returned %v after %v", err, took)
			}
			if connect.IsPermanent(err) {
				t.Errorf("a cancelled attempt is no refusal: %v", err)
			}
			w.deliver(p, m)
			w.complete(p)
		})
	}
}

func (c Case) endedContext(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	ctx, cancel := withCancel(t)
	cancel()
	p := w.parcel(1)
	if err := w.attempt(ctx, p, &connect.Memory{}); err == nil {
		t.Error("delivered with an ended context")
	}
	if n := w.sim.Records(number(p)); n != 0 {
		t.Errorf("%d records were made", n)
	}
}

func (c Case) dryRun(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	w.transport.DryRun = true
	p := w.parcel(1)
	p.DryRun = true
	m := &connect.Memory{}
	if err := w.attempt(t.Context(), p, m); err != nil {
		t.Fatal(err)
	}
	if w.sim.Records(number(p)) != 0 || w.wire.writes() != 0 || len(m.State) != 0 {
		t.Errorf("a dry run left %d records, %d writes, steps %v",
			w.sim.Records(number(p)), w.wire.writes(), m.State)
	}
	shown := 0
	for _, x := range w.exchanges() {
		if x.DryRun {
			shown++
		}
	}
	if shown == 0 {
		t.Error("no request was shown")
	}
}

// expiredMidway ends the session before each write in turn: one new login, and
// the same attempt succeeds.
func (c Case) expiredMidway(t *testing.T) {
	t.Parallel()
	writes, _ := c.count(t)
	for k := 1; k <= writes; k++ {
		t.Run(fmt.Sprintf("before write %d", k), func(t *testing.T) {
			t.Parallel()
			w := c.world(t)
			w.wire.atWrite(k, func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
				w.sim.Expire()
				h.ServeHTTP(rw, r)
			})
			p := w.parcel(1)
			if err := w.attempt(t.Context(), p, &connect.Memory{}); err != nil {
				t.Fatal(err)
			}
			if n := w.sim.Logins(); n != 2 {
				t.Errorf("%d logins, want 2", n)
			}
			w.complete(p)
		})
	}
}

func (c Case) expiredParallel(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	for round := range 2 {
		if round > 0 {
			w.sim.Expire()
		}
		parcels := make([]*connect.Parcel, 5)
		errs := make(chan error, len(parcels))
		for i := range parcels {
			parcels[i] = w.parcel(10*round + i + 1)
			stranger(parcels[i], 10*round+i+1)
			go func() { errs <- w.attempt(t.Context(), parcels[i], &connect.Memory{}) }()
		}
		for range parcels {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if n := w.sim.Logins(); n != round+1 {
			t.Errorf("round %d: %d logins, want %d", round, n, round+1)
		}
		for _, p := range parcels {
			w.complete(p)
		}
	}
}
