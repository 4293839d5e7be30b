package store

import (
	"database/sql"
	"slices"
	"time"

	"styk"
)

// DayCount is how many posts of one form came on one day.
type DayCount struct {
	Day   int // days after the first one asked for
	Form  string
	Posts int64
}

// PostsByDay counts what came by forms in the days after from, days of 24 hours.
func (tx *Tx) PostsByDay(from time.Time) ([]DayCount, error) {
	var list []DayCount
	err := tx.each(func(rows *sql.Rows) error {
		var d DayCount
		err := rows.Scan(&d.Day, &d.Form, &d.Posts)
		list = append(list, d)
		return err
	}, `SELECT (created - $1) / 86400000 AS day, form, count(*) FROM submission WHERE created >= $1 GROUP BY 1, form ORDER BY 1, form`,
		ms(from))
	return list, err
}

// lastDone is how many deliveries a median is taken of.
const lastDone = 500

// MedianDelivery gives how long the last deliveries of tickets took from the post
// to the end, the middle one; 0 when there is none since the time.
func (tx *Tx) MedianDelivery(since time.Time) (time.Duration, error) {
	var took []int64
	err := tx.each(func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		took = append(took, n)
		return err
	}, `SELECT finished - created FROM (SELECT created, finished, state, subject FROM delivery ORDER BY id DESC LIMIT $2) AS d
		WHERE state = 'done' AND subject = 'ticket' AND created >= $1`, ms(since), int64(lastDone))
	if err != nil || len(took) == 0 {
		return 0, err
	}
	slices.Sort(took)
	return time.Duration(took[len(took)/2]) * time.Millisecond, nil
}

// LastDelivered gives when a target last took something, looking at its newest
// deliveries only; zero when it took none of them.
func (tx *Tx) LastDelivered(target styk.ID) (at time.Time, err error) {
	err = tx.row(`SELECT coalesce(max(finished), 0) FROM (SELECT finished, state, target_id FROM delivery ORDER BY id DESC LIMIT 20000) AS d
		WHERE target_id = $1 AND state = 'done'`, int64(target)).Scan(msDest{&at})
	return at, err
}

// OpenTickets counts the tickets on which something is left to do, but not
// further than limit.
func (tx *Tx) OpenTickets(limit int64) (n int64, err error) {
	err = tx.row(`SELECT count(*) FROM (SELECT 1 AS one FROM ticket WHERE status <> '`+TicketClosed+`' AND deleted = 0 LIMIT $1) AS t`,
		limit).Scan(&n)
	return n, err
}

// CountCardsTo counts living cards, all or those on phones, but not further than
// limit.
func (tx *Tx) CountCardsTo(installed bool, limit int64) (n int64, err error) {
	where := "deleted = 0"
	if installed {
		where += " AND installed <> 0"
	}
	err = tx.row(`SELECT count(*) FROM (SELECT 1 AS one FROM card WHERE `+where+` LIMIT $1) AS c`, limit).Scan(&n)
	return n, err
}
