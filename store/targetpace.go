package store

import (
	"database/sql"
	"slices"
	"time"

	"styk"
)

// paceAttempts is how many of a target's newest attempts its pace is taken of.
const paceAttempts = 50

// AttemptPace gives how long the last attempts at a target took, the middle one;
// 0 when none ended among the newest deliveries.
func (tx *Tx) AttemptPace(target styk.ID) (time.Duration, error) {
	var took []int64
	err := tx.each(func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		took = append(took, n)
		return err
	}, `SELECT a.ended - a.started FROM attempt a JOIN
		(SELECT id FROM (SELECT id, target_id, attempts FROM delivery ORDER BY id DESC LIMIT 2000) AS newest
			WHERE target_id = $1 AND attempts > 0 ORDER BY id DESC LIMIT $2) AS d ON a.delivery_id = d.id
		ORDER BY a.ended DESC LIMIT $2`, int64(target), int64(paceAttempts))
	if err != nil || len(took) == 0 {
		return 0, err
	}
	slices.Sort(took)
	return time.Duration(took[len(took)/2]) * time.Millisecond, nil
}
