package passteam

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Sim plays Passteam by spec/passteam.md 1, strictly: what is not listed there
// is an error. It keeps everything in memory, is an http.Handler, and may be
// used by many goroutines. Besides the methods it answers GET /_sim/state and
// POST /_sim/fault. Of the package it shares constants of the wire only, so that
// it can judge both the client and the server.
type Sim struct {
	token, nickname, password string
	now                       func() time.Time

	mu        sync.Mutex
	templates []SimTemplate
	cards     []*simCard // in the order they were made
	faults    map[string]*SimFault
	log       []SimCall
	calls     int // all, also those that the log no longer holds
	broken    []string
}

// SimOption sets up a Sim.
type SimOption func(*Sim)

// SimToken sets the token; the default is "passteam-secret".
func SimToken(token string) SimOption { return func(s *Sim) { s.token = token } }

// SimLogin sets who may get a token; the default is "shop", "secret".
func SimLogin(nickname, password string) SimOption {
	return func(s *Sim) { s.nickname, s.password = nickname, password }
}

// SimClock sets the clock of createdAt and updatedAt.
func SimClock(now func() time.Time) SimOption { return func(s *Sim) { s.now = now } }

// SimCards fills the first template with n cards of made-up people.
func SimCards(n int) SimOption {
	return func(s *Sim) {
		for i := range n {
			s.cards = append(s.cards, s.newCard(s.templates[0].ID, map[string]string{
				"CLIENT_NAME": fmt.Sprintf("Гость %d", i+1), "PHONE": fmt.Sprintf("7913%07d", i), "BONUS": fmt.Sprint(i % 1000 * 10),
			}))
		}
	}
}

// SimTemplate is a template of the simulated service. Names of variables are
// without per cent signs.
type SimTemplate struct {
	ID        string        `json:"templateId"`
	Name      string        `json:"name"`
	Variables []SimVariable `json:"variables"`
}

// SimVariable is a variable of a SimTemplate.
type SimVariable struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Unique bool   `json:"unique"` // and required
}

// The templates a Sim begins with.
const (
	SimGuestTemplate    = "5be000000000000000000001" // CLIENT_NAME BIRTHDAY PHONE (unique) EMAIL BONUS
	SimDiscountTemplate = "5be000000000000000000002" // BALANCE _CODE NUMBERCARD DISCOUNT
)

// NewSim makes a service with two templates and, without SimCards, no card.
func NewSim(options ...SimOption) *Sim {
	s := &Sim{
		token: "passteam-secret", nickname: "shop", password: "secret", now: time.Now, faults: map[string]*SimFault{},
		templates: []SimTemplate{
			{SimGuestTemplate, "Карта гостя", []SimVariable{
				{"CLIENT_NAME", "string", false}, {"BIRTHDAY", "date", false}, {"PHONE", "phone", true}, {"EMAIL", "email", false}, {"BONUS", "number", false},
			}},
			{SimDiscountTemplate, "Скидочная карта", []SimVariable{
				{"BALANCE", "number", false}, {"_CODE", "string", false}, {"NUMBERCARD", "string", false}, {"DISCOUNT", "number", false},
			}},
		},
	}
	for _, o := range options {
		o(s)
	}
	return s
}

// AddTemplate adds a template.
func (s *Sim) AddTemplate(t SimTemplate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.templates = append(s.templates, t)
}

// SimCall is one line of the log.
type SimCall struct {
	Method string    `json:"method"` // of the API; the whole path when it is none
	Status int       `json:"status"` // of HTTP; 0: the connection was cut
	Code   int       `json:"code"`   // of the envelope
	At     time.Time `json:"at"`
	Note   string    `json:"note,omitempty"` // why it was refused
}

// SimCardState is a card as the simulated service holds it.
type SimCardState struct {
	CardID     string            `json:"cardId"`
	TemplateID string            `json:"templateId"`
	Installed  bool              `json:"installed"`
	Deleted    bool              `json:"deleted"`
	Values     map[string]string `json:"values"`
	Pushes     []string          `json:"pushes,omitempty"`
}

// SimState is everything a test or a person may want to see.
type SimState struct {
	Templates []SimTemplate       `json:"templates"`
	Cards     []SimCardState      `json:"cards"` // in the order they were made
	Calls     int                 `json:"calls"`
	Faults    map[string]SimFault `json:"faults"`
	Broken    []string            `json:"broken"` // rules of the protocol that a caller broke
	Log       []SimCall           `json:"log"`    // the last 20,000 calls
}

// State gives a copy of everything.
func (s *Sim) State() SimState {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SimState{
		Templates: slices.Clone(s.templates), Cards: []SimCardState{}, Calls: s.calls, Faults: map[string]SimFault{},
		Broken: slices.Clone(s.broken), Log: slices.Clone(s.log),
	}
	for _, c := range s.cards {
		st.Cards = append(st.Cards, SimCardState{c.id, c.template, c.installed, c.deleted, maps.Clone(c.values), slices.Clone(c.pushes)})
	}
	for name, f := range s.faults {
		st.Faults[name] = *f
	}
	return st
}

// Install says that a phone has taken the card, or dropped it.
func (s *Sim) Install(cardID string, installed bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.card(cardID)
	if c == nil {
		return fmt.Errorf("no card %q", cardID)
	}
	c.installed = installed
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/_sim/state":
		writeSim(w, http.StatusOK, s.State())
		return
	case "/_sim/fault":
		s.serveFault(w, r)
		return
	}
	method, found := strings.CutPrefix(r.URL.Path, "/oapi/v1/")
	if method = strings.ToLower(method); !found {
		method = r.URL.Path
	}
	s.delay(r.Context(), method)
	a := &simCall{ResponseWriter: w, method: method}
	defer func() {
		s.note(SimCall{Method: method, Status: a.status, Code: a.code, At: s.now(), Note: a.why})
	}()
	s.route(a, r)
}

// simCall is one call being answered.
type simCall struct {
	http.ResponseWriter
	method       string
	status, code int
	why          string
}

func (a *simCall) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (s *Sim) note(c SimCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if len(s.log) >= 20000 {
		s.log = slices.Delete(s.log, 0, 5000)
	}
	s.log = append(s.log, c)
}

// offend refuses a call that the statements do not know, and remembers it: a
// test of a well-behaved caller asks that there is none.
func (s *Sim) offend(a *simCall, code int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.mu.Lock()
	if len(s.broken) < 1000 {
		s.broken = append(s.broken, a.method+": "+text)
	}
	s.mu.Unlock()
	s.refuse(a, code, text)
}

func (s *Sim) route(a *simCall, r *http.Request) {
	call := simMethods[a.method]
	known := call != nil && s.knowsName(a.method)
	switch {
	case !strings.HasPrefix(r.URL.Path, "/oapi/v1/"):
		s.offend(a, 404, "no such path: %s", r.URL.Path)
	case r.Method != http.MethodPost:
		s.offend(a, 405, "%s instead of POST", r.Method)
	case s.trouble(a):
	case !s.allowed(r.Header.Get("Authorization")) && a.method != MethodGetToken:
		s.refuse(a, 401, "token is wrong or expired")
	case call == nil:
		s.offend(a, 404, "no such method")
	case !known:
		s.refuse(a, 404, "no such method")
	default:
		params, err := readSimForm(r)
		if err != nil {
			s.offend(a, 400, "%v", err)
			return
		}
		if unknown := params.unknown(call.params); unknown != "" {
			s.offend(a, 400, "parameter %s is not of this method", unknown)
			return
		}
		if s.cutBefore(a, r) {
			return
		}
		s.mu.Lock()
		result, refusal := call.do(s, params)
		s.mu.Unlock()
		switch {
		case s.cutAfter(a, r, refusal == nil):
		case refusal != nil && refusal.offence:
			s.offend(a, refusal.code, "%s", refusal.text)
		case refusal != nil:
			s.refuse(a, refusal.code, refusal.text)
		default:
			s.answer(a, 200, "OK", result)
		}
	}
}

// allowed compares the token: bare, never behind a word (1.1), unless the
// switch "bearer" turns it round.
func (s *Sim) allowed(header string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.use("token", "") != nil {
		return false
	}
	want := s.token
	if s.faults["bearer"] != nil {
		want = "Bearer " + want
	}
	return header == want
}

func (s *Sim) refuse(a *simCall, code int, text string) {
	a.why = text
	s.answer(a, code, text, map[string]any{})
}

// answer writes the envelope of 1.2.
func (s *Sim) answer(a *simCall, code int, message string, result any) {
	a.code = code
	envelope := map[string]any{"result": result, "message": message, "code": code, "error": code != 200}
	status := code
	s.mu.Lock()
	if s.faults["status"] != nil {
		status = 200
	}
	if s.faults["code"] != nil {
		envelope["code"] = fmt.Sprint(code)
	}
	s.mu.Unlock()
	writeSim(a, status, envelope)
}

func writeSim(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // only our own maps come here
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

func (s *Sim) delay(ctx context.Context, method string) {
	f := s.faultFor("latency", method)
	if f == nil {
		return
	}
	d, _ := time.ParseDuration(f.Value) // checked when it was set
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
