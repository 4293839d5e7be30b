package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"styk"
)

// APIKey lets a program use the JSON API; its text is known only when it is
// made.
type APIKey struct {
	ID        styk.ID // a line of its own
	Name      string  // unique for ever: a revoked key keeps it, so that the trail stays true
	Scopes    []string
	Networks  []string // allowed addresses in CIDR form; empty: all
	User      styk.ID  // the person in whose name it acts and whose rights bound it; 0: nobody's
	PerMinute int      // calls; 0: the default
	Created   time.Time
	Expires   time.Time // zero: never
	Seen      time.Time // last use, to the minute
	Revoked   time.Time // zero: not
}

// Lives says whether the key opens anything at a time.
func (k *APIKey) Lives(now time.Time) bool {
	return k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires))
}

func (db *DB) apiKeyHash(secret string) string { return db.KeyedHash("api key", secret) }

// AddAPIKey stores a new key by the keyed hash of its text and gives it its
// number. A name that was ever used is styk.Conflict.
func (tx *Tx) AddAPIKey(k *APIKey, secret string) error {
	before := *k
	tx.restore = append(tx.restore, func() { *k = before })
	var id int64
	err := tx.row(`INSERT INTO api_key (name, hash, scopes, networks, user_id, per_minute, created, expires, seen, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0) ON CONFLICT DO NOTHING RETURNING id`,
		k.Name, tx.db.apiKeyHash(secret), encodeList(k.Scopes), encodeList(k.Networks), int64(k.User), int64(k.PerMinute),
		ms(tx.now), ms(k.Expires)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return styk.FieldError(styk.Conflict, "name", "unique", "Ключ с таким именем уже есть или был")
	}
	if err != nil {
		return fmt.Errorf("insert api key: %w", err)
	}
	k.ID, k.Created = styk.ID(id), tx.now
	return nil
}

const apiKeyColumns = `id, name, scopes, networks, user_id, per_minute, created, expires, seen, revoked`

func apiKeyDests(k *APIKey) []any {
	return []any{(*int64)(&k.ID), &k.Name, listDest{&k.Scopes}, listDest{&k.Networks}, (*int64)(&k.User), &k.PerMinute,
		msDest{&k.Created}, msDest{&k.Expires}, msDest{&k.Seen}, msDest{&k.Revoked}}
}

func (tx *Tx) apiKey(where string, arg any) (*APIKey, error) {
	k := &APIKey{}
	err := tx.row(`SELECT `+apiKeyColumns+` FROM api_key WHERE `+where, arg).Scan(apiKeyDests(k)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "Такого ключа нет")
	}
	return k, err
}

// APIKey gives the living key with this text, and whether its use should be
// written down with SeeAPIKey; styk.NotFound when it is unknown, revoked or
// expired.
func (tx *Tx) APIKey(secret string) (k *APIKey, due bool, err error) {
	k, err = tx.apiKey(`hash = $1`, tx.db.apiKeyHash(secret))
	if err != nil {
		return nil, false, err
	}
	if !k.Lives(tx.now) {
		return nil, false, styk.Failed(styk.NotFound, "Такого ключа нет")
	}
	return k, tx.now.Sub(k.Seen) >= seenEvery, nil
}

// APIKeyByID gives a key, alive or not; styk.NotFound when there is none.
func (tx *Tx) APIKeyByID(id styk.ID) (*APIKey, error) { return tx.apiKey(`id = $1`, int64(id)) }

// APIKeyByName does the same by name.
func (tx *Tx) APIKeyByName(name string) (*APIKey, error) { return tx.apiKey(`name = $1`, name) }

// APIKeys lists all keys by name, revoked ones too.
func (tx *Tx) APIKeys() ([]*APIKey, error) {
	var list []*APIKey
	err := tx.each(func(rows *sql.Rows) error {
		k := &APIKey{}
		list = append(list, k)
		return rows.Scan(apiKeyDests(k)...)
	}, `SELECT `+apiKeyColumns+` FROM api_key ORDER BY name`)
	return list, err
}

// SeeAPIKey notes a key's use.
func (tx *Tx) SeeAPIKey(id styk.ID) error {
	return tx.exec(`UPDATE api_key SET seen = $2 WHERE id = $1`, int64(id), ms(tx.now))
}

// RevokeAPIKey makes a key useless at once and for good; twice is once.
func (tx *Tx) RevokeAPIKey(id styk.ID) error {
	return tx.exec(`UPDATE api_key SET revoked = $2 WHERE id = $1 AND revoked = 0`, int64(id), ms(tx.now))
}
