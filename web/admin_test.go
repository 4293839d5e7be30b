package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

func TestProgramsDoNotLogIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.update(func(tx *store.Tx) error {
		return tx.SaveUser(&styk.User{Name: "site", Role: styk.RoleAPI, AccessKey: "Key00000000001"})
	})
	if a := d.person("").send("/admin/login", "name", "site", "password", "Key00000000001"); a.status != http.StatusForbidden {
		t.Errorf("a program was let in: %d", a.status)
	}
}

func TestLoginLeadsWhereOneWantedToGo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.person(styk.RoleOwner)
	b := d.person("")
	a := b.get("/admin/deliveries?state=failed")
	if got, want := a.header.Get("Location"), "/admin/login?next=%2Fadmin%2Fdeliveries%3Fstate%3Dfailed"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	a = b.send("/admin/login", "name", "OWNER-person", "password", deskPassword, "next", "/admin/deliveries?state=failed")
	if got := a.header.Get("Location"); got != "/admin/deliveries?state=failed" {
		t.Errorf("after the login: %d %s", a.status, got)
	}
	cookie := a.header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/admin"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the session's cookie lacks %s: %s", part, cookie)
		}
	}
	if a = b.get("/admin/login?next=//evil.example"); a.header.Get("Location") != "/admin/" {
		t.Errorf("who is logged in was sent to %s", a.header.Get("Location"))
	}
}

func TestNobodyIsSentElsewhere(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"", "//evil.example", "https://evil.example", "/admin", "/\\evil.example", "/admin/\\evil", "/admin/login?next=/admin/login", "/admin/x\r\nSet-Cookie: a=b"} {
		if got := safeNext(next); got != "/admin/" {
			t.Errorf("%q: got %q", next, got)
		}
	}
	if got := safeNext("/admin/tickets?q=1"); got != "/admin/tickets?q=1" {
		t.Error(got)
	}
}

func TestForeignPagesCannotPost(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleOwner)
	b.get("/admin/me")
	path := fmt.Sprintf("/admin/tickets/%d/status", s.ticket)
	body := url.Values{"_token": {b.token}, "status": {"Closed"}}.Encode()
	for name, header := range map[string][]string{
		"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"}, "origin": {"Origin", "https://evil.example"},
	} {
		if a := b.do(http.MethodPost, path, body, header...); a.status != http.StatusForbidden {
			t.Errorf("%s: got %d", name, a.status)
		}
	}
	for name, token := range map[string]string{"no word": "", "another's word": strings.Repeat("0", 32)} {
		a := b.do(http.MethodPost, path, url.Values{"_token": {token}, "status": {"Closed"}}.Encode())
		if a.status != http.StatusForbidden || !strings.Contains(a.body, "Страница устарела") {
			t.Errorf("%s: got %d", name, a.status)
		}
	}
	if a := b.do(http.MethodPost, path, body); a.status != http.StatusSeeOther {
		t.Errorf("our own page: got %d", a.status)
	}
}

func TestFirstStart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	link, err := d.staff.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := d.person("")
	a := b.get("/admin/link/" + link)
	if a.status != http.StatusOK || !strings.Contains(a.body, "Вы первый") || a.header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	if a = b.send("/admin/link/"+link, "name", "анна", "password", "123"); a.status != http.StatusUnprocessableEntity ||
		!strings.Contains(a.body, "Слишком короткий") || !strings.Contains(a.body, `value="анна"`) {
		t.Errorf("a short password: %d", a.status)
	}
	if a = b.send("/admin/link/"+link, "name", "анна", "password", deskPassword); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a = b.get("/admin/tickets"); a.status != http.StatusOK || !strings.Contains(a.body, "Здесь появятся заявки с сайта") {
		t.Errorf("the first page: %d", a.status)
	}
	if a = d.person("").get("/admin/link/" + link); a.status != http.StatusGone || !strings.Contains(a.body, "больше не работает") {
		t.Errorf("a used link: %d", a.status)
	}
	if a = b.send("/admin/logout"); a.header.Get("Location") != "/admin/login?said=bye" {
		t.Errorf("log out: %d %v", a.status, a.header)
	}
	if a = b.get("/admin/tickets"); a.status != http.StatusSeeOther {
		t.Errorf("after logging out: %d", a.status)
	}
}

func TestTicketsAreFoundAsPeopleRemember(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleOperator)
	digits := strings.ReplaceAll(s.number, "-", "")
	for _, q := range []string{"45-67", "1234567", "+7 900 123 45 67", s.number, digits, digits[:4] + " " + digits[4:], "Елкин", "ёлкин сем",
		"elkin@example.ru", "касса печатает", "643922466250"} {
		a := b.get("/admin/tickets?q=" + url.QueryEscape(q))
		if !strings.Contains(a.body, s.number) {
			t.Errorf("%q does not find %s", q, s.number)
		}
	}
	for _, q := range []string{"SR-00000042", "sr 42x", "zzz"} {
		a := b.get("/admin/tickets?q=" + url.QueryEscape(q))
		if strings.Contains(a.body, s.number) {
			t.Errorf("%q finds %s", q, s.number)
		}
	}
	if a := b.get("/admin/tickets?q=SR-00000042"); !strings.Contains(a.body, "Продлить договор") {
		t.Error("the CRM's number does not find the ticket")
	}
	for show, want := range map[string]string{"open": "Касса не печатает чек", "closed": "Продлить договор", "stuck": "Касса не печатает чек"} {
		a := b.get("/admin/tickets?show=" + show)
		if !strings.Contains(a.body, want) || show != "open" && strings.Contains(a.body, "Спасибо, всё работает") {
			t.Errorf("%s does not show what it should", show)
		}
	}
	if a := b.get("/admin/tickets?q=zzz"); !strings.Contains(a.body, "Ничего не нашлось") {
		t.Error("an empty search teaches nothing")
	}
}

func TestListsGoOnByKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.update(func(tx *store.Tx) error {
		for i := range 2*pageSize + 3 {
			if err := tx.Insert(&styk.Ticket{Title: fmt.Sprintf("Заявка-%03d.", i), Status: "Open"}, store.By{}); err != nil {
				return err
			}
		}
		return nil
	})
	b := d.person(styk.RoleOwner)
	seen := map[string]bool{}
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	for path, pages := "/admin/tickets?show=open", 0; path != ""; pages++ {
		if pages > 3 {
			t.Fatal("there is no end")
		}
		a := b.get(path)
		for _, title := range regexp.MustCompile(`Заявка-\d+\.`).FindAllString(a.body, -1) {
			if seen[title] {
				t.Errorf("%s stands on two pages", title)
			}
			seen[title] = true
		}
		path = ""
		if found := next.FindStringSubmatch(a.body); found != nil {
			path = strings.ReplaceAll(found[1], "&amp;", "&")
		}
	}
	if len(seen) != 2*pageSize+3 {
		t.Errorf("%d of %d were shown", len(seen), 2*pageSize+3)
	}
}

func TestTicketPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	path := fmt.Sprintf("/admin/tickets/%d", s.ticket)
	b := d.person(styk.RoleOperator)
	page := b.get(path).body
	for _, want := range []string{s.number, "Касса не печатает чек", "Ёлкин", "tel:&#43;79001234567", "mailto:elkin@example.ru", "Акт сверки «июль».pdf",
		"semyon@firm.example", "Продлить договор", "Нужно решение", "нет соглашения об обслуживании", "Поиск контакта", "Я даю согласие"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	value := regexp.MustCompile(`name="value" value="(\d+)"`).FindStringSubmatch(page)
	if value == nil {
		t.Fatal("no differing value is offered")
	}
	if a := b.send(path+"/settle", "value", value[1], "answer", "accept"); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a := b.send(path+"/settle", "value", value[1], "answer", "accept"); a.status != http.StatusConflict {
		t.Errorf("decided twice: %d", a.status)
	}
	if a := b.send(path+"/status", "status", "Closed"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if a := b.send(path+"/status", "status", "Sleeping"); a.status != http.StatusBadRequest {
		t.Errorf("an unknown status: %d", a.status)
	}
	if a := b.send(path+"/note", "text", "  Перезвонить после обеда <b>  "); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	page = b.get(path).body
	if !strings.Contains(page, "Перезвонить после обеда &lt;b&gt;") || !strings.Contains(page, "operator-person") {
		t.Error("the note does not stand there")
	}
	ticks := regexp.MustCompile(`name="tick" value="(\d+)"`).FindAllStringSubmatch(page, -1)
	if len(ticks) < 2 {
		t.Fatalf("%d changes can be undone", len(ticks))
	}
	if a := b.send(path+"/undo", "tick", ticks[0][1]); a.status != http.StatusSeeOther { // the status
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a := b.send(path+"/undo", "tick", ticks[0][1]); a.status != http.StatusConflict {
		t.Errorf("undone twice: %d", a.status)
	}
	d.update(func(tx *store.Tx) error {
		k := &styk.Ticket{}
		k.ID = s.ticket
		err := tx.Load(k)
		if k.Status == "Closed" {
			t.Error("undoing did not bring the old status back")
		}
		return err
	})
	if a := b.send(path+"/undo", "tick", "1"); a.status != http.StatusNotFound { // somebody else's record
		t.Errorf("a foreign change: %d", a.status)
	}
}

func TestFilesAreSaved(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleAuditor)
	path := fmt.Sprintf("/admin/files/%d", s.document)
	a := b.get(path)
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, "%PDF") {
		t.Fatalf("%d", a.status)
	}
	if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") || !strings.Contains(got, "%D0%90%D0%BA%D1%82") {
		t.Errorf("it is not saved under its name: %s", got)
	}
	if got := a.header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("a browser may open it: %s", got)
	}
	doc := &styk.Document{}
	doc.ID = s.document
	d.update(func(tx *store.Tx) error { return tx.Load(doc) })
	if _, err := d.intake.Overwrite(t.Context(), store.By{Origin: "put"}, doc.Path, strings.NewReader("%PDF-1.4\nnew\n%%EOF\n")); err != nil {
		t.Fatal(err)
	}
	if a = b.get(path); !strings.Contains(a.body, "new") {
		t.Error("the old bytes came")
	}
	if a = b.get(path + "?version=1"); !strings.Contains(a.body, "июль") {
		t.Error("the first version is gone")
	}
	if a = b.get(path + "?version=9"); a.status != http.StatusNotFound {
		t.Errorf("a version that never was: %d", a.status)
	}
	if page := b.get(fmt.Sprintf("/admin/tickets/%d", s.ticket)).body; !strings.Contains(page, "Прежние версии") {
		t.Error("the page does not offer the earlier version")
	}
}

func TestDeliveriesPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	b := d.person(styk.RoleIntegrator)
	page := b.get("/admin/deliveries").body
	for _, want := range []string{"Creatio / BPMSoft", "Слишком много ошибок подряд", "нет соглашения об обслуживании", "имя или пароль не подходят", "Что мешает"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	failed := fmt.Sprintf("/admin/deliveries/%d", s.failed)
	page = b.get(failed).body
	for _, want := range []string{"ServicePact is required", "UsrExternalId", "•••", "640 мс", "400 Bad Request", "Поиск контакта", "Отправить снова", "ожидание ответа"} {
		if !strings.Contains(page, want) {
			t.Errorf("the failed delivery lacks %q", want)
		}
	}
	if a := b.send(failed + "/retry"); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a := b.send(fmt.Sprintf("/admin/deliveries/%d/retry", s.done)); a.status != http.StatusConflict || !strings.Contains(a.body, "Уже доставлено") {
		t.Errorf("what was delivered was sent again: %d", a.status)
	}
	cause := "CRM не пускает: имя или пароль не подходят"
	if page = b.get(replayAddress("crm", cause)).body; !strings.Contains(page, `<strong class="num">1</strong> доставка`) {
		t.Error("the count does not come first")
	}
	a := b.send("/admin/replay", "target", "crm", "cause", cause, "since", "1h")
	if a.header.Get("Location") != "/admin/deliveries?said=1" {
		t.Errorf("replay: %d %s", a.status, a.header.Get("Location"))
	}
	if page = b.get("/admin/deliveries?state=failed").body; !strings.Contains(page, "Ни одна доставка не ждёт решения") {
		t.Error("something still stands")
	}
	for _, path := range []string{"/admin/deliveries?target=nobody", "/admin/deliveries/99999", "/admin/deliveries/x", "/admin/replay?target=nobody"} {
		if a := b.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	b := d.person(styk.RoleAdmin)
	paused := func() (paused bool) {
		d.update(func(tx *store.Tx) error {
			target, err := tx.Target("crm")
			paused = err == nil && !target.Paused.IsZero()
			return err
		})
		return paused
	}
	if a := b.send("/admin/targets/crm/pause"); a.status != http.StatusSeeOther || !paused() {
		t.Errorf("%d, paused %v", a.status, paused())
	}
	if page := b.get("/admin/deliveries").body; !strings.Contains(page, "Паузу включил человек: admin-person") {
		t.Error("it is not said who paused it")
	}
	if a := b.send("/admin/targets/crm/resume"); a.status != http.StatusSeeOther || paused() {
		t.Errorf("%d, paused %v", a.status, paused())
	}
	var actions []string
	d.update(func(tx *store.Tx) error {
		trail, err := tx.AuditTrail(0, 2)
		for _, e := range trail {
			actions = append(actions, e.Action)
		}
		return err
	})
	if got := strings.Join(actions, " "); got != "target.resume target.pause" {
		t.Errorf("noted: %s", got)
	}
}

func TestOwnAccount(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.person(styk.RoleOperator)
	other := d.person("")
	other.send("/admin/login", "name", "operator-person", "password", deskPassword)
	page := b.get("/admin/me").body
	end := regexp.MustCompile(`/admin/me/sessions/\d+/end`).FindString(page)
	if end == "" {
		t.Fatal("the other session is not listed")
	}
	if a := b.send(end); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
	if a := other.get("/admin/tickets"); a.status != http.StatusSeeOther {
		t.Errorf("the ended session still works: %d", a.status)
	}
	if a := b.send("/admin/me/password", "old", "wrong", "password", deskPassword+"!"); a.status != http.StatusUnprocessableEntity ||
		!strings.Contains(a.body, "Нынешний пароль не подходит") {
		t.Errorf("%d", a.status)
	}
	if a := b.send("/admin/me/password", "old", deskPassword, "password", deskPassword+"!"); a.status != http.StatusSeeOther {
		t.Errorf("%d\n%s", a.status, a.body)
	}
}

func TestLanguageIsRemembered(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fill()
	b := d.person(styk.RoleOwner)
	if a := b.get("/admin/deliveries?state=failed&lang=en"); a.header.Get("Location") != "/admin/deliveries?state=failed" {
		t.Fatalf("%d %s", a.status, a.header.Get("Location"))
	}
	for path, want := range map[string]string{"/admin/tickets": "Tickets", "/admin/deliveries": "What is in the way", "/admin/me": "Change the password"} {
		if page := b.get(path).body; !strings.Contains(page, want) || !strings.Contains(page, `<html lang="en">`) {
			t.Errorf("%s is not in English", path)
		}
	}
}

// emptyPages are the people's pages with nothing on them, by template. The tests
// of further pages add theirs.
var emptyPages = map[string]any{
	"admin_login.html": adminLoginPage{}, "admin_link.html": adminLinkPage{}, "admin_me.html": adminMePage{},
	"admin_tickets.html": adminTicketsPage{}, "admin_ticket.html": adminTicketPage{}, "admin_deliveries.html": adminDeliveriesPage{},
	"admin_delivery.html": adminDeliveryPage{}, "admin_replay.html": adminReplayPage{}, "admin_error.html": adminErrorPage{},
	"admin_code.html": adminCodePage{}, "admin_codes.html": adminCodesPage{}, "admin_recovery.html": adminRecoveryPage{},
	"admin_staff.html": adminStaffPage{}, "admin_staff_invite.html": adminInvitePage{}, "admin_staff_person.html": adminColleaguePage{},
	"admin_once.html": adminOncePage{}, "admin_keys.html": adminKeysPage{}, "admin_keys_program.html": adminProgramPage{},
	"admin_keys_token.html": adminTokenPage{}, "admin_audit.html": adminAuditPage{},
	"admin_consent.html": adminConsentPage{}, "admin_forms.html": adminFormsPage{}, "admin_form.html": adminFormPage{},
}

// TestTemplates executes every template of the people's pages with an empty page
// and with a full one: the pages above are full, these are empty.
func TestTemplates(t *testing.T) {
	t.Parallel()
	for _, name := range templates.Templates() {
		if !strings.HasPrefix(name.Name(), "admin_") || !strings.HasSuffix(name.Name(), ".html") || name.Name() == "admin_frame.html" {
			continue
		}
		page, known := emptyPages[name.Name()]
		if !known {
			t.Errorf("%s is not in emptyPages", name.Name())
			continue
		}
		var body bytes.Buffer
		if err := templates.ExecuteTemplate(&body, name.Name(), page); err != nil {
			t.Errorf("%s: %v", name.Name(), err)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC)
	a := &admin{Options: Options{Now: func() time.Time { return now }, AdminOptions: AdminOptions{Zone: time.FixedZone("MSK", 3*3600)}}}
	for back, want := range map[time.Duration]string{
		10 * time.Second: "только что", 5 * time.Minute: "5 мин назад", 3 * time.Hour: "сегодня, 15:00", 19 * time.Hour: "вчера, 23:00",
		-5 * time.Minute: "через 5 мин", 20 * 24 * time.Hour: "1 ноя, 18:00", 400 * 24 * time.Hour: "17 окт 2025",
	} {
		if got := a.moment("ru", now.Add(-back)).Text; got != want {
			t.Errorf("%v ago: got %q, want %q", back, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0\u00a0Б", 999: "999\u00a0Б", 1500: "1,5\u00a0КБ", 1 << 20: "1,0\u00a0МБ", 20 << 20: "20\u00a0МБ"} {
		if got := bytesWord("ru", n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{1: "доставка", 2: "доставки", 5: "доставок", 11: "доставок", 12: "доставок", 21: "доставка", 104: "доставки"} {
		if got := plural("ru", n, "доставка", "доставки", "доставок", "", ""); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	for name, want := range map[string]string{"contact.find": "Поиск контакта", "file.0a1b2c3d4e5f": "Файл 0a1b2c…", "x": "x", "custom:1": "custom:1"} {
		if got := stepWord("ru", name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestTimePartsFillTheBar(t *testing.T) {
	t.Parallel()
	for _, e := range []styk.Exchange{
		sampleExchange("GET", "/", 200, "", "", 200*time.Millisecond), {Total: time.Second}, {Total: time.Second, Wait: 2 * time.Second}, {},
		{DNS: time.Hour, Total: time.Millisecond},
	} {
		end := 0
		for _, p := range timeParts("ru", &e) {
			if p.From < 0 || p.Wide <= 0 || p.From+p.Wide > 1004 {
				t.Errorf("%+v of %+v", p, e)
			}
			end = p.From + p.Wide
		}
		if e.Total > 0 && end < 990 {
			t.Errorf("%+v ends at %d", e, end)
		}
	}
}

func TestManyTriesAreHeldBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.person(styk.RoleOwner)
	jar, _ := cookiejar.New(nil)
	b := d.person("")
	b.client.Jar = jar
	for range 5 {
		b.send("/admin/login", "name", "owner-person", "password", "wrong wrong wrong")
	}
	a := b.send("/admin/login", "name", "owner-person", "password", deskPassword)
	if a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "Слишком много попыток") {
		t.Errorf("%d", a.status)
	}
	if !staff.May(styk.RoleOwner, staff.Steer) || staff.May(styk.RoleAPI, staff.SeeDeliveries) {
		t.Error("the rights are not what they were")
	}
}

// FuzzPretty: whatever a foreign system answered is shown, and JSON stays the
// same JSON.
func FuzzPretty(f *testing.F) {
	for _, seed := range []string{"", "{", `{"a":1}`, "[1,2", "<html>", "\x00\xff", ` {"a":"b\u0000"} `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if got := pretty(body); len(strings.Join(strings.Fields(got), "")) < len(strings.Join(strings.Fields(body), "")) {
			t.Errorf("%q lost something: %q", body, got)
		}
	})
}
