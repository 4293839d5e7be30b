package store

import (
	"database/sql"
	"errors"

	"styk"
)

// SaveForm stores a form under its name. It says whether anything became
// different.
func (tx *Tx) SaveForm(f *styk.Form) (changed bool, err error) {
	text := encodeJSON(f)
	n, err := tx.changed(`INSERT INTO form (name, definition) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET definition = excluded.definition WHERE form.definition <> excluded.definition`,
		f.Name, text)
	return n > 0, err
}

// Form finds a form by name; styk.NotFound when there is none or it is
// disabled.
func (tx *Tx) Form(name string) (*styk.Form, error) {
	f := &styk.Form{}
	err := tx.row(`SELECT definition FROM form WHERE name = $1`, name).Scan(jsonDest[styk.Form]{f})
	if errors.Is(err, sql.ErrNoRows) || err == nil && f.Disabled {
		return nil, styk.Failed(styk.NotFound, "Такой формы нет")
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Forms lists all forms by name, disabled ones too.
func (tx *Tx) Forms() ([]*styk.Form, error) {
	var list []*styk.Form
	err := tx.each(func(rows *sql.Rows) error {
		f := &styk.Form{}
		list = append(list, f)
		return rows.Scan(jsonDest[styk.Form]{f})
	}, `SELECT definition FROM form ORDER BY name`)
	return list, err
}

// DeleteForm removes a form; what came through it stays.
func (tx *Tx) DeleteForm(name string) error {
	return tx.exec(`DELETE FROM form WHERE name = $1`, name)
}
