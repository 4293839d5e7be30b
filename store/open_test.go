package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"styk"
	"styk/store/storetest"
)

// eachAddress runs a test that opens databases itself.
func eachAddress(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, filepath.Join(t.TempDir(), "база #1?.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, storetest.Postgres(t))
	})
}

func TestManyOpenAndMigrateAtOnce(t *testing.T) {
	t.Parallel()
	eachAddress(t, func(t *testing.T, address string) {
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() {
				db, err := Open(t.Context(), Options{Database: address, Key: testKey})
				if err != nil {
					t.Error(err)
					return
				}
				if err := db.Ping(t.Context()); err != nil {
					t.Error(err)
				}
				must(t, db.Close())
				must(t, db.Close()) // twice is once
				if err := db.View(t.Context(), func(*Tx) error { return nil }); err == nil {
					t.Error("a closed database answers")
				}
				if err := db.Update(t.Context(), func(*Tx) error { return nil }); err == nil {
					t.Error("a closed database writes")
				}
			})
		}
		wait.Wait()
	})
}

func TestAnotherKeyRefusesToOpen(t *testing.T) {
	t.Parallel()
	eachAddress(t, func(t *testing.T, address string) {
		db := openTest(t, Options{Database: address})
		u := addUser(t, db, "api")
		must(t, db.Close())
		if _, err := Open(t.Context(), Options{Database: address, Key: NewKey()}); !errors.Is(err, ErrWrongKey) {
			t.Errorf("got %v", err)
		}
		if _, err := Open(t.Context(), Options{Database: address, Key: testKey[:5]}); err == nil {
			t.Error("a short key opens")
		}
		db = openTest(t, Options{Database: address})
		must(t, db.View(t.Context(), func(tx *Tx) error {
			got, err := tx.User(u.ID)
			if err == nil && got.AccessKey != u.AccessKey {
				t.Errorf("got %q", got.AccessKey)
			}
			return err
		}))
	})
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	eachAddress(t, func(t *testing.T, address string) {
		db := openTest(t, Options{Database: address})
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			return tx.exec(`INSERT INTO schema_version (version_id, is_applied) VALUES (99999, ` + map[string]string{"sqlite": "1", "postgres": "true"}[db.Engine()] + `)`)
		}))
		must(t, db.Close())
		if _, err := Open(t.Context(), Options{Database: address, Key: testKey}); !errors.Is(err, ErrNewer) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSealedOpensOnlyAtItsPlace(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
	for _, secret := range []string{"", "пароль 😀"} {
		sealed := db.Seal("target/1/password", secret)
		if got, err := db.Open("target/1/password", sealed); err != nil || got != secret {
			t.Errorf("got %q, %v", got, err)
		}
		if sealed == db.Seal("target/1/password", secret) {
			t.Error("equal secrets look equal")
		}
		for name, bad := range map[string]string{"other place": sealed, "short": "AA", "no base64": "%", "changed": "A" + sealed[1:] + ""} {
			place := "target/1/password"
			if name == "other place" {
				place = "target/2/password"
			}
			if name == "changed" && bad == sealed {
				continue
			}
			if _, err := db.Open(place, bad); err == nil {
				t.Errorf("%s opens", name)
			}
		}
	}
	other := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
	if db.KeyedHash("sms", "1") != other.KeyedHash("sms", "1") || db.KeyedHash("sms", "1") == db.KeyedHash("x", "1") {
		t.Error("keyed hashes depend on key and purpose alone")
	}
}

func TestTheDatabaseFileIsPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "styk.db")
	openTest(t, Options{Database: path})
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// TestATickReaderMissesNothing: the transaction that began first commits last;
// a reader that keeps the last tick must still see it.
func TestATickReaderMissesNothing(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		read := func(after int64) (last int64, seen []styk.ID) {
			must(t, db.View(t.Context(), func(tx *Tx) error {
				list, err := tx.Since(after, []styk.Kind{styk.KindContact}, 100)
				last = after
				for _, c := range list {
					last, seen = c.Tick, append(seen, c.Record)
				}
				return err
			}))
			return last, seen
		}
		if db.writer != nil { // one writer: transactions cannot overlap
			insert(t, db, &styk.Contact{})
			if _, seen := read(0); len(seen) != 1 {
				t.Errorf("got %v", seen)
			}
			return
		}
		var first styk.ID
		began, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			done <- db.Update(context.WithoutCancel(t.Context()), func(tx *Tx) error {
				c := &styk.Contact{LastName: "первый"}
				err := tx.Insert(c, seller)
				first = c.ID
				close(began)
				<-goOn
				return err
			})
		}()
		<-began
		second := insert(t, db, &styk.Contact{LastName: "второй"})
		tick, seen := read(0)
		if len(seen) != 1 || seen[0] != second || first > second {
			t.Fatalf("numbers %d and %d, seen %v", first, second, seen)
		}
		close(goOn)
		must(t, <-done)
		if _, seen = read(tick); len(seen) != 1 || seen[0] != first {
			t.Errorf("the late one is missed: %v", seen)
		}
	})
}
