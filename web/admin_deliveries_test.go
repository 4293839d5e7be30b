package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"styk"
	"styk/store"
)

func init() { emptyPages["admin_delivery_edit.html"] = adminDeliveryEditPage{} }

// fail makes many deliveries that failed for one cause.
func (d *desk) fail(n int, cause string) {
	d.t.Helper()
	form := &styk.Form{Name: "orders", Title: "Заказы", Targets: []string{"shop"}, Fields: []styk.FormField{
		{Name: "name", Label: "Имя", Type: "text"}, {Name: "phone", Label: "Телефон", Type: "phone"}, {Name: "message", Label: "Что нужно", Type: "textarea"}}}
	d.update(func(tx *store.Tx) error {
		if _, err := tx.SaveTarget(&styk.Target{Name: "shop", Kind: "webhook"}, nil); err != nil {
			return err
		}
		_, err := tx.SaveForm(form)
		return err
	})
	for i := range n {
		d.post(form, "", "name", "Пётр", "phone", fmt.Sprintf("+7 901 000-%02d-%02d", i/100, i%100), "message", "Нужен каталог")
		d.carry("shop", ending{state: styk.NeedsHand, cause: cause})
	}
}

func (d *desk) delivery(id styk.ID) *styk.Delivery {
	d.t.Helper()
	var one *styk.Delivery
	if err := d.db.View(d.t.Context(), func(tx *store.Tx) (err error) { one, err = tx.Delivery(id); return err }); err != nil {
		d.t.Fatal(err)
	}
	return one
}

// TestReplayGoesBySlices: each answer says how many went and where to go on, and
// together they are all.
func TestReplayGoesBySlices(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const many = replaySlice + 5
	d.fail(many, "У них закончилось место")
	b := d.person(styk.RoleIntegrator)
	page := b.get("/admin/deliveries").body
	if !strings.Contains(page, "первая") || !strings.Contains(page, "последняя") {
		t.Error("a cause does not say since when")
	}
	sent, after, parts := 0, "0", 0
	for more := true; more; parts++ {
		a := b.send("/admin/replay", "slice", "1", "after", after, "cause", "У них закончилось место", "target", "shop", "since", "all")
		var said struct {
			Sent  int
			After string
			More  bool
		}
		if err := json.Unmarshal([]byte(a.body), &said); err != nil || a.status != http.StatusOK || parts > 5 {
			t.Fatalf("%d %v\n%s", a.status, err, a.body)
		}
		sent, after, more = sent+said.Sent, said.After, said.More
	}
	if sent != many {
		t.Errorf("%d went, want %d", sent, many)
	}
}

// TestChosenAreSentAgain: those that can, and the answer says how many could not.
func TestChosenAreSentAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleOperator)
	page := b.get("/admin/deliveries?state=failed").body
	if !strings.Contains(page, fmt.Sprintf(`value="%d" form="again"`, s.failed)) || strings.Contains(page, "/admin/replay") {
		t.Errorf("an operator's list\n%s", page)
	}
	a := b.send("/admin/deliveries/again", "id", fmt.Sprint(s.failed), "back", "https://evil.example/")
	if to := a.header.Get("Location"); to != "/admin/deliveries?said=1" {
		t.Errorf("led to %s", to)
	}
	if d.delivery(s.failed).State != styk.Due {
		t.Error("it still stands")
	}
	a = b.send("/admin/deliveries/again", "id", fmt.Sprint(s.done), "back", "/admin/deliveries?state=done")
	if to := a.header.Get("Location"); to != "/admin/deliveries?state=done&said=0.1" {
		t.Errorf("led to %s", to)
	}
	if a = b.get("/admin/deliveries?said=0.1"); !strings.Contains(a.body, "Уже в пути или доставлено: 1") {
		t.Error("the answer does not say what was left out")
	}
	if a = b.send("/admin/deliveries/again", "id", "x"); !strings.HasSuffix(a.header.Get("Location"), "none-chosen") {
		t.Errorf("led to %s", a.header.Get("Location"))
	}
}

// TestDeliveryIsEdited: other values for this delivery, the visitor's own kept
// and shown, and back again.
func TestDeliveryIsEdited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleIntegrator)
	path := fmt.Sprintf("/admin/deliveries/%d", s.failed)
	if page := b.get(path + "/edit").body; !strings.Contains(page, `name="f.service" value="АТОЛ Онлайн"`) {
		t.Fatalf("the form\n%s", page)
	}
	a := b.send(path+"/edit", "f.service", "Кассы", "f.topic", "Касса не печатает чек", "f.stranger", "x")
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if got := d.delivery(s.failed); got.State != styk.Due || string(got.Content) != `{"values":{"service":"Кассы"}}` {
		t.Errorf("%s carries %s", got.State, got.Content)
	}
	page := b.get(path).body
	for _, want := range []string{"Изменено для этой доставки", "АТОЛ Онлайн", "Кассы"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if page = b.get(path + "/edit").body; !strings.Contains(page, "Посетитель прислал: АТОЛ Онлайн") {
		t.Errorf("what was sent is not shown\n%s", page)
	}
	b.send(path+"/edit", "do", "original", "f.service", "Кассы")
	if got := d.delivery(s.failed); len(got.Content) != 0 {
		t.Errorf("it still carries %s", got.Content)
	}
	if a = b.get(fmt.Sprintf("/admin/deliveries/%d/edit", s.done)); a.status != http.StatusConflict {
		t.Errorf("a delivered one: %d", a.status)
	}
}

// TestCurlIsOneCommand: a shell reads back exactly what was sent.
func TestCurlIsOneCommand(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("SKIPPED: no sh")
	}
	body := "{\"name\":\"О'Нил $HOME `id` \\\\ \\\"\",\n\"x\":1}"
	text := curl(&styk.Exchange{Method: "POST", URL: "https://crm.example/0/odata/Case?$filter=a'b", RequestBody: body,
		RequestHeader: map[string][]string{"Content-Type": {"application/json"}, "Content-Length": {"5"}, "X-A": {"it's"}}})
	out, err := exec.CommandContext(t.Context(), shell, "-c", "curl() { for a; do printf '<%s>\\n' \"$a\"; done; }\n"+text).Output()
	want := fmt.Sprintf("<-sS>\n<-X>\n<POST>\n<https://crm.example/0/odata/Case?$filter=a'b>\n<-H>\n<Content-Type: application/json>\n<-H>\n<X-A: it's>\n<--data-binary>\n<%s>\n", body)
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}
