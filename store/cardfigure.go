package store

import (
	"database/sql"
	"time"
)

// PushQueue tells of phones that are to be called.
type PushQueue struct {
	Waiting int       // phones and cards, due or to be tried again
	Oldest  time.Time // when the first of them was to be called; zero: none waits
}

// PushQueue counts what waits to be pushed.
func (tx *Tx) PushQueue() (q PushQueue, err error) {
	err = tx.row(`SELECT count(*), coalesce(min(push_due), 0) FROM card_device WHERE push_due <> 0`).Scan(&q.Waiting, msDest{&q.Oldest})
	return q, err
}

// PhonesByVerdict counts phones by how their last push ended; "" for those that
// were never called.
func (tx *Tx) PhonesByVerdict() (map[string]int, error) {
	counts := map[string]int{}
	err := tx.each(func(rows *sql.Rows) error {
		var verdict string
		var n int
		err := rows.Scan(&verdict, &n)
		counts[verdict] = n
		return err
	}, `SELECT verdict, count(*) FROM card_device WHERE push_token <> '' GROUP BY verdict`)
	return counts, err
}
