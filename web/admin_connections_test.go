package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"styk"
	"styk/creatio"
	"styk/store"
)

func init() {
	emptyPages["admin_connections.html"], emptyPages["admin_connection.html"] = adminConnectionsPage{}, adminConnectionPage{}
}

// crmHere plays a CRM and gives its address.
func crmHere(t *testing.T) (*creatio.Sim, string) {
	t.Helper()
	sim := creatio.NewSim(creatio.Framework)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, server.URL
}

func (d *desk) target(name string) *styk.Target {
	d.t.Helper()
	var one *styk.Target
	if err := d.db.View(d.t.Context(), func(tx *store.Tx) (err error) { one, err = tx.Target(name); return err }); err != nil {
		d.t.Fatal(err)
	}
	return one
}

// TestConnectionIsSetUp goes the whole way: refused, tested before it is saved,
// saved, changed without its password, and never shown with it.
func TestConnectionIsSetUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.person(styk.RoleIntegrator)
	_, crm := crmHere(t)
	const password = "secret"
	if a := b.get("/admin/connections"); a.status != http.StatusOK || !strings.Contains(a.body, "некуда идти") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	const fresh = "/admin/connections/new?kind=creatio"
	a := b.send(fresh, "name", "Моя CRM", "set.url", "firm", "parallel", "x")
	for _, fault := range []string{"имя из латинских букв"} {
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, fault) {
			t.Fatalf("%d, no %q\n%s", a.status, fault, a.body)
		}
	}
	a = b.send(fresh, "name", "crm", "set.url", "firm")
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "нужен адрес вида") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	good := []string{"name", "crm", "set.url", crm, "set.user", "api", "set.password", password}
	a = b.send(fresh, append(good, "do", "check")...)
	if a.status != http.StatusOK || !strings.Contains(a.body, "Связь есть") || strings.Contains(a.body, `value="`+password) {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	a = b.send(fresh, append(good, "set.password", "wrong", "do", "check")...)
	if a.status != http.StatusOK || !strings.Contains(a.body, "check-said bad") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	a = b.send(fresh, append(good, "ours", "topic", "theirs", "Subject")...)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/admin/connections/crm") {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if again := b.send(fresh, good...); again.status != http.StatusUnprocessableEntity || !strings.Contains(again.body, "уже есть") {
		t.Errorf("a second one of the name: %d", again.status)
	}
	page := b.get("/admin/connections/crm")
	if strings.Contains(page.body, `value="`+password) || !strings.Contains(page.body, "сохранён, впишите новый") || !strings.Contains(page.body, `value="Subject"`) {
		t.Errorf("the page of it\n%s", page.body)
	}
	a = b.send("/admin/connections/crm", "set.url", crm, "set.user", "api", "parallel", "3")
	if one := d.target("crm"); a.status != http.StatusSeeOther || one.Settings["password"] != password || one.Parallel != 3 {
		t.Errorf("%d, %+v", a.status, one)
	}
	_, elsewhere := crmHere(t)
	for _, do := range []string{"check", "save"} {
		a = b.send("/admin/connections/crm", "set.url", elsewhere, "set.user", "api", "do", do)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "введите заново") {
			t.Errorf("%s: the stored password may go elsewhere: %d", do, a.status)
		}
	}
}

// TestConnectionsTellHowTheyDo: the lamp, and why it is not green.
func TestConnectionsTellHowTheyDo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	b := d.person(styk.RoleAuditor)
	page := b.get("/admin/connections").body
	for _, want := range []string{"Не всё доставлено", "На паузе", "Слишком много ошибок подряд", "Последний успех", "1,8 с"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, "/admin/connections/new") {
		t.Error("an auditor may connect systems")
	}
	page = b.get("/admin/connections/crm").body
	if strings.Contains(page, `name="do"`) || !strings.Contains(page, "readonly") {
		t.Error("an auditor may change it")
	}
	if a := b.get("/admin/connections/crm?lang=en"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if a := b.get("/admin/connections/nobody"); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
}

// TestSecretIsRenewed: shown once, the earlier one holds beside it until the next
// time.
func TestSecretIsRenewed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.person(styk.RoleAdmin)
	const first = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	if a := b.send("/admin/connections/new?kind=webhook", "name", "hook", "set.url", "http://127.0.0.1:9/x", "set.secret", first); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	var shown []string
	for range 2 {
		a := b.send("/admin/connections/hook/secret/secret")
		_, rest, _ := strings.Cut(a.body, "whsec_")
		key, _, _ := strings.Cut(rest, "<")
		shown = append(shown, "whsec_"+strings.ReplaceAll(key, "&#43;", "+"))
	}
	list, _ := d.target("hook").Settings["secret"].([]any)
	if len(list) != 2 || list[0] != shown[1] || list[1] != shown[0] || shown[0] == first {
		t.Errorf("kept %v, shown %v", list, shown)
	}
	if a := b.send("/admin/connections/hook/secret/url"); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
}
