package web

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/store"
	"styk/wallet"
)

// iPhone plays the one that Apple makes, by spec/passteam.md 3.5: it knows
// nothing but what stands in its passes.
type iPhone struct {
	s      *cardSite
	name   string // what it calls itself
	token  string // where it hears pushes
	tag    string
	passes map[string]*phonePass // by serial number
	fresh  []string              // what it fetched anew, in this order
}

type phonePass struct {
	PassType string `json:"passTypeIdentifier"`
	Serial   string `json:"serialNumber"`
	Service  string `json:"webServiceURL"`
	Token    string `json:"authenticationToken"`
	Voided   bool   `json:"voided"`
	Card     struct {
		Header []struct {
			Value  any    `json:"value"`
			Change string `json:"changeMessage"`
		} `json:"headerFields"`
	} `json:"storeCard"`
	modified string
}

func newPhone(s *cardSite, name string) *iPhone {
	return &iPhone{s: s, name: name, token: s.apns.NewDevice(wallet.DevelopmentPassType), passes: map[string]*phonePass{}}
}

// take reads a pass as a phone does.
func (p *iPhone) take(a answered) *phonePass {
	p.s.t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != wallet.PassMIME {
		p.s.t.Fatalf("no pass: %d %s", a.status, a.body)
	}
	pass := &phonePass{modified: a.header.Get("Last-Modified")}
	if err := json.Unmarshal(unpack(p.s.t, a.body)["pass.json"], pass); err != nil {
		p.s.t.Fatal(err)
	}
	p.passes[pass.Serial] = pass
	return pass
}

func unpack(t testing.TB, pass string) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(pass), int64(len(pass)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// call sends one request to the service that stands in the pass.
func (p *iPhone) call(method string, pass *phonePass, path, body string, header ...string) answered {
	p.s.t.Helper()
	return p.s.do(method, strings.TrimPrefix(pass.Service, p.s.url)+"/v1"+path, body, header...)
}

func auth(pass *phonePass) []string {
	return []string{"Authorization", "ApplePass " + pass.Token, "User-Agent", "passd/1.0 CFNetwork/3826 Darwin/24.5.0"}
}

func (p *iPhone) registration(pass *phonePass) string {
	return "/devices/" + p.name + "/registrations/" + pass.PassType + "/" + pass.Serial
}

// add takes the card from its page and registers, as after «Добавить».
func (p *iPhone) add(number string) *phonePass {
	p.s.t.Helper()
	pass := p.take(p.s.do("GET", p.s.link(number)+".pkpass", ""))
	if a := p.call("POST", pass, p.registration(pass), `{"pushToken":"`+p.token+`"}`, auth(pass)...); a.status != http.StatusCreated {
		p.s.t.Fatalf("register: %d", a.status)
	}
	return pass
}

// wake does what a push makes a phone do: it asks what changed and fetches it.
func (p *iPhone) wake(passType string) (changed []string) {
	p.s.t.Helper()
	query := ""
	if p.tag != "" {
		query = "?passesUpdatedSince=" + p.tag
	}
	a := p.s.do("GET", "/wallet/v1/devices/"+p.name+"/registrations/"+passType+query, "")
	if a.status == http.StatusNoContent {
		return nil
	}
	var list struct {
		Numbers []string `json:"serialNumbers"`
		Tag     string   `json:"lastUpdated"`
	}
	if a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &list) != nil {
		p.s.t.Fatalf("list: %d %s", a.status, a.body)
	}
	p.tag = list.Tag
	for _, number := range list.Numbers {
		old := p.passes[number]
		a := p.call("GET", old, "/passes/"+old.PassType+"/"+number, "", append(auth(old), "If-Modified-Since", old.modified)...)
		if a.status == http.StatusNotModified {
			continue
		}
		p.take(a)
		p.fresh = append(p.fresh, number)
	}
	return list.Numbers
}

func (p *iPhone) balance(number string) any { return p.passes[number].Card.Header[0].Value }

// pushes makes the calls that are due by now.
func (s *cardSite) pushes() {
	s.t.Helper()
	s.advance(2 * time.Second) // the pause of a burst
	if _, err := s.cards.PushDue(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *cardSite) pushed(token string) int { return s.apns.State().Devices[token].Pushed }

func TestPhoneKeepsTheCardInStep(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "3f2a9c0d1e4b5a6978877665544332ff")
	pass := phone.add(card.Number)
	if s.card(card.Number).Installed.IsZero() {
		t.Error("the card is not installed")
	}
	if a := phone.call("POST", pass, phone.registration(pass), `{"pushToken":"`+phone.token+`"}`, auth(pass)...); a.status != http.StatusOK {
		t.Errorf("a second registration: %d", a.status)
	}
	if got := phone.wake(pass.PassType); len(got) != 1 || len(phone.fresh) != 0 {
		t.Errorf("asked for the first time: %v, fetched %v", got, phone.fresh)
	}
	if got := phone.wake(pass.PassType); got != nil {
		t.Errorf("nothing changed: %v", got)
	}
	s.update(card.Number, "BONUS", "100")
	s.update(card.Number, "BONUS", "150")
	s.pushes()
	if n := s.pushed(phone.token); n != 1 {
		t.Errorf("%d pushes for one burst", n)
	}
	if got := phone.wake(pass.PassType); len(got) != 1 || phone.balance(card.Number) != 150.0 {
		t.Errorf("changed %v, balance %v", got, phone.balance(card.Number))
	}
	if a := phone.call("DELETE", pass, phone.registration(pass), "", auth(pass)...); a.status != http.StatusOK {
		t.Errorf("unregister: %d", a.status)
	}
	if c := s.card(card.Number); !c.Installed.IsZero() || c.Removed.IsZero() {
		t.Errorf("installed %v, removed %v", c.Installed, c.Removed)
	}
	if a := phone.call("DELETE", pass, phone.registration(pass), "", auth(pass)...); a.status != http.StatusOK {
		t.Errorf("unregister again: %d", a.status)
	}
	if a := s.do("GET", "/wallet/v1/devices/"+phone.name+"/registrations/"+pass.PassType, ""); a.status != http.StatusNotFound {
		t.Errorf("a phone without cards: %d", a.status)
	}
	s.update(card.Number, "BONUS", "151")
	s.pushes()
	if n := s.pushed(phone.token); n != 1 {
		t.Errorf("a phone without the card heard %d pushes", n)
	}
}

// Two changes within one second, with a fetch between them, are two.
func TestTwoChangesWithinOneSecondAreBothSeen(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "aa")
	pass := phone.add(card.Number)
	phone.wake(pass.PassType)
	for _, bonus := range []float64{7, 8, 9} {
		s.update(card.Number, "BONUS", string('0'+rune(bonus)))
		if phone.wake(pass.PassType); phone.balance(card.Number) != bonus {
			t.Errorf("balance %v, want %v", phone.balance(card.Number), bonus)
		}
	}
	if len(phone.fresh) != 3 {
		t.Errorf("fetched %d times", len(phone.fresh))
	}
}

func TestChangeOnTheWayToThePhoneIsPushed(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "aa")
	pass := phone.take(s.do("GET", s.link(card.Number)+".pkpass", ""))
	s.update(card.Number, "BONUS", "42") // before it registers
	if a := phone.call("POST", pass, phone.registration(pass), `{"pushToken":"`+phone.token+`"}`, auth(pass)...); a.status != http.StatusCreated {
		t.Fatal(a.status)
	}
	if s.pushes(); s.pushed(phone.token) != 1 {
		t.Errorf("%d pushes", s.pushed(phone.token))
	}
	if phone.wake(pass.PassType); phone.balance(card.Number) != 42.0 {
		t.Errorf("balance %v", phone.balance(card.Number))
	}
}

func TestVanishedPhoneIsForgotten(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "aa")
	phone.add(card.Number)
	s.advance(time.Hour)
	s.apns.Vanish(phone.token)
	s.update(card.Number, "BONUS", "1")
	s.pushes()
	s.pushes()
	if !s.card(card.Number).Installed.IsZero() {
		t.Error("the card of a phone that is gone is still installed")
	}
}

func TestNewTokenIsThePhonesForAllItsCards(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	a, b := s.issue(), s.issue("PHONE", "+7 928 664-66-12")
	phone := newPhone(s, "aa")
	phone.add(a.Number)
	phone.token = s.apns.NewDevice(wallet.DevelopmentPassType)
	phone.add(b.Number)
	s.update(a.Number, "BONUS", "1")
	s.update(b.Number, "BONUS", "2")
	if s.pushes(); s.pushed(phone.token) != 1 {
		t.Errorf("one phone, one burst, %d pushes", s.pushed(phone.token))
	}
	if got := phone.wake(wallet.DevelopmentPassType); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestDeletedCardIsVoidOnThePhone(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "aa")
	pass := phone.add(card.Number)
	if err := s.cards.Delete(t.Context(), card.Number, store.By{Origin: "test"}); err != nil {
		t.Fatal(err)
	}
	if phone.wake(pass.PassType); !phone.passes[card.Number].Voided {
		t.Error("the pass is not void")
	}
	other := newPhone(s, "bb")
	if a := other.call("POST", pass, other.registration(pass), `{"pushToken":"`+other.token+`"}`, auth(pass)...); a.status != http.StatusUnauthorized {
		t.Errorf("a phone more for a deleted card: %d", a.status)
	}
}

func TestPhonesCallsAreRefusedAlike(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "aa")
	pass := phone.add(card.Number)
	good, unknown := pass.Token, strings.Repeat("a", 24)
	path := phone.registration(pass)
	body := `{"pushToken":"aabb"}`
	for name, c := range map[string]struct {
		method, path, body string
		auth               string
		want               int
	}{
		"no token":                    {"POST", path, body, "", 401},
		"another's token":             {"POST", path, body, "ApplePass " + s.cards.Token(unknown), 401},
		"another way":                 {"POST", path, body, "Bearer " + good, 401},
		"unknown card":                {"POST", "/devices/aa/registrations/" + pass.PassType + "/" + unknown, body, "ApplePass " + s.cards.Token(unknown), 401},
		"no card at all":              {"POST", "/devices/aa/registrations/" + pass.PassType + "/%2e%2e", body, "ApplePass " + good, 401},
		"another pass type":           {"POST", "/devices/aa/registrations/pass.other/" + pass.Serial, body, "ApplePass " + good, 401},
		"pass of another type":        {"GET", "/passes/pass.other/" + pass.Serial, "", "ApplePass " + good, 401},
		"pass without a token":        {"GET", "/passes/" + pass.PassType + "/" + pass.Serial, "", "", 401},
		"the page's secret":           {"GET", "/passes/" + pass.PassType + "/" + pass.Serial, "", "ApplePass " + strings.Split(s.link(card.Number), "-")[1], 401},
		"the last, by a wrong token":  {"DELETE", path, "", "ApplePass x" + good, 401},
		"no body":                     {"POST", path, "", "ApplePass " + good, 400},
		"no JSON":                     {"POST", path, "{", "ApplePass " + good, 400},
		"no push token":               {"POST", path, "{}", "ApplePass " + good, 400},
		"push token of other letters": {"POST", path, `{"pushToken":"xyz"}`, "ApplePass " + good, 400},
		"push token too long":         {"POST", path, `{"pushToken":"` + strings.Repeat("a", 201) + `"}`, "ApplePass " + good, 400},
		"push token is a number":      {"POST", path, `{"pushToken":12}`, "ApplePass " + good, 400},
		"body too long":               {"POST", path, `{"pushToken":"aa","x":"` + strings.Repeat("a", 5000) + `"}`, "ApplePass " + good, 413},
		"phone's name too long":       {"POST", "/devices/" + strings.Repeat("a", 101) + "/registrations/" + pass.PassType + "/" + pass.Serial, body, "ApplePass " + good, 400},
		"phone's name of a web card":  {"POST", "/devices/web:aa/registrations/" + pass.PassType + "/" + pass.Serial, body, "ApplePass " + good, 400},
		"unknown phone":               {"GET", "/devices/zz/registrations/" + pass.PassType, "", "", 404},
		"list of another pass type":   {"GET", "/devices/aa/registrations/pass.other", "", "", 404},
		"another call":                {"POST", "/passes/" + pass.PassType + "/" + pass.Serial + "/personalize", "{}", "ApplePass " + good, 404},
		"nothing":                     {"GET", "", "", "", 404},
		"another method":              {"PUT", path, body, "ApplePass " + good, 405},
		"another method of a pass":    {"POST", "/passes/" + pass.PassType + "/" + pass.Serial, "", "ApplePass " + good, 405},
	} {
		header := []string{}
		if c.auth != "" {
			header = []string{"Authorization", c.auth}
		}
		if a := phone.call(c.method, pass, c.path, c.body, header...); a.status != c.want || len(a.body) > 0 {
			t.Errorf("%s: %d %q, want %d", name, a.status, a.body, c.want)
		}
	}
	if logged := s.logged.String(); strings.Contains(logged, good) || strings.Contains(logged, phone.token) {
		t.Error("a secret stands in the log")
	}
}

func TestPathsOfPhonesAreReadAsTheyCome(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "a-b.c~d")
	pass := phone.take(s.do("GET", s.link(card.Number)+".pkpass", ""))
	escaped := strings.NewReplacer("-", "%2D", ".", "%2E").Replace("/devices/" + phone.name + "/registrations/" + pass.PassType + "/" + pass.Serial)
	for i, path := range []string{"//wallet/v1" + escaped, "/wallet//v1/" + escaped + "/", "/%77allet/v1" + escaped} {
		want := http.StatusOK
		if i == 0 {
			want = http.StatusCreated
		}
		if a := s.do("POST", path, `{"pushToken":"AABB"}`, auth(pass)...); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
	list := s.do("GET", "/wallet/v1//devices/a%2Db.c~d/registrations/"+pass.PassType+"/", "")
	if list.status != 200 || !strings.Contains(list.body, card.Number) || list.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", list.status, list.body, list.header)
	}
}

func TestPassIsFetchedOnlyWhenItChanged(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "aa")
	pass := phone.add(card.Number)
	path := "/passes/" + pass.PassType + "/" + pass.Serial
	first := phone.call("GET", pass, path, "", auth(pass)...)
	modified := first.header.Get("Last-Modified")
	if first.status != 200 || first.header.Get("Cache-Control") != "private, no-store" || modified == "" {
		t.Errorf("%d %v", first.status, first.header)
	}
	for since, want := range map[string]int{modified: 304, "": 200, "yesterday": 200, "Mon, 01 Jan 2024 00:00:00 GMT": 200} {
		if a := phone.call("GET", pass, path, "", append(auth(pass), "If-Modified-Since", since)...); a.status != want {
			t.Errorf("since %q: %d, want %d", since, a.status, want)
		}
	}
	s.update(card.Number, "BONUS", "3")
	a := phone.call("GET", pass, path, "", append(auth(pass), "If-Modified-Since", modified)...)
	if next := a.header.Get("Last-Modified"); a.status != 200 || next == modified {
		t.Errorf("%d, modified %s, then %s", a.status, modified, next)
	}
	var devices []*styk.CardDevice
	if err := s.db.View(t.Context(), func(tx *store.Tx) (err error) {
		devices, err = tx.CardDevices(card.ID)
		return err
	}); err != nil || len(devices) != 1 || devices[0].FetchedRevision != 2 || !strings.HasPrefix(devices[0].Agent, "passd") {
		t.Errorf("%+v, %v", devices, err)
	}
}

func TestPhonesComplaintsAreKeptWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	token := s.cards.Token(card.Number)
	body, _ := json.Marshal(map[string][]string{"logs": {
		"Register task (for serial number " + card.Number + ", token " + token + ")\nencountered error: Authentication failure",
		strings.Repeat("я", 5000), strings.Repeat("a ", 280) + token,
	}})
	if a := s.do("POST", "/wallet/v1/log", string(body)); a.status != 200 {
		t.Fatal(a.status)
	}
	for _, bad := range []string{"", "{", `{"logs":"x"}`, `[]`} {
		if a := s.do("POST", "/wallet/v1/log", bad); a.status != 400 {
			t.Errorf("%q: %d", bad, a.status)
		}
	}
	if a := s.do("POST", "/wallet/v1/log", `{"logs":["`+strings.Repeat("x", 40<<10)+`"]}`); a.status != 413 {
		t.Errorf("too long: %d", a.status)
	}
	lines := s.phoneLog()
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if len(line) > 700 || strings.Contains(line, token[:10]) || strings.ContainsAny(line, "\n") {
			t.Errorf("kept: %q", line)
		}
	}
	if !strings.Contains(lines[2], card.Number) || !strings.Contains(lines[2], "Authentication failure") {
		t.Errorf("kept: %q", lines[2])
	}
}

func (s *cardSite) phoneLog() (texts []string) {
	s.t.Helper()
	err := s.db.View(s.t.Context(), func(tx *store.Tx) error {
		lines, err := tx.CardLog(1000)
		for _, l := range lines {
			texts = append(texts, l.Text)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return texts
}

func TestPhonesComplaintsAreBounded(t *testing.T) {
	t.Parallel()
	s := newCardSite(t, from("203.0.113.7"))
	many := `{"logs":["` + strings.Repeat(`a","`, 100) + `"]}`
	for range 50 {
		if a := s.do("POST", "/wallet/v1/log", many); a.status != 200 {
			t.Fatal(a.status)
		}
	}
	if n := len(s.phoneLog()); n != phoneLogRate.Burst*maxPhoneLines {
		t.Errorf("%d lines are kept", n)
	}
}

func TestCardIsNotOnEndlesslyManyPhones(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	phone := newPhone(s, "aa")
	pass := phone.add(card.Number)
	last := 0
	for i := range 60 {
		phone.name = "bb" + strings.Repeat("c", i)
		last = phone.call("POST", pass, phone.registration(pass), `{"pushToken":"aa"}`, auth(pass)...).status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 61st phone: %d", last)
	}
}

// FuzzDevicePaths looks for calls that break the service, or change anything
// without the card's token.
func FuzzDevicePaths(f *testing.F) {
	s := newCardSite(f)
	card := s.issue()
	token := s.cards.Token(card.Number)
	for _, seed := range []struct{ method, path, auth, body string }{
		{"POST", "/wallet/v1/devices/aa/registrations/pass.dev.styk.card/" + card.Number, "ApplePass wrong", `{"pushToken":"aa"}`},
		{"DELETE", "/wallet/v1/devices/aa/registrations/pass.dev.styk.card/" + card.Number, "ApplePass ", ""},
		{"GET", "/wallet/v1/devices/aa/registrations/pass.dev.styk.card?passesUpdatedSince=-1", "", ""},
		{"GET", "//wallet//v1/passes/pass.dev.styk.card/%00" + card.Number, "applepass\t", ""},
		{"POST", "/wallet/v1/log", "", `{"logs":["a","\u0000\ud800"]}`},
		{"POST", "/wallet/v1/log", "", "{\"logs\":[\"\xff\"]}"},
		{"PUT", "/wallet/v1/%2e%2e/%2f", "", "null"},
	} {
		f.Add(seed.method, seed.path, seed.auth, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, auth, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader([]byte(body)))
		if err != nil || strings.Contains(auth, token) {
			t.Skip()
		}
		r.Header.Set("Authorization", auth)
		w := &statusOnly{header: http.Header{}}
		s.web.ServeHTTP(w, r)
		if w.status >= 500 || w.status == http.StatusCreated || strings.HasPrefix(r.URL.Path, "/wallet/v1") && w.status/100 == 3 {
			t.Errorf("%s %q: %d", method, path, w.status)
		}
		if now, _, err := s.cards.Load(t.Context(), card.Number); err != nil || !now.Installed.IsZero() {
			t.Error("the card is installed without its token", err)
		}
	})
}

// statusOnly is an answer whose body nobody reads.
type statusOnly struct {
	header http.Header
	status int
	size   int
}

func (w *statusOnly) Header() http.Header { return w.header }

func (w *statusOnly) WriteHeader(status int) { w.status = status }

func (w *statusOnly) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.size += len(b)
	return len(b), nil
}
