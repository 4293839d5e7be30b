package vtiger

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

// SimFault is one switch and its position.
type SimFault struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Times: after so many uses it goes off by itself; 0 = stays.
	Times int `json:"times,omitempty"`
	// Operation narrows it to one operation, "capture" or "storage"; "" = all.
	Operation string `json:"operation,omitempty"`
}

// simSwitches are the names and positions; a nil list takes a number or a
// duration, as the name says. The numbers are of spec/vtiger.md.
var simSwitches = map[string][]string{
	"session":         {"dies"},                                                               // 2.4: swept just before the call
	"session-seconds": nil,                                                                    // 2.4: gc_maxlifetime, 1440
	"token":           {"race"},                                                               // 2.2: another program asks for one after us
	"login":           {"wrong-key", "no-key", "unknown-user"},                                // 1.7
	"answer":          {"500-empty", "html-before", "200-html", "200-empty", "cut", "warned"}, // 1.6, 8; nothing is done
	"after":           {"500-empty", "html-before", "200-html", "200-empty", "cut"},           // 1.6; it is done
	"commit-then":     {"timeout", "reset"},                                                   // 10.3
	"error":           {"internal", "database", "denied", "duplicate", "owner"},               // 1.6, 1.7
	"rate":            {"429", "503"},                                                         // a proxy's limit
	"latency":         nil,
	"custom":          {"absent"},                       // the seed's operations are not registered: 1.6
	"link":            {"ignored"},                      // 10.10
	"storage":         {"readonly", "put", "folder"},    // 6
	"webform":         {"absent", "robot", "file-lost"}, // 5
	"php":             {"7"},                            // 2.5: logout works there
}

// SimSwitches gives the switches' names and positions, for a help text; no
// positions: the switch takes a number or a duration.
func SimSwitches() map[string][]string { return maps.Clone(simSwitches) }

// ParseFault reads "session=dies:1", "rate=429" or "answer=cut:1@CreateProject".
func ParseFault(text string) (SimFault, error) {
	rest, operation, _ := strings.Cut(text, "@")
	name, value, _ := strings.Cut(rest, "=")
	f := SimFault{Name: name, Value: value, Operation: operation}
	if before, times, found := strings.Cut(value, ":"); found {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 {
			return f, fmt.Errorf("fault %q: want NAME=VALUE, NAME=VALUE:TIMES or either with @OPERATION", text)
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
	var err error
	switch {
	case f.Name == "latency":
		_, err = time.ParseDuration(f.Value)
	case f.Name == "session-seconds":
		_, err = strconv.Atoi(f.Value)
	case !slices.Contains(positions, f.Value):
		err = fmt.Errorf("want one of %s", strings.Join(positions, ", "))
	}
	if err != nil {
		return fmt.Errorf("switch %s=%q: %w", f.Name, f.Value, err)
	}
	return nil
}

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

// Calm puts every switch back; sessions and records stay.
func (s *Sim) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// EndSessions ends every session, as PHP's sweep does.
func (s *Sim) EndSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
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

// faultFor uses a switch that is set for this operation, nil when it is not.
func (s *Sim) faultFor(name, operation string) *SimFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.use(name, operation)
}

func (s *Sim) use(name, operation string) *SimFault {
	f := s.faults[name]
	if f == nil || f.Operation != "" && !strings.EqualFold(f.Operation, operation) {
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

// position gives a switch's value without using it up, or the default.
func (s *Sim) position(name, otherwise string) string {
	if f := s.faults[name]; f != nil {
		return f.Value
	}
	return otherwise
}

// before plays what goes wrong before anything is done. true: it is answered.
func (c *simCall) before() bool {
	c.delay(c.r.Context(), c.operation)
	if f := c.faultFor("rate", c.operation); f != nil {
		status, _ := strconv.Atoi(f.Value)
		c.remark = "rate"
		c.w.Header().Set("Retry-After", "2")
		c.page(status, "<html><body>slow down</body></html>")
		return true
	}
	f := c.faultFor("answer", c.operation)
	if f == nil {
		return false
	}
	c.remark = "answer " + f.Value
	if f.Value == "warned" { // 1.6: done as always, with PHP's warning before it
		return false
	}
	c.spoil(f.Value, nil)
	return true
}

// spoil answers in one of the broken shapes of 1.6.
func (c *simCall) spoil(shape string, body []byte) {
	const warning = "<br />\n<b>Warning</b>:  Undefined array key in <b>/var/www/crm/include/utils.php</b> on line <b>7</b><br />\n"
	switch shape {
	case "500-empty":
		c.page(http.StatusInternalServerError, "")
	case "html-before":
		if body == nil {
			body = simFailure(CodeInternal, MsgInternal)
		}
		c.answer("application/json", warning, body)
	case "200-html":
		c.page(http.StatusOK, "<!DOCTYPE html><html><body>Service temporarily unavailable</body></html>")
	case "200-empty":
		c.answer("application/json", "", nil)
	case "cut":
		c.answer("application/json", "", []byte(`{"success":true,"result":{"id":"12x`))
	}
}

// after plays what goes wrong with the answer to something that was done. true:
// nothing more is to be written.
func (c *simCall) after(body []byte) bool {
	if f := c.faultFor("after", c.operation); f != nil {
		c.remark = "done, then " + f.Value
		c.spoil(f.Value, body)
		return true
	}
	f := c.faultFor("commit-then", c.operation)
	if f == nil {
		return false
	}
	c.remark = "done, then " + f.Value
	if f.Value == "timeout" {
		<-c.r.Context().Done()
	}
	panic(http.ErrAbortHandler) // net/http cuts the connection
}

// failing gives a declared error that a switch asks for.
func (c *simCall) failing() *simError {
	f := c.use("error", c.operation)
	if f == nil {
		return nil
	}
	c.remark = "error " + f.Value
	switch f.Value {
	case "database":
		return &simError{CodeDatabaseQuery, MsgDatabase}
	case "denied":
		return &simError{CodeAccessDenied, MsgDenied}
	case "duplicate":
		return &simError{CodeDuplicate, MsgDuplicate}
	case "owner": // M32
		return &simError{simPlainText, "Sorry! Attempt to access restricted file."}
	}
	return &simError{CodeInternal, MsgInternal}
}
