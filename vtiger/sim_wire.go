package vtiger

import (
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// simParams are the texts of one source: the last of a name wins (1.3).
type simParams map[string]string

// given gives a value; an empty one and "0" count as absent (1.3).
func (p simParams) given(name string) string {
	if p[name] == "0" {
		return ""
	}
	return p[name]
}

// simRequest is what PHP makes of a request: query and body apart (1.1).
type simRequest struct {
	query, body simParams
	files       []*multipart.FileHeader
	parts       []string // the parts' names of files
}

// merged gives a value of the router: the body wins (1.1).
func (r *simRequest) merged(name string) string {
	if v := r.body.given(name); v != "" {
		return v
	}
	return r.query.given(name)
}

// read reads the request. A body of another type than the two is not read, as
// in PHP (1.2); ok is false when the body is broken.
func (c *simCall) read() (req *simRequest, ok bool) {
	req = &simRequest{query: simQuery(c.r.URL.RawQuery), body: simParams{}}
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		text, err := io.ReadAll(io.LimitReader(c.r.Body, 8<<20)) // post_max_size, 1.2
		if err != nil {
			return nil, false
		}
		req.body = simQuery(string(text))
	case "multipart/form-data":
		if err := c.r.ParseMultipartForm(64 << 20); err != nil {
			return nil, false
		}
		for name, values := range c.r.MultipartForm.Value {
			req.body[name] = values[len(values)-1]
		}
		for _, name := range slices.Sorted(maps.Keys(c.r.MultipartForm.File)) {
			for _, f := range c.r.MultipartForm.File[name] {
				req.parts, req.files = append(req.parts, name), append(req.files, f)
			}
		}
	default:
		_, _ = io.Copy(io.Discard, c.r.Body)
	}
	return req, true
}

func simQuery(text string) simParams {
	out := simParams{}
	for pair := range strings.SplitSeq(text, "&") { // a raw ";" stays in the value (1.3)
		name, value, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		out[simUnescape(name)] = simUnescape(value)
	}
	return out
}

func simUnescape(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return text // PHP keeps a broken % literally (1.3)
	}
	return plain
}

// simMap is a PHP map in its order; an empty one prints as [] (1.5).
type simMap []simPair

type simPair struct {
	name  string
	value any // string, bool, int, simMap, []any
}

func (m *simMap) add(name string, value any) { *m = append(*m, simPair{name, value}) }

// simJSON writes as PHP's json_encode with default flags (1.5).
func simJSON(b *strings.Builder, value any) {
	switch v := value.(type) {
	case string:
		simText(b, v)
	case bool:
		b.WriteString(map[bool]string{true: "true", false: "false"}[v])
	case int:
		b.WriteString(simItoa(v))
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			simJSON(b, item)
		}
		b.WriteByte(']')
	case simMap:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteByte('{')
		for i, pair := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			simText(b, pair.name)
			b.WriteByte(':')
			simJSON(b, pair.value)
		}
		b.WriteByte('}')
	default:
		b.WriteString("null")
	}
}

func simText(b *strings.Builder, text string) {
	const digits = "0123456789abcdef"
	unit := func(u uint16) {
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(digits[u>>shift&15])
		}
	}
	short := map[rune]string{'"': `\"`, '\\': `\\`, '/': `\/`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case short[r] != "":
			b.WriteString(short[r])
		case r < ' ':
			unit(uint16(r))
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			unit(uint16(high))
			unit(uint16(low))
		default:
			unit(uint16(r))
		}
	}
	b.WriteByte('"')
}

// simError is a declared error of the web service.
type simError struct{ code, text string }

// Codes that are not the wire's: HTTP 500 without a body, and a line of text
// with status 200 (1.6).
const (
	simDead      = "(dead)"
	simPlainText = "(text)"
)

func simSuccess(result any) []byte {
	var b strings.Builder
	simJSON(&b, simMap{{"success", true}, {"result", result}})
	return []byte(b.String())
}

// simFailure writes message before code, as PHP 8 does; the code of a refused
// duplicate is a number (1.5, 1.7).
func simFailure(code, text string) []byte {
	var b strings.Builder
	e := simMap{{"message", text}, {"code", code}}
	if code == CodeDuplicate {
		e[1].value = 0
	}
	simJSON(&b, simMap{{"success", false}, {"error", e}})
	return []byte(b.String())
}
