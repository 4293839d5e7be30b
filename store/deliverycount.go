package store

import (
	"fmt"

	"styk"
)

// CountDeliveries counts what is in a state, of one target or (0) of all, but
// not further than limit.
func (tx *Tx) CountDeliveries(state styk.DeliveryState, target styk.ID, limit int64) (n int64, err error) {
	if !state.CanBecome(styk.Due) && state != styk.Due {
		return 0, fmt.Errorf("no index counts deliveries that are %s", state)
	}
	where, args := "state = '"+string(state)+"'", []any{limit} // in the text, so that its index serves
	if target != 0 {
		where += " AND target_id = $2"
		args = append(args, int64(target))
	}
	err = tx.row(`SELECT count(*) FROM (SELECT 1 AS one FROM delivery WHERE `+where+` LIMIT $1) AS counted`, args...).Scan(&n)
	return n, err
}

// CountToReplay counts what ReplayFailed would send again, but not further than
// limit.
func (tx *Tx) CountToReplay(f DeliveryFilter, limit int64) (n int64, err error) {
	where, args := `state = 'failed' AND finished >= $1`, []any{ms(f.Since), limit}
	if f.Target != 0 {
		args = append(args, int64(f.Target))
		where += fmt.Sprintf(" AND target_id = $%d", len(args))
	}
	if f.Cause != "" {
		args = append(args, f.Cause)
		where += fmt.Sprintf(" AND cause = $%d", len(args))
	}
	err = tx.row(`SELECT count(*) FROM (SELECT 1 AS one FROM delivery WHERE `+where+` LIMIT $2) AS counted`, args...).Scan(&n)
	return n, err
}
