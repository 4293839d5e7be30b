package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"styk"
)

// SaveCardToken stores a token (by its keyed hash) or, under a name that exists,
// replaces the text and rights of that one. An empty secret changes the rights
// alone.
func (tx *Tx) SaveCardToken(t *styk.CardToken, secret string) error {
	before := *t
	tx.restore = append(tx.restore, func() { *t = before })
	var id int64
	err := tx.row(`SELECT id FROM api_token WHERE name = $1`, t.Name).Scan(&id)
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return err
	}
	if fresh && secret == "" {
		return styk.FieldError(styk.Missing, "token", "required", "новому токену нужен текст")
	}
	if fresh {
		err := tx.row(`INSERT INTO api_token (name, hash, user_id, templates, always_200, per_minute, created, expires, seen, disabled)
			VALUES ($1, $2, $3, '', 0, 0, $4, 0, 0, 0) ON CONFLICT DO NOTHING RETURNING id`,
			t.Name, tx.db.tokenHash(secret), int64(t.User), ms(tx.now)).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return styk.FieldError(styk.Conflict, "token", "unique", "такой токен уже есть под другим именем")
		}
		if err != nil {
			return fmt.Errorf("insert token: %w", err)
		}
		t.Created = tx.now
	} else if secret != "" {
		var other int64
		err := tx.row(`SELECT id FROM api_token WHERE hash = $1 AND id <> $2`, tx.db.tokenHash(secret), id).Scan(&other)
		if err == nil {
			return styk.FieldError(styk.Conflict, "token", "unique", "такой токен уже есть под другим именем")
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := tx.exec(`UPDATE api_token SET hash = $2 WHERE id = $1`, id, tx.db.tokenHash(secret)); err != nil {
			return err
		}
	}
	t.ID = styk.ID(id)
	return tx.exec(`UPDATE api_token SET user_id = $2, templates = $3, always_200 = $4, per_minute = $5, expires = $6, disabled = $7
		WHERE id = $1`, id, int64(t.User), encodeList(t.Templates), arg(&t.Always200), int64(t.PerMinute), ms(t.Expires), arg(&t.Disabled))
}

func (db *DB) tokenHash(secret string) string { return db.KeyedHash("card token", secret) }

const tokenColumns = `id, name, user_id, templates, always_200, per_minute, created, expires, seen, disabled`

func tokenDests(t *styk.CardToken) []any {
	return []any{(*int64)(&t.ID), &t.Name, (*int64)(&t.User), listDest{&t.Templates}, boolDest{&t.Always200}, &t.PerMinute,
		msDest{&t.Created}, msDest{&t.Expires}, msDest{&t.Seen}, boolDest{&t.Disabled}}
}

// CardToken gives the living token with this text, and whether its use should be
// written down with SeeCardToken; styk.NotFound when it is unknown, disabled or
// expired.
func (tx *Tx) CardToken(secret string) (t *styk.CardToken, due bool, err error) {
	t = &styk.CardToken{}
	err = tx.row(`SELECT `+tokenColumns+` FROM api_token WHERE hash = $1`, tx.db.tokenHash(secret)).Scan(tokenDests(t)...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, false, err
	}
	if err != nil || t.Disabled || !t.Expires.IsZero() && !tx.now.Before(t.Expires) {
		return nil, false, styk.Failed(styk.NotFound, "there is no such token")
	}
	return t, tx.now.Sub(t.Seen) >= seenEvery, nil
}

// CardTokenIs tells whether the token of that name has this text, alive or not.
func (tx *Tx) CardTokenIs(name, secret string) (bool, error) {
	var n int
	err := tx.row(`SELECT count(*) FROM api_token WHERE name = $1 AND hash = $2`, name, tx.db.tokenHash(secret)).Scan(&n)
	return n > 0, err
}

// SeeCardToken notes a token's use; with a life it expires that much later.
func (tx *Tx) SeeCardToken(id styk.ID, life time.Duration) error {
	if life > 0 {
		return tx.exec(`UPDATE api_token SET seen = $2, expires = $3 WHERE id = $1 AND expires <> 0`, int64(id), ms(tx.now), ms(tx.now.Add(life)))
	}
	return tx.exec(`UPDATE api_token SET seen = $2 WHERE id = $1`, int64(id), ms(tx.now))
}

// CardTokens lists all tokens by name.
func (tx *Tx) CardTokens() ([]*styk.CardToken, error) {
	var list []*styk.CardToken
	err := tx.each(func(rows *sql.Rows) error {
		t := &styk.CardToken{}
		list = append(list, t)
		return rows.Scan(tokenDests(t)...)
	}, `SELECT `+tokenColumns+` FROM api_token ORDER BY name`)
	return list, err
}

// DeleteCardToken takes a token away; styk.NotFound when there is none of the name.
func (tx *Tx) DeleteCardToken(name string) error {
	n, err := tx.changed(`DELETE FROM api_token WHERE name = $1`, name)
	if err == nil && n == 0 {
		err = styk.Failed(styk.NotFound, "нет такого токена")
	}
	return err
}
