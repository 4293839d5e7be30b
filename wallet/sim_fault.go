package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SimFault is one switch of the simulated push service and its position.
type SimFault struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Times: after so many uses it goes off by itself; 0 = stays.
	Times int `json:"times,omitempty"`
	// Token narrows it to tokens that hold this text; "" = all.
	Token string `json:"token,omitempty"`
}

// simSwitches are the names and positions. A nil list takes a duration.
var simSwitches = map[string][]string{
	"answer":      {"429", "500", "503", "403", "html"}, // in place of a delivery
	"token":       {"bad", "gone", "topic"},             // what is said of a sound token
	"connection":  {"cut", "hang", "goaway"},            // before anything is delivered
	"commit-then": {"cut", "500", "hang"},               // delivered, then the answer is lost
	"push-type":   {"refused"},                          // apns-push-type is not liked
	"latency":     nil,
}

// ParseFault reads "answer=503:3" or "latency=200ms".
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
	if positions == nil {
		if d, err := time.ParseDuration(f.Value); err != nil || d < 0 {
			return fmt.Errorf("switch %s=%q: want a duration", f.Name, f.Value)
		}
	} else if !slices.Contains(positions, f.Value) {
		return fmt.Errorf("switch %s=%q: want one of %s", f.Name, f.Value, strings.Join(positions, ", "))
	}
	if f.Times < 0 {
		return fmt.Errorf("switch %s: %d times", f.Name, f.Times)
	}
	return nil
}

// SimSwitches gives the switches' names and positions, for a help text; no
// positions: the switch takes a duration.
func SimSwitches() map[string][]string { return maps.Clone(simSwitches) }

// Fault sets a switch.
func (s *APNsSim) Fault(f SimFault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[f.Name] = &f
	return nil
}

// Calm puts every switch back; the devices stay.
func (s *APNsSim) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// serveFault is POST /_sim/fault: one switch, a list of them, or {"name":"calm"}.
func (s *APNsSim) serveFault(w http.ResponseWriter, r *http.Request) {
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

// use takes a switch that is set for this token, nil when it is not.
func (s *APNsSim) use(name, token string) *SimFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults[name]
	if f == nil || !strings.Contains(token, f.Token) {
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

var errCut = errors.New("cut")

// misbehave answers in place of a delivery, or cuts the stream by an error;
// status 0: no switch is set.
func (s *APNsSim) misbehave(w http.ResponseWriter, r *http.Request, token string) (simAnswer, error) {
	if f := s.use("connection", token); f != nil {
		return simAnswer{status: http.StatusServiceUnavailable, reason: "Shutdown"}, breakOff(w, r, f.Value)
	}
	if r.Header.Get("Apns-Push-Type") != "" && s.use("push-type", token) != nil {
		return simAnswer{status: http.StatusBadRequest, reason: "InvalidPushType"}, nil
	}
	if f := s.use("token", token); f != nil {
		switch f.Value {
		case "bad":
			return simAnswer{status: http.StatusBadRequest, reason: "BadDeviceToken"}, nil
		case "topic":
			return simAnswer{status: http.StatusBadRequest, reason: "DeviceTokenNotForTopic"}, nil
		}
		return simAnswer{status: http.StatusGone, reason: "Unregistered", since: s.now()}, nil
	}
	if f := s.use("answer", token); f != nil {
		switch f.Value {
		case "html":
			return simAnswer{status: http.StatusBadGateway, html: true}, nil
		case "403":
			return simAnswer{status: http.StatusForbidden, reason: "BadCertificate"}, nil
		case "429":
			w.Header().Set("Retry-After", "1")
			return simAnswer{status: http.StatusTooManyRequests, reason: "TooManyRequests"}, nil
		case "500":
			return simAnswer{status: http.StatusInternalServerError, reason: "InternalServerError"}, nil
		}
		return simAnswer{status: http.StatusServiceUnavailable, reason: "ServiceUnavailable"}, nil
	}
	if f := s.use("commit-then", token); f != nil {
		if a := s.deliver(SimPush{Token: token, Topic: r.Header.Get("Apns-Topic")}); a.status != http.StatusOK {
			return a, nil
		}
		if s.onPush != nil {
			s.onPush(token)
		}
		return simAnswer{status: http.StatusInternalServerError, reason: "InternalServerError"}, breakOff(w, r, f.Value)
	}
	return simAnswer{}, nil
}

// breakOff gives the error that cuts the stream, or nil for an answer after
// which the connection is closed (goaway) or kept.
func breakOff(w http.ResponseWriter, r *http.Request, how string) error {
	switch how {
	case "cut":
		return errCut
	case "hang":
		<-r.Context().Done()
		return r.Context().Err()
	case "goaway":
		w.Header().Set("Connection", "close") // HTTP/2: a GOAWAY after this answer
	}
	return nil
}

func (s *APNsSim) delay(ctx context.Context, token string) {
	f := s.use("latency", token)
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
