// Package courier carries due deliveries to their targets: it claims them, lends
// a connector what it needs, stores every step before the next one, keeps each
// attempt with its exact requests and answers, and decides when to try again.
// It knows connectors only by package connect and must not know what any of them
// speaks. docs/delivery.md draws the states.
package courier

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"styk"
	"styk/blob"
	"styk/connect"
	"styk/store"
)

// Options are what a Courier may be told beyond its parts; zero values are fit
// for use.
type Options struct {
	PublicURL string // base of status pages, without a trailing slash; "": parcels carry no links
	// FileURL gives the address of a file's secret; nil: parcels carry no links.
	FileURL func(secret string) string
	// CardURL gives the address of a card's page; nil: events carry none.
	CardURL func(number string) string
	// Scan asks a scanner about a file's bytes and gives what it found; any error
	// means that it does not know. nil: where files are to be checked, they wait.
	Scan func(ctx context.Context, how styk.Scanning, file io.Reader) (found string, err error)
	// Compose words a notice. nil: notices wait for a person.
	Compose func(styk.Notice) connect.Notice
	// Published is called when a submission's number came, and when an attempt at
	// it ended. It must not block. nil: nobody waits in this process.
	Published func(submission styk.ID)
	// Attempted is called after each attempt that was stored, by many goroutines;
	// cause is in plain words, "" for none. nil: nobody counts.
	Attempted func(target string, outcome styk.AttemptOutcome, cause string, took time.Duration)
	Guard     connect.Guard
	// MaskPersonal hides who the customer is in stored requests and answers.
	MaskPersonal bool
	Grace        time.Duration // for parcels under way when Run shall end; 0: 5 s
	Lease        time.Duration // life of a lease without renewal; 0: 30 s
	Poll         time.Duration // how often the database is asked unasked; 0: 1 s
	Log          *slog.Logger  // nil: nowhere
}

// Courier carries deliveries. Make it with New; all methods may be called from
// many goroutines, and in a process where Run does not run.
type Courier struct {
	db    *store.DB
	blobs blob.Store
	kinds map[string]connect.Kind
	o     Options
	name  string // of this process among others, new at every start
	log   *slog.Logger

	mu      sync.Mutex
	lanes   map[styk.ID]*lane
	opened  map[styk.ID]*outlet
	refresh chan struct{}
}

// New joins a courier. kinds are all connectors that may be configured.
func New(db *store.DB, blobs blob.Store, kinds []connect.Kind, o Options) *Courier {
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.Lease <= 0 {
		o.Lease = 30 * time.Second
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	c := &Courier{
		db: db, blobs: blobs, o: o, kinds: map[string]connect.Kind{}, log: o.Log,
		lanes: map[styk.ID]*lane{}, opened: map[styk.ID]*outlet{}, refresh: make(chan struct{}, 1),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, k := range kinds {
		c.kinds[k.Name] = k
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	c.name = hex.EncodeToString(id[:])
	return c
}

// Wake makes the courier look at once for what is due: something was accepted,
// or the clock was moved. It never blocks.
func (c *Courier) Wake() { c.wakeLanes() }

// Renew makes it look at the targets too: one was made, changed, paused or
// resumed. It never blocks.
func (c *Courier) Renew() {
	select {
	case c.refresh <- struct{}{}:
	default:
	}
	c.wakeLanes()
}

// Run carries deliveries until ctx ends. Then it begins nothing more, gives what
// is under way Options.Grace to finish, interrupts the rest, which is due again
// at once, and returns when all its goroutines have ended. Several processes may
// run on one PostgreSQL.
func (c *Courier) Run(ctx context.Context) error {
	if c.db.Engine() == "sqlite" { // its folder is locked: whoever held a lease is dead
		if err := c.returnLeases(ctx, true); err != nil && ctx.Err() == nil {
			return fmt.Errorf("take over leases: %w", err)
		}
	}
	defer c.forget()
	lanes, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	tick := time.NewTicker(c.o.Poll)
	defer tick.Stop()
	lastReturn := time.Now()
	for {
		if err := c.seeTargets(lanes, &all); err != nil && ctx.Err() == nil {
			c.log.Error("read targets", "err", err)
		}
		if time.Since(lastReturn) > c.o.Lease/4 {
			if err := c.returnLeases(ctx, false); err != nil && ctx.Err() == nil {
				c.log.Error("take over leases", "err", err)
			}
			lastReturn = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-c.refresh:
		}
	}
}

// returnLeases makes due again what nobody carries any more.
func (c *Courier) returnLeases(ctx context.Context, all bool) error {
	const slice = 500
	for {
		var n int
		err := c.db.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.ReturnLeases(all, slice)
			return err
		})
		if n > 0 && err == nil {
			c.log.Warn("took over deliveries of a silent process", "count", n)
			c.wakeLanes()
		}
		if err != nil || n < slice {
			return err
		}
	}
}

func (c *Courier) wakeLanes() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lanes {
		l.wake()
	}
}

// seeTargets starts a lane for every target that has none, tells the others what
// became of theirs, and ends those of targets that are gone.
func (c *Courier) seeTargets(ctx context.Context, all *sync.WaitGroup) error {
	var list []*styk.Target
	err := c.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.Targets()
		return err
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range list {
		l := c.lanes[t.ID]
		if l == nil {
			l = newLane(c, t)
			c.lanes[t.ID] = l
			all.Go(func() { l.run(ctx) })
		}
		l.see(t)
	}
	return nil
}

// Rest says until when nothing is begun for a target that does not answer, as
// far as this process knows; zero while it works.
func (c *Courier) Rest(target styk.ID) time.Time {
	c.mu.Lock()
	l := c.lanes[target]
	c.mu.Unlock()
	if l == nil {
		return time.Time{}
	}
	return l.breaker.rests()
}

// QueueRunning says whether lanes run in this process.
func (c *Courier) QueueRunning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.lanes) > 0
}
