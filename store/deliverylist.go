package store

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"styk"
)

// Delivery loads a delivery; styk.NotFound when there is none.
func (tx *Tx) Delivery(id styk.ID) (*styk.Delivery, error) {
	d := &styk.Delivery{}
	err := tx.row(`SELECT `+deliveryColumns+` FROM delivery WHERE id = $1`, int64(id)).Scan(deliveryDests(d)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "Такой доставки нет")
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// DeliveriesOf lists the deliveries of a subject, in the order of its targets.
func (tx *Tx) DeliveriesOf(subject styk.Subject, about styk.ID) ([]*styk.Delivery, error) {
	var list []*styk.Delivery
	err := tx.each(func(rows *sql.Rows) error {
		d := &styk.Delivery{}
		list = append(list, d)
		return rows.Scan(deliveryDests(d)...)
	}, `SELECT `+deliveryColumns+` FROM delivery WHERE subject = $1 AND about_id = $2 AND about_id <> 0 ORDER BY id`,
		string(subject), int64(about))
	return list, err
}

// Progress is what became of a submission over there.
type Progress struct {
	Number    string // of the foreign system, "" until it comes
	URL       string // for our people, never for the visitor
	Total     int    // deliveries
	Delivered int
	Failed    int // wait for a person
	Paused    int // wait for their target to be resumed
	Waiting   []Waiting
}

// Waiting is a delivery that waits for its time at a target that runs.
type Waiting struct {
	Target styk.ID
	Due    time.Time
}

// PostProgress gives what became of a submission, by its key in one look.
func (tx *Tx) PostProgress(submission styk.ID) (Progress, error) {
	var p Progress
	err := tx.each(func(rows *sql.Rows) error {
		var state styk.DeliveryState
		var number, url string
		var paused, due int64
		var target styk.ID
		if err := rows.Scan((*string)(&state), &number, &url, &paused, (*int64)(&target), &due); err != nil {
			return err
		}
		p.Total++
		switch state {
		case styk.Delivered:
			p.Delivered++
		case styk.NeedsHand:
			p.Failed++
		case styk.Due:
			if paused != 0 {
				p.Paused++
			} else {
				p.Waiting = append(p.Waiting, Waiting{target, fromMS(due)})
			}
		}
		if p.Number == "" && number != "" {
			p.Number, p.URL = number, url
		}
		return nil
	}, `SELECT d.state, d.number, d.url, t.paused, d.target_id, d.due_at FROM delivery d JOIN target t ON t.id = d.target_id
		WHERE d.subject = 'ticket' AND d.about_id = $1 AND d.about_id <> 0 ORDER BY d.id`,
		int64(submission))
	return p, err
}

// DeliveryFilter says which deliveries to list; zero values mean all.
type DeliveryFilter struct {
	State  styk.DeliveryState
	Target styk.ID
	Cause  string
	Since  time.Time // failed or done since
	Before styk.ID   // for the next page: the last id of this one
	Limit  int       // 0: 50
}

// DeliveryRow is a delivery with what a list shows beside it.
type DeliveryRow struct {
	styk.Delivery
	TargetName   string
	Ticket       styk.ID
	TicketNumber string
	Form         string // its title
}

// Deliveries lists deliveries, newest first.
func (tx *Tx) Deliveries(f DeliveryFilter) ([]*DeliveryRow, error) {
	var where []string
	var args []any
	add := func(clause string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(clause, len(args)))
	}
	switch f.State {
	case "":
	case styk.NeedsHand: // the word stands in the text, so that its index serves
		where = append(where, "d.state = 'failed'")
	default:
		add("d.state = $%d", string(f.State))
	}
	if f.Target != 0 {
		add("d.target_id = $%d", int64(f.Target))
	}
	if f.Cause != "" {
		add("d.cause = $%d", f.Cause)
	}
	if !f.Since.IsZero() {
		add("d.finished >= $%d", ms(f.Since))
	}
	if f.Before != 0 {
		add("d.id < $%d", int64(f.Before))
	}
	if f.Limit == 0 {
		f.Limit = 50
	}
	text := ""
	if len(where) > 0 {
		text = " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args, int64(f.Limit))
	// The ids come first, by the index that serves them: a row is wide.
	ids := fmt.Sprintf(`SELECT d.id FROM delivery d%s ORDER BY d.id DESC LIMIT $%d`, text, len(args))
	columns := "d." + strings.ReplaceAll(strings.Join(strings.Fields(deliveryColumns), " "), ", ", ", d.")
	var list []*DeliveryRow
	err := tx.each(func(rows *sql.Rows) error {
		r := &DeliveryRow{}
		list = append(list, r)
		return rows.Scan(append(deliveryDests(&r.Delivery), &r.TargetName, (*int64)(&r.Ticket), &r.TicketNumber, &r.Form)...)
	}, `SELECT `+columns+`, t.name, coalesce(s.ticket_id, 0), coalesce(k.number, ''), coalesce(s.title, '')
		FROM delivery d JOIN target t ON t.id = d.target_id
		LEFT JOIN submission s ON d.subject = 'ticket' AND s.id = d.about_id
		LEFT JOIN ticket k ON k.id = s.ticket_id WHERE d.id IN (`+ids+`) ORDER BY d.id DESC`, args...)
	return list, err
}

// CauseCount is how many deliveries failed for one cause at one target.
type CauseCount struct {
	Target     styk.ID
	TargetName string
	Cause      string
	Count      int64
	// First and Last are when the oldest and the newest of them came to stand; of
	// the largest groups only.
	First, Last time.Time
}

// datedCauses is of how many groups it is told when they began.
const datedCauses = 50

// FailedByCause groups what waits for a person, the largest group first.
func (tx *Tx) FailedByCause() ([]CauseCount, error) {
	var list []CauseCount
	var ends [][2]int64
	err := tx.each(func(rows *sql.Rows) error {
		var c CauseCount
		var oldest, newest int64
		err := rows.Scan((*int64)(&c.Target), &c.TargetName, &c.Cause, &c.Count, &oldest, &newest)
		list, ends = append(list, c), append(ends, [2]int64{oldest, newest})
		return err
	}, `SELECT d.target_id, t.name, d.cause, count(*), min(d.id), max(d.id) FROM delivery d JOIN target t ON t.id = d.target_id
		WHERE d.state = 'failed' GROUP BY d.target_id, t.name, d.cause ORDER BY 4 DESC, 2, 3`)
	for i := range min(len(list), datedCauses) { // by their keys: the index of causes need not hold times
		if err != nil {
			break
		}
		err = tx.row(`SELECT a.finished, b.finished FROM delivery a, delivery b WHERE a.id = $1 AND b.id = $2`, ends[i][0], ends[i][1]).
			Scan(msDest{&list[i].First}, msDest{&list[i].Last})
	}
	return list, err
}

// QueueState is what waits at one target.
type QueueState struct {
	Target  styk.ID
	Waiting int64
	UnderWay,
	Failed int64
	Oldest time.Time // creation of the oldest undelivered one that does not wait for a person
}

// QueueStates counts what is not delivered yet, by target, without reading the
// deliveries themselves: each state has an index of its own.
func (tx *Tx) QueueStates() ([]QueueState, error) {
	all := map[styk.ID]*QueueState{}
	oldest := map[styk.ID]int64{}
	for _, state := range []styk.DeliveryState{styk.Due, styk.Leased, styk.NeedsHand} {
		err := tx.each(func(rows *sql.Rows) error {
			var target styk.ID
			var n, first int64
			if err := rows.Scan((*int64)(&target), &n, &first); err != nil {
				return err
			}
			q := all[target]
			if q == nil {
				q = &QueueState{Target: target}
				all[target] = q
			}
			switch state {
			case styk.Due:
				q.Waiting = n
			case styk.Leased:
				q.UnderWay = n
			default:
				q.Failed = n
				return nil // it waits for a person
			}
			if was, had := oldest[target]; !had || first < was {
				oldest[target] = first
			}
			return nil
		}, `SELECT target_id, count(*), min(id) FROM delivery WHERE state = '`+string(state)+`' GROUP BY target_id`)
		if err != nil {
			return nil, err
		}
	}
	list := make([]QueueState, 0, len(all))
	for _, target := range slices.Sorted(maps.Keys(all)) {
		if id, has := oldest[target]; has {
			if err := tx.row(`SELECT created FROM delivery WHERE id = $1`, id).Scan(msDest{&all[target].Oldest}); err != nil {
				return nil, err
			}
		}
		list = append(list, *all[target])
	}
	return list, nil
}

// CountFailed gives how many deliveries of a target wait for a person.
func (tx *Tx) CountFailed(target styk.ID) (n int64, err error) {
	err = tx.row(`SELECT count(*) FROM delivery WHERE target_id = $1 AND state = 'failed'`, int64(target)).Scan(&n)
	return n, err
}

// Attempts lists the attempts of a delivery, the newest first, with their exact
// requests and answers.
func (tx *Tx) Attempts(id styk.ID) ([]*styk.Attempt, error) {
	var list []*styk.Attempt
	err := tx.each(func(rows *sql.Rows) error {
		a := &styk.Attempt{Delivery: id}
		list = append(list, a)
		return rows.Scan(&a.Number, msDest{&a.Started}, msDest{&a.Ended}, (*string)(&a.Outcome), &a.Err, &a.Cause,
			listDest{&a.Warnings}, jsonDest[[]styk.Exchange]{&a.Exchanges})
	}, `SELECT number, started, ended, outcome, err, cause, warnings, exchanges FROM attempt
		WHERE delivery_id = $1 ORDER BY number DESC`, int64(id))
	return list, err
}
