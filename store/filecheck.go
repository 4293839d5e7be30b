package store

import (
	"database/sql"
	"encoding/json"
	"errors"

	"styk"
)

// MetaScan names the setting that says who checks files: styk.Scanning as JSON.
const MetaScan = "scan"

// Scanning gives how files are checked; its zero value: they are not.
func (tx *Tx) Scanning() (styk.Scanning, error) {
	var s styk.Scanning
	text, err := tx.Meta(MetaScan)
	if err != nil || text == "" {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// FileChecks gives what was found in the documents of a submission.
func (tx *Tx) FileChecks(submission styk.ID) (map[styk.ID]styk.FileCheck, error) {
	all := map[styk.ID]styk.FileCheck{}
	err := tx.each(func(rows *sql.Rows) error {
		var document int64
		var c styk.FileCheck
		err := rows.Scan(&document, &c.FileName, msDest{&c.Checked}, &c.Refused)
		all[styk.ID(document)] = c
		return err
	}, `SELECT f.document_id, d.file_name, f.checked, f.refused FROM submission_file f JOIN document d ON d.id = f.document_id
		WHERE f.submission_id = $1 ORDER BY f.document_id`, int64(submission))
	return all, err
}

// SaveFileCheck stores what was found in a document of a submission, "" for
// nothing. It says whether this was the first look.
func (tx *Tx) SaveFileCheck(submission, document styk.ID, found string) (first bool, err error) {
	n, err := tx.changed(`UPDATE submission_file SET checked = $3, refused = $4
		WHERE submission_id = $1 AND document_id = $2 AND checked = 0`, int64(submission), int64(document), ms(tx.now), plain(found))
	return n > 0, err
}

// Withheld gives what a check found in a document's present bytes; "" when it
// found nothing, nobody looked, or the bytes are later ones than were looked at.
func (tx *Tx) Withheld(d *styk.Document) (found string, err error) {
	if d.Version > 1 {
		return "", nil
	}
	return tx.Refused(d.ID)
}

// Refused gives what a check found in the bytes that a document came with; ""
// when it found nothing, or nobody looked.
func (tx *Tx) Refused(document styk.ID) (found string, err error) {
	err = tx.row(`SELECT refused FROM submission_file WHERE document_id = $1 AND refused <> '' LIMIT 1`, int64(document)).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return found, err
}
