package connecttest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"styk/connect"
)

type ctx = context.Context

func withCancel(t *testing.T) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

// world is one connector with one fresh foreign system.
type world struct {
	t         *testing.T
	c         Case
	sim       *Sim
	url       string
	wire      *wire
	transport *connect.Transport
	connector connect.Connector
	secrets   []string

	mu   sync.Mutex
	all  []connect.Exchange
	errs []string
}

func (c Case) world(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, c: c, sim: c.New(t), wire: newWire(t)}
	if w.sim.Handler != nil {
		w.wire.sim = w.sim.Handler
		server := httptest.NewServer(w.wire)
		base := connect.Guard{}.NewBase()
		t.Cleanup(func() {
			base.CloseIdleConnections()
			server.CloseClientConnections()
			server.Close()
		})
		w.url, w.wire.base = server.URL, base
	}
	values := w.sim.Settings(w.url)
	checked, err := c.Kind.Check(values)
	if err != nil {
		t.Fatal(err)
	}
	w.secrets = c.Kind.Secrets(checked)
	w.transport = &connect.Transport{
		Base: w.wire, Timeout: 30 * time.Second, Mask: connect.NewMask(w.secrets...), Record: w.record,
	}
	w.connector = w.open(values)
	t.Cleanup(w.noSecrets)
	return w
}

func (w *world) open(values map[string]any) connect.Connector {
	w.t.Helper()
	connector, err := w.c.Kind.Open(connect.Settings{
		Target: "suite", Values: values, Client: w.transport.Client(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return connector
}

// restart is what another process begins with: no session, no memory.
func (w *world) restart() { w.connector = w.open(w.sim.Settings(w.url)) }

func (w *world) record(x connect.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, x)
}

func (w *world) exchanges() []connect.Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// told keeps an error's texts, to be searched for secrets.
func (w *world) told(err error) {
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.errs = append(w.errs, err.Error(), connect.Explain(err))
	}
}

// attempt delivers once.
func (w *world) attempt(ctx context.Context, p *connect.Parcel, m *connect.Memory) error {
	return w.attemptWith(ctx, p, m.Effects(nil))
}

func (w *world) attemptWith(ctx context.Context, p *connect.Parcel, e connect.Effects) error {
	p.Attempt++
	e.Client = w.transport.Client()
	err := w.connector.Deliver(ctx, p.Bind(e))
	w.told(err)
	return err
}

// deliver tries as the courier would, without its pauses.
func (w *world) deliver(p *connect.Parcel, m *connect.Memory) {
	w.t.Helper()
	var err error
	for range 4 {
		if err = w.attempt(w.t.Context(), p, m); err == nil {
			return
		}
		if connect.IsPermanent(err) {
			break
		}
	}
	w.t.Fatalf("not delivered: %v (%s)", err, connect.Explain(err))
}

// complete looks into the foreign system: everything is there, exactly once.
func (w *world) complete(p *connect.Parcel) {
	w.t.Helper()
	n := number(p)
	if got := w.sim.Records(n); got != 1 {
		w.t.Errorf("%d records for %s, want 1", got, n)
	}
	if w.sim.Messages != nil {
		if got := w.sim.Messages(n); got != 1 {
			w.t.Errorf("%d messages for %s, want 1", got, n)
		}
	}
	if w.sim.Files == nil || p.Ticket == nil {
		return
	}
	got := w.sim.Files(n)
	for _, f := range p.Ticket.Files {
		i := slices.IndexFunc(got, func(g File) bool { return g.Size == f.Size && g.SHA256 == f.SHA256 })
		if i < 0 {
			i = slices.IndexFunc(got, func(g File) bool { return g.Size == -1 && g.SHA256 == "" })
		}
		if i < 0 {
			w.t.Errorf("file %q (%d bytes) is not whole over there: %v", f.Name, f.Size, got)
			continue
		}
		got = slices.Delete(slices.Clone(got), i, i+1)
	}
	if len(got) != 0 {
		w.t.Errorf("files too many: %v", got)
	}
}

// noSecrets looks through all that was told and recorded.
func (w *world) noSecrets() {
	var all strings.Builder
	for _, e := range w.errs {
		all.WriteString(e + "\n")
	}
	for _, x := range w.exchanges() {
		all.WriteString(x.URL + "\n" + x.Err + "\n")
		_ = x.RequestHeader.Write(&all)
		_ = x.AnswerHeader.Write(&all)
		all.Write(x.RequestBody)
		all.Write(x.AnswerBody)
	}
	for i, secret := range w.secrets {
		if strings.Contains(all.String(), secret) {
			w.t.Errorf("secret %d stands in an error or a record", i+1)
		}
	}
}

// count delivers once undisturbed and tells how many writes and requests it took.
func (c Case) count(t *testing.T) (writes, requests int) {
	t.Helper()
	w := c.world(t)
	w.deliver(w.parcel(1), &connect.Memory{})
	return w.wire.writes(), w.wire.requests()
}

// number is what the view into the foreign system asks for.
func number(p *connect.Parcel) string {
	if p.Ticket != nil {
		return p.Ticket.Number
	}
	return p.ID
}

// action is what happens to one request instead of being answered.
type action func(sim http.Handler, w http.ResponseWriter, r *http.Request)
