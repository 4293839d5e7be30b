package cookie_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"styk/connect"
	"styk/connect/connecttest"
	"styk/cookie"
)

// paper is a CRM that answers all with one thing and keeps what came last.
type paper struct {
	status int
	header http.Header
	body   []byte

	path, query string
	kind        string
	seen        []byte
}

func (p *paper) RoundTrip(r *http.Request) (*http.Response, error) {
	p.path, p.query, p.kind, p.seen = r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Content-Type"), nil
	if r.Body != nil {
		p.seen, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	h := p.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Add("Set-Cookie", "SID=1")
	return &http.Response{StatusCode: p.status, Header: h, Request: r, Body: io.NopCloser(bytes.NewReader(p.body))}, nil
}

func (p *paper) deliver(t interface{ Fatal(...any) }, recipe string, parcel *connect.Parcel) error {
	client := &http.Client{Transport: p, CheckRedirect: connect.NoRedirect}
	c, err := cookie.Kind.Open(connect.Settings{Values: settings("http://crm/base", recipe), Client: client})
	if err != nil {
		t.Fatal(err)
	}
	m := &connect.Memory{}
	parcel.Ticket.Mapping = cookie.Kind.Mapping
	return c.Deliver(connect.Harmless(context.Background()), parcel.Bind(m.Effects(client)))
}

// Whatever was typed arrives as it was typed, in every place of a request.
func TestEveryTextArrives(t *testing.T) {
	t.Parallel()
	recipe := func(body string) string {
		return "login: [{path: /l}]\nsteps:\n  - name: s\n    repeatable: true\n    create:\n      path: /a/{{.message}}/z\n" +
			"      query: {q: '{{.message}}'}\n      " + body + "\n"
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(rapid.StringMatching(`[{}<>"'&=+%/\\?#\r\n\t .а-яё🦊-]{1,20}`), rapid.StringN(1, 20, -1)).
			Filter(utf8.ValidString).Draw(t, "typed")
		p := &paper{status: 200, body: []byte(`{"id":1}`)}
		parcel := connecttest.Parcel(1)
		parcel.Ticket.Message = word
		send := func(body string) {
			if err := p.deliver(t, recipe(body), parcel); err != nil {
				t.Fatal(err)
			}
			q, err := url.ParseQuery(p.query)
			if err != nil || q.Get("q") != word {
				t.Fatalf("query: got %q (%v)", p.query, err)
			}
			if middle, ok := strings.CutPrefix(p.path, "/base/a/"); !ok || strings.Count(middle, "/") != 1 {
				t.Fatalf("the path was left: %s", p.path)
			}
		}
		send(`json: {deep: [{x: "{{.message}}"}]}`)
		var tree struct{ Deep []struct{ X string } }
		if err := json.Unmarshal(p.seen, &tree); err != nil || tree.Deep[0].X != word {
			t.Fatalf("json: got %s (%v)", p.seen, err)
		}
		send(`form: {f: "{{.message}}"}`)
		if form, err := url.ParseQuery(string(p.seen)); err != nil || form.Get("f") != word || len(form) != 1 {
			t.Fatalf("form: got %s (%v)", p.seen, err)
		}
		send(`multipart: [{name: f, value: "{{.message}}"}, {name: g, value: "1"}]`)
		_, params, _ := mime.ParseMediaType(p.kind)
		form, err := multipart.NewReader(bytes.NewReader(p.seen), params["boundary"]).ReadForm(1 << 20)
		if err != nil || form.Value["f"][0] != word || len(form.Value) != 2 {
			t.Fatalf("multipart: got %s (%v)", p.seen, err)
		}
	})
}

// A foreign system may answer anything.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "", []byte(`{"items":[{"id":1,"company":"2","no":"C-1"}],"id":3,"case":{"id":4,"no":"C-4"},"success":true,"file":1,"in":true}`))
	f.Add(200, "/api/cases/7", []byte(`{"success":false,"message":"нет"}`))
	f.Add(302, "/enter?back=/", []byte("<html>"))
	f.Add(200, "", []byte(`<input name="knock" value="x"><form id="enter">`))
	f.Add(401, "", []byte(``))
	f.Add(200, "", []byte(strings.Repeat(`{"items":[`, 5000)))
	f.Fuzz(func(t *testing.T, status int, location string, body []byte) {
		p := &paper{status: 200 + (status&0x3ff)%400, header: http.Header{"Location": {location}}, body: body}
		err := p.deliver(t, strings.Replace(recipe, "need: [knock]", "", 1), connecttest.Parcel(1))
		if err == nil && p.status >= 300 {
			t.Errorf("HTTP %d was taken for success", p.status)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Error("the password stands in the error")
		}
	})
}

// A recipe is typed by people.
func FuzzRecipe(f *testing.F) {
	f.Add(recipe)
	f.Add(creatioRecipe)
	f.Add("login: [{path: /x}]\nsteps: [{name: a, look: {path: '/{{range .steps}}{{end}}'}}]")
	f.Add("login: [{path: /x, json: {$some: {}}}]")
	f.Add("login: [null]\nsteps: [null]\ncheck: null")
	f.Add("login: [{path: /x, json: &a {b: *a}}]\nsteps: [{name: a}]")
	f.Fuzz(func(t *testing.T, recipe string) {
		_, _ = cookie.Kind.Open(connect.Settings{Values: settings("http://crm", recipe)})
	})
}
