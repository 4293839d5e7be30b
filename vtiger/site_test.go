package vtiger

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"styk/connect"
	"styk/connect/connecttest"
)

// site is a simulator on loopback, a connector for it, and a clock of its own.
type site struct {
	t    testing.TB
	sim  *Sim
	url  string
	to   connect.Connector
	http *http.Client

	clock *clock
	mu    sync.Mutex
	warns []string
}

// newSite lays settings over those for the simulator.
func newSite(t testing.TB, storage string, settings map[string]any) *site {
	t.Helper()
	d := &site{t: t, clock: &clock{now: time.Date(2026, 11, 21, 9, 31, 0, 0, time.UTC)}}
	d.sim = NewSim(SimUser("api", demoKey), SimClock(d.clock.Now), SimStorage(storage))
	server := httptest.NewServer(d.sim)
	base := connect.Guard{}.NewBase()
	d.http = (&connect.Transport{Base: base, Timeout: 10 * time.Second}).Client()
	t.Cleanup(func() {
		base.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	d.url = server.URL
	d.open(settings)
	return d
}

func (d *site) open(settings map[string]any) {
	d.t.Helper()
	c, err := Kind.Open(connect.Settings{Target: "crm", Values: with(simSettings, settings)(d.url), Client: d.http, Now: d.clock.Now})
	if err != nil {
		d.t.Fatal(err)
	}
	d.to = c
}

func (d *site) fault(text string) {
	d.t.Helper()
	f, err := ParseFault(text)
	if err == nil {
		err = d.sim.Fault(f)
	}
	ok(d.t, err)
}

// parcel gives the i-th parcel of the suite's visitor.
func parcel(i int) *connect.Parcel {
	p := connecttest.Parcel(i)
	p.Ticket.Mapping = Kind.Mapping
	return p
}

func (d *site) attempt(p *connect.Parcel, m *connect.Memory) error {
	p.Attempt++
	e := m.Effects(d.http)
	e.Warn = func(text string) { d.mu.Lock(); defer d.mu.Unlock(); d.warns = append(d.warns, text) }
	return d.to.Deliver(d.t.Context(), p.Bind(e))
}

func (d *site) mustDeliver(p *connect.Parcel) *connect.Memory {
	d.t.Helper()
	m := &connect.Memory{}
	if err := d.attempt(p, m); err != nil {
		d.t.Fatalf("deliver: %v (%s)", err, connect.Explain(err))
	}
	return m
}

// whole checks that everything of the ticket is there exactly once.
func (d *site) whole(p *connect.Parcel) {
	d.t.Helper()
	n := p.Ticket.Number
	if got := len(d.sim.projectsOf(n)); got != 1 {
		d.t.Errorf("%d projects for %s, want 1", got, n)
	}
	got := d.sim.filesOf(n)
	if len(got) != len(p.Ticket.Files) {
		d.t.Errorf("%d files, want %d: %v", len(got), len(p.Ticket.Files), got)
	}
	for _, f := range p.Ticket.Files {
		if !slices.ContainsFunc(got, func(g connecttest.File) bool { return g.SHA256 == f.SHA256 || g.Size == -1 }) {
			d.t.Errorf("%s is not whole over there: %v", f.Name, got)
		}
	}
	for _, text := range d.sim.State().Broken {
		d.t.Errorf("the protocol was broken: %s", text)
	}
}

// calls gives the operations of the log, logins left out.
func (d *site) calls() []string {
	var out []string
	for _, c := range d.sim.State().Log {
		if c.Operation == OpGetChallenge || c.Operation == OpLogin {
			continue
		}
		name := c.Operation
		if c.Path != "/webservice.php" {
			name = c.Method + " " + strings.SplitN(c.Path, "/", 3)[1]
		}
		out = append(out, name)
	}
	return out
}
