package creatio

import (
	"errors"
	"html"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"styk/connect"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	page := "text/html; charset=utf-8"
	for name, c := range map[string]struct {
		a    answer
		want verdict
	}{
		"401":                    {answer{status: 401}, expired},
		"302 to the login":       {answer{status: 302, header: http.Header{"Location": {"/Login/NuiLogin.aspx?ReturnUrl=%2f0"}}}, expired},
		"307 of .NET":            {answer{status: 307, header: http.Header{"Location": {"https://crm/bpm/Login/Login.html?ReturnUrl=x"}}}, expired},
		"302 elsewhere":          {answer{status: 302, header: http.Header{"Location": {"https://other/sso?next=/Login/"}}}, strayed},
		"200 login page":         {answer{status: 200, header: http.Header{"Content-Type": {page}}, body: []byte("<script>bootstrap.login()</script>")}, expired},
		"200 login link":         {answer{status: 200, header: http.Header{}, body: []byte("<!DOCTYPE html><a href='/Login/x'>")}, expired},
		"200 other page":         {answer{status: 200, header: http.Header{"Content-Type": {page}}, body: []byte("<h1>nginx</h1>")}, strayed},
		"marker too far":         {answer{status: 200, header: http.Header{"Content-Type": {page}}, body: []byte(strings.Repeat(" ", 5000) + "/Login/")}, strayed},
		"403":                    {answer{status: 403}, forbidden},
		"500 page":               {answer{status: 500, header: http.Header{"Content-Type": {page}}, body: []byte("/Login/")}, judged},
		"200 JSON about a login": {answer{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(`{"a":"/Login/"}`)}, judged},
		"204":                    {answer{status: 204, header: http.Header{}}, judged},
	} {
		if got := c.a.classify(); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"code":"","message":"An error","innererror":{"message":"outer","stacktrace":"at X","internalexception":{"message":"deep","internalexception":{"message":"deepest"}}}}}`: "deepest",
		`{"error":{"message":{"lang":"ru","value":"третья версия"}}}`:                                                                                                                      "третья версия",
		`{"Message":"An error has occurred.","ExceptionMessage":"why","StackTrace":"at X"}`:                                                                                                "why",
		`{"Message":"No HTTP resource","MessageDetail":"No type was found"}`:                                                                                                               "No type was found",
		`{"Message":"The request is invalid.","ModelState":{"b":["two"],"a":["one","more"]}}`:                                                                                              "The request is invalid. a: one, more b: two",
		`{"success":false,"errorInfo":{"errorCode":"E","message":"too big"}}`:                                                                                                              "too big",
		`{"responseStatus":{"ErrorCode":"E","Message":"said"}}`:                                                                                                                            "said",
		`{"Message":"Authorization has been denied for this request."}`:                                                                                                                    "Authorization has been denied for this request.",
		`<html>`: "", ``: "", `[]`: "", `null`: "",
	} {
		if got := reason([]byte(body)); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestLoginAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"Code":0,"Message":"","Exception":null,"PasswordChangeUrl":null,"RedirectUrl":null}`: "ok",
		"\xef\xbb\xbf" + `{"Code":0}`:                    "ok",
		`{"Code":1,"Message":"no"}`:                      "rejected",
		`{"Code":0,"PasswordChangeUrl":"/Login/Change"}`: "rejected",
		`{"Message":"no code"}`:                          "not an answer",
		`{"Code":null}`:                                  "not an answer",
		`{"Code":"x"}`:                                   "not an answer",
		`{"Code":0.5}`:                                   "not an answer",
		`true`:                                           "not an answer", `<html>`: "not an answer", ``: "not an answer",
	} {
		got := "rejected"
		l, err := parseLogin([]byte(body))
		if err != nil {
			got = "not an answer"
		} else if l.ok() {
			got = "ok"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	set := func(lines ...string) http.Header { return http.Header{"Set-Cookie": lines} }
	s := (&session{generation: 3}).with(set(".ASPXAUTH=a=b+/=; path=/; HttpOnly", "BPMCSRF=x/+==; path=/bpm/", "UserName=1; expires=Sat, 21 Nov 2026 10:00:00 GMT"), now)
	h := http.Header{}
	s.sign(h)
	if got, want := h.Get("Cookie"), ".ASPXAUTH=a=b+/=; BPMCSRF=x/+==; UserName=1"; got != want {
		t.Errorf("cookies %q, want %q", got, want)
	}
	if h.Get("BPMCSRF") != "x/+==" || h.Get(forceSession) != "true" {
		t.Errorf("headers %v", h)
	}
	newer := s.with(set("CRT_CSRF=n", "UserName=; Max-Age=0", "BPMSESSIONID=one", "BPMSESSIONID=two"), now)
	if name, value := newer.csrf(); name != "CRT_CSRF" || value != "n" {
		t.Errorf("csrf %s %s", name, value)
	}
	if _, still := newer.cookies["UserName"]; still || newer.cookies["BPMSESSIONID"] != "two" || newer.generation != 3 {
		t.Errorf("session %+v", newer)
	}
	if s.cookies["CRT_CSRF"] != "" {
		t.Error("an older snapshot has changed")
	}
	gone := s.with(set("UserName=1; expires=Thu, 01 Jan 1970 00:00:00 GMT"), now)
	if _, still := gone.cookies["UserName"]; still {
		t.Error("an expired cookie stays")
	}
	bearer := http.Header{}
	(&session{bearer: "t"}).sign(bearer)
	if bearer.Get("Authorization") != "Bearer t" || bearer.Get(forceSession) != "" || bearer.Get("Cookie") != "" {
		t.Errorf("headers %v", bearer)
	}
}

// Cookies of an answer to an older session never mix with a newer one's.
func TestLateAnswerDoesNotSpoilTheSession(t *testing.T) {
	t.Parallel()
	c, err := NewClient(Config{URL: "http://crm.firm.ru", User: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	older := &session{generation: 1}
	c.session = &session{generation: 2, cookies: map[string]string{"BPMCSRF": "new"}}
	c.keep(older, answer{header: http.Header{"Set-Cookie": {"BPMCSRF=old"}}})
	if c.session.cookies["BPMCSRF"] != "new" {
		t.Errorf("session %+v", c.session)
	}
}

func TestSiteURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://crm.firm.ru":         "https://crm.firm.ru",
		"https://crm.firm.ru/":        "https://crm.firm.ru",
		"https://crm.firm.ru/0/ \t":   "https://crm.firm.ru",
		"https://crm.firm.ru/bpm/0":   "https://crm.firm.ru/bpm",
		"http://10.0.0.1:8080/bpm/":   "http://10.0.0.1:8080/bpm",
		"crm.firm.ru":                 "",
		"ftp://crm.firm.ru":           "",
		"https://user:pass@crm":       "",
		"https://":                    "",
		"https://crm.firm.ru:port/%z": "",
	} {
		got, err := siteURL(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestLiterals(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("AE5F2F10-f46b-1410-fd9a-0050ba5d6c38")
	moscow := time.FixedZone("", 3*3600)
	for got, want := range map[Filter]string{
		Eq("Name", "O'Reilly"): "Name eq 'O''Reilly'",
		Eq("Case/Id", id):      "Case/Id eq ae5f2f10-f46b-1410-fd9a-0050ba5d6c38",
		Ge("CreatedOn", time.Date(2026, 11, 21, 12, 0, 0, 5e6, moscow)): "CreatedOn ge 2026-11-21T09:00:00.005Z",
		And(Eq("A", true), Or(Eq("B", 1), Eq("C", int64(2))), "", Or()): "(A eq true and (B eq 1 or C eq 2))",
		Or(And(Eq("A", "x")), ""):    "A eq 'x'",
		Prefix("SearchNumber", "0'"): "startswith(SearchNumber,'0''')",
	} {
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	q := Query{Select: []string{"Id", "Name"}, Filter: Eq("Phone", "+7 900"), OrderBy: "A desc", Top: 2, Skip: 4}
	if got, want := q.encode(), "$select=Id%2CName&$filter=Phone%20eq%20%27%2B7%20900%27&$orderby=A%20desc&$top=2&$skip=4"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRow(t *testing.T) {
	t.Parallel()
	var r Row
	body := `{"Id":"AE5F2F10-f46b-1410-fd9a-0050ba5d6c38","Empty":"` + zeroGUID + `","Never":"0001-01-01T00:00:00Z","At":"2026-11-21T09:00:00.1234567Z","Size":9007199254740993,"Long":"12","Null":null}`
	if err := (answer{body: []byte(body)}).jsonBody(&r); err != nil {
		t.Fatal(err)
	}
	if r.GUID("Id") == uuid.Nil || r.GUID("Empty") != uuid.Nil || r.GUID("None") != uuid.Nil || r.Text("Null") != "" {
		t.Errorf("row %v", r)
	}
	if !r.Time("Never").IsZero() || r.Time("At").Nanosecond() != 123456700 {
		t.Errorf("times %v %v", r.Time("Never"), r.Time("At"))
	}
	if r.Int("Size") != 9007199254740993 || r.Int("Long") != 12 || r.Int("Null") != -1 || r.Int("At") != -1 {
		t.Errorf("numbers %d %d", r.Int("Size"), r.Int("Long"))
	}
}

// Whatever a visitor types stays one literal: the server's parser, which shares
// no code with the writer, reads back the same text.
func TestFilterRoundTrip(t *testing.T) {
	t.Parallel()
	table := simTables()["Contact"]
	rapid.Check(t, func(t *rapid.T) {
		name, email := rapid.String().Draw(t, "name"), rapid.StringMatching(`[' +()eqor%&#=,/\\]*`).Draw(t, "email")
		q := Query{Select: []string{"Id"}, Filter: And(Eq("Name", name), Or(Eq("Email", email), Prefix("Phone", name)))}
		values, err := url.ParseQuery(q.encode())
		if err != nil || len(values) != 2 {
			t.Fatalf("query %q: %v", q.encode(), err)
		}
		cond, err := parseSimFilter(table, values.Get("$filter"))
		if err != nil {
			t.Fatalf("filter %q: %v", values.Get("$filter"), err)
		}
		if cond.op != "and" || cond.left.value != name || cond.right.left.value != email || cond.right.right.value != name {
			t.Fatalf("read back %v", cond)
		}
	})
}

// A message shows the visitor's words and nothing else.
func TestMessageHTML(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("<>&\"'\n\r;#")))).Draw(t, "text")
		got := messageHTML(text)
		inner := strings.TrimSuffix(strings.TrimPrefix(got, "<p>"), "</p>")
		bare := strings.ReplaceAll(inner, "<br>", "\n")
		if strings.ContainsAny(bare, "<>\"") {
			t.Fatalf("markup passed: %q", got)
		}
		want := strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
		if back := html.UnescapeString(bare); back != want {
			t.Fatalf("got %q, want %q", back, want)
		}
	})
}

func TestTidyName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"договор.pdf":                     "договор.pdf",
		"и\u0306.pdf":                     "й.pdf",
		"../../etc/passwd":                "passwd",
		`C:\Users\x\Отчёт.docx`:           "Отчёт.docx",
		".htaccess":                       "htaccess",
		"a\r\nX: y.pdf":                   "aX: y.pdf",
		"":                                "file",
		"..":                              "file",
		"/":                               "file",
		"\u202efdp.exe":                   "fdp.exe",
		strings.Repeat("я", 300) + ".pdf": strings.Repeat("я", 246) + ".pdf",
	} {
		if got := tidyName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		got := tidyName(rapid.String().Draw(t, "name"))
		if got == "" || utf8.RuneCountInString(got) > 250 || strings.ContainsAny(got, "/\\") || strings.HasPrefix(got, ".") ||
			strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("got %q", got)
		}
		header := "attachment; filename*=UTF-8''" + escape(got)
		if _, params, err := mime.ParseMediaType(header); err != nil || params["filename"] != got {
			t.Fatalf("header %q reads as %q, %v", header, params["filename"], err)
		}
	})
}

func TestPhoneVariants(t *testing.T) {
	t.Parallel()
	for _, v := range phoneVariants("+79491234511") {
		if lastTen(v) != "9491234511" {
			t.Errorf("%q compares as %q", v, lastTen(v))
		}
	}
	if got := phoneVariants("+375291234567"); len(got) != 2 || lastTen(got[0]) != lastTen(got[1]) {
		t.Errorf("got %q", got)
	}
	if phoneVariants("") != nil || lastTen("12345") != "" || lastTen("") != "" {
		t.Error("a short number has variants")
	}
	// Web servers cut query strings at 2 KB (spec/creatio.md 2.10 names 4,000).
	var all []Filter
	for _, v := range phoneVariants("+79491234511") {
		all = append(all, Eq("MobilePhone", v), Eq("Phone", v))
	}
	all = append(all, Eq("Email", strings.Repeat("a", 60)+"@firm.ru"))
	q := Query{Select: contactColumns, Filter: Or(all...), OrderBy: "ModifiedOn desc,Id", Top: 100}
	if n := len(q.encode()); n > 2048 {
		t.Errorf("the search takes %d bytes", n)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, n := rapid.String().Draw(t, "text"), rapid.IntRange(1, 40).Draw(t, "n")
		got := cut(text, n)
		if utf8.RuneCountInString(got) > n || !utf8.ValidString(got) || utf8.RuneCountInString(text) <= n && got != text {
			t.Fatalf("cut(%q, %d) = %q", text, n, got)
		}
	})
}

func TestParseForeign(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]foreign{
		"Subject":           {source: "Subject", entity: "Case", column: "Subject"},
		"ServiceItem.Name":  {source: "ServiceItem.Name", entity: "Case", column: "ServiceItemId", lookup: "ServiceItem", by: "Name"},
		"Origin.Name":       {source: "Origin.Name", entity: "Case", column: "OriginId", lookup: "CaseOrigin", by: "Name"},
		"Contact.JobTitle":  {source: "Contact.JobTitle", entity: "Contact", column: "JobTitle"},
		"Account.UsrRegion": {source: "Account.UsrRegion", entity: "Account", column: "UsrRegion"},
	} {
		if got := parseForeign(text); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

// Rows are read page by page, none twice and none passed over.
func TestPaging(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	for range 25 {
		s.sim.Put("Contact", map[string]any{"Name": "x"})
	}
	n, seen := s.to.client.Via(s.http), map[string]bool{}
	for row, err := range n.Each(t.Context(), "Contact", Query{Select: []string{"Id"}, Top: 10}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[row.Text("Id")] = true
	}
	if len(seen) != 25 {
		t.Errorf("%d rows", len(seen))
	}
	for range n.Each(t.Context(), "Contact", Query{Select: []string{"Id"}, Top: 10}) {
		break // the caller may stop
	}
	for _, err := range n.Each(t.Context(), "Contact", Query{Select: []string{"NoSuch"}}) {
		if !connect.IsPermanent(err) {
			t.Errorf("got %v", err)
		}
	}
}

func TestClientAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t, Framework, nil)
	n := s.to.client.Via(s.http)
	if _, err := n.Get(t.Context(), "Contact", uuid.New(), "Id"); !errors.Is(err, connect.NotFound) {
		t.Errorf("absent row: %v", err)
	}
	if _, err := n.Get(t.Context(), "NoSuchEntity", uuid.New(), "Id"); err == nil || errors.Is(err, connect.NotFound) || connect.IsPermanent(err) {
		t.Errorf("unknown entity may be a model being rebuilt: %v", err)
	}
	id := uuid.New()
	row, made, err := n.Create(t.Context(), "Contact", map[string]any{"Id": id, "Name": "Ю"}, "Id", "Name")
	if err != nil || !made || row.GUID("Id") != id {
		t.Errorf("create: %v %v %v", row, made, err)
	}
	row, made, err = n.Create(t.Context(), "Contact", map[string]any{"Id": id, "Name": "другой"}, "Id", "Name")
	if err != nil || made || row.Text("Name") != "Ю" {
		t.Errorf("create again: %v %v %v", row, made, err)
	}
	if _, _, err = n.Create(t.Context(), "Contact", map[string]any{"Id": uuid.New(), "Naem": "x"}); !connect.IsPermanent(err) {
		t.Errorf("unknown column: %v", err)
	}
}

func TestIDOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://crm/0/odata/Contact(ae5f2f10-f46b-1410-fd9a-0050ba5d6c38)": "ae5f2f10-f46b-1410-fd9a-0050ba5d6c38",
		"Contact(x)": zeroGUID, "": zeroGUID,
	} {
		if got := idOf(text).String(); got != want {
			t.Errorf("%q: got %s", text, got)
		}
	}
}

// Dead connections, a wrong port and a cancelled context are no refusals.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	c, err := NewClient(Config{URL: "http://127.0.0.1:1", User: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Via(http.DefaultClient).List(t.Context(), "Case", Query{Select: []string{"Id"}})
	if err == nil || connect.IsPermanent(err) || !strings.Contains(connect.Explain(err), "не принимает соединения") {
		t.Errorf("got %v: %s", err, connect.Explain(err))
	}
}
