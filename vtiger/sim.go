package vtiger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Sim plays a stock Vtiger 8.0.0 on PHP 8.2 by spec/vtiger.md and its
// transcripts (numbers after M), with the seed's four operations added as plain
// PHP handlers, and two web forms. It answers as stock does, oddities included,
// and remembers in State.Broken whatever a well-behaved caller would not have
// sent. It keeps everything in memory, is an http.Handler, and may be used by
// many goroutines. Besides the CRM's paths it answers GET /_sim/state and POST
// /_sim/fault.
type Sim struct {
	user, accessKey string
	storage         string
	now             func() time.Time

	mu       sync.Mutex
	faults   map[string]*SimFault
	token    simToken               // one per user (2.1); there is one user
	sessions map[string]time.Time   // -> last use
	records  []*simRecord           // in the order of their numbers
	numbers  map[string]int         // CON2, ACC1, PROJ1
	links    [][2]int64             // record, document
	files    map[string]*simStored  // by path
	order    map[int64][]*simStored // of a document
	logins   int
	rejects  int
	last     int64 // record number, one line over all modules (3.3)
	log      []SimCall
	calls    int
	broken   []string
}

type simToken struct {
	text  string
	until time.Time
}

// SimOption sets up a Sim.
type SimOption func(*Sim)

// SimUser sets who may sign in; the default is user "api", key
// "DemoKey000000001".
func SimUser(name, accessKey string) SimOption {
	return func(s *Sim) { s.user, s.accessKey = name, accessKey }
}

// SimClock sets the clock by which tokens and sessions grow old.
func SimClock(now func() time.Time) SimOption { return func(s *Sim) { s.now = now } }

// SimStorage decides how a site may overwrite stored files: "readonly" as stock
// (6), "put" with the session as our server has it, or "folder", a plain folder
// that a web server lets be written to. The switch "storage" goes before it.
func SimStorage(mode string) SimOption { return func(s *Sim) { s.storage = mode } }

// NewSim makes a CRM without customers.
func NewSim(options ...SimOption) *Sim {
	s := &Sim{
		user: "api", accessKey: "DemoKey000000001", storage: "readonly", now: time.Now,
		faults: map[string]*SimFault{}, sessions: map[string]time.Time{}, numbers: map[string]int{},
		files: map[string]*simStored{}, order: map[int64][]*simStored{}, last: 1,
	}
	for _, o := range options {
		o(s)
	}
	return s
}

// SimCall is one line of the log.
type SimCall struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Operation string `json:"operation,omitempty"`
	Status    int    `json:"status"` // 0: the connection was cut
	Note      string `json:"note,omitempty"`
}

// SimFileState is what the CRM holds of a stored file.
type SimFileState struct {
	Path    string `json:"path"`
	Name    string `json:"name"` // as it was handed in
	Title   string `json:"title"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
	Written int    `json:"written"` // how often it was overwritten
}

// SimState is everything a test or a person may want to see.
type SimState struct {
	Modules map[string][]map[string]string `json:"modules"` // living records
	Files   []SimFileState                 `json:"files"`
	Links   [][2]int64                     `json:"links"` // record, document
	Logins  int                            `json:"logins"`
	Rejects int                            `json:"rejects"`
	Calls   int                            `json:"calls"`
	Faults  map[string]SimFault            `json:"faults"`
	Broken  []string                       `json:"broken"` // what a well-behaved caller would not have sent
	Log     []SimCall                      `json:"log"`    // the last 20,000 calls
}

// State gives a copy of everything.
func (s *Sim) State() SimState {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SimState{
		Modules: map[string][]map[string]string{}, Faults: map[string]SimFault{}, Links: slices.Clone(s.links),
		Logins: s.logins, Rejects: s.rejects, Calls: s.calls, Broken: slices.Clone(s.broken), Log: slices.Clone(s.log),
	}
	for _, r := range s.records {
		if r.deleted {
			continue
		}
		row := maps.Clone(r.values)
		row["id"] = r.wsid()
		st.Modules[r.module] = append(st.Modules[r.module], row)
		for _, f := range s.order[r.number] {
			st.Files = append(st.Files, f.state(row["notes_title"]))
		}
	}
	for name, f := range s.faults {
		st.Faults[name] = *f
	}
	return st
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
	c := &simCall{Sim: s, w: w, r: r}
	defer func() {
		s.note(SimCall{Method: r.Method, Path: r.URL.Path, Operation: c.operation, Status: c.status, Note: c.remark})
	}()
	if !c.allowHeaders() {
		return
	}
	switch {
	case r.URL.Path == "/webservice.php":
		c.serveOperation()
	case r.URL.Path == "/modules/Webforms/capture.php":
		c.serveCapture()
	case strings.HasPrefix(r.URL.Path, "/storage/"):
		c.serveStorage()
	default:
		c.offend("%s %s: not in the spec", r.Method, r.URL.Path)
		c.page(http.StatusNotFound, "<html><body>404 Not Found</body></html>")
	}
}

// simCall is one request under way.
type simCall struct {
	*Sim
	w         http.ResponseWriter
	r         *http.Request
	operation string // as registered, lower case
	params    simParams
	status    int
	remark    string
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

// offend remembers what a caller should not have done.
func (c *simCall) offend(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offendLocked(format, args...)
}

func (c *simCall) offendLocked(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(c.broken) < 1000 {
		c.broken = append(c.broken, text)
	}
	c.remark = text
}

// simHeaders are those that every HTTP client sends; the stored files take
// Authorization besides.
var simHeaders = []string{
	"Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Expect", "User-Agent", "Transfer-Encoding",
}

func (c *simCall) allowHeaders() bool {
	for name := range c.r.Header {
		if slices.Contains(simHeaders, name) || name == "Authorization" && strings.HasPrefix(c.r.URL.Path, "/storage/") {
			continue
		}
		c.offend("header %s: not in the spec", name)
		c.page(http.StatusBadRequest, "<html><body>400 Bad Request</body></html>")
		return false
	}
	return true
}

// page answers with something that is not the protocol's.
func (c *simCall) page(status int, body string) {
	c.status = status
	c.w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	c.w.WriteHeader(status)
	_, _ = io.WriteString(c.w, body)
}

// answer writes the envelope (1.4, 1.5). Html is what PHP prints before it.
func (c *simCall) answer(kind string, html string, body []byte) {
	c.status = http.StatusOK
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Expires", "Thu, 19 Nov 1981 08:52:00 GMT")
	h.Set("Cache-Control", "no-store, no-cache, must-revalidate")
	h.Set("Pragma", "no-cache")
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method != http.MethodHead { // M98
		_, _ = io.WriteString(c.w, html)
		_, _ = c.w.Write(body)
	}
}

func writeSim(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // only our own maps come here
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// simHex gives n random hex digits: tokens, sessions, file names.
func simHex(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)[:n]
}

func (s *Sim) delay(ctx context.Context, operation string) {
	f := s.faultFor("latency", operation)
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
