package creatio

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"styk/connect"
	"styk/connect/connecttest"
)

// TestMain lets many tests wait side by side: they wait for time-outs, not for
// processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// site is a simulator on loopback, a connector for it, and a clock of its own.
type site struct {
	t    testing.TB
	sim  *Sim
	url  string
	to   *target
	http *http.Client

	mu    sync.Mutex
	at    time.Time
	warns []string
}

func newSite(t testing.TB, platform Platform, settings map[string]any) *site {
	t.Helper()
	s := &site{t: t, at: time.Date(2026, 11, 21, 9, 31, 0, 0, time.UTC)}
	s.sim = NewSim(platform, SimUser("api", testPassword), SimClock(s.now))
	server := httptest.NewServer(s.sim)
	base := connect.Guard{}.NewBase()
	s.http = (&connect.Transport{Base: base, Timeout: 10 * time.Second}).Client()
	t.Cleanup(func() {
		base.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	s.url = server.URL
	values := map[string]any{
		"url": s.url, "user": "api", "password": testPassword, "external_id_column": "UsrExternalId",
	}
	for name, value := range settings {
		values[name] = value
	}
	s.to = s.open(values)
	return s
}

// open makes a connector as Kind.Open does, but with its pauses on the clock.
func (s *site) open(values map[string]any) *target {
	s.t.Helper()
	checked, err := Kind.Check(values)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := New(connect.Settings{Target: "crm", Values: checked, Client: s.http, Now: s.now})
	if err != nil {
		s.t.Fatal(err)
	}
	to := c.(*target)
	to.pause = func(_ context.Context, d time.Duration) error { s.pass(d); return nil }
	return to
}

func (s *site) now() time.Time       { s.mu.Lock(); defer s.mu.Unlock(); return s.at }
func (s *site) pass(d time.Duration) { s.mu.Lock(); defer s.mu.Unlock(); s.at = s.at.Add(d) }

func (s *site) fault(text string) {
	s.t.Helper()
	f, err := ParseFault(text)
	if err == nil {
		err = s.sim.Fault(f)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// ticket gives the i-th parcel of the suite's visitor.
func ticket(i int) *connect.Parcel {
	p := connecttest.Parcel(i)
	p.Ticket.Mapping = Kind.Mapping
	return p
}

func (s *site) attempt(p *connect.Parcel, m *connect.Memory) error {
	p.Attempt++
	e := m.Effects(s.http)
	e.Warn = func(text string) { s.mu.Lock(); defer s.mu.Unlock(); s.warns = append(s.warns, text) }
	return s.to.Deliver(s.t.Context(), p.Bind(e))
}

func (s *site) mustDeliver(p *connect.Parcel) *connect.Memory {
	s.t.Helper()
	m := &connect.Memory{}
	if err := s.attempt(p, m); err != nil {
		s.t.Fatalf("deliver: %v", err)
	}
	return m
}

// whole checks that everything of the ticket is there exactly once.
func (s *site) whole(p *connect.Parcel) {
	s.t.Helper()
	n := p.Ticket.Number
	if got := len(s.sim.casesOf(n)); got != 1 {
		s.t.Errorf("%d cases for %s, want 1", got, n)
	}
	if got := len(s.sim.under("SocialMessage", "EntityId", s.sim.caseOf(n))); got != 1 {
		s.t.Errorf("%d messages, want 1", got)
	}
	files := s.sim.filesOf(n)
	if len(files) != len(p.Ticket.Files) {
		s.t.Errorf("%d files, want %d: %v", len(files), len(p.Ticket.Files), files)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name, "(half)") {
			s.t.Errorf("half a file: %v", f)
		}
	}
}

// calls gives the log from the n-th call on, reads of lookups left out.
func (s *site) calls(from int) []string {
	var out []string
	for _, c := range s.sim.State().Log[from:] {
		path := strings.TrimPrefix(c.Path, "/odata/")
		if i := strings.IndexByte(path, '('); i > 0 {
			path = path[:i] + "()"
		}
		out = append(out, c.Method+" "+path)
	}
	return out
}

func (s *site) unbroken() {
	s.t.Helper()
	for _, text := range s.sim.State().Broken {
		s.t.Errorf("the protocol was broken: %s", text)
	}
}

// bigFile makes a file of n bytes.
func bigFile(n int) connect.File {
	data := bytes.Repeat([]byte("styk"), n/4+1)[:n]
	return connect.File{
		ID: "f", Field: "file", Name: "план.pdf", MIME: "application/pdf", Size: int64(n), URL: "https://styk.firm.ru/d/0123456789",
		Open: func(context.Context) (io.ReadSeekCloser, error) { return seekNop{bytes.NewReader(data)}, nil },
	}
}

type seekNop struct{ *bytes.Reader }

func (seekNop) Close() error { return nil }

func only(lines []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, prefix) })
}

// visitor gives the first ticket of the i-th stranger, without files.
func visitor(i int) *connect.Parcel {
	p := ticket(i)
	t := p.Ticket
	t.Contact.Phone, t.Contact.Email = fmt.Sprintf("+7901%07d", i), fmt.Sprintf("v%d@firm.ru", i)
	t.Fields[2].Value = fmt.Sprintf("ООО «Фирма %d»", i)
	t.Files = nil
	return p
}
