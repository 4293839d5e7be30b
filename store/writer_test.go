package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"styk"
)

func TestMain(m *testing.M) {
	if child() {
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// ledger notes for each attempt whether it was answered or refused.
type ledger struct {
	mu                sync.Mutex
	answered, refused map[string]bool
}

func newLedger() *ledger { return &ledger{answered: map[string]bool{}, refused: map[string]bool{}} }

func (l *ledger) note(name string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.answered[name] = true
	} else {
		l.refused[name] = true
	}
}

// check compares the ledger with what is stored: contacts, their search
// tokens and their history.
func (l *ledger) check(t *testing.T, db *DB) {
	t.Helper()
	stored := map[string]bool{}
	must(t, db.View(context.Background(), func(tx *Tx) error {
		found, err := tx.Select(Query{Kind: styk.KindContact, Limit: 1 << 30})
		for _, rec := range found {
			name := rec.(*styk.Contact).LastName
			if stored[name] {
				t.Errorf("%s is stored twice", name)
			}
			stored[name] = true
		}
		if err != nil {
			return err
		}
		for _, table := range []string{"search", "history", "entity"} {
			var n int
			if err := tx.row(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
				return err
			}
			if n != len(stored) {
				t.Errorf("%d rows in %s for %d contacts", n, table, len(stored))
			}
		}
		return nil
	}))
	for name := range l.answered {
		if !stored[name] {
			t.Errorf("%s was answered and is not stored", name)
		}
	}
	for name := range l.refused {
		if stored[name] {
			t.Errorf("%s was refused and is stored", name)
		}
	}
	t.Logf("%d answered, %d refused", len(l.answered), len(l.refused))
}

func name(worker, nth int) string { return fmt.Sprintf("w%dn%d", worker, nth) }

// TestWritersWithCancellationsAndPanics: answered is stored, refused is absent.
func TestWritersWithCancellationsAndPanics(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		l := newLedger()
		patience := 4000 // µs
		if db.writer == nil {
			patience = 120_000
		}
		var wait sync.WaitGroup
		for worker := range 32 {
			wait.Go(func() {
				for nth := range 25 {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(time.Duration(rand.IntN(patience))*time.Microsecond, cancel)
					err := db.Update(ctx, func(tx *Tx) error {
						if err := tx.Insert(&styk.Contact{LastName: name(worker, nth)}, seller); err != nil {
							return err
						}
						switch rand.IntN(12) {
						case 0:
							panic("a broken closure")
						case 1:
							return errChangedMind
						case 2:
							cancel()
						}
						return nil
					})
					cancel()
					l.note(name(worker, nth), err)
				}
			})
		}
		wait.Wait()
		l.check(t, db)
		if len(l.answered) == 0 || len(l.refused) == 0 {
			t.Error("the test shows nothing")
		}
	})
}

func TestAPanicIsAnErrorWithItsPlace(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		broken := func(*Tx) error { panic("broken") }
		for _, err := range []error{db.Update(t.Context(), broken), db.View(t.Context(), broken)} {
			if err == nil || !strings.Contains(err.Error(), "writer_test.go") {
				t.Errorf("got %v", err)
			}
		}
		must(t, db.Ping(t.Context()))
	})
}

// TestBrokenGroupRunsAgainOneByOne: a closure destroys the transaction of its
// whole group; the others are stored all the same, once.
func TestBrokenGroupRunsAgainOneByOne(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
	l := newLedger()
	begun, gate := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() { // holds the writer until all others are queued
		l.note("gate", db.Update(t.Context(), func(tx *Tx) error {
			close(begun)
			<-gate
			return tx.Insert(&styk.Contact{LastName: "gate"}, seller)
		}))
	})
	<-begun
	records := make([]*styk.Contact, 30)
	for i := range records {
		records[i] = &styk.Contact{LastName: name(0, i)} // outside the closure, as callers do
		wait.Go(func() {
			err := db.Update(t.Context(), func(tx *Tx) error {
				if err := tx.Insert(records[i], seller); err != nil {
					return err
				}
				if i == 10 { // what a full disk or an interrupt does to everybody
					if err := tx.exec("ROLLBACK"); err != nil {
						return err
					}
					_ = tx.exec("INSERT INTO tick (one, n) VALUES (1, 1)") // the error that tells of it
					_ = tx.SetMeta("outside", "a transaction")
				}
				return nil
			})
			l.note(name(0, i), err)
		})
	}
	for len(db.writer.jobs) < len(records) {
		time.Sleep(time.Millisecond) // until they are queued: nothing else tells
	}
	close(gate)
	wait.Wait()
	if !l.refused[name(0, 10)] || len(l.answered) != 30 {
		t.Errorf("answered %d, refused %v", len(l.answered), l.refused)
	}
	seen := map[styk.ID]bool{}
	for i, c := range records {
		if i != 10 && (c.ID == 0 || seen[c.ID]) {
			t.Errorf("record %d has number %d", i, c.ID)
		}
		seen[c.ID] = true
	}
	l.check(t, db)
	must(t, db.View(t.Context(), func(tx *Tx) error {
		word, err := tx.Meta("outside")
		if word != "" {
			t.Error("a closure wrote outside its transaction")
		}
		return err
	}))
}

// TestCloseWhileBusy: what is answered is stored, the rest is refused, and
// nobody waits for ever.
func TestCloseWhileBusy(t *testing.T) {
	t.Parallel()
	eachAddress(t, func(t *testing.T, address string) {
		db := openTest(t, Options{Database: address})
		l := newLedger()
		var wait, begun sync.WaitGroup
		begun.Add(16)
		for worker := range 16 {
			wait.Go(func() {
				for nth := 0; ; nth++ {
					err := db.Update(t.Context(), func(tx *Tx) error {
						return tx.Insert(&styk.Contact{LastName: name(worker, nth)}, seller)
					})
					l.note(name(worker, nth), err)
					if nth == 3 {
						begun.Done()
					}
					if err != nil {
						if nth < 3 {
							t.Error(err)
						}
						return
					}
					_ = db.Ping(t.Context())
				}
			})
		}
		begun.Wait()
		must(t, db.Close())
		wait.Wait()
		l.check(t, openTest(t, Options{Database: address}))
	})
}

// TestFullDisk: with no room left writes are refused and absent, and when
// there is room again the store goes on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, grow := smallDisk(t)
	turns := 30
	if testing.Short() {
		turns = 12
	}
	db := openTest(t, Options{Database: filepath.Join(dir, "styk.db")})
	l := newLedger()
	fill := func(round int) (refused int) {
		var wait sync.WaitGroup
		var mu sync.Mutex
		for worker := range 32 {
			wait.Go(func() {
				for nth := range turns {
					id := name(worker+100*round, nth)
					err := db.Update(t.Context(), func(tx *Tx) error {
						return tx.Insert(&styk.Contact{LastName: id, Text: strings.Repeat("x", rand.IntN(40000))}, seller)
					})
					l.note(id, err)
					if err != nil {
						mu.Lock()
						refused++
						mu.Unlock()
					}
				}
			})
		}
		wait.Wait()
		return refused
	}
	if fill(1) == 0 {
		t.Error("the disk did not fill")
	}
	l.check(t, db)
	grow()
	if n := fill(2); n != 0 {
		t.Errorf("%d refused with room again", n)
	}
	l.check(t, db)
}

// TestTheLogStaysSmall: it grows while somebody reads an old state, holds no
// writer up, and is cut off when that has ended.
func TestTheLogStaysSmall(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes 100 MB")
	}
	db := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
	write := func(name string) {
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SetMeta(name, strings.Repeat(name, 1<<18)) }))
	}
	size := func() int64 {
		info, err := os.Stat(db.writer.wal)
		must(t, err)
		return info.Size()
	}
	must(t, db.View(t.Context(), func(tx *Tx) error {
		if _, err := tx.Tick(); err != nil { // its state begins
			return err
		}
		for i := range 100 {
			write(fmt.Sprintf("n%03d", i))
		}
		return nil
	}))
	if size() < walLimit {
		t.Errorf("the log has %d bytes: nothing is shown", size())
	}
	for deadline := time.Now().Add(20 * time.Second); size() > walLimit+walTarget; write("more") {
		if time.Now().After(deadline) {
			t.Fatalf("the log still has %d bytes", size())
		}
	}
	must(t, db.Checkpoint(t.Context()))
	if size() != 0 {
		t.Errorf("after Checkpoint the log has %d bytes", size())
	}
}
