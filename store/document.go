package store

import (
	"database/sql"
	"strconv"
	"strings"
	"time"

	"styk"
)

// marks gives "$from, $from+1, …" for n arguments; never empty.
func marks(from, n int) string {
	if n == 0 {
		return "NULL"
	}
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(list, ", ")
}

// documents lists living documents in upload order.
func (tx *Tx) documents(where string, args ...any) ([]*styk.Document, error) {
	var list []*styk.Document
	err := tx.each(func(rows *sql.Rows) error {
		d := &styk.Document{}
		list = append(list, d)
		return rows.Scan(dests(d)...)
	}, `SELECT `+strings.Join(tables[styk.KindDocument].columns, ", ")+` FROM document
		WHERE deleted = 0 AND `+where+` ORDER BY id`, args...)
	return list, err
}

// DocumentsOf lists the living documents that hang on a record.
func (tx *Tx) DocumentsOf(id styk.ID) ([]*styk.Document, error) {
	return tx.documents(`id IN (SELECT other_id FROM relation WHERE record_id = $1)`, int64(id))
}

// DocumentByPath finds the living document whose working copy lies at path.
func (tx *Tx) DocumentByPath(path string) (*styk.Document, error) {
	if path != "" {
		list, err := tx.documents(`path = $1`, path)
		if err != nil {
			return nil, err
		}
		if len(list) == 1 {
			return list[0], nil
		}
	}
	return nil, styk.Failed(styk.NotFound, "there is no file "+path)
}

// StoredDocuments lists living documents that have a path and a number above
// after, for scans of the folder.
func (tx *Tx) StoredDocuments(after styk.ID, limit int) ([]*styk.Document, error) {
	return tx.documents(`path <> '' AND id > $1 AND id IN (SELECT id FROM document WHERE path <> '' AND deleted = 0 AND id > $1 ORDER BY id LIMIT $2)`,
		int64(after), limit)
}

// Version is one state of a document's bytes.
type Version struct {
	Number    int64
	Sum       string
	Size      int64
	Type      string
	Created   time.Time
	CreatedBy styk.ID
	Origin    string
}

// AddVersion keeps the document's present bytes as a version of their own.
func (tx *Tx) AddVersion(d *styk.Document, by By) error {
	return tx.exec(`INSERT INTO document_version (document_id, version, sum, size, type, created, created_by, origin)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		int64(d.ID), d.Version, d.Sum, d.Size, d.Type, ms(tx.now), int64(by.User), by.Origin)
}

// Versions lists all states of a document, first to last.
func (tx *Tx) Versions(id styk.ID) ([]Version, error) {
	var list []Version
	err := tx.each(func(rows *sql.Rows) error {
		var v Version
		err := rows.Scan(&v.Number, &v.Sum, &v.Size, &v.Type, msDest{&v.Created}, (*int64)(&v.CreatedBy), &v.Origin)
		list = append(list, v)
		return err
	}, `SELECT version, sum, size, type, created, created_by, origin FROM document_version
		WHERE document_id = $1 ORDER BY version`, int64(id))
	return list, err
}

// SeeDocument notes size and time (Unix ns) of the working copy on disk.
func (tx *Tx) SeeDocument(id styk.ID, size, diskTime int64) error {
	return tx.exec(`UPDATE document SET disk_size = $2, disk_time = $3 WHERE id = $1`, int64(id), size, diskTime)
}

// Referenced says which of the sums some document, alive or deleted, needs.
func (tx *Tx) Referenced(sums []string) (map[string]bool, error) {
	found := map[string]bool{}
	args := make([]any, len(sums))
	for i, s := range sums {
		args[i] = s
	}
	err := tx.each(func(rows *sql.Rows) error {
		var sum string
		err := rows.Scan(&sum)
		found[sum] = true
		return err
	}, `SELECT DISTINCT sum FROM document_version WHERE sum IN (`+marks(1, len(sums))+`)`, args...)
	return found, err
}
