package store

import (
	"database/sql"
	"encoding/json"
	"errors"

	"styk"
)

// SaveWebform stores what capture.php takes under the form's public id.
func (tx *Tx) SaveWebform(f *styk.Webform) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return tx.exec(`INSERT INTO webform (publicid, name, definition) VALUES ($1, $2, $3)
		ON CONFLICT (publicid) DO UPDATE SET name = excluded.name, definition = excluded.definition`,
		f.PublicID, f.Name, string(text))
}

// Webform finds a form by its public id; styk.NotFound when there is none or
// it is disabled.
func (tx *Tx) Webform(publicID string) (*styk.Webform, error) {
	f := &styk.Webform{}
	err := tx.row(`SELECT definition FROM webform WHERE publicid = $1`, publicID).Scan(jsonDest[styk.Webform]{f})
	if errors.Is(err, sql.ErrNoRows) || err == nil && f.Disabled {
		return nil, styk.Failed(styk.NotFound, "Webform not found.")
	}
	return f, err
}

// Webforms lists all forms by name.
func (tx *Tx) Webforms() ([]*styk.Webform, error) {
	var list []*styk.Webform
	err := tx.each(func(rows *sql.Rows) error {
		f := &styk.Webform{}
		list = append(list, f)
		return rows.Scan(jsonDest[styk.Webform]{f})
	}, `SELECT definition FROM webform ORDER BY name, publicid`)
	return list, err
}

// DeleteWebform removes a form; what came through it stays.
func (tx *Tx) DeleteWebform(publicID string) error {
	return tx.exec(`DELETE FROM webform WHERE publicid = $1`, publicID)
}

type jsonDest[T any] struct{ v *T }

// Scan implements sql.Scanner.
func (d jsonDest[T]) Scan(src any) error { return scanJSON(src, d.v) }
