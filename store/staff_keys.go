package store

import (
	"database/sql"
	"time"

	"styk"
)

// SessionsSeen gives when each user of the CRM service last used a session that
// is still remembered.
func (tx *Tx) SessionsSeen() (map[styk.ID]time.Time, error) {
	all := map[styk.ID]time.Time{}
	err := tx.each(func(rows *sql.Rows) error {
		var id styk.ID
		var at time.Time
		err := rows.Scan((*int64)(&id), msDest{&at})
		all[id] = at
		return err
	}, `SELECT user_id, max(seen) FROM session GROUP BY user_id`)
	return all, err
}
