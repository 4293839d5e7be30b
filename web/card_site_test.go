package web

import (
	"bytes"
	"context"
	"crypto/x509"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/store"
	"styk/wallet"
)

const guestTemplate = "5be000000000000000000001"

// cardSite is a styk with loyalty cards, and the push service that it calls.
type cardSite struct {
	t      testing.TB
	url    string
	db     *store.DB
	cards  *wallet.Cards
	web    http.Handler
	apns   *wallet.APNsSim
	past   atomic.Int64 // ms that the clock is ahead
	logged *lockedText
}

// now is the clock: the true one, since certificates and TLS go by it, moved on
// by the test.
func (s *cardSite) now() time.Time {
	return time.Now().Add(time.Duration(s.past.Load()) * time.Millisecond)
}

func (s *cardSite) advance(d time.Duration) { s.past.Add(d.Milliseconds()) }

func newCardSite(t testing.TB, change ...func(*Options)) *cardSite {
	t.Helper()
	s := &cardSite{t: t, logged: &lockedText{}}
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Database: filepath.Join(dir, "styk.db"), Key: []byte(strings.Repeat("k", 32)), Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.db = db
	mux := http.NewServeMux() // of the test alone: it would redirect unclean paths
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_test/") {
			mux.ServeHTTP(w, r)
			return
		}
		s.web.ServeHTTP(w, r)
	}))
	s.url = server.URL
	log := slog.New(slog.NewTextHandler(s.logged, nil))
	s.cards = &wallet.Cards{DB: db, Blobs: blobs, PublicURL: server.URL, Log: log}
	s.apns, s.cards.PushService, s.cards.PushTrust = pushService(t)
	t.Cleanup(func() {
		server.Close()
		s.cards.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	o := Options{Base: func() string { return server.URL }, Version: "test", DB: db, Cards: s.cards, Now: s.now, Log: log}
	for _, c := range change {
		c(&o)
	}
	s.web = New(o)
	s.control(mux)
	if _, err := s.cards.SaveCertificate(t.Context(), "", "", developmentPEM()); err != nil {
		t.Fatal(err)
	}
	s.template(nil, nil)
	return s
}

// developmentPEM is one certificate for all tests: its key takes long to find.
var developmentPEM = sync.OnceValue(func() []byte {
	signer, err := wallet.DevelopmentSigner(wallet.DevelopmentPassType, "DEVELOPER0", time.Now())
	if err != nil {
		panic(err)
	}
	pack, err := signer.Pack()
	if err != nil {
		panic(err)
	}
	return pack
})

// pushService is the simulated one, over real HTTP/2 and TLS.
func pushService(t testing.TB) (*wallet.APNsSim, string, *x509.CertPool) {
	t.Helper()
	sim := wallet.NewAPNsSim()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan *x509.CertPool, 1), make(chan error, 1)
	go func() { done <- sim.Serve(ctx, l, func(roots *x509.CertPool) { ready <- roots }) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return sim, "https://" + l.Addr().String(), <-ready
}

func (s *cardSite) template(change func(*styk.CardTemplate), layout *wallet.Layout) {
	s.t.Helper()
	guest := &styk.CardTemplate{ID: guestTemplate, Name: "Кофейня «Зерно»", Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "BIRTHDAY", Type: styk.CardDate},
		{Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true},
		{Name: "EMAIL", Type: styk.CardEmail}, {Name: "BONUS", Type: styk.CardNumber}, {Name: "DISCOUNT", Type: styk.CardNumber},
		{Name: "ADDRESS", Type: styk.CardString},
	}}
	if change != nil {
		change(guest)
	}
	if layout == nil {
		l := wallet.DefaultLayout("Кофейня «Зерно»")
		l.Background, l.LabelColor = "#3b2417", "#e3c9ae"
		l.Auxiliary = append(l.Auxiliary, wallet.Field{Key: "discount", Label: "Скидка, %", Value: "%DISCOUNT%", Kind: wallet.Number})
		l.Back = append(l.Back,
			wallet.Field{Key: "rules", Label: "Правила", Value: "1 бонус = 1 рубль. Бонусами можно оплатить до половины чека."},
			wallet.Field{Key: "mail", Label: "E-mail", Value: "%EMAIL%"}, wallet.Field{Key: "address", Label: "Адрес", Value: "%ADDRESS%"})
		layout = &l
	}
	if _, err := s.cards.SaveTemplate(s.t.Context(), guest, layout); err != nil {
		s.t.Fatal(err)
	}
}

func (s *cardSite) issue(pairs ...string) *styk.Card {
	s.t.Helper()
	values := map[string]string{
		"CLIENT_NAME": "Воскресенская Анна Павловна", "BIRTHDAY": "01.02.1990", "PHONE": "+7 928 664-66-11", "EMAIL": "anna@firm.ru",
		"BONUS": "1 234,5", "DISCOUNT": "5", "ADDRESS": "Казань, Баумана 1",
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	card, _, err := s.cards.Issue(s.t.Context(), wallet.New{Template: guestTemplate, Values: values, Source: "passteam", By: store.By{Origin: "passteam"}})
	if err != nil {
		s.t.Fatal(err)
	}
	return card
}

func (s *cardSite) update(number string, pairs ...string) {
	s.t.Helper()
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	if _, _, err := s.cards.Update(s.t.Context(), number, values, store.By{Origin: "passteam"}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *cardSite) card(number string) *styk.Card {
	s.t.Helper()
	card, _, err := s.cards.Load(s.t.Context(), number)
	if err != nil {
		s.t.Fatal(err)
	}
	return card
}

// link is the path of a card's page.
func (s *cardSite) link(number string) string {
	return strings.TrimPrefix(s.cards.URL(number), s.url)
}

// do sends one request without following where it leads.
func (s *cardSite) do(method, path, body string, header ...string) answered {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answered{a.StatusCode, a.Header, string(text)}
}

// control lets a browser program do what the shop does.
func (s *cardSite) control(mux *http.ServeMux) {
	mux.HandleFunc("POST /_test/update", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		s.update(q.Get("card"), "BONUS", q.Get("bonus"))
	})
	mux.HandleFunc("POST /_test/delete", func(w http.ResponseWriter, r *http.Request) {
		if err := s.cards.Delete(r.Context(), r.URL.Query().Get("card"), store.By{Origin: "test"}); err != nil {
			s.t.Error(err)
		}
	})
	mux.HandleFunc("GET /_test/installed", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, !s.card(r.URL.Query().Get("card")).Installed.IsZero())
	})
}

// picture draws a smooth picture, so that it compresses as a photograph does.
func picture(w, h int, from, to color.NRGBA, asPNG bool) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	mix := func(a, b uint8, k float64) uint8 { return uint8(float64(a)*(1-k) + float64(b)*k) }
	for y := range h {
		for x := range w {
			k := (float64(x)/float64(w) + float64(y)/float64(h)) / 2
			img.SetNRGBA(x, y, color.NRGBA{mix(from.R, to.R, k), mix(from.G, to.G, k), mix(from.B, to.B, k), 255})
		}
	}
	var b bytes.Buffer
	if asPNG {
		_ = png.Encode(&b, img)
	} else {
		_ = jpeg.Encode(&b, img, nil)
	}
	return b.Bytes()
}

// lockedText takes log lines of many goroutines.
type lockedText struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

// String gives everything that was written.
func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}
