package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"styk"
)

// FileFilter says which files to list; zero values mean all.
type FileFilter struct {
	Query   string // words of the title or the name, or a path
	Waiting bool   // stand-ins whose real file is still waited for
	Refused bool   // those in which a check found something
	Before  styk.ID
	Limit   int
}

// FileRow is a living document with what a list shows beside it.
type FileRow struct {
	styk.Document
	Customer styk.ID
	Name     string // of the customer
	Check    styk.FileCheck
}

// Files lists living documents that lie here, newest first.
func (tx *Tx) Files(f FileFilter) ([]*FileRow, error) {
	where, args := []string{"d.deleted = 0"}, []any{}
	if f.Waiting {
		where = append(where, "d.placeholder = 1")
	}
	if f.Refused {
		where = append(where, "d.id IN (SELECT document_id FROM submission_file WHERE refused <> '')")
	}
	if f.Before != 0 {
		args = append(args, int64(f.Before))
		where = append(where, "d.id < $1")
	}
	if strings.TrimSpace(f.Query) != "" {
		found, err := tx.FindAll(f.Query, Scope{Files: true, Limit: maxFound})
		if err != nil || len(found.Files) == 0 {
			return nil, err
		}
		var ids []any
		for _, d := range found.Files {
			ids = append(ids, int64(d.ID))
		}
		ids = few(ids)
		where, args = append(where, "d.id IN ("+marks(len(args)+1, len(ids))+")"), append(args, ids...)
	}
	args = append(args, int64(f.Limit))
	var list []*FileRow
	err := tx.each(func(rows *sql.Rows) error {
		r := &FileRow{}
		list = append(list, r)
		return rows.Scan(dests(&r.Document)...)
	}, `SELECT `+strings.Join(tables[styk.KindDocument].columns, ", ")+` FROM document d WHERE `+strings.Join(where, " AND ")+
		fmt.Sprintf(` ORDER BY d.id DESC LIMIT $%d`, len(args)), args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list, tx.describeFiles(list)
}

// describeFiles adds to files whose they are and what a check found in them.
func (tx *Tx) describeFiles(list []*FileRow) error {
	byID, ids := map[styk.ID]*FileRow{}, []any{}
	for _, r := range list {
		byID[r.ID], ids = r, append(ids, int64(r.ID))
	}
	ids = few(ids)
	err := tx.each(func(rows *sql.Rows) error {
		var document, contact styk.ID
		var last, first string
		err := rows.Scan((*int64)(&document), (*int64)(&contact), &last, &first)
		byID[document].Customer, byID[document].Name = contact, strings.TrimSpace(last+" "+first)
		return err
	}, `SELECT r.other_id, c.id, c.last_name, c.first_name FROM relation r JOIN contact c ON c.id = r.record_id
		WHERE c.deleted = 0 AND r.other_id IN (`+marks(1, len(ids))+`)`, ids...)
	if err != nil {
		return err
	}
	return tx.each(func(rows *sql.Rows) error {
		var document styk.ID
		var c styk.FileCheck
		err := rows.Scan((*int64)(&document), msDest{&c.Checked}, &c.Refused)
		if had := byID[document]; had.Check.Refused == "" {
			had.Check = c
		}
		return err
	}, `SELECT document_id, checked, refused FROM submission_file WHERE document_id IN (`+marks(1, len(ids))+`)`, ids...)
}

// File gives a living document as Files does; styk.NotFound when there is none.
func (tx *Tx) File(id styk.ID) (*FileRow, error) {
	r := &FileRow{}
	r.ID = id
	if err := tx.Load(&r.Document); err != nil {
		return nil, err
	}
	return r, tx.describeFiles([]*FileRow{r})
}

// PostsOf lists the newest posts of a form that have a ticket.
func (tx *Tx) PostsOf(form string, limit int) ([]*styk.Submission, error) {
	var list []*styk.Submission
	err := tx.each(func(rows *sql.Rows) error {
		s := &styk.Submission{}
		list = append(list, s)
		return rows.Scan(postDests(s)...)
	}, `SELECT `+postColumns+` FROM submission WHERE form = $1 ORDER BY id DESC LIMIT $2`, form, int64(limit))
	return slices.DeleteFunc(list, func(s *styk.Submission) bool { return s.Ticket == 0 }), err
}
