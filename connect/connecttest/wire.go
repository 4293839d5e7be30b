package connecttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"styk/connect"
)

// wire stands on both sides of the network: as the innermost round-tripper it
// sees what leaves and marks it, as a handler it breaks what arrives.
type wire struct {
	t    *testing.T
	base http.RoundTripper
	sim  http.Handler

	mu            sync.Mutex
	nRead, nWrite int
	byWrite       map[int]action
	byRequest     map[int]action
	hung          chan struct{} // closed when hang began
	overdue       chan struct{} // one token for each request whose time is up
	hangTime      time.Time
}

// mark is the header that carries "write" or "read" between the two sides; it
// also proves that a request came by the parcel's client.
const mark = "Connecttest"

func newWire(t *testing.T) *wire {
	return &wire{t: t, byWrite: map[int]action{}, byRequest: map[int]action{}, hung: make(chan struct{}), overdue: make(chan struct{}, 1)}
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, ok := req.Context().Deadline(); !ok {
		w.t.Errorf("%s %s has no deadline", req.Method, req.URL.Path)
	}
	what := "read"
	if connect.IsWrite(req) {
		what = "write"
		if connect.StepName(req.Context()) == "" {
			w.t.Errorf("%s %s writes outside a step", req.Method, req.URL.Path)
		}
	}
	if w.base == nil {
		return nil, errors.New("this foreign system is not HTTP")
	}
	ctx, cancel := context.WithCancel(req.Context())
	late := make(chan struct{})
	go func() { // ends with the request's own context, which its transport ends
		select {
		case <-w.overdue:
			close(late)
			cancel()
		case <-ctx.Done():
		}
	}()
	out := req.Clone(ctx)
	out.Header.Set(mark, what)
	resp, err := w.base.RoundTrip(out)
	if err != nil {
		cancel()
		select {
		case <-late:
			return nil, context.DeadlineExceeded
		default:
		}
	}
	return resp, err
}

// ServeHTTP implements http.Handler.
func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	what := r.Header.Get(mark)
	r.Header.Del(mark)
	if what == "" {
		w.t.Errorf("%s %s went out past the parcel's client", r.Method, r.URL.Path)
	}
	if act := w.next(what == "write"); act != nil {
		act(w.sim, rw, r)
		return
	}
	w.sim.ServeHTTP(rw, r)
}

// next counts the request and gives what shall happen to it, once.
func (w *wire) next(write bool) action {
	w.mu.Lock()
	defer w.mu.Unlock()
	if write {
		w.nWrite++
		if act := w.byWrite[w.nWrite]; act != nil {
			delete(w.byWrite, w.nWrite)
			return act
		}
	} else {
		w.nRead++
	}
	if act := w.byRequest[w.nRead+w.nWrite]; act != nil {
		delete(w.byRequest, w.nRead+w.nWrite)
		return act
	}
	return nil
}

func (w *wire) writes() int   { w.mu.Lock(); defer w.mu.Unlock(); return w.nWrite }
func (w *wire) requests() int { w.mu.Lock(); defer w.mu.Unlock(); return w.nRead + w.nWrite }

// atWrite lets a happen to the k-th write from the start, counted from 1.
func (w *wire) atWrite(k int, a action) { w.mu.Lock(); defer w.mu.Unlock(); w.byWrite[k] = a }

// atRequest lets a happen to the k-th request; hang is told to w.hung.
func (w *wire) atRequest(k int, a action) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byRequest[k] = func(h http.Handler, rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.hangTime = time.Now()
		w.mu.Unlock()
		close(w.hung)
		a(h, rw, r)
	}
}

func (w *wire) hungAt() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.hangTime }

// cut closes the connection without an answer.
func cut(rw http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(rw).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func cutBefore(_ http.Handler, rw http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	cut(rw)
}

func cutAfter(sim http.Handler, rw http.ResponseWriter, r *http.Request) {
	sim.ServeHTTP(httptest.NewRecorder(), r)
	cut(rw)
}

func failAfter(sim http.Handler, rw http.ResponseWriter, r *http.Request) {
	sim.ServeHTTP(httptest.NewRecorder(), r)
	rw.WriteHeader(http.StatusInternalServerError)
}

// timeOutAfter lets the write happen and the caller's deadline pass at once,
// which saves the suite from waiting for real ones.
func (w *wire) timeOutAfter(sim http.Handler, rw http.ResponseWriter, r *http.Request) {
	sim.ServeHTTP(httptest.NewRecorder(), r)
	w.overdue <- struct{}{}
	hang(sim, rw, r)
}

// hang answers nothing until the caller gives up.
func hang(_ http.Handler, rw http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-time.After(3 * time.Second): // the caller's fault is told by its own test
	}
	cut(rw)
}

// reply answers with an error page and does nothing.
func reply(status int, retryAfter, body string) action {
	return func(_ http.Handler, rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if retryAfter != "" {
			rw.Header().Set("Retry-After", retryAfter)
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.WriteHeader(status)
		_, _ = fmt.Fprint(rw, body)
	}
}
