package store

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"styk"
)

// TicketClosed is the status of a ticket on which nothing is left to do.
const TicketClosed = "Closed"

// TicketFilter says which tickets to list; zero values mean all.
type TicketFilter struct {
	Query   string             // what a person typed: phone tail, number, name, e-mail
	Open    bool               // those that are not closed
	Closed  bool               // those that are
	New     bool               // those that nobody has begun
	Owner   styk.ID            // those of one of us
	Free    bool               // open ones that belong to nobody who works here
	Overdue time.Time          // those that have waited for an answer since before then
	Spam    bool               // only what was marked as spam; else it is left out, unless somebody searches
	UpTo    styk.ID            // none newer than this one
	IDs     []styk.ID          // only these, spam too
	State   styk.DeliveryState // those with a delivery in this state
	Contact styk.ID            // those of one customer
	Before  styk.ID            // for the next page: the last id of this one
	Limit   int                // 0: 50
}

// TicketRow is a ticket with what a list shows beside it.
type TicketRow struct {
	ID         styk.ID
	Number     string
	Title      string
	Status     string
	Created    time.Time
	Owner      styk.ID
	Waits      time.Time // since when the customer waits for us; zero: he does not
	Spam       bool
	Suspicion  int // how much its posts looked like spam
	Contact    styk.ID
	Name       string // of the customer
	Mobile     string
	Email      string
	Account    string
	Form       string // its title
	Deliveries []TicketDelivery
}

// TicketDelivery is where one delivery of a ticket stands.
type TicketDelivery struct {
	ID     styk.ID
	Target string
	State  styk.DeliveryState
	Number string
	URL    string
}

// maxFound bounds how many customers and tickets one search looks at.
const maxFound = 512

// Tickets lists living tickets, newest first.
func (tx *Tx) Tickets(f TicketFilter) ([]*TicketRow, error) {
	where, args, none, err := tx.ticketWhere(f)
	if err != nil || none {
		return nil, err
	}
	if f.Limit == 0 {
		f.Limit = 50
	}
	args = append(args, int64(f.Limit))
	var list []*TicketRow
	byID := map[styk.ID]*TicketRow{}
	err = tx.each(func(rows *sql.Rows) error {
		r := &TicketRow{}
		var first, last string
		err := rows.Scan((*int64)(&r.ID), &r.Number, &r.Title, &r.Status, msDest{&r.Created}, (*int64)(&r.Owner), &r.Spam,
			msDest{&r.Waits}, (*int64)(&r.Contact), &first, &last, &r.Mobile, &r.Email, &r.Account)
		r.Name = strings.TrimSpace(first + " " + last)
		list, byID[r.ID] = append(list, r), r
		return err
	}, `SELECT t.id, t.number, t.title, t.status, t.created, t.owner_id, t.spam = 1, `+waitsSince+`, t.contact_id,
			coalesce(c.first_name, ''), coalesce(c.last_name, ''), coalesce(c.mobile, ''), coalesce(c.email, ''), coalesce(a.name, '')
		FROM ticket t LEFT JOIN contact c ON c.id = t.contact_id LEFT JOIN account a ON a.id = t.account_id
		WHERE `+strings.Join(where, " AND ")+fmt.Sprintf(` ORDER BY t.id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, err
	}
	return list, tx.addDeliveries(list, byID)
}

// waitsSince is since when a customer waits for us, 0 when he does not: an
// answer ends his waiting, so does whoever closes the ticket or asks him back.
const (
	waits      = `t.status NOT IN ('Closed', 'Wait For Response') AND t.spam = 0 AND (t.answered = 0 OR t.replied > t.answered)`
	waitsSince = `CASE WHEN ` + waits + ` THEN CASE WHEN t.answered = 0 THEN t.created ELSE t.replied END ELSE 0 END`
)

// CountTickets counts those that a filter lists, up to a limit.
func (tx *Tx) CountTickets(f TicketFilter, limit int64) (n int64, err error) {
	where, args, none, err := tx.ticketWhere(f)
	if err != nil || none {
		return 0, err
	}
	args = append(args, limit)
	err = tx.row(`SELECT count(*) FROM (SELECT 1 FROM ticket t WHERE `+strings.Join(where, " AND ")+
		fmt.Sprintf(` LIMIT $%d) few`, len(args)), args...).Scan(&n)
	return n, err
}

// TicketNumbers gives the numbers of those that a filter lists, newest first.
func (tx *Tx) TicketNumbers(f TicketFilter) (ids []styk.ID, err error) {
	where, args, none, err := tx.ticketWhere(f)
	if err != nil || none {
		return nil, err
	}
	args = append(args, int64(f.Limit))
	err = tx.each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, styk.ID(id))
		return err
	}, `SELECT t.id FROM ticket t WHERE `+strings.Join(where, " AND ")+fmt.Sprintf(` ORDER BY t.id DESC LIMIT $%d`, len(args)), args...)
	return ids, err
}

// Overdue is a ticket that waits too long, and of whom.
type Overdue struct {
	ID     styk.ID
	Number string
	Owner  styk.ID
}

// Untold gives tickets that have waited for an answer since before cutoff and of
// which nobody was told yet, the oldest first, and notes that they are told now.
func (tx *Tx) Untold(cutoff time.Time, limit int) ([]Overdue, error) {
	var list []Overdue
	var ids []any
	err := tx.each(func(rows *sql.Rows) error {
		var o Overdue
		err := rows.Scan((*int64)(&o.ID), &o.Number, (*int64)(&o.Owner))
		list, ids = append(list, o), append(ids, int64(o.ID))
		return err
	}, `SELECT t.id, t.number, t.owner_id FROM ticket t WHERE t.status <> 'Closed' AND t.deleted = 0 AND `+overdue(1)+`
		AND t.told < `+waitsSince+` ORDER BY t.id LIMIT $2`, ms(cutoff), int64(limit))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return list, tx.exec(`UPDATE ticket SET told = $1 WHERE id IN (`+marks(2, len(ids))+`)`, append([]any{ms(tx.now)}, ids...)...)
}

// overdue is the clause of those that wait since before the time of a mark.
func overdue(mark int) string {
	return fmt.Sprintf(waits+` AND (t.answered = 0 AND t.created < $%d OR t.answered <> 0 AND t.replied < $%d)`, mark, mark)
}

func (tx *Tx) ticketWhere(f TicketFilter) (where []string, args []any, none bool, err error) {
	where = []string{"t.deleted = 0"}
	add := func(clause string, values ...any) {
		marks := make([]any, len(values))
		for i, v := range values {
			args = append(args, v)
			marks[i] = len(args)
		}
		where = append(where, fmt.Sprintf(clause, marks...))
	}
	if f.Open {
		where = append(where, "t.status <> '"+TicketClosed+"'") // in the text, so that its index serves
	}
	if f.Closed {
		add("t.status = $%d", TicketClosed)
	}
	if f.New {
		where = append(where, "t.status = 'Open' AND t.status <> '"+TicketClosed+"'")
	}
	if f.Owner != 0 {
		add("t.owner_id = $%d AND t.status <> '"+TicketClosed+"'", int64(f.Owner))
	}
	if f.Free {
		where = append(where, "t.status <> '"+TicketClosed+"' AND t.owner_id NOT IN (SELECT id FROM app_user WHERE role <> 'api' AND disabled = 0)")
	}
	if !f.Overdue.IsZero() {
		args = append(args, ms(f.Overdue))
		where = append(where, "t.status <> '"+TicketClosed+"' AND "+overdue(len(args)))
	}
	switch {
	case f.Spam:
		where = append(where, "t.spam = 1")
	case strings.TrimSpace(f.Query) == "" && f.Contact == 0 && len(f.IDs) == 0:
		where = append(where, "t.spam = 0")
	}
	if len(f.IDs) > 0 {
		list := f.IDs[:min(len(f.IDs), maxFound)]
		where = append(where, "t.id IN ("+marks(len(args)+1, len(list))+")")
		args = append(args, idArgs(list)...)
	}
	if f.UpTo != 0 {
		add("t.id <= $%d", int64(f.UpTo))
	}
	if f.Before != 0 {
		add("t.id < $%d", int64(f.Before))
	}
	if f.Contact != 0 {
		add("t.contact_id = $%d", int64(f.Contact))
	}
	if f.State != "" {
		clause, err := tx.ticketsWithDelivery(f.State)
		if err != nil {
			return nil, nil, false, err
		}
		where = append(where, clause)
	}
	if strings.TrimSpace(f.Query) != "" {
		clause, list, err := tx.ticketSearch(f.Query, len(args))
		if err != nil || clause == "" {
			return nil, nil, true, err
		}
		where, args = append(where, clause), append(args, list...)
	}
	return where, args, false, nil
}

// fewDeliveries is up to where the deliveries in a state are looked up first,
// and then their tickets.
const fewDeliveries = 2000

// ticketsWithDelivery makes a clause of those with a delivery in a state. Of a
// state in which few are, the deliveries lead to the tickets; else the tickets
// are read from the newest on, and enough of them are soon found.
func (tx *Tx) ticketsWithDelivery(state styk.DeliveryState) (string, error) {
	is := "d.state = '" + string(state) + "'" // in the text, so that its index serves
	if state == styk.Due || state == styk.NeedsHand {
		n, err := tx.CountDeliveries(state, 0, fewDeliveries)
		if err != nil {
			return "", err
		}
		if n < fewDeliveries {
			return `t.id IN (SELECT s.ticket_id FROM delivery d JOIN submission s ON s.id = d.about_id
				WHERE d.subject = 'ticket' AND ` + is + `)`, nil
		}
	}
	// CROSS keeps SQLite from beginning with the deliveries.
	return `EXISTS (SELECT 1 FROM submission s CROSS JOIN delivery d
		WHERE s.ticket_id = t.id AND s.ticket_id <> 0 AND d.subject = 'ticket' AND d.about_id = s.id AND d.about_id <> 0 AND ` + is + `)`, nil
}

// ticketSearch makes a clause of what was typed: the tickets themselves that it
// finds, and those of customers and firms that it finds. "" finds nothing.
func (tx *Tx) ticketSearch(query string, used int) (clause string, args []any, err error) {
	hits, err := tx.Search(query, []styk.Kind{styk.KindTicket, styk.KindContact, styk.KindAccount}, maxFound)
	if err != nil || len(hits) == 0 {
		return "", nil, err
	}
	found := map[styk.Kind][]any{}
	for _, h := range hits {
		found[h.Kind] = append(found[h.Kind], int64(h.ID))
	}
	ids := found[styk.KindTicket]
	for _, c := range []struct {
		kind   styk.Kind
		column string
	}{{styk.KindContact, "contact_id"}, {styk.KindAccount, "account_id"}} {
		of, err := tx.newestTicketsOf(c.column, few(found[c.kind]))
		if err != nil {
			return "", nil, err
		}
		ids = append(ids, of...)
	}
	slices.SortFunc(ids, func(a, b any) int { return cmp.Compare(b.(int64), a.(int64)) })
	ids = slices.Compact(ids)
	if ids = few(ids[:min(len(ids), maxFound)]); len(ids) == 0 {
		return "", nil, nil
	}
	return "t.id IN (" + marks(used+1, len(ids)) + ")", ids, nil
}

// newestTicketsOf gives the newest tickets of customers or firms.
func (tx *Tx) newestTicketsOf(column string, of []any) (ids []any, err error) {
	if len(of) == 0 {
		return nil, nil
	}
	err = tx.each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT id FROM ticket WHERE `+column+` IN (`+marks(1, len(of))+`) AND `+column+` <> 0
		ORDER BY id DESC LIMIT `+fmt.Sprint(maxFound), of...)
	return ids, err
}

// few repeats the last of a list until its length is one of few, so that
// statements differ little and stay prepared.
func few(list []any) []any {
	for n := 8; len(list) > 0 && n <= maxFound; n *= 8 {
		if len(list) <= n {
			return append(list, slices.Repeat(list[len(list)-1:], n-len(list))...)
		}
	}
	return list
}

func (tx *Tx) addDeliveries(list []*TicketRow, byID map[styk.ID]*TicketRow) error {
	var ids []any
	for _, r := range list {
		ids = append(ids, int64(r.ID))
	}
	if ids = few(ids); len(ids) == 0 {
		return nil
	}
	return tx.each(func(rows *sql.Rows) error {
		var ticket styk.ID
		var form string
		var id sql.NullInt64
		var target, state, number, url sql.NullString
		var suspicion int
		if err := rows.Scan((*int64)(&ticket), &form, &suspicion, &id, &target, &state, &number, &url); err != nil {
			return err
		}
		r := byID[ticket]
		r.Form, r.Suspicion = form, max(r.Suspicion, suspicion)
		if id.Valid {
			r.Deliveries = append(r.Deliveries, TicketDelivery{
				styk.ID(id.Int64), target.String, styk.DeliveryState(state.String), number.String, url.String})
		}
		return nil
	}, `SELECT s.ticket_id, s.title, s.suspicion, d.id, t.name, d.state, d.number, d.url FROM submission s
		LEFT JOIN delivery d ON d.subject = 'ticket' AND d.about_id = s.id AND d.about_id <> 0 LEFT JOIN target t ON t.id = d.target_id
		WHERE s.ticket_id <> 0 AND s.ticket_id IN (`+marks(1, len(ids))+`) ORDER BY d.id`, ids...)
}

// SubmissionsOfTicket lists what came by forms for a ticket, newest first.
func (tx *Tx) SubmissionsOfTicket(ticket styk.ID) ([]*styk.Submission, error) {
	var list []*styk.Submission
	err := tx.each(func(rows *sql.Rows) error {
		s := &styk.Submission{}
		list = append(list, s)
		return rows.Scan(postDests(s)...)
	}, `SELECT `+postColumns+` FROM submission WHERE ticket_id = $1 AND ticket_id <> 0 ORDER BY id DESC`, int64(ticket))
	return list, err
}

// CommentsOf lists the living comments on a record, oldest first.
func (tx *Tx) CommentsOf(record styk.ID) ([]*styk.Comment, error) {
	var list []*styk.Comment
	err := tx.each(func(rows *sql.Rows) error {
		c := &styk.Comment{}
		list = append(list, c)
		return rows.Scan(dests(c)...)
	}, `SELECT `+strings.Join(tables[styk.KindComment].columns, ", ")+` FROM comment
		WHERE related_id = $1 AND deleted = 0 ORDER BY id`, int64(record))
	return list, err
}
