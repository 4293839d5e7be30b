package vtiger

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/intake"
	"styk/internal/httpstory"
	"styk/store"
	"styk/store/storetest"
)

// bench is a whole server on real parts, with a clock that tests move.
type bench struct {
	*Server
	db    *store.DB
	in    *intake.Intake
	data  string
	clock *clock
	waits []time.Duration // how long guessing was held back
	api   *styk.User
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

const demoKey = "DemoKey000000001"

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
	b := &bench{data: t.TempDir(), clock: &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}}
	address := filepath.Join(b.data, "styk.db")
	if engine == "postgres" {
		address = storetest.Postgres(t)
	}
	var err error
	b.db, err = store.Open(t.Context(), store.Options{Database: address, Key: make([]byte, 32), Now: b.clock.Now, MaxConns: 16})
	ok(t, err)
	t.Cleanup(func() { ok(t, b.db.Close()) })
	blobs, err := blob.OpenDir(b.data)
	ok(t, err)
	work, err := blob.OpenWork(b.data, blobs)
	ok(t, err)
	t.Cleanup(func() { _ = work.Close() })
	b.in = &intake.Intake{DB: b.db, Blobs: blobs, Work: work, Zone: time.FixedZone("MSK", 3*3600), MaxFile: 4 << 20}
	b.api = &styk.User{Name: "api", Role: styk.RoleAPI, AccessKey: demoKey}
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.SaveUser(b.api); err != nil {
			return err
		}
		return tx.SaveWebform(demoForm())
	}))
	limits := DefaultLimits()
	limits.File = b.in.MaxFile
	b.Server = NewServer(Options{DB: b.db, Intake: b.in, Limits: limits, Wait: func(_ context.Context, d time.Duration) error {
		b.waits = append(b.waits, d)
		return nil
	}})
	return b
}

// demoForm is the web form of the demo (contract 2).
func demoForm() *styk.Webform {
	return &styk.Webform{
		Name: "Анкета", PublicID: "0123456789abcdef0123456789abcdef", Module: "Contacts", Match: styk.MatchPhone,
		Fields: []string{"firstname", "secondname", "lastname", "mobile", "email", "tgid", "birthday", "birthplace",
			"mailingstreet", "inn", "requisites", "code"},
		Files: []styk.FilePart{
			{Part: "file_1_1", Title: "договор"},
			{Part: "file_1_2", Title: "подтверждение оплаты"},
			{Part: "file_1_3", Title: "Скриншот прогресса обучения/личного кабинета"},
		},
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The contract of contract.md §4, point by point: each story is one point and
// bears its number.
func TestContract(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/contract/*.http")
	ok(t, err)
	if len(files) == 0 {
		t.Fatal("no stories")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, b *bench) {
				server := httptest.NewServer(b)
				defer server.Close()
				httpstory.Run(t, file, server.URL, map[string]string{"key": demoKey, "data": b.data})
			})
		})
	}
}
