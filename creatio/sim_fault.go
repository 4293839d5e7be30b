package creatio

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SimFault is one switch of spec/creatio.md 8 and its position.
type SimFault struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Times: after so many uses it goes off by itself; 0 = stays.
	Times int `json:"times,omitempty"`
	// Entity narrows it to calls whose path holds this text; "" = all.
	Entity string `json:"entity,omitempty"`
}

// simSwitches are the names and positions of section 8. A nil list takes a
// number or a duration, as the name says. "no-api" is the doubt of section 9
// about builds without FileApiService.
var simSwitches = map[string][]string{
	"platform":           {string(Framework), string(Net), string(BPMSoft)},
	"csrf":               {"BPMCSRF", "CRT_CSRF", "off", "late"},
	"expired":            {"401-empty", "401-json", "302", "302-followed-200-html", "403"},
	"sessionid":          {"in-login", "first-call", "reissue-each-call"},
	"session-minutes":    nil,
	"expire-after-calls": nil,
	"login":              {"ok", "code1", "password-expired", "403", "html", "locked", "licence"},
	"commit-then":        {"timeout", "500", "reset"},
	"number":             {"in-201", "late", "missing-setting", "duplicate"},
	"own-id":             {"accepted", "refused"},
	"file":               {"ok", "too-large", "type-denied", "drop-at-chunk", "200-empty", "no-api"},
	"odata-model":        {"ready", "rebuilding"},
	"latency":            nil,
	"rate":               {"429", "503"},
	"permission":         nil,
}

// ParseFault reads "commit-then=500:3", "rate=429" or "file=drop-at-chunk 2".
func ParseFault(text string) (SimFault, error) {
	name, value, _ := strings.Cut(text, "=")
	f := SimFault{Name: name, Value: value}
	if before, times, found := strings.Cut(value, ":"); found {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 {
			return f, fmt.Errorf("fault %q: want NAME=VALUE or NAME=VALUE:TIMES", text)
		}
		f.Value, f.Times = before, n
	}
	return f, f.check()
}

func (f SimFault) check() error {
	positions, ok := simSwitches[f.Name]
	if !ok {
		return fmt.Errorf("no switch %q; there are: %s", f.Name, strings.Join(sortedKeys(simSwitches), ", "))
	}
	var err error
	switch f.Name {
	case "latency":
		_, err = time.ParseDuration(f.Value)
	case "session-minutes", "expire-after-calls":
		_, err = strconv.Atoi(f.Value)
	case "permission":
		if _, known := simColumns[f.Value]; !known {
			err = fmt.Errorf("no entity %q", f.Value)
		}
	default:
		word, _, _ := strings.Cut(f.Value, " ") // "drop-at-chunk 2"
		if !slices.Contains(positions, word) {
			err = fmt.Errorf("want one of %s", strings.Join(positions, ", "))
		}
	}
	if err != nil {
		return fmt.Errorf("switch %s=%q: %w", f.Name, f.Value, err)
	}
	return nil
}

// SimSwitches gives the switches' names and positions, for a help text; no
// positions: the switch takes a number, a duration or an entity.
func SimSwitches() map[string][]string { return maps.Clone(simSwitches) }

// Fault sets a switch. Setting "expired" also ends every session there is.
func (s *Sim) Fault(f SimFault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.Name {
	case "platform":
		s.platform = Platform(f.Value)
		return nil
	case "expired":
		s.endSessions()
	case "expire-after-calls":
		for _, session := range s.sessions {
			session.calls = 0
		}
	}
	s.faults[f.Name] = &f
	return nil
}

// Calm puts every switch back; the sessions and rows stay.
func (s *Sim) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// EndSessions ends every session and token, as a recycled pool does.
func (s *Sim) EndSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endSessions()
}

func (s *Sim) endSessions() {
	clear(s.sessions)
	clear(s.bearers)
}

// serveFault is POST /_sim/fault: one switch, a list of them, or {"name":"calm"}.
func (s *Sim) serveFault(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeSim(w, http.StatusMethodNotAllowed, map[string]string{"error": "POST a switch"})
		return
	}
	var raw json.RawMessage
	var list []SimFault
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&raw)
	if err == nil && json.Unmarshal(raw, &list) != nil {
		list = make([]SimFault, 1)
		err = json.Unmarshal(raw, &list[0])
	}
	for _, f := range list {
		if err != nil {
			break
		}
		if f.Name == "calm" {
			s.Calm()
			continue
		}
		err = s.Fault(f)
	}
	if err != nil {
		writeSim(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	writeSim(w, http.StatusOK, s.State().Faults)
}

// position gives a switch's value without using it up, or the default.
func (s *Sim) position(name, otherwise string) string {
	if f := s.faults[name]; f != nil {
		return f.Value
	}
	return otherwise
}

// faultFor uses a switch that is set for this path, nil when it is not.
func (s *Sim) faultFor(name, path string) *SimFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.use(name, path)
}

func (s *Sim) use(name, path string) *SimFault {
	f := s.faults[name]
	if f == nil || !strings.Contains(path, f.Entity) {
		return nil
	}
	used := *f
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			delete(s.faults, name)
		}
	}
	return &used
}

// allowRate plays a proxy's limit (2.10).
func (s *Sim) allowRate(w *simAnswer) bool {
	f := s.faultFor("rate", "")
	if f == nil {
		return true
	}
	status, _ := strconv.Atoi(f.Value)
	w.note = "rate"
	w.Header().Set("Retry-After", "2")
	writeHTML(w, status, "<html><body>slow down</body></html>")
	return false
}

// cutOff plays a row that was saved while its answer was lost. true: nothing
// more is to be written.
func (s *Sim) cutOff(w *simAnswer, r *http.Request) bool {
	f := s.faultFor("commit-then", r.URL.Path)
	if f == nil {
		return false
	}
	w.note = "saved, then " + f.Value
	switch f.Value {
	case "500":
		odataFault(w, http.StatusInternalServerError, "an after-insert handler has thrown")
	case "timeout":
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	default:
		panic(http.ErrAbortHandler) // net/http cuts the connection
	}
	return true
}

// Faults gives the switches that are set.
func (s *Sim) Faults() map[string]SimFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := map[string]SimFault{}
	for name, f := range s.faults {
		set[name] = *f
	}
	return set
}
