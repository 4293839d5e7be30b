package passteam

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SimFault is one switch and its position.
type SimFault struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Times: after so many uses it goes off by itself; 0 = stays.
	Times int `json:"times,omitempty"`
	// Method narrows it to methods whose name holds this text; "" = all.
	Method string `json:"method,omitempty"`
}

// simSwitches are the names and positions. A nil list takes a duration. "names",
// "shape", "status" and "code" are what no source settles (spec/passteam.md 8).
var simSwitches = map[string][]string{
	"latency":     nil,
	"rate":        {"429", "503"},
	"trouble":     {"500", "502", "503", "html", "empty", "cut", "redirect"},
	"cut":         {"before", "after"},                        // the connection, around the work
	"commit-then": {"500", "timeout"},                         // the work is done, the answer says otherwise or does not come
	"token":       {"expired"},                                //
	"bearer":      {"on"},                                     // the token is wanted behind the word Bearer
	"status":      {"200"},                                    // whatever the code
	"code":        {"text"},                                   // "200" in quotes
	"names":       {"other"},                                  // undocumented methods go by their second name only
	"shape":       {"other"},                                  // undocumented fields have other names
	"pages":       {"same", "shift", "uncounted", "too-long"}, // one page for ever; a card goes after each; no counters; 60 cards
}

// ParseFault reads "trouble=502:3", "rate=429" or "latency=2s".
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
		return fmt.Errorf("no switch %q; there are: %s", f.Name, strings.Join(slices.Sorted(maps.Keys(simSwitches)), ", "))
	}
	if positions == nil {
		if _, err := time.ParseDuration(f.Value); err != nil {
			return fmt.Errorf("switch %s=%q: %w", f.Name, f.Value, err)
		}
		return nil
	}
	if !slices.Contains(positions, f.Value) {
		return fmt.Errorf("switch %s=%q: want one of %s", f.Name, f.Value, strings.Join(positions, ", "))
	}
	return nil
}

// SimSwitches gives the switches' names and positions, for a help text; no
// positions: the switch takes a duration.
func SimSwitches() map[string][]string { return maps.Clone(simSwitches) }

// Fault sets a switch.
func (s *Sim) Fault(f SimFault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[f.Name] = &f
	return nil
}

// Calm puts every switch back; the cards stay.
func (s *Sim) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// serveFault is POST /_sim/fault: one switch, a list of them, or {"name":"calm"}.
func (s *Sim) serveFault(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeSim(w, http.StatusMethodNotAllowed, map[string]string{"error": "POST a switch"})
		return
	}
	var raw json.RawMessage
	var faults []SimFault
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&raw)
	if err == nil && json.Unmarshal(raw, &faults) != nil {
		faults = make([]SimFault, 1)
		err = json.Unmarshal(raw, &faults[0])
	}
	for _, f := range faults {
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

// faultFor uses a switch that is set for this method, nil when it is not.
func (s *Sim) faultFor(name, method string) *SimFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.use(name, method)
}

// use needs s.mu.
func (s *Sim) use(name, method string) *SimFault {
	f := s.faults[name]
	if f == nil || !strings.Contains(method, f.Method) {
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

// trouble plays a limit and what a broken server or a proxy says. true: answered.
func (s *Sim) trouble(a *simCall) bool {
	if f := s.faultFor("rate", a.method); f != nil {
		a.Header().Set("Retry-After", "2")
		code, _ := strconv.Atoi(f.Value)
		s.refuse(a, code, "limit of the tariff")
		return true
	}
	f := s.faultFor("trouble", a.method)
	if f == nil {
		return false
	}
	a.why = "trouble " + f.Value
	switch f.Value {
	case "html":
		writePage(a, 502, "<html><body><h1>502 Bad Gateway</h1></body></html>")
	case "empty":
		writePage(a, 200, "")
	case "cut":
		writePage(a, 200, `{"result":{"cards":[`)
	case "redirect":
		a.Header().Set("Location", "https://passteam.example/login")
		writePage(a, 302, "")
	default:
		code, _ := strconv.Atoi(f.Value)
		s.refuse(a, code, "trouble")
	}
	return true
}

func writePage(w http.ResponseWriter, status int, page string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page)
}

// cutBefore plays a request that got lost.
func (s *Sim) cutBefore(a *simCall, _ *http.Request) bool {
	s.mu.Lock()
	f := s.faults["cut"]
	before := f != nil && f.Value == "before" && s.use("cut", a.method) != nil
	s.mu.Unlock()
	if before {
		a.why = "cut"
		panic(http.ErrAbortHandler) // net/http cuts the connection
	}
	return false
}

// cutAfter plays work that was done while its answer was lost. true: nothing
// more is to be written.
func (s *Sim) cutAfter(a *simCall, r *http.Request, done bool) bool {
	if !done {
		return false
	}
	if f := s.faultFor("cut", a.method); f != nil {
		a.why = "done, then cut"
		panic(http.ErrAbortHandler)
	}
	f := s.faultFor("commit-then", a.method)
	if f == nil {
		return false
	}
	a.why = "done, then " + f.Value
	if f.Value == "500" {
		s.refuse(a, 500, "trouble after the work")
		return true
	}
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}
