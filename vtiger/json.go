package vtiger

import (
	"strconv"
	"unicode/utf8"
)

// Value is a JSON value that writes itself as PHP's json_encode does with its
// default flags (spec/vtiger.md 1.5): Text, Int, Bool, Null, List, Object, Raw.
type Value interface {
	appendJSON(b []byte) []byte
}

type (
	// Text is a string; bytes that are not UTF-8 become U+FFFD.
	Text string
	// Int is a whole number.
	Int int64
	// Bool is true or false.
	Bool bool
	// List is a PHP list.
	List []Value
	// Object is a PHP map in its order. An empty one prints as [], as PHP has
	// no other empty array.
	Object []Pair
	// Raw is JSON that is written as it stands, from appendJSON or json_encode.
	Raw []byte
	// Null is null.
	Null struct{}
)

// Pair is one member of an Object.
type Pair struct {
	Name  string
	Value Value // nil is null
}

// Add puts one more member at the end.
func (o *Object) Add(name string, value Value) { *o = append(*o, Pair{name, value}) }

// AddText puts one more text member at the end, the commonest of a record.
func (o *Object) AddText(name, text string) { o.Add(name, Text(text)) }

// Texts makes a list of texts.
func Texts(texts []string) List {
	list := make(List, len(texts))
	for i, text := range texts {
		list[i] = Text(text)
	}
	return list
}

func (v Text) appendJSON(b []byte) []byte { return appendString(b, string(v)) }
func (v Int) appendJSON(b []byte) []byte  { return strconv.AppendInt(b, int64(v), 10) }
func (v Bool) appendJSON(b []byte) []byte { return strconv.AppendBool(b, bool(v)) }
func (v Raw) appendJSON(b []byte) []byte  { return append(b, v...) }
func (Null) appendJSON(b []byte) []byte   { return append(b, "null"...) }

func (v List) appendJSON(b []byte) []byte {
	b = append(b, '[')
	for i, item := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, item)
	}
	return append(b, ']')
}

func (v Object) appendJSON(b []byte) []byte {
	if len(v) == 0 {
		return append(b, '[', ']')
	}
	b = append(b, '{')
	for i, pair := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, pair.Name)
		b = append(b, ':')
		b = appendValue(b, pair.Value)
	}
	return append(b, '}')
}

func appendValue(b []byte, v Value) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return v.appendJSON(b)
}

// plain marks the ASCII bytes that stand for themselves in a PHP JSON string.
var plain = func() (table [utf8.RuneSelf]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\' && c != '/'
	}
	return table
}()

const hexDigits = "0123456789abcdef"

// appendString writes s in quotes as PHP does: "/" as "\/", everything over
// U+007F as \u with lower-case digits and surrogate pairs, <>&' as they are.
// Each byte that is not UTF-8 becomes \ufffd, where stock sends nothing at all.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !plain[c] {
				b = append(b, s[start:i]...)
				b = appendEscaped(b, c)
				start = i + 1
			}
			i++
			continue
		}
		b = append(b, s[start:i]...)
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= 0x10000 {
			r -= 0x10000
			b = appendUnit(b, 0xd800|r>>10)
			r = 0xdc00 | r&0x3ff
		}
		b = appendUnit(b, r)
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\', '/':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return appendUnit(b, rune(c))
}

// appendUnit writes one UTF-16 unit as \uXXXX.
func appendUnit(b []byte, unit rune) []byte {
	return append(b, '\\', 'u',
		hexDigits[unit>>12&15], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
}

// appendSuccess writes the envelope of an answer (spec/vtiger.md 1.5).
func appendSuccess(b []byte, result Value) []byte {
	b = append(b, `{"success":true,"result":`...)
	b = appendValue(b, result)
	return append(b, '}')
}

// appendFailure writes the envelope of an error; extra members follow message
// and code.
func appendFailure(b []byte, code, message string, extra Object) []byte {
	b = append(b, `{"success":false,"error":`...)
	b = append(Object{{"message", Text(message)}, {"code", Text(code)}}, extra...).appendJSON(b)
	return append(b, '}')
}
