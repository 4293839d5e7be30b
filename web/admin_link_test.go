package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"styk"
	"styk/store"
)

// TestLinkIsClosedOnTheTicket: who may change tickets closes a link to a file
// and opens it again; others see it, and links of other tickets are out of reach.
func TestLinkIsClosedOnTheTicket(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	var link, foreign *store.FileLink
	d.update(func(tx *store.Tx) (err error) {
		if link, err = tx.GiveLink(s.document, s.failed, 30); err != nil {
			return err
		}
		foreign, err = tx.GiveLink(s.document+1000, s.done, 0)
		return err
	})
	path := fmt.Sprintf("/admin/tickets/%d", s.ticket)
	opens := func(id styk.ID) (opens bool) {
		d.update(func(tx *store.Tx) error {
			l, err := tx.FileLink(id)
			opens = err == nil && l.Opens(tx.Now())
			return err
		})
		return opens
	}
	if page := d.person(styk.RoleAuditor).get(path).body; !strings.Contains(page, "Ссылка в crm") || strings.Contains(page, "Закрыть ссылку") {
		t.Error("an auditor should see the link, and nothing to press")
	}
	b := d.person(styk.RoleOperator)
	page := b.get(path).body
	if !strings.Contains(page, "Закрыть ссылку") || strings.Contains(page, d.db.LinkSecret(link)) {
		t.Error("no button, or the secret stands on the page")
	}
	id := fmt.Sprint(int64(link.ID))
	if a := b.send(path+"/link", "link", id, "answer", "close"); a.status != http.StatusSeeOther || opens(link.ID) {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if page := b.get(path + "?said=closed").body; !strings.Contains(page, "Открыть заново") || !strings.Contains(page, "Ссылка закрыта") {
		t.Error("the page does not show that the link is closed")
	}
	if a := b.send(path+"/link", "link", id, "answer", "open"); a.status != http.StatusSeeOther || !opens(link.ID) {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	for _, other := range []string{fmt.Sprint(int64(foreign.ID)), "999999", "", "-1"} {
		if a := b.send(path+"/link", "link", other, "answer", "close"); a.status != http.StatusNotFound {
			t.Errorf("link %q of another ticket: %d", other, a.status)
		}
	}
	if !opens(foreign.ID) {
		t.Error("a link of another ticket was closed")
	}
}

// TestCheckIsSeen: people see what was found in a file and do not get it;
// visitors learn it on the status page.
func TestCheckIsSeen(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	var post *styk.Submission
	d.update(func(tx *store.Tx) (err error) {
		if err = tx.SetMeta(store.MetaScan, `{"clamd":"tcp://127.0.0.1:3310"}`); err != nil {
			return err
		}
		post, err = tx.PostOfTicket(s.ticket)
		return err
	})
	status := "/f/feedback/status/" + d.db.StatusSecret(post)
	ticket, file := fmt.Sprintf("/admin/tickets/%d", s.ticket), fmt.Sprintf("/admin/files/%d", s.document)
	b := d.person(styk.RoleOperator)
	for _, path := range []string{status, status + "?done=1", ticket} {
		if page := b.get(path).body; !strings.Contains(page, "Проверяем файл…") {
			t.Errorf("%s does not say that the file is being checked", path)
		}
	}
	d.update(func(tx *store.Tx) error {
		_, err := tx.SaveFileCheck(post.ID, s.document, "Eicar-Test-Signature")
		return err
	})
	for _, path := range []string{status, status + "?done=1"} {
		page := b.get(path).body
		if !strings.Contains(page, "Файл не прошёл проверку") || strings.Contains(page, "Проверяем файл") || strings.Contains(page, "июль") {
			t.Errorf("%s:\n%s", path, page)
		}
	}
	if a := b.do(http.MethodGet, status, "", "Accept", "application/json"); !strings.Contains(a.body, "Файл не прошёл проверку") {
		t.Errorf("programs are told %s", a.body)
	}
	if page := b.get(status + "?lang=en").body; !strings.Contains(page, "did not pass the virus check") {
		t.Error("in English nothing is said")
	}
	if page := b.get(ticket).body; !strings.Contains(page, "Не прошёл проверку: Eicar-Test-Signature") || strings.Contains(page, file+`"`) {
		t.Error("the ticket does not say what was found, or offers the file")
	}
	if a := b.get(file); a.status != http.StatusBadRequest || !strings.Contains(a.body, "Eicar") || strings.Contains(a.body, "%PDF") {
		t.Errorf("the file is given out: %d", a.status)
	}
	if a := b.get(file + "?version=1"); a.status != http.StatusBadRequest {
		t.Errorf("its version is given out: %d", a.status)
	}
}

// TestConsentIsProven: one page holds all that proves a consent, with the form
// as it was then.
func TestConsentIsProven(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleAuditor)
	link := regexp.MustCompile(`href="(/admin/consents/\d+/1)"`).FindStringSubmatch(b.get(fmt.Sprintf("/admin/tickets/%d", s.ticket)).body)
	if link == nil {
		t.Fatal("the ticket does not lead to the proof")
	}
	d.update(func(tx *store.Tx) error { // what is changed later is no part of it
		form := deskForm()
		form.Title, form.Fields = "Другая", form.Fields[:3]
		_, err := tx.SaveForm(form)
		return err
	})
	a := b.get(link[1])
	if a.status != http.StatusOK {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	for _, want := range []string{"Я даю согласие на обработку имени", s.number, "203.0.113.7", "Browser", "https://firm.example/help",
		"Обратная связь (feedback)", "1, действует с", "&#43;03:00", " UTC</dd>", "semyon@firm.example", "<dd>согласие</dd>", "Версия текста"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the proof lacks %q\n", want)
		}
	}
	if strings.Contains(a.body, "Другая") || strings.Contains(a.body, "отозвано") {
		t.Error("the proof shows the form of today, or a withdrawal that never came")
	}
	d.update(func(tx *store.Tx) error {
		k := &styk.Ticket{Entity: styk.Entity{ID: s.ticket}}
		_, err := tx.Edit(k, byVisitor, func() error { k.Warnings = append(k.Warnings, withdrawn); return nil })
		return err
	})
	if a := b.get(link[1]); !strings.Contains(a.body, "отозвано") {
		t.Error("the proof hides that the consent was withdrawn")
	}
	for _, wrong := range []string{"2", "0", "x", "99999999999"} {
		if a := b.get(strings.TrimSuffix(link[1], "1") + wrong); a.status != http.StatusNotFound {
			t.Errorf("consent %s: %d", wrong, a.status)
		}
	}
	old, err := json.Marshal(styk.Consent{Field: "consent", Text: "Да"})
	if err != nil || strings.Contains(string(old), "form_version") {
		t.Errorf("%s, %v", old, err)
	}
}
