package store

import (
	"database/sql"
	"time"

	"styk"
)

// SaveCode stores a pair of ИНН and SMS code; of the code only a keyed hash.
// A verified pair opens all documents of the contact, another one those that
// were sent with the submission. A verified pair makes the misses counted
// against the ИНН forgotten; a public form cannot, or guessing would be free.
func (tx *Tx) SaveCode(inn, code string, contact, submission styk.ID, verified bool) error {
	inn = styk.CleanINN(inn)
	if inn == "" || code == "" {
		return nil
	}
	err := tx.exec(`INSERT INTO sms_code (inn, hash, contact_id, submission_id, verified, created)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (inn, hash, contact_id, submission_id) DO UPDATE SET created = excluded.created,
			verified = CASE WHEN excluded.verified = 1 THEN 1 ELSE sms_code.verified END`,
		inn, tx.db.KeyedHash("sms", code), int64(contact), int64(submission), arg(&verified), ms(tx.now))
	if err != nil || !verified {
		return err
	}
	return tx.forgetGuesses(GuessCode, inn)
}

// DocumentsByCode lists what the pair opens, in upload order, looking only at
// pairs stored after since, of contacts that are not deleted. found is false when
// there is no such pair.
func (tx *Tx) DocumentsByCode(inn, code string, since time.Time) (list []*styk.Document, found bool, err error) {
	hash := tx.db.KeyedHash("sms", code)
	var contacts, submissions []any
	err = tx.each(func(rows *sql.Rows) error {
		var contact, submission int64
		var verified bool
		if err := rows.Scan(&contact, &submission, boolDest{&verified}); err != nil {
			return err
		}
		if verified {
			contacts = append(contacts, contact)
		} else {
			submissions = append(submissions, submission)
		}
		return nil
	}, `SELECT contact_id, submission_id, verified FROM sms_code WHERE inn = $1 AND hash = $2 AND created > $3
		AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.id = contact_id AND c.deleted <> 0)`, styk.CleanINN(inn), hash, ms(since))
	if err != nil || len(contacts)+len(submissions) == 0 {
		return nil, false, err
	}
	where := `id IN (SELECT document_id FROM submission_file WHERE submission_id IN (` + marks(1, len(submissions)) + `))`
	args := submissions
	if len(contacts) > 0 {
		where = `id IN (SELECT other_id FROM relation WHERE record_id IN (` + marks(1, len(contacts)) + `))`
		args = contacts
	}
	list, err = tx.documents(where, args...)
	return list, true, err
}
