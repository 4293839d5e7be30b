package httpstory

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// A pattern is JSON in which "..." leaves room for more, and a value may be
// described instead of given.
type pattern struct {
	kind  string // value, regex, object, array, any, string, number, bool, absent
	value any
	regex *regexp.Regexp
	names []string // of an object's members, beside items
	items []*pattern
	open  bool // "..." was there: more may follow
}

// matchJSON gives the differences between the body and the pattern's text.
func matchJSON(text string, got *answer, vars *scope) []string {
	p, err := parsePattern(text, vars)
	if err != nil {
		return []string{err.Error()}
	}
	value, err := got.json()
	if err != nil {
		return []string{"the body is not JSON: " + err.Error()}
	}
	return p.diff("", value, true)
}

func (p *pattern) diff(path string, got any, present bool) []string {
	at := path
	if at == "" {
		at = "the body"
	}
	if p.kind == "absent" {
		if present {
			return []string{fmt.Sprintf("%s: got %s, want no such field", at, asJSON(got))}
		}
		return nil
	}
	if !present {
		return []string{fmt.Sprintf("%s: missing, want %s", at, p)}
	}
	switch p.kind {
	case "object":
		if object, ok := got.(map[string]any); ok {
			return p.diffObject(path, object)
		}
	case "array":
		if list, ok := got.([]any); ok {
			return p.diffArray(path, list)
		}
	default:
		if p.matches(got) {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: got %s, want %s", at, asJSON(got), p)}
}

func (p *pattern) matches(got any) bool {
	switch p.kind {
	case "any":
		return true
	case "string":
		_, ok := got.(string)
		return ok
	case "number":
		_, ok := got.(json.Number)
		return ok
	case "bool":
		_, ok := got.(bool)
		return ok
	case "regex":
		s, ok := got.(string)
		return ok && p.regex.MatchString(s)
	}
	return reflect.DeepEqual(got, p.value)
}

func (p *pattern) diffObject(path string, got map[string]any) []string {
	var out []string
	known := map[string]bool{}
	for i, name := range p.names {
		known[name] = true
		value, present := got[name]
		out = append(out, p.items[i].diff(strings.TrimPrefix(path+"."+name, "."), value, present)...)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if !known[name] && !p.open {
			out = append(out, fmt.Sprintf("%s: got %s, want no such field (or add ...)", strings.TrimPrefix(path+"."+name, "."), asJSON(got[name])))
		}
	}
	return out
}

func (p *pattern) diffArray(path string, got []any) []string {
	var out []string
	for i, item := range p.items {
		var value any
		if i < len(got) {
			value = got[i]
		}
		out = append(out, item.diff(fmt.Sprintf("%s[%d]", path, i), value, i < len(got))...)
	}
	if len(got) > len(p.items) && !p.open {
		out = append(out, fmt.Sprintf("%s: got %d items, want %d (or add ...)", path, len(got), len(p.items)))
	}
	return out
}

func (p *pattern) String() string {
	switch p.kind {
	case "value":
		return asJSON(p.value)
	case "regex":
		return "a match of /" + p.regex.String() + "/"
	case "object", "array":
		return "an " + p.kind
	}
	return "a value of kind " + p.kind
}

func asJSON(value any) string {
	text, _ := encodeJSON(value, "")
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "…"
	}
	return text
}

// A patternReader reads a pattern from the front of rest.
type patternReader struct {
	rest string
	vars *scope
}

func parsePattern(text string, vars *scope) (*pattern, error) {
	r := &patternReader{text, vars}
	p, err := r.value()
	if err == nil && r.peek() != "" {
		err = fmt.Errorf("nothing may follow the value")
	}
	if err != nil {
		return nil, fmt.Errorf("the pattern, before %.40q: %w", r.rest, err)
	}
	return p, nil
}

func (r *patternReader) peek() string {
	r.rest = strings.TrimLeft(r.rest, " \t\n")
	return r.rest
}

func (r *patternReader) take(prefix string) bool {
	ok := strings.HasPrefix(r.peek(), prefix)
	if ok {
		r.rest = r.rest[len(prefix):]
	}
	return ok
}

var (
	variableAhead = regexp.MustCompile(`^\{[A-Za-z_][A-Za-z0-9_]*\}`)
	scalarAhead   = regexp.MustCompile(`^(?:"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null)`)
	regexAhead    = regexp.MustCompile(`^/(?:[^/\\]|\\.)*/`)
	wordAhead     = regexp.MustCompile(`^(?:any|string|number|bool|absent)\b`)
)

func (r *patternReader) value() (*pattern, error) {
	rest := r.peek()
	if m := variableAhead.FindString(rest); m != "" {
		r.rest = rest[len(m):]
		text, err := r.vars.expand(m)
		return &pattern{kind: "value", value: scalar(text)}, err
	}
	if m := scalarAhead.FindString(rest); m != "" {
		r.rest = rest[len(m):]
		return r.scalar(m)
	}
	if m := regexAhead.FindString(rest); m != "" {
		r.rest = rest[len(m):]
		re, err := r.vars.regex(m)
		return &pattern{kind: "regex", regex: re}, err
	}
	if m := wordAhead.FindString(rest); m != "" {
		r.rest = rest[len(m):]
		return &pattern{kind: m}, nil
	}
	if r.take("{") {
		p := &pattern{kind: "object"}
		return p, r.list(p, "}", r.memberName)
	}
	if r.take("[") {
		p := &pattern{kind: "array"}
		return p, r.list(p, "]", nil)
	}
	return nil, fmt.Errorf("want a JSON value, /regex/, {name}, any, string, number, bool or absent")
}

func (r *patternReader) scalar(text string) (*pattern, error) {
	value := scalar(text)
	s, ok := value.(string)
	if !ok {
		return &pattern{kind: "value", value: value}, nil
	}
	s, err := r.vars.expand(s)
	return &pattern{kind: "value", value: s}, err
}

// scalar reads JSON, and takes for a string what is none.
func scalar(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil || d.More() {
		return text
	}
	return value
}

// list reads items up to end; before reads what stands in front of each.
func (r *patternReader) list(p *pattern, end string, before func(*pattern) error) error {
	for !r.take(end) {
		if (len(p.items) > 0 || p.open) && !r.take(",") {
			return fmt.Errorf("want , or %s", end)
		}
		if r.take("...") {
			p.open = true
			continue
		}
		if p.open {
			return fmt.Errorf("... stands last")
		}
		if before != nil {
			if err := before(p); err != nil {
				return err
			}
		}
		item, err := r.value()
		if err != nil {
			return err
		}
		p.items = append(p.items, item)
	}
	return nil
}

func (r *patternReader) memberName(p *pattern) error {
	m := scalarAhead.FindString(r.peek())
	name, ok := scalar(m).(string)
	if !ok || !strings.HasPrefix(m, `"`) {
		return fmt.Errorf(`want "name": value`)
	}
	r.rest = r.rest[len(m):]
	if !r.take(":") {
		return fmt.Errorf("want : after %q", name)
	}
	p.names = append(p.names, name)
	return nil
}
