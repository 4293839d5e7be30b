package passteam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/store"
	"styk/wallet"
)

// Options assemble a Server. DB and Cards are required.
type Options struct {
	DB    *store.DB
	Cards *wallet.Cards
	Log   *slog.Logger
	// Remote gives the caller's address; nil takes it from the connection.
	Remote func(*http.Request) netip.Addr
	// PerMinute is how many calls a token may make that has no number of its
	// own; 0 means 600.
	PerMinute int
	// Wait holds back who guesses at getatoken; nil sleeps. Tests put a clock of
	// their own.
	Wait func(ctx context.Context, d time.Duration) error
	// Observe is called after each call; nil for nobody.
	Observe func(*http.Request, Observed)
}

// Observed is one call as it ended.
type Observed struct {
	Method string          // "" for an unknown one
	Code   string          // "": done
	Token  *styk.CardToken // nil: none, or a wrong one
	Took   time.Duration
}

// Server answers Passteam's methods out of the local store. It is safe for many
// goroutines.
type Server struct {
	Options
	tokens tokenCache
}

// call is one request of one method.
type call struct {
	context.Context //nolint:containedctx // it lives as long as the request, as vtiger's does
	s               *Server
	request         *http.Request
	header          http.Header // of the answer
	name            string      // of the method, as it was called, lower case
	method          *Method     // nil: unknown
	body            *Body
	token           *styk.CardToken // nil until it is known
	by              store.By

	template, number string // what the call is about, for the text of a refusal
}

// origin is where cards and changes that come through this door say they are
// from.
const origin = "passteam"

// NewServer makes the service.
func NewServer(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Remote == nil {
		o.Remote = connectionAddr
	}
	if o.PerMinute <= 0 {
		o.PerMinute = 600
	}
	if o.Wait == nil {
		o.Wait = sleep
	}
	return &Server{Options: o}
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

// operations are what each method of the registry does.
var operations = map[string]func(*call) (any, error){
	MethodGetToken:    (*call).getToken,
	MethodTemplateIDs: (*call).templateIDs,
	MethodTemplate:    (*call).oneTemplate,
	MethodTemplates:   (*call).allTemplates,
	MethodCreateCard:  (*call).createCard,
	MethodUpdateCard:  (*call).updateCard,
	MethodUpdateCards: (*call).updateCards,
	MethodCard:        (*call).oneCard,
	MethodCards:       (*call).allCards,
	MethodCardsByPage: (*call).cardsByPage,
	MethodCheckUnique: (*call).checkUnique,
	MethodShare:       (*call).share,
	MethodDeleteCards: (*call).deleteCards,
	MethodSendPush:    (*call).sendPush,
}

// Matches says whether a path belongs to the server, however many slashes it
// has: what is no method there is answered in JSON too, since 1C parses whatever
// comes (spec/passteam.md 2.3).
func Matches(path string) bool {
	path = strings.TrimLeft(path, "/")
	first, _, _ := strings.Cut(path, "/")
	return strings.EqualFold(first, Root[1:])
}

// ServeHTTP implements http.Handler. It is mounted by hand, not on a ServeMux,
// which would answer an unclean path by 301 and so turn a POST into a GET.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	c := &call{Context: r.Context(), s: s, request: r, header: w.Header()}
	result, err := c.run()
	answer, code := Done(result), ""
	if err != nil {
		f := c.refusal(err)
		answer, code = f.Answer(), strconv.Itoa(f.Code)
	}
	if s.Observe != nil {
		name := ""
		if c.method != nil {
			name = c.method.Name
		}
		s.Observe(r, Observed{name, code, c.token, time.Since(start)})
	}
	if err := Write(w, answer, c.token != nil && c.token.Always200); err != nil && c.Err() == nil {
		s.Log.Debug("an answer was not taken", "op", c.name, "err", err)
	}
}

// run reads the request, finds method and token, and runs the method.
func (c *call) run() (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	name, known := InPath(c.request.URL.Path)
	if known {
		c.method = MethodNamed(name)
		c.name = strings.ToLower(name)
	}
	// Who calls comes first, for the switch of his token holds for refusals too.
	denied := c.authenticate()
	switch {
	case c.request.Method != http.MethodPost:
		c.header.Set("Allow", http.MethodPost)
		return nil, PostOnly()
	case c.method == nil:
		return nil, MethodUnknown(name)
	case c.method.Public: // a token that was sent along decides nothing
	case denied != nil:
		return nil, denied
	}
	if c.body, err = ReadBody(c.request, c.method); err != nil {
		return nil, err
	}
	if len(c.body.Mended) > 0 {
		c.s.Log.Debug("a request was read with tolerance", "op", c.method.Name, "mended", c.body.Mended)
	}
	return operations[c.method.Name](c)
}

// refusal words an error for the caller: the one place where our codes become
// the protocol's (contract 17, 18). What nobody outside has caused is logged and
// shown as a number.
func (c *call) refusal(err error) *Failure {
	var wire *Failure
	var unset *wallet.Unset
	var taken *store.CardTaken
	var ours *styk.Error
	switch {
	case errors.As(err, &wire):
		return wire
	case errors.As(err, &unset):
		return NotSet(unset.Variable)
	case errors.As(err, &taken):
		return Taken(taken.Variable, taken.Number, c.s.Cards.URL(taken.Number))
	case errors.Is(err, wallet.ErrNoTemplate):
		return TemplateUnknown(c.template)
	case errors.As(err, &ours):
		return c.mistake(ours)
	case c.Err() != nil: // nobody waits for the answer
		return Trouble("0")
	}
	number := time.Now().UTC().Format("150405.000000")
	c.s.Log.Error("a call went wrong", "op", c.name, "request", number, "err", err)
	return Trouble(number)
}

// mistake words what is wrong in our own terms. 409 stays for values that are
// taken: 1C shows it as such (spec/passteam.md 2.3).
func (c *call) mistake(e *styk.Error) *Failure {
	switch e.Code {
	case styk.NotFound:
		return CardUnknown(c.number)
	case styk.Conflict:
		return &Failure{Code: CodeNoRight, Message: "Template (" + quoted(c.template) + ") is closed: it takes no new cards."}
	case styk.Forbidden:
		return NoRight()
	case styk.Full:
		return &Failure{Code: http.StatusServiceUnavailable, Message: "There is no room left: nothing was stored."}
	}
	if len(e.Faults) > 0 && e.Faults[0].Rule == "length" {
		return badRequest("Value (%s) is longer than %d characters.", quoted(e.Faults[0].Field), wallet.MaxValue)
	}
	return badRequest("Parameter (%s) is wrong.", FieldValues)
}
