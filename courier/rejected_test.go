package courier_test

import (
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"styk"
	"styk/connect"
	"styk/creatio"
	"styk/intake"
	"styk/store"
)

// TestVisitorIsNotHeldByARejectedLogin: the CRM takes back our login while a
// visitor waits. He gets our number at once, not at the end of the wait.
func TestVisitorIsNotHeldByARejectedLogin(t *testing.T) {
	t.Parallel()
	h := newHouse(t, filepath.Join(t.TempDir(), "styk.db"))
	sim := creatio.NewSim(creatio.Framework)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	h.extra = []connect.Kind{creatio.Kind}
	h.target(styk.Target{Name: "crm", Kind: "creatio", Settings: map[string]any{
		"url": server.URL, "user": "api", "password": "secret",
	}})
	h.start(h.db)
	if p := h.in.Wait(t.Context(), h.post(nil), 20*time.Second); p.Number == "" {
		t.Fatalf("the first visitor: %+v", p)
	}
	for _, fault := range []string{"expired=401-json", "login=code1"} {
		f, err := creatio.ParseFault(fault)
		h.must(err)
		h.must(sim.Fault(f))
	}
	a := h.post(map[string]string{"topic": "Вторая"})
	began := time.Now()
	p := h.in.Wait(t.Context(), a, 20*time.Second)
	if took := time.Since(began); p.Number != "" || p.Delivered || took > 5*time.Second {
		t.Errorf("progress %+v after %v", p, took)
	}
	h.must(h.db.View(t.Context(), func(tx *store.Tx) error {
		crm, err := tx.Target("crm")
		if err == nil && crm.Paused.IsZero() {
			t.Error("the target runs on")
		}
		return err
	}))
}

// TestVisitorIsNotHeldByADeadTarget: while a target rests, nobody begins his
// delivery, so there is nothing to wait for; nor when the next try comes late.
func TestVisitorIsNotHeldByADeadTarget(t *testing.T) {
	t.Parallel()
	h := newHouse(t, filepath.Join(t.TempDir(), "styk.db"))
	h.world.setFault(func(string, bool, *connect.Parcel) error { return errDown })
	c, _ := h.start(h.db)
	waited := func(a *intake.Accepted, d time.Duration) time.Duration {
		began := time.Now()
		if p := h.in.Wait(t.Context(), a, d); p.Number != "" || p.Delivered {
			t.Errorf("progress %+v", p)
		}
		return time.Since(began)
	}
	a := h.post(nil)
	if took := waited(a, time.Second); took > 800*time.Millisecond { // the second try comes in two
		t.Errorf("waited %v for a try that comes later", took)
	}
	for n := 2; n <= 5; n++ { // until the target is left alone
		h.clock.move(time.Hour)
		c.Wake()
		h.await("another try", func() bool {
			d := h.delivery(a, 0)
			return d.Attempts == n && d.State == styk.Due
		})
	}
	calls := h.world.attempts()
	if took := waited(h.post(map[string]string{"phone": "+7 900 000-00-01"}), 5*time.Second); took > 3*time.Second {
		t.Errorf("waited %v for a target that rests", took)
	}
	if n := h.world.attempts(); n != calls {
		t.Errorf("%d attempts at a target that rests", n-calls)
	}
}
