package web

import (
	"net/http"
	"sync"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// Sandbox is what the demo plays around styk, and how it is broken and mended.
// Its methods may be called from many goroutines.
type Sandbox struct {
	Simulators []Simulator
	Form       string // name of the form to try with

	mu     sync.Mutex
	broken map[string]time.Time // since when, by simulator
}

// Simulator is one system that is played.
type Simulator struct {
	Name     string
	RU, EN   string
	State    string // address of all that it holds
	Switches []Switch
	// Leads says whether a target leads to it.
	Leads func(*styk.Target) bool
	// Set breaks it as Switch.Fault says, Calm puts everything back, Is says
	// whether a fault is set.
	Set  func(fault string) error
	Calm func()
	Is   func(fault string) bool
}

// Switch is one way to break a simulator, in words.
type Switch struct {
	Fault          string
	RU, EN         string
	MoreRU, MoreEN string // what will be seen
}

type adminSandboxPage struct {
	adminFrame
	Sims []adminSim
	Form string // address of the form to try with
}

type adminSim struct {
	Name, Title, State string
	Broken             bool
	Since              moment
	First              adminSwitch // the one click
	Switches           []adminSwitch
	Targets            []adminConnection
}

type adminSwitch struct {
	Fault, Text, More string
	On                bool
}

func (a *admin) showSandbox(v *visit) error {
	if a.Sandbox == nil {
		return styk.Failed(styk.NotFound, "")
	}
	p := adminSandboxPage{}
	p.adminFrame = a.frame(v, "/admin/sandbox", choose(v.lang, "Песочница", "Sandbox"))
	if a.Sandbox.Form != "" {
		p.Form = "/f/" + a.Sandbox.Form
	}
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		p.Sims = nil
		targets, err := tx.Targets()
		if err != nil {
			return err
		}
		for i := range a.Sandbox.Simulators {
			sim, err := a.simPanel(v.lang, tx, &a.Sandbox.Simulators[i], targets)
			if err != nil {
				return err
			}
			p.Sims = append(p.Sims, sim)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "admin_sandbox.html", p)
}

func (a *admin) simPanel(lang string, tx *store.Tx, s *Simulator, targets []*styk.Target) (p adminSim, err error) {
	p = adminSim{Name: s.Name, Title: choose(lang, s.RU, s.EN), State: s.State, Since: a.moment(lang, a.Sandbox.since(s.Name))}
	for _, w := range s.Switches {
		one := adminSwitch{w.Fault, choose(lang, w.RU, w.EN), choose(lang, w.MoreRU, w.MoreEN), s.Is(w.Fault)}
		p.Broken = p.Broken || one.On
		p.Switches = append(p.Switches, one)
	}
	p.Broken = p.Broken || p.Since.Stamp != ""
	if len(p.Switches) > 0 {
		p.First = p.Switches[0]
	}
	p.Targets, err = a.connections(lang, tx, leading(s, targets))
	return p, err
}

func leading(s *Simulator, targets []*styk.Target) (list []*styk.Target) {
	for _, t := range targets {
		if s.Leads(t) {
			list = append(list, t)
		}
	}
	return list
}

func (s *Sandbox) simulator(name string) *Simulator {
	if s == nil {
		return nil
	}
	for i := range s.Simulators {
		if s.Simulators[i].Name == name {
			return &s.Simulators[i]
		}
	}
	return nil
}

// since gives when a simulator was broken; zero while it is whole.
func (s *Sandbox) since(name string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken[name]
}

// mark notes that a simulator is broken, from now unless it was so before; the
// zero time: that it is whole again.
func (s *Sandbox) mark(name string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = map[string]time.Time{}
	}
	switch {
	case at.IsZero():
		delete(s.broken, name)
	case s.broken[name].IsZero():
		s.broken[name] = at
	}
}

// What is noted of people's play, and where it is kept that they have played.
const (
	actionBreak = "sandbox.broken"
	actionMend  = "sandbox.mended"
	metaMended  = "sandbox_mended"
)

func (a *admin) breakSim(v *visit) error {
	s := a.Sandbox.simulator(v.r.PathValue("name"))
	if s == nil {
		return styk.Failed(styk.NotFound, "")
	}
	fault := v.r.PostForm.Get("fault")
	for _, w := range s.Switches {
		if w.Fault != fault {
			continue
		}
		if err := s.Set(fault); err != nil {
			return err
		}
		a.Sandbox.mark(s.Name, a.Now())
		if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionBreak, 0, 0); err != nil {
			return err
		}
		return v.redirect("/admin/sandbox", "broken")
	}
	return styk.Failed(styk.Invalid, "")
}

// mendSlice is how many waiting deliveries of a target are hurried at most.
const mendSlice = 500

// mendSim puts the simulator back, lets its targets run, and sends again what
// failed or waits since it was broken.
func (a *admin) mendSim(v *visit) error {
	ctx := v.r.Context()
	s := a.Sandbox.simulator(v.r.PathValue("name"))
	if s == nil {
		return styk.Failed(styk.NotFound, "")
	}
	since := a.Sandbox.since(s.Name)
	s.Calm()
	var targets []*styk.Target
	err := a.DB.View(ctx, func(tx *store.Tx) (err error) {
		targets, err = tx.Targets()
		return err
	})
	if err != nil {
		return err
	}
	total := 0
	for _, t := range leading(s, targets) {
		n, err := a.mendTarget(v, t, since)
		if err != nil {
			return err
		}
		total += n
	}
	a.Sandbox.mark(s.Name, time.Time{})
	err = a.DB.Update(ctx, func(tx *store.Tx) error {
		if err := tx.SetMeta(metaMended, "1"); err != nil {
			return err
		}
		return tx.Audit(v.session.User.ID, actionMend, 0, int64(total))
	})
	if err != nil {
		return err
	}
	return v.redirect("/admin/sandbox", "mended")
}

// mendTarget leaves alone a target that stood before the simulator was broken.
func (a *admin) mendTarget(v *visit, t *styk.Target, since time.Time) (int, error) {
	ctx := v.r.Context()
	if since.IsZero() || !t.Paused.IsZero() && t.Paused.Before(since.Truncate(time.Millisecond)) {
		return 0, nil
	}
	if !t.Paused.IsZero() {
		if err := a.Courier.Resume(ctx, t.Name); err != nil {
			return 0, err
		}
	}
	n, err := a.Courier.Replay(ctx, t.Name, "", since.Truncate(time.Millisecond))
	if err != nil {
		return n, err
	}
	waited, err := a.Courier.Mended(ctx, t.ID, mendSlice)
	return n + waited, err
}

// maySandbox says whether the page is in the menu.
func (a *admin) maySandbox(v *visit) bool { return a.Sandbox != nil && v.may(staff.UseSandbox) }
