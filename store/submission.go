package store

import (
	"database/sql"
	"encoding/json"
	"time"

	"styk"
)

// Submission is one post of a public form as it was accepted.
type Submission struct {
	ID      styk.ID // a line of its own
	Form    string  // public id or name
	Contact styk.ID
	Created time.Time
	Address string            // of the visitor
	Values  map[string]string // by field name; codes are left out
}

// SaveSubmission stores an accepted post with the documents that came along.
func (tx *Tx) SaveSubmission(s *Submission, documents []styk.ID) error {
	text, err := json.Marshal(s.Values)
	if err != nil {
		return err
	}
	s.Created = tx.now
	id, err := tx.numbered(`INSERT INTO submission (form, contact_id, created, address, content) VALUES ($1, $2, $3, $4, $5)`,
		s.Form, int64(s.Contact), ms(tx.now), s.Address, string(text))
	if err != nil {
		return err
	}
	s.ID = styk.ID(id)
	for _, d := range documents {
		if err := tx.exec(`INSERT INTO submission_file (submission_id, document_id) VALUES ($1, $2)`, int64(s.ID), int64(d)); err != nil {
			return err
		}
	}
	return nil
}

// Suggestion is a value of a public form that differs from the customer's own:
// it waits for a person.
type Suggestion struct {
	ID         styk.ID // a line of its own
	Record     styk.ID
	Field      string // column name
	Value      string
	Submission styk.ID
	State      string // open, accepted, dropped
	Created    time.Time
}

// Suggest keeps a differing value for a person to look at.
func (tx *Tx) Suggest(record styk.ID, field, value string, submission styk.ID) error {
	return tx.exec(`INSERT INTO suggestion (record_id, field, value, submission_id, state, created)
		VALUES ($1, $2, $3, $4, 'open', $5)`, int64(record), field, value, int64(submission), ms(tx.now))
}

// Suggestions lists what was suggested for a record, newest first.
func (tx *Tx) Suggestions(record styk.ID) ([]Suggestion, error) {
	var list []Suggestion
	err := tx.each(func(rows *sql.Rows) error {
		var s Suggestion
		err := rows.Scan((*int64)(&s.ID), (*int64)(&s.Record), &s.Field, &s.Value, (*int64)(&s.Submission), &s.State, msDest{&s.Created})
		list = append(list, s)
		return err
	}, `SELECT id, record_id, field, value, submission_id, state, created FROM suggestion
		WHERE record_id = $1 ORDER BY id DESC`, int64(record))
	return list, err
}
