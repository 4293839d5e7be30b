package web

import (
	"slices"
	"strings"
	"testing"

	"styk"
	"styk/store"
)

// TestFormStatesInBrowser looks at the pages about forms in a real Chromium:
// every state in both themes.
func TestFormStatesInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	d := newDesk(t)
	form := deskForm()
	for i := range form.Fields {
		form.Fields[i].Required = form.Fields[i].Name != "inn"
	}
	d.update(func(tx *store.Tx) error { _, err := tx.SaveForm(form); return err })
	d.person(styk.RoleIntegrator)
	playAdmin(t, "testdata/admin/forms_test.js", "STYK="+d.url, "FOREIGN="+d.url, "NAME="+string(styk.RoleIntegrator)+"-person", "PASSWORD="+deskPassword)
	var posts int
	d.update(func(tx *store.Tx) error {
		rows, err := tx.Tickets(store.TicketFilter{})
		posts = len(rows)
		return err
	})
	if posts != 0 {
		t.Errorf("looking at a form made %d tickets", posts)
	}
}

// TestFormPages: all ways onto a site stand there, a form that is switched off
// is shown too, and a form is offered only the states that it can be in.
func TestFormPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.person(styk.RoleIntegrator)
	if a := b.get("/admin/forms"); !strings.Contains(a.body, "Форм пока нет") {
		t.Errorf("without forms: %d %s", a.status, a.body)
	}
	plain := &styk.Form{Name: "call", Title: "Перезвоните <мне>", Disabled: true, Fields: []styk.FormField{{Name: "topic", Label: "Тема", Type: styk.FieldText}}}
	d.update(func(tx *store.Tx) error {
		_, err := tx.SaveForm(deskForm())
		if err == nil {
			_, err = tx.SaveForm(plain)
		}
		return err
	})
	if a := b.get("/admin/forms"); !strings.Contains(a.body, d.url+"/f/feedback") || !strings.Contains(a.body, "Перезвоните &lt;мне&gt;") ||
		!strings.Contains(a.body, "выключена") || !strings.Contains(a.body, "остаётся здесь") {
		t.Errorf("the list: %d %s", a.status, a.body)
	}
	a := b.get("/admin/forms/feedback")
	for _, code := range []string{"/styk.js", "open=&#34;button&#34;", "data-form=&#34;feedback&#34;", "&lt;iframe src=", "&lt;form action="} {
		if !strings.Contains(a.body, code) {
			t.Errorf("lacks %s:\n%s", code, a.body)
		}
	}
	if a := b.get("/admin/forms/call/look/uploading"); a.status != 404 {
		t.Errorf("a form without files uploads one: %d", a.status)
	}
	look := b.get("/admin/forms/call/look/taken?theme=dark")
	if look.status != 200 || !strings.Contains(look.body, `data-theme="dark"`) || !strings.Contains(look.body, "0000-0042-1") {
		t.Errorf("a state: %d %s", look.status, look.body)
	}
	if csp := look.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'none'") || strings.Contains(csp, "connect-src") {
		t.Errorf("something can leave it: %s", csp)
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("the page about a form may be framed: %s", csp)
	}
	names := func(f *styk.Form) (list []string) {
		for _, s := range statesOf(f) {
			list = append(list, s.name)
		}
		return list
	}
	if got := names(plain); !slices.Equal(got, []string{"empty", "sending", "offline", "busy", "failure", "taken"}) {
		t.Errorf("states of a plain form: %v", got)
	}
	script, err := files.ReadFile("static/preview.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range formStates {
		if !strings.Contains(string(script), s.name) && s.name != "sending" { // what needs no help of the script
			t.Errorf("preview.js does not know %s", s.name)
		}
	}
	for path, want := range map[string]int{"/admin/forms/none": 404, "/admin/forms/feedback/look/none": 404} {
		if a := b.get(path); a.status != want {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}
