package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// writer is SQLite's one writer: closures queue up, run each in a savepoint of
// a common transaction, and are answered after its COMMIT. One sync serves the
// whole group.
type writer struct {
	db    *DB
	q     *cached
	check *sql.Conn // for checkpoints
	wal   string    // file whose size is watched
	jobs  chan *job
	stop  chan struct{}
	once  sync.Once
	wait  sync.WaitGroup
	// yield asks the loop for a pause in which the log can be reset.
	yield chan chan struct{}
	// Groups and Jobs count what was committed, for the metrics.
	groups, done atomic.Int64
}

type job struct {
	ctx  context.Context
	fn   func(*Tx) error
	tx   *Tx // of the last run
	err  error
	over chan struct{}
}

const (
	maxGroup       = 128
	walTarget      = 16 << 20 // bytes by which the log may grow before it is copied back
	walGroups      = 64       // or groups, while it grows over what it once was
	walLimit       = 64 << 20 // bytes above which the file is also cut off
	checkpointTick = 200 * time.Millisecond
)

// errClosed: the store was closed before the closure ran.
var errClosed = errors.New("the store is closed")

// errBroken: the transaction around a closure fell (disk full, interrupt).
var errBroken = errors.New("transaction lost")

func newWriter(db *DB, conn, check *sql.Conn, wal string) *writer {
	w := &writer{
		db: db, q: newCached(conn), check: check, wal: wal,
		jobs: make(chan *job, 4*maxGroup), stop: make(chan struct{}), yield: make(chan chan struct{}),
	}
	w.wait.Go(w.loop)
	w.wait.Go(w.checkpoints)
	return w
}

// close lets the queued closures finish and ends both goroutines.
func (w *writer) close() {
	w.once.Do(func() { close(w.stop) })
	w.wait.Wait()
	w.q.forget()
	_, _ = w.q.conn.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	_ = w.q.conn.Close()
	_ = w.check.Close()
}

// do hands fn to the writer and waits for its outcome. Once handed over it is
// always answered, so that a cancelled caller still learns what happened.
func (w *writer) do(ctx context.Context, fn func(*Tx) error) error {
	j := &job{ctx: ctx, fn: fn, over: make(chan struct{})}
	select {
	case w.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return errClosed
	}
	select {
	case <-j.over:
		return j.err
	case <-w.stop:
	}
	w.wait.Wait() // the loop empties its queue before it ends
	select {
	case <-j.over:
		return j.err
	default:
		return errClosed // came in after the loop had ended: never ran
	}
}

func (w *writer) loop() {
	group := make([]*job, 0, maxGroup)
	for {
		group = group[:0]
		select {
		case j := <-w.jobs:
			group = w.gather(append(group, j))
		case pause := <-w.yield:
			<-pause
			continue
		case <-w.stop:
			for {
				if group = w.gather(group[:0]); len(group) == 0 {
					return
				}
				w.commit(group)
			}
		}
		w.commit(group)
	}
}

// gather takes what is queued, without waiting for more.
func (w *writer) gather(group []*job) []*job {
	for len(group) < maxGroup {
		select {
		case j := <-w.jobs:
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// commit runs a group and answers it. When the common transaction is lost,
// nobody is answered yet and each closure runs again in one of its own.
func (w *writer) commit(group []*job) {
	if err := w.together(group); err != nil {
		w.db.log.Warn("group of transactions repeated one by one", "err", err, "count", len(group))
		for _, j := range group {
			j.undone()
		}
		for _, j := range group {
			j.err = w.alone(j)
		}
	}
	for _, j := range group {
		close(j.over)
	}
	w.groups.Add(1)
	w.done.Add(int64(len(group)))
}

// together runs the group in one transaction. An error means that nothing of
// it is stored.
func (w *writer) together(group []*job) error {
	if err := w.sql("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	now := stamp(w.db.Now)
	for _, j := range group {
		if err := w.member(j, now); err != nil {
			_ = w.sql("ROLLBACK")
			return err
		}
	}
	if err := w.sql("COMMIT"); err != nil {
		_ = w.sql("ROLLBACK")
		return err
	}
	return nil
}

// member runs one closure in its savepoint; an error means that the common
// transaction no longer stands, which RELEASE and ROLLBACK TO notice.
func (w *writer) member(j *job, now time.Time) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	if err := w.sql("SAVEPOINT member"); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	j.err = w.call(j, now)
	if j.err != nil {
		j.undone()
		if err := w.sql("ROLLBACK TO member"); err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
	}
	if err := w.sql("RELEASE member"); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	return nil
}

// alone runs one closure in a transaction of its own.
func (w *writer) alone(j *job) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if err := w.sql("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := w.call(j, stamp(w.db.Now))
	if err == nil {
		err = w.sql("COMMIT")
	}
	if err != nil {
		j.undone()
		_ = w.sql("ROLLBACK")
	}
	return err
}

// undone puts back what the job's run wrote into its caller's records.
func (j *job) undone() {
	if j.tx != nil {
		j.tx.undone()
	}
}

// call runs the closure. Its statements do not carry the request's context: a
// cancelled statement would make SQLite drop the transaction of everybody.
func (w *writer) call(j *job, now time.Time) error {
	j.tx = &Tx{db: w.db, q: w.q, ctx: context.WithoutCancel(j.ctx), now: now}
	return j.tx.run(j.fn)
}

func (w *writer) sql(text string) error {
	_, err := w.q.exec(context.Background(), text, nil)
	return err
}

// checkpoints copies the log back to the database while the writer goes on,
// then asks it for a pause of a few milliseconds in which the rest follows and
// after which the log is written from its beginning again. The file keeps its
// size: a sync that need not note a new one is quicker. While somebody reads an
// old state the log cannot begin anew, and no pause is asked for.
func (w *writer) checkpoints() {
	tick := time.NewTicker(checkpointTick)
	defer tick.Stop()
	var groups, size int64 // when the log last began anew
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		info, err := os.Stat(w.wal)
		if err != nil || info.Size() < size+walTarget && w.groups.Load() < groups+walGroups {
			continue
		}
		if !w.checkpoint("PASSIVE") {
			continue
		}
		mode := "PASSIVE"
		if info.Size() > walLimit {
			mode = "TRUNCATE"
		}
		pause := make(chan struct{})
		select {
		case w.yield <- pause:
			w.checkpoint(mode)
			close(pause)
		case <-w.stop:
			return
		}
		groups = w.groups.Load()
		if info, err = os.Stat(w.wal); err == nil {
			size = info.Size()
		}
	}
}

// checkpoint says whether all that stood in the log was copied.
func (w *writer) checkpoint(mode string) (whole bool) {
	var busy, frames, copied int64
	err := w.check.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &copied)
	if err != nil {
		w.db.log.Warn("checkpoint", "op", mode, "err", err)
	}
	return err == nil && busy == 0 && copied == frames
}

// Checkpoint writes everything back and empties the log, so that erased values
// are nowhere left in it.
func (db *DB) Checkpoint(ctx context.Context) error {
	if db.writer == nil {
		return nil
	}
	pause := make(chan struct{})
	select {
	case db.writer.yield <- pause:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.writer.stop:
		return errClosed
	}
	defer close(pause)
	db.writer.checkpoint("TRUNCATE")
	return nil
}

// WriterStats gives how many groups and closures were committed since Open;
// noughts on PostgreSQL.
func (db *DB) WriterStats() (groups, closures int64) {
	if db.writer == nil {
		return 0, 0
	}
	return db.writer.groups.Load(), db.writer.done.Load()
}
