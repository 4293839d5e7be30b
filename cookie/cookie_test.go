package cookie_test

import (
	_ "embed"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"styk"
	"styk/connect"
	"styk/connect/connecttest"
	"styk/cookie"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

//go:embed testdata/recipe.yaml
var recipe string

const password = `п@ss "w0rd"&x=1`

func settings(url string, recipe any) map[string]any {
	return map[string]any{"url": url, "user": "styk", "password": password, "recipe": recipe}
}

func suite(t *testing.T, dead string) connecttest.Case {
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(recipe), &tree); err != nil {
		t.Fatal(err)
	}
	return connecttest.Case{
		Kind: cookie.Kind,
		New: func(*testing.T) *connecttest.Sim {
			sim := cookie.NewSim(password)
			sim.Dead = dead
			return &connecttest.Sim{
				Handler:  sim,
				Settings: func(url string) map[string]any { return settings(url, tree) },
				Records:  func(n string) int { return len(sim.Cases(n)) },
				Messages: func(n string) int { return len(sim.Notes(n)) },
				Number:   func(n string) string { return sim.Cases(n)[0]["no"] },
				Contacts: sim.Clients,
				Files: func(n string) []connecttest.File {
					var out []connecttest.File
					for _, f := range sim.Files(n) {
						out = append(out, connecttest.File{Name: f.Name, Size: f.Size, SHA256: f.SHA256})
					}
					return out
				},
				Expire: sim.Expire,
				Logins: sim.Logins,
			}
		},
	}
}

func TestConnector(t *testing.T) {
	t.Parallel()
	connecttest.Run(t, suite(t, "401"))
	for _, dead := range []string{"302", "page"} {
		t.Run("dead session is "+dead, func(t *testing.T) {
			t.Parallel()
			connecttest.RunSessions(t, suite(t, dead))
		})
	}
}

// desk is a connector with its CRM.
type desk struct {
	sim       *cookie.Sim
	connector connect.Connector
	client    *http.Client
}

func open(t *testing.T, recipe string, wrap func(http.Handler) http.Handler) *desk {
	t.Helper()
	d := &desk{sim: cookie.NewSim(password)}
	var h http.Handler = d.sim
	if wrap != nil {
		h = wrap(h)
	}
	server := httptest.NewServer(h)
	base := connect.Guard{}.NewBase()
	t.Cleanup(func() { base.CloseIdleConnections(); server.Close() })
	d.client = (&connect.Transport{Base: base}).Client()
	var err error
	d.connector, err = cookie.Kind.Open(connect.Settings{Values: settings(server.URL, recipe), Client: d.client})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) deliver(t *testing.T, p *connect.Parcel) (*connect.Memory, error) {
	t.Helper()
	m := &connect.Memory{}
	if p.Ticket != nil && p.Ticket.Mapping == nil {
		p.Ticket.Mapping = cookie.Kind.Mapping
	}
	return m, d.connector.Deliver(t.Context(), p.Bind(m.Effects(d.client)))
}

// A found contact makes no company; a new one makes the company, then the
// contact tied to it; then case, message, files.
func TestOrderOfSteps(t *testing.T) {
	t.Parallel()
	d := open(t, recipe, nil)
	m, err := d.deliver(t, connecttest.Parcel(1))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(m.Order, " "), "company contact case note file.1 file.2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	m, err = d.deliver(t, connecttest.Parcel(2))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(m.Order, " "), "case note file.1 file.2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if d.sim.Clients() != 1 || d.sim.Companies() != 1 || d.sim.Logins() != 1 {
		t.Errorf("got %d clients, %d companies, %d logins", d.sim.Clients(), d.sim.Companies(), d.sim.Logins())
	}
	second := d.sim.Cases("2611-0002-7")[0]
	if second["company"] != "1" || second["client"] != "1" || second["subject"] != "Не печатает касса" ||
		!strings.Contains(second["text"], "ИНН: 7707083893\n") || !strings.Contains(second["text"], "Файл: договор № 1.pdf") {
		t.Errorf("got %v", second)
	}
}

// Nothing that a visitor types becomes syntax.
func TestTextsStayTexts(t *testing.T) {
	t.Parallel()
	d := open(t, recipe, nil)
	p := connecttest.Parcel(1)
	nasty := `"},{"ext":"x & y=z #1 %00 {{.password}} ` + "\r\n\x00\u2028'"
	p.Ticket.Topic, p.Ticket.Message, p.Ticket.Fields[1].Value = nasty, nasty+"<b>", nasty
	p.Ticket.Contact.Company, p.Ticket.Contact.Name = nasty, nasty
	p.Ticket.Files[0].Name = "a\"; name=\"ref\"\r\n\r\nx.pdf"
	if _, err := d.deliver(t, p); err != nil {
		t.Fatal(err)
	}
	if got := d.sim.Cases(p.Ticket.Number)[0]["subject"]; got != nasty {
		t.Errorf("subject: got %q", got)
	}
	if got := d.sim.Notes(p.Ticket.Number)[0]; strings.Contains(got, "<b>") || !strings.Contains(got, "&lt;b&gt;") {
		t.Errorf("note: got %q", got)
	}
	if got := d.sim.Files(p.Ticket.Number)[0].Name; !strings.Contains(got, "x.pdf") {
		t.Errorf("file: got %q", got)
	}
}

func TestRefusedInsideASuccess(t *testing.T) {
	t.Parallel()
	d := open(t, recipe, nil)
	p := connecttest.Parcel(1)
	p.Ticket.Files[0].Name = "virus.exe"
	m, err := d.deliver(t, p)
	if !connect.IsPermanent(err) || !strings.Contains(err.Error(), "тип файла запрещён") {
		t.Errorf("got %v", err)
	}
	if m.Number() != "C-00001" { // the visitor has the number all the same
		t.Errorf("got number %q", m.Number())
	}
}

func TestWrongPasswordStopsTheTarget(t *testing.T) {
	t.Parallel()
	d := open(t, strings.Replace(recipe, "{{.password}}", "x{{.password}}", 1), nil)
	_, err := d.deliver(t, connecttest.Parcel(1))
	if !connect.IsStop(err) || !strings.Contains(connect.Explain(err), "логин или пароль") {
		t.Errorf("got %v", err)
	}
}

// 403 straight after a login is a matter of rights, not of the session.
func TestNoRights(t *testing.T) {
	t.Parallel()
	d := open(t, strings.Replace(recipe, "status: [401]", "status: [401, 403]", 1), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" && r.URL.Path == "/api/cases" {
				http.Error(w, "forbidden", http.StatusForbidden)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	_, err := d.deliver(t, connecttest.Parcel(1))
	if !connect.IsPermanent(err) || !strings.Contains(connect.Explain(err), "нет прав") {
		t.Errorf("got %v: %s", err, connect.Explain(err))
	}
	if n := d.sim.Logins(); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

func TestOtherSubjectsAreRefused(t *testing.T) {
	t.Parallel()
	_, err := open(t, recipe, nil).deliver(t, &connect.Parcel{ID: "n", Notice: &connect.Notice{}})
	if !connect.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

// Mistakes in a recipe are told when it is saved, with their place.
func TestRecipeMistakes(t *testing.T) {
	t.Parallel()
	cases := []struct{ old, new, want string }{
		{"{{.contact.phone}}", "{{.contact.phon}}", "recipe.steps.client.look.query"},
		{"{{.steps.case.id}}/notes", "{{.steps.caze.id}}/notes", "recipe.steps.note"},
		{"{{.session.knock}}", "{{.session.knok}}", "recipe.login.1.form"},
		{"{{.message}}", "{{.message", "recipe.steps.note.when"},
		{"path: /api/me", `path: "/api/me?x=1"`, "recipe.check.path"},
		{"path: /api/me", "path: api/me", "recipe.check.path"},
		{"need: [number]", "need: [nummer]", "recipe.steps.case.create.need"},
		{"each: file", "each: fail", "recipe.steps.file.each"},
		{"    each: file ", "    # ", "recipe.steps.file.create"},
		{"name: contact", "name: client", "recipe.steps.client"},
		{"cases/(\\d+)", "cases/\\d+", "recipe.steps.case.create.take.id"},
		{"keep:", "keap:", "recipe"},
		{"    find:\n      path: /api/companies", "    findd:\n      path: /api/companies", "recipe"},
		{"$some: \"{{.steps.company.id}}\"", "$some: \"{{.steps.company.id}}\", x: y", "recipe.steps.contact.create.json"},
		{"check: {path: /api/me}", "check: {path: /api/me, form: {}, json: {}}", "recipe.check"},
	}
	for _, c := range cases {
		changed := strings.Replace(recipe, c.old, c.new, 1)
		if changed == recipe {
			t.Errorf("the recipe has no %q", c.old)
		}
		_, err := cookie.Kind.Open(connect.Settings{Values: settings("http://127.0.0.1:1", changed)})
		var e *styk.Error
		if !errors.As(err, &e) || len(e.Faults) != 1 || !strings.HasPrefix(e.Faults[0].Field, c.want) {
			t.Errorf("%q: got %v, want a fault at %s", c.new, err, c.want)
		}
	}
	noFind := strings.Replace(recipe, "    find:\n      path: /api/companies\n      query: {inn: \"{{.contact.inn}}\", title: \"{{.contact.company}}\"}\n      take: {id: items.0.id}\n", "", 1)
	if _, err := cookie.Kind.Open(connect.Settings{Values: settings("http://x", noFind)}); err == nil || !strings.Contains(err.Error(), "задвоится") {
		t.Errorf("a create without find: got %v", err)
	}
}

// The README shows the recipe that the tests run.
func TestReadmeShowsTheRecipe(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	indented := "        " + strings.ReplaceAll(strings.TrimSpace(recipe), "\n", "\n        ")
	indented = strings.ReplaceAll(indented, "\n        \n", "\n\n")
	if !strings.Contains(string(readme), indented) {
		t.Errorf("README.md differs from testdata/recipe.yaml; want\n%s", indented)
	}
}
