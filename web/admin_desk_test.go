package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"styk"
	"styk/blob"
	"styk/connect"
	"styk/courier"
	"styk/creatio"
	"styk/intake"
	"styk/staff"
	"styk/store"
	"styk/wallet"
	"styk/webhook"
)

// desk is a real styk with people, requests and deliveries in every state.
type desk struct {
	t      *testing.T
	url    string
	db     *store.DB
	intake *intake.Intake
	staff  *staff.Staff
	cards  *wallet.Cards
}

const deskPassword = "четыре слова подряд лучше"

// deskHash is the password's, made cheaply: these tests log in often.
var deskHash = func() string {
	hash, err := argon2id.CreateHash(deskPassword, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		panic(err)
	}
	return hash
}()

// newDesk opens an empty one; fill puts the sample requests there.
func newDesk(t *testing.T, with ...func(*Options)) *desk {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Database: filepath.Join(dir, "styk.db"), Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	blobs, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	work, err := blob.OpenWork(dir, blobs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = work.Close() })
	zone := time.FixedZone("MSK", 3*60*60)
	d := &desk{t: t, db: db, intake: &intake.Intake{DB: db, Blobs: blobs, Work: work, Zone: zone}, staff: staff.New(db)}
	kinds := []connect.Kind{creatio.Kind, webhook.Kind}
	server := httptest.NewUnstartedServer(nil)
	d.cards = &wallet.Cards{DB: db, Blobs: blobs, Log: slog.New(slog.DiscardHandler)}
	o := Options{
		Base: func() string { return server.URL }, Version: "test", DB: db, Intake: d.intake, Cards: d.cards,
		AdminOptions: AdminOptions{Staff: d.staff, Zone: zone, Courier: courier.New(db, blobs, kinds, courier.Options{})},
	}
	for _, more := range with {
		more(&o)
	}
	server.Config.Handler = New(o)
	server.Start()
	t.Cleanup(server.Close)
	d.url, d.cards.PublicURL = server.URL, server.URL
	return d
}

func (d *desk) update(do func(tx *store.Tx) error) {
	d.t.Helper()
	if err := d.db.Update(d.t.Context(), do); err != nil {
		d.t.Fatal(err)
	}
}

// post sends a form as a visitor and gives its receipt.
func (d *desk) post(form *styk.Form, fileName string, pairs ...string) *intake.Accepted {
	d.t.Helper()
	p := intake.FormPost{Values: map[string]string{"consent": "да"}, Address: "203.0.113.7", Agent: "Browser", Page: "https://firm.example/help"}
	for i := 0; i+1 < len(pairs); i += 2 {
		p.Values[pairs[i]] = pairs[i+1]
	}
	if fileName != "" {
		info, err := d.intake.Keep(d.t.Context(), fileName, strings.NewReader("%PDF-1.4\n% "+fileName+"\n%%EOF\n"))
		if err != nil {
			d.t.Fatal(err)
		}
		p.Files = []intake.Upload{{Part: "file", FileName: fileName, Info: info}}
	}
	a, err := d.intake.Accept(d.t.Context(), form, p)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// ending says how a sample delivery ends.
type ending struct {
	state     styk.DeliveryState
	cause     string
	number    string
	done      []string // steps
	begun     string   // a step whose outcome is unknown
	exchanges []styk.Exchange
}

// carry plays one attempt at what is due at a target.
func (d *desk) carry(target string, e ending) styk.ID {
	d.t.Helper()
	var one *styk.Delivery
	d.update(func(tx *store.Tx) error {
		t, err := tx.Target(target)
		if err != nil {
			return err
		}
		list, err := tx.ClaimDeliveries(store.Claim{Target: t.ID, Owner: "test", Limit: 1, Life: time.Minute,
			Next: func(int) time.Time { return tx.Now().Add(5 * time.Minute) }})
		if err != nil || len(list) == 0 {
			return errors.Join(err, fmt.Errorf("nothing due at %s", target)) // the samples are made in order
		}
		one = list[0]
		return nil
	})
	for i, name := range e.done {
		d.update(func(tx *store.Tx) error { return tx.StartStep(one, name) })
		step := styk.Step{Name: name, Done: true, Foreign: fmt.Sprintf("00000000-0000-4000-8000-%012d", i)}
		if name == "number" {
			step.Number = e.number
		}
		d.update(func(tx *store.Tx) error { return tx.SaveStep(one, step) })
	}
	if e.begun != "" {
		d.update(func(tx *store.Tx) error { return tx.StartStep(one, e.begun) })
	}
	if e.state == styk.Leased {
		return one.ID
	}
	d.update(func(tx *store.Tx) error {
		outcome := map[styk.DeliveryState]styk.AttemptOutcome{styk.Delivered: styk.AttemptDone, styk.Due: styk.AttemptRetry, styk.NeedsHand: styk.AttemptFailed}
		one.State = e.state
		a := &styk.Attempt{Number: one.Attempts, Started: tx.Now().Add(-1800 * time.Millisecond), Ended: tx.Now(), Outcome: outcome[e.state],
			Cause: e.cause, Exchanges: e.exchanges}
		if e.cause != "" {
			a.Err = "case: POST http://crm.example/0/odata/Case: 400: " + e.cause
		}
		return tx.EndAttempt(one, a)
	})
	return one.ID
}

func sampleExchange(method, path string, status int, request, answer string, total time.Duration) styk.Exchange {
	e := styk.Exchange{Step: "case", Method: method, URL: "https://crm.firm.example" + path, Status: status,
		RequestHeader: map[string][]string{"Content-Type": {"application/json; charset=utf-8"}, "Bpmcsrf": {"•••"}, "Cookie": {".ASPXAUTH=•••; BPMCSRF=•••"}},
		RequestBody:   request, RequestSize: int64(len(request)), AnswerBody: answer, AnswerSize: int64(len(answer)),
		AnswerHeader: map[string][]string{"Content-Type": {"application/json"}, "Server": {"Microsoft-IIS/10.0"}},
		DNS:          4 * time.Millisecond, Connect: 21 * time.Millisecond, TLS: 48 * time.Millisecond, Total: total}
	e.Wait = total - 12*time.Millisecond
	return e
}

// deskForm is the form of the samples.
func deskForm() *styk.Form {
	return &styk.Form{Name: "feedback", Title: "Обратная связь", Targets: []string{"crm", "hook"}, Fields: []styk.FormField{
		{Name: "service", Label: "Коммерческий сервис", Type: "select", Options: []string{"АТОЛ Онлайн", "Кассы", "Другое"}},
		{Name: "topic", Label: "Тема обращения", Type: "text"}, {Name: "company", Label: "Организация", Type: "text"},
		{Name: "inn", Label: "ИНН", Type: "inn"}, {Name: "name", Label: "Имя", Type: "text"}, {Name: "phone", Label: "Телефон", Type: "phone"},
		{Name: "email", Label: "E-mail", Type: "email"}, {Name: "message", Label: "Описание", Type: "textarea"},
		{Name: "file", Label: "Файл", Type: "file"},
		{Name: "consent", Label: "Согласие на обработку персональных данных", Type: "consent",
			Text: "Я даю согласие на обработку имени, телефона и адреса почты, чтобы получить ответ на это обращение."},
	}}
}

// samples are what fill made.
type samples struct {
	ticket   styk.ID // with everything
	number   string
	failed   styk.ID // delivery that needs a person
	waiting  styk.ID
	done     styk.ID
	document styk.ID
	contact  styk.ID
}

// fill makes requests of several customers and deliveries in every state.
func (d *desk) fill() samples {
	d.t.Helper()
	form := deskForm()
	d.update(func(tx *store.Tx) error {
		for _, t := range []*styk.Target{
			{Name: "crm", Kind: "creatio", Parallel: 2}, {Name: "hook", Kind: "webhook"}} {
			if _, err := tx.SaveTarget(t, nil); err != nil {
				return err
			}
		}
		_, err := tx.SaveForm(form)
		return err
	})
	const refused = "CRM не приняла обращение: у сервиса «АТОЛ Онлайн» нет соглашения об обслуживании"
	request := `{"Number":"","Subject":"Касса не печатает чек","ContactId":"7a1e0c52-…","UsrExternalId":"2611-0004-2","Symptoms":"Имя: Семён\nТелефон: +7 900 123-45-67"}`
	var s samples
	people := [][]string{
		{"topic", "Не приходит счёт за ноябрь", "name", "Мария Котова", "phone", "+7 921 555-10-20", "email", "kotova@example.ru", "message", "Счёт должен был прийти первого числа."},
		{"topic", "Подключить вторую кассу", "name", "Артём Белов", "phone", "+7 903 777-00-11", "email", "belov@example.ru", "message", "Нужна вторая касса в том же магазине.", "company", "ООО «Белов и сыновья»", "inn", "7707083893"},
		{"topic", "Как вернуть товар по чеку, если смена уже закрыта, а покупатель ждёт у прилавка", "name", "Гюльнара Абдрахманова-Константинопольская", "phone", "+7 999 000-45-67", "email", "g.abdrakhmanova@long-company-name.example.ru", "message", "Смена закрыта."},
	}
	for _, p := range people {
		d.post(form, "", p...)
	}
	d.carry("crm", ending{state: styk.Delivered, number: "SR-00000041", done: []string{"contact.find", "case", "number", "message"},
		exchanges: []styk.Exchange{sampleExchange("POST", "/0/odata/Case", 201, `{"Subject":"Не приходит счёт"}`, `{"Id":"1"}`, 310*time.Millisecond)}})
	d.carry("crm", ending{state: styk.NeedsHand, cause: "CRM не пускает: имя или пароль не подходят", exchanges: []styk.Exchange{
		sampleExchange("POST", "/ServiceModel/AuthService.svc/Login", 200, `{"UserName":"api","UserPassword":"•••"}`, `{"Code":1,"Message":"Wrong"}`, 95*time.Millisecond)}})
	d.carry("crm", ending{state: styk.Due, cause: "CRM отвечает слишком долго", begun: "case", done: []string{"contact.find"}, exchanges: []styk.Exchange{
		{Step: "case", Method: "POST", URL: "https://crm.firm.example/0/odata/Case", RequestBody: request, RequestSize: 90000, Err: "context deadline exceeded", Total: 30 * time.Second, Wait: 30 * time.Second}}})

	first := d.post(form, "Старый договор.pdf", "topic", "Продлить договор", "name", "Семён Ёлкин", "phone", "+7 900 123-45-67",
		"email", "elkin@example.ru", "message", "Прошу продлить договор на год.", "inn", "643922466250")
	s.done = d.carry("crm", ending{state: styk.Delivered, number: "SR-00000042", done: []string{"contact.find", "account", "contact", "partner", "case", "number", "message", "file.1"}})
	second := d.post(form, "Акт сверки «июль».pdf", "topic", "Касса не печатает чек", "name", "Семён Петрович Ёлкин", "phone", "8 (900) 123-45-67",
		"email", "semyon@firm.example", "message", "После обновления касса не печатает чек.\nНа экране ошибка 3924, перезапуск не помогает.", "service", "АТОЛ Онлайн",
		"company", "ООО «Ромашка»", "inn", "643922466250")
	s.ticket, s.number = second.Ticket, second.Number
	s.failed = d.carry("crm", ending{state: styk.NeedsHand, cause: refused, done: []string{"contact.find"}, begun: "case", exchanges: []styk.Exchange{
		sampleExchange("GET", "/0/odata/Contact?$filter=MobilePhone%20eq%20'%2B79001234567'&$top=2", 200, "", `{"value":[{"Id":"7a1e0c52-0000-4000-8000-000000000001","Name":"Ёлкин Семён"}]}`, 180*time.Millisecond),
		sampleExchange("POST", "/0/odata/Case", 400, request, `{"error":{"code":"400","message":"ServicePact is required for service АТОЛ Онлайн"}}`, 640*time.Millisecond)}})
	d.post(form, "", "topic", "Спасибо, всё работает", "name", "Анна", "phone", "+7 900 200-30-40", "email", "anna@example.ru", "message", "Спасибо!")
	s.waiting = 0
	d.update(func(tx *store.Tx) error {
		list, err := tx.Deliveries(store.DeliveryFilter{State: styk.Due, Limit: 1})
		if err != nil {
			return err
		}
		s.waiting = list[0].ID
		hook, err := tx.Target("hook")
		if err != nil {
			return err
		}
		if err := tx.PauseTarget(hook.ID, "Слишком много ошибок подряд"); err != nil {
			return err
		}
		t := &styk.Ticket{}
		t.ID = first.Ticket
		if _, err := tx.Edit(t, store.By{Origin: "webservice"}, func() error { t.Status = "Closed"; return nil }); err != nil {
			return err
		}
		t = &styk.Ticket{}
		t.ID = s.ticket
		if err := tx.Load(t); err != nil {
			return err
		}
		s.contact = t.Contact
		docs, err := tx.DocumentsOf(s.ticket)
		if err == nil && len(docs) > 0 {
			s.document = docs[0].ID
		}
		return err
	})
	if s.document == 0 || s.failed == 0 || s.done == 0 {
		d.t.Fatalf("samples: %+v", s)
	}
	return s
}

// person adds somebody with a role who can log in, and gives a browser in which
// he is logged in. Role "" is a stranger's browser.
func (d *desk) person(role styk.Role) *browser {
	d.t.Helper()
	jar, _ := cookiejar.New(nil)
	b := &browser{desk: d, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if role == "" {
		return b
	}
	u := &styk.User{Name: string(role) + "-person", Role: role}
	d.update(func(tx *store.Tx) error {
		u.ID = 0
		if err := tx.SaveUser(u); err != nil {
			return err
		}
		return tx.SavePassword(u.ID, deskHash)
	})
	if a := b.send("/admin/login", "name", u.Name, "password", deskPassword); a.status != http.StatusSeeOther {
		d.t.Fatalf("login of %s: %d\n%s", role, a.status, a.body)
	}
	return b
}

// browser is a client with cookies that sends forms as pages do: with the word
// that the page gave.
type browser struct {
	desk   *desk
	client *http.Client
	token  string
}

func (b *browser) do(method, path, body string, header ...string) answered {
	b.desk.t.Helper()
	r, err := http.NewRequestWithContext(b.desk.t.Context(), method, b.desk.url+path, strings.NewReader(body))
	if err != nil {
		b.desk.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", urlencoded)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := b.client.Do(r)
	if err != nil {
		b.desk.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		b.desk.t.Fatal(err)
	}
	if found := tokenInPage.FindSubmatch(text); found != nil {
		b.token = string(found[1])
	}
	return answered{a.StatusCode, a.Header, string(text)}
}

var tokenInPage = regexp.MustCompile(`name="_token" value="([0-9a-f]+)"`)

func (b *browser) get(path string) answered {
	b.desk.t.Helper()
	return b.do(http.MethodGet, path, "")
}

// send posts a form; before that it looks at a page to learn the form's word.
func (b *browser) send(path string, pairs ...string) answered {
	b.desk.t.Helper()
	page := path
	if !strings.HasPrefix(path, "/admin/link/") && path != "/admin/login" {
		page = "/admin/me"
	}
	b.get(page)
	v := url.Values{"_token": {b.token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, v.Encode())
}
