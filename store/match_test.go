package store

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"styk"
)

var seller = By{User: 1, Origin: "test"}

// insert stores a record of its own transaction.
func insert(t *testing.T, db *DB, rec styk.Record) styk.ID {
	t.Helper()
	must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Insert(rec, seller) }))
	return rec.Base().ID
}

func load[R styk.Record](t *testing.T, db *DB, rec R, id styk.ID) R {
	t.Helper()
	rec.Base().ID = id
	must(t, db.View(t.Context(), func(tx *Tx) error { return tx.Load(rec) }))
	return rec
}

func owner(t *testing.T, db *DB, key Key) (id styk.ID) {
	t.Helper()
	must(t, db.View(t.Context(), func(tx *Tx) (err error) {
		id, err = tx.Lookup(key)
		return err
	}))
	return id
}

func phoneKey(phone string) Key {
	k, _ := PhoneKey(styk.KindContact, phone)
	return k
}

func TestParallelMatchOrCreateMakesOneContact(t *testing.T) {
	t.Parallel()
	spellings := []string{"+7(949) 123-45-11", "8 949 1234511", "9491234511", "79491234511", " +7 949 123 45 11"}
	eachDB(t, func(t *testing.T, db *DB) {
		var wait sync.WaitGroup
		ids := make([]styk.ID, 100)
		for i := range ids {
			wait.Go(func() {
				err := db.Update(t.Context(), func(tx *Tx) error {
					c := &styk.Contact{LastName: "Пупкинидзе", Mobile: spellings[i%5], Email: fmt.Sprintf("m%d@mail.ru", i%3)}
					id, err := tx.Claim(phoneKey(c.Mobile))
					if err != nil {
						return err
					}
					if id == 0 {
						err = tx.Insert(c, seller)
						id = c.ID
					}
					ids[i] = id
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if slices.Sort(ids); ids[0] == 0 || ids[0] != ids[99] {
			t.Errorf("numbers from %d to %d, want one", ids[0], ids[99])
		}
		must(t, db.View(t.Context(), func(tx *Tx) error {
			n, err := tx.Count(Query{Kind: styk.KindContact})
			if n != 1 {
				t.Errorf("%d contacts", n)
			}
			return err
		}))
	})
}

func TestKeysAreFlaggedMovedFreedAndInherited(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		const phone, other = "8 949 1234511", "8 949 1234522"
		first := &styk.Contact{LastName: "Первый", Mobile: "+7 949 123-45-11", Email: "A@mail.ru", INN: "321654987654"}
		second := &styk.Contact{LastName: "Второй", Mobile: phone, Email: "a@MAIL.ru", INN: " 321654987654"}
		insert(t, db, first)
		insert(t, db, second)
		if len(first.Warnings) != 0 || len(second.Warnings) != 3 || second.Warnings[0].Other != first.ID {
			t.Fatalf("warnings %v and %v", first.Warnings, second.Warnings)
		}
		edit := func(id styk.ID, change func(c *styk.Contact)) {
			c := &styk.Contact{Entity: styk.Entity{ID: id}}
			must(t, db.Update(t.Context(), func(tx *Tx) error {
				_, err := tx.Edit(c, seller, func() error { change(c); return nil })
				return err
			}))
		}
		check := func(step, phone string, want styk.ID) {
			t.Helper()
			if got := owner(t, db, phoneKey(phone)); got != want {
				t.Errorf("%s: %s names %d, want %d", step, phone, got, want)
			}
		}
		edit(first.ID, func(c *styk.Contact) { c.Mobile = other })
		check("edit moves", other, first.ID)
		check("the duplicate inherits", phone, second.ID)
		edit(second.ID, func(c *styk.Contact) { c.Mobile = "" })
		check("emptied", phone, 0)
		if w := load(t, db, &styk.Contact{}, second.ID).Warnings; len(w) != 2 {
			t.Errorf("a warning about a phone it no longer has: %v", w)
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(&styk.Contact{Entity: styk.Entity{ID: first.ID}}, seller) }))
		check("delete frees", other, 0)
		if key, _ := EmailKey(styk.KindContact, "a@mail.ru"); owner(t, db, key) != second.ID {
			t.Error("the e-mail was not inherited")
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Undelete(&styk.Contact{Entity: styk.Entity{ID: first.ID}}, seller) }))
		check("undelete takes", other, first.ID)
		if w := load(t, db, &styk.Contact{}, first.ID).Warnings; len(w) != 2 || w[0].Other != second.ID {
			t.Errorf("after undelete: %v", w)
		}
	})
}

func TestOddPhonesHaveKeysToo(t *testing.T) {
	t.Parallel()
	if _, ok := PhoneKey(styk.KindContact, "  "); ok {
		t.Error("an empty phone has a key")
	}
	if k, _ := PhoneKey(styk.KindContact, "Доб. 12"); k.Key != "=доб. 12" {
		t.Errorf("got %q", k.Key)
	}
	eachDB(t, func(t *testing.T, db *DB) {
		a := insert(t, db, &styk.Contact{LastName: "А", Mobile: "12-34"})
		b := insert(t, db, &styk.Contact{LastName: "Б", Mobile: "12-34 "})
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(&styk.Contact{Entity: styk.Entity{ID: a}}, seller) }))
		if got := owner(t, db, phoneKey("12-34")); got != b {
			t.Errorf("got %d, want %d", got, b)
		}
	})
}
