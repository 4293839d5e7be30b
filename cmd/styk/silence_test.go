package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/intake"
	"styk/store"
)

// TestSilenceReachesTheOwnersMailbox: one letter with the form's name goes the
// whole way by the courier and the mail server, and no second one for the same
// silence; a post ends it, and the next silence is told again.
func TestSilenceReachesTheOwnersMailbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, err := os.ReadFile(w.yaml)
	if err != nil {
		t.Fatal(err)
	}
	h := openTestHouse(t, &folder{Data: newFolder(t)})
	defer h.close()
	yaml := strings.Replace(string(text), "owner: boss@firm.ru", "owner: boss@firm.ru, silence: 5h", 1)
	if _, err := applyYAML(t.Context(), h, "f.yaml", []byte(yaml), false); err != nil {
		t.Fatal(err)
	}
	letters := 0
	look := func(after time.Duration, want int) {
		t.Helper()
		now := h.db.Now().Add(after)
		h.db.Now = func() time.Time { return now }
		if err := h.watchSilence(t.Context()); err != nil {
			t.Fatal(err)
		}
		letters = w.carried(t, h)
		if letters != want {
			t.Fatalf("%d letters, want %d: %+v", letters, want, w.mail.State().Letters)
		}
	}
	look(0, 0)
	look(6*time.Hour, 1)
	m := w.letter(t, "boss@firm.ru", "Обратная связь")
	if !strings.Contains(m.Subject+m.Text, "6 часов") {
		t.Errorf("it does not say how long: %s\n%s", m.Subject, m.Text)
	}
	look(20*time.Hour, 1)
	postForm(t, h, "feedback")
	look(time.Hour, 1)
	look(6*time.Hour, 2)
	if broken := w.mail.State().Broken; len(broken) > 0 {
		t.Errorf("broken rules: %v", broken)
	}
}

// carried runs the courier until nothing is due, and counts the letters about
// silence.
func (w *outsideWorld) carried(t *testing.T, h *house) (n int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error, 1)
	c := h.newCourier("http://127.0.0.1:8383")
	go func() { over <- c.Run(ctx) }()
	for tries := 0; queued(t, h) > 0; tries++ {
		if tries > 1000 {
			t.Fatal("the courier does not come to its end")
		}
		time.Sleep(5 * time.Millisecond) // the courier's goroutines: there is no clock to move
	}
	stop()
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	for _, m := range w.mail.State().Letters {
		if m.To == "boss@firm.ru" {
			n++
		}
	}
	return n
}

// queued counts what is still to be delivered to targets that run.
func queued(t *testing.T, h *house) (n int64) {
	t.Helper()
	err := h.db.View(t.Context(), func(tx *store.Tx) error {
		list, err := tx.QueueStates()
		for _, q := range list {
			if target, err := tx.TargetByID(q.Target); err != nil || target.Paused.IsZero() {
				n += q.Waiting + q.UnderWay
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// postForm sends a form of a visitor who leaves no mail address.
func postForm(t *testing.T, h *house, name string) {
	t.Helper()
	var form *styk.Form
	err := h.db.View(t.Context(), func(tx *store.Tx) (err error) {
		form, err = tx.Form(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	post := intake.FormPost{Values: map[string]string{"topic": "Касса", "phone": "+7 900 123-45-67"}}
	if _, err := h.intake.Accept(t.Context(), form, post); err != nil {
		t.Fatal(err)
	}
}
