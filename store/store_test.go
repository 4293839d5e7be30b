package store

import (
	"path/filepath"
	"testing"

	"styk"
	"styk/store/storetest"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

// eachDB runs a test on SQLite and on PostgreSQL, each time with a database of
// its own. Without STYK_TEST_POSTGRES the second is skipped, under CI it fails.
func eachDB(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, openTest(t, Options{Database: storetest.Postgres(t), MaxConns: 16}))
	})
}

func openTest(t *testing.T, o Options) *DB {
	t.Helper()
	o.Key = testKey
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestContactLivesAndIsUndone(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		by := By{User: 1, Origin: "test"}
		c := &styk.Contact{LastName: "Пупкинидзе", FirstName: "Василий", Mobile: "+7(949) 123-45-11", Email: "rrrr@mail.ru", INN: "321654987654"}
		c.Extra = styk.Extra{"fax": "12"}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Insert(c, by) }))
		var hits []Hit
		var got []styk.Record
		must(t, db.View(t.Context(), func(tx *Tx) (err error) {
			if hits, err = tx.Search("234511", nil, 10); err != nil {
				return err
			}
			got, err = tx.Select(Query{Kind: styk.KindContact, Limit: 10, Where: &Cond{Op: "and", Args: []Cond{
				{Op: "=", Field: "mobile", Values: []string{"+7(949) 123-45-11"}},
				{Op: "like", Field: "last_name", Values: []string{"пУП%"}},
				{Op: "=", Field: "extra:fax", Values: []string{"12"}},
			}}})
			return err
		}))
		if len(hits) != 1 || hits[0].ID != c.ID || len(got) != 1 || got[0].Base().Extra["fax"] != "12" {
			t.Fatalf("hits %v, got %v", hits, got)
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			r := &styk.Contact{Entity: styk.Entity{ID: c.ID}}
			_, err := tx.Edit(r, by, func() error { r.FirstName = "Пётр"; return nil })
			return err
		}))
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			list, err := tx.History(c.ID, 0, 10)
			if err != nil {
				return err
			}
			if len(list) != 2 || list[0].Fields["first_name"] != [2]string{"Василий", "Пётр"} {
				t.Errorf("history %+v", list)
			}
			return tx.Undo(list[0].Tick, by)
		}))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			r := &styk.Contact{Entity: styk.Entity{ID: c.ID}}
			err := tx.Load(r)
			if r.FirstName != "Василий" {
				t.Errorf("after undo: %q", r.FirstName)
			}
			return err
		}))
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
