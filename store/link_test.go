package store

import (
	"strings"
	"testing"
	"time"

	"styk"
)

// carried makes a submission with one file and a delivery of it.
func carried(t *testing.T, db *DB) (document, delivery, submission styk.ID) {
	t.Helper()
	must(t, db.Update(t.Context(), func(tx *Tx) error {
		target := &styk.Target{Name: "crm", Kind: "creatio"}
		if _, err := tx.SaveTarget(target, nil); err != nil {
			return err
		}
		kept, err := tx.Target("crm")
		if err != nil {
			return err
		}
		d := &styk.Document{Title: "договор", FileName: "договор.pdf", Sum: strings.Repeat("a", 64), Size: 1, Version: 1}
		if err := tx.Insert(d, By{Origin: "test"}); err != nil {
			return err
		}
		s := &styk.Submission{UUID: "u", Form: "feedback"}
		if err := tx.SavePost(s, []PostFile{{d.ID, "file"}}); err != nil {
			return err
		}
		one := &styk.Delivery{Target: kept.ID, Subject: styk.SubjectTicket, About: s.ID}
		if err := tx.Enqueue(one); err != nil {
			return err
		}
		document, delivery, submission = d.ID, one.ID, s.ID
		return nil
	}))
	return document, delivery, submission
}

// TestLinkIsClosedAndOpened: a delivery's link stays the same however often it
// is asked for, ends by itself or by a person, and comes back under its address.
func TestLinkIsClosedAndOpened(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		document, delivery, _ := carried(t, db)
		give := func() (l *FileLink) {
			must(t, db.Update(t.Context(), func(tx *Tx) (err error) { l, err = tx.GiveLink(document, delivery, 30); return err }))
			return l
		}
		first := give()
		secret := db.LinkSecret(first)
		if again := give(); again.ID != first.ID || db.LinkSecret(again) != secret || again.Target != "crm" {
			t.Fatalf("got %+v, then %+v", first, again)
		}
		find := func(secret string) (l *FileLink, err error) {
			err = db.View(t.Context(), func(tx *Tx) (err error) { l, err = tx.LinkBySecret(secret); return err })
			return l, err
		}
		opens := func(after time.Duration) bool {
			t.Helper()
			l, err := find(secret)
			must(t, err)
			return l.Opens(first.Created.Add(after))
		}
		const day = 24 * time.Hour
		if !opens(29*day) || opens(31*day) {
			t.Errorf("thirty days end at %v", first.Until.Sub(first.Created))
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.CloseLink(first.ID) }))
		if opens(0) {
			t.Error("a closed link opens")
		}
		if again := give(); again.Opens(first.Created) {
			t.Error("sending again opened a closed link")
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.ReopenLink(first.ID) }))
		if !opens(0) {
			t.Error("an opened link does not open")
		}
		for _, wrong := range []string{"", "L", "L-", secret + "0", secret[:len(secret)-1], "L1-", strings.ToLower(secret), "Lzzzzzzzzzzzzzz-1", secret[1:]} {
			if _, err := find(wrong); styk.CodeOf(err) != styk.NotFound {
				t.Errorf("%q: %v", wrong, err)
			}
		}
	})
}

// TestLinksGivenEarlierStay: the migration makes rows of what was given out, and
// versions of the forms there are.
func TestLinksGivenEarlierStay(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		document, delivery, _ := carried(t, db)
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			if _, err := tx.SaveForm(&styk.Form{Name: "feedback", Title: "Обратная связь"}); err != nil {
				return err
			}
			if err := tx.exec(`UPDATE delivery SET attempts = 1 WHERE id = $1`, int64(delivery)); err != nil {
				return err
			}
			for _, s := range []string{`DROP TABLE file_link`, `DROP INDEX submission_file_refused`, `DROP TABLE form_version`,
				`ALTER TABLE submission_file DROP COLUMN checked`, `ALTER TABLE submission_file DROP COLUMN refused`,
				`ALTER TABLE form DROP COLUMN version`} {
				if err := tx.exec(s); err != nil {
					return err
				}
			}
			text, err := schema.ReadFile("schema/00004_links.sql")
			if err != nil {
				return err
			}
			for _, s := range split(db.d.words.Replace(string(text))) {
				if err := tx.exec(s); err != nil {
					return err
				}
			}
			return nil
		}))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			l, err := tx.OldLink(document)
			if err != nil {
				return err
			}
			if !l.Opens(tx.Now()) || l.Target != "" || !l.Until.IsZero() {
				t.Errorf("got %+v", l)
			}
			if _, err := tx.LinkBySecret(db.LinkSecret(l)); styk.CodeOf(err) != styk.NotFound {
				t.Errorf("a link without salt has a second address: %v", err)
			}
			f, since, err := tx.FormVersion("feedback", 1)
			if err == nil && (f.Title != "Обратная связь" || f.Version != 1 || !since.IsZero()) {
				t.Errorf("got %+v since %v", f, since)
			}
			return err
		}))
	})
}

// TestFormsKeepTheirVersions: what a consent was given to can be shown later.
func TestFormsKeepTheirVersions(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		save := func(title string) (f styk.Form, changed bool) {
			f = styk.Form{Name: "a", Title: title}
			must(t, db.Update(t.Context(), func(tx *Tx) (err error) { changed, err = tx.SaveForm(&f); return err }))
			return f, changed
		}
		if f, changed := save("Раз"); !changed || f.Version != 1 {
			t.Errorf("got %+v", f)
		}
		if f, changed := save("Раз"); changed || f.Version != 1 {
			t.Errorf("got %+v", f)
		}
		if f, changed := save("Два"); !changed || f.Version != 2 {
			t.Errorf("got %+v", f)
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.DeleteForm("a") }))
		if f, _ := save("Три"); f.Version != 3 {
			t.Errorf("a form made anew is version %d of its name", f.Version)
		}
		must(t, db.View(t.Context(), func(tx *Tx) error {
			f, _, err := tx.FormVersion("a", 2)
			if err == nil && f.Title != "Два" {
				t.Errorf("got %+v", f)
			}
			if _, _, err := tx.FormVersion("a", 4); styk.CodeOf(err) != styk.NotFound {
				t.Errorf("got %v", err)
			}
			return err
		}))
	})
}

func TestFileCheckIsKeptOnce(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		document, _, submission := carried(t, db)
		must(t, db.Update(t.Context(), func(tx *Tx) error {
			for i, found := range []string{"Eicar-Test-Signature", ""} {
				first, err := tx.SaveFileCheck(submission, document, found)
				if err != nil || first != (i == 0) {
					t.Errorf("look %d: first %v, %v", i, first, err)
				}
			}
			checks, err := tx.FileChecks(submission)
			if c := checks[document]; err == nil && (c.Refused == "" || c.Checked.IsZero() || c.FileName != "договор.pdf") {
				t.Errorf("got %+v", c)
			}
			if found, err := tx.Refused(document); err != nil || found != "Eicar-Test-Signature" {
				t.Errorf("got %q, %v", found, err)
			}
			return err
		}))
	})
}
