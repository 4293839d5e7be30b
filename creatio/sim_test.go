package creatio

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// caller speaks to the simulator by hand, with no code of the client.
type caller struct {
	t       *testing.T
	sim     *Sim
	cookies string
	csrf    string
}

func signedIn(t *testing.T, s *Sim) *caller {
	t.Helper()
	c := &caller{t: t, sim: s}
	w := c.do("POST", loginPath, `{"UserName":"api","UserPassword":"secret","TimeZoneOffset":0}`, nil)
	for _, line := range w.Header().Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		c.cookies += pair + "; "
		if value, found := strings.CutPrefix(pair, "BPMCSRF="); found {
			c.csrf = value
		}
	}
	return c
}

func (c *caller) do(method, path, body string, more map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Accept", "application/json")
	r.Header.Set("ForceUseSession", "true")
	if body != "" {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if c.cookies != "" {
		r.Header.Set("Cookie", c.cookies)
		r.Header.Set("BPMCSRF", c.csrf)
	}
	for name, value := range more {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	return w
}

// What the statements do not list is an error, never a 200.
func TestSimIsStrict(t *testing.T) {
	t.Parallel()
	contact := "11111111-1111-4111-8111-111111111111"
	q := func(filter string) string { return "/odata/Case?$select=Id&$filter=" + url.QueryEscape(filter) }
	for name, c := range map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
		says               string
	}{
		"fine":                        {"GET", q("Contact/Id eq " + contact), "", nil, 200, ""},
		"flat lookup in a filter":     {"GET", q("ContactId eq " + contact), "", nil, 400, "not found in schema"},
		"unknown column in a filter":  {"GET", q("Title eq 'x'"), "", nil, 400, "not found in schema"},
		"in":                          {"GET", q("Subject in ('x')"), "", nil, 400, "not supported"},
		"zone-less date":              {"GET", q("CreatedOn ge 2026-11-21T09:00:00"), "", nil, 400, "does not fit"},
		"quoted GUID":                 {"GET", q("Contact/Id eq '" + contact + "'"), "", nil, 400, "does not fit"},
		"stray quote":                 {"GET", q("Subject eq 'O'Reilly'"), "", nil, 400, "literal"},
		"no $select":                  {"GET", "/odata/Case", "", nil, 400, "$select"},
		"unknown option":              {"GET", "/odata/Case?$select=Id&$apply=x", "", nil, 400, "$apply"},
		"unknown entity":              {"GET", "/odata/Cat?$select=Id", "", nil, 404, "controller named 'Cat'"},
		"unknown path":                {"GET", "/rest/Anything/Else", "", nil, 404, "not in the spec"},
		"unknown header":              {"GET", q("Subject eq 'x'"), "", map[string]string{"X-Any": "1"}, 400, "header X-Any"},
		"Prefer":                      {"GET", q("Subject eq 'x'"), "", map[string]string{"Prefer": "return=minimal"}, 400, "header Prefer"},
		"no ForceUseSession":          {"GET", q("Subject eq 'x'"), "", map[string]string{"ForceUseSession": ""}, 401, ""},
		"no CSRF header":              {"GET", q("Subject eq 'x'"), "", map[string]string{"BPMCSRF": ""}, 403, ""},
		"wrong CSRF header":           {"GET", q("Subject eq 'x'"), "", map[string]string{"BPMCSRF": "x"}, 403, ""},
		"no cookies":                  {"GET", q("Subject eq 'x'"), "", map[string]string{"Cookie": ""}, 401, ""},
		"unknown column in a body":    {"POST", "/odata/Contact", `{"Name":"x","Fax":"1"}`, nil, 400, "column Fax"},
		"no required column":          {"POST", "/odata/Contact", `{"Email":"x"}`, nil, 400, "required column Name"},
		"foreign key":                 {"POST", "/odata/Contact", `{"Name":"x","AccountId":"` + contact + `"}`, nil, 400, "FOREIGN KEY"},
		"navigation name is ignored":  {"POST", "/odata/Contact", `{"Name":"x","Account":"` + contact + `"}`, nil, 201, zeroGUID},
		"too long":                    {"POST", "/odata/Contact", `{"Name":"` + strings.Repeat("я", 251) + `"}`, nil, 400, "longer than 250"},
		"body of another type":        {"POST", "/odata/Contact", `{"Name":"x"}`, map[string]string{"Content-Type": "text/plain"}, 400, "JSON"},
		"case of nobody":              {"POST", "/odata/Case", `{"Subject":"x"}`, nil, 400, "contact or an account"},
		"Number as given":             {"POST", "/odata/Case", `{"ContactId":"` + contact + `","Number":"X-1"}`, nil, 201, "X-1"},
		"Number by the server":        {"POST", "/odata/Case", `{"ContactId":"` + contact + `"}`, nil, 201, "SR00000001"},
		"date without zone":           {"POST", "/odata/Case", `{"ContactId":"` + contact + `","RegisteredOn":"2026-11-21T09:00:00"}`, nil, 400, "zone"},
		"history by hand":             {"POST", "/odata/CaseMessageHistory", `{"Message":"x"}`, nil, 403, "never"},
		"message before the case":     {"POST", "/odata/SocialMessage", `{"EntitySchemaUId":"117d32f9-8275-4534-8411-1c66115ce9cd","EntityId":"` + contact + `","Message":"x"}`, nil, 400, "before case"},
		"schema by name":              {"POST", "/odata/SocialMessage", `{"EntitySchemaName":"Case","EntityId":"` + contact + `","Message":"x"}`, nil, 400, "EntitySchemaName"},
		"delete":                      {"DELETE", "/odata/Contact(" + contact + ")", "", nil, 405, "not in the spec"},
		"upload without a parameter":  {"POST", uploadPath + "?fileId=" + contact, "x", nil, 400, "totalFileLength"},
		"the login is no page":        {"GET", loginPath, "", nil, 405, "not in the spec"},
		"login with an unknown field": {"POST", loginPath, `{"UserName":"api","UserPassword":"secret","Remember":1}`, nil, 400, "Remember"},
		"login without a kind":        {"POST", loginPath, `{"UserName":"api","UserPassword":"secret"}`, map[string]string{"Content-Type": "text/plain"}, 400, "Content-Type"},
		"rejected login is a 200":     {"POST", loginPath, `{"UserName":"api","UserPassword":"no"}`, nil, 200, `"Code":1`},
		"login below /0":              {"POST", "/0" + loginPath, `{}`, nil, 401, ""},
		"ping":                        {"GET", "/api/HealthCheck/Ping", "", nil, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewSim(Net)
			s.Put("Contact", map[string]any{"Id": contact, "Name": "Анна"})
			w := signedIn(t, s).do(c.method, c.path, c.body, c.header)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("got %d %s, want %d with %q", w.Code, w.Body, c.status, c.says)
			}
		})
	}
}

// A bare plus is a space (spec/creatio.md 2.1): phones must be encoded.
func TestSimReadsPlusAsSpace(t *testing.T) {
	t.Parallel()
	s := NewSim(Net)
	s.Put("Contact", map[string]any{"Name": "x", "Phone": "+7 900"})
	c := signedIn(t, s)
	for query, want := range map[string]bool{"Phone+eq+'%2B7+900'": true, "Phone%20eq%20'+7%20900'": false} {
		w := c.do("GET", "/odata/Contact?$select=Id,Name&$filter="+query, "", nil)
		if found := strings.Contains(w.Body.String(), `"Name":"x"`); found != want {
			t.Errorf("%s: found %v: %s", query, found, w.Body)
		}
	}
}

// Where the API lives on each flavour (spec/creatio.md 1.7).
func TestSimPrefixes(t *testing.T) {
	t.Parallel()
	for platform, want := range map[Platform][2]int{Framework: {404, 200}, Net: {200, 200}, BPMSoft: {200, 404}} {
		c := signedIn(t, NewSim(platform))
		for i, prefix := range []string{"", "/0"} {
			if w := c.do("GET", prefix+"/odata/CaseStatus?$select=Id&$top=1", "", nil); w.Code != want[i] {
				t.Errorf("%s %q: got %d, want %d", platform, prefix, w.Code, want[i])
			}
		}
	}
}

func TestSimChunksInOrder(t *testing.T) {
	t.Parallel()
	s := NewSim(Net)
	contact := s.Put("Contact", map[string]any{"Name": "x"})
	id := s.Put("Case", map[string]any{"ContactId": contact})
	c := signedIn(t, s)
	send := func(span, body string) string {
		query := url.Values{
			"fileId": {"22222222-2222-4222-8222-222222222222"}, "totalFileLength": {"6"}, "mimeType": {"text/plain"}, "fileName": {"й.txt"},
			"columnName": {"Data"}, "entitySchemaName": {"CaseFile"}, "parentColumnName": {"Case"}, "parentColumnValue": {id},
		}
		w := c.do("POST", uploadPath+"?"+query.Encode(), body, map[string]string{
			"Content-Type": "text/plain", "Content-Range": span, "Content-Disposition": `attachment; filename="f.txt"`,
		})
		return w.Body.String()
	}
	for _, step := range []struct{ span, body, says string }{
		{"bytes 3-5/6", "def", "out of order"},
		{"bytes 0-2/6", "abc", `"success":true`},
		{"bytes 4-5/6", "ef", "out of order"},
		{"bytes 0-2/6", "xyz", `"success":true`}, // from 0: the same file anew
		{"bytes 3-5/6", "def", `"success":true`},
		{"bytes 3-5/6", "de", "body of 2 bytes"},
		{"bytes 3-5/7", "def", "does not fit"},
	} {
		if got := send(step.span, step.body); !strings.Contains(got, step.says) {
			t.Errorf("%s %s: got %s, want %s", step.span, step.body, got, step.says)
		}
	}
	want := sha256.Sum256([]byte("xyzdef"))
	for _, f := range s.State().Files {
		if !f.Complete || f.Size != 6 || f.Name != "й.txt" || f.SHA256 != hex.EncodeToString(want[:]) {
			t.Errorf("file %+v", f)
		}
	}
}

// The two addresses for people and scripts.
func TestSimControl(t *testing.T) {
	t.Parallel()
	s := NewSim(Framework)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	post := func(body string) (int, string) {
		resp, err := http.Post(server.URL+"/_sim/fault", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	for body, want := range map[string]int{
		`{"name":"rate","value":"429","times":2}`:                            200,
		`[{"name":"latency","value":"1ms","entity":"Case"},{"name":"calm"}]`: 200,
		`{"name":"nonsense"}`:         400,
		`{"name":"rate","value":"7"}`: 400,
		`nonsense`:                    400,
	} {
		if status, text := post(body); status != want {
			t.Errorf("%s: got %d %s", body, status, text)
		}
	}
	resp, err := http.Get(server.URL + "/_sim/state")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var st SimState
	if err := json.NewDecoder(resp.Body).Decode(&st); err != nil || st.Platform != Framework || len(st.Entities["CaseStatus"]) != 3 {
		t.Errorf("state %v %v", st, err)
	}
}
