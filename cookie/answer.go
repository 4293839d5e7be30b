package cookie

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"styk/connect"
)

// place says where a value lies in an answer: a path in its JSON (value.0.Id),
// "header:Location REGEX", or "text:REGEX"; the first group counts.
type place struct {
	path   []string
	header string
	match  *regexp.Regexp
}

func parsePlace(spec string) (*place, error) {
	p := &place{}
	pattern := ""
	if rest, ok := strings.CutPrefix(spec, "header:"); ok {
		p.header, pattern, _ = strings.Cut(rest, " ")
	} else if rest, ok := strings.CutPrefix(spec, "text:"); ok {
		pattern = rest
	} else {
		if spec == "" {
			return nil, fmt.Errorf("пустой путь")
		}
		p.path = strings.Split(spec, ".")
		return p, nil
	}
	if pattern == "" {
		if p.header == "" {
			return nil, fmt.Errorf("нужно выражение или имя заголовка")
		}
		return p, nil
	}
	var err error
	if p.match, err = regexp.Compile(pattern); err != nil {
		return nil, err
	}
	if p.match.NumSubexp() < 1 {
		return nil, fmt.Errorf("в выражении нужны скобки вокруг значения")
	}
	return p, nil
}

// answer is a whole answer in memory.
type answer struct {
	resp  *http.Response
	body  []byte
	value any // its JSON; nil when it is none
}

func newAnswer(resp *http.Response, body []byte) *answer {
	a := &answer{resp: resp, body: body}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	if d.Decode(&a.value) != nil {
		a.value = nil
	}
	return a
}

// at gives the value at a path as text; "" when there is none.
func (a *answer) at(path []string) string {
	v := a.value
	for _, name := range path {
		switch w := v.(type) {
		case map[string]any:
			v = w[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(w) {
				return ""
			}
			v = w[i]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (a *answer) take(p *place, empty []string) string {
	var s string
	switch {
	case p.path != nil:
		s = a.at(p.path)
	case p.header != "":
		s = a.resp.Header.Get(p.header)
	default:
		s = string(a.body)
	}
	if p.match != nil {
		m := p.match.FindStringSubmatch(s)
		if m == nil {
			return ""
		}
		s = m[1]
	}
	if slices.Contains(empty, s) || len(s) > 4096 {
		return ""
	}
	return s
}

// takeAll gives what q takes from the answer.
func (a *answer) takeAll(q *request, empty []string) map[string]string {
	out := map[string]string{}
	for name, p := range q.take {
		out[name] = a.take(p, empty)
	}
	return out
}

func (a *answer) holds(c condition) bool {
	got := a.at(strings.Split(c.JSON, "."))
	if c.Equals != nil {
		return got == *c.Equals
	}
	if c.Not != nil {
		return got != *c.Not
	}
	return got != ""
}

// isExpired tells whether the answer shows a dead session.
func (a *answer) isExpired(e expired) bool {
	code := a.resp.StatusCode
	if slices.Contains(e.Status, code) {
		return true
	}
	if code >= 300 && code < 400 {
		return e.Location != "" && strings.Contains(a.resp.Header.Get("Location"), e.Location)
	}
	return e.Text != "" && code < 300 && a.value == nil &&
		bytes.Contains(a.body[:min(len(a.body), 4096)], []byte(e.Text))
}

// says gives what the answer says was wrong: the text at the path, or its
// first words.
func (a *answer) says(path string) string {
	if path != "" {
		if s := a.at(strings.Split(path, ".")); s != "" {
			return connect.FirstWords([]byte(s))
		}
	}
	return connect.FirstWords(a.body)
}

var errRefused = errors.New("refused inside a success")

// judge finds the errors in an answer that is not about the session.
func (c *connector) judge(q *request, a *answer) error {
	if err := connect.Judge(a.resp, a.body, c.now()); err != nil {
		return err
	}
	for _, f := range c.recipe.Fail {
		if a.value != nil && a.holds(f) {
			return connect.Permanent(connect.Because(
				fmt.Errorf("%w: %s", errRefused, a.says(f.Say)),
				"Система отказала, хотя ответила успехом. Что именно не так, видно в ответе."))
		}
	}
	for _, want := range q.OK {
		if !a.holds(want) {
			return fmt.Errorf("%w: %s is %q: %s", connect.ErrAnswer, want.JSON,
				a.at(strings.Split(want.JSON, ".")), a.says(want.Say))
		}
	}
	for name, p := range q.take {
		if p.path != nil && a.value == nil {
			return fmt.Errorf("%w: no JSON to take %s from: %s", connect.ErrAnswer, name, connect.FirstWords(a.body))
		}
		if slices.Contains(q.Need, name) && a.take(p, c.recipe.Empty) == "" {
			return fmt.Errorf("%w: no %s in it", connect.ErrAnswer, name)
		}
	}
	return nil
}
