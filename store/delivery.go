package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"styk"
)

// ErrLeaseLost: the delivery belongs to somebody else by now, or to nobody.
// Whoever gets it stops at once and writes nothing more.
var ErrLeaseLost = errors.New("the delivery was taken over")

const deliveryColumns = `id, uid, target_id, subject, about_id, customer, coalesce_key, state, rank, due_at, since, attempts, rung,
	lease, number, url, cause, content, created, finished`

func deliveryDests(d *styk.Delivery) []any {
	return []any{
		(*int64)(&d.ID), &d.UID, (*int64)(&d.Target), (*string)(&d.Subject), (*int64)(&d.About), &d.Customer, &d.Coalesce,
		(*string)(&d.State), urgentDest{&d.Urgent}, msDest{&d.Due}, msDest{&d.Since}, &d.Attempts, &d.Rung,
		&d.Lease, &d.Number, &d.URL, &d.Cause, bytesDest{&d.Content}, msDest{&d.Created}, msDest{&d.Finished},
	}
}

type urgentDest struct{ urgent *bool }

// Scan implements sql.Scanner: rank 0 is urgent.
func (d urgentDest) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a rank is %T", src)
	}
	*d.urgent = n == 0
	return nil
}

type bytesDest struct{ b *[]byte }

// Scan implements sql.Scanner.
func (d bytesDest) Scan(src any) error {
	switch s := src.(type) {
	case string:
		*d.b = []byte(s)
	case []byte:
		*d.b = append([]byte(nil), s...)
	default:
		return fmt.Errorf("a content is %T", src)
	}
	return nil
}

// Enqueue stores a delivery that is due at d.Due (zero: now) and gives it its
// number. With a Coalesce key it takes the place of a waiting one of the same
// key and target, whose content is not to be sent any more.
func (tx *Tx) Enqueue(d *styk.Delivery) error {
	uid, err := uuid.NewV7()
	if err != nil {
		return err
	}
	d.UID, d.State, d.Created, d.Since = uid.String(), styk.Due, tx.now, tx.now
	if d.Due.IsZero() {
		d.Due = tx.now
	}
	rank := 1
	if d.Urgent {
		rank = 0
	}
	if d.Coalesce != "" {
		replaced, err := tx.replaceWaiting(d, rank)
		if err != nil || replaced {
			return err
		}
	}
	id, err := tx.numbered(`INSERT INTO delivery (uid, target_id, subject, about_id, customer, coalesce_key, state, rank, due_at, since,
			attempts, rung, lease, lease_until, number, url, cause, content, created, finished)
		VALUES ($1, $2, $3, $4, $5, $6, 'due', $7, $8, $9, 0, 0, '', 0, '', '', '', $10, $9, 0)`,
		d.UID, int64(d.Target), string(d.Subject), int64(d.About), d.Customer, d.Coalesce, int64(rank), ms(d.Due), ms(tx.now),
		string(d.Content))
	if err != nil {
		return fmt.Errorf("enqueue %s: %w", d.Subject, err)
	}
	d.ID = styk.ID(id)
	return nil
}

// replaceWaiting puts d's content in the place of a waiting delivery. Its steps
// are forgotten with its content, and its ladder begins anew.
func (tx *Tx) replaceWaiting(d *styk.Delivery, rank int) (bool, error) {
	err := tx.row(`SELECT id FROM delivery WHERE target_id = $1 AND coalesce_key = $2 AND state = 'due' AND coalesce_key <> ''
		ORDER BY id DESC LIMIT 1`+tx.forUpdate(), int64(d.Target), d.Coalesce).Scan((*int64)(&d.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := tx.exec(`DELETE FROM step WHERE delivery_id = $1`, int64(d.ID)); err != nil {
		return false, err
	}
	return true, tx.exec(`UPDATE delivery SET uid = $2, about_id = $3, customer = $4, rank = $5, due_at = $6, since = $7, rung = 0,
			content = $8, cause = '' WHERE id = $1`,
		int64(d.ID), d.UID, int64(d.About), d.Customer, int64(rank), ms(d.Due), ms(tx.now), string(d.Content))
}

// Claim describes who claims what.
type Claim struct {
	Target styk.ID
	Owner  string        // of the leases; unique among processes and restarts
	Life   time.Duration // of a lease that is not renewed
	Limit  int
	// Next gives when an attempt would be repeated that began at rung. It is
	// written now, so that a parcel that kills the process cannot spin.
	Next func(rung int) time.Time
}

// candidates looks for what may go now: due, and no other of the same customer
// is on its way or waits before it. A ticket that failed, or that was retried for
// some minutes without success, lets later ones pass: one request that the other
// side cannot digest must not hold back all of a customer's. Cards keep their
// order whatever happens.
const candidates = `SELECT id FROM delivery d WHERE target_id = $1 AND state = 'due' AND rank = $2 AND due_at <= $3
	AND (customer = '' OR NOT EXISTS (SELECT 1 FROM delivery e
		WHERE e.target_id = $1 AND e.customer = d.customer AND e.state <> 'done' AND e.customer <> '' AND e.id <> d.id
		AND (e.state = 'leased' OR e.id < d.id AND (e.subject IN ('card', 'upstream') OR e.state = 'due' AND e.rung <= 5))))
	ORDER BY due_at, id LIMIT $4`

// ClaimDeliveries leases what is due at a running target, those that a visitor
// waits for first. Several processes share the work.
func (tx *Tx) ClaimDeliveries(c Claim) ([]*styk.Delivery, error) {
	var running int64
	err := tx.row(`SELECT count(*) FROM target WHERE id = $1 AND paused = 0 AND disabled = 0`, int64(c.Target)).Scan(&running)
	if err != nil || running == 0 {
		return nil, err
	}
	skip := ""
	if tx.db.writer == nil {
		skip = " FOR UPDATE OF d SKIP LOCKED"
	}
	var list []*styk.Delivery
	for rank := range 2 {
		var ids []int64
		err := tx.each(func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}, candidates+skip, int64(c.Target), int64(rank), ms(tx.now), int64(c.Limit-len(list)))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			d, err := tx.lease(id, c)
			if err != nil {
				return nil, err
			}
			list = append(list, d)
		}
		if len(list) >= c.Limit {
			break
		}
	}
	return list, nil
}

// lease takes one delivery whose row is locked.
func (tx *Tx) lease(id int64, c Claim) (*styk.Delivery, error) {
	d := &styk.Delivery{}
	if err := tx.row(`SELECT `+deliveryColumns+` FROM delivery WHERE id = $1`, id).Scan(deliveryDests(d)...); err != nil {
		return nil, err
	}
	d.Attempts++
	d.State = styk.Leased
	if c.Next != nil {
		d.Due = c.Next(d.Rung)
	}
	d.Rung++
	d.Lease = fmt.Sprintf("%s/%d", c.Owner, d.Attempts)
	return d, tx.exec(`UPDATE delivery SET state = 'leased', lease = $2, lease_until = $3, attempts = $4, rung = $5, rank = 1,
			due_at = $6 WHERE id = $1`,
		id, d.Lease, ms(tx.now.Add(c.Life)), int64(d.Attempts), int64(d.Rung), ms(d.Due))
}

// AnyDue says whether something at the target has come to its time. Claiming may
// still find that all of it waits for an earlier one of its customer.
func (tx *Tx) AnyDue(target styk.ID) (bool, error) {
	for rank := range 2 {
		var due int64
		err := tx.row(`SELECT due_at FROM delivery WHERE target_id = $1 AND state = 'due' AND rank = $2
			ORDER BY due_at, id LIMIT 1`, int64(target), int64(rank)).Scan(&due)
		if err == nil && due <= ms(tx.now) {
			return true, nil
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, err
		}
	}
	return false, nil
}

// NextDue gives when the target's next delivery after now is due; ok is false
// when nothing waits.
func (tx *Tx) NextDue(target styk.ID) (at time.Time, ok bool, err error) {
	for rank := range 2 {
		var due int64
		err := tx.row(`SELECT due_at FROM delivery WHERE target_id = $1 AND state = 'due' AND rank = $2 AND due_at > $3
			ORDER BY due_at, id LIMIT 1`, int64(target), int64(rank), ms(tx.now)).Scan(&due)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return time.Time{}, false, err
		}
		if t := fromMS(due); !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok, nil
}

// hold fails with ErrLeaseLost unless d is still leased as it was claimed. Every
// write of a courier begins with it.
func (tx *Tx) hold(d *styk.Delivery) error {
	var id int64
	err := tx.row(`SELECT id FROM delivery WHERE id = $1 AND lease = $2 AND state = 'leased'`+tx.forUpdate(),
		int64(d.ID), d.Lease).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrLeaseLost
	}
	return err
}

// StartStep stores that a step is about to write to the foreign system.
func (tx *Tx) StartStep(d *styk.Delivery, name string) error {
	if err := tx.hold(d); err != nil {
		return err
	}
	return tx.exec(`INSERT INTO step (delivery_id, name, state, foreign_id, number, url, started, ended)
		VALUES ($1, $2, 'started', '', '', '', $3, 0)
		ON CONFLICT (delivery_id, name) DO UPDATE SET state = 'started', started = excluded.started`,
		int64(d.ID), name, ms(tx.now))
}

// SaveStep stores what a step made. A number is published with it, and becomes
// one by which the ticket is found.
func (tx *Tx) SaveStep(d *styk.Delivery, s styk.Step) error {
	if err := tx.hold(d); err != nil {
		return err
	}
	err := tx.exec(`INSERT INTO step (delivery_id, name, state, foreign_id, number, url, started, ended)
		VALUES ($1, $2, 'done', $3, $4, $5, $6, $6)
		ON CONFLICT (delivery_id, name) DO UPDATE SET state = 'done', foreign_id = excluded.foreign_id,
			number = excluded.number, url = excluded.url, ended = excluded.ended`,
		int64(d.ID), s.Name, plain(s.Foreign), plain(s.Number), plain(s.URL), ms(tx.now))
	if err != nil || s.Number == "" {
		return err
	}
	err = tx.exec(`UPDATE delivery SET number = $2, url = $3 WHERE id = $1`, int64(d.ID), plain(s.Number), plain(s.URL))
	if err != nil || d.Subject != styk.SubjectTicket {
		return err
	}
	return tx.findTicketBy(d.About, plain(s.Number))
}

// plain makes foreign text fit for the database: PostgreSQL takes no NUL.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// findTicketBy lets people find a ticket by the number it has elsewhere.
func (tx *Tx) findTicketBy(submission styk.ID, number string) error {
	var ticket int64
	err := tx.row(`SELECT ticket_id FROM submission WHERE id = $1`, int64(submission)).Scan(&ticket)
	if errors.Is(err, sql.ErrNoRows) || err == nil && ticket == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	var t tokens
	t.exact(number)
	for _, w := range styk.Words(number) {
		t.add(w)
	}
	for _, token := range t {
		err := tx.exec(`INSERT INTO search (token, kind, record_id) VALUES ($1, $2, $3)
			ON CONFLICT (token, kind, record_id) DO NOTHING`, token, string(styk.KindTicket), ticket)
		if err != nil {
			return err
		}
	}
	return nil
}

// Steps lists how far a delivery came.
func (tx *Tx) Steps(id styk.ID) ([]styk.Step, error) {
	var list []styk.Step
	err := tx.each(func(rows *sql.Rows) error {
		var s styk.Step
		var state string
		err := rows.Scan(&s.Name, &state, &s.Foreign, &s.Number, &s.URL, msDest{&s.Started}, msDest{&s.Ended})
		s.Done = state == "done"
		list = append(list, s)
		return err
	}, `SELECT name, state, foreign_id, number, url, started, ended FROM step WHERE delivery_id = $1 ORDER BY started, name`, int64(id))
	return list, err
}

// EndAttempt stores an attempt and what becomes of its delivery: d.State, and
// for a waiting one d.Due and d.Rung. The lease ends.
func (tx *Tx) EndAttempt(d *styk.Delivery, a *styk.Attempt) error {
	if err := tx.hold(d); err != nil {
		return err
	}
	if !styk.Leased.CanBecome(d.State) {
		return fmt.Errorf("a leased delivery cannot become %s", d.State)
	}
	err := tx.exec(`INSERT INTO attempt (delivery_id, number, started, ended, outcome, err, cause, warnings, exchanges)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		int64(d.ID), int64(a.Number), ms(a.Started), ms(a.Ended), string(a.Outcome), plain(a.Err), plain(a.Cause),
		encodeList(a.Warnings), encodeExchanges(a.Exchanges))
	if err != nil {
		return fmt.Errorf("store attempt: %w", err)
	}
	finished := time.Time{}
	if d.State != styk.Due {
		finished = tx.now
	}
	return tx.exec(`UPDATE delivery SET state = $2, due_at = $3, rung = $4, cause = $5, finished = $6, lease = '', lease_until = 0
		WHERE id = $1`, int64(d.ID), string(d.State), ms(d.Due), int64(d.Rung), plain(a.Cause), ms(finished))
}

func encodeExchanges(list []styk.Exchange) string {
	if len(list) == 0 {
		return ""
	}
	return encodeJSON(list)
}

// RenewLease keeps a delivery; ErrLeaseLost when it is gone.
func (tx *Tx) RenewLease(d *styk.Delivery, life time.Duration) error {
	n, err := tx.changed(`UPDATE delivery SET lease_until = $3 WHERE id = $1 AND lease = $2 AND state = 'leased'`,
		int64(d.ID), d.Lease, ms(tx.now.Add(life)))
	if err == nil && n == 0 {
		return ErrLeaseLost
	}
	return err
}

// ReturnLeases makes deliveries due again whose courier went silent: those whose
// lease ran out before now, or all of them when nobody else can be alive. It
// gives how many, at most limit.
func (tx *Tx) ReturnLeases(all bool, limit int) (int, error) {
	until := tx.now
	if all {
		until = time.UnixMilli(1 << 60)
	}
	type lost struct{ id, attempts, from int64 }
	var list []lost
	skip := ""
	if tx.db.writer == nil {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	err := tx.each(func(rows *sql.Rows) error {
		var l lost
		err := rows.Scan(&l.id, &l.attempts, &l.from)
		list = append(list, l)
		return err
	}, `SELECT id, attempts, lease_until FROM delivery WHERE state = 'leased' AND lease_until <= $1 ORDER BY lease_until LIMIT $2`+skip,
		ms(until), int64(limit))
	if err != nil {
		return 0, err
	}
	const cause = "Программа остановилась посреди отправки. Проверим, что записано, и продолжим."
	for _, l := range list {
		err := tx.exec(`INSERT INTO attempt (delivery_id, number, started, ended, outcome, err, cause, warnings, exchanges)
			VALUES ($1, $2, $3, $4, 'lost', '', $5, '', '')`, l.id, l.attempts, min(l.from, ms(tx.now)), ms(tx.now), cause)
		if err != nil {
			return 0, err
		}
		err = tx.exec(`UPDATE delivery SET state = 'due', lease = '', lease_until = 0, cause = $2 WHERE id = $1`, l.id, cause)
		if err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// SendAgain makes a delivery due at once with a fresh ladder: one that failed, as
// a person's decision, or one that waits for its next retry. Done steps stay
// done. One that is under way or done is styk.Conflict.
func (tx *Tx) SendAgain(id styk.ID) (*styk.Delivery, error) {
	d := &styk.Delivery{}
	err := tx.row(`SELECT `+deliveryColumns+` FROM delivery WHERE id = $1`+tx.forUpdate(), int64(id)).Scan(deliveryDests(d)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "Такой доставки нет")
	}
	if err != nil {
		return nil, err
	}
	switch {
	case d.State == styk.Leased:
		return nil, styk.Failed(styk.Conflict, "Доставка идёт прямо сейчас")
	case d.State == styk.Delivered:
		return nil, styk.Failed(styk.Conflict, "Уже доставлено: повтор сделал бы вторую запись")
	}
	return d, tx.exec(`UPDATE delivery SET state = 'due', due_at = $2, since = $2, rung = 0, rank = 1, finished = 0 WHERE id = $1`,
		int64(id), ms(tx.now))
}

// ReplayFailed sends again what failed since a time, at most limit of the ids
// above after. It gives the last id and how many; 0 when there is no more.
// Target 0 means every target, cause "" every cause.
func (tx *Tx) ReplayFailed(target styk.ID, cause string, since time.Time, after styk.ID, limit int) (last styk.ID, n int, err error) {
	where, args := `state = 'failed' AND finished >= $1 AND id > $2`, []any{ms(since), int64(after), int64(limit)}
	if target != 0 {
		args = append(args, int64(target))
		where += fmt.Sprintf(" AND target_id = $%d", len(args))
	}
	if cause != "" {
		args = append(args, cause)
		where += fmt.Sprintf(" AND cause = $%d", len(args))
	}
	var ids []styk.ID
	err = tx.each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, styk.ID(id))
		return err
	}, `SELECT id FROM delivery WHERE `+where+` ORDER BY id LIMIT $3`, args...)
	if err != nil || len(ids) == 0 {
		return after, 0, err
	}
	for _, id := range ids {
		if _, err := tx.SendAgain(id); styk.CodeOf(err) == styk.Conflict {
			continue // somebody was faster
		} else if err != nil {
			return after, 0, err
		}
		n++
	}
	return ids[len(ids)-1], n, nil
}

// ForgetExchanges drops the kept requests and answers of attempts that ended
// before a time, slice by slice; what came of the attempts stays.
func (db *DB) ForgetExchanges(ctx context.Context, before time.Time) error {
	for {
		var n int64
		err := db.Update(ctx, func(tx *Tx) (err error) {
			n, err = tx.changed(`UPDATE attempt SET exchanges = '' WHERE (delivery_id, number) IN
				(SELECT delivery_id, number FROM attempt WHERE exchanges <> '' AND ended < $1 LIMIT $2)`, ms(before), sweepSlice)
			return err
		})
		if err != nil || n < sweepSlice {
			return err
		}
	}
}
