package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"styk"
)

// param is one parameter of an operation's query.
type param struct {
	name string
	kind string // string, integer, boolean, date-time
	text string
	enum []string
	eg   string
}

// query are the parameters that came, checked.
type query map[string]string

const (
	maxLimit     = 200
	defaultLimit = 50
)

// paged are the parameters of every list that has pages.
var paged = []param{
	{name: "before", kind: "integer", text: "From the address in next: the list goes on behind this place.", eg: "4711"},
	{name: "limit", kind: "integer", text: "How many at most, 1 to 200; 50 without it.", eg: "50"},
}

// readQuery reads an operation's parameters. An unknown one is refused by its
// name: a slip in a filter would otherwise list everything.
func readQuery(op *operation, raw string) (query, error) {
	if raw == "" {
		return query{}, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, &failure{status: http.StatusBadRequest, Code: "malformed", Message: "Адрес после ? записан неверно"}
	}
	q := query{}
	var faults []styk.Fault
	for _, name := range sortedKeys(values) {
		i := slices.IndexFunc(op.query, func(p param) bool { return p.name == name })
		if i < 0 {
			faults = append(faults, styk.Fault{Field: shown(name), Rule: "unknown", Text: "Такого параметра нет"})
			continue
		}
		if f := op.query[i].check(values[name]); f != nil {
			faults = append(faults, *f)
			continue
		}
		q[name] = values[name][0]
	}
	if faults != nil {
		return nil, &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return q, nil
}

func (p *param) check(values []string) *styk.Fault {
	wrong := func(rule, text string) *styk.Fault { return &styk.Fault{Field: p.name, Rule: rule, Text: text} }
	v := values[0]
	switch {
	case len(values) > 1:
		return wrong("once", "Параметр стоит дважды")
	case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
		return wrong("utf8", "Нужен текст в UTF-8")
	case len(v) > 500:
		return wrong("length", "Слишком длинно")
	case p.enum != nil && !slices.Contains(p.enum, v):
		return wrong("choice", "Возможны "+strings.Join(p.enum, ", "))
	}
	switch p.kind {
	case "integer":
		n, ok := parseID(v)
		if !ok || p.name == "limit" && n > maxLimit {
			return wrong("integer", "Нужно целое число больше нуля"+map[bool]string{true: ", не больше 200"}[p.name == "limit"])
		}
	case "boolean":
		if v != "true" && v != "false" {
			return wrong("boolean", "true или false")
		}
	case "date-time":
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return wrong("date-time", "Время как 2026-11-21T12:00:00Z")
		}
	}
	return nil
}

func (q query) id(name string) styk.ID {
	n, _ := parseID(q[name])
	return n
}

func (q query) time(name string) time.Time {
	at, _ := time.Parse(time.RFC3339, q[name])
	return at
}

// limit is how many items the page has.
func (c *call) limit() int {
	if n := c.query.id("limit"); n > 0 {
		return int(n)
	}
	return defaultLimit
}

// parseID reads a number above zero as it is written, without signs and spaces.
func parseID(text string) (styk.ID, bool) {
	if text == "" || text[0] < '1' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return styk.ID(n), err == nil
}

// shown shortens what the caller wrote, so that an answer cannot be made large
// or unreadable.
func shown(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if r := []rune(text); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return text
}
