package store

import (
	"cmp"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
)

// Scope says what somebody may find.
type Scope struct {
	Customers, Tickets, Files, Cards, Deliveries, Calls bool

	Limit int // of each
}

// Found is what was found, the newest first; of each what a line tells.
type Found struct {
	Customers  []CustomerFound
	Tickets    []TicketFound
	Cards      []*styk.Card
	Files      []*styk.Document
	Deliveries []DeliveryFound
	Calls      []*styk.APICall
}

// CustomerFound is a living contact.
type CustomerFound struct {
	ID                                styk.ID
	Name, Mobile, Email, INN, Account string
}

// TicketFound is a living ticket.
type TicketFound struct {
	ID                                    styk.ID
	Number, Title, Status, Customer, Over string // Over: a number in a foreign system
	Created                               time.Time
}

// DeliveryFound is a delivery, found by its id, its number over there, or the
// number of its ticket.
type DeliveryFound struct {
	ID                          styk.ID
	UID, Target, Ticket, Number string
	TicketID                    styk.ID
	Subject                     styk.Subject
	State                       styk.DeliveryState
}

// FindAll looks everywhere for what a person typed or pasted: the tail of a phone,
// ИНН, e-mail, a name, a number of ours or of a foreign system in any grouping, a
// card's barcode or link, the path of a file, the id of a delivery or a call.
// Bounded like Search.
func (tx *Tx) FindAll(text string, s Scope) (*Found, error) {
	text = strings.TrimLeft(strings.TrimSpace(text), "№# ")
	f := &Found{}
	if text == "" {
		return f, nil
	}
	over, err := tx.numbersOver(text, s)
	if err != nil {
		return nil, err
	}
	hits, err := tx.SearchEach(text, s.kinds(), s.Limit)
	if err != nil {
		return nil, err
	}
	for _, part := range []func(string, Scope, map[styk.Kind][]styk.ID, []DeliveryFound, *Found) error{
		tx.findCustomersIn, tx.findTicketsIn, tx.findCardsIn, tx.findFilesIn, tx.findDeliveriesIn, tx.findCallsIn,
	} {
		if err := part(text, s, hits, over, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (s Scope) kinds() (list []styk.Kind) {
	if s.Customers || s.Tickets || s.Cards {
		list = append(list, styk.KindContact, styk.KindAccount)
	}
	if s.Tickets || s.Deliveries { // a ticket's number finds its deliveries
		list = append(list, styk.KindTicket)
	}
	if s.Files {
		list = append(list, styk.KindDocument)
	}
	if s.Cards {
		list = append(list, KindCard)
	}
	return list
}

// findCustomersIn also leads from a firm to its people; hits gets them, so that
// their tickets and cards are found too.
func (tx *Tx) findCustomersIn(_ string, s Scope, hits map[styk.Kind][]styk.ID, _ []DeliveryFound, f *Found) error {
	ids := hits[styk.KindContact]
	if len(ids) < s.Limit && len(hits[styk.KindAccount]) > 0 {
		of, err := tx.newestOf(`SELECT id FROM contact WHERE account_id <> 0 AND deleted = 0 AND account_id IN (`, hits[styk.KindAccount], s.Limit)
		if err != nil {
			return err
		}
		ids = newestIDs(append(ids, of...), s.Limit)
		hits[styk.KindContact] = ids
	}
	if !s.Customers || len(ids) == 0 {
		return nil
	}
	return tx.each(func(rows *sql.Rows) error {
		var c CustomerFound
		var last, first, second string
		err := rows.Scan((*int64)(&c.ID), &last, &first, &second, &c.Mobile, &c.Email, &c.INN, &c.Account)
		c.Name = strings.Join(strings.Fields(last+" "+first+" "+second), " ")
		f.Customers = append(f.Customers, c)
		return err
	}, `SELECT c.id, c.last_name, c.first_name, c.second_name, c.mobile, c.email, c.inn, coalesce(a.name, '')
		FROM contact c LEFT JOIN account a ON a.id = c.account_id
		WHERE c.deleted = 0 AND c.id IN (`+marks(1, len(ids))+`) ORDER BY c.id DESC`, anyIDs(ids)...)
}

// findTicketsIn puts those that were found themselves first, then those of the
// customers found.
func (tx *Tx) findTicketsIn(_ string, s Scope, hits map[styk.Kind][]styk.ID, over []DeliveryFound, f *Found) error {
	if !s.Tickets {
		return nil
	}
	ids, foreign := slices.Clone(hits[styk.KindTicket]), map[styk.ID]string{}
	for _, d := range over {
		if d.TicketID != 0 {
			ids, foreign[d.TicketID] = append(ids, d.TicketID), d.Number
		}
	}
	if ids = newestIDs(ids, s.Limit); len(ids) < s.Limit && len(hits[styk.KindContact]) > 0 {
		of, err := tx.newestOf(`SELECT id FROM ticket WHERE contact_id <> 0 AND deleted = 0 AND contact_id IN (`, hits[styk.KindContact], s.Limit)
		if err != nil {
			return err
		}
		for _, id := range of {
			if len(ids) < s.Limit && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	err := tx.each(func(rows *sql.Rows) error {
		var t TicketFound
		var last, first string
		err := rows.Scan((*int64)(&t.ID), &t.Number, &t.Title, &t.Status, msDest{&t.Created}, &last, &first)
		t.Customer, t.Over = strings.TrimSpace(last+" "+first), foreign[t.ID]
		f.Tickets = append(f.Tickets, t)
		return err
	}, `SELECT t.id, t.number, t.title, t.status, t.created, coalesce(c.last_name, ''), coalesce(c.first_name, '')
		FROM ticket t LEFT JOIN contact c ON c.id = t.contact_id
		WHERE t.deleted = 0 AND t.id IN (`+marks(1, len(ids))+`)`, anyIDs(ids)...)
	slices.SortFunc(f.Tickets, func(a, b TicketFound) int {
		return cmp.Compare(slices.Index(ids, a.ID), slices.Index(ids, b.ID))
	})
	return err
}

// findCardsIn finds cards by number, in a pasted link too, by barcode, and those
// of the customers found. A deleted card is found by its number only.
func (tx *Tx) findCardsIn(text string, s Scope, hits map[styk.Kind][]styk.ID, _ []DeliveryFound, f *Found) error {
	if !s.Cards {
		return nil
	}
	if number := cardNumber(text); number != "" {
		c, err := tx.Card(number)
		if err == nil {
			f.Cards = append(f.Cards, c)
		}
		if err == nil || styk.CodeOf(err) != styk.NotFound {
			return err
		}
	}
	ids := slices.Clone(hits[KindCard])
	if contacts := hits[styk.KindContact]; len(contacts) > 0 {
		of, err := tx.newestOf(`SELECT id FROM card WHERE contact_id <> 0 AND deleted = 0 AND contact_id IN (`, contacts, s.Limit)
		if err != nil {
			return err
		}
		ids = append(ids, of...)
	}
	if len(ids) == 0 {
		return nil
	}
	var err error
	f.Cards, err = tx.Cards(CardQuery{IDs: newestIDs(ids, s.Limit), Limit: s.Limit})
	return err
}

// cardNumberLength is the length of a card's number, hex.
const cardNumberLength = 24

// cardNumber gives the card's number in what was typed or pasted, "" for none.
func cardNumber(text string) string {
	runs := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
	for _, run := range runs {
		if len(run) == cardNumberLength {
			return run
		}
	}
	return ""
}

func (tx *Tx) findFilesIn(text string, s Scope, hits map[styk.Kind][]styk.ID, _ []DeliveryFound, f *Found) error {
	if !s.Files {
		return nil
	}
	if at := strings.Index(text, "storage/"); at >= 0 {
		path, _, _ := strings.Cut(text[at:], "?")
		d, err := tx.DocumentByPath(path)
		if err == nil {
			f.Files = append(f.Files, d)
		}
		if err == nil || styk.CodeOf(err) != styk.NotFound {
			return err
		}
	}
	ids := hits[styk.KindDocument]
	if len(ids) == 0 {
		return nil
	}
	var err error
	f.Files, err = tx.documents(`id IN (`+marks(1, len(ids))+`)`, anyIDs(ids)...)
	slices.Reverse(f.Files)
	return err
}

func (tx *Tx) findDeliveriesIn(text string, s Scope, hits map[styk.Kind][]styk.ID, over []DeliveryFound, f *Found) error {
	if !s.Deliveries {
		return nil
	}
	f.Deliveries = over
	var more []DeliveryFound
	var err error
	if id := smallNumber(text); id != 0 {
		more, err = tx.deliveriesFound(`d.id = $1 LIMIT $2`, int64(id), int64(1))
	} else if len(text) == uuidLength {
		more, err = tx.deliveriesFound(`d.uid = $1 LIMIT $2`, strings.ToLower(text), int64(1))
	}
	if err != nil {
		return err
	}
	f.Deliveries = append(more, f.Deliveries...)
	if tickets := hits[styk.KindTicket]; len(f.Deliveries) == 0 && len(tickets) > 0 && isNumber(text) {
		f.Deliveries, err = tx.deliveriesFound(`d.subject = 'ticket' AND d.about_id <> 0 AND d.about_id IN (SELECT id FROM submission
			WHERE ticket_id <> 0 AND ticket_id IN (`+marks(2, len(tickets))+`)) ORDER BY d.id DESC LIMIT $1`,
			append([]any{int64(s.Limit)}, anyIDs(tickets)...)...)
	}
	return err
}

// uuidLength is how long the id of a delivery is.
const uuidLength = 36

// findCallsIn finds a call by its number in the journal.
func (tx *Tx) findCallsIn(text string, s Scope, _ map[styk.Kind][]styk.ID, _ []DeliveryFound, f *Found) error {
	id := smallNumber(text)
	if !s.Calls || id == 0 {
		return nil
	}
	c, err := tx.Call(id)
	if err == nil {
		f.Calls = append(f.Calls, c)
	} else if styk.CodeOf(err) == styk.NotFound {
		err = nil
	}
	return err
}

// smallNumber reads the number of a line; 0 for all else: longer runs of digits
// are phones, ИНН and barcodes.
func smallNumber(text string) styk.ID {
	if len(text) > 9 || strings.Trim(text, "0123456789") != "" {
		return 0
	}
	n, _ := strconv.ParseInt(text, 10, 64)
	return styk.ID(n)
}

// isNumber says whether a text is nothing but a number in some grouping.
func isNumber(text string) bool { return strings.Trim(text, "0123456789- ") == "" }

// numberLetters is what may begin a foreign number without telling it from
// others; the index delivery_number leaves out the same.
const numberLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0"

// numbersOver finds deliveries by the number that a foreign system gave.
func (tx *Tx) numbersOver(text string, s Scope) ([]DeliveryFound, error) {
	typed := ungrouped(text)
	key := strings.TrimLeft(typed, numberLetters)
	if !s.Deliveries && !s.Tickets || key == "" || !strings.ContainsAny(typed, "123456789") {
		return nil, nil
	}
	// The inner query stands apart, so that PostgreSQL does not read all from the newest on.
	list, err := tx.deliveriesFound(`d.id IN (SELECT id FROM (SELECT id FROM delivery WHERE number <> '' AND
		ltrim(replace(replace(replace(upper(number), '-', ''), ' ', ''), '/', ''), '`+numberLetters+`') = $1 LIMIT $2) AS n)
		ORDER BY d.id DESC`, key, int64(8*s.Limit))
	letters := lettersBefore(typed)
	list = slices.DeleteFunc(list, func(d DeliveryFound) bool { return letters != "" && lettersBefore(ungrouped(d.Number)) != letters })
	return list[:min(len(list), s.Limit)], err
}

// ungrouped writes a number in capitals, without what groups it.
func ungrouped(number string) string {
	return strings.NewReplacer("-", "", " ", "", "/", "").Replace(strings.ToUpper(number))
}

// lettersBefore are the letters that a number begins with.
func lettersBefore(number string) string {
	return number[:len(number)-len(strings.TrimLeft(number, strings.TrimSuffix(numberLetters, "0")))]
}

func (tx *Tx) deliveriesFound(where string, args ...any) ([]DeliveryFound, error) {
	var list []DeliveryFound
	err := tx.each(func(rows *sql.Rows) error {
		var d DeliveryFound
		err := rows.Scan((*int64)(&d.ID), &d.UID, &d.Number, (*string)(&d.Subject), (*string)(&d.State), &d.Target, (*int64)(&d.TicketID), &d.Ticket)
		list = append(list, d)
		return err
	}, `SELECT d.id, d.uid, d.number, d.subject, d.state, t.name, coalesce(s.ticket_id, 0), coalesce(k.number, '')
		FROM delivery d JOIN target t ON t.id = d.target_id
		LEFT JOIN submission s ON d.subject = 'ticket' AND s.id = d.about_id
		LEFT JOIN ticket k ON k.id = s.ticket_id WHERE `+where, args...)
	return list, err
}

// newestOf gives the newest rows that belong to some records; query ends before
// their numbers.
func (tx *Tx) newestOf(query string, of []styk.ID, limit int) (ids []styk.ID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, styk.ID(id))
		return err
	}, query+marks(2, len(of))+`) ORDER BY id DESC LIMIT $1`, append([]any{int64(limit)}, anyIDs(of)...)...)
	return ids, err
}

// newestIDs gives the newest of some records, each once.
func newestIDs(ids []styk.ID, limit int) []styk.ID {
	slices.SortFunc(ids, func(a, b styk.ID) int { return cmp.Compare(b, a) })
	ids = slices.Compact(ids)
	return ids[:min(len(ids), limit)]
}

func anyIDs(ids []styk.ID) []any {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	return list
}
