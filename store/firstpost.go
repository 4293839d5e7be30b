package store

import (
	"database/sql"
	"errors"

	"styk"
)

// LastPost gives the number of the newest post, 0 when there is none.
func (tx *Tx) LastPost() (id styk.ID, err error) {
	err = tx.row(`SELECT coalesce(max(id), 0) FROM submission`).Scan((*int64)(&id))
	return id, err
}

// FirstPost gives the number of the first post of a form after another post, with
// its ticket; 0 when there is none.
func (tx *Tx) FirstPost(after styk.ID) (id, ticket styk.ID, err error) {
	err = tx.row(`SELECT id, ticket_id FROM submission WHERE id > $1 AND ticket_id <> 0 ORDER BY id LIMIT 1`, int64(after)).
		Scan((*int64)(&id), (*int64)(&ticket))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	return id, ticket, err
}
