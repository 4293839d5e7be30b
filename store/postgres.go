package store

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"
)

// cancelPatience is how long the server may take to stop a statement before the
// connection is given up.
const cancelPatience = 2 * time.Second

// openPostgres opens a pool on address; several processes may share it.
func openPostgres(ctx context.Context, db *DB, o Options) error {
	if err := db.dialPostgres(ctx, o); err != nil {
		return err
	}
	return migrate(ctx, db, db.pool)
}

// dialPostgres makes the pool and sees that the server answers.
func (db *DB) dialPostgres(ctx context.Context, o Options) error {
	config, err := pgx.ParseConfig(o.Database)
	if err != nil {
		return err
	}
	// A statement whose caller has gone is stopped at the server too.
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelPatience}
	}
	db.d, db.pool = postgresDialect, stdlib.OpenDB(*config)
	limit := o.MaxConns
	if limit == 0 {
		limit = 32
	}
	db.pool.SetMaxOpenConns(limit)
	db.pool.SetMaxIdleConns(limit)
	return db.pool.PingContext(ctx)
}

// pooled runs statements on a PostgreSQL transaction; pgx prepares and keeps
// them by itself.
type pooled struct{ tx *sql.Tx }

func (p pooled) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	return p.tx.QueryContext(ctx, text, args...)
}

func (p pooled) row(ctx context.Context, text string, args []any) *sql.Row {
	return p.tx.QueryRowContext(ctx, text, args...)
}

func (p pooled) exec(ctx context.Context, text string, args []any) (sql.Result, error) {
	return p.tx.ExecContext(ctx, text, args...)
}

// maxRepeats bounds how often a transaction that met a deadlock or a
// serialization failure is run again.
const maxRepeats = 20

func (db *DB) updatePostgres(ctx context.Context, fn func(*Tx) error) error {
	for nth := 1; ; nth++ {
		err := db.inPostgres(ctx, nil, fn)
		if err == nil || !repeatable(err) || nth == maxRepeats {
			return err
		}
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(nth) * int64(2*time.Millisecond)))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (db *DB) viewPostgres(ctx context.Context, fn func(*Tx) error) error {
	return db.inPostgres(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
}

// inPostgres runs fn in one transaction. A statement does carry the request's
// context here: PostgreSQL undoes the whole transaction, and nobody shares it.
// Only COMMIT does not, so that its outcome is always known.
func (db *DB) inPostgres(ctx context.Context, opts *sql.TxOptions, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	conn, err := db.pool.Conn(ctx) // waits for a free one no longer than the caller does
	if err != nil {
		return err
	}
	defer conn.Close()
	t, err := conn.BeginTx(context.WithoutCancel(ctx), opts)
	if err != nil {
		return err
	}
	tx := newTx(ctx, db, pooled{t})
	if err = tx.run(fn); err == nil {
		err = t.Commit()
	}
	if err != nil {
		tx.undone()
		_ = t.Rollback()
	}
	return err
}

// repeatable says whether the same closure may succeed when run again.
func repeatable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
