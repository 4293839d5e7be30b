package wallet

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// APNsSim plays Apple's push service by spec/passteam.md 3.6, strictly: what is
// not said there is an error. It keeps everything in memory, is an
// http.Handler for HTTP/2 over TLS with client certificates (see Serve), and
// may be used by many goroutines. Besides the service's own path it answers
// GET /_sim/state, POST /_sim/fault and POST /_sim/device, also over HTTP/1.1.
type APNsSim struct {
	now    func() time.Time
	trust  *x509.CertPool
	all    bool // any token is a device
	onPush func(token string)

	mu      sync.Mutex
	devices map[string]*simDevice
	faults  map[string]*SimFault
	log     []SimPush
	calls   int // all, also those that the log no longer holds
	broken  []string
}

// simDevice is a phone that Apple knows.
type simDevice struct {
	topic  string    // "" = any
	gone   time.Time // zero: alive
	pushed int
}

// SimOption sets up an APNsSim.
type SimOption func(*APNsSim)

// SimClock sets the clock by which certificates end and devices vanish.
func SimClock(now func() time.Time) SimOption { return func(s *APNsSim) { s.now = now } }

// SimTrust takes only client certificates of these roots; without it any that
// has the form of a Pass Type ID certificate.
func SimTrust(roots *x509.CertPool) SimOption { return func(s *APNsSim) { s.trust = roots } }

// SimAnyDevice takes pushes for tokens that were never given out, as a demo
// with invented phones needs.
func SimAnyDevice() SimOption { return func(s *APNsSim) { s.all = true } }

// SimOnPush is called for each push that is delivered, from the goroutine of
// the call: a simulated phone wakes.
func SimOnPush(wake func(token string)) SimOption { return func(s *APNsSim) { s.onPush = wake } }

// NewAPNsSim makes a service that knows no device.
func NewAPNsSim(options ...SimOption) *APNsSim {
	s := &APNsSim{now: time.Now, devices: map[string]*simDevice{}, faults: map[string]*SimFault{}}
	for _, o := range options {
		o(s)
	}
	return s
}

// SimPush is one line of the log.
type SimPush struct {
	Token  string    `json:"token"`
	Topic  string    `json:"topic"`
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Status int       `json:"status"` // 0: the connection was cut
	Reason string    `json:"reason,omitempty"`
}

// SimDevice is what the service holds of a device.
type SimDevice struct {
	Topic  string     `json:"topic,omitempty"`
	Gone   *time.Time `json:"gone,omitempty"`
	Pushed int        `json:"pushed"` // delivered
}

// SimState is everything a test or a person may want to see.
type SimState struct {
	Devices map[string]SimDevice `json:"devices"` // by token
	Calls   int                  `json:"calls"`
	Faults  map[string]SimFault  `json:"faults"`
	Broken  []string             `json:"broken"` // rules of the protocol that a caller broke
	Log     []SimPush            `json:"log"`    // the last 20,000 calls
}

// State gives a copy of everything.
func (s *APNsSim) State() SimState {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SimState{
		Devices: map[string]SimDevice{}, Calls: s.calls, Faults: map[string]SimFault{},
		Broken: slices.Clone(s.broken), Log: slices.Clone(s.log),
	}
	for token, d := range s.devices {
		seen := SimDevice{Topic: d.topic, Pushed: d.pushed}
		if !d.gone.IsZero() {
			gone := d.gone
			seen.Gone = &gone
		}
		st.Devices[token] = seen
	}
	for name, f := range s.faults {
		st.Faults[name] = *f
	}
	return st
}

// NewDevice gives the push token of a new phone; topic "" takes any pass type.
func (s *APNsSim) NewDevice(topic string) (token string) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	token = hex.EncodeToString(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devices[token] = &simDevice{topic: topic}
	return token
}

// Vanish lets a phone be wiped or lost: from now on its token is Unregistered.
func (s *APNsSim) Vanish(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.devices[token]; d != nil && d.gone.IsZero() {
		d.gone = s.now()
	}
}

// Serve answers calls on a listener until ctx ends, with a certificate made for
// the listener's address, localhost and the given names. ready, which may be
// nil, is called once before the first call with what a client must trust.
func (s *APNsSim) Serve(ctx context.Context, l net.Listener, ready func(roots *x509.CertPool), names ...string) error {
	cert, roots, err := simCertificate(l.Addr(), names, s.now())
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12},
		ErrorLog:  log.New(io.Discard, "", 0),                    // callers that are killed in mid-call are its daily bread
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 1000}, // as Apple's does for a certificate
	}
	if ready != nil {
		ready(roots)
	}
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(l, "", "") }()
	select {
	case err = <-done:
		return closed(err)
	case <-ctx.Done():
		_ = server.Close() // a simulator owes nobody an answer
		return closed(<-done)
	}
}

// closed drops what a server says when it was closed on purpose.
func closed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the push simulator: %w", err)
}

// ServeHTTP implements http.Handler.
func (s *APNsSim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/_sim/state":
		writeSim(w, http.StatusOK, s.State())
	case "/_sim/fault":
		s.serveFault(w, r)
	case "/_sim/device":
		s.serveDevice(w, r)
	default:
		s.servePush(w, r)
	}
}

// servePush answers one call and logs it, also one that it cuts.
func (s *APNsSim) servePush(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("Apns-Id")
	if id == "" {
		id = simID()
	}
	push := SimPush{Token: strings.TrimPrefix(r.URL.Path, "/3/device/"), Topic: r.Header.Get("Apns-Topic"), ID: id, At: s.now().UTC()}
	defer func() { s.note(push) }()
	s.delay(r.Context(), push.Token)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<10))
	if err != nil {
		body = nil
	}
	answer := s.allow(r, push, body)
	if answer.status == 0 { // the rules are kept: now the faults
		if answer, err = s.misbehave(w, r, push.Token); err != nil {
			push.Reason = err.Error()
			panic(http.ErrAbortHandler) // net/http resets the stream
		}
	}
	if answer.status == 0 {
		answer = s.deliver(push)
	}
	push.Status, push.Reason = answer.status, answer.reason
	if answer.status == http.StatusOK && s.onPush != nil {
		s.onPush(push.Token)
	}
	answer.write(w, id)
}

// simAnswer is a status and Apple's word for it.
type simAnswer struct {
	status int
	reason string
	since  time.Time
	html   bool // the answer of a proxy
}

func (a simAnswer) write(w http.ResponseWriter, id string) {
	if a.html {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, "<html><body>bad gateway</body></html>")
		return
	}
	w.Header().Set("Apns-Id", id)
	if a.status == http.StatusOK {
		w.WriteHeader(a.status)
		return
	}
	body := map[string]any{"reason": a.reason}
	if !a.since.IsZero() {
		body["timestamp"] = a.since.UnixMilli()
	}
	writeSim(w, a.status, body)
}

// deliver hands a sound push to its device.
func (s *APNsSim) deliver(push SimPush) simAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.devices[push.Token]
	if d == nil && s.all {
		d = &simDevice{}
		s.devices[push.Token] = d
	}
	switch {
	case d == nil:
		return simAnswer{status: http.StatusBadRequest, reason: "BadDeviceToken"}
	case d.topic != "" && d.topic != push.Topic:
		return simAnswer{status: http.StatusBadRequest, reason: "DeviceTokenNotForTopic"}
	case !d.gone.IsZero():
		return simAnswer{status: http.StatusGone, reason: "Unregistered", since: d.gone}
	}
	d.pushed++
	return simAnswer{status: http.StatusOK}
}

func (s *APNsSim) note(p SimPush) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if len(s.log) >= 20000 {
		s.log = slices.Delete(s.log, 0, 5000)
	}
	s.log = append(s.log, p)
}

// offend refuses a call that breaks a rule, and remembers it: a test of a
// well-behaved caller asks that there is none.
func (s *APNsSim) offend(status int, reason, format string, args ...any) simAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.broken) < 1000 {
		s.broken = append(s.broken, fmt.Sprintf(format, args...))
	}
	return simAnswer{status: status, reason: reason}
}

// serveDevice is POST /_sim/device: {} or {"topic":"…"} gives a new token,
// {"token":"…","gone":true} lets one vanish.
func (s *APNsSim) serveDevice(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Topic string `json:"topic"`
		Token string `json:"token"`
		Gone  bool   `json:"gone"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&ask)
	if err != nil || r.Method != http.MethodPost || ask.Gone != (ask.Token != "") {
		writeSim(w, http.StatusBadRequest, map[string]string{"error": `POST {"topic":""} or {"token":"…","gone":true}`})
		return
	}
	if ask.Gone {
		s.Vanish(ask.Token)
	} else {
		ask.Token = s.NewDevice(ask.Topic)
	}
	writeSim(w, http.StatusOK, map[string]string{"token": ask.Token})
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

// simID gives a notification's id in Apple's form.
func simID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
