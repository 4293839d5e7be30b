package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"styk"
	"styk/connect"
	"styk/store"
)

// patientCheck bounds the log-in to one target; all are tried at once.
const patientCheck = 10 * time.Second

// longQueue is how old a delivery may get before somebody should look.
const longQueue = time.Hour

// condition is what is known of a target.
type condition struct {
	*styk.Target
	queue     store.QueueState
	delivered time.Time // the newest that came there; zero: none
	rests     time.Time // until when nothing is begun; only a serving process knows
	checked   bool
	took      time.Duration
	err       error // of logging in
}

// targets: whether they let us in, and what waits for them. No setting of a
// target is printed; the causes are the masked ones that people's pages show.
func (d *doctor) targets(ctx context.Context) error {
	list, err := d.conditions(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		d.well("no targets: what forms bring stays here")
		return nil
	}
	var all sync.WaitGroup
	for _, c := range list {
		if !d.offline && !c.Disabled && c.Paused.IsZero() {
			all.Go(func() { c.check(ctx, d.h) })
		}
	}
	all.Wait()
	for _, c := range list {
		d.target(c)
	}
	return ctx.Err()
}

func (d *doctor) conditions(ctx context.Context) (list []*condition, err error) {
	err = d.h.db.View(ctx, func(tx *store.Tx) error {
		targets, err := tx.Targets()
		if err != nil {
			return err
		}
		queues, err := tx.QueueStates()
		if err != nil {
			return err
		}
		list = nil
		for _, t := range targets {
			c := &condition{Target: t, rests: d.h.courier.Rest(t.ID)}
			for _, q := range queues {
				if q.Target == t.ID {
					c.queue = q
				}
			}
			done, err := tx.Deliveries(store.DeliveryFilter{Target: t.ID, State: styk.Delivered, Limit: 1})
			if err != nil {
				return err
			}
			if len(done) > 0 {
				c.delivered = done[0].Finished
			}
			list = append(list, c)
		}
		return nil
	})
	return list, err
}

// check logs in. A paused target is left alone: a further rejected log-in may
// lock the account over there.
func (c *condition) check(ctx context.Context, h *house) {
	ctx, cancel := context.WithTimeout(ctx, patientCheck)
	defer cancel()
	began := time.Now()
	_, c.err = h.courier.Check(ctx, c.Name)
	c.took, c.checked = time.Since(began), true
}

func (d *doctor) target(c *condition) {
	name := fmt.Sprintf("target %s (%s)", c.Name, c.Kind)
	switch {
	case c.Disabled:
		d.well("%s: switched off in its settings", name)
	case !c.Paused.IsZero():
		d.wrong(fmt.Sprintf("mend it, then: styk target check %s, styk deliveries resume %s (not called now: another rejected log-in may lock the account)",
			c.Name, c.Name), "%s: it stands since %s: %s", name, c.Paused.In(d.h.zone).Format(time.DateTime), c.PausedWhy)
	case c.err != nil:
		d.wrong("styk target check "+c.Name+" --requests shows what was said", "%s: %s", name, connect.Explain(c.err))
	case c.rests.After(d.h.now()):
		d.warn("it is tried again by itself", "%s: it has failed several times and is left alone until %s", name, c.rests.In(d.h.zone).Format(time.TimeOnly))
	case c.checked:
		d.well("%s: logged in, %v", name, c.took.Round(time.Millisecond))
	default:
		d.well("%s: runs; not called", name)
	}
	d.queue(c, name)
}

// queue: what came there, what waits, and what a person must decide.
func (d *doctor) queue(c *condition, name string) {
	last := "nothing was delivered yet"
	if !c.delivered.IsZero() {
		last = "last delivered " + c.delivered.In(d.h.zone).Format(time.DateTime)
	}
	if c.queue.Failed > 0 {
		d.warn("styk deliveries list --state failed --target "+c.Name, "%s: %d deliveries wait for a person; %s", name, c.queue.Failed, last)
	}
	waiting := c.queue.Waiting + c.queue.UnderWay
	age := d.h.now().Sub(c.queue.Oldest)
	switch {
	case waiting > 0 && age > longQueue:
		d.warn("styk deliveries list --target "+c.Name, "%s: %d wait, the oldest for %s; %s", name, waiting, roughly(age), last)
	case waiting > 0:
		d.well("%s: %d wait, the oldest for %s; %s", name, waiting, roughly(age), last)
	case c.queue.Failed == 0:
		d.well("%s: nothing waits; %s", name, last)
	}
}

// roughly writes a time as people say it: "3 days", "5 h", "12 min".
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", max(0, d)/time.Second)
}
