package store

import (
	"database/sql"

	"styk"
)

// TicksOf gives the changes that a person made under one origin after a tick,
// up to another one, oldest first, at most limit: what one press of a button did.
func (tx *Tx) TicksOf(by By, after, upTo int64, limit int) ([]int64, error) {
	if err := tx.writeHistory(); err != nil {
		return nil, err
	}
	var list []int64
	err := tx.each(func(rows *sql.Rows) error {
		var tick int64
		err := rows.Scan(&tick)
		list = append(list, tick)
		return err
	}, `SELECT tick FROM history WHERE tick > $1 AND tick <= $2 AND user_id = $3 AND origin = $4 AND op = 'update' AND kind = $5
		ORDER BY tick LIMIT $6`, after, upTo, int64(by.User), by.Origin, string(styk.KindTicket), int64(limit))
	return list, err
}
