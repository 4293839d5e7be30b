package store

import (
	"context"
	"time"
)

const sweepSlice = 500 // rows of each kind in one transaction

// Sweep drops what has served its time, slice by slice, so that it never holds
// the writer for long.
func (db *DB) Sweep(ctx context.Context, sessionIdle time.Duration) error {
	for {
		var gone int64
		err := db.Update(ctx, func(tx *Tx) (err error) {
			gone, err = tx.sweep(sessionIdle, sweepSlice)
			return err
		})
		if err != nil || gone < sweepSlice {
			return err
		}
	}
}
