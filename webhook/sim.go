package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Sim is a receiver of Standard Webhooks: it checks the signature, knows a
// repetition by its id, and answers with a number of its own. It shares nothing
// with the connector.
type Sim struct {
	Now func() time.Time // the receiver's clock; set before use; nil: time.Now
	// Silent receivers answer 204 and no number.
	Silent bool

	key    []byte
	mu     sync.Mutex
	events map[string]SimEvent // by webhook-id
	pings  int
}

// SimEvent is an event that the simulator took.
type SimEvent struct {
	ID, Type string
	Number   string // that the receiver gave
	Body     []byte
	Data     map[string]any
}

// NewSim makes a receiver that knows one secret, "whsec_…".
func NewSim(secret string) *Sim {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic("webhook.NewSim: the secret is not base64: " + err.Error())
	}
	return &Sim{key: key, events: map[string]SimEvent{}}
}

// ServeHTTP implements http.Handler.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return // the connection is gone
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "POST application/json expected", http.StatusMethodNotAllowed)
		return
	}
	if why := s.distrust(r.Header, body); why != "" {
		http.Error(w, why, http.StatusUnauthorized)
		return
	}
	var e struct {
		Type      string
		Timestamp time.Time
		Data      map[string]any
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" || e.Timestamp.IsZero() || e.Data == nil {
		http.Error(w, "type, timestamp and data expected", http.StatusBadRequest)
		return
	}
	number := s.take(SimEvent{ID: r.Header.Get("webhook-id"), Type: e.Type, Body: body, Data: e.Data})
	if s.Silent || number == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":%q,"number":%q}`, r.Header.Get("webhook-id"), number)
}

// distrust says why the request is not believed, or "".
func (s *Sim) distrust(h http.Header, body []byte) string {
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return "webhook-id and webhook-timestamp expected"
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	if d := now().Sub(time.Unix(seconds, 0)); d > 5*time.Minute || d < -5*time.Minute {
		return "webhook-timestamp is too far from now"
	}
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	want := mac.Sum(nil)
	for _, signature := range strings.Fields(h.Get("webhook-signature")) {
		version, encoded, _ := strings.Cut(signature, ",")
		got, err := base64.StdEncoding.DecodeString(encoded)
		if version == "v1" && err == nil && hmac.Equal(got, want) {
			return ""
		}
	}
	return "no signature matches"
}

// take stores the event once and gives its number; pings have none.
func (s *Sim) take(e SimEvent) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Type == "ping" {
		s.pings++
		return ""
	}
	if known, ok := s.events[e.ID]; ok {
		return known.Number
	}
	e.Number = fmt.Sprintf("WH-%05d", len(s.events)+1)
	s.events[e.ID] = e
	return e.Number
}

// Pings counts the checks that came.
func (s *Sim) Pings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pings
}

// Tickets gives the events about the ticket with our number.
func (s *Sim) Tickets(number string) []SimEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []SimEvent
	for _, e := range s.events {
		if e.Type == "ticket.created" && e.Data["number"] == number {
			out = append(out, e)
		}
	}
	return out
}

// SimFile is a file that came inside an event (Size and SHA256 of the bytes that
// came), or by link only (Size -1).
type SimFile struct {
	Name, URL string
	Size      int64
	SHA256    string
}

// Files gives the files of the events about the ticket with our number.
func (s *Sim) Files(number string) []SimFile {
	var out []SimFile
	for _, e := range s.Tickets(number) {
		files, _ := e.Data["files"].([]any)
		for _, v := range files {
			f, _ := v.(map[string]any)
			file := SimFile{Size: -1}
			file.Name, _ = f["name"].(string)
			file.URL, _ = f["url"].(string)
			if content, ok := f["content"].(string); ok {
				raw, _ := base64.StdEncoding.DecodeString(content)
				sum := sha256.Sum256(raw)
				file.Size, file.SHA256 = int64(len(raw)), hex.EncodeToString(sum[:])
			}
			out = append(out, file)
		}
	}
	return out
}
