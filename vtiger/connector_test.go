package vtiger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/connect"
	"styk/connect/connecttest"
	"styk/store"
)

// The order of the seed for a visitor whom the CRM does not know.
func TestOrderOfANewVisitor(t *testing.T) {
	t.Parallel()
	d := newSite(t, "put", nil)
	p := parcel(1)
	m := d.mustDeliver(p)
	want := []string{
		"query", "getfileslist", "query", // by spelling; is it ours?; by digits
		"POST modules", "createcontact",
		"query", "createaccount",
		"createproject",
		"getfileslist", "PUT storage", "PUT storage",
	}
	if got := d.calls(); !slices.Equal(got, want) {
		t.Errorf("calls %v\nwant  %v", got, want)
	}
	st := d.sim.State()
	contact, account, project := st.Modules["Contacts"][0], st.Modules["Accounts"][0], st.Modules["Project"][0]
	for _, c := range []struct{ name, got, want string }{
		{"contact", contact["firstname"] + " " + contact["lastname"] + " " + contact["mobile"] + " " + contact["email"] + " " + contact[simContactINN],
			"Анна Иванова +79001234567 anna@firm.ru 7707083893"},
		{"stand-in", contact["birthday"], "1900-01-01"},
		{"account", account["accountname"] + " " + account[simAccountINN] + " " + account["cf_923"], "ООО «Ромашка» 7707083893 0000000000000"},
		{"client", project["linktoaccountscontacts"], contact["id"]},
		{"offender", "11x" + project[simProjectColumns["offenderid"]], account["id"]},
		{"subject", project[simProjectColumns["subject"]], "Не печатает касса"},
		{"category", project[simProjectColumns["category"]], "АТОЛ Онлайн"},
		{"description", project["description"], p.Ticket.Text() + "\n\nНомер на сайте: 2611-0001-7"},
		{"link", m.Done["project"].URL, d.url + "/index.php?module=Project&view=Detail&record=" + m.Number()},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
	if st.Files[0].Name != "договор № 1.pdf" || st.Files[0].Title != "договор" || st.Files[0].Written != 1 {
		t.Errorf("files %+v", st.Files)
	}
	d.whole(p)
	from := len(st.Log)
	d.mustDeliver(parcel(2)) // the session and the answer about requestid are kept
	if n := len(d.sim.State().Log) - from; n != 7 {
		t.Errorf("%d calls for the second ticket", n)
	}
}

// put makes a record behind the connector's back.
func (s *Sim) put(t *testing.T, module string, values map[string]string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	values["assigned_user_id"] = "19x1"
	r, failure := s.callFor().insert(simModuleNamed(module), values)
	if failure != nil {
		t.Fatalf("%+v", failure)
	}
	return r.wsid()
}

func (s *Sim) callFor() *simCall { return &simCall{Sim: s} }

// A known customer is found under any spelling of the phone, and is neither
// changed nor made again; nor is the counterparty.
func TestAKnownCustomerStaysAsHeIs(t *testing.T) {
	t.Parallel()
	for _, phone := range []string{"+79001234567", "8 900 123-45-67", "+7 (900) 123-45-67", "8-900-1234567", "+7 900.123.45.67", "(900)1234567 доб. 4"} {
		t.Run(phone, func(t *testing.T) {
			t.Parallel()
			d := newSite(t, "put", map[string]any{"files": "link"})
			d.sim.put(t, "Contacts", map[string]string{"lastname": "чужой", "mobile": "+7 901 123-45-67"})
			d.sim.put(t, "Contacts", map[string]string{"lastname": "похожий", "mobile": "8 900 1 23 45 67 8"})
			id := d.sim.put(t, "Contacts", map[string]string{"lastname": "Каренина", "mobile": phone, "birthday": "1980-02-03"})
			firm := d.sim.put(t, "Accounts", map[string]string{"accountname": "Ромашка ООО", simAccountINN: "7707083893"})
			p := parcel(1)
			d.mustDeliver(p)
			st := d.sim.State()
			if got := st.Modules["Contacts"][2]; len(st.Modules["Contacts"]) != 3 || got["lastname"] != "Каренина" || got["birthday"] != "1980-02-03" || got["email"] != "" {
				t.Errorf("contacts %v", st.Modules["Contacts"])
			}
			if got := st.Modules["Accounts"]; len(got) != 1 || got[0]["accountname"] != "Ромашка ООО" {
				t.Errorf("accounts %v", got)
			}
			project := st.Modules["Project"][0]
			if project["linktoaccountscontacts"] != id || "11x"+project[simProjectColumns["offenderid"]] != firm {
				t.Errorf("project %v", project)
			}
			d.whole(p)
		})
	}
}

// The seed's own behaviour, by setting: what the form says overwrites.
func TestAKnownCustomerIsUpdatedBySetting(t *testing.T) {
	t.Parallel()
	d := newSite(t, "put", map[string]any{"files": "link", "known": "update"})
	d.sim.put(t, "Contacts", map[string]string{"lastname": "Каренина", "mobile": "+79001234567"})
	d.mustDeliver(parcel(1))
	if got := d.sim.State().Modules["Contacts"]; len(got) != 1 || got[0]["lastname"] != "Иванова" {
		t.Errorf("contacts %v", got)
	}
	if calls := d.calls(); !slices.Equal(calls, []string{"createcontact", "createaccount", "createproject"}) {
		t.Errorf("calls %v", calls)
	}
}

// Several contacts of one phone: the one changed last, and the operator is told.
func TestSeveralContacts(t *testing.T) {
	t.Parallel()
	d := newSite(t, "put", map[string]any{"files": "link"})
	d.sim.put(t, "Contacts", map[string]string{"lastname": "старый", "mobile": "89001234567"})
	d.clock.advance(time.Hour)
	id := d.sim.put(t, "Contacts", map[string]string{"lastname": "новый", "mobile": "9001234567"})
	d.mustDeliver(parcel(1))
	if got := d.sim.State().Modules["Project"][0]["linktoaccountscontacts"]; got != id || len(d.warns) != 1 {
		t.Errorf("project of %s, warnings %q", got, d.warns)
	}
}

// A hundred tickets of one new visitor at once make one contact, in stock and
// on our server.
func TestAHundredAtOnce(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) *connecttest.Sim{
		"stock": func(t *testing.T) *connecttest.Sim {
			return suiteSim(t, "put", with(simSettings, map[string]any{"files": "link"}))
		},
		"ours": func(t *testing.T) *connecttest.Sim { return suiteOurs(t, "sqlite", ourSettings) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crm := start(t)
			server := httptest.NewServer(crm.Handler)
			defer server.Close()
			client := (&connect.Transport{Base: connect.Guard{}.NewBase(), Timeout: 30 * time.Second}).Client()
			to, err := Kind.Open(connect.Settings{Target: "crm", Values: crm.Settings(server.URL), Client: client})
			ok(t, err)
			var wait sync.WaitGroup
			errs := make([]error, 100)
			for i := range errs {
				wait.Go(func() {
					errs[i] = to.Deliver(t.Context(), parcel(i+1).Bind((&connect.Memory{}).Effects(client)))
				})
			}
			wait.Wait()
			ok(t, errors.Join(errs...))
			if n := crm.Contacts(); n != 1 {
				t.Errorf("%d contacts", n)
			}
			if n := crm.Logins(); n != 1 {
				t.Errorf("%d logins", n)
			}
			for i := range errs {
				if n := crm.Records(parcel(i + 1).Ticket.Number); n != 1 {
					t.Errorf("ticket %d: %d projects", i+1, n)
				}
			}
		})
	}
}

// Each way of overwriting that a CRM may offer.
func TestWaysOfOverwriting(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("long under the race detector; the run without -short has it")
	}
	operation := map[string]any{"overwrite": overwriteOperation}
	for name, start := range map[string]func(t *testing.T) *connecttest.Sim{
		"PutFile":    func(t *testing.T) *connecttest.Sim { return suiteOurs(t, "sqlite", with(ourSettings, operation)) },
		"PostgreSQL": func(t *testing.T) *connecttest.Sim { return suiteOurs(t, "postgres", ourSettings) },
		"by look-up": func(t *testing.T) *connecttest.Sim {
			return suiteOurs(t, "sqlite", with(ourSettings, map[string]any{"idempotency": repeatByLook}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connecttest.RunSessions(t, connecttest.Case{Kind: Kind, New: start})
		})
	}
}

// A folder that a web server lets be written to knows nothing of sessions.
func TestOverwritingInAFolder(t *testing.T) {
	t.Parallel()
	d := newSite(t, "folder", map[string]any{"overwrite": overwriteFolder, "folder_user": "api", "folder_password": demoKey})
	p := parcel(1)
	d.mustDeliver(p)
	d.whole(p)
}

// What a form sends to named fields, an intermediary, a fixed counterparty, and
// our number in a field of its own.
func TestMappedFields(t *testing.T) {
	t.Parallel()
	d := newSite(t, "put", map[string]any{
		"files": "link", "offender_id": "84675", "number_field": "other", "number_column": simProjectColumns["other"],
		"defaults": map[string]any{"contact": map[string]any{"birthday": "1900-01-01"}, "agent": map[string]any{"ogrn": "1027700132195"},
			"project": map[string]any{"source": "сайт"}},
	})
	p := parcel(1)
	p.Ticket.Contact.Company = ""
	p.Ticket.Fields = append(p.Ticket.Fields,
		connect.Value{Name: "birth", Type: "date", Value: "1986-11-15"},
		connect.Value{Name: "tour", Value: "ООО «Тур»"}, connect.Value{Name: "tour_inn", Value: "7707083893"},
		connect.Value{Name: "sum", Value: "20000"})
	p.Ticket.Mapping = map[string]string{"birth": "contact.birthday", "tour": "agent.accountname", "tour_inn": "agent.inn", "sum": "agrprice", "topic": "subject"}
	d.mustDeliver(p)
	st := d.sim.State()
	project, agent := st.Modules["Project"][0], st.Modules["Accounts"][0]
	got := func(name string) string { return project[simProjectColumns[name]] }
	if st.Modules["Contacts"][0]["birthday"] != "1986-11-15" || agent["accountname"] != "ООО «Тур»" ||
		got("offenderid") != "84675" || "11x"+got("agentid") != agent["id"] || got("agrprice") != "20000" || got("source") != "сайт" ||
		got("other") != p.Ticket.Number {
		t.Errorf("%v\n%v\n%v", st.Modules["Contacts"], agent, project)
	}
	// The look-up goes by that field.
	m := &connect.Memory{State: map[string]connect.StepState{"project": connect.StepStarted}, Done: map[string]connect.Done{}}
	ok(t, d.attempt(p, m))
	if n := len(d.sim.State().Modules["Project"]); n != 1 {
		t.Errorf("%d projects", n)
	}
}

// What the operations demand and nobody gives is said before anything is sent.
func TestLackingFieldsAreNamed(t *testing.T) {
	t.Parallel()
	d := newSite(t, "put", map[string]any{"defaults": map[string]any{"contact": map[string]any{}}})
	err := d.attempt(parcel(1), &connect.Memory{})
	if said := connect.Explain(err); outcomeOf(err) != permanent || !strings.Contains(said, "contact.birthday") {
		t.Errorf("%v: %s", err, said)
	}
	p := parcel(2)
	p.Ticket.Mapping = map[string]string{"topic": "nosuch"}
	if err := d.attempt(p, &connect.Memory{}); outcomeOf(err) != permanent || !strings.Contains(err.Error(), "nosuch") {
		t.Errorf("%v", err)
	}
	if calls := d.calls(); slices.Contains(calls, "createcontact") || slices.Contains(calls, "POST modules") {
		t.Errorf("calls %v", calls)
	}
}

// More files than the form has parts for, and larger ones, go as links.
func TestFilesThatDoNotFitAreLinked(t *testing.T) {
	t.Parallel()
	d := newSite(t, "put", map[string]any{"file_parts": "file_1_1"})
	p := parcel(1)
	d.mustDeliver(p)
	description := d.sim.State().Modules["Project"][0]["description"]
	if !strings.Contains(description, "Файл пусто.txt: https://styk.firm.ru/d/") || len(d.sim.State().Files) != 1 {
		t.Errorf("description %q, files %v", description, d.sim.State().Files)
	}
	d.whole(p)
}

// The form made the contact but lost the files: nothing is overwritten blindly.
func TestFilesLostByTheForm(t *testing.T) {
	t.Parallel()
	d := newSite(t, "put", nil)
	d.fault("webform=file-lost:1")
	p, m := parcel(1), &connect.Memory{}
	err := d.attempt(p, m)
	if outcomeOf(err) != permanent {
		t.Fatalf("%v", err)
	}
	err = d.attempt(p, m)
	if said := connect.Explain(err); outcomeOf(err) != permanent || !strings.Contains(said, "ничего не перезаписано") {
		t.Errorf("%v: %s", err, said)
	}
	if n := len(d.sim.State().Files); n != 0 {
		t.Errorf("%d files", n)
	}
}

// Paths come from outside: none leads away from storage/.
func TestListedPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"storage/2023/December/week4/9e84c3f86209302799f46d0136e93ab6.pdf": true,
		"storage/2026/July/week1/16_9c8c.jpeg":                             true,
		"storage/../config.inc.php":                                        false,
		"/etc/passwd":                                                      false,
		"storage/a?x=1":                                                    false,
		"storage/%2e%2e/index.php":                                         false,
		"modules/x.pdf":                                                    false,
		"":                                                                 false,
	} {
		if storedPath(path) != want {
			t.Errorf("%q: %v", path, !want)
		}
	}
}

// A ticket older than the server's memory of keys is looked up, not repeated.
func TestAnOldTicketIsLookedUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	server := httptest.NewServer(b)
	defer server.Close()
	client := (&connect.Transport{Base: connect.Guard{}.NewBase(), Timeout: 10 * time.Second}).Client()
	to, err := Kind.Open(connect.Settings{Target: "crm", Client: client, Now: b.clock.Now,
		Values: with(ourSettings, map[string]any{"files": "link"})(server.URL)})
	ok(t, err)
	p, m := parcel(1), &connect.Memory{}
	deliver := func() { ok(t, to.Deliver(t.Context(), p.Bind(m.Effects(client)))) }
	deliver()
	for _, age := range []time.Duration{time.Hour, 8 * 24 * time.Hour} {
		b.clock.advance(age)
		for step := range m.State {
			m.State[step] = connect.StepStarted
		}
		deliver()
		if n := len(b.projectsOf(p.Ticket.Number)); n != 1 {
			t.Errorf("after %v: %d projects", age, n)
		}
	}
}

// A key narrowed to the seed's operations may not ask: the settings must say
// that known customers are updated.
func TestANarrowedKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	b.api.Operations = []string{"getfileslist", "createcontact", "createaccount", "createproject", "putfile"}
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveUser(b.api) }))
	server := httptest.NewServer(b)
	defer server.Close()
	client := (&connect.Transport{Base: connect.Guard{}.NewBase(), Timeout: 10 * time.Second}).Client()
	open := func(more map[string]any) connect.Connector {
		to, err := Kind.Open(connect.Settings{Target: "crm", Client: client, Now: b.clock.Now, Values: with(ourSettings, more)(server.URL)})
		ok(t, err)
		return to
	}
	if err := open(nil).Check(t.Context()); outcomeOf(err) != permanent || !strings.Contains(connect.Explain(err), "known: update") {
		t.Errorf("%v: %s", err, connect.Explain(err))
	}
	to := open(map[string]any{"known": "update"})
	ok(t, to.Check(t.Context()))
	ok(t, to.Deliver(t.Context(), parcel(1).Bind((&connect.Memory{}).Effects(client))))
	if n := count(t, b, styk.KindProject); n != 1 {
		t.Errorf("%d projects", n)
	}
}

// No error says who the visitor is, whatever the CRM quotes and wherever the
// connection breaks.
func TestErrorsNameNoVisitor(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"refusal": func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"success":false,"error":{"message":"Syntax Error near %s, phone +79001234567","code":"QUERY_SYNTAX_ERROR"}}`, "anna@firm.ru")
		},
		"page": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("<html>" + r.URL.RawQuery + "</html>"))
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other?"+r.URL.RawQuery, http.StatusFound)
		},
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newSite(t, "put", nil)
			broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("operation") == OpQuery {
					answer(w, r)
					return
				}
				d.sim.ServeHTTP(w, r)
			}))
			defer broken.Close()
			d.url = broken.URL
			d.open(nil)
			err := d.attempt(parcel(1), &connect.Memory{})
			if err == nil {
				t.Fatal("delivered")
			}
			for _, secret := range []string{"900", "anna", "Анна", "mobile", demoKey, "sessionName", "select"} {
				if strings.Contains(err.Error(), secret) || strings.Contains(connect.Explain(err), secret) {
					t.Errorf("%q in %v (%s)", secret, err, connect.Explain(err))
				}
			}
		})
	}
}

// Wrong settings are told at once.
func TestSettings(t *testing.T) {
	t.Parallel()
	for want, more := range map[string]map[string]any{
		"publicid":          {"files": "capture", "publicid": ""},
		"folder_url":        {"overwrite": "folder", "folder_url": ""},
		"имя колонки":       {"account_inn_column": "inn'--"},
		"number_field":      {"number_field": "nosuch"},
		"defaults":          {"defaults": map[string]any{"nosuch": map[string]any{}}},
		"operations":        {"operations": "all"},
		"нужна хотя бы одн": {"phone_columns": []any{}},
	} {
		values := simSettings("http://127.0.0.1:1")
		for name, v := range more {
			values[name] = v
		}
		_, err := Kind.Open(connect.Settings{Values: values})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", more, err)
		}
	}
}

// One at a time per customer, and none waits for somebody who gave up.
func TestTurns(t *testing.T) {
	t.Parallel()
	to := &target{turns: map[string]chan struct{}{}}
	end, err := to.turn(t.Context(), "phone:1")
	ok(t, err)
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := to.turn(late, "phone:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	other, err := to.turn(t.Context(), "phone:2")
	ok(t, err)
	other()
	end()
	again, err := to.turn(t.Context(), "phone:1")
	ok(t, err)
	again()
	if len(to.turns) != 0 {
		t.Errorf("%v", to.turns)
	}
}
