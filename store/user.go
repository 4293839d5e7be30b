package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"styk"
)

const userColumns = `u.id, u.name, u.first_name, u.last_name, u.email, u.role, u.operations, u.networks, u.modules,
	u.reuse_challenge, u.disabled, u.created`

// keyPlace is where a user's access key is sealed.
func keyPlace(id styk.ID) string { return fmt.Sprintf("app_user/%d/access_key", id) }

// SaveUser inserts a user (ID 0) or stores all of an existing one. An empty
// AccessKey leaves the old one. A name that another user has in any case is
// styk.Conflict.
func (tx *Tx) SaveUser(u *styk.User) error {
	var other int64
	err := tx.row(`SELECT id FROM app_user WHERE folded = $1`, styk.Fold(u.Name)).Scan(&other)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil && styk.ID(other) != u.ID {
		return nameTaken(u.Name)
	}
	before := *u
	tx.restore = append(tx.restore, func() { *u = before })
	if u.ID == 0 {
		if err := tx.row(`INSERT INTO entity (kind) VALUES ('user') RETURNING id`).Scan((*int64)(&u.ID)); err != nil {
			return err
		}
		u.Created = tx.now
		n, err := tx.changed(`INSERT INTO app_user (id, name, folded, first_name, last_name, email, role, access_key,
				operations, networks, modules, reuse_challenge, disabled, created)
			VALUES ($1, '', $2, '', '', '', 'api', '', '', '', '', 0, 0, $3)
			ON CONFLICT (folded) DO NOTHING`, int64(u.ID), styk.Fold(u.Name), ms(tx.now))
		if err != nil {
			return fmt.Errorf("insert user: %w", err)
		}
		if n == 0 { // another process was quicker
			return nameTaken(u.Name)
		}
	}
	err = tx.exec(`UPDATE app_user SET name = $2, folded = $3, first_name = $4, last_name = $5, email = $6, role = $7,
			operations = $8, networks = $9, modules = $10, reuse_challenge = $11, disabled = $12 WHERE id = $1`,
		int64(u.ID), u.Name, styk.Fold(u.Name), u.FirstName, u.LastName, u.Email, string(u.Role),
		encodeList(u.Operations), encodeList(u.Networks), encodeList(u.Modules), arg(&u.ReuseChallenge), arg(&u.Disabled))
	if err != nil || u.AccessKey == "" {
		return err
	}
	return tx.exec(`UPDATE app_user SET access_key = $2 WHERE id = $1`, int64(u.ID), tx.db.Seal(keyPlace(u.ID), u.AccessKey))
}

func nameTaken(name string) error {
	return styk.FieldError(styk.Conflict, "name", "unique", "there is already a user "+name)
}

// encodeList keeps a list of words as JSON, "" for none.
func encodeList(list []string) string {
	if len(list) == 0 {
		return ""
	}
	text, _ := json.Marshal(list)
	return string(text)
}

type listDest struct{ list *[]string }

// Scan implements sql.Scanner.
func (d listDest) Scan(src any) error { return scanJSON(src, d.list) }

func userDests(u *styk.User) []any {
	return []any{(*int64)(&u.ID), &u.Name, &u.FirstName, &u.LastName, &u.Email, (*string)(&u.Role),
		listDest{&u.Operations}, listDest{&u.Networks}, listDest{&u.Modules},
		boolDest{&u.ReuseChallenge}, boolDest{&u.Disabled}, msDest{&u.Created}}
}

// UserByName finds a user by name in any case, with the access key opened.
func (tx *Tx) UserByName(name string) (*styk.User, error) {
	return tx.user(`u.folded = $1`, styk.Fold(name))
}

// User loads a user by number, with the access key opened.
func (tx *Tx) User(id styk.ID) (*styk.User, error) { return tx.user(`u.id = $1`, int64(id)) }

func (tx *Tx) user(where string, arg any) (*styk.User, error) {
	var u styk.User
	var sealed string
	err := tx.row(`SELECT `+userColumns+`, u.access_key FROM app_user u WHERE `+where, arg).
		Scan(append(userDests(&u), &sealed)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "there is no such user")
	}
	if err != nil {
		return nil, fmt.Errorf("load user: %w", err)
	}
	if sealed != "" {
		u.AccessKey, err = tx.db.Open(keyPlace(u.ID), sealed)
	}
	return &u, err
}

// Users lists all users by number, without their access keys.
func (tx *Tx) Users() ([]*styk.User, error) {
	var list []*styk.User
	err := tx.each(func(rows *sql.Rows) error {
		u := &styk.User{}
		list = append(list, u)
		return rows.Scan(userDests(u)...)
	}, `SELECT `+userColumns+` FROM app_user u ORDER BY u.id`)
	return list, err
}
