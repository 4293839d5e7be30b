package store

import (
	"crypto/hmac"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"styk"
)

const messageColumns = `id, ticket_id, direction, kind, at, user_id, delivery_id, message_id, address, name, subject, text, quoted,
	files, settled`

func scanMessage(scan func(...any) error) (*styk.Message, error) {
	m := &styk.Message{}
	var direction, files string
	var settled int64
	err := scan((*int64)(&m.ID), (*int64)(&m.Ticket), &direction, (*string)(&m.Kind), msDest{&m.At}, (*int64)(&m.User),
		(*int64)(&m.Delivery), &m.MessageID, &m.Address, &m.Name, &m.Subject, &m.Text, &m.Quoted, &files, &settled)
	if err == nil && files != "" {
		err = json.Unmarshal([]byte(files), &m.Files)
	}
	m.Out, m.Settled = direction == "out", settled == 1
	return m, err
}

// AddMessage stores a letter of a conversation and numbers it.
func (tx *Tx) AddMessage(m *styk.Message) error {
	direction, files := "in", ""
	if m.Out {
		direction = "out"
	}
	if len(m.Files) > 0 {
		text, err := json.Marshal(m.Files)
		if err != nil {
			return err
		}
		files = string(text)
	}
	if m.At.IsZero() {
		m.At = tx.now
	}
	id, err := tx.numbered(`INSERT INTO message (ticket_id, direction, kind, at, user_id, delivery_id, message_id, address, name, subject,
			text, quoted, files, settled)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)`,
		int64(m.Ticket), direction, string(m.Kind), ms(m.At), int64(m.User), int64(m.Delivery), m.MessageID, m.Address, m.Name, m.Subject,
		m.Text, m.Quoted, files)
	if err != nil {
		return fmt.Errorf("add message: %w", err)
	}
	m.ID = styk.ID(id)
	return nil
}

// SendMessage notes which delivery carries a letter, and under which Message-ID.
func (tx *Tx) SendMessage(m *styk.Message) error {
	return tx.exec(`UPDATE message SET delivery_id = $2, message_id = $3 WHERE id = $1`, int64(m.ID), int64(m.Delivery), m.MessageID)
}

// HasLetter says whether a letter that came was stored already.
func (tx *Tx) HasLetter(messageID string) (bool, error) {
	var id int64
	err := tx.row(`SELECT id FROM message WHERE message_id = $1 AND direction = 'in'`, messageID).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Message loads one letter.
func (tx *Tx) Message(id styk.ID) (*styk.Message, error) {
	list, err := tx.messages(`id = $1`, int64(id))
	if err == nil && len(list) == 0 {
		return nil, notFound("message", id)
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// conversationShown bounds how many letters of a ticket are read, the newest.
const conversationShown = 200

// MessagesOf gives a ticket's letters, newest first, at most 200.
func (tx *Tx) MessagesOf(ticket styk.ID) ([]*styk.Message, error) {
	return tx.messages(`ticket_id = $1 AND ticket_id <> 0 ORDER BY id DESC LIMIT $2`, int64(ticket), conversationShown)
}

// LostMessages gives letters that came, belong to no ticket and were not settled,
// newest first, those before a number (0: all).
func (tx *Tx) LostMessages(before styk.ID, limit int) ([]*styk.Message, error) {
	if before == 0 {
		before = 1 << 62
	}
	return tx.messages(`ticket_id = 0 AND settled = 0 AND id < $1 ORDER BY id DESC LIMIT $2`, int64(before), limit)
}

// CountLost counts them up to a limit.
func (tx *Tx) CountLost(limit int64) (n int64, err error) {
	err = tx.row(`SELECT count(*) FROM (SELECT 1 FROM message WHERE ticket_id = 0 AND settled = 0 LIMIT $1) few`, limit).Scan(&n)
	return n, err
}

func (tx *Tx) messages(where string, args ...any) ([]*styk.Message, error) {
	var list []*styk.Message
	err := tx.each(func(rows *sql.Rows) error {
		m, err := scanMessage(rows.Scan)
		list = append(list, m)
		return err
	}, `SELECT `+messageColumns+` FROM message WHERE `+where, args...)
	return list, err
}

// PutMessage brings a letter that belonged nowhere to a ticket.
func (tx *Tx) PutMessage(id, ticket styk.ID) error {
	return tx.one(styk.NotFound, `UPDATE message SET ticket_id = $2 WHERE id = $1 AND ticket_id = 0`, int64(id), int64(ticket))
}

// SettleMessage takes a letter that belongs nowhere off the list, or puts it back.
func (tx *Tx) SettleMessage(id styk.ID, settled bool) error {
	return tx.one(styk.NotFound, `UPDATE message SET settled = $2 WHERE id = $1 AND ticket_id = 0`, int64(id), oneIf(settled))
}

func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// one runs a statement that must change a row.
func (tx *Tx) one(otherwise styk.Code, text string, args ...any) error {
	n, err := tx.changed(text, args...)
	if err == nil && n == 0 {
		err = styk.Failed(otherwise, "")
	}
	return err
}

// TicketByNumber finds a living ticket by the number the customer knows.
func (tx *Tx) TicketByNumber(number string) (*styk.Ticket, error) {
	t := &styk.Ticket{}
	err := tx.row(`SELECT id FROM ticket WHERE number = $1 AND number <> '' AND deleted = 0`, number).Scan((*int64)(&t.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "there is no ticket "+number)
	}
	if err != nil {
		return nil, err
	}
	return t, tx.Load(t)
}

// Answered notes that the customer was answered just now: he no longer waits.
func (tx *Tx) Answered(ticket styk.ID) error {
	return tx.exec(`UPDATE ticket SET answered = $2, first_answered = CASE WHEN first_answered = 0 THEN $2 ELSE first_answered END
		WHERE id = $1`, int64(ticket), ms(tx.now))
}

// Replied notes that the customer wrote just now. He waits since his first
// letter that was not answered.
func (tx *Tx) Replied(ticket styk.ID) error {
	return tx.exec(`UPDATE ticket SET replied = $2 WHERE id = $1 AND replied <= answered`, int64(ticket), ms(tx.now))
}

// Thread gives the Message-ID, before its @, of a letter of ours about a ticket:
// replies bear it in their References, and nobody can make one up. unique tells
// the ticket's letters apart; it is of digits and letters a to f.
func (db *DB) Thread(ticket styk.ID, unique string) string {
	about := strconv.FormatInt(int64(ticket), 10) + "-" + unique
	return "styk-" + about + "-" + db.KeyedHash("mail/thread", about)[:24]
}

var thread = regexp.MustCompile(`^styk-([1-9][0-9]{0,17})-([0-9a-f]{1,40})-([0-9a-f]{24})(@|$)`)

// ThreadOf tells which ticket a Message-ID is about, false when it is not ours.
func (db *DB) ThreadOf(messageID string) (ticket styk.ID, ours bool) {
	m := thread.FindStringSubmatch(messageID)
	if m == nil {
		return 0, false
	}
	want := db.KeyedHash("mail/thread", m[1]+"-"+m[2])[:24]
	if !hmac.Equal([]byte(want), []byte(m[3])) {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return styk.ID(n), err == nil
}
