package store

import (
	"database/sql"
	"errors"
	"time"

	"styk"
)

// SaveForm stores a form under its name. It says whether anything became
// different; then the form gets its next version, and the one before is kept:
// consents name the version that was shown.
func (tx *Tx) SaveForm(f *styk.Form) (changed bool, err error) {
	text := encodeJSON(f)
	var kept string
	err = tx.row(`SELECT version, definition FROM form WHERE name = $1`+tx.forUpdate(), f.Name).Scan(&f.Version, &kept)
	if err == nil && kept == text || err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	err = tx.row(`SELECT coalesce(max(version), 0) + 1 FROM form_version WHERE name = $1`, f.Name).Scan(&f.Version)
	if err != nil {
		return false, err
	}
	err = tx.exec(`INSERT INTO form_version (name, version, definition, created) VALUES ($1, $2, $3, $4)`,
		f.Name, f.Version, text, ms(tx.now))
	if err != nil {
		return false, err
	}
	return true, tx.exec(`INSERT INTO form (name, definition, version) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, version = excluded.version`, f.Name, text, f.Version)
}

// Form finds a form by name; styk.NotFound when there is none or it is
// disabled.
func (tx *Tx) Form(name string) (*styk.Form, error) {
	f := &styk.Form{}
	err := tx.row(`SELECT definition, version FROM form WHERE name = $1`, name).Scan(jsonDest[styk.Form]{f}, &f.Version)
	if errors.Is(err, sql.ErrNoRows) || err == nil && f.Disabled {
		return nil, styk.Failed(styk.NotFound, "Такой формы нет")
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// FormVersion gives a form as it once was, and since when; a zero time: since
// before this was kept. styk.NotFound when there was no such version.
func (tx *Tx) FormVersion(name string, version int64) (*styk.Form, time.Time, error) {
	f, since := &styk.Form{}, time.Time{}
	err := tx.row(`SELECT definition, version, created FROM form_version WHERE name = $1 AND version = $2`, name, version).
		Scan(jsonDest[styk.Form]{f}, &f.Version, msDest{&since})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, since, styk.Failed(styk.NotFound, "Такой формы не было")
	}
	return f, since, err
}

// Forms lists all forms by name, disabled ones too.
func (tx *Tx) Forms() ([]*styk.Form, error) {
	var list []*styk.Form
	err := tx.each(func(rows *sql.Rows) error {
		f := &styk.Form{}
		list = append(list, f)
		return rows.Scan(jsonDest[styk.Form]{f}, &f.Version)
	}, `SELECT definition, version FROM form ORDER BY name`)
	return list, err
}

// DeleteForm removes a form; what came through it stays, and its versions do.
func (tx *Tx) DeleteForm(name string) error {
	return tx.exec(`DELETE FROM form WHERE name = $1`, name)
}
