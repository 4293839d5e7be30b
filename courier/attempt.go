package courier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"styk"
	"styk/connect"
	"styk/store"
)

// errStopping is why parcels are interrupted when the program ends.
var errStopping = errors.New("the program is stopping")

// longestAttempt bounds one attempt; each request has its own, shorter deadline.
const longestAttempt = 15 * time.Minute

// attempt is one try at one delivery: what it lends the connector and what it
// keeps of it.
type attempt struct {
	c       *Courier
	d       *styk.Delivery
	started time.Time
	steps   map[string]styk.Step // this attempt holds the lease: nobody else changes them

	mu        sync.Mutex
	exchanges []connect.Exchange
	warnings  []string
}

// carry makes one attempt and stores what came of it.
func (c *Courier) carry(ctx context.Context, l *lane, t *styk.Target, d *styk.Delivery) {
	a := &attempt{c: c, d: d, started: c.db.Now()}
	err := a.try(ctx, t)
	if errors.Is(err, store.ErrLeaseLost) {
		l.breaker.gaveUp()
		c.log.Warn("delivery was taken over", "target", t.Name, "delivery", int64(d.ID))
		return
	}
	v := c.judge(ctx, l, d, err)
	if err := a.end(context.WithoutCancel(ctx), l, t, v); err != nil {
		// The lease runs out, and somebody takes the delivery up again.
		c.log.Error("store attempt", "target", t.Name, "delivery", int64(d.ID), "err", err)
		return
	}
	took := c.db.Now().Sub(a.started)
	c.log.Info("delivery attempt", "target", t.Name, "delivery", int64(d.ID), "attempt", d.Attempts,
		"op", string(v.outcome), "dur", took)
	if c.o.Attempted != nil {
		c.o.Attempted(t.Name, v.outcome, v.cause, took)
	}
	if v.outcome == styk.AttemptStopped {
		c.Renew()
	}
	if d.Subject == styk.SubjectTicket && c.o.Published != nil { // the number may be further off than the visitor waits
		c.o.Published(d.About)
	}
}

// try lets the connector deliver. A panic of it is an error like others.
func (a *attempt) try(ctx context.Context, t *styk.Target) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = connect.Because(fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "Ошибка в нашей программе. Попробуем снова; покажите её разработчику.")
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, longestAttempt)
	defer cancel()
	o, err := a.c.outlet(ctx, t.ID, t.Version)
	if err != nil {
		return err
	}
	p, steps, err := a.c.load(ctx, a.d, o)
	if err != nil {
		return err
	}
	a.steps = steps
	withheld, err := a.c.fitFiles(ctx, a.d, o, p.Ticket, false)
	if err != nil {
		return err
	}
	for _, file := range withheld {
		a.warn("Файл не прошёл проверку и не передан: " + file)
	}
	return o.connector.Deliver(ctx, p.Bind(connect.Effects{
		Client: a.c.way(o, p, false, a.record).Client(), Load: a.loadStep, Start: a.startStep, Save: a.saveStep,
		Warn: a.warn, Record: a.record,
	}))
}

// way is the one way out of an attempt.
func (c *Courier) way(o *outlet, p *connect.Parcel, dry bool, record func(connect.Exchange)) *connect.Transport {
	mask := o.mask
	if c.o.MaskPersonal && p.Ticket != nil { // of its own: a shared one would learn everybody
		values, _ := o.kind.Check(o.target.Settings) // they were checked when it was opened
		mask = connect.NewMask(o.kind.Secrets(values)...)
		mask.Personal(p.Ticket.Personal()...)
	}
	var base http.RoundTripper = o.base
	return &connect.Transport{Base: base, Mask: mask, Keep: keepBody, DryRun: dry, Record: record}
}

func (a *attempt) record(x connect.Exchange) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.exchanges) < maxExchanges {
		a.exchanges = append(a.exchanges, x)
	}
}

func (a *attempt) warn(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warnings = append(a.warnings, text)
}

func (a *attempt) loadStep(_ context.Context, name string) (connect.StepState, connect.Done, error) {
	s, ok := a.steps[name]
	switch {
	case !ok:
		return connect.StepNew, connect.Done{}, nil
	case !s.Done:
		return connect.StepStarted, connect.Done{}, nil
	}
	return connect.StepDone, connect.Done{ID: s.Foreign, Number: s.Number, URL: s.URL}, nil
}

func (a *attempt) startStep(ctx context.Context, name string) error {
	err := a.c.db.Update(ctx, func(tx *store.Tx) error { return tx.StartStep(a.d, name) })
	if err == nil {
		a.steps[name] = styk.Step{Name: name}
	}
	return err
}

// saveStep stores what a step made, and publishes its number at once.
func (a *attempt) saveStep(ctx context.Context, name string, d connect.Done) error {
	s := styk.Step{Name: name, Done: true, Foreign: d.ID, Number: d.Number, URL: d.URL}
	ticket, first := a.d.Subject == styk.SubjectTicket && d.Number != "", false
	err := a.c.db.Update(ctx, func(tx *store.Tx) error {
		first = false
		if ticket {
			before, err := tx.PostProgress(a.d.About)
			if err != nil {
				return err
			}
			first = before.Number == ""
		}
		if err := tx.SaveStep(a.d, s); err != nil {
			return err
		}
		if first {
			return tellNumber(tx, a.d.About)
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.steps[name] = s
	if first {
		a.c.wakeLanes() // a letter may have been written
	}
	if ticket && a.c.o.Published != nil {
		a.c.o.Published(a.d.About)
	}
	return nil
}

// verdict is what becomes of a delivery after an attempt.
type verdict struct {
	err     error
	outcome styk.AttemptOutcome
	state   styk.DeliveryState
	due     time.Time
	rung    int
	cause   string
	// unchecked: it waits for the scanner, not for its target.
	unchecked bool
}

// textExhausted is said when the ladder came to its end.
const textExhausted = "Семь дней не удавалось доставить. Последняя причина: "

// judge decides, and tells the breaker what the attempt says of the target.
func (c *Courier) judge(ctx context.Context, l *lane, d *styk.Delivery, err error) verdict {
	now := c.db.Now()
	v := verdict{err: err, state: styk.Due, due: now, rung: d.Rung - 1, cause: connect.Explain(err)}
	wait, asked := connect.Wait(err)
	var status *connect.StatusError
	var scanner *uncheckedError
	unchecked := errors.As(err, &scanner)
	switch {
	case err == nil:
		l.breaker.answered()
		v.outcome, v.state, v.rung = styk.AttemptDone, styk.Delivered, d.Rung
	case context.Cause(ctx) == errStopping:
		l.breaker.gaveUp()
		v.outcome, v.cause = styk.AttemptInterrupted, connect.Explain(context.Canceled)
	case connect.IsStop(err):
		l.breaker.gaveUp()
		v.outcome = styk.AttemptStopped
	case connect.IsPermanent(err):
		l.breaker.answered()
		v.outcome, v.state, v.rung = styk.AttemptFailed, styk.NeedsHand, d.Rung
	default:
		v.outcome, v.rung = styk.AttemptRetry, d.Rung
		v.due = now.Add(jittered(Rung(d.Rung - 1)))
		if asked && now.Add(wait).After(v.due) {
			v.due = now.Add(wait)
		}
		if unchecked {
			l.breaker.gaveUp() // nobody has asked the target
		} else if asked && errors.As(err, &status) && (status.Status == http.StatusTooManyRequests || status.Status >= 500) {
			l.breaker.rest(now.Add(wait))
		} else {
			l.breaker.failed(now)
		}
		if now.Sub(d.Since) > patience {
			v.outcome, v.state, v.cause = styk.AttemptFailed, styk.NeedsHand, textExhausted+v.cause
		}
		v.unchecked = unchecked && v.outcome == styk.AttemptRetry
	}
	return v
}

// end stores the attempt, what becomes of the delivery, and whom to tell.
func (a *attempt) end(ctx context.Context, l *lane, t *styk.Target, v verdict) error {
	record := &styk.Attempt{
		Delivery: a.d.ID, Number: a.d.Attempts, Started: a.started, Ended: a.c.db.Now(),
		Outcome: v.outcome, Cause: v.cause,
	}
	if v.err != nil {
		record.Err = v.err.Error()
	}
	a.mu.Lock()
	record.Warnings, record.Exchanges = a.warnings, storable(a.exchanges)
	a.mu.Unlock()
	down := l.breaker.down()
	told := false
	err := a.c.db.Update(ctx, func(tx *store.Tx) (err error) {
		told = v.outcome != styk.AttemptDone
		a.d.State, a.d.Due, a.d.Rung = v.state, v.due, v.rung
		if err := tx.EndAttempt(a.d, record); err != nil {
			return err
		}
		switch {
		case v.outcome == styk.AttemptStopped:
			if err := tx.PauseTarget(t.ID, v.cause); err != nil {
				return err
			}
			return tellStands(tx, t, v.cause, tx.Now())
		case v.outcome == styk.AttemptFailed:
			return tellFailed(tx, t, v.cause)
		case v.outcome == styk.AttemptDone:
			told, err = tellRecovered(tx, t)
			return err
		case v.unchecked && tx.Now().Sub(a.d.Since) >= tellStandsAfter:
			return tellUnchecked(tx, t, a.d.Since)
		case v.outcome == styk.AttemptRetry && !down.IsZero() && tx.Now().Sub(down) >= tellStandsAfter:
			return tellStands(tx, t, v.cause, down)
		}
		return nil
	})
	if err == nil && told {
		a.c.wakeLanes() // a letter may have been written
	}
	return err
}

// tellStandsAfter is how long a target may fail before its owner is told.
const tellStandsAfter = 5 * time.Minute
