package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Check looks whether the database is whole: on SQLite every page, index and
// constraint is read, which takes seconds per gigabyte; PostgreSQL watches over
// its pages by itself. What is wrong comes as one error.
func (db *DB) Check(ctx context.Context) error {
	if db.writer == nil {
		return db.Ping(ctx)
	}
	var wrong []string
	err := db.View(ctx, func(tx *Tx) error {
		wrong = nil
		return tx.each(func(rows *sql.Rows) error {
			var line string
			err := rows.Scan(&line)
			if line != "ok" {
				wrong = append(wrong, line)
			}
			return err
		}, `PRAGMA integrity_check(20)`)
	})
	if err == nil && len(wrong) > 0 {
		err = fmt.Errorf("the database is damaged: %s", strings.Join(wrong, "; "))
	}
	return err
}

// SchemaVersion gives the number of the newest migration that was applied.
func (db *DB) SchemaVersion(ctx context.Context) (n int64, err error) {
	err = db.View(ctx, func(tx *Tx) error {
		return tx.row(`SELECT max(version_id) FROM schema_version WHERE is_applied`).Scan(&n)
	})
	return n, err
}
