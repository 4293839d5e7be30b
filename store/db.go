// Package store holds all SQL: one text that runs on SQLite and PostgreSQL,
// transactions, the schema, and the register of personal data. It knows no
// protocol and no files. docs/architecture.md describes its rules.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Options say where the database is and with what it is sealed.
type Options struct {
	// Database is a file path for SQLite or a postgres:// address.
	Database string
	// Key is the master key, 32 bytes. Its fingerprint is kept in the
	// database; opening with another key fails with ErrWrongKey.
	Key []byte
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log takes what the store does by itself (checkpoints, repeated groups).
	Log *slog.Logger
	// MaxConns bounds the PostgreSQL pool; 0 means 32.
	MaxConns int
}

// ErrWrongKey: the database was sealed with another key file.
var ErrWrongKey = errors.New("the key file does not belong to this database: its fingerprint differs")

// DB is an open store. All methods may be called from many goroutines.
type DB struct {
	Now func() time.Time

	d       dialect
	log     *slog.Logger
	sealer  sealer
	pool    *sql.DB      // PostgreSQL: all; SQLite: opens the connections below
	writer  *writer      // SQLite only
	readers chan *reader // SQLite only
	closed  chan struct{}
	closing sync.Once
}

// Open opens, migrates and, for SQLite, starts the writer. Close ends it.
func Open(ctx context.Context, o Options) (*DB, error) {
	db := &DB{Now: nowOr(o.Now), log: o.Log, closed: make(chan struct{})}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if len(o.Key) != keySize {
		return nil, fmt.Errorf("open store: the master key has %d bytes, not %d", len(o.Key), keySize)
	}
	db.sealer = newSealer(o.Key)
	open := openSQLite
	if IsPostgres(o.Database) {
		open = openPostgres
	}
	if err := open(ctx, db, o); err != nil {
		if db.pool != nil {
			_ = db.pool.Close()
		}
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := db.checkKey(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func nowOr(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// IsPostgres says whether address names a PostgreSQL database.
func IsPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// Engine is "sqlite" or "postgres".
func (db *DB) Engine() string { return db.d.name }

// Close waits for the transactions under way and closes the database. A second
// call does nothing.
func (db *DB) Close() (err error) {
	db.closing.Do(func() {
		close(db.closed)
		if db.writer != nil {
			for range cap(db.readers) {
				r := <-db.readers
				r.close()
			}
			db.writer.close()
		}
		err = db.pool.Close()
	})
	return err
}

// Ping says whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return db.View(ctx, func(tx *Tx) error {
		var n int64
		return tx.row(`SELECT n FROM tick WHERE one = 1`).Scan(&n)
	})
}

// Update runs fn in a transaction and returns after it is on disk. fn may run
// several times and beside other closures of the same group: it resets its
// results first, does no input or output and takes well under a millisecond.
// When Update returns an error nothing of fn is stored.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if db.writer != nil {
		return db.writer.do(ctx, fn)
	}
	return db.updatePostgres(ctx, fn)
}

// View runs fn over one consistent state of the database. fn must not write.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if db.writer != nil {
		return db.viewSQLite(ctx, fn)
	}
	return db.viewPostgres(ctx, fn)
}

// metaFingerprint names the row that says with which key the database is sealed.
const metaFingerprint = "key_fingerprint"

// checkKey stores the key's fingerprint on first use and compares it later.
func (db *DB) checkKey(ctx context.Context) error {
	var kept string
	err := db.Update(ctx, func(tx *Tx) error {
		err := tx.exec(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			metaFingerprint, db.sealer.fingerprint())
		if err != nil {
			return err
		}
		kept, err = tx.Meta(metaFingerprint)
		return err
	})
	if err != nil {
		return err
	}
	if kept != db.sealer.fingerprint() {
		return ErrWrongKey
	}
	return nil
}

// Meta reads a named word of the database about itself; "" when unset.
func (tx *Tx) Meta(name string) (string, error) {
	var v string
	err := tx.row(`SELECT value FROM meta WHERE name = $1`, name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// SetMeta writes a named word.
func (tx *Tx) SetMeta(name, value string) error {
	return tx.exec(`INSERT INTO meta (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}

// NewKey makes a master key.
func NewKey() []byte {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: crypto/rand
	return key
}
