package httpstory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A want is the expected answer.
type want struct {
	no      int
	status  int
	header  []field
	absent  []field
	json    line    // a pattern, or no text
	checks  []field // name is the word: = matches contains lacks no empty
	capture []line
}

// An answer is what came.
type answer struct {
	resp   *http.Response
	body   []byte
	parsed any
	err    error
	tried  bool
}

type fault struct {
	no   int
	text string
}

// check compares and, when all is well, remembers.
func (w *want) check(got *answer, vars *scope) []fault {
	var faults []fault
	add := func(no int, format string, args ...any) {
		faults = append(faults, fault{no, fmt.Sprintf(format, args...)})
	}
	if got.resp.StatusCode != w.status {
		add(w.no, "status: got %d, want %d", got.resp.StatusCode, w.status)
	}
	for _, f := range w.header {
		if err := f.inHeader(got.resp.Header, vars); err != nil {
			add(f.no, "header %s: %v", f.name, err)
		}
	}
	for _, f := range w.absent {
		if values := got.resp.Header.Values(f.name); len(values) > 0 {
			add(f.no, "header %s: got %q, want none", f.name, values)
		}
	}
	for _, f := range w.checks {
		if err := f.holds(got, vars); err != nil {
			add(f.no, "%v", err)
		}
	}
	if w.json.text != "" {
		for _, text := range matchJSON(w.json.text, got, vars) {
			add(w.json.no, "%s", text)
		}
	}
	if len(faults) > 0 {
		return faults
	}
	for _, l := range w.capture {
		if err := vars.assign(l, got); err != nil {
			add(l.no, "%v", err)
		}
	}
	return faults
}

func (f field) inHeader(h http.Header, vars *scope) error {
	got := strings.Join(h.Values(f.name), ", ")
	if regex, ok := strings.CutPrefix(f.value, "matches "); ok {
		re, err := vars.regex(regex)
		if err == nil && !re.MatchString(got) {
			err = fmt.Errorf("got %q, want a match of %s", got, regex)
		}
		return err
	}
	want, err := vars.expand(f.value)
	if err == nil && !strings.Contains(got, want) {
		err = fmt.Errorf("got %q, want %q in it", got, want)
	}
	return err
}

// holds checks the body by one of the words.
func (f field) holds(got *answer, vars *scope) error {
	switch f.name {
	case "empty":
		if len(got.body) > 0 {
			return fmt.Errorf("body: got %d bytes, want none", len(got.body))
		}
		return nil
	case "no":
		if _, err := got.json(); err != nil {
			return fmt.Errorf("the body is not JSON: %w", err)
		}
		if value, err := got.field(f.value); err == nil {
			return fmt.Errorf("%s: got %s, want no such field", f.value, asText(value))
		}
		return nil
	case "matches":
		re, err := vars.regex(f.value)
		if err == nil && !re.Match(got.body) {
			err = fmt.Errorf("body: want a match of %s", f.value)
		}
		return err
	case "=":
		return f.exact(got, vars)
	}
	text, err := vars.expand(f.value)
	if err != nil {
		return err
	}
	if has := bytes.Contains(got.body, []byte(text)); has != (f.name == "contains") {
		return fmt.Errorf("body %s %q: it is not so", f.name, text)
	}
	return nil
}

func (f field) exact(got *answer, vars *scope) error {
	var want []byte
	var err error
	if name, ok := strings.CutPrefix(f.value, "@"); ok {
		want, err = vars.file(name)
	} else {
		var text string
		text, err = vars.expand(f.value)
		want = []byte(text)
	}
	if err != nil || bytes.Equal(got.body, want) {
		return err
	}
	at := 0
	for at < len(want) && at < len(got.body) && want[at] == got.body[at] {
		at++
	}
	return fmt.Errorf("body differs from byte %d on: got %q, want %q", at, near(got.body, at), near(want, at))
}

func near(data []byte, at int) []byte { return data[max(0, at-20):min(len(data), at+60)] }

// regex reads /…/ with the remembered values in it taken literally.
func (v *scope) regex(text string) (*regexp.Regexp, error) {
	if len(text) < 2 || text[0] != '/' || text[len(text)-1] != '/' {
		return nil, fmt.Errorf("want /regex/, have %s", text)
	}
	expanded, err := v.expandBy(text[1:len(text)-1], regexp.QuoteMeta)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(expanded)
}

// json parses the body once; numbers keep their text.
func (a *answer) json() (any, error) {
	if !a.tried {
		a.tried = true
		d := json.NewDecoder(bytes.NewReader(a.body))
		d.UseNumber()
		a.err = d.Decode(&a.parsed)
		if _, err := d.Token(); a.err == nil && err != io.EOF {
			a.err = fmt.Errorf("something follows the JSON value")
		}
	}
	return a.parsed, a.err
}

func encodeJSON(value any, indent string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(value)
	return strings.TrimSuffix(b.String(), "\n"), err
}

const shownBytes = 4096 // of a body in a report

func showFaults(faults []fault) string {
	var b strings.Builder
	for i, f := range faults {
		if i > 0 {
			b.WriteString("    line ")
		}
		fmt.Fprintf(&b, "%d: %s\n", f.no, f.text)
	}
	return b.String()
}

func showRequest(req *http.Request, sent []byte) string {
	return fmt.Sprintf("  the request was\n%s", indent(req.Method+" "+req.URL.RequestURI()+"\n"+showHeader(req.Header)+"\n"+showBody(sent)))
}

func (a *answer) show() string {
	text := showBody(a.body)
	if value, err := a.json(); err == nil {
		if readable, err := encodeJSON(value, "  "); err == nil {
			text = readable // \u0438 and \/ are not for people
		}
	}
	return fmt.Sprintf("  the answer was\n%s", indent(a.resp.Status+"\n"+showHeader(a.resp.Header)+"\n"+text))
}

func showHeader(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b)
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

func showBody(body []byte) string {
	shown := body[:min(len(body), shownBytes)]
	text := string(shown)
	if !utf8.Valid(body) {
		text = fmt.Sprintf("%q", shown)
	}
	if len(shown) < len(body) {
		text += fmt.Sprintf("\n… %d bytes in all", len(body))
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}
