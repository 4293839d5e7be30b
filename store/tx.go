package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// Tx is one transaction. It is used by one goroutine, inside the closure that
// it was given to.
type Tx struct {
	db  *DB
	q   querier
	ctx context.Context
	now time.Time
	// failed is the first statement's error: after it the transaction cannot
	// go on. PostgreSQL has that rule; here it also keeps a closure that goes
	// on from writing outside a transaction that SQLite has dropped.
	failed error
	// wrote: the database holds something of this closure, so far.
	wrote bool
	// history waits for the end, which numbers it; several closures of one
	// transaction may share it.
	history *journal
	// restore puts back what the closure wrote into its caller's records, for
	// the case that the transaction does not stand and runs again.
	restore []func()
}

func newTx(ctx context.Context, db *DB, q querier) *Tx {
	return &Tx{db: db, q: q, ctx: ctx, now: stamp(db.Now), history: &journal{}}
}

// run calls fn and writes what waits for the transaction's end.
func (tx *Tx) run(fn func(*Tx) error) error {
	if err := tx.call(fn); err != nil {
		return err
	}
	return tx.call((*Tx).writeHistory)
}

// call calls fn. A panic in it becomes an error, and so does a statement's
// error that it passed over.
func (tx *Tx) call(fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.failed
}

// undone puts the caller's records back: nothing of the closure is stored.
func (tx *Tx) undone() {
	for i := len(tx.restore) - 1; i >= 0; i-- {
		tx.restore[i]()
	}
	tx.restore = nil
}

// panicked turns a closure's panic into an internal error with its place.
func panicked(p any) error { return fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack()) }

// querier runs a statement by its text; the implementations keep what they
// have prepared.
type querier interface {
	query(ctx context.Context, text string, args []any) (*sql.Rows, error)
	row(ctx context.Context, text string, args []any) *sql.Row
	exec(ctx context.Context, text string, args []any) (sql.Result, error)
}

// Now is the transaction's one time, in UTC and whole milliseconds.
func (tx *Tx) Now() time.Time { return tx.now }

// DB gives the store of the transaction, for its seals and hashes.
func (tx *Tx) DB() *DB { return tx.db }

func (tx *Tx) exec(text string, args ...any) error {
	_, err := tx.changed(text, args...)
	return err
}

// changed runs a statement and gives how many rows it touched.
func (tx *Tx) changed(text string, args ...any) (int64, error) {
	_, n, err := tx.result(text, args)
	return n, err
}

// numbered inserts one row into a table that numbers its rows, and gives the
// number; sql.ErrNoRows when a conflict left it out. SQLite tells the number
// without RETURNING, for which it would build a table.
func (tx *Tx) numbered(insert string, args ...any) (id int64, err error) {
	if tx.db.writer == nil {
		err = tx.row(insert+" RETURNING id", args...).Scan(&id)
		return id, err
	}
	res, n, err := tx.result(insert, args)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, sql.ErrNoRows
	}
	return res.LastInsertId()
}

func (tx *Tx) result(text string, args []any) (res sql.Result, n int64, err error) {
	if tx.failed != nil {
		return nil, 0, tx.failed
	}
	if res, err = tx.q.exec(tx.ctx, text, args); err != nil {
		tx.failed = err
		return nil, 0, err
	}
	n, err = res.RowsAffected()
	tx.wrote = tx.wrote || n != 0
	return res, n, err
}

// row runs a query for its first row.
func (tx *Tx) row(text string, args ...any) row {
	if tx.failed != nil {
		return row{tx: tx}
	}
	tx.queries(text)
	return row{tx, tx.q.row(tx.ctx, text, args)}
}

// queries notes that a statement with rows will run; one that is more than a
// SELECT writes them first.
func (tx *Tx) queries(text string) {
	tx.wrote = tx.wrote || !strings.HasPrefix(text, "SELECT")
}

type row struct {
	tx  *Tx
	row *sql.Row
}

// Scan reads the row; sql.ErrNoRows when there is none.
func (r row) Scan(dest ...any) error {
	if r.row == nil {
		return r.tx.failed
	}
	err := r.row.Scan(dest...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		r.tx.failed = err
	}
	return err
}

// each runs a query and calls scan for every row.
func (tx *Tx) each(scan func(rows *sql.Rows) error, text string, args ...any) error {
	if tx.failed != nil {
		return tx.failed
	}
	tx.queries(text)
	rows, err := tx.q.query(tx.ctx, text, args)
	if err != nil {
		tx.failed = err
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		tx.failed = err
	}
	return rows.Err()
}

// cached keeps prepared statements of one connection by their text.
type cached struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// maxStatements bounds the cache; VTQL makes texts without end.
const maxStatements = 400

func newCached(conn *sql.Conn) *cached { return &cached{conn: conn, stmts: map[string]*sql.Stmt{}} }

func (c *cached) stmt(text string) (*sql.Stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	s, err := c.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	c.stmts[text] = s
	return s, nil
}

func (c *cached) forget() {
	for text, s := range c.stmts {
		_ = s.Close()
		delete(c.stmts, text)
	}
}

func (c *cached) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	s, err := c.stmt(text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (c *cached) row(ctx context.Context, text string, args []any) *sql.Row {
	s, err := c.stmt(text)
	if err != nil {
		return c.conn.QueryRowContext(ctx, text, args...) // meets the same error and carries it
	}
	return s.QueryRowContext(ctx, args...)
}

func (c *cached) exec(ctx context.Context, text string, args []any) (sql.Result, error) {
	s, err := c.stmt(text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// ms gives a time as the database keeps it: Unix milliseconds, 0 for none.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMS(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
