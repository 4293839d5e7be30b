package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"styk"
)

// Belongings are the numbers of the rows that hold something about one person,
// by what they are: a styk.Kind, "card", "submission" or "delivery". They are
// found by links that an erasure leaves in place, so that one that was cut finds
// the same again.
type Belongings map[string][]styk.ID

// The parts of Belongings that are no records.
const (
	partCard       = "card"
	partSubmission = "submission"
	partDelivery   = "delivery"
	partRecord     = "record" // all records together
)

// reach says by which column rows of a table belong to a part of a person.
type reach struct{ column, part string }

// reaches lists how the rows of each table with personal data are found. What
// has no line here is found by its values, see soughtByValue, or by a key of its
// owner, see freedWithOwner; a test knows of every table.
var reaches = map[string][]reach{
	"contact":          {{"id", string(styk.KindContact)}},
	"account":          {{"id", string(styk.KindAccount)}},
	"project":          {{"id", string(styk.KindProject)}},
	"ticket":           {{"id", string(styk.KindTicket)}},
	"document":         {{"id", string(styk.KindDocument)}},
	"comment":          {{"id", string(styk.KindComment)}},
	"document_version": {{"document_id", string(styk.KindDocument)}},
	"history":          {{"record_id", partRecord}},
	"message":          {{"ticket_id", string(styk.KindTicket)}},
	"sms_code":         {{"contact_id", string(styk.KindContact)}, {"submission_id", partSubmission}},
	"submission":       {{"id", partSubmission}},
	"delivery":         {{"id", partDelivery}},
	"attempt":          {{"delivery_id", partDelivery}},
	"suggestion":       {{"record_id", partRecord}, {"submission_id", partSubmission}},
	"card":             {{"id", partCard}},
	"card_change":      {{"card_id", partCard}},
	"card_device":      {{"card_id", partCard}},
}

// freedWithOwner are tables whose rows go when their owner lets go of them: the
// record of its search words and match keys, the card of its unique values, its
// phones of their complaints, a made record of its idempotency key.
var freedWithOwner = []string{"match_key", "search", "card_key", "card_log", "idempotency"}

// soughtByValue are tables that hold what was said, without a number of whom it
// was about: their rows are read and compared.
var soughtByValue = []string{"api_call"}

// Belongings gathers what belongs to a contact, alive or deleted, and to those
// who were merged into it. It reads tables in whole: call it in a View.
func (tx *Tx) Belongings(contact styk.ID) (Belongings, error) {
	b := Belongings{string(styk.KindContact): {contact}}
	for _, gather := range []func(Belongings) error{
		tx.gatherMerged, tx.gatherAccounts, tx.gatherTickets, tx.gatherSubmissions, tx.gatherDocuments, tx.gatherComments,
		tx.gatherCards, tx.gatherDeliveries,
	} {
		if err := gather(b); err != nil {
			return nil, err
		}
	}
	for _, kind := range styk.RecordKinds {
		b[partRecord] = append(b[partRecord], b[string(kind)]...)
	}
	return b, nil
}

// numbers reads a column of numbers for each slice of ids; the statement has
// {ids} where they stand.
func (tx *Tx) numbers(text string, of []styk.ID) (list []styk.ID, err error) {
	for part := range slices.Chunk(of, sliceOfIDs) {
		err = tx.each(func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			list = append(list, styk.ID(id))
			return err
		}, strings.ReplaceAll(text, "{ids}", marks(1, len(part))), idArgs(part)...)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// sliceOfIDs is how many rows of a person one transaction touches.
const sliceOfIDs = 50

func idArgs(ids []styk.ID) []any {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	return list
}

func (b Belongings) add(part string, ids []styk.ID) {
	all := append(b[part], ids...)
	slices.Sort(all)
	b[part] = slices.Compact(all)
}

func (tx *Tx) gatherMerged(b Belongings) error {
	kind := string(styk.KindContact)
	for next := b[kind]; len(next) > 0; {
		losers, err := tx.numbers(`SELECT record_id FROM merged WHERE winner_id IN ({ids})`, next)
		if err != nil {
			return err
		}
		next = slices.DeleteFunc(losers, func(id styk.ID) bool { return slices.Contains(b[kind], id) })
		b[kind] = append(b[kind], next...)
	}
	return nil
}

// gatherAccounts takes the firm of a sole trader, who is the person himself,
// unless somebody else belongs to it. A company is nobody's person.
func (tx *Tx) gatherAccounts(b Belongings) error {
	contacts := b[string(styk.KindContact)]
	firms, err := tx.numbers(`SELECT account_id FROM contact WHERE account_id <> 0 AND id IN ({ids})`, contacts)
	if err != nil {
		return err
	}
	for _, id := range firms {
		a := &styk.Account{}
		a.ID = id
		err := tx.read(a, tables[styk.KindAccount].load)
		if styk.CodeOf(err) == styk.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		people, err := tx.numbers(`SELECT id FROM contact WHERE account_id <> 0 AND deleted = 0 AND account_id IN ({ids})`, []styk.ID{id})
		if err != nil {
			return err
		}
		if SoleTrader(a) && !slices.ContainsFunc(people, func(p styk.ID) bool { return !slices.Contains(contacts, p) }) {
			b.add(string(styk.KindAccount), []styk.ID{id})
		}
	}
	return nil
}

// SoleTrader says whether a firm is a person in the eyes of the law: by an ИНН of
// twelve digits or an ОГРН of fifteen.
func SoleTrader(a *styk.Account) bool {
	return len(styk.CleanINN(a.INN)) == 12 || len(styk.CleanINN(a.OGRN)) == 15
}

func (tx *Tx) gatherTickets(b Belongings) error {
	for _, kind := range []styk.Kind{styk.KindTicket, styk.KindProject} {
		ids, err := tx.numbers(`SELECT id FROM `+tables[kind].name+` WHERE contact_id <> 0 AND contact_id IN ({ids})`,
			b[string(styk.KindContact)])
		if err != nil {
			return err
		}
		b.add(string(kind), ids)
	}
	return nil
}

func (tx *Tx) gatherSubmissions(b Belongings) error {
	own, err := tx.numbers(`SELECT id FROM submission WHERE contact_id IN ({ids})`, b[string(styk.KindContact)])
	if err != nil {
		return err
	}
	of, err := tx.numbers(`SELECT id FROM submission WHERE ticket_id <> 0 AND ticket_id IN ({ids})`, b[string(styk.KindTicket)])
	b.add(partSubmission, append(own, of...))
	return err
}

// gatherDocuments takes what the person sent, and what hangs on his records and
// on nobody else's.
func (tx *Tx) gatherDocuments(b Belongings) error {
	kind := string(styk.KindDocument)
	sent, err := tx.numbers(`SELECT document_id FROM submission_file WHERE submission_id IN ({ids})`, b[partSubmission])
	if err != nil {
		return err
	}
	b.add(kind, sent)
	var records []styk.ID
	for _, k := range []styk.Kind{styk.KindContact, styk.KindAccount, styk.KindTicket, styk.KindProject} {
		records = append(records, b[string(k)]...)
	}
	hang, err := tx.numbers(`SELECT r.other_id FROM relation r JOIN document d ON d.id = r.other_id WHERE r.record_id IN ({ids})`, records)
	if err != nil {
		return err
	}
	for _, id := range hang {
		others, err := tx.numbers(`SELECT r.record_id FROM relation r JOIN entity e ON e.id = r.record_id
			LEFT JOIN ticket t ON t.id = r.record_id LEFT JOIN project p ON p.id = r.record_id
			WHERE r.other_id IN ({ids}) AND (e.kind = 'contact' OR coalesce(t.contact_id, p.contact_id, 0) <> 0)`, []styk.ID{id})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(others, func(o styk.ID) bool { return !slices.Contains(records, o) }) {
			b.add(kind, []styk.ID{id})
		}
	}
	return nil
}

func (tx *Tx) gatherComments(b Belongings) error {
	for _, kind := range styk.RecordKinds {
		if kind == styk.KindComment {
			continue
		}
		ids, err := tx.numbers(`SELECT id FROM comment WHERE related_id IN ({ids})`, b[string(kind)])
		if err != nil {
			return err
		}
		b.add(string(styk.KindComment), ids)
	}
	return nil
}

func (tx *Tx) gatherCards(b Belongings) error {
	ids, err := tx.numbers(`SELECT id FROM card WHERE contact_id <> 0 AND contact_id IN ({ids})`, b[string(styk.KindContact)])
	b.add(partCard, ids)
	return err
}

// gatherDeliveries takes what was sent about his requests and cards. Letters
// with a card's link bear no number of theirs: they are read.
func (tx *Tx) gatherDeliveries(b Belongings) error {
	for _, of := range []struct{ subjects, part string }{{"'ticket', 'notice'", partSubmission}, {"'card', 'upstream'", partCard}} {
		ids, err := tx.numbers(`SELECT id FROM delivery WHERE subject IN (`+of.subjects+`) AND about_id <> 0 AND about_id IN ({ids})`, b[of.part])
		if err != nil {
			return err
		}
		b.add(partDelivery, ids)
	}
	letters, err := tx.numbers(`SELECT delivery_id FROM message WHERE delivery_id <> 0 AND ticket_id <> 0 AND ticket_id IN ({ids})`,
		b[string(styk.KindTicket)])
	if err != nil {
		return err
	}
	b.add(partDelivery, letters)
	cards := map[string]bool{}
	for _, id := range b[partCard] {
		c, err := tx.CardByID(id)
		if err != nil {
			return err
		}
		cards[c.Number] = true
	}
	needles, err := tx.needles(b)
	if err != nil || len(cards)+len(needles) == 0 {
		return err
	}
	var found []styk.ID
	err = tx.each(func(rows *sql.Rows) error {
		var id int64
		var content string
		if err := rows.Scan(&id, &content); err != nil {
			return err
		}
		var letter styk.Notice
		if json.Unmarshal([]byte(content), &letter) == nil && cards[letter.Card] || needles.in(content) {
			found = append(found, styk.ID(id))
		}
		return nil
	}, `SELECT id, content FROM delivery WHERE subject = 'notice' AND about_id = 0 AND content <> ''`)
	b.add(partDelivery, found)
	return err
}

// Erased says whether a contact was erased, or is being erased.
func (tx *Tx) Erased(contact styk.ID) (bool, error) {
	var id int64
	err := tx.row(`SELECT id FROM erasure WHERE record_id = $1`, int64(contact)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
