// Package api is the JSON API below /api/v1: what the people's pages show and
// change, for programs. It speaks HTTP, translates and decides nothing: who may
// do what stands in package staff, what happens in intake, courier, wallet and
// store. One table of operations (operations.go) is the routes, the rights, the
// OpenAPI document and the page of it, so that none of them can differ.
package api

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
	"styk/blob"
	"styk/courier"
	"styk/intake"
	"styk/staff"
	"styk/store"
	"styk/wallet"
)

// Root is where the API lies.
const Root = "/api/v1"

// Options assemble a Server. All but the last group are required.
type Options struct {
	DB      *store.DB
	Blobs   blob.Store
	Intake  *intake.Intake
	Courier *courier.Courier
	Cards   *wallet.Cards
	Staff   *staff.Staff

	Version string // of the program, for the document
	Log     *slog.Logger
	// Remote gives the caller's address; nil takes it from the connection.
	Remote func(*http.Request) netip.Addr
	// PerMinute is how many calls a key may make that has no number of its own;
	// 0 means 600.
	PerMinute int
	// Observe is called after each call; nil for nobody.
	Observe func(*http.Request, Observed)
}

// Observed is one call as it ended.
type Observed struct {
	Operation string // "" for an unknown one
	Code      string // "": done
	Key       string // name of the key; "": none, or a wrong one
	User      styk.ID
	Took      time.Duration
}

// Server answers the API. It is safe for many goroutines.
type Server struct {
	Options
	mux      *http.ServeMux
	document []byte // OpenAPI
	pace     paces
}

// New makes the service.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Remote == nil {
		o.Remote = connectionAddr
	}
	if o.PerMinute <= 0 {
		o.PerMinute = 600
	}
	s := &Server{Options: o, mux: http.NewServeMux()}
	s.document = documentOf(operations, o.Version)
	for i := range operations {
		op := &operations[i]
		s.mux.HandleFunc(op.method+" "+Root+op.path, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, op) })
	}
	s.mux.HandleFunc("GET "+Root+"/openapi.json", s.showDocument)
	s.mux.HandleFunc("GET "+Root+"/{$}", s.showPage)
	s.mux.HandleFunc("GET "+Root+"/style.css", showStyle)
	return s
}

func connectionAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// Matches says whether a path belongs to the server.
func Matches(path string) bool { return path == Root || strings.HasPrefix(path, Root+"/") }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	if r.URL.Path == Root {
		http.Redirect(w, r, Root+"/", http.StatusPermanentRedirect)
		return
	}
	handler, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r) // it fills in the path's values
		return
	}
	s.answerUnknown(w, r, handler)
}

// answerUnknown refuses a path that is none, or a method that the path has not;
// the mux knows which, but says it in plain text.
func (s *Server) answerUnknown(w http.ResponseWriter, r *http.Request, mux http.Handler) {
	start := time.Now()
	asked := &unwritten{header: http.Header{}}
	mux.ServeHTTP(asked, r)
	f := &failure{status: http.StatusNotFound, Code: "not_found", Message: "По этому адресу ничего нет: операции перечислены на " + Root + "/"}
	if asked.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", asked.header.Get("Allow"))
		f = &failure{status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "Этот адрес принимает " + asked.header.Get("Allow")}
	}
	f.write(w)
	s.observe(r, Observed{Code: f.Code, Took: time.Since(start)})
}

// unwritten takes an answer that nobody gets.
type unwritten struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (u *unwritten) Header() http.Header { return u.header }

// Write implements http.ResponseWriter.
func (u *unwritten) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (u *unwritten) WriteHeader(status int) { u.status = status }

func (s *Server) observe(r *http.Request, o Observed) {
	if s.Observe != nil {
		s.Observe(r, o)
	}
}

// answer runs one operation for one request.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, op *operation) {
	start := time.Now()
	c := &call{Context: r.Context(), s: s, w: w, r: r, op: op}
	result, err := c.run()
	seen := Observed{Operation: op.id}
	if c.key != nil {
		seen.Key, seen.User = c.key.Name, c.key.User
	}
	switch {
	case err != nil:
		f := c.refusal(err)
		seen.Code = f.Code
		f.write(w)
	case !c.written:
		c.write(result)
	}
	seen.Took = time.Since(start)
	s.observe(r, seen)
}

// call is one request of one operation.
type call struct {
	context.Context //nolint:containedctx // it lives as long as the request, as vtiger's does
	s               *Server
	w               http.ResponseWriter
	r               *http.Request
	op              *operation
	key             *store.APIKey
	user            *styk.User // in whose name the key acts; nil: nobody's
	query           query
	in              any    // the body, a pointer to the operation's type
	body            []byte // as it came
	status          int    // of success, where it differs from the operation's
	written         bool   // the handler has written the answer itself
}

// run lets the request in, reads it and does what it asks for.
func (c *call) run() (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if err := c.enter(); err != nil {
		return nil, err
	}
	if c.query, err = readQuery(c.op, c.r.URL.RawQuery); err != nil {
		return nil, err
	}
	if c.op.once {
		if err := c.checkOnce(); err != nil {
			return nil, err
		}
	}
	if err := c.readBody(); err != nil {
		return nil, err
	}
	return c.op.handle(c)
}

// by says who changes something.
func (c *call) by() store.By { return store.By{User: c.key.User, Origin: "api:" + c.key.Name} }

// person gives in whose name the key acts, for what only a person may do.
func (c *call) person() (*styk.User, error) {
	if c.user == nil {
		return nil, styk.Failed(styk.Forbidden, "Это делает только человек: выдайте ключ от его имени (styk key add --for)")
	}
	return c.user, nil
}

// id reads the number in the path; a wrong one names nothing.
func (c *call) id(name string) (styk.ID, error) {
	n, ok := parseID(c.r.PathValue(name))
	if !ok {
		return 0, styk.Failed(styk.NotFound, "")
	}
	return n, nil
}

// view reads one state of the store.
func (c *call) view(fn func(*store.Tx) error) error { return c.s.DB.View(c, fn) }

// change runs a change and notes who did it, in one transaction.
func (c *call) change(action string, about styk.ID, fn func(*store.Tx) error) error {
	return c.s.DB.Update(c, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Audit(c.key.User, action, about, 0)
	})
}

// note keeps that something was done that has a transaction of its own.
func (c *call) note(action string, about styk.ID, amount int64) error {
	return c.s.Staff.Note(c, c.key.User, action, about, amount)
}

// refusal words an error: the one place where our codes become HTTP's. What
// nobody outside has caused is logged and shown as a number.
func (c *call) refusal(err error) *failure {
	var f *failure
	var taken *store.CardTaken
	var ours *styk.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &taken):
		f = mistake(styk.FieldError(styk.Conflict, "values."+taken.Variable, "unique", "Такое значение уже есть у карты "+taken.Number))
		return f
	case errors.Is(err, wallet.ErrNoTemplate):
		return mistake(styk.FieldError(styk.Reference, "template", "reference", "Такого шаблона карт нет"))
	case errors.As(err, &ours):
		return mistake(ours)
	case c.Err() != nil: // nobody waits for the answer
		return &failure{status: statusClientGone, Code: "cancelled", Message: "Вызов прерван"}
	}
	number := time.Now().UTC().Format("150405.000000")
	c.s.Log.Error("a call went wrong", "op", c.op.id, "request", number, "err", err)
	return &failure{status: http.StatusInternalServerError, Code: "internal", Message: "Внутренняя ошибка, номер " + number}
}
