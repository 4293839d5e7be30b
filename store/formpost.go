package store

import (
	"crypto/subtle"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"styk"
)

// PostFile is one document of a submission and the field it came in.
type PostFile struct {
	Document styk.ID
	Field    string
}

// SavePost stores an accepted post of a site form with its documents and gives
// it its number.
func (tx *Tx) SavePost(s *styk.Submission, files []PostFile) error {
	s.Created = tx.now
	id, err := tx.numbered(`INSERT INTO submission (form, contact_id, created, address, content, uuid, ticket_id, title, agent, page,
			fields, consents, suspicion, reasons)
		VALUES ($1, $2, $3, $4, '', $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		s.Form, int64(s.Contact), ms(tx.now), s.Address, s.UUID, int64(s.Ticket), s.Title, s.Agent, s.Page,
		encodeJSON(s.Fields), encodeJSON(s.Consents), int64(s.Suspicion), encodeList(s.Reasons))
	if err != nil {
		return err
	}
	s.ID = styk.ID(id)
	return tx.addPostFiles(s.ID, files)
}

func (tx *Tx) addPostFiles(id styk.ID, files []PostFile) error {
	for _, f := range files {
		err := tx.exec(`INSERT INTO submission_file (submission_id, document_id, field) VALUES ($1, $2, $3)
			ON CONFLICT (submission_id, document_id) DO UPDATE SET field = excluded.field`, int64(id), int64(f.Document), f.Field)
		if err != nil {
			return err
		}
	}
	return nil
}

// PostTicket makes a submission of capture.php deliverable: it gets a ticket,
// and its fields in form order.
func (tx *Tx) PostTicket(s *styk.Submission, files []PostFile) error {
	err := tx.exec(`UPDATE submission SET uuid = $2, ticket_id = $3, title = $4, fields = $5 WHERE id = $1`,
		int64(s.ID), s.UUID, int64(s.Ticket), s.Title, encodeJSON(s.Fields))
	if err != nil {
		return err
	}
	return tx.addPostFiles(s.ID, files)
}

const postColumns = `id, form, contact_id, created, address, uuid, ticket_id, title, agent, page, fields, consents, suspicion, reasons`

func postDests(s *styk.Submission) []any {
	return []any{
		(*int64)(&s.ID), &s.Form, (*int64)(&s.Contact), msDest{&s.Created}, &s.Address, &s.UUID, (*int64)(&s.Ticket), &s.Title,
		&s.Agent, &s.Page, jsonDest[[]styk.FieldValue]{&s.Fields}, jsonDest[[]styk.Consent]{&s.Consents}, &s.Suspicion,
		listDest{&s.Reasons},
	}
}

// Post loads a submission that has a ticket; styk.NotFound when there is none.
func (tx *Tx) Post(id styk.ID) (*styk.Submission, error) { return tx.post(`id = $1`, int64(id)) }

// PostOfTicket gives the submission that a ticket came with.
func (tx *Tx) PostOfTicket(ticket styk.ID) (*styk.Submission, error) {
	return tx.post(`ticket_id = $1 AND ticket_id <> 0`, int64(ticket))
}

func (tx *Tx) post(where string, arg any) (*styk.Submission, error) {
	s := &styk.Submission{}
	err := tx.row(`SELECT `+postColumns+` FROM submission WHERE uuid <> '' AND `+where, arg).Scan(postDests(s)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "Такого обращения нет")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// PostFiles lists the documents of a submission as they came, in upload order.
// A document that was overwritten since shows its first bytes: what the visitor
// sent is what is delivered.
func (tx *Tx) PostFiles(id styk.ID) (docs []*styk.Document, fields []string, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		d, field := &styk.Document{}, ""
		err := rows.Scan((*int64)(&d.ID), &d.Title, &d.FileName, &d.Path, &d.Type, &d.Size, &d.Sum, &field)
		d.Version = 1
		docs, fields = append(docs, d), append(fields, field)
		return err
	}, `SELECT d.id, d.title, d.file_name, d.path, v.type, v.size, v.sum, f.field FROM submission_file f
		JOIN document d ON d.id = f.document_id JOIN document_version v ON v.document_id = d.id AND v.version = 1
		WHERE f.submission_id = $1 AND d.deleted = 0 ORDER BY d.id`, int64(id))
	return docs, fields, err
}

// StatusSecret gives the secret of a submission's status page: its number and
// 160 bits that only the holder of the key file can make.
func (db *DB) StatusSecret(s *styk.Submission) string {
	return strconv.FormatInt(int64(s.ID), 36) + "-" + db.KeyedHash("status", s.UUID)[:40]
}

// PostByStatus finds the submission whose status page has the secret.
func (tx *Tx) PostByStatus(secret string) (*styk.Submission, error) {
	number, _, _ := strings.Cut(secret, "-")
	id, err := strconv.ParseInt(number, 36, 64)
	if err != nil {
		return nil, styk.Failed(styk.NotFound, "Такого обращения нет")
	}
	s, err := tx.Post(styk.ID(id))
	if err != nil {
		return nil, err
	}
	if !equalSecret(tx.db.StatusSecret(s), secret) {
		return nil, styk.Failed(styk.NotFound, "Такого обращения нет")
	}
	return s, nil
}

// OnceWithin is Once for a key that is made of the values themselves, and that
// is forgotten after life.
func (tx *Tx) OnceWithin(scope, key string, life time.Duration) (styk.ID, error) {
	if first, err := tx.takeKey(scope, key, ""); err != nil || first {
		return 0, err
	}
	var id, created int64
	err := tx.row(`INSERT INTO idempotency (scope, key, hash, record_id, created) VALUES ($1, $2, '', 0, $3)
		ON CONFLICT (scope, key) DO UPDATE SET key = excluded.key RETURNING record_id, created`,
		scope, key, ms(tx.now)).Scan(&id, &created)
	if err != nil || tx.now.Sub(fromMS(created)) <= life {
		return styk.ID(id), err
	}
	return 0, tx.exec(`UPDATE idempotency SET record_id = 0, created = $3 WHERE scope = $1 AND key = $2`, scope, key, ms(tx.now))
}

func equalSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// KeysOf lists the keys by which a record is known again, sorted: transactions
// claim them in this one order.
func KeysOf(rec styk.Record) []Key { return keysOf(rec) }

// Unclaim frees a claimed key for which no record was made.
func (tx *Tx) Unclaim(key Key) error {
	return tx.exec(`DELETE FROM match_key WHERE kind = $1 AND key = $2 AND record_id = 0`, key.Kind, key.Key)
}
