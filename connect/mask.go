package connect

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// hidden stands where a secret stood.
const hidden = "•••"

// Mask hides secrets in what is stored or shown: by name (headers, form and JSON
// keys) and by value. It may be used by many goroutines.
type Mask struct {
	mu       sync.RWMutex
	secrets  []string // in every spelling, longest first
	personal []string
}

// NewMask makes a Mask that knows the given secrets.
func NewMask(secrets ...string) *Mask {
	m := &Mask{}
	m.Learn(secrets...)
	return m
}

// Learn adds secrets met on the way: cookies, tokens. Texts shorter than four
// bytes are left: hiding each "1" would destroy the record and hide nothing.
func (m *Mask) Learn(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secrets = grow(m.secrets, secrets)
}

// Personal makes the mask hide these values too, but for their first letter.
func (m *Mask) Personal(values ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.personal = grow(m.personal, values)
}

func grow(known, more []string) []string {
	for _, s := range more {
		if len(s) < 4 {
			continue
		}
		for _, form := range spellings(s) {
			if !slices.Contains(known, form) {
				known = append(known, form)
			}
		}
	}
	slices.SortStableFunc(known, func(a, b string) int { return len(b) - len(a) })
	return known
}

// spellings gives the ways in which s may stand in a URL, JSON or a header.
func spellings(s string) []string {
	quoted, _ := json.Marshal(s)
	return []string{
		s, url.QueryEscape(s), url.PathEscape(s),
		string(quoted[1 : len(quoted)-1]),
		base64.StdEncoding.EncodeToString([]byte(s)),
	}
}

// Text hides what is known by value.
func (m *Mask) Text(s string) string {
	if m == nil {
		return s
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, secret := range m.secrets {
		s = strings.ReplaceAll(s, secret, hidden)
	}
	for _, v := range m.personal {
		if strings.Contains(s, v) {
			s = strings.ReplaceAll(s, v, string([]rune(v)[:1])+hidden)
		}
	}
	return s
}

// secretWords are parts of names (of headers, form fields, JSON keys) whose values
// are never kept. A bare "key" is not one: "idempotency-key" must stay readable.
var secretWords = []string{
	"passw", "pwd", "secret", "token", "csrf", "cookie", "authorization", "aspxauth",
	"apikey", "accesskey", "session", "credential",
}

var plainName = strings.NewReplacer("-", "", "_", "", ".", "", " ", "")

func isSecret(name string) bool {
	name = plainName.Replace(strings.ToLower(name))
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "sms"
}

// SecretField says the same of a form's field, where a code is one that
// somebody was sent; in an answer "code" is the kind of an error.
func SecretField(name string) bool {
	return isSecret(name) || strings.EqualFold(name, "code")
}

// Header gives a copy of h fit to be stored.
func (m *Mask) Header(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		for _, v := range values {
			switch {
			case strings.EqualFold(name, "Set-Cookie"), strings.EqualFold(name, "Cookie"):
				v = cookieNames(v)
			case isSecret(name):
				v = hidden
			default:
				v = m.Text(v)
			}
			out.Add(name, v)
		}
	}
	return out
}

// cookieNames keeps names and attributes, which tell why a session broke, and
// hides the values.
func cookieNames(line string) string {
	parts := strings.Split(line, ";")
	for i, p := range parts {
		name, value, ok := strings.Cut(p, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "path", "domain", "expires", "max-age", "samesite":
			continue
		}
		if ok && value != "" {
			parts[i] = name + "=" + hidden
		}
	}
	return strings.Join(parts, ";")
}

// URL gives u as text fit to be stored.
func (m *Mask) URL(u *url.URL) string {
	shown := *u
	shown.User = nil
	q := shown.Query()
	for name := range q {
		if SecretField(name) {
			q.Set(name, "xxx")
			shown.RawQuery = q.Encode()
		}
	}
	return m.Text(shown.String())
}

// Body gives a body fit to be stored; kind is its media type.
func (m *Mask) Body(kind string, body []byte) []byte {
	s := string(body)
	if strings.Contains(kind, "urlencoded") {
		pairs := strings.Split(s, "&")
		for i, pair := range pairs {
			if name, value, ok := strings.Cut(pair, "="); ok && SecretField(name) {
				pairs[i] = name + "=" + hidden
			} else if ok {
				pairs[i] = name + "=" + m.nested(value)
			}
		}
		s = strings.Join(pairs, "&")
	} else if strings.Contains(s, `"`) {
		s = maskJSON(s)
	}
	return []byte(m.Text(s))
}

// maskJSON hides the values of secret keys and shortens long base64 texts. It
// reads along rather than parses: the body may be cut off, or JSON only in part.
func maskJSON(s string) string {
	var b strings.Builder
	for {
		start := strings.IndexByte(s, '"')
		if start < 0 {
			b.WriteString(s)
			return b.String()
		}
		end := start + textEnd(s[start:])
		b.WriteString(s[:start])
		text := s[start:end]
		s = s[end:]
		if isBase64(text) {
			text = `"(base64)"`
		}
		b.WriteString(text)
		gap := len(s) - len(strings.TrimLeft(s, " \t\r\n:"))
		if !strings.Contains(s[:gap], ":") || !isSecret(strings.Trim(text, `"`)) {
			continue
		}
		b.WriteString(s[:gap])
		s = s[gap:]
		if n := valueEnd(s); n > 0 {
			b.WriteString(`"` + hidden + `"`)
			s = s[n:]
		}
	}
}

// textEnd gives where the JSON text that s begins with ends.
func textEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// valueEnd gives where the text, number or word that s begins with ends; 0 for
// null, an object or a list, whose members are judged by their own names.
func valueEnd(s string) int {
	switch {
	case s == "", s[0] == '{', s[0] == '[', strings.HasPrefix(s, "null"):
		return 0
	case s[0] == '"':
		return textEnd(s)
	}
	if n := strings.IndexAny(s, ",}] \t\r\n"); n >= 0 {
		return n
	}
	return len(s)
}

// isBase64 tells a file inside JSON from a text that people wrote.
func isBase64(text string) bool {
	return len(text) > 1000 && !strings.ContainsFunc(strings.Trim(text, `"`), func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune(`+/=-_\`, r))
	})
}

// nested masks JSON that stands as a value inside a form.
func (m *Mask) nested(value string) string {
	plain, err := url.QueryUnescape(value)
	if err != nil || !strings.HasPrefix(plain, "{") {
		return value
	}
	shown := string(m.Body("application/json", []byte(plain)))
	if shown == plain {
		return value
	}
	return url.QueryEscape(shown)
}

// Error gives err with its text masked. The chain stays open to errors.Is and
// errors.As. Error(nil) is nil.
func (m *Mask) Error(err error) error {
	if err == nil {
		return nil
	}
	var done *maskedError
	if errors.As(err, &done) && done.mask == m {
		return err
	}
	return &maskedError{err, m}
}

type maskedError struct {
	err  error
	mask *Mask
}

func (e *maskedError) Error() string { return e.mask.Text(e.err.Error()) }
func (e *maskedError) Unwrap() error { return e.err }
