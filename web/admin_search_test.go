package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"styk"
	"styk/store"
)

func init() {
	emptyPages["admin_search.html"], emptyPages["admin_files.html"], emptyPages["admin_file.html"] = adminSearchPage{}, adminFilesPage{}, adminFilePage{}
}

// The header's search leads to what was named exactly, shows groups of all else,
// and tells nobody what his role may not see.
func TestSearchOfEverything(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	card := d.fillCards()
	op := d.person(styk.RoleOperator)
	for _, c := range []struct{ typed, to string }{
		{s.number, fmt.Sprintf("/admin/tickets/%d", s.ticket)},
		{strings.ReplaceAll(s.number, "-", " "), fmt.Sprintf("/admin/tickets/%d", s.ticket)},
		{"https://karta.example/c/" + card.number, "/admin/cards/" + card.number},
		{"Акт сверки «июль».pdf", fmt.Sprintf("/admin/files/%d/about", s.document)},
	} {
		if a := op.get("/admin/search?go=1&q=" + urlText(c.typed)); a.status != http.StatusSeeOther || a.header.Get("Location") != c.to {
			t.Errorf("%q leads to %q (%d)", c.typed, a.header.Get("Location"), a.status)
		}
	}
	for typed, want := range map[string]string{"45-67": "Ёлкин", "елкин": "Ёлкин", "SR 42": "SR-00000042", "касса": "Касса не печатает чек"} {
		for _, how := range []string{"", "&bits"} {
			if a := op.get("/admin/search?q=" + urlText(typed) + how); !strings.Contains(a.body, want) {
				t.Errorf("%q%s finds no %q:\n%.600s", typed, how, want, a.body)
			}
		}
	}
	integrator := d.person(styk.RoleIntegrator)
	for _, typed := range []string{"45-67", "елкин", "касса", "акт", card.number} {
		for _, how := range []string{"", "&bits", "&go=1"} {
			if a := integrator.get("/admin/search?q=" + urlText(typed) + how); a.status != http.StatusOK || !strings.Contains(a.body, "Ничего не нашлось") {
				t.Errorf("an integrator looks for %q%s: %d\n%.600s", typed, how, a.status, a.body)
			}
		}
	}
	for _, odd := range []string{"%00", "%ff%fe", "%27%22%3E%3Cscript%3E", strings.Repeat("%D0%B0", 2000)} {
		if a := op.get("/admin/search?q=" + odd); a.status != http.StatusOK || strings.Contains(a.body, "<script>") {
			t.Errorf("%.20s: %d", odd, a.status)
		}
	}
}

func urlText(s string) string {
	return strings.NewReplacer(" ", "%20", "«", "%C2%AB", "»", "%C2%BB").Replace(s)
}

// An earlier version of a file is brought back as a new one, by whom it is
// allowed; stand-ins and refused files have lists of their own.
func TestFilesAndTheirVersions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	op := d.person(styk.RoleOperator)
	doc := &styk.Document{}
	doc.ID = s.document
	load := func() {
		t.Helper()
		if err := d.db.View(t.Context(), func(tx *store.Tx) error { return tx.Load(doc) }); err != nil {
			t.Fatal(err)
		}
	}
	load()
	first := doc.Sum
	if _, err := d.intake.Overwrite(t.Context(), store.By{}, doc.Path, strings.NewReader("%PDF-1.4\n% later\n%%EOF\n")); err != nil {
		t.Fatal(err)
	}
	page := fmt.Sprintf("/admin/files/%d/about", s.document)
	if a := op.get(page); !strings.Contains(a.body, "Вернуть эту версию") || !strings.Contains(a.body, "<iframe") ||
		!strings.Contains(a.header.Get("Content-Security-Policy"), "frame-src 'self'") {
		t.Errorf("the file's page:\n%s", a.body)
	}
	if a := d.person(styk.RoleAuditor).get(page); strings.Contains(a.body, "Вернуть эту версию") {
		t.Error("an auditor is offered to change a file")
	}
	if a := op.send(page, "version", "1"); a.status != http.StatusSeeOther {
		t.Fatalf("bringing back: %d", a.status)
	}
	if load(); doc.Sum != first || doc.Version != 3 {
		t.Errorf("the file is now version %d, %s", doc.Version, doc.Sum)
	}
	if a := op.send(page, "version", "9"); a.status != http.StatusNotFound {
		t.Errorf("a version that is none: %d", a.status)
	}
	if a := op.get("/admin/files"); !strings.Contains(a.body, "Акт сверки") || !strings.Contains(a.body, "Старый договор") {
		t.Errorf("the list:\n%s", a.body)
	}
	if a := op.get("/admin/files?show=waiting"); strings.Contains(a.body, "Акт сверки") {
		t.Error("a real file among the stand-ins")
	}
	d.update(func(tx *store.Tx) error {
		_, err := tx.Edit(doc, store.By{}, func() error { doc.Placeholder = true; return nil })
		return err
	})
	if a := op.get("/admin/files?show=waiting"); !strings.Contains(a.body, "Акт сверки") || strings.Contains(a.body, "Старый договор") {
		t.Errorf("the stand-ins:\n%s", a.body)
	}
}

// A form's page tells what came by it, to those who may read it.
func TestFormTellsItsPosts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	link := fmt.Sprintf("/admin/tickets/%d", s.ticket)
	if a := d.person(styk.RoleOperator).get("/admin/forms/feedback"); !strings.Contains(a.body, link) || !strings.Contains(a.body, "firm.example") ||
		!strings.Contains(a.body, "In two weeks") && !strings.Contains(a.body, "За две недели") {
		t.Errorf("the form's page:\n%.3000s", a.body)
	}
	if a := d.person(styk.RoleIntegrator).get("/admin/forms/feedback"); a.status != http.StatusOK || strings.Contains(a.body, "/admin/tickets/") {
		t.Errorf("an integrator reads requests: %d", a.status)
	}
}
