package courier

import (
	"context"
	"encoding/json"
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
		last, n, err := c.replaySlice(ctx, id, cause, since, after, slice)
		if err != nil {
			return total, err
		}
		total += n
		if last == after {
			return total, nil
		}
		after = last
	}
}

// ReplaySlice is one slice of Replay, for who shows how far it came: at most
// limit of what follows after. last is where the next slice begins; it is after
// when there is no more.
func (c *Courier) ReplaySlice(ctx context.Context, target, cause string, since time.Time, after styk.ID, limit int) (last styk.ID, n int, err error) {
	id, err := c.targetID(ctx, target)
	if err != nil {
		return after, 0, err
	}
	return c.replaySlice(ctx, id, cause, since, after, limit)
}

func (c *Courier) replaySlice(ctx context.Context, target styk.ID, cause string, since time.Time, after styk.ID, limit int) (last styk.ID, n int, err error) {
	err = c.db.Update(ctx, func(tx *store.Tx) (err error) {
		last, n, err = tx.ReplayFailed(target, cause, since, after, limit)
		return err
	})
	c.wakeLanes()
	return last, n, err
}

// RetryAll does Retry with each of some deliveries, all in one transaction. It
// gives how many it sent again; the rest were under way, delivered or gone.
func (c *Courier) RetryAll(ctx context.Context, ids []styk.ID) (n int, err error) {
	err = c.db.Update(ctx, func(tx *store.Tx) error {
		n = 0
		for _, id := range ids {
			switch _, err := tx.SendAgain(id); styk.CodeOf(err) {
			case styk.Conflict, styk.NotFound:
			default:
				if err != nil {
					return err
				}
				n++
			}
		}
		return nil
	})
	c.wakeLanes()
	return n, err
}

// EditAndRetry sends a delivery of a ticket again with other values than the
// visitor sent, by the names of his form's fields; those that are not named keep
// theirs, and none at all give his own back. What he sent stays as it was, and so
// do the other deliveries of the same ticket.
func (c *Courier) EditAndRetry(ctx context.Context, id styk.ID, values map[string]string) error {
	var text []byte
	if len(values) > 0 {
		var err error
		if text, err = json.Marshal(styk.Edited{Values: values}); err != nil {
			return err
		}
	}
	err := c.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.EditDelivery(id, text)
		return err
	})
	if err == nil {
		c.wakeLanes()
	}
	return err
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

// Mended tells the courier that a target which did not answer was seen to: it is
// tried at once, and what waited for it goes as soon as its turn comes. It gives
// how many deliveries that was, slice the most.
func (c *Courier) Mended(ctx context.Context, target styk.ID, slice int) (n int, err error) {
	err = c.db.Update(ctx, func(tx *store.Tx) error {
		n = 0
		list, err := tx.Deliveries(store.DeliveryFilter{State: styk.Due, Target: target, Limit: slice})
		if err != nil {
			return err
		}
		for _, d := range list {
			if d.Attempts == 0 {
				continue // it goes as it is
			}
			if _, err := tx.SendAgain(d.ID); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	c.mu.Lock()
	l := c.lanes[target]
	c.mu.Unlock()
	if l != nil {
		l.breaker.answered()
		l.wake()
	}
	return n, err
}
