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
	emptyPages["admin_tickets_bulk.html"], emptyPages["admin_mail.html"] = adminBulkPage{}, adminMailPage{}
}

// withMail sets up where letters go out.
func (d *desk) withMail() {
	d.update(func(tx *store.Tx) error {
		_, err := tx.SaveTarget(&styk.Target{Name: styk.MailTarget, Kind: "email", Settings: map[string]any{"from": "help@firm.ru"}}, nil)
		return err
	})
}

func (d *desk) ticket(id styk.ID) *styk.Ticket {
	d.t.Helper()
	t := &styk.Ticket{}
	t.ID = id
	d.update(func(tx *store.Tx) error { return tx.Load(t) })
	return t
}

// An operator gives tickets to himself, marks spam, and each finds his own in
// the tabs, whose state lies in the address.
func TestInboxTabs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleOperator)
	me := d.userNumber("operator-person")
	at := fmt.Sprintf("/admin/tickets/%d", s.ticket)
	if page := b.get("/admin/tickets?show=mine").body; strings.Contains(page, s.number) || !strings.Contains(page, "На вас сейчас нет открытых") {
		t.Errorf("mine, before: %s", page)
	}
	if page := b.get("/admin/tickets?show=free").body; !strings.Contains(page, s.number) {
		t.Error("nobody's ticket is not among nobody's")
	}
	b.send(at+"/owner", "owner", fmt.Sprint(int64(me)))
	if page := b.get("/admin/tickets?show=mine").body; !strings.Contains(page, s.number) || !strings.Contains(page, "operator-person") {
		t.Errorf("mine, after: %s", page)
	}
	if page := b.get("/admin/tickets?show=free").body; strings.Contains(page, s.number) {
		t.Error("it still belongs to nobody")
	}
	b.send(at+"/spam", "spam", "1")
	for show, want := range map[string]bool{"": false, "mine": false, "new": false, "spam": true} {
		if got := strings.Contains(b.get("/admin/tickets?show="+show).body, s.number); got != want {
			t.Errorf("spam in %q: got %v", show, got)
		}
	}
	if page := b.get("/admin/tickets?q=" + s.number).body; !strings.Contains(page, s.number) {
		t.Error("a search hides spam")
	}
	if a := b.send(at+"/owner", "owner", "999999"); a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
		t.Errorf("a stranger as assignee: %d", a.status)
	}
	page := b.get(at).body
	for _, want := range []string{"Не спам", "Ответственный"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the ticket's page", want)
		}
	}
}

func (d *desk) userNumber(name string) (id styk.ID) {
	d.update(func(tx *store.Tx) error {
		u, err := tx.UserByName(name)
		if err == nil {
			id = u.ID
		}
		return err
	})
	return id
}

// Many tickets change after a preview with their count, and one press takes all
// of it back.
func TestBulkWithUndo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleOperator)
	page := b.send("/admin/tickets/bulk", "which", "all", "show", "open", "action", "status:Closed").body
	if !strings.Contains(page, "Изменить <span class=\"num\">5</span> обращений?") {
		t.Fatalf("the preview: %s", page)
	}
	upTo := between(t, page, `name="upto" value="`, `"`)
	late := d.post(deskForm(), "", "topic", "Пришло позже", "name", "Пётр", "phone", "+7 900 111-22-33", "email", "late@example.ru", "message", "x")
	a := b.send("/admin/tickets/bulk", "which", "all", "show", "open", "action", "status:Closed", "upto", upTo, "confirm", "1")
	to := a.header.Get("Location")
	if a.status != http.StatusSeeOther || !strings.Contains(to, "done=5") {
		t.Fatalf("done: %d %s", a.status, to)
	}
	if d.ticket(s.ticket).Status != "Closed" || d.ticket(late.Ticket).Status != "Open" {
		t.Error("it changed others than were counted")
	}
	page = b.get(to).body
	if !strings.Contains(page, "Изменено 5 обращений.") {
		t.Fatalf("no undo is offered: %s", page)
	}
	b.send("/admin/tickets/undo", "after", between(t, page, `name="after" value="`, `"`), "upto", between(t, page, `name="upto" value="`, `"`),
		"origin", between(t, page, `name="origin" value="`, `"`))
	if got := d.ticket(s.ticket).Status; got != "Open" {
		t.Errorf("after the undo: %s", got)
	}
	if a := b.send("/admin/tickets/bulk", "which", "page", "id", fmt.Sprint(int64(s.ticket)), "action", "spam:1", "confirm", "1"); a.status != http.StatusSeeOther ||
		!d.ticket(s.ticket).Spam {
		t.Errorf("one selected: %d", a.status)
	}
	for _, action := range []string{"", "status:Nonsense", "owner:77777", "spam:2", "drop:1"} {
		if a := b.send("/admin/tickets/bulk", "which", "all", "action", action, "confirm", "1"); !strings.Contains(a.header.Get("Location"), "nothing") {
			t.Errorf("action %q: %d %s", action, a.status, a.header.Get("Location"))
		}
	}
}

func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, from)
	value, _, found := strings.Cut(rest, to)
	if !ok || !found {
		t.Fatalf("%q is not in %s", from, text)
	}
	return value
}

func TestCSVForExcel(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	for _, topic := range []string{"=HYPERLINK(1)", "+1", "-1", "@x", "с; точкой \"и\" кавычками"} {
		d.post(deskForm(), "", "topic", topic, "name", "Иван", "phone", "+7 900 555-66-77", "email", "i@example.ru", "message", "x")
	}
	a := d.person(styk.RoleAuditor).get("/admin/tickets/csv?show=open")
	if !strings.HasPrefix(a.body, "\ufeffНомер;Тема;") || strings.Count(a.body, "\r\n") != strings.Count(a.body, "\n") {
		t.Errorf("not what Excel opens: %q", a.body)
	}
	for _, want := range []string{";'=HYPERLINK(1);", ";'+1;", ";'-1;", ";'@x;", `"с; точкой ""и"" кавычками"`, ";'+7"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%q is not in %s", want, a.body)
		}
	}
	if a.header.Get("Content-Type") != "text/csv; charset=utf-8" || strings.Contains(a.body, "SR-00000042") {
		t.Errorf("the filter or the type: %v", a.header)
	}
}

// What is typed is what is sent, once, and the customer waits no longer.
func TestAnswerFromTheTicket(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleOperator)
	at := fmt.Sprintf("/admin/tickets/%d", s.ticket)
	if page := b.get(at).body; !strings.Contains(page, "настройте почту") {
		t.Error("without mail the page must say what to do")
	}
	d.withMail()
	page := b.get(at).body
	key := between(t, page, `name="_key" value="`, `"`)
	const text = "Здравствуйте!\n\nОбновите прошивку до 5.8.1 <b>сегодня</b>."
	for range 2 { // a second press of the button
		if a := b.send(at+"/answer", "to", "semyon@firm.example", "text", text, "_key", key); a.status != http.StatusSeeOther {
			t.Fatalf("answer: %d %s", a.status, a.body)
		}
	}
	d.update(func(tx *store.Tx) error {
		list, err := tx.MessagesOf(s.ticket)
		if err != nil || len(list) != 1 || list[0].Text != text || list[0].Delivery == 0 {
			t.Errorf("letters: %+v, %v", list, err)
		}
		return err
	})
	one := d.ticket(s.ticket)
	if one.Status != "Wait For Response" || one.Owner != d.userNumber("operator-person") {
		t.Errorf("the ticket: %s, of %d", one.Status, one.Owner)
	}
	page = b.get(at).body
	for _, want := range []string{"Обновите прошивку до 5.8.1 &lt;b&gt;", "Отправляется", "semyon@firm.example"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	if a := b.send(at+"/answer", "to", "stranger@example.ru", "text", "x", "_key", "k2"); a.status < 400 {
		t.Errorf("a letter to a stranger: %d", a.status)
	}
}
