package store

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"styk"
)

// FileLink is the secret address of one document as one delivery carried it into
// a foreign system.
type FileLink struct {
	ID       styk.ID // a line of its own
	Document styk.ID
	Delivery styk.ID // 0: of earlier releases, one for all deliveries
	Target   string  // name of the system it lies in; "" where that is not known
	Days     int     // of life; 0: without end
	Created  time.Time
	Until    time.Time // zero: without end
	Closed   time.Time // by a person; zero: it opens
	salt     string
}

// Opens says whether the link leads to its file at a time.
func (l *FileLink) Opens(now time.Time) bool {
	return l.Closed.IsZero() && (l.Until.IsZero() || now.Before(l.Until))
}

// linkMark begins secrets of links that are rows; those of earlier releases
// begin with a digit or a small letter.
const linkMark = "L"

// LinkSecret gives the secret of a link: its number and 160 bits that only the
// holder of the key file can make. It is the same each time, so that what was
// written into a foreign system works again when a closed link is opened.
func (db *DB) LinkSecret(l *FileLink) string {
	return linkMark + strconv.FormatInt(int64(l.ID), 36) + "-" + db.KeyedHash("file link", l.salt)[:40]
}

const linkColumns = `l.id, l.document_id, l.delivery_id, coalesce(t.name, ''), l.days, l.created, l.until, l.closed, l.salt`

const linkTables = ` FROM file_link l LEFT JOIN delivery d ON d.id = l.delivery_id AND l.delivery_id <> 0
	LEFT JOIN target t ON t.id = d.target_id`

func linkDests(l *FileLink) []any {
	return []any{
		(*int64)(&l.ID), (*int64)(&l.Document), (*int64)(&l.Delivery), &l.Target, &l.Days, msDest{&l.Created}, msDest{&l.Until},
		msDest{&l.Closed}, &l.salt,
	}
}

// GiveLink gives the link of a document for a delivery: the one that it has, or
// a new one that lives so many days; 0 for without end.
func (tx *Tx) GiveLink(document, delivery styk.ID, days int) (*FileLink, error) {
	days = max(days, 0)
	err := tx.exec(`INSERT INTO file_link (document_id, delivery_id, salt, days, created, until, closed)
		VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (document_id, delivery_id) DO NOTHING`,
		int64(document), int64(delivery), rand.Text(), int64(days), ms(tx.now), ms(tx.linkEnd(days)))
	if err != nil {
		return nil, err
	}
	return tx.LinkOf(document, delivery)
}

func (tx *Tx) linkEnd(days int) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return tx.now.AddDate(0, 0, days)
}

// FileLink finds a link by its number; styk.NotFound when there is none.
func (tx *Tx) FileLink(id styk.ID) (*FileLink, error) { return tx.fileLink(`l.id = $1`, int64(id)) }

// OldLink finds the link of a document that earlier releases gave out;
// styk.NotFound when they gave none.
func (tx *Tx) OldLink(document styk.ID) (*FileLink, error) {
	return tx.LinkOf(document, 0)
}

func (tx *Tx) fileLink(where string, args ...any) (*FileLink, error) {
	l := &FileLink{}
	err := tx.row(`SELECT `+linkColumns+linkTables+` WHERE `+where, args...).Scan(linkDests(l)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "Такой ссылки нет")
	}
	if err != nil {
		return nil, err
	}
	return l, nil
}

// LinkBySecret finds the link of a secret, closed and ended ones too: whoever
// has the secret may know that. styk.NotFound when it is none of ours.
func (tx *Tx) LinkBySecret(secret string) (*FileLink, error) {
	number, ok := strings.CutPrefix(secret, linkMark)
	number, _, _ = strings.Cut(number, "-")
	id, err := strconv.ParseInt(number, 36, 64)
	if !ok || err != nil {
		return nil, styk.Failed(styk.NotFound, "Такой ссылки нет")
	}
	l, err := tx.FileLink(styk.ID(id))
	if err == nil && (l.Delivery == 0 || !equalSecret(tx.db.LinkSecret(l), secret)) {
		return nil, styk.Failed(styk.NotFound, "Такой ссылки нет")
	}
	return l, err
}

// FileLinks lists the links of a document, the oldest first.
func (tx *Tx) FileLinks(document styk.ID) ([]*FileLink, error) {
	return tx.fileLinks(`l.document_id = $1`, int64(document))
}

// LinkOf finds the link of a document that a delivery carries; styk.NotFound
// when it was not given one yet.
func (tx *Tx) LinkOf(document, delivery styk.ID) (*FileLink, error) {
	return tx.fileLink(`l.document_id = $1 AND l.delivery_id = $2`, int64(document), int64(delivery))
}

func (tx *Tx) fileLinks(where string, args ...any) ([]*FileLink, error) {
	var list []*FileLink
	err := tx.each(func(rows *sql.Rows) error {
		l := &FileLink{}
		list = append(list, l)
		return rows.Scan(linkDests(l)...)
	}, `SELECT `+linkColumns+linkTables+` WHERE `+where+` ORDER BY l.id`, args...)
	return list, err
}

// CloseLink makes a link lead nowhere from now on.
func (tx *Tx) CloseLink(id styk.ID) error {
	return tx.exec(`UPDATE file_link SET closed = $2 WHERE id = $1 AND closed = 0`, int64(id), ms(tx.now))
}

// ReopenLink makes a closed or ended link work again under its old address; its
// days begin anew.
func (tx *Tx) ReopenLink(id styk.ID) error {
	l, err := tx.FileLink(id)
	if err != nil {
		return err
	}
	return tx.exec(`UPDATE file_link SET closed = 0, until = $2 WHERE id = $1`, int64(id), ms(tx.linkEnd(l.Days)))
}

// CountLinks counts the links that lie in a target: those that open now, and
// all.
func (tx *Tx) CountLinks(target styk.ID) (open, all int, err error) {
	err = tx.row(`SELECT count(*), coalesce(sum(CASE WHEN l.closed = 0 AND (l.until = 0 OR l.until > $2) THEN 1 ELSE 0 END), 0)
		FROM file_link l JOIN delivery d ON d.id = l.delivery_id WHERE d.target_id = $1`, int64(target), ms(tx.now)).Scan(&all, &open)
	return open, all, err
}

// CloseLinks closes at most limit of the links that lie in a target and gives
// how many; 0 when none is left.
func (tx *Tx) CloseLinks(target styk.ID, limit int) (int64, error) {
	return tx.changed(`UPDATE file_link SET closed = $2 WHERE id IN (SELECT l.id FROM file_link l
		JOIN delivery d ON d.id = l.delivery_id WHERE d.target_id = $1 AND l.closed = 0 LIMIT $3)`,
		int64(target), ms(tx.now), int64(limit))
}
