package courier_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/connect"
	"styk/courier"
	"styk/store"
)

// bookkeeper takes every ticket, and keeps what it was told; the first time it
// loses its memory.
type bookkeeper struct {
	mu    sync.Mutex
	urls  []string
	texts []string
	files int
}

// Check implements connect.Connector.
func (b *bookkeeper) Check(context.Context) error { return nil }

// Deliver implements connect.Connector.
func (b *bookkeeper) Deliver(_ context.Context, p *connect.Parcel) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range p.Ticket.Files {
		b.urls = append(b.urls, f.URL)
	}
	b.files, b.texts = b.files+len(p.Ticket.Files), append(b.texts, p.Ticket.Text())
	if len(b.texts) == 1 {
		return errDown
	}
	return nil
}

func (b *bookkeeper) seen() (urls, texts []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.urls...), append([]string{}, b.texts...)
}

func (b *bookkeeper) kind() connect.Kind {
	return connect.Kind{Name: "books", Title: "Книги", Fields: []connect.Field{connect.LinkDays},
		New: func(connect.Settings) (connect.Connector, error) { return b, nil }}
}

// books runs a courier that gives links and may ask a scanner.
func (h *house) books(b *bookkeeper, days string, scan func(context.Context, styk.Scanning, io.Reader) (string, error)) *courier.Courier {
	h.t.Helper()
	o := h.options()
	o.FileURL = func(secret string) string { return "https://styk.firm.ru/d/" + secret }
	o.Scan = scan
	c := courier.New(h.db, h.blobs, []connect.Kind{b.kind(), h.world.kind("world")}, o)
	_, err := c.SaveTarget(h.t.Context(), &styk.Target{Name: "crm", Kind: "books", Settings: map[string]any{"link_days": days}})
	h.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- c.Run(ctx) }()
	h.t.Cleanup(func() { cancel(); h.must(<-over) })
	h.in.Wake = c.Wake
	return c
}

func (h *house) lettersOf(kind styk.NoticeType) (n int) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, l := range h.world.letters {
		if l.Type == string(kind) {
			n++
		}
	}
	return n
}

func (h *house) scanning(how styk.Scanning) {
	h.t.Helper()
	text, err := json.Marshal(how)
	h.must(err)
	h.must(h.db.Update(h.t.Context(), func(tx *store.Tx) error { return tx.SetMeta(store.MetaScan, string(text)) }))
}

// TestLinkStaysTheSameThroughRetries: two deliveries of a file have links of
// their own, each the same at every attempt, with the days of its target.
func TestLinkStaysTheSameThroughRetries(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		b := &bookkeeper{}
		c := h.books(b, "30", nil)
		a := h.post(nil)
		h.untilDelivered(c, a)
		urls, _ := b.seen()
		if len(urls) != 2 || urls[0] != urls[1] || !strings.HasPrefix(urls[0], "https://styk.firm.ru/d/L") {
			t.Fatalf("got %q", urls)
		}
		h.must(h.db.View(t.Context(), func(tx *store.Tx) error {
			l, err := tx.LinkBySecret(strings.TrimPrefix(urls[0], "https://styk.firm.ru/d/"))
			if err == nil && (l.Delivery != h.delivery(a, 0).ID || l.Until.Sub(l.Created) != 30*24*time.Hour) {
				t.Errorf("got %+v", l)
			}
			return err
		}))
		d := h.delivery(h.post(map[string]string{"topic": "Другое"}), 0)
		if d.ID == h.delivery(a, 0).ID {
			t.Fatal("one delivery for two posts")
		}
		if _, err := c.SaveTarget(t.Context(), &styk.Target{Name: "crm", Kind: "books", Settings: map[string]any{"link_days": "-1"}}); styk.CodeOf(err) != styk.Invalid {
			t.Errorf("less than no days: %v", err)
		}
	})
}

// TestRefusedFileStaysBehind: the ticket goes on without it and says so; its
// people see a warning.
// F-32: what the scanner refuses never reaches the CRM.
func TestRefusedFileStaysBehind(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		b := &bookkeeper{}
		h.scanning(styk.Scanning{Clamd: "tcp://127.0.0.1:1"})
		asked := 0
		c := h.books(b, "0", func(_ context.Context, how styk.Scanning, file io.Reader) (string, error) {
			asked++
			body, err := io.ReadAll(file)
			if err != nil || string(body) != pdf || how.Clamd != "tcp://127.0.0.1:1" {
				t.Errorf("asked %+v of %q, %v", how, body, err)
			}
			return "Eicar-Test-Signature", nil
		})
		h.target(styk.Target{Name: styk.MailTarget})
		a := h.post(map[string]string{"email": "anna@firm.ru"})
		h.untilDelivered(c, a)
		urls, texts := b.seen()
		if len(urls) != 0 || len(texts) != 2 || !strings.Contains(texts[0], "счёт.pdf (Eicar-Test-Signature)") || strings.Contains(texts[0], "Файл: счёт.pdf\n") {
			t.Errorf("got %q and %q", urls, texts)
		}
		h.await("a letter to the visitor", func() bool {
			h.clock.move(time.Minute)
			c.Wake()
			return h.lettersOf(styk.NoticeRefused) > 0
		})
		if n := h.lettersOf(styk.NoticeRefused); n != 1 {
			t.Errorf("%d letters say that the file stays behind", n)
		}
		if asked != 1 {
			t.Errorf("the scanner was asked %d times", asked)
		}
		h.must(h.db.View(t.Context(), func(tx *store.Tx) error {
			r, err := tx.Find(a.Ticket)
			if err == nil && (len(r.Base().Warnings) != 1 || !strings.Contains(r.Base().Warnings[0].Text, "счёт.pdf")) {
				t.Errorf("warnings %+v", r.Base().Warnings)
			}
			return err
		}))
		list := h.history(h.delivery(a, 0).ID)
		if last := list[0]; len(last.Warnings) != 1 || last.Outcome != styk.AttemptDone {
			t.Errorf("got %+v", last)
		}
	})
}

// TestUnreachableScannerHoldsTheFile: nothing goes on unchecked, the cause is
// plain, and the target's own lane is not blamed.
func TestUnreachableScannerHoldsTheFile(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house) {
		b := &bookkeeper{}
		var mu sync.Mutex
		down := true
		h.scanning(styk.Scanning{Command: []string{"scanner"}})
		c := h.books(b, "0", func(context.Context, styk.Scanning, io.Reader) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			if down {
				return "", errors.New("dial tcp: refused")
			}
			return "", nil
		})
		h.target(styk.Target{Name: styk.MailTarget})
		a := h.post(nil)
		attempts := 1
		for ; attempts <= 6; attempts++ {
			h.await("an attempt", func() bool { return len(h.history(h.delivery(a, 0).ID)) >= attempts })
			h.quiet()
			if urls, texts := b.seen(); len(urls)+len(texts) > 0 {
				t.Fatalf("it went on: %q %q", urls, texts)
			}
			h.clock.move(90 * time.Minute)
			c.Wake()
		}
		d := h.awaitState(a, styk.Due)
		if !strings.HasPrefix(d.Cause, "Антивирус не отвечает") {
			t.Errorf("cause %q", d.Cause)
		}
		h.await("a letter to the owner", func() bool {
			h.clock.move(time.Minute)
			c.Wake()
			return h.lettersOf(styk.NoticeUnchecked) > 0
		})
		if h.lettersOf(styk.NoticeFailed) > 0 {
			t.Error("the target is blamed")
		}
		if p := h.in.Wait(t.Context(), a, 0); p.Delivered {
			t.Errorf("progress %+v", p)
		}
		mu.Lock()
		down = false
		mu.Unlock()
		h.untilDelivered(c, a)
		if urls, _ := b.seen(); len(urls) == 0 {
			t.Error("the file was left out")
		}
	})
}

// TestNobodyToAskIsNoVerdict: a process without a scanner holds files back where
// they are to be checked.
func TestNobodyToAskIsNoVerdict(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	b := &bookkeeper{}
	h.scanning(styk.Scanning{Clamd: "tcp://127.0.0.1:1"})
	h.books(b, "0", nil)
	a := h.post(nil)
	h.await("an attempt", func() bool { return len(h.history(h.delivery(a, 0).ID)) > 0 })
	if _, texts := b.seen(); len(texts) != 0 {
		t.Errorf("got %q", texts)
	}
}
