package vtiger

import (
	"iter"
	"math"
	"strconv"
	"strings"

	"styk"
)

// Params are the parameters of one source, the query string or the form body,
// read as PHP reads them (spec/vtiger.md 1.3): the last of one name wins, "a.b"
// is "a_b", "a[]" and "a[k]" make arrays. The zero value is empty and ready.
//
// Texts are the bytes that came: they may be invalid UTF-8 (see repairText).
type Params struct {
	names  []string // in the order PHP lists them
	values map[string]*Param
	next   int64 // the index that "[]" takes
	number bool  // an index was taken, so that next may be negative
}

// Param is one value: a text or an array.
type Param struct {
	text  string
	items *Params // nil for a text
}

// Text gives the value's text; ok is false for an array.
func (v *Param) Text() (text string, ok bool) { return v.text, v.items == nil }

// Items gives the parts of an array, nil for a text.
func (v *Param) Items() *Params { return v.items }

// Len counts the names.
func (p *Params) Len() int { return len(p.names) }

// Get gives the value of a name; ok is false when it did not come.
func (p *Params) Get(name string) (value *Param, ok bool) {
	value, ok = p.values[name]
	return value, ok
}

// All goes over the values in PHP's order.
func (p *Params) All() iter.Seq2[string, *Param] {
	return func(yield func(string, *Param) bool) {
		for _, name := range p.names {
			if !yield(name, p.values[name]) {
				return
			}
		}
	}
}

// Text gives the text of a name; ok is false when it did not come or came as an
// array (see IsArray).
func (p *Params) Text(name string) (text string, ok bool) {
	value, ok := p.values[name]
	if !ok {
		return "", false
	}
	return value.Text()
}

// IsArray tells whether the name came as name[] or name[key].
func (p *Params) IsArray(name string) bool {
	value, ok := p.values[name]
	return ok && value.items != nil
}

// Given gives an operation's parameter: "" when it is absent, empty or "0",
// which PHP takes for absent (spec/vtiger.md 1.3). An array is an error: stock
// dies of it without a word. The text is fit to be stored and looked up.
func (p *Params) Given(name string) (string, error) {
	value, ok := p.values[name]
	if !ok {
		return "", nil
	}
	if value.items != nil {
		return "", styk.FieldError(styk.Invalid, name, "text", name+": expected text, got an array ("+name+"[…])")
	}
	if falsy(value.text) {
		return "", nil
	}
	return repairText(value.text), nil
}

// falsy tells whether PHP takes text for no value.
func falsy(text string) bool { return text == "" || text == "0" }

// repairText makes text fit to be stored and shown: bytes that are not UTF-8,
// and NUL, which PostgreSQL cannot hold, become U+FFFD.
func repairText(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\ufffd")
	}
	return text
}

// parseURLEncoded reads a query string or an urlencoded body into p. Only "&"
// separates; ";" and a broken "%" are plain text (spec/vtiger.md 1.3).
func (p *Params) parseURLEncoded(text string, limits Limits) error {
	fields := 0
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, "&")
		if pair == "" {
			continue
		}
		if fields++; fields > limits.Fields {
			return limitError("body", "max_fields", "more than "+strconv.Itoa(limits.Fields)+" fields")
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescapeURL(name)
		if value = unescapeURL(value); int64(len(value)) > limits.Field {
			return fieldTooLong(name, limits)
		}
		if err := p.add(name, value); err != nil {
			return err
		}
	}
	return nil
}

// unescapeURL is PHP's urldecode: "+" is a space, "%" without two hex digits
// after it stays.
func unescapeURL(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b = append(b, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// maxNesting is PHP's max_input_nesting_level.
const maxNesting = 64

// add puts one decoded pair in its place. A pair without a name is dropped, as
// PHP does.
func (p *Params) add(name, text string) error {
	base, keys := splitName(name)
	if base == "" {
		return nil
	}
	if len(keys) > maxNesting {
		return styk.FieldError(styk.Invalid, base, "depth", base+": more than "+strconv.Itoa(maxNesting)+" nested arrays")
	}
	at := p
	for _, key := range keys {
		at, base = at.array(base), key
	}
	if base == "" {
		base = at.nextIndex()
	}
	at.set(base, &Param{text: text})
	return nil
}

// array gives the array under name, made in place of a text; name "" is a new
// element at the end.
func (p *Params) array(name string) *Params {
	if name == "" {
		name = p.nextIndex()
	}
	value, ok := p.values[name]
	if !ok || value.items == nil {
		value = &Param{items: &Params{}}
		p.set(name, value)
	}
	return value.items
}

func (p *Params) nextIndex() string { return strconv.FormatInt(p.next, 10) }

// set stores a value; a name that is there keeps its place.
func (p *Params) set(name string, value *Param) {
	if p.values == nil {
		p.values = make(map[string]*Param, 8)
	}
	if _, there := p.values[name]; !there {
		p.names = append(p.names, name)
		p.countIndex(name)
	}
	p.values[name] = value
}

// countIndex moves next behind a name that PHP takes for a whole number.
func (p *Params) countIndex(name string) {
	n, err := strconv.ParseInt(name, 10, 64)
	if err != nil || n == math.MaxInt64 || strconv.FormatInt(n, 10) != name {
		return
	}
	if !p.number || n >= p.next {
		p.next, p.number = n+1, true
	}
}

// splitName takes a parameter's name apart as PHP does: blanks before it and
// everything after a NUL go, " " and "." become "_" outside brackets, an
// unclosed first bracket is a "_", what follows the last bracket is dropped.
// The key of [] is "".
func splitName(name string) (base string, keys []string) {
	name, _, _ = strings.Cut(name, "\x00")
	name = strings.TrimLeft(name, " ")
	open := strings.IndexByte(name, '[')
	if open <= 0 {
		if open == 0 {
			return "", nil
		}
		return mangle(name), nil
	}
	base, rest := mangle(name[:open]), name[open:]
	for strings.HasPrefix(rest, "[") {
		rest = rest[1:]
		blank := 0
		if rest != "" && strings.IndexByte(" \t\n\v\f\r", rest[0]) >= 0 {
			blank = 1
		}
		end := strings.IndexByte(rest[blank:], ']')
		if end < 0 {
			if keys == nil {
				base = mangle(name)
			}
			break
		}
		key := rest[:blank+end]
		if end == 0 {
			key = ""
		}
		keys = append(keys, key)
		rest = rest[blank+end+1:]
	}
	return base, keys
}

// mangle makes a top name legal as a PHP variable.
func mangle(name string) string {
	if !strings.ContainsAny(name, " .[") {
		return name
	}
	b := []byte(name) // by bytes: a name may be invalid UTF-8
	for i, c := range b {
		if c == ' ' || c == '.' || c == '[' {
			b[i] = '_'
		}
	}
	return string(b)
}

func limitError(field, rule, text string) error {
	return styk.FieldError(styk.TooLarge, field, rule, text)
}

func fieldTooLong(name string, limits Limits) error {
	return limitError(name, "max_bytes", name+": longer than "+strconv.FormatInt(limits.Field, 10)+" bytes")
}
