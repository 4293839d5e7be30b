package web

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"styk"
	"styk/intake"
)

// Signed words that go out with a form and come back with its post. They need
// no row in the database and end by themselves.
const (
	tokenLife = 20 * time.Hour // of a kept file; bytes nobody names are swept after a day
	formLife  = 24 * time.Hour // of a form on somebody's screen
	humanTime = 2 * time.Second
)

// stamp says when a form was rendered.
func (s *forms) stamp(form *styk.Form) string {
	at := strconv.FormatInt(s.now().Unix(), 36)
	return at + "." + s.sign("time", form.Name+" "+at)
}

func (s *forms) sign(purpose, text string) string {
	return s.DB.KeyedHash("form-"+purpose, text)[:24]
}

func (s *forms) signed(purpose, text, mac string) bool {
	return subtle.ConstantTimeCompare([]byte(s.sign(purpose, text)), []byte(mac)) == 1
}

// strong is the weight of a sign that no person gives; weak signs count only
// when there are two of them.
const strong, weak = 60, 20

// suspect weighs a post. Nothing is refused for it: a person decides (F-53). A
// post without our marks came from a site's own form and says nothing.
func (s *forms) suspect(r *http.Request, form *styk.Form, p *posted) (points int, reasons []string) {
	if p.values[trapName(form)] != "" {
		points, reasons = strong, append(reasons, "заполнено поле-ловушка")
	}
	slips := 0
	note := func(why string) { slips, reasons = slips+1, append(reasons, why) }
	if mark := p.values["_time"]; mark != "" {
		at, mac, _ := strings.Cut(mark, ".")
		unix, err := strconv.ParseInt(at, 36, 64)
		age := s.now().Sub(time.Unix(unix, 0))
		switch {
		case err != nil || !s.signed("time", form.Name+" "+at, mac):
			points, reasons = points+strong, append(reasons, "отметка времени подделана")
		case age < humanTime:
			note("заполнено быстрее двух секунд")
		case age > formLife:
			note("форма была открыта дольше суток")
		}
	}
	if origin := r.Header.Get("Origin"); origin != "" && !s.welcome(form, r, origin) {
		note("форма стояла на чужом сайте " + cut(origin, 100))
	}
	if slips > 1 {
		points += slips * weak
	}
	return points, reasons
}

// welcome says whether a page of that origin may hold the form.
func (s *forms) welcome(form *styk.Form, r *http.Request, origin string) bool {
	if len(form.Origins) == 0 || origin == s.Base() || origin == "http://"+r.Host || origin == "https://"+r.Host {
		return true
	}
	for _, allowed := range form.Origins {
		if strings.EqualFold(strings.TrimSuffix(allowed, "/"), origin) {
			return true
		}
	}
	return false
}

func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// fileToken stands for a file whose bytes are stored and that waits for its form.
type fileToken struct {
	Form  string        `json:"f"`
	Field string        `json:"n"`
	File  intake.Upload `json:"u"`
	Until int64         `json:"t"` // Unix s
}

// token makes the word that stands for a stored file.
func (s *forms) token(file formFile) string {
	body, _ := json.Marshal(fileToken{Field: file.field, File: file.upload, Until: s.now().Add(tokenLife).Unix()}) // texts and numbers
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + s.sign("file", text)
}

// file gives what a token stands for; false for foreign and old ones.
func (s *forms) file(token string) (formFile, bool) {
	text, mac, _ := strings.Cut(token, ".")
	if !s.signed("file", text, mac) {
		return formFile{}, false
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	var t fileToken
	if err != nil || json.Unmarshal(body, &t) != nil || s.now().Unix() > t.Until {
		return formFile{}, false
	}
	return formFile{t.Field, t.File}, true
}

// backMark carries the address of the page a plain form stood on through the
// answer. It is signed: nobody can make our page lead elsewhere.
func (s *forms) backMark(to string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(to))
	return text + "." + s.sign("back", text)
}

func (s *forms) backFrom(mark string) string {
	text, mac, _ := strings.Cut(mark, ".")
	to, err := base64.RawURLEncoding.DecodeString(text)
	if mark == "" || err != nil || !s.signed("back", text, mac) {
		return ""
	}
	return string(to)
}

// Rate says how often one address may do something: Burst at once, then one
// every Every.
type Rate struct {
	Burst int
	Every time.Duration
}

// throttle counts by address. It forgets an address that has been quiet long
// enough to have all its burst again.
type throttle struct {
	rate Rate
	now  func() time.Time

	mu   sync.Mutex
	seen map[netip.Prefix]*meter
	last time.Time // of forgetting
}

type meter struct {
	*rate.Limiter
	used time.Time
}

func newThrottle(r Rate, now func() time.Time) *throttle {
	return &throttle{rate: r, now: now, seen: map[netip.Prefix]*meter{}}
}

// wait gives 0 when addr may go on, else after how long. Programs on this very
// machine are not counted: behind a proxy that hides its visitors all would
// share one count.
func (t *throttle) wait(addr netip.Addr) time.Duration {
	if !addr.IsValid() || addr.IsLoopback() || t.rate.Burst <= 0 {
		return 0
	}
	bits := 24
	if addr.Is6() {
		bits = 56
	}
	net, _ := addr.Prefix(bits) // both fit their address
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	m := t.seen[net]
	if m == nil {
		m = &meter{Limiter: rate.NewLimiter(rate.Every(t.rate.Every), t.rate.Burst)}
		t.seen[net] = m
	}
	m.used = now
	if m.AllowN(now, 1) {
		return 0
	}
	return max(time.Second, time.Duration((1-m.TokensAt(now))*float64(t.rate.Every)))
}

func (t *throttle) forget(now time.Time) {
	full := time.Duration(t.rate.Burst) * t.rate.Every
	if now.Sub(t.last) < full {
		return
	}
	t.last = now
	for net, m := range t.seen {
		if now.Sub(m.used) > full {
			delete(t.seen, net)
		}
	}
}
