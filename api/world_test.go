package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"styk"
	"styk/blob"
	"styk/connect"
	"styk/courier"
	"styk/intake"
	"styk/staff"
	"styk/store"
	"styk/store/storetest"
	"styk/wallet"
	"styk/webhook"
)

const guests = "5be000000000000000000001"

// world is a whole server on real parts, with a clock that tests move. Every
// answer that goes out of it is compared with the document.
type world struct {
	*Server
	db    *store.DB
	clock *clock
	log   *lockedBuffer
	doc   *openapi3.T
	t     testing.TB
	owner *styk.User
	seen  []Observed
	mu    sync.Mutex
	vars  map[string]string
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eachEngine runs a test on a server with SQLite and on one with PostgreSQL.
func eachEngine(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, engine))
		})
	}
}

func newWorld(t testing.TB, engine string) *world {
	t.Helper()
	w := &world{clock: &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}, log: &lockedBuffer{}, t: t,
		vars: map[string]string{"guests": guests}}
	data := t.TempDir()
	address := filepath.Join(data, "styk.db")
	if engine == "postgres" {
		address = storetest.Postgres(t)
	}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	w.db, err = store.Open(t.Context(), store.Options{Database: address, Key: make([]byte, 32), Now: w.clock.Now, MaxConns: 8})
	ok(t, err)
	blobs, err := blob.OpenDir(data)
	ok(t, err)
	work, err := blob.OpenWork(data, blobs)
	ok(t, err)
	cards := &wallet.Cards{DB: w.db, Blobs: blobs, PublicURL: "https://styk.firm.ru", Log: log}
	t.Cleanup(func() {
		cards.Close()
		ok(t, w.db.Close())
	})
	w.Server = New(Options{DB: w.db, Blobs: blobs, Cards: cards, Log: log, Version: "1.2.3", PerMinute: 1_000_000,
		Intake:  &intake.Intake{DB: w.db, Blobs: blobs, Work: work, Log: log, MaxFile: 1 << 20},
		Courier: courier.New(w.db, blobs, []connect.Kind{webhook.Kind}, courier.Options{Guard: connect.Guard{}}),
		Staff:   staff.New(w.db),
		Remote:  func(*http.Request) netip.Addr { return netip.MustParseAddr("10.0.0.7") },
		Observe: func(_ *http.Request, o Observed) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.seen = append(w.seen, o)
		}})
	w.doc = readDocument()
	w.furnish()
	return w
}

// ServeHTTP compares each answer with the document before it goes out.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	rec := httptest.NewRecorder()
	w.Server.ServeHTTP(rec, r)
	body := bytes.Clone(rec.Body.Bytes())
	w.compare(r, rec)
	for name, values := range rec.Header() {
		rw.Header()[name] = values
	}
	rw.WriteHeader(rec.Code)
	_, _ = rw.Write(body)
}

// compare checks that what was answered is what the document says of the
// operation.
func (w *world) compare(r *http.Request, rec *httptest.ResponseRecorder) {
	_, pattern := w.mux.Handler(r)
	method, path, _ := strings.Cut(pattern, " ")
	item := w.doc.Paths.Value(strings.TrimPrefix(path, Root))
	if item == nil {
		return
	}
	op, status := item.GetOperation(method), strconv.Itoa(rec.Code)
	want := op.Responses.Value(status)
	if want == nil && rec.Code >= 400 {
		want, status = op.Responses.Default(), "default"
	}
	switch {
	case want == nil:
		w.t.Errorf("%s answered %d, which the document has not", op.OperationID, rec.Code)
		return
	case rec.Code < 300:
		done.Store(op.OperationID, true)
	}
	kind, _, _ := strings.Cut(rec.Header().Get("Content-Type"), ";")
	switch media := want.Value.Content.Get(kind); {
	case media == nil && rec.Body.Len() > 0:
		w.t.Errorf("%s answered %d bytes of %q, which the document has not", op.OperationID, rec.Body.Len(), kind)
	case media != nil && kind == "application/json":
		at := "#/components/responses/Refused"
		if rec.Code < 300 {
			at = "#/paths/" + strings.ReplaceAll(strings.TrimPrefix(path, Root), "/", "~1") + "/" + strings.ToLower(method) + "/responses/" + status
		}
		body, err := jsonschema.UnmarshalJSON(rec.Body)
		if err == nil {
			err = schemaAt(w.t, at+"/content/application~1json/schema").Validate(body)
		}
		if err != nil {
			w.t.Errorf("%s answered %d with what its schema forbids: %v", op.OperationID, rec.Code, err)
		}
	}
}

// done are the operations that were done at least once.
var done sync.Map

// schemaAt gives a schema of the document, compiled once for all tests.
func schemaAt(t testing.TB, at string) *jsonschema.Schema {
	t.Helper()
	compiled.Lock()
	defer compiled.Unlock()
	if compiled.c == nil {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(documentOf(operations, "")))
		ok(t, err)
		compiled.c = jsonschema.NewCompiler()
		compiled.c.AssertFormat()
		ok(t, compiled.c.AddResource("openapi.json", doc))
	}
	s, err := compiled.c.Compile("openapi.json" + strings.NewReplacer("{", "%7B", "}", "%7D").Replace(at))
	ok(t, err)
	return s
}

var compiled struct {
	sync.Mutex
	c *jsonschema.Compiler
}

func (w *world) ctx() context.Context { return context.Background() }

func (w *world) update(fn func(tx *store.Tx) error) {
	w.t.Helper()
	ok(w.t, w.db.Update(w.ctx(), fn))
}

// key makes a key and gives its text.
func (w *world) key(k store.APIKey) string {
	w.t.Helper()
	secret := NewKey()
	if k.Name == "" {
		k.Name = "key-" + strings.ToLower(secret[5:15])
	}
	w.update(func(tx *store.Tx) error { return tx.AddAPIKey(&k, secret) })
	return secret
}

// furnish gives the world a person, a customer, tickets with deliveries in
// several states, a form, a card.
func (w *world) furnish() {
	t := w.t
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	_, err := w.Courier.SaveTarget(w.ctx(), &styk.Target{Name: "crm", Kind: "webhook", Settings: map[string]any{"url": receiver.URL, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}})
	ok(t, err)
	w.owner = &styk.User{Name: "boss", FirstName: "Анна", LastName: "Орлова", Email: "boss@firm.ru", Role: styk.RoleOwner}
	operator := &styk.User{Name: "oleg", Role: styk.RoleOperator}
	form := &styk.Form{Name: "feedback", Title: "Обратная связь", Targets: []string{"crm"}, Fields: []styk.FormField{
		{Name: "topic", Label: "Тема обращения", Type: styk.FieldText, Required: true},
		{Name: "name", Label: "Имя", Type: styk.FieldText, Required: true},
		{Name: "phone", Label: "Телефон", Type: styk.FieldPhone, Required: true},
		{Name: "email", Label: "E-mail", Type: styk.FieldEmail},
		{Name: "consent", Label: "Согласие", Type: styk.FieldConsent, Text: "Я согласен", Required: true},
	}}
	w.update(func(tx *store.Tx) error {
		for _, u := range []*styk.User{w.owner, operator, {Name: "api", Role: styk.RoleAPI, AccessKey: "DemoKey000000001"}} {
			if err := tx.SaveUser(u); err != nil {
				return err
			}
		}
		if err := tx.SaveCardToken(&styk.CardToken{Name: "1c"}, "demo-passteam-token"); err != nil {
			return err
		}
		_, err := tx.SaveForm(form)
		return err
	})
	_, err = w.Cards.SaveTemplate(w.ctx(), &styk.CardTemplate{ID: guests, Name: "Карта гостя", Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true},
		{Name: "BONUS", Type: styk.CardNumber},
	}}, nil)
	ok(t, err)
	w.post(form, "Касса не печатает", "Иван", "+7 949 123-45-11")
	w.fail("CRM не отвечает")
	w.post(form, "Второе", "Мария", "+7 913 123-45-67")
	w.vars["owner"], w.vars["operator"] = number(w.owner.ID), number(operator.ID)
	all := ScopeNames()
	w.vars["key"] = w.key(store.APIKey{Name: "all", Scopes: all, User: w.owner.ID})
	w.vars["narrow"] = w.key(store.APIKey{Name: "narrow", Scopes: []string{"tickets:read"}})
	w.update(func(tx *store.Tx) error {
		tickets, err := tx.Tickets(store.TicketFilter{Limit: 1})
		if err != nil {
			return err
		}
		w.vars["customer"] = number(tickets[0].Contact)
		if err := tx.Suggest(tickets[0].Contact, "email", "maria@mail.ru", 2); err != nil {
			return err
		}
		if err := tx.StartStaffSession("a secret of a browser", operator.ID, "203.0.113.7", "Firefox"); err != nil {
			return err
		}
		return tx.KeepCalls([]*styk.APICall{{At: tx.Now(), Face: styk.FaceCRM, Operation: "login", Code: "INVALID", Status: 200, Who: "api",
			Address: "10.0.0.9", Method: "POST", Path: "/webservice.php", Header: map[string][]string{"Accept": {"*/*"}}, Request: "a=b", Answer: "{}"}})
	})
}

func number(id styk.ID) string { return strconv.FormatInt(int64(id), 10) }

// post accepts one form.
func (w *world) post(form *styk.Form, topic, name, phone string) {
	w.t.Helper()
	var stored *styk.Form
	w.update(func(tx *store.Tx) (err error) {
		stored, err = tx.Form(form.Name)
		return err
	})
	_, err := w.Intake.Accept(w.ctx(), stored, intake.FormPost{Address: "203.0.113.7",
		Values: map[string]string{"topic": topic, "name": name, "phone": phone, "consent": "1"}})
	ok(w.t, err)
}

// fail does what a courier does when a system refuses.
func (w *world) fail(cause string) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		target, err := tx.Target("crm")
		if err != nil {
			return err
		}
		due, err := tx.ClaimDeliveries(store.Claim{Target: target.ID, Owner: "test", Limit: 100, Life: time.Minute,
			Next: func(int) time.Time { return tx.Now().Add(time.Minute) }})
		if err != nil {
			return err
		}
		for _, d := range due {
			if err := tx.StartStep(d, "event"); err != nil {
				return err
			}
			d.State = styk.NeedsHand
			if err := tx.EndAttempt(d, &styk.Attempt{Number: d.Attempts, Outcome: styk.AttemptFailed, Started: tx.Now(), Ended: tx.Now(), Cause: cause,
				Err: "event: POST: 500", Exchanges: []styk.Exchange{{Step: "event", Method: "POST", URL: "https://crm.firm.ru/hook", Status: 500,
					Start: tx.Now(), Total: time.Second}}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// reply is an answer as a client sees it.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// ask sends a request with a key ("" without one); more are header names and
// values.
func (w *world) ask(key, method, path, body string, more ...string) reply {
	w.t.Helper()
	r := httptest.NewRequest(method, Root+path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	a := reply{status: rec.Code, header: rec.Header(), body: rec.Body.String()}
	_ = json.Unmarshal(rec.Body.Bytes(), &a.json)
	return a
}

// want checks a status and gives the answer on.
func (a reply) want(t testing.TB, status int) reply {
	t.Helper()
	if a.status != status {
		t.Errorf("got %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// fault gives the rule that is broken in a field, or "".
func (a reply) fault(field string) string {
	e, _ := a.json["error"].(map[string]any)
	faults, _ := e["faults"].([]any)
	for _, f := range faults {
		if m, _ := f.(map[string]any); m["field"] == field {
			return m["rule"].(string)
		}
	}
	return ""
}

// readDocument reads the document once for all tests.
var readDocument = sync.OnceValue(func() *openapi3.T {
	doc, err := openapi3.NewLoader().LoadFromData(documentOf(operations, ""))
	if err != nil {
		panic(err)
	}
	return doc
})
