package connect

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// Transport is the way out of one attempt: it waits for its turn, gives each
// request a deadline, records it masked, and in a dry run sends no write. It may
// be used by many goroutines. Make its client with Client.
type Transport struct {
	Base    http.RoundTripper           // usually NewBase, shared by all attempts
	Timeout time.Duration               // of one request, body included; 0: 100 s
	Turn    func(context.Context) error // rate limit; may be nil
	Mask    *Mask                       // may be nil
	Keep    int                         // bytes kept of each body; 0: 64 KiB
	DryRun  bool
	Record  func(Exchange) // when the answer was read or given up; may be nil; any goroutine
}

// Client gives an HTTP client that goes out by t and follows no redirect.
func (t *Transport) Client() *http.Client {
	return &http.Client{Transport: t, CheckRedirect: NoRedirect}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.Turn != nil {
		if err := t.Turn(req.Context()); err != nil {
			closeBody(req)
			return nil, err
		}
	}
	timeout := t.Timeout
	if timeout <= 0 {
		timeout = 100 * time.Second
	}
	ctx, cancel := context.WithTimeout(req.Context(), timeout)
	r := newRecorder(t, req)
	out := req.Clone(httptrace.WithClientTrace(ctx, r.trace()))
	r.tapeRequest(out)
	if t.DryRun && IsWrite(req) {
		defer cancel()
		return nil, r.dry(out)
	}
	resp, err := t.Base.RoundTrip(out)
	if err != nil {
		cancel()
		r.finish(nil, nil, err)
		return nil, err
	}
	var tape *Tape // none, when nobody asks
	if t.Record != nil {
		tape = NewTape(t.keep(), resp.Header.Get("Content-Type"))
	}
	resp.Body = &tapedBody{ReadCloser: resp.Body, tape: tape, end: func(err error) {
		cancel()
		r.finish(resp, tape, err)
	}}
	return resp, nil
}

func (t *Transport) keep() int {
	if t.Keep > 0 {
		return t.Keep
	}
	return 64 << 10
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // the request is given up: its own error is told
	}
}

// recorder watches one exchange.
type recorder struct {
	t     *Transport
	req   *http.Request
	start time.Time

	mu                   sync.Mutex // the trace's hooks come from dialing goroutines
	sent                 *Tape      // of the last sending: a body may be rewound
	timing               Timing
	dns, dial, tls, wait time.Time
	once                 sync.Once
}

func newRecorder(t *Transport, req *http.Request) *recorder {
	return &recorder{t: t, req: req, start: time.Now()}
}

// tapeRequest puts a tape under the body, and under each rewound copy of it.
func (r *recorder) tapeRequest(out *http.Request) {
	if r.t.Record == nil || out.Body == nil || out.Body == http.NoBody {
		return
	}
	tape := func(body io.ReadCloser) io.ReadCloser {
		tp := NewTape(r.t.keep(), out.Header.Get("Content-Type"))
		r.mu.Lock()
		if r.sent != nil {
			r.sent.Stop(nil)
		}
		r.sent = tp
		r.mu.Unlock()
		return &tapedBody{ReadCloser: body, tape: tp, end: func(error) {}}
	}
	out.Body = tape(out.Body)
	if again := out.GetBody; again != nil {
		out.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			return tape(body), nil
		}
	}
}

// dry records a write without sending it.
func (r *recorder) dry(out *http.Request) error {
	if out.Body != nil {
		_, err := io.Copy(io.Discard, out.Body)
		closeBody(out)
		if err != nil {
			return err
		}
	}
	r.finish(nil, nil, ErrDryRun)
	return ErrDryRun
}

// trace measures. A phase may be run for several addresses at once; the last
// one to end counts.
func (r *recorder) trace() *httptrace.ClientTrace {
	mark := func(at *time.Time) {
		r.mu.Lock()
		defer r.mu.Unlock()
		*at = time.Now()
	}
	took := func(d *time.Duration, since *time.Time) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !since.IsZero() {
			*d = time.Since(*since)
		}
	}
	return &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { mark(&r.dns) },
		DNSDone:              func(httptrace.DNSDoneInfo) { took(&r.timing.DNS, &r.dns) },
		ConnectStart:         func(string, string) { mark(&r.dial) },
		ConnectDone:          func(string, string, error) { took(&r.timing.Connect, &r.dial) },
		TLSHandshakeStart:    func() { mark(&r.tls) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { took(&r.timing.TLS, &r.tls) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { mark(&r.wait) },
		GotFirstResponseByte: func() { took(&r.timing.Wait, &r.wait) },
		GotConn: func(c httptrace.GotConnInfo) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.timing.Reused = c.Reused
		},
	}
}

// finish hands the exchange over, once.
func (r *recorder) finish(resp *http.Response, answer *Tape, err error) {
	r.once.Do(func() {
		if resp != nil {
			r.learn(resp)
		}
		if r.t.Record != nil {
			r.t.Record(r.exchange(resp, answer, err))
		}
	})
}

// learn remembers the session's cookies, so that they are hidden wherever they
// stand. Short values are words ("General"), not secrets.
func (r *recorder) learn(resp *http.Response) {
	if r.t.Mask == nil {
		return
	}
	for _, c := range resp.Cookies() {
		if len(c.Value) >= 12 {
			r.t.Mask.Learn(c.Value)
		}
	}
}

func (r *recorder) exchange(resp *http.Response, answer *Tape, err error) Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	mask := r.t.Mask
	x := Exchange{
		Step:          StepName(r.req.Context()),
		Method:        r.req.Method,
		URL:           mask.URL(r.req.URL),
		DryRun:        err == ErrDryRun,
		RequestHeader: mask.Header(r.req.Header),
		Start:         r.start,
		Timing:        r.timing,
	}
	x.Timing.Total = time.Since(r.start)
	if r.sent != nil {
		x.RequestBody, x.RequestSize = r.sent.Stop(mask)
	}
	if resp != nil {
		x.Status = resp.StatusCode
		x.AnswerHeader = mask.Header(resp.Header)
		x.AnswerBody, x.AnswerSize = answer.Stop(mask)
	}
	if err != nil && !x.DryRun {
		x.Err = mask.Text(err.Error())
	}
	return x
}
