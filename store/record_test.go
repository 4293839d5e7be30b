package store

import (
	"errors"
	"fmt"
	"testing"

	"styk"
)

var errChangedMind = errors.New("changed my mind")

// filled gives one record of each kind, with a value in every column.
func filled(kind styk.Kind) styk.Record {
	rec := styk.NewRecord(kind)
	for i, c := range rec.Columns() {
		switch v := c.Value.(type) {
		case *string:
			*v = fmt.Sprintf("Слово %d 'кавычки' \"ещё\" 😀", i)
		case *int64:
			*v = int64(i)<<40 + 1
		case *bool:
			*v = i%2 == 0
		case *styk.ID:
			*v = styk.ID(1000 + i)
		case *styk.Date:
			*v = "1986-11-15"
		case *styk.Money:
			*v = styk.Money{Kopecks: -5, Set: true}
		case *styk.YesNo:
			*v = styk.Yes
		}
	}
	rec.Base().Extra = styk.Extra{"fax": "1", "cf_855": "да"}
	rec.Base().Owner, rec.Base().Source = 7, "IMPORT"
	return rec
}

func texts(rec styk.Record) string {
	text := fmt.Sprint(rec.Base().Owner, rec.Base().Source, rec.Base().Extra)
	for _, c := range rec.Columns() {
		text += "|" + c.Name + "=" + c.Text()
	}
	return text
}

func TestEveryColumnComesBack(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		for _, kind := range styk.RecordKinds {
			rec := filled(kind)
			want := texts(rec)
			id := insert(t, db, rec)
			if got := texts(load(t, db, styk.NewRecord(kind), id)); got != want {
				t.Errorf("%s\n got %s\nwant %s", kind, got, want)
			}
			empty := insert(t, db, styk.NewRecord(kind))
			must(t, db.View(t.Context(), func(tx *Tx) error {
				found, err := tx.Find(empty)
				if err == nil && found.Kind() != kind {
					t.Errorf("%d is a %s", empty, found.Kind())
				}
				return err
			}))
		}
	})
}

func TestEveryOperationIsUndone(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		for _, kind := range styk.RecordKinds {
			rec := filled(kind)
			id := insert(t, db, rec)
			full := texts(rec)
			fresh := func() styk.Record { r := styk.NewRecord(kind); r.Base().ID = id; return r }
			alive := func(want bool) {
				t.Helper()
				err := db.View(t.Context(), func(tx *Tx) error { return tx.Load(fresh()) })
				if got := err == nil; got != want {
					t.Errorf("%s alive: %v, want %v (%v)", kind, got, want, err)
				}
			}
			undoLast := func() {
				t.Helper()
				must(t, db.Update(t.Context(), func(tx *Tx) error {
					list, err := tx.History(id, 0, 1)
					if err != nil {
						return err
					}
					return tx.Undo(list[0].Tick, seller)
				}))
			}
			undoLast() // the creation
			alive(false)
			undoLast() // that deletion
			alive(true)
			undoLast() // the return
			alive(false)
			undoLast()
			must(t, db.Update(t.Context(), func(tx *Tx) error {
				r := fresh()
				_, err := tx.Edit(r, seller, func() error {
					for _, c := range r.Columns() {
						if c.Name != "sum" {
							if fault := c.SetText(""); fault != nil {
								return errors.New(fault.Text)
							}
						}
					}
					r.Base().Extra, r.Base().Owner, r.Base().Source = styk.Extra{"new": "2"}, 9, "x"
					return nil
				})
				return err
			}))
			undoLast() // a change of every field
			if got := texts(load(t, db, styk.NewRecord(kind), id)); kind != styk.KindDocument && got != full {
				t.Errorf("%s\n got %s\nwant %s", kind, got, full)
			}
		}
	})
}

func TestUndoOfAFieldChangedSinceIsAConflict(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		id := insert(t, db, &styk.Contact{FirstName: "а"})
		for _, name := range []string{"б", "в"} {
			c := &styk.Contact{Entity: styk.Entity{ID: id}}
			must(t, db.Update(t.Context(), func(tx *Tx) error {
				_, err := tx.Edit(c, seller, func() error { c.FirstName = name; return nil })
				return err
			}))
		}
		undo := func(nth int) error {
			return db.Update(t.Context(), func(tx *Tx) error {
				list, err := tx.History(id, 0, 10)
				if err != nil {
					return err
				}
				return tx.Undo(list[nth].Tick, seller)
			})
		}
		if err := undo(1); styk.CodeOf(err) != styk.Conflict {
			t.Errorf("got %v", err)
		}
		must(t, undo(0))
		if got := load(t, db, &styk.Contact{}, id).FirstName; got != "б" {
			t.Errorf("got %q", got)
		}
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.Undo(1<<40, seller) }); styk.CodeOf(err) != styk.NotFound {
			t.Errorf("got %v", err)
		}
	})
}

func TestBytesOfADocumentAreNotUndone(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		d := &styk.Document{Title: "договор", Sum: "aa", Version: 1}
		insert(t, db, d)
		err := db.Update(t.Context(), func(tx *Tx) error {
			if _, err := tx.Edit(d, seller, func() error { d.Sum, d.Version = "bb", 2; return nil }); err != nil {
				return err
			}
			list, err := tx.History(d.ID, 0, 1)
			if err != nil {
				return err
			}
			return tx.Undo(list[0].Tick, seller)
		})
		if styk.CodeOf(err) != styk.Conflict {
			t.Errorf("got %v", err)
		}
	})
}

func TestNothingChangedWritesNothing(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		id := insert(t, db, &styk.Account{Name: "Ромашка"})
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			a := &styk.Account{Entity: styk.Entity{ID: id}}
			changed, err := tx.Edit(a, seller, func() error { a.Name = "Ромашка"; return nil })
			if changed {
				t.Error("said to be changed")
			}
			if err != nil {
				return err
			}
			a.Warnings = nil
			_, err = tx.Edit(a, seller, func() error { a.Warnings = []styk.Warning{{Field: "inn", Rule: "inn"}}; return nil })
			if err != nil {
				return err
			}
			changed, err = tx.Edit(a, seller, func() error { a.Warnings = []styk.Warning{{Field: "ogrn", Rule: "ogrn"}}; return nil })
			if !changed {
				t.Error("another warning is a change")
			}
			return err
		}))
	})
}

func TestRefusedInsertLeavesTheRecordAsItWas(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		insert(t, db, &styk.Contact{Mobile: "9491234511"})
		c, u := &styk.Contact{Mobile: "9491234511"}, &styk.User{Name: "api", Role: styk.RoleAPI}
		err := db.Update(t.Context(), func(tx *Tx) error {
			if err := tx.Insert(c, seller); err != nil {
				return err
			}
			if err := tx.SaveUser(u); err != nil {
				return err
			}
			return errChangedMind
		})
		if !errors.Is(err, errChangedMind) || c.ID != 0 || u.ID != 0 || len(c.Warnings) != 0 || !c.Created.IsZero() {
			t.Errorf("after %v: %+v, user %d", err, c.Entity, u.ID)
		}
	})
}

func TestAfterAFailedStatementNothingIsWritten(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		err := db.Update(t.Context(), func(tx *Tx) error {
			_ = tx.exec(`INSERT INTO tick (one, n) VALUES (1, 1)`) // breaks a rule
			_ = tx.SetMeta("late", "1")
			return nil
		})
		if err == nil {
			t.Error("a closure that overlooks an error was stored")
		}
		must(t, db.View(t.Context(), func(tx *Tx) error {
			v, err := tx.Meta("late")
			if v != "" {
				t.Error("a statement after the failed one was stored")
			}
			return err
		}))
	})
}

func TestNumbersContinueAbove(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		next := func(id styk.ID) styk.ID {
			c := &styk.Contact{Entity: styk.Entity{ID: id}}
			return insert(t, db, c)
		}
		above := func(id styk.ID) {
			must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.ContinueNumbersAbove(id) }))
		}
		above(500) // on an empty line
		if got := next(0); got != 501 {
			t.Errorf("got %d, want 501", got)
		}
		next(83834) // an import keeps its number
		above(83834)
		if got := next(0); got != 83835 {
			t.Errorf("got %d, want 83835", got)
		}
		above(10) // never back
		if got := next(0); got != 83836 {
			t.Errorf("got %d, want 83836", got)
		}
		err := db.Update(t.Context(), func(tx *Tx) error {
			return tx.Insert(&styk.Contact{Entity: styk.Entity{ID: 83834}}, seller)
		})
		if styk.CodeOf(err) != styk.Conflict {
			t.Errorf("a taken number: %v", err)
		}
	})
}
