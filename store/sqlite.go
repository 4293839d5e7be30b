package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	"modernc.org/sqlite"

	"styk"
)

const (
	readerCount   = 4
	writerCacheKB = 32 << 10
	readerCacheKB = 8 << 10
)

// reader is one read connection with its prepared statements.
type reader struct{ *cached }

func (r *reader) close() {
	r.forget()
	_ = r.conn.Close()
}

// registerFold gives every SQLite connection the function fold().
var registerFold = sync.OnceValue(func() error {
	return sqlite.RegisterDeterministicScalarFunction("fold", 1,
		func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			if s, ok := args[0].(string); ok {
				return styk.Fold(s), nil
			}
			return args[0], nil
		})
})

// openSQLite opens path with one writer and a few readers. WAL with full sync:
// what was answered survives a power cut.
func openSQLite(ctx context.Context, db *DB, o Options) error {
	if err := registerFold(); err != nil {
		return err
	}
	if err := private(o.Database); err != nil {
		return err
	}
	pool, err := sql.Open("sqlite", sqliteAddress(o.Database))
	if err != nil {
		return err
	}
	db.d, db.pool = sqliteDialect, pool
	pool.SetMaxOpenConns(readerCount + 4) // writer, checkpoints, migrations, a dump
	write, err := sqliteConn(ctx, pool, writerCacheKB, false)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Database, err)
	}
	if err := migrate(ctx, db, pool); err != nil {
		return err
	}
	check, err := sqliteConn(ctx, pool, 1024, false)
	if err != nil {
		return err
	}
	if _, err := check.ExecContext(ctx, "PRAGMA busy_timeout = 50"); err != nil {
		return err // a checkpoint rather comes back later than hold the writer
	}
	db.readers = make(chan *reader, readerCount)
	for range readerCount {
		conn, err := sqliteConn(ctx, pool, readerCacheKB, true)
		if err != nil {
			return err
		}
		db.readers <- &reader{newCached(conn)}
	}
	db.writer, err = newWriter(db, write, check, o.Database+"-wal")
	return err
}

// hook has the connection ask may before each commit, and tell of the end of
// each transaction that is not committed.
func hook(conn *sql.Conn, may func() bool, fallen func()) error {
	return conn.Raw(func(driver any) error {
		c := driver.(sqlite.HookRegisterer)
		c.RegisterCommitHook(func() int32 {
			if may() {
				return 0
			}
			return 1
		})
		c.RegisterRollbackHook(fallen)
		return nil
	})
}

// sqliteAddress gives the driver's address of a file.
func sqliteAddress(path string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(),
		RawQuery: "_pragma=busy_timeout(10000)&_txlock=immediate"}).String()
}

// private makes the database file readable for its owner alone.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func sqliteConn(ctx context.Context, pool *sql.DB, cacheKB int, readOnly bool) (*sql.Conn, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	pragmas := []string{
		"busy_timeout = 10000",
		"journal_mode = WAL",
		"synchronous = FULL",
		"secure_delete = ON",
		"foreign_keys = ON",
		"wal_autocheckpoint = 0", // the writer's own goroutine does it
		fmt.Sprintf("cache_size = -%d", cacheKB),
	}
	if readOnly {
		// The writer keeps SQLite's own choice, 64 KB and then a file: a savepoint's
		// journal in memory takes time by the square of the pages it holds.
		pragmas = append(pragmas, "query_only = ON", "temp_store = MEMORY")
	}
	for _, p := range pragmas {
		if _, err := conn.ExecContext(ctx, "PRAGMA "+p); err != nil {
			return nil, fmt.Errorf("pragma %s: %w", p, err)
		}
	}
	return conn, nil
}

// viewSQLite runs fn on a read connection.
func (db *DB) viewSQLite(ctx context.Context, fn func(*Tx) error) error {
	var r *reader
	select {
	case r = <-db.readers:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.closed:
		return errClosed
	}
	defer func() { db.readers <- r }()
	return db.viewOn(ctx, r, fn)
}

// viewOn runs fn over one state on the connection r.
func (db *DB) viewOn(ctx context.Context, r *reader, fn func(*Tx) error) (err error) {
	background := context.WithoutCancel(ctx)
	if _, err := r.exec(background, "BEGIN", nil); err != nil {
		return err
	}
	defer func() {
		if _, e := r.exec(background, "ROLLBACK", nil); e != nil && err == nil {
			err = e
		}
	}()
	return newTx(ctx, db, r.cached).run(fn)
}

// stamp reads the clock as the database keeps times.
func stamp(now func() time.Time) time.Time { return now().UTC().Truncate(time.Millisecond) }
