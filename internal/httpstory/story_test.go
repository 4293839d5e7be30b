package httpstory

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// desk is the toy server that testdata/counter.http tells of.
type desk struct {
	mu     sync.Mutex
	parcel []byte
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch r.Method + " " + r.URL.Path {
	case "GET /word":
		fmt.Fprintf(w, `{"token":"0123abcd","now":17,"more":true,"target":%q}`, r.RequestURI)
	case "POST /login":
		d.login(w, r)
	case "POST /parcels":
		d.take(w, r)
	case "GET /parcels/1":
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(d.parcel)
	case "PUT /parcels/1":
		if r.Header.Get("Authorization") == "Bearer 77" && len(r.Header.Get("X-Sum")) == 64 {
			d.parcel, _ = io.ReadAll(r.Body)
			w.WriteHeader(http.StatusNoContent)
		}
	}
}

func (d *desk) login(w http.ResponseWriter, r *http.Request) {
	key := fmt.Sprintf("%x", md5.Sum([]byte("0123abcds3cret")))
	if r.FormValue("key") != key {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"Неверный ключ"}`)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "session", Value: "77"})
	fmt.Fprintf(w, `{"clerk":%q,"roles":["clerk","porter"],"key":%q}`, r.FormValue("clerk"), key)
}

func (d *desk) take(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie("session"); err != nil || c.Value != "77" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	parts, err := r.MultipartReader()
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	fields, files := map[string]any{}, []any{}
	for {
		p, err := parts.NextPart()
		if err != nil {
			break
		}
		data, _ := io.ReadAll(p)
		if p.FileName() == "" {
			fields[p.FormName()] = string(data)
			continue
		}
		d.parcel = data
		files = append(files, map[string]any{
			"part": p.FormName(), "name": p.FileName(), "type": p.Header.Get("Content-Type"),
			"size": len(data), "sha256": fmt.Sprintf("%x", sha256.Sum256(data)),
		})
	}
	w.Header().Set("Location", "/parcels/1")
	w.WriteHeader(http.StatusCreated)
	text, _ := encodeJSON(map[string]any{"fields": fields, "files": files}, "")
	fmt.Fprint(w, text)
}

func TestStory(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"unused": "x"}
	Serve(t, "testdata", new(desk), vars)
	if len(vars) != 1 {
		t.Errorf("the caller's values changed: %v", vars)
	}
}

// TestReports plays steps that must fail and reads what the developer would.
func TestReports(t *testing.T) {
	t.Parallel()
	answer := `{"success":true,"result":{"status":" failed","files":[{"title":"договор"}],"id":"12x5"}}`
	for _, c := range []struct {
		name, want string // what the story asks
		report     []string
	}{
		{"status", "HTTP 204", []string{"status: got 200, want 204"}},
		{"value", `{"success": true, "result": {"status": "failed", ...}}`, []string{`result.status: got " failed", want "failed"`}},
		{"more", `{"success": true}`, []string{"result: got {", "want no such field (or add ...)"}},
		{"less", `{"error": any, ...}`, []string{"error: missing, want a value of kind any"}},
		{"items", `{"result": {"files": [...], "status": any, "id": "12x5", "x": absent}, "success": bool, "y": number}`, []string{"y: missing"}},
		{"list", `{"result": {"files": [], ...}, ...}`, []string{"result.files: got 1 items, want 0"}},
		{"deep", `{"result": {"files": [{"title": /^акт/}], ...}, ...}`, []string{`result.files[0].title: got "договор", want a match of /^акт/`}},
		{"kind", `{"result": {"files": {}, ...}, ...}`, []string{`result.files: got [{"title":"договор"}], want an object`}},
		{"text", `= {"success":false}`, []string{`body differs from byte 11 on`}},
		{"regex", `matches /failure/`, []string{"want a match of /failure/"}},
		{"lacks", `lacks failed`, []string{`body lacks "failed": it is not so`}},
		{"no", `no result.files[0].title`, []string{"result.files[0].title: got договор, want no such field"}},
		{"empty", `empty`, []string{"want none"}},
		{"header", "Content-Type: text/html", []string{`header Content-Type: got "application/json"`}},
		{"absent header", "!Content-Type", []string{"want none"}},
		{"capture", `> x = result.files[1].title`, []string{"the answer has no result.files[1]"}},
		{"unknown", `{"result": {"id": "{nobody}", ...}, ...}`, []string{"nothing is known as {nobody}"}},
		{"pattern", `{"result": oops}`, []string{`before "oops}"`, "want a JSON value"}},
		{"open", `{..., "result": any}`, []string{"... stands last"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := "### a step\nPOST /x\n\nhello\n\n"
			if !strings.HasPrefix(c.want, "HTTP") {
				text += "HTTP 200\n"
			}
			st, err := parse(text + c.want)
			if err != nil {
				t.Fatal(err)
			}
			report := playOne(t, &st.steps[0], answer)
			for _, want := range append(c.report, "POST /x", "hello") {
				if !strings.Contains(report, want) {
					t.Errorf("the report lacks %q:\n%s", want, report)
				}
			}
			if !strings.HasPrefix(report, "6: ") && !strings.HasPrefix(report, "7: ") {
				t.Errorf("the report does not begin with the line:\n%s", report)
			}
		})
	}
}

func playOne(t *testing.T, s *step, answer string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	defer srv.Close()
	return newPlayer("testdata", srv.URL, nil).step(t.Context(), s)
}

func TestSlips(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "1: no step",
		"hello":                            "1: a step begins with ###",
		"###\nGET /":                       "1: a step needs a title",
		"### t\n":                          `1: "t" has no request`,
		"### t\nget /":                     "2: want a request",
		"### t\nGET /":                     "2: \"t\" has no expected answer",
		"### t\nGET /\nAccept json\n":      "3: want a header",
		"### t\nGET /\n\nmultipart:\n x\n": `2: "t" has no expected answer`,
		"### t\nGET /\n\nmultipart:\n x\nHTTP 200": "5: want name: value",
		"### t\nGET /\nHTTP 200\n\nhello":          "5: neither a check nor JSON",
	} {
		_, err := parse(text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("### t\nGET /\n\nmultipart:\n a: @x text/plain = y\n\nHTTP 200\n{\"a\": [/x/, ...]}\n> b = a[0]")
	f.Fuzz(func(t *testing.T, text string) {
		st, err := parse(text)
		if err != nil || strings.Contains(text, "@/") || strings.Contains(text, `@"/`) {
			return // nor read the devices of the machine
		}
		vars := scope{dir: t.TempDir(), values: map[string]string{}}
		for i := range st.steps {
			_, _, _ = st.steps[i].body.encode(&vars)
			_, _ = parsePattern(st.steps[i].want.json.text, &vars)
		}
	})
}
