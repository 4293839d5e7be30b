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

// writer is SQLite's one writer: closures queue up, run in a common transaction,
// and are answered after its COMMIT. One sync serves the whole group. Most
// groups succeed whole, so they run without savepoints, whose journal costs a
// fifth of the writer's time; a group in which one closure fails after it wrote
// runs once more, then each behind a savepoint.
type writer struct {
	db    *DB
	q     *cached
	check *sql.Conn // for checkpoints
	wal   string    // file whose size is watched
	jobs  chan *job
	stop  chan struct{}
	once  sync.Once
	wait  sync.WaitGroup
	// lost: the transaction has fallen since BEGIN. committing: the next commit
	// is the writer's own; SQLite is told to refuse any other.
	lost, committing bool
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

// errSpoilt: a closure without a savepoint failed, and what it had written
// stands among what the others of its group wrote.
var errSpoilt = errors.New("a closure failed after it wrote")

func newWriter(db *DB, conn, check *sql.Conn, wal string) (*writer, error) {
	w := &writer{
		db: db, q: newCached(conn), check: check, wal: wal,
		jobs: make(chan *job, 4*maxGroup), stop: make(chan struct{}), yield: make(chan chan struct{}),
	}
	err := hook(conn, func() bool { return w.committing }, func() { w.lost = true })
	if err != nil {
		return nil, err
	}
	w.wait.Go(w.loop)
	w.wait.Go(w.checkpoints)
	return w, nil
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

// commit runs a group and answers it. Nobody is answered before all that was
// written for him stands, however often the group has to run: when a closure
// spoils the common transaction each gets a savepoint, and when the transaction
// is lost each gets a transaction of its own.
func (w *writer) commit(group []*job) {
	err := w.together(group, w.trusted)
	if errors.Is(err, errSpoilt) {
		if err = nil; len(group) > 1 { // a single one has its error already
			undone(group)
			err = w.together(group, w.guarded)
		}
	}
	if err != nil {
		w.db.log.Warn("group of transactions repeated one by one", "err", err, "count", len(group))
		undone(group)
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

// together runs the group's members in one transaction. An error means that
// nothing of it is stored.
func (w *writer) together(group []*job, member func(j *job, common *Tx) error) (err error) {
	if err := w.begin(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = w.sql("ROLLBACK")
		}
	}()
	common := w.tx(context.Background())
	for _, j := range group {
		if j.err = j.ctx.Err(); j.err != nil {
			continue
		}
		err := member(j, common)
		if j.err != nil {
			j.undone()
		}
		if w.lost {
			return fmt.Errorf("%w: %w", errBroken, errors.Join(err, j.err))
		}
		if err != nil {
			return err
		}
	}
	if err := common.call((*Tx).writeHistory); err != nil {
		return err
	}
	return w.end()
}

// trusted runs one closure among the others: when it fails before it wrote
// anything it has harmed nobody, else errSpoilt tells. Its history waits for the
// group's end.
func (w *writer) trusted(j *job, common *Tx) error {
	j.tx = w.tx(j.ctx)
	j.tx.now, j.tx.history = common.now, common.history
	if j.err = j.tx.call(j.fn); j.err != nil && !w.lost && (j.tx.wrote || j.tx.failed != nil) {
		return errSpoilt
	}
	return nil
}

// guarded runs one closure behind a savepoint, to which it falls back alone.
func (w *writer) guarded(j *job, common *Tx) error {
	if err := w.sql("SAVEPOINT member"); err != nil {
		return err
	}
	j.tx = w.tx(j.ctx)
	j.tx.now = common.now
	if j.err = j.tx.run(j.fn); j.err != nil && !w.lost {
		if err := w.sql("ROLLBACK TO member"); err != nil {
			return err
		}
	}
	return w.sql("RELEASE member")
}

// alone runs one closure in a transaction of its own.
func (w *writer) alone(j *job) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	j.tx = w.tx(j.ctx)
	err := j.tx.run(j.fn)
	if err == nil {
		err = w.end()
	}
	if err != nil {
		j.undone()
		_ = w.sql("ROLLBACK")
	}
	return err
}

// undone puts back what the runs of all of the group wrote into their callers'
// records.
func undone(group []*job) {
	for _, j := range group {
		j.undone()
	}
}

// undone puts back what the job's run wrote into its caller's records.
func (j *job) undone() {
	if j.tx != nil {
		j.tx.undone()
	}
}

// tx begins a closure's view of the open transaction. Its statements do not
// carry the request's context: a cancelled statement would make SQLite drop the
// transaction of everybody.
func (w *writer) tx(ctx context.Context) *Tx {
	return newTx(context.WithoutCancel(ctx), w.db, w.q)
}

func (w *writer) begin() error {
	w.lost = false
	return w.sql("BEGIN IMMEDIATE")
}

// end commits, unless the transaction is no longer the one that was begun.
func (w *writer) end() error {
	if w.lost {
		return errBroken
	}
	w.committing = true
	defer func() { w.committing = false }()
	return w.sql("COMMIT")
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
