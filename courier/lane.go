package courier

import (
	"context"
	"slices"
	"sync"
	"time"

	"styk"
	"styk/connect"
	"styk/store"
)

// lane brings deliveries to one target: so many at once, those of one customer
// one after the other, those that a visitor waits for first. A dead target
// stops its own lane only.
type lane struct {
	c       *Courier
	id      styk.ID
	wakes   chan struct{}
	breaker breaker

	mu     sync.Mutex
	target *styk.Target
	active map[styk.ID]*styk.Delivery
}

func newLane(c *Courier, t *styk.Target) *lane {
	return &lane{c: c, id: t.ID, target: t, wakes: make(chan struct{}, 1), active: map[styk.ID]*styk.Delivery{}}
}

func (l *lane) wake() {
	select {
	case l.wakes <- struct{}{}:
	default:
	}
}

// see takes the target's description as it is now. One that was resumed or
// changed by a person gets a fresh start.
func (l *lane) see(t *styk.Target) {
	l.mu.Lock()
	old := l.target
	l.target = t
	l.mu.Unlock()
	if t.Version != old.Version || !old.Paused.IsZero() && t.Paused.IsZero() {
		l.breaker.answered()
		l.wake()
	}
}

func (l *lane) state() (t *styk.Target, free int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.target, l.c.parallel(l.target) - len(l.active)
}

// longestNap bounds the pause between looks, should a wake be lost.
const longestNap = 30 * time.Second

// run claims and carries until ctx ends, then sees its parcels home.
func (l *lane) run(ctx context.Context) {
	work, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	var all sync.WaitGroup
	renewing := make(chan struct{})
	var renewer sync.WaitGroup
	renewer.Go(func() { l.renew(renewing) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		nap := l.step(ctx, work, &all)
		timer.Reset(nap)
		select {
		case <-ctx.Done():
		case <-l.wakes:
		case <-timer.C:
		}
	}
	grace := time.AfterFunc(l.c.o.Grace, func() { interrupt(errStopping) })
	all.Wait()
	grace.Stop()
	close(renewing)
	renewer.Wait()
}

// step claims what may go now and says when to look again.
func (l *lane) step(ctx, work context.Context, all *sync.WaitGroup) (nap time.Duration) {
	t, free := l.state()
	if !t.Paused.IsZero() || t.Disabled || free <= 0 {
		return longestNap // resuming, or the end of a parcel, wakes the lane
	}
	now := l.c.db.Now()
	n, again := l.breaker.room(now, free)
	if n == 0 {
		if again.IsZero() {
			return longestNap
		}
		return min(max(again.Sub(now), time.Millisecond), longestNap)
	}
	list, next, err := l.claim(ctx, n)
	if err != nil {
		if ctx.Err() == nil {
			l.c.log.Warn("claim deliveries", "target", t.Name, "err", err)
		}
		return l.c.o.Poll
	}
	l.breaker.began(len(list))
	for _, d := range list {
		l.mu.Lock()
		l.active[d.ID] = d
		l.mu.Unlock()
		all.Go(func() {
			l.c.carry(work, l, t, d)
			l.mu.Lock()
			delete(l.active, d.ID)
			l.mu.Unlock()
			l.wake()
		})
	}
	if len(list) == n && n == free {
		return longestNap
	}
	return next
}

// claim leases up to n deliveries and says how long until the next is due.
func (l *lane) claim(ctx context.Context, n int) (list []*styk.Delivery, next time.Duration, err error) {
	err = l.c.db.View(ctx, func(tx *store.Tx) error { // looking costs no write
		next = l.nap(tx)
		ok, err := tx.AnyDue(l.id)
		if err == nil && !ok {
			n = 0
		}
		return err
	})
	if err != nil || n == 0 {
		return nil, next, err
	}
	err = l.c.db.Update(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.ClaimDeliveries(store.Claim{
			Target: l.id, Owner: l.c.name, Life: l.c.o.Lease, Limit: n,
			Next: func(rung int) time.Time { return tx.Now().Add(jittered(Rung(rung))) },
		})
		return err
	})
	if len(list) == n {
		next = 0 // there may be more
	}
	return list, next, err
}

// nap says how long the lane may sleep unless it is woken. Other processes on
// the same database wake nobody here: it never sleeps long beside them.
func (l *lane) nap(tx *store.Tx) time.Duration {
	longest := longestNap
	if l.c.db.Engine() != "sqlite" {
		longest = l.c.o.Poll
	}
	at, ok, err := tx.NextDue(l.id)
	if err != nil || !ok {
		return longest
	}
	return min(max(at.Sub(tx.Now()), time.Millisecond), longest)
}

// renew keeps the leases of parcels under way.
func (l *lane) renew(stop <-chan struct{}) {
	tick := time.NewTicker(l.c.o.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		l.mu.Lock()
		list := make([]*styk.Delivery, 0, len(l.active))
		for _, d := range l.active {
			list = append(list, d)
		}
		l.mu.Unlock()
		for _, d := range list {
			err := l.c.db.Update(context.Background(), func(tx *store.Tx) error { return tx.RenewLease(d, l.c.o.Lease) })
			if err != nil && l.carries(d.ID) {
				t, _ := l.state()
				l.c.log.Warn("renew lease", "target", t.Name, "delivery", int64(d.ID), "err", err)
			}
		}
	}
}

func (l *lane) carries(id styk.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.active[id]
	return ok
}

// parallel gives how many parcels a target takes at once.
func (c *Courier) parallel(t *styk.Target) int {
	if t.Parallel > 0 {
		return t.Parallel
	}
	if n := c.kinds[t.Kind].Parallel; n > 0 {
		return n
	}
	return defaultParallel
}

const defaultParallel = 4

// Kinds lists the connectors by name, for the pages that configure targets.
func (c *Courier) Kinds() []connect.Kind {
	var list []connect.Kind
	for _, k := range c.kinds {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b connect.Kind) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return list
}
