package store

import (
	"database/sql"
	"errors"
	"time"

	"styk"
)

// PostBefore gives when the nth newest post of a customer came, the newest being
// the first; zero when there were not so many.
func (tx *Tx) PostBefore(contact styk.ID, n int) (at time.Time, err error) {
	err = tx.row(`SELECT created FROM submission WHERE contact_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2`,
		int64(contact), int64(n-1)).Scan(msDest{&at})
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return at, err
}
