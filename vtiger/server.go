package vtiger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"styk"
	"styk/intake"
	"styk/store"
)

// Options assemble a Server. DB and Intake are required.
type Options struct {
	DB     *store.DB
	Intake *intake.Intake
	Log    *slog.Logger
	// SessionIdle is the life of an unused session; 0 means 15 minutes.
	SessionIdle time.Duration
	// Remote gives the caller's address; nil takes it from the connection.
	Remote func(*http.Request) netip.Addr
	Limits Limits
	// MaxRows caps one query; 0 means 100, as in stock (spec/vtiger.md 3.5).
	MaxRows int
	// Wait holds back who guesses; nil sleeps. Tests put a clock of their own.
	Wait func(ctx context.Context, d time.Duration) error
	// Observe is called after each operation; nil for nobody.
	Observe func(*http.Request, Observed)
}

// Observed is one call as it ended.
type Observed struct {
	Operation string     // "" when it was not understood
	Code      string     // of the error; "": done
	User      *styk.User // nil: nobody logged in
	Took      time.Duration
}

// Server is a CRM's web service, capture.php and the stored files. It is safe
// for many goroutines.
type Server struct {
	Options
	challenges *challenges
	operations map[string]operation // by lower-case name
}

// operation is one row of the registry (spec/vtiger.md 3.1).
type operation struct {
	name     string // in the registry's spelling
	prelogin bool   // needs no session
	run      func(*call) (Value, error)
}

// call is one request of one operation.
type call struct {
	context.Context
	s       *Server
	op      operation
	request *http.Request
	params  *Params // the source that the operation reads
	user    *styk.User
	session string
	remote  netip.Addr
	files   uploads
}

// NewServer makes the service.
func NewServer(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SessionIdle == 0 {
		o.SessionIdle = 15 * time.Minute
	}
	if o.Remote == nil {
		o.Remote = connectionAddr
	}
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.MaxRows == 0 {
		o.MaxRows = pageRows
	}
	if o.Wait == nil {
		o.Wait = sleep
	}
	s := &Server{Options: o, challenges: newChallenges(o.DB.Derive("challenge")), operations: map[string]operation{}}
	for _, group := range [][]operation{sessionOperations, customOperations, standardOperations} {
		for _, op := range group {
			s.operations[strings.ToLower(op.name)] = op
		}
	}
	return s
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func connectionAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// Matches says whether a path belongs to the server, below any prefix.
func Matches(path string) bool {
	return strings.HasSuffix(path, "/webservice.php") || strings.HasSuffix(path, "/capture.php") ||
		strings.Contains(path, "/storage/")
}

// ServeHTTP implements http.Handler. It is mounted by hand, not on a ServeMux,
// which would answer an unclean path by 301 and so turn a POST into a GET.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/webservice.php"):
		s.serveOperation(w, r)
	case strings.HasSuffix(r.URL.Path, "/capture.php"):
		s.serveCapture(w, r)
	case strings.Contains(r.URL.Path, "/storage/"):
		s.serveStorage(w, r)
	default:
		http.NotFound(w, r)
	}
}

// serveOperation answers HTTP 200 whatever happens: clients take any other
// status for the end of the world (spec/vtiger.md 1.4).
func (s *Server) serveOperation(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	c := &call{Context: r.Context(), s: s, request: r, remote: s.Remote(r)}
	defer c.files.close()
	result, err := c.run()
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Expires"] = []string{"Thu, 19 Nov 1981 08:52:00 GMT"}
	h["Cache-Control"] = []string{"no-store, no-cache, must-revalidate"}
	h["Pragma"] = []string{"no-cache"}
	var body []byte
	code := ""
	if err != nil {
		body, code = c.failure(err)
	} else {
		body = appendSuccess(make([]byte, 0, 2048), result)
	}
	if s.Observe != nil {
		s.Observe(r, Observed{c.op.name, code, c.user, time.Since(start)})
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// run reads the request, finds the operation and its session, and runs it.
func (c *call) run() (result Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in %q: %v\n%s", c.op.name, p, debug.Stack())
		}
	}()
	req, err := readRequest(c.request, c.s.Limits, c.files.keep(c, c.s.Intake, c.known))
	if err != nil {
		return nil, err
	}
	if err := c.choose(req); err != nil {
		return nil, err
	}
	if c.op.prelogin {
		return c.op.run(c)
	}
	if err := c.authenticate(req); err != nil {
		return nil, err
	}
	if err := c.files.settle(c, c.s.Intake); err != nil {
		return nil, err
	}
	return c.op.run(c)
}

// choose finds the operation and the source of its parameters: the query for
// the registered type GET, else the body. A GET operation sent by POST finds
// its parameters in the body too, never the other way (spec/vtiger.md 1.1).
func (c *call) choose(req *Request) error {
	name, err := req.Merged("operation")
	if err != nil {
		return err
	}
	op, ok := c.s.operations[strings.ToLower(name)]
	if !ok {
		text := MsgUnknownOperation
		switch {
		case name == "" && req.Unread != "":
			text += ": the body came as " + req.Unread + ", send application/x-www-form-urlencoded or multipart/form-data"
		case name == "":
			text += ": the parameter operation is missing"
		}
		return &wireError{CodeUnknownOperation, text}
	}
	c.op = op
	c.params = &req.Body
	if readsQuery(op.name) {
		c.params = &req.Query
		if c.request.Method == http.MethodPost {
			c.params = merged(&req.Query, &req.Body)
		}
	}
	return nil
}

// merged gives the query's parameters and, where one is absent there, the
// body's.
func merged(query, body *Params) *Params {
	if body.Len() == 0 {
		return query
	}
	both := &Params{}
	for name, v := range body.All() {
		both.set(name, v)
	}
	for name, v := range query.All() {
		if text, ok := v.Text(); !ok || !falsy(text) {
			both.set(name, v)
		}
	}
	return both
}

// authenticate finds the session's user and his right to the operation.
func (c *call) authenticate(req *Request) error {
	id, err := sessionOf(req)
	if err != nil {
		return err
	}
	if id == "" {
		text := MsgAuthenticationRequired
		if _, sent := req.Body.Get("sessionName"); sent {
			text += ": sessionName is empty ($$sessionId instead of $sessionId?)"
		} else if _, sent := req.Body.Get("sessionId"); sent {
			text += ": sessionId is empty ($$sessionId instead of $sessionId?)"
		}
		return &wireError{CodeAuthenticationRequired, text}
	}
	if c.user, err = c.s.resume(c, id); err != nil {
		return err
	}
	c.session = id
	return c.allowed()
}

// known says whether the parameters read so far show a living session, so that
// a file need not wait.
func (c *call) known(req *Request) bool {
	id, err := sessionOf(req)
	if err != nil || id == "" {
		return false
	}
	_, err = c.s.resume(c, id)
	return err == nil
}

// sessionOf gives the session id under either name, in body or query; the word
// null counts as none (spec/vtiger.md 1.1, contract 1).
func sessionOf(req *Request) (string, error) {
	for _, name := range []string{"sessionName", "sessionId"} {
		id, err := req.Merged(name)
		if err != nil {
			return "", err
		}
		if id != "" && !strings.EqualFold(id, "null") {
			return id, nil
		}
	}
	return "", nil
}

// allowed checks the narrowing of an api user: operations and addresses.
// Modules are checked where the module is known, by mayUse.
func (c *call) allowed() error {
	if len(c.user.Operations) > 0 {
		found := false
		for _, name := range c.user.Operations {
			found = found || strings.EqualFold(name, c.op.name)
		}
		if !found && !alwaysAllowed[strings.ToLower(c.op.name)] {
			return &wireError{CodeAccessDenied, MsgDenied + ": the user may not call " + c.op.name}
		}
	}
	return addressAllowed(c.user, c.remote)
}

// alwaysAllowed need no mention in a user's list of operations.
var alwaysAllowed = map[string]bool{OpLogout: true, OpExtendSession: true}

func addressAllowed(u *styk.User, from netip.Addr) error {
	if len(u.Networks) == 0 {
		return nil
	}
	for _, text := range u.Networks {
		if p, err := netip.ParsePrefix(text); err == nil && p.Contains(from) {
			return nil
		}
	}
	return &wireError{CodeAccessDenied, MsgDenied + ": the user may not come from this address"}
}

// given gives a parameter of the operation, "" when it is absent or falsy.
func (c *call) given(name string) (string, error) { return c.params.Given(name) }

// wireError is an error that has a code and text of the protocol itself.
type wireError struct{ code, text string }

// Error implements error.
func (e *wireError) Error() string { return e.code + ": " + e.text }

// failure writes err's envelope: the one place where our codes become the
// protocol's. What is not a person's mistake is logged and shown as a number.
func (c *call) failure(err error) (body []byte, code string) {
	var wire *wireError
	var ours *styk.Error
	var extra Object
	text := ""
	switch {
	case errors.As(err, &wire):
		code, text = wire.code, wire.text
	case errors.As(err, &ours):
		code, text, extra = explain(ours)
	case errors.Is(err, store.ErrSlow):
		code = CodeDatabaseQuery
		text = MsgDatabase + ": the query reads too many records, compare an indexed field (id, mobile, email, inn, a name) or use a shorter prefix"
	default:
		number := time.Now().UTC().Format("150405.000000")
		c.s.Log.Error("operation failed", "op", c.op.name, "request", number, "err", err)
		code, text = CodeInternal, MsgInternal+" (quote "+number+" to the administrator)"
	}
	return appendFailure(make([]byte, 0, 256), code, text, extra), code
}

// explain turns a mistake in our words into code, message and further members
// of the wire (contract 3).
func explain(e *styk.Error) (code, text string, extra Object) {
	switch e.Code {
	case styk.Missing:
		code = CodeMandatoryMissing
		names := make([]string, len(e.Faults))
		for i, f := range e.Faults {
			names[i] = f.Field
		}
		text = MsgMandatory
		if len(names) > 0 {
			text = msgNoValue(names[0])
			extra.Add("fields", Texts(names))
		}
	case styk.Reference:
		code, text = CodeReferenceInvalid, sentence(e)
		if len(e.Faults) > 0 {
			text = msgBadReference(e.Faults[0].Field)
			if detail := e.Faults[0].Text; detail != "" {
				text += ": " + detail
			}
			extra.Add("errors", faultList(e))
		}
	case styk.NotFound:
		code, text = CodeRecordNotFound, MsgRecordNotFound
	case styk.Forbidden:
		code, text = CodeAccessDenied, MsgDenied
		if e.Text != "" {
			text += ": " + e.Text
		}
	default:
		code, text = CodeInvalidValue, sentence(e)
		if len(e.Faults) > 0 {
			extra.Add("errors", faultList(e))
		}
	}
	if e.Hint != "" {
		text += "; " + e.Hint
		extra.AddText("hint", e.Hint)
	}
	return code, text, extra
}

func sentence(e *styk.Error) string {
	if e.Text != "" || len(e.Faults) == 0 {
		return e.Text
	}
	f := e.Faults[0]
	if strings.HasPrefix(f.Text, f.Field) { // the readers of the wire name the field themselves
		return f.Text
	}
	return f.Field + ": " + f.Text
}

func faultList(e *styk.Error) List {
	list := make(List, len(e.Faults))
	for i, f := range e.Faults {
		one := Object{{"field", Text(f.Field)}, {"rule", Text(f.Rule)}, {"value", Text(f.Value)}}
		if f.Text != "" {
			one.AddText("message", f.Text)
		}
		list[i] = one
	}
	return list
}
