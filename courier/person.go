package courier

import (
	"context"
	"fmt"
	"sync"
	"time"

	"styk"
	"styk/connect"
	"styk/store"
)

// Retry sends a delivery again, at once and with a fresh ladder: one that failed,
// or one that waits for its next retry. Done steps stay done. styk.Conflict when
// it is under way or delivered, styk.NotFound when it is not there.
func (c *Courier) Retry(ctx context.Context, id styk.ID) error {
	err := c.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.SendAgain(id)
		return err
	})
	if err == nil {
		c.wakeLanes()
	}
	return err
}

// Replay sends again everything that failed since a time: at one target ("" for
// all), for one cause ("" for any). It gives how many.
func (c *Courier) Replay(ctx context.Context, target, cause string, since time.Time) (int, error) {
	id, err := c.targetID(ctx, target)
	if err != nil {
		return 0, err
	}
	const slice = 500
	total, after := 0, styk.ID(0)
	for {
		var n int
		var last styk.ID
		err := c.db.Update(ctx, func(tx *store.Tx) (err error) {
			last, n, err = tx.ReplayFailed(id, cause, since, after, slice)
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		c.wakeLanes()
		if last == after {
			return total, nil
		}
		after = last
	}
}

func (c *Courier) targetID(ctx context.Context, name string) (id styk.ID, err error) {
	if name == "" {
		return 0, nil
	}
	err = c.db.View(ctx, func(tx *store.Tx) error {
		t, err := tx.Target(name)
		if err == nil {
			id = t.ID
		}
		return err
	})
	return id, err
}

// Pause stops a target in all processes: what is under way ends, nothing more
// begins, and what waits costs nothing. why is shown to people.
func (c *Courier) Pause(ctx context.Context, target, why string) error {
	id, err := c.targetID(ctx, target)
	if err != nil {
		return err
	}
	if why == "" {
		why = "Остановлено вручную."
	}
	err = c.db.Update(ctx, func(tx *store.Tx) error { return tx.PauseTarget(id, why) })
	c.Renew()
	return err
}

// Resume lets a target run again, its breaker closed.
func (c *Courier) Resume(ctx context.Context, target string) error {
	id, err := c.targetID(ctx, target)
	if err != nil {
		return err
	}
	err = c.db.Update(ctx, func(tx *store.Tx) error { return tx.ResumeTarget(id) })
	c.Renew()
	return err
}

// checkTime bounds a connection test, which a person waits for.
const checkTime = 30 * time.Second

// Check tests the connection to a target by what it is configured with now. Its
// error is for connect.Explain. It gives the exact requests and answers too.
func (c *Courier) Check(ctx context.Context, target string) ([]styk.Exchange, error) {
	var t *styk.Target
	err := c.db.View(ctx, func(tx *store.Tx) (err error) {
		t, err = tx.Target(target)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.CheckSettings(ctx, t)
}

// CheckSettings does the same for a target that need not be stored.
func (c *Courier) CheckSettings(ctx context.Context, t *styk.Target) ([]styk.Exchange, error) {
	o, err := c.open(t)
	if err != nil {
		return nil, err
	}
	defer o.base.CloseIdleConnections()
	var tape recording
	way := &connect.Transport{Base: o.base, Mask: o.mask, Keep: keepBody, Record: tape.add, Timeout: checkTime}
	connector, err := o.kind.Open(connect.Settings{
		Target: t.Name, Values: t.Settings, Client: way.Client(), Dial: c.o.Guard.Dialer().DialContext, Now: c.db.Now,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	err = connector.Check(ctx)
	return tape.all(), err
}

// DryRun shows the requests that a delivery would send now. Look-ups are really
// made; nothing is written over there, and nothing is stored here.
func (c *Courier) DryRun(ctx context.Context, id styk.ID) ([]styk.Exchange, error) {
	var d *styk.Delivery
	var t *styk.Target
	err := c.db.View(ctx, func(tx *store.Tx) (err error) {
		if d, err = tx.Delivery(id); err != nil {
			return err
		}
		t, err = tx.TargetByID(d.Target)
		return err
	})
	if err != nil {
		return nil, err
	}
	o, err := c.open(t)
	if err != nil {
		return nil, err
	}
	defer o.base.CloseIdleConnections()
	p, steps, err := c.load(ctx, d, o)
	if err != nil {
		return nil, err
	}
	if _, err := c.fitFiles(ctx, d, o, p.Ticket, true); err != nil {
		return nil, err
	}
	p.DryRun = true
	m := connect.Memory{State: map[string]connect.StepState{}, Done: map[string]connect.Done{}}
	for name, s := range steps {
		if s.Done {
			m.State[name], m.Done[name] = connect.StepDone, connect.Done{ID: s.Foreign, Number: s.Number, URL: s.URL}
		}
	}
	var tape recording
	e := m.Effects(c.way(o, p, true, tape.add).Client())
	e.Record = tape.add
	ctx, cancel := context.WithTimeout(ctx, 2*checkTime)
	defer cancel()
	if err := o.connector.Deliver(ctx, p.Bind(e)); err != nil {
		return tape.all(), fmt.Errorf("dry run: %w", err)
	}
	return tape.all(), nil
}

// recording keeps exchanges that no attempt stores.
type recording struct {
	mu   sync.Mutex
	list []connect.Exchange
}

func (r *recording) add(x connect.Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, x)
}

func (r *recording) all() []styk.Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return storable(r.list)
}
