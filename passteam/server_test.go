package passteam

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/internal/httpstory"
	"styk/store"
	"styk/store/storetest"
	"styk/wallet"
)

const (
	guests   = "5be000000000000000000001"
	balances = "5be000000000000000000002"
	closed   = "5be000000000000000000003"
	demoText = "demo-passteam-token"
	demoKey  = "DemoKey000000001"
)

// bench is a whole server on real parts, with a clock that tests move.
type bench struct {
	*Server
	db    *store.DB
	clock *clock
	log   *lockedBuffer
	waits []time.Duration // how long guessing was held back
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eachEngine runs a test on a server with SQLite and on one with PostgreSQL.
func eachEngine(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newBench(t, engine))
		})
	}
}

func newBench(t testing.TB, engine string) *bench {
	t.Helper()
	b := &bench{clock: &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}, log: &lockedBuffer{}}
	data := t.TempDir()
	address := filepath.Join(data, "styk.db")
	if engine == "postgres" {
		address = storetest.Postgres(t)
	}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	b.db, err = store.Open(t.Context(), store.Options{Database: address, Key: make([]byte, 32), Now: b.clock.Now, MaxConns: 16})
	ok(t, err)
	blobs, err := blob.OpenDir(data)
	ok(t, err)
	cards := &wallet.Cards{DB: b.db, Blobs: blobs, PublicURL: "https://styk.firm.ru", Log: log}
	t.Cleanup(func() {
		cards.Close()
		ok(t, b.db.Close())
	})
	b.Server = NewServer(Options{DB: b.db, Cards: cards, Log: log, PerMinute: 1_000_000, Wait: func(_ context.Context, d time.Duration) error {
		b.waits = append(b.waits, d)
		return nil
	}})
	b.furnish(t)
	return b
}

// furnish gives the bench what the demo has (contract 2).
func (b *bench) furnish(t testing.TB) {
	t.Helper()
	for _, one := range []*styk.CardTemplate{
		{ID: guests, Name: "Карта гостя", Variables: []styk.CardVariable{
			{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "BIRTHDAY", Type: styk.CardDate},
			{Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true},
			{Name: "EMAIL", Type: styk.CardEmail}, {Name: "BONUS", Type: styk.CardNumber},
		}},
		{ID: balances, Name: "Скидка 5 %", Variables: []styk.CardVariable{
			{Name: "BALANCE", Type: styk.CardNumber}, {Name: "_CODE", Type: styk.CardString},
			{Name: "NUMBERCARD", Type: styk.CardString}, {Name: "DISCOUNT", Type: styk.CardNumber},
		}},
		{ID: closed, Name: "Старая карта (закрыта)", Disabled: true, Variables: []styk.CardVariable{{Name: "NAME", Type: styk.CardString}}},
	} {
		_, err := b.Cards.SaveTemplate(b.ctx(), one, nil)
		ok(t, err)
	}
	b.saveToken(t, &styk.CardToken{Name: "1c"}, demoText)
	b.saveToken(t, &styk.CardToken{Name: "old client", Always200: true}, "always-200-token")
	b.saveToken(t, &styk.CardToken{Name: "one template", Templates: []string{balances}}, "narrow-token")
	b.saveToken(t, &styk.CardToken{Name: "slow", PerMinute: 2}, "slow-token")
	ok(t, b.db.Update(b.ctx(), func(tx *store.Tx) error {
		return tx.SaveUser(&styk.User{Name: "api", Role: styk.RoleAPI, AccessKey: demoKey})
	}))
	_, _, err := b.Cards.Issue(b.ctx(), wallet.New{Template: balances, Number: card, Source: "import",
		Values: map[string]string{"BALANCE": "5000", "_CODE": "3006880536055", "NUMBERCARD": "3006880536055", "DISCOUNT": "3"}})
	ok(t, err)
}

func (b *bench) ctx() context.Context { return context.Background() }

func (b *bench) saveToken(t testing.TB, token *styk.CardToken, text string) {
	t.Helper()
	ok(t, b.db.Update(b.ctx(), func(tx *store.Tx) error { return tx.SaveCardToken(token, text) }))
}

// told is an answer as a client sees it.
type told struct {
	status int
	header http.Header
	body   string
	Result struct {
		CardID, CardURL, Token string
		Card                   struct {
			CardID    string
			CardURL   string
			CardCode  string
			Installed bool
			UpdatedAt string
			Values    map[string]string
		}
		Deleted, NotFound, Updated []string
		Queued                     any
	} `json:"-"`
	Raw     json.RawMessage `json:"result"`
	Message string          `json:"message"`
	Code    int             `json:"code"`
}

// ask posts a body to a method, by the demo's token unless a header says
// otherwise, and checks that 1C can read the answer.
func (b *bench) ask(t testing.TB, method, body string, headers ...string) told {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, Root+"/v1/"+method, strings.NewReader(body))
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Authorization", demoText)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return b.send(t, r)
}

func (b *bench) send(t testing.TB, r *http.Request) told {
	t.Helper()
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	a := told{status: w.Code, header: w.Header(), body: w.Body.String()}
	if err := Survives1C(w.Body.Bytes()); err != nil {
		t.Errorf("%s %s: 1C stumbles: %v in %s", r.Method, r.URL, err, a.body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("no JSON: %v in %q", err, a.body)
	}
	_ = json.Unmarshal(a.Raw, &a.Result)
	if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type: got %q", got)
	}
	return a
}

func guestBody(phone string) string {
	return "templateId=" + guests + "&values[%CLIENT_NAME%]=Иванов Иван&values[%BIRTHDAY%]=01.02.1990&values[%PHONE%]=" + phone +
		"&values[%EMAIL%]=a+b@ya.ru&values[%BONUS%]=0"
}

// The stories are what 1C and other clients send, byte for byte, on both engines.
func TestStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/story/*.http")
	ok(t, err)
	if len(files) == 0 {
		t.Fatal("no stories")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, b *bench) {
				httpstory.Serve(t, file, b, map[string]string{"key": demoKey, "token": demoText, "guests": guests, "balances": balances, "card": card})
			})
		})
	}
}
