package creatio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Platform is the flavour of a simulated site (spec/creatio.md 1.7).
type Platform string

// The flavours.
const (
	Framework Platform = "framework" // Creatio on .NET Framework: the API below /0/
	Net       Platform = "net"       // Creatio on .NET
	BPMSoft   Platform = "bpmsoft"   // BPMSoft 1.8 on .NET
)

// Sim plays a Creatio or BPMSoft site by spec/creatio.md, strictly: what the
// spec does not list is an error. It keeps everything in memory, is an
// http.Handler, and may be used by many goroutines. Besides the site's own
// paths it answers GET /_sim/state and POST /_sim/fault.
type Sim struct {
	user, password         string
	clientID, clientSecret string
	now                    func() time.Time

	mu       sync.Mutex
	platform Platform
	faults   map[string]*SimFault
	tables   map[string]*simTable
	files    map[string]*simFile
	sessions map[string]*simSession // by ticket
	bearers  map[string]time.Time   // -> end
	logins   int
	rejects  int
	lastCase int // CaseLastNumber
	log      []SimCall
	calls    int // all, also those that the log no longer holds
	broken   []string
}

// SimOption sets up a Sim.
type SimOption func(*Sim)

// SimUser sets who may sign in; the default is user "api", password "secret".
func SimUser(name, password string) SimOption {
	return func(s *Sim) { s.user, s.password = name, password }
}

// SimOAuth sets the client of the token endpoint; the default is "styk", "styk-secret".
func SimOAuth(id, secret string) SimOption {
	return func(s *Sim) { s.clientID, s.clientSecret = id, secret }
}

// SimClock sets the clock by which sessions grow old.
func SimClock(now func() time.Time) SimOption { return func(s *Sim) { s.now = now } }

// NewSim makes a site with the shipped lookups, two services and one partner.
// It panics on an unknown platform.
func NewSim(platform Platform, options ...SimOption) *Sim {
	if platform != Framework && platform != Net && platform != BPMSoft {
		panic("creatio: no platform " + string(platform))
	}
	s := &Sim{
		user: "api", password: "secret", clientID: "styk", clientSecret: "styk-secret",
		now: time.Now, platform: platform,
		faults: map[string]*SimFault{}, files: map[string]*simFile{},
		sessions: map[string]*simSession{}, bearers: map[string]time.Time{},
	}
	for _, o := range options {
		o(s)
	}
	s.tables = simTables()
	s.seed()
	return s
}

// SimCall is one line of the log.
type SimCall struct {
	Method string `json:"method"`
	Path   string `json:"path"` // without the /0 prefix
	Query  string `json:"query,omitempty"`
	Status int    `json:"status"` // 0: the connection was cut
	Range  string `json:"range,omitempty"`
	Note   string `json:"note,omitempty"` // why it was refused
}

// SimFileState is what the site holds of an uploaded file.
type SimFileState struct {
	Entity   string `json:"entity"`
	Parent   string `json:"parent"`
	Name     string `json:"name"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	Complete bool   `json:"complete"`
}

// SimState is everything a test or a person may want to see.
type SimState struct {
	Platform Platform                    `json:"platform"`
	Entities map[string][]map[string]any `json:"entities"`
	Files    map[string]SimFileState     `json:"files"`
	Logins   int                         `json:"logins"`  // accepted
	Rejects  int                         `json:"rejects"` // refused logins
	Calls    int                         `json:"calls"`
	Faults   map[string]SimFault         `json:"faults"`
	Broken   []string                    `json:"broken"` // rules of the protocol that a caller broke
	Log      []SimCall                   `json:"log"`    // the last 20,000 calls
}

// State gives a copy of everything, the shipped rows too.
func (s *Sim) State() SimState {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SimState{
		Platform: s.platform, Logins: s.logins, Rejects: s.rejects, Calls: s.calls,
		Entities: map[string][]map[string]any{}, Files: map[string]SimFileState{},
		Faults: map[string]SimFault{}, Broken: slices.Clone(s.broken), Log: slices.Clone(s.log),
	}
	for name, t := range s.tables {
		for _, r := range t.rows {
			st.Entities[name] = append(st.Entities[name], t.show(r, nil))
		}
	}
	for id, f := range s.files {
		st.Files[id] = SimFileState{f.entity, f.parent, f.name, f.size, hex.EncodeToString(f.sum), f.complete}
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
	s.delay(r.Context(), r.URL.Path)
	path, inZero := strings.CutPrefix(r.URL.Path, "/0/")
	if path = "/" + strings.TrimPrefix(path, "/"); !inZero {
		path = r.URL.Path
	}
	rec := &simAnswer{ResponseWriter: w}
	defer func() {
		s.note(SimCall{
			Method: r.Method, Path: path, Query: r.URL.RawQuery, Status: rec.status,
			Range: r.Header.Get("Content-Range"), Note: rec.note,
		})
	}()
	s.route(rec, r, path, inZero)
}

// simAnswer remembers what was answered.
type simAnswer struct {
	http.ResponseWriter
	status int
	note   string
}

func (a *simAnswer) WriteHeader(status int) {
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

// offend answers a call that the spec does not know, and remembers it: a test
// of a well-behaved caller asks that there is none.
func (s *Sim) offend(w *simAnswer, status int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.mu.Lock()
	if len(s.broken) < 1000 {
		s.broken = append(s.broken, text)
	}
	s.mu.Unlock()
	odataFault(w, status, text)
}

// route sends a call to its part of the site. On .NET Framework all but the
// login lives below /0/ (1.1, 1.7); .NET usually takes both; BPMSoft on .NET is
// played without.
func (s *Sim) route(w *simAnswer, r *http.Request, path string, inZero bool) {
	s.mu.Lock()
	platform := s.platform
	s.mu.Unlock()
	switch {
	case strings.HasPrefix(r.URL.Path, "/Login/"):
		writeHTML(w, http.StatusOK, loginPage)
		return
	case path == loginPath:
		if inZero { // 1.1: there the login answers 401
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.serveLogin(w, r)
		return
	case r.URL.Path == tokenPath:
		s.serveToken(w, r)
		return
	}
	below := strings.HasPrefix(path, odataPath) || strings.HasPrefix(path, "/rest/") || path == "/ping" || strings.HasPrefix(path, "/api/")
	if below && (platform == Framework && !inZero || platform == BPMSoft && inZero) {
		w.note = "wrong prefix"
		writeHTML(w, http.StatusNotFound, "<html><body>404 - File or directory not found.</body></html>")
		return
	}
	if !s.allowHeaders(w, r) || !s.allowRate(w) || !s.allowSession(w, r, path) {
		return
	}
	switch {
	case path == "/" && r.Method == http.MethodGet:
		writeHTML(w, http.StatusOK, "<html><body>application</body></html>")
	case path == "/ping" && r.Method == http.MethodPost, path == "/api/HealthCheck/Ping" && r.Method == http.MethodGet: // 1.5
		writeSim(w, http.StatusOK, map[string]any{})
	case strings.HasPrefix(path, odataPath):
		s.serveOData(w, r, strings.TrimPrefix(path, odataPath))
	case path == uploadPath && r.Method == http.MethodPost:
		s.serveUpload(w, r)
	default:
		s.offend(w, http.StatusNotFound, "%s %s: not in the spec", r.Method, path)
	}
}

// knownHeaders are those of 1.4, 1.8, 2.7 and what every HTTP client sends.
var knownHeaders = []string{
	"Accept", "Accept-Encoding", "Authorization", "Bpmcsrf", "Connection", "Content-Disposition", "Content-Length",
	"Content-Range", "Content-Type", "Cookie", "Crt_csrf", "Forceusesession", "User-Agent",
}

func (s *Sim) allowHeaders(w *simAnswer, r *http.Request) bool {
	for name := range r.Header {
		if !slices.Contains(knownHeaders, name) {
			s.offend(w, http.StatusBadRequest, "header %s: not in the spec", name)
			return false
		}
	}
	return true
}

// Errors of 2.9.

func odataFault(w *simAnswer, status int, text string) {
	w.note = text
	writeSim(w, status, map[string]any{"error": map[string]any{
		"code": "", "message": "An error has occurred.",
		"innererror": map[string]any{
			"message": "Exception of the entity layer", "type": "Terrasoft.Common.DbOperationException",
			"stacktrace":        "   at Terrasoft.Core.Entities.Entity.Save()",
			"internalexception": map[string]any{"message": text},
		},
	}})
}

func routingFault(w *simAnswer, r *http.Request, entity string) {
	w.note = "no controller"
	writeSim(w, http.StatusNotFound, map[string]any{
		"Message":       "No HTTP resource was found that matches the request URI '" + r.URL.String() + "'.",
		"MessageDetail": "No type was found that matches the controller named '" + entity + "'.",
	})
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

func writeHTML(w http.ResponseWriter, status int, page string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, page)
}

const loginPage = `<!DOCTYPE html><html><head><script>var bootstrap = {}; bootstrap.login = true;</script></head>` +
	`<body><a href="/Login/NuiLogin.aspx">login</a></body></html>`

func simSecret() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b) + "/+=" // 1.3: values hold these
}

func (s *Sim) delay(ctx context.Context, path string) {
	f := s.faultFor("latency", path)
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

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// queryOf reads the query as the server does: a plus sign is a space (2.1).
func queryOf(r *http.Request) (url.Values, error) { return url.ParseQuery(r.URL.RawQuery) }
