package connect

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
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

// secretName matches names of headers, form fields and JSON keys whose values
// are never kept. A bare "key" is not one: "idempotency-key" must stay readable.
var secretName = regexp.MustCompile(`(?i)passw|pwd|secret|token|csrf|cookie|authorization|aspxauth|api.?key|access.?key|session|credential|^"?sms"?\W*$`)

// header gives a copy of h fit to be stored.
func (m *Mask) header(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		for _, v := range values {
			switch {
			case strings.EqualFold(name, "Set-Cookie"), strings.EqualFold(name, "Cookie"):
				v = cookieNames(v)
			case secretName.MatchString(name):
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

// url gives u as text fit to be stored.
func (m *Mask) url(u *url.URL) string {
	shown := *u
	shown.User = nil
	q := shown.Query()
	for name := range q {
		if secretName.MatchString(name) {
			q.Set(name, "xxx")
			shown.RawQuery = q.Encode()
		}
	}
	return m.Text(shown.String())
}

// jsonPair and formPair find "name": value and name=value in a body that may be
// cut off, so that no parser would take it.
var (
	jsonPair = regexp.MustCompile(`("(?:[^"\\]|\\.)*"\s*:\s*)("(?:[^"\\]|\\.)*"?|-?[0-9][0-9.eE+-]*|true|false)`)
	formPair = regexp.MustCompile(`(^|&)([^=&]*)=([^&]*)`)
	base64s  = regexp.MustCompile(`"[A-Za-z0-9+/\\]{1000,}={0,2}"?`)
)

// body gives a body fit to be stored; kind is its media type.
func (m *Mask) body(kind string, body []byte) []byte {
	s := string(body)
	if strings.Contains(kind, "urlencoded") {
		s = formPair.ReplaceAllStringFunc(s, func(pair string) string {
			parts := formPair.FindStringSubmatch(pair)
			if secretName.MatchString(parts[2]) {
				return parts[1] + parts[2] + "=" + hidden
			}
			return parts[1] + parts[2] + "=" + m.nested(parts[3])
		})
	} else if strings.Contains(s, `"`) {
		s = jsonPair.ReplaceAllStringFunc(s, func(pair string) string {
			parts := jsonPair.FindStringSubmatch(pair)
			if secretName.MatchString(parts[1]) {
				return parts[1] + `"` + hidden + `"`
			}
			return pair
		})
		s = base64s.ReplaceAllString(s, `"(base64)"`)
	}
	return []byte(m.Text(s))
}

// nested masks JSON that stands as a value inside a form.
func (m *Mask) nested(value string) string {
	plain, err := url.QueryUnescape(value)
	if err != nil || !strings.HasPrefix(plain, "{") {
		return value
	}
	shown := string(m.body("application/json", []byte(plain)))
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
