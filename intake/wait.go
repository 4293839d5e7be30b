package intake

import (
	"context"
	"sync"
	"time"

	"styk"
	"styk/store"
)

// Progress is what became of a post so far.
type Progress struct {
	Number    string // the foreign system's, "" while it is not there
	Delivered bool   // it stands in the foreign system
}

// pollEvery is how often a waiting visitor's row is read: another process may be
// the one that delivers.
const pollEvery = 150 * time.Millisecond

// Wait waits at most d for the foreign system's number. It returns early when
// none can come in that time: everything is delivered, failed, paused, or tried
// again only later. It holds no database connection, and what goes wrong here is
// never the visitor's error.
func (in *Intake) Wait(ctx context.Context, a *Accepted, d time.Duration) Progress {
	if d <= 0 && !a.Repeated {
		return Progress{} // what came just now has no number yet
	}
	until := in.DB.Now().Add(d)
	ctx, cancel := context.WithTimeout(ctx, max(d, 0))
	defer cancel()
	news, leave := in.waiters.join(a.Submission)
	defer leave()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		p, over := in.progress(a.Submission, until)
		if over {
			return p
		}
		select {
		case <-ctx.Done():
			p, _ := in.progress(a.Submission, until)
			return p
		case <-news:
		case <-tick.C:
		}
	}
}

// progress reads the row; its own context, since the visitor's may be over.
func (in *Intake) progress(id styk.ID, until time.Time) (p Progress, over bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := in.DB.View(ctx, func(tx *store.Tx) error {
		found, err := tx.PostProgress(id)
		p.Number = found.Number
		all := found.Delivered == found.Total
		p.Delivered = found.Number != "" || all && found.Total > 0
		over = found.Number != "" || found.Delivered+found.Failed+found.Paused+in.later(found.Waiting, until) >= found.Total
		return err
	})
	if err != nil {
		in.logger().Error("read progress", "submission", int64(id), "err", err)
	}
	return p, over
}

// later counts the deliveries that nobody begins before until: the ladder sends
// them later, or their target rests.
func (in *Intake) later(list []store.Waiting, until time.Time) (n int) {
	for _, w := range list {
		if w.Due.After(until) || in.Rest != nil && in.Rest(w.Target).After(until) {
			n++
		}
	}
	return n
}

// Published wakes who waits for the submission: its number came, or an attempt
// ended without one. It never blocks.
func (in *Intake) Published(submission styk.ID) { in.waiters.tell(submission) }

func (in *Intake) wake() {
	if in.Wake != nil {
		in.Wake()
	}
}

// waiters are the visitors that wait in this process.
type waiters struct {
	mu  sync.Mutex
	all map[styk.ID]map[chan struct{}]bool
}

func (w *waiters) join(id styk.ID) (news <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[styk.ID]map[chan struct{}]bool{}
	}
	if w.all[id] == nil {
		w.all[id] = map[chan struct{}]bool{}
	}
	w.all[id][c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if delete(w.all[id], c); len(w.all[id]) == 0 {
			delete(w.all, id)
		}
	}
}

func (w *waiters) tell(id styk.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all[id] {
		select {
		case c <- struct{}{}:
		default: // it is awake already
		}
	}
}
