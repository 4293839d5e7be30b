package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"styk/courier"
	"styk/store"
)

// The sample data are of the last two weeks: what came by the web service of the
// first, what came by forms of the second.
const demoWeek = 7 * 24 * time.Hour

// The hours in which the demo's customers write.
const demoOpens, demoCloses = 9, 18

// demoTimes gives n moments between from and to, in order, in the working hours
// of zone; where the span has none, they stand at its end.
func demoTimes(random *rand.Rand, zone *time.Location, from, to time.Time, n int) []time.Time {
	type window struct {
		opens time.Time
		long  time.Duration
	}
	var open []window
	var all time.Duration
	y, m, d := from.In(zone).Date()
	for day := 0; ; day++ {
		opens := time.Date(y, m, d+day, demoOpens, 0, 0, 0, zone)
		if !opens.Before(to) {
			break
		}
		closes := time.Date(y, m, d+day, demoCloses, 0, 0, 0, zone)
		if closes.After(to) {
			closes = to
		}
		if opens.Before(from) {
			opens = from
		}
		if rest := opens.Weekday() == time.Saturday || opens.Weekday() == time.Sunday; rest || !opens.Before(closes) {
			continue
		}
		open = append(open, window{opens, closes.Sub(opens)})
		all += closes.Sub(opens)
	}
	list := make([]time.Time, n)
	for i := range list {
		at := time.Duration((float64(i) + random.Float64()) / float64(n) * float64(all))
		list[i] = to
		for _, w := range open {
			if at < w.long {
				list[i] = w.opens.Add(at)
				break
			}
			at -= w.long
		}
	}
	return list
}

// pastClock sets the store's clock back while sample posts come, so that they,
// their deliveries and their letters bear plausible times.
type pastClock struct {
	h    *house
	real func() time.Time
	back atomic.Int64 // ns
}

func (h *house) toPast() *pastClock {
	p := &pastClock{h: h, real: h.db.Now}
	h.db.Now = func() time.Time { return p.real().Add(-time.Duration(p.back.Load())) }
	return p
}

func (p *pastClock) set(at time.Time)     { p.back.Store(int64(p.real().Sub(at))) }
func (p *pastClock) move(d time.Duration) { p.back.Add(-int64(d)) }
func (p *pastClock) end()                 { p.h.db.Now = p.real }

// demoPatience bounds how long the demo waits for one sample post to be carried.
const demoPatience = 2 * time.Second

// carried waits until nothing is due at any target that runs.
func (h *house) carried(ctx context.Context, c *courier.Courier) error {
	for until := time.Now().Add(demoPatience); time.Now().Before(until) && ctx.Err() == nil; {
		busy := false
		err := h.db.View(ctx, func(tx *store.Tx) error {
			busy = false
			targets, err := tx.Targets()
			if err != nil {
				return err
			}
			queues, err := tx.QueueStates()
			for _, t := range targets {
				if !t.Paused.IsZero() {
					continue
				}
				due, e := tx.AnyDue(t.ID)
				err = errors.Join(err, e)
				busy = busy || due
				for _, q := range queues {
					busy = busy || q.Target == t.ID && q.UnderWay > 0
				}
			}
			return err
		})
		if err != nil || !busy {
			return err
		}
		c.Wake()
		time.Sleep(2 * time.Millisecond)
	}
	return ctx.Err()
}

// replayDemo runs a courier while do makes the past, and gives the clock back.
func (h *house) replayDemo(ctx context.Context, base string, do func(p *pastClock, c *courier.Courier) error) error {
	p := h.toPast()
	defer p.end()
	ctx, stop := context.WithCancel(ctx)
	c := h.newCourier(base)
	h.intake.Wake, h.intake.Rest = c.Wake, c.Rest
	defer func() { h.intake.Wake, h.intake.Rest = nil, nil }()
	over := make(chan error, 1)
	go func() { over <- c.Run(ctx) }()
	err := do(p, c)
	stop()
	if e := <-over; err == nil && e != nil {
		err = fmt.Errorf("carry sample posts: %w", e)
	}
	return err
}
