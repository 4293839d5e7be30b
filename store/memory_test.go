package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"styk"
)

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		move := movedClock(db)
		once := func(key, hash string, made styk.ID) (id styk.ID, err error) {
			err = db.Update(t.Context(), func(tx *Tx) error {
				if id, err = tx.Once("create", key, hash); err != nil || id != 0 || made == 0 {
					return err
				}
				return tx.Made("create", key, made)
			})
			return id, err
		}
		check := func(step, key, hash string, made, want styk.ID, code styk.Code) {
			t.Helper()
			if id, err := once(key, hash, made); styk.CodeOf(err) != code || code == "" && (id != want || err != nil) {
				t.Errorf("%s: got %d, %v", step, id, err)
			}
		}
		check("first", "k", "h", 7, 0, "")
		check("again", "k", "h", 8, 7, "")
		check("other values", "k", "other", 8, 0, styk.Conflict)
		check("nothing made", "free", "h", 0, 0, "")
		check("so it is free", "free", "other", 9, 0, "")
		check("and now it is not", "free", "h", 9, 0, styk.Conflict)
		move(keyLife + time.Second)
		check("after a week", "k", "other", 11, 0, "")
		check("anew", "k", "other", 12, 11, "")
		must(t, db.Sweep(t.Context(), time.Hour))
		check("the sweep keeps the new one", "k", "other", 12, 11, "")
		must(t, db.View(t.Context(), func(tx *Tx) error {
			var n int
			err := tx.row(`SELECT count(*) FROM idempotency`).Scan(&n)
			if n != 1 {
				t.Errorf("%d keys left, want 1", n)
			}
			return err
		}))
	})
}

func TestGuessesAreCountedAndForgiven(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		move := movedClock(db)
		missed := func(scope, subject string) {
			must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Missed(scope, subject) }))
		}
		count := func(scope, subject string, want int) {
			t.Helper()
			must(t, db.View(t.Context(), func(tx *Tx) error {
				n, last, err := tx.Misses(scope, subject, 15*time.Minute)
				if n != want || n > 0 && !last.Equal(db.Now()) {
					t.Errorf("%s %s: %d, last %v, want %d", scope, subject, n, last, want)
				}
				return err
			}))
		}
		missed(GuessCode, "7700")
		move(10 * time.Minute)
		for _, subject := range []string{"7700", "77001"} {
			missed(GuessCode, subject)
			missed(GuessFrom, subject+" 10.0.0.1")
		}
		missed(GuessLogin, "API 10.0.0.1")
		count(GuessCode, "7700", 2)
		count(GuessLogin, "api 10.0.0.1", 1)
		move(5 * time.Minute)
		missed(GuessCode, "7700")
		count(GuessCode, "7700", 2) // the first is over
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SaveCode("7700", "1", 5, 6, false) }))
		count(GuessCode, "7700", 2) // a public form clears nothing
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SaveCode(" 7700", "1", 5, 0, true) }))
		count(GuessCode, "7700", 0)
		count(GuessFrom, "7700 10.0.0.1", 0)
		missed(GuessFrom, "77001 10.0.0.1") // another ИНН is untouched
		count(GuessFrom, "77001 10.0.0.1", 2)
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.ForgiveLogin("API 10.0.0.1") }))
		count(GuessLogin, "api 10.0.0.1", 0)
	})
}

func TestSweepGoesInSlices(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		move := movedClock(db)
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			for i := range 3*sweepSlice + 7 {
				if err := tx.exec(`INSERT INTO idempotency (scope, key, hash, record_id, created) VALUES ('s', $1, '', 0, $2)`,
					fmt.Sprint(i), ms(tx.Now())); err != nil {
					return err
				}
			}
			return tx.Missed(GuessLogin, "x")
		}))
		before, _ := db.WriterStats()
		must(t, db.Sweep(t.Context(), time.Hour))
		move(8 * 24 * time.Hour)
		must(t, db.Sweep(t.Context(), time.Hour))
		if after, _ := db.WriterStats(); db.writer != nil && after-before < 4 {
			t.Errorf("%d groups, want a slice each", after-before)
		}
		must(t, db.View(t.Context(), func(tx *Tx) error {
			var n int
			err := tx.row(`SELECT (SELECT count(*) FROM idempotency) + (SELECT count(*) FROM guess)`).Scan(&n)
			if n != 0 {
				t.Errorf("%d rows left", n)
			}
			return err
		}))
	})
}

// TestCodesOpenOnlyWhatTheyMay is contract 8: a pair from a public form opens
// the files of that form, never those of the customer.
func TestCodesOpenOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		move := movedClock(db)
		owner := insert(t, db, &styk.Contact{LastName: "Хозяин"})
		var docs [3]*styk.Document
		for i := range docs {
			docs[i] = &styk.Document{Title: fmt.Sprint("файл ", i)}
			insert(t, db, docs[i])
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			for _, d := range docs[:2] {
				if err := tx.Link(owner, d.ID); err != nil {
					return err
				}
				if err := tx.Link(owner, d.ID); err != nil { // twice is once
					return err
				}
			}
			s := &Submission{Form: "f", Contact: owner, Values: map[string]string{"inn": "77"}}
			if err := tx.SaveSubmission(s, []styk.ID{docs[2].ID}); err != nil {
				return err
			}
			if err := tx.SaveCode("77", "public", owner, s.ID, false); err != nil {
				return err
			}
			return tx.SaveCode("77", "known", owner, 0, true)
		}))
		opens := func(inn, code string, since time.Time) (list []styk.ID, found bool) {
			t.Helper()
			must(t, db.View(t.Context(), func(tx *Tx) error {
				got, ok, err := tx.DocumentsByCode(inn, code, since)
				for _, d := range got {
					list = append(list, d.ID)
				}
				found = ok
				return err
			}))
			return list, found
		}
		check := func(code string, found bool, want ...styk.ID) {
			t.Helper()
			if list, ok := opens(" 77 ", code, time.Time{}); ok != found || !slices.Equal(list, want) {
				t.Errorf("%s opens %v (%v), want %v", code, list, ok, want)
			}
		}
		check("known", true, docs[0].ID, docs[1].ID)
		check("public", true, docs[2].ID)
		check("wrong", false)
		if _, found := opens("78", "known", time.Time{}); found {
			t.Error("the code of another ИНН opens")
		}
		move(time.Hour)
		if _, found := opens("77", "known", db.Now()); found {
			t.Error("a pair older than since opens")
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(docs[0], seller) }))
		check("known", true, docs[1].ID)
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Unlink(owner, docs[1].ID) }))
		check("known", true)
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.Delete(&styk.Contact{Entity: styk.Entity{ID: owner}}, seller) }))
		check("known", false)
	})
}

func TestDocumentsAndTheirVersions(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		d := &styk.Document{Title: "договор", FileName: "Договор №1.pdf", Path: "storage/2026/a.pdf", Sum: "s1", Size: 10, Version: 1, Placeholder: true}
		link := &styk.Document{Title: "ссылка", External: true}
		other := &styk.Document{Title: "второй", Path: "storage/2026/b.pdf", Sum: "s9", Version: 1}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			for _, rec := range []*styk.Document{d, link, other} {
				if err := tx.Insert(rec, seller); err != nil {
					return err
				}
			}
			if err := tx.AddVersion(d, seller); err != nil {
				return err
			}
			if _, err := tx.Edit(d, seller, func() error { d.Sum, d.Size, d.Version, d.Placeholder = "s2", 20, 2, false; return nil }); err != nil {
				return err
			}
			if err := tx.AddVersion(d, By{User: 2, Origin: "put"}); err != nil {
				return err
			}
			return tx.SeeDocument(d.ID, 20, 1<<60)
		}))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			got, err := tx.DocumentByPath(d.Path)
			if err != nil {
				return err
			}
			if got.FileName != "Договор №1.pdf" || got.Sum != "s2" || got.Placeholder || got.DiskTime != 1<<60 {
				t.Errorf("got %+v", got)
			}
			versions, err := tx.Versions(d.ID)
			if len(versions) != 2 || versions[0].Sum != "s1" || versions[1].Origin != "put" || versions[1].CreatedBy != 2 {
				t.Errorf("versions %+v", versions)
			}
			if err != nil {
				return err
			}
			list, err := tx.StoredDocuments(0, 1)
			if len(list) != 1 || list[0].ID != d.ID {
				t.Errorf("stored %v", list)
			}
			if err != nil {
				return err
			}
			if list, err = tx.StoredDocuments(d.ID, 10); len(list) != 1 || list[0].ID != other.ID {
				t.Errorf("stored after: %v", list)
			}
			if err != nil {
				return err
			}
			sums, err := tx.Referenced([]string{"s1", "s2", "s3"})
			if !sums["s1"] || !sums["s2"] || sums["s3"] {
				t.Errorf("referenced %v", sums)
			}
			for _, path := range []string{"", "storage/none.pdf"} {
				if _, err := tx.DocumentByPath(path); styk.CodeOf(err) != styk.NotFound {
					t.Errorf("%q: %v", path, err)
				}
			}
			history, _ := tx.History(d.ID, 0, 10)
			if len(history) != 2 {
				t.Errorf("the folder's bookkeeping stands in the history: %+v", history)
			}
			return err
		}))
	})
}

func TestRelatedGoesBothWays(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		c := insert(t, db, &styk.Contact{})
		var docs []styk.ID
		for range 3 {
			docs = append(docs, insert(t, db, &styk.Document{}))
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			for _, d := range docs {
				if err := tx.Link(c, d); err != nil {
					return err
				}
			}
			return nil
		}))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			list, err := tx.Related(c, styk.KindDocument, docs[0], 1)
			if !slices.Equal(list, docs[1:2]) {
				t.Errorf("got %v", list)
			}
			if err != nil {
				return err
			}
			list, err = tx.Related(docs[2], styk.KindContact, 0, 5)
			if !slices.Equal(list, []styk.ID{c}) {
				t.Errorf("got %v", list)
			}
			return err
		}))
	})
}

func TestWebformsSuggestionsImports(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		f := &styk.Webform{Name: "Анкета", PublicID: "0123", Fields: []string{"lastname"}, Files: []styk.FilePart{{Part: "file_1_1", Title: "договор"}}}
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			for range 2 {
				if err := tx.SaveWebform(f); err != nil {
					return err
				}
			}
			if err := tx.Suggest(5, "mobile", "1", 2); err != nil {
				return err
			}
			if err := tx.SetImportState("crm", "Contacts", 5, false); err != nil {
				return err
			}
			return tx.SetImportState("crm", "Contacts", 9, true)
		}))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			got, err := tx.Webform("0123")
			if err != nil || got.Files[0].Title != "договор" {
				t.Errorf("got %+v, %v", got, err)
			}
			if list, err := tx.Webforms(); len(list) != 1 {
				t.Errorf("got %v, %v", list, err)
			}
			if list, err := tx.Suggestions(5); len(list) != 1 || list[0].Value != "1" || list[0].State != "open" {
				t.Errorf("got %v, %v", list, err)
			}
			if last, done, err := tx.ImportState("crm", "Contacts"); last != 9 || !done {
				t.Errorf("got %d %v %v", last, done, err)
			}
			last, done, err := tx.ImportState("crm", "Accounts")
			if last != 0 || done {
				t.Errorf("got %d %v", last, done)
			}
			return err
		}))
		f.Disabled = true
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SaveWebform(f) }))
		for range 2 {
			err := db.View(t.Context(), func(tx *Tx) error { _, err := tx.Webform("0123"); return err })
			if styk.CodeOf(err) != styk.NotFound {
				t.Errorf("got %v", err)
			}
			must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.DeleteWebform("0123") }))
		}
	})
}
