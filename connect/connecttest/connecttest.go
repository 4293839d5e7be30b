// Package connecttest is the suite that every connector passes: what the courier
// relies on, asked of a real connector against a simulator of its foreign
// system, over real connections that break. For tests only.
package connecttest

import (
	"net/http"
	"testing"
	"time"

	"styk/connect"
)

// Case is one connector with a simulator of its foreign system.
type Case struct {
	Kind connect.Kind
	// New starts a fresh, empty foreign system. It is called for every subtest.
	New func(t *testing.T) *Sim
	// Mapping replaces Kind.Mapping in the tickets; may be nil.
	Mapping map[string]string
	// Prepare changes a standard parcel before it is delivered, for connectors
	// whose subject is no ticket; may be nil.
	Prepare func(p *connect.Parcel)
}

// Sim is a foreign system and the view into it. number is our ticket number (or
// the parcel's ID where the subject is no ticket). Functions that may be nil say
// so; all may be called from any goroutine.
type Sim struct {
	// Handler answers as the foreign system does. The suite serves it and breaks
	// its connections. Nil for a system that is not HTTP: then the suite leaves
	// out what needs broken connections.
	Handler http.Handler
	// Settings give the connector's settings for the system served at url.
	Settings func(url string) map[string]any
	// Wrong gives settings with a wrong secret; nil: each secret text is replaced.
	Wrong func(url string) map[string]any

	Records  func(number string) int    // main records that carry number
	Messages func(number string) int    // messages at them; nil: there are none
	Files    func(number string) []File // files at them; nil: the system takes none
	Number   func(number string) string // the number the system gave; nil: it gives none
	Contacts func() int                 // customers in all; nil: it keeps none

	Expire func()     // ends all sessions; nil: there are none
	Logins func() int // successful logins so far; nil when Expire is
}

// File is a file in the foreign system. Size -1 and an empty SHA256 say that
// only a link is there.
type File struct {
	Name   string
	Size   int64
	SHA256 string // lower-case hex
}

// Run asks everything of the connector; each demand is a subtest of its name.
func Run(t *testing.T, c Case) {
	t.Run("describes itself", func(t *testing.T) { describes(t, c.Kind) })
	t.Run("a full parcel gives a receipt", c.receipt)
	t.Run("the same parcel twice makes one foreign record", c.twice)
	t.Run("check passes", c.check)
	t.Run("a wrong secret fails check", c.wrongSecret)
	t.Run("empty optional fields", c.sparse)
	t.Run("hostile texts arrive", c.hostile)
	t.Run("a 20 MB file", c.bigFile)
	t.Run("two parcels of one customer", c.sameCustomer)
	t.Run("an ended context sends nothing", c.endedContext)
	if c.New(t).Handler == nil {
		return
	}
	t.Run("a dry run writes nothing", c.dryRun)
	t.Run("cut and retried", c.cuts)
	t.Run("any request may fail", c.anyRequest)
	t.Run("refusals", c.refusals)
	t.Run("a cancelled context returns within 1 s", c.cancelled)
	if c.New(t).Expire != nil {
		c.sessions(t)
	}
}

// RunSessions asks only what touches the session: for a further flavour of a
// foreign system that differs in nothing else.
func RunSessions(t *testing.T, c Case) {
	t.Run("a full parcel gives a receipt", c.receipt)
	t.Run("a wrong secret fails check", c.wrongSecret)
	c.sessions(t)
}

func (c Case) sessions(t *testing.T) {
	t.Run("session expired midway", c.expiredMidway)
	t.Run("many expiries make one login", c.expiredParallel)
}

// describes checks what the settings page and the store rely on.
func describes(t *testing.T, k connect.Kind) {
	if k.Name == "" || k.Title == "" || k.New == nil {
		t.Errorf("Name, Title and New must be set: %+v", k)
	}
	seen := map[string]bool{}
	for _, f := range k.Fields {
		if f.Name == "" || f.Label == "" || f.Type == "" || seen[f.Name] {
			t.Errorf("field %q needs its own name, a label and a type", f.Name)
		}
		seen[f.Name] = true
		if f.Type == connect.Choice && len(f.Options) == 0 {
			t.Errorf("field %s has nothing to choose from", f.Name)
		}
		if f.Secret && f.Default != "" {
			t.Errorf("field %s: a secret with a default is none", f.Name)
		}
		if f.Default != "" {
			one := connect.Kind{Fields: []connect.Field{f}}
			if _, err := one.Check(nil); err != nil {
				t.Errorf("field %s: default %q: %v", f.Name, f.Default, err)
			}
		}
	}
}

func (c Case) receipt(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	p, m := w.parcel(1), &connect.Memory{}
	if err := w.attempt(t.Context(), p, m); err != nil {
		t.Fatal(err)
	}
	if len(m.Order) == 0 {
		t.Fatal("nothing was delivered inside a step")
	}
	for _, step := range m.Order {
		if m.Done[step].ID == "" {
			t.Errorf("step %s gave no id", step)
		}
	}
	if w.sim.Number != nil {
		if got, want := m.Number(), w.sim.Number(number(p)); got != want || got == "" {
			t.Errorf("published number %q, the system gave %q", got, want)
		}
	}
	w.complete(p)
}

func (c Case) twice(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	p, m := w.parcel(1), &connect.Memory{}
	w.deliver(p, m)
	writes := w.wire.writes()
	w.deliver(p, m)
	if got := w.wire.writes(); got != writes {
		t.Errorf("the second time wrote %d times", got-writes)
	}
	// A crash may lose every checkpoint but "started".
	for step := range m.State {
		m.State[step] = connect.StepStarted
	}
	w.restart()
	w.deliver(p, m)
	w.complete(p)
}

func (c Case) check(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	if err := w.connector.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func (c Case) wrongSecret(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	values := w.sim.Settings(w.url)
	any := false
	for _, f := range c.Kind.Fields {
		if text, ok := values[f.Name].(string); ok && f.Secret && text != "" {
			values[f.Name], any = "wrong-"+text[:len(text)/2], true
		}
	}
	if w.sim.Wrong != nil {
		values, any = w.sim.Wrong(w.url), true
	}
	if !any {
		return
	}
	connector := w.open(values)
	err := connector.Check(t.Context())
	if err == nil {
		t.Fatal("check passed with a wrong secret")
	}
	w.told(err)
	if text := connect.Explain(err); text == "" || len(text) > 400 {
		t.Errorf("the cause is %q", text)
	}
}

func (c Case) sparse(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	p := w.parcel(1)
	sparse(p)
	w.deliver(p, &connect.Memory{})
	w.complete(p)
}

func (c Case) hostile(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	p := w.parcel(1)
	hostile(p)
	w.deliver(p, &connect.Memory{})
	w.complete(p)
}

func (c Case) bigFile(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	if w.sim.Files == nil {
		return
	}
	p := w.parcel(1)
	if p.Ticket == nil {
		return
	}
	p.Ticket.Files = append(p.Ticket.Files, file("большой.bin", "application/octet-stream", noise(20<<20)))
	w.deliver(p, &connect.Memory{})
	w.complete(p)
}

func (c Case) sameCustomer(t *testing.T) {
	t.Parallel()
	w := c.world(t)
	first, second := w.parcel(1), w.parcel(2)
	w.deliver(first, &connect.Memory{})
	w.deliver(second, &connect.Memory{})
	w.complete(first)
	w.complete(second)
	if w.sim.Contacts != nil {
		if n := w.sim.Contacts(); n != 1 {
			t.Errorf("two parcels of one customer made %d contacts", n)
		}
	}
}

// soon is how fast a connector must give up when it is told to.
const soon = time.Second
