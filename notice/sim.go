package notice

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Sim plays a mail server with one mailbox for everybody. It is strict: a letter
// that breaks RFC 5321 or 5322 is taken, as real servers do, and told in
// SimState.Broken. A Message-ID that an addressee has already is dropped, as a
// good mailbox does, and counted as a repeat. It shares nothing with the
// connector. Serve runs it; it may be used from many goroutines.
type Sim struct {
	user, password string
	maxSize        int64
	patience       time.Duration
	now            func() time.Time
	good, bad      tls.Certificate

	mu      sync.Mutex
	faults  map[string]*SimFault
	box     []SimMail
	repeats int
	logins  int
	rejects int
	broken  []string
	log     []string
}

// SimOption sets up a Sim.
type SimOption func(*Sim)

// SimUser makes the server ask for this login; without it everybody may send.
func SimUser(name, password string) SimOption {
	return func(s *Sim) { s.user, s.password = name, password }
}

// SimMaxSize sets the largest letter the server takes, in bytes; the default is 30 MB.
func SimMaxSize(n int64) SimOption { return func(s *Sim) { s.maxSize = n } }

// SimClock sets the clock that stamps letters.
func SimClock(now func() time.Time) SimOption { return func(s *Sim) { s.now = now } }

// SimPatience sets how long Serve waits for a caller to speak first, which an
// SMTP client never does; the default is 150 ms.
func SimPatience(d time.Duration) SimOption { return func(s *Sim) { s.patience = d } }

// NewSim makes an empty mail server with a certificate of its own for localhost
// and 127.0.0.1.
func NewSim(options ...SimOption) *Sim {
	s := &Sim{
		maxSize: 30 << 20, patience: 150 * time.Millisecond, now: time.Now,
		faults: map[string]*SimFault{},
		good:   simCertificate("localhost", time.Now().AddDate(10, 0, 0)),
		bad:    simCertificate("elsewhere.example", time.Now().Add(-time.Hour)),
	}
	for _, o := range options {
		o(s)
	}
	return s
}

// CertificatePEM gives the certificate, to be trusted by the setting "ca".
func (s *Sim) CertificatePEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.good.Certificate[0]}))
}

// SimMail is a letter that lies in the mailbox.
type SimMail struct {
	MessageID string              `json:"message_id"` // with its brackets
	From      string              `json:"from"`       // of the envelope
	To        string              `json:"to"`         // of the envelope
	Header    map[string][]string `json:"header"`     // decoded
	Subject   string              `json:"subject"`
	Text      string              `json:"text"`
	HTML      string              `json:"html"`
	Files     []SimFile           `json:"files"`
	User      string              `json:"user"`      // who signed in; "" nobody
	Encrypted bool                `json:"encrypted"` // how it came
	Repeats   int                 `json:"repeats"`   // how often it came again
	At        time.Time           `json:"at"`
	Raw       []byte              `json:"-"`
}

// SimFile is an attachment.
type SimFile struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// SimState is everything a test or a person may want to see.
type SimState struct {
	Letters []SimMail           `json:"letters"`
	Repeats int                 `json:"repeats"`
	Logins  int                 `json:"logins"`
	Rejects int                 `json:"rejects"` // refused logins
	Faults  map[string]SimFault `json:"faults"`
	Broken  []string            `json:"broken"` // rules of mail that a caller broke
	Log     []string            `json:"log"`    // the last 1,000 events
}

// State gives a copy of everything.
func (s *Sim) State() SimState {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SimState{
		Letters: append([]SimMail{}, s.box...), Repeats: s.repeats, Logins: s.logins, Rejects: s.rejects,
		Faults: map[string]SimFault{}, Broken: append([]string{}, s.broken...), Log: append([]string{}, s.log...),
	}
	for name, f := range s.faults {
		st.Faults[name] = *f
	}
	return st
}

// ServeHTTP implements http.Handler: GET /_sim/state and POST /_sim/fault with
// {"name":"550","times":3}, a list of them, or {"name":"calm"}.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/_sim/state":
		answerSim(w, http.StatusOK, s.State())
	case "/_sim/fault":
		s.serveFault(w, r)
	default:
		answerSim(w, http.StatusNotFound, map[string]string{"error": "a mail server: GET /_sim/state, POST /_sim/fault"})
	}
}

func (s *Sim) serveFault(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		answerSim(w, http.StatusMethodNotAllowed, map[string]string{"error": "POST a fault"})
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
		if err == nil {
			err = s.Fault(f)
		}
	}
	if err != nil {
		answerSim(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	answerSim(w, http.StatusOK, s.State().Faults)
}

func answerSim(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the caller is gone
}

func (s *Sim) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) >= 1000 {
		s.log = slices.Delete(s.log, 0, 100)
	}
	s.log = append(s.log, line)
}

// store puts a letter into the box of one addressee, once.
func (s *Sim) store(m SimMail, broken []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range broken {
		if len(s.broken) < 1000 {
			s.broken = append(s.broken, b)
		}
	}
	for i := range s.box {
		if s.box[i].MessageID == m.MessageID && strings.EqualFold(s.box[i].To, m.To) && m.MessageID != "" {
			s.box[i].Repeats++
			s.repeats++
			return
		}
	}
	m.At = s.now().UTC()
	s.box = append(s.box, m)
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
