package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"styk/store"
)

// chore is what must be done again and again while styk serves.
type chore struct {
	name string
	// wait gives how long from now until it is due.
	wait func(now time.Time) time.Duration
	do   func(ctx context.Context) error
}

func every(d time.Duration) func(time.Time) time.Duration {
	return func(time.Time) time.Duration { return d }
}

// onceAt is due once, at a time, and then in years.
func onceAt(at time.Time) func(time.Time) time.Duration {
	done := false
	return func(now time.Time) time.Duration {
		if done {
			return 100 * 365 * 24 * time.Hour
		}
		done = true
		return at.Sub(now)
	}
}

// orphanAge is how old bytes without a row must be before they go: an upload
// writes its bytes first.
const orphanAge = 24 * time.Hour

// houseChores keep the house in order.
func (s *server) houseChores() []chore {
	list := []chore{
		{"sweep", every(time.Minute), func(ctx context.Context) error { return s.h.db.Sweep(ctx, s.SessionIdle) }},
		{"orphans", every(time.Hour), s.sweepFiles},
		{"letters", every(10 * time.Second), func(ctx context.Context) error { return s.h.letters.renew(ctx, s.h.db) }},
		{"silence", every(5 * time.Minute), s.h.watchSilence},
		{"waiting tickets", every(time.Minute), func(ctx context.Context) error {
			return s.h.intake.TellOverdue(ctx, s.h.letters.overdue(s.h.now()))
		}},
		{"cards", every(time.Hour), s.h.cards.Sweep},
		{"pass certificates", every(time.Hour), s.h.watchCertificates},
		{"erasures", every(5 * time.Minute), s.h.intake.ResumeErasures}, // that were cut
		{"requests", every(time.Hour), func(ctx context.Context) error {
			return s.h.db.ForgetExchanges(ctx, s.h.now().Add(-s.KeepRequests))
		}},
	}
	if s.h.work != nil {
		list = append(list, chore{"scan", every(time.Minute), s.h.intake.Scan},
			chore{"leftovers", onceAt(s.h.now()), func(ctx context.Context) error {
				_, err := s.h.work.Sweep(ctx, s.started) // the folder's lock is ours: older ones are a dead process's
				return err
			}})
	}
	if s.tls != nil {
		list = append(list, chore{"certificates", every(time.Minute), func(context.Context) error { return s.tls.reload() }})
	}
	return list
}

// sweepFiles drops bytes that no document needs, and what cut writes left.
func (s *server) sweepFiles(ctx context.Context) error {
	old := s.h.now().Add(-orphanAge)
	gone, err := s.h.blobs.Sweep(ctx, old, s.h.referenced)
	if err != nil {
		return err
	}
	if s.h.work != nil {
		if _, err := s.h.work.Sweep(ctx, old); err != nil {
			return err
		}
	}
	if gone > 0 {
		s.h.log.Info("orphaned files dropped", "count", gone)
	}
	return nil
}

// referenced tells which sums the database needs.
func (h *house) referenced(ctx context.Context, sums []string) (found map[string]bool, err error) {
	err = h.db.View(ctx, func(tx *store.Tx) error {
		found, err = tx.Referenced(sums)
		return err
	})
	return found, err
}

// runChores runs each chore in its own rhythm until ctx ends. An error of one
// is logged and counted; it comes again.
func (s *server) runChores(ctx context.Context) error {
	if err := s.h.vital.load(ctx, s.h.db); err != nil {
		return err
	}
	var all errgroup.Group
	for _, c := range append(s.houseChores(), s.chores...) {
		all.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(c.wait(s.h.now())):
				}
				if err := c.do(ctx); err != nil && ctx.Err() == nil {
					s.metrics.chores.WithLabelValues(c.name).Inc()
					s.h.log.Error("chore", "op", c.name, "err", err)
				}
			}
		})
	}
	return all.Wait()
}
