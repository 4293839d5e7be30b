package store

import (
	"database/sql"
	"errors"
	"time"

	"styk"
)

// keyLife is how long the first answer to a key is kept (contract 11).
const keyLife = 7 * 24 * time.Hour

// Once takes an idempotency key. It gives the record that was made under it
// before, or 0 when the caller shall make it now and then call Made. hash is of
// the request's values: the same key with others is styk.Conflict.
func (tx *Tx) Once(scope, key, hash string) (styk.ID, error) {
	if first, err := tx.takeKey(scope, key, hash); err != nil || first {
		return 0, err
	}
	var id, created int64
	var kept string
	err := tx.row(`INSERT INTO idempotency (scope, key, hash, record_id, created) VALUES ($1, $2, $3, 0, $4)
		ON CONFLICT (scope, key) DO UPDATE SET key = excluded.key RETURNING record_id, hash, created`,
		scope, key, hash, ms(tx.now)).Scan(&id, &kept, &created)
	if err != nil {
		return 0, err
	}
	spent := tx.now.Sub(fromMS(created)) > keyLife
	if spent || id == 0 && kept != hash { // a key under which nothing was made is free
		return 0, tx.exec(`UPDATE idempotency SET record_id = 0, hash = $3, created = $4 WHERE scope = $1 AND key = $2`,
			scope, key, hash, ms(tx.now))
	}
	if kept != hash {
		return 0, styk.FieldError(styk.Conflict, "requestid", "reused", "this key came before with other values")
	}
	return styk.ID(id), nil
}

// takeKey puts a key into the table; first says that it was not there. That is
// the case of nearly all, and the cheapest statement tells it.
func (tx *Tx) takeKey(scope, key, hash string) (first bool, err error) {
	n, err := tx.changed(`INSERT INTO idempotency (scope, key, hash, record_id, created) VALUES ($1, $2, $3, 0, $4)
		ON CONFLICT (scope, key) DO NOTHING`, scope, key, hash, ms(tx.now))
	return n == 1, err
}

// Made notes the record that was made under a key.
func (tx *Tx) Made(scope, key string, id styk.ID) error {
	return tx.exec(`UPDATE idempotency SET record_id = $3 WHERE scope = $1 AND key = $2`, scope, key, int64(id))
}

// WasMade gives the record that a key made; 0 when there is none, or it was too
// long ago.
func (tx *Tx) WasMade(scope, key string) (id styk.ID, err error) {
	err = tx.row(`SELECT record_id FROM idempotency WHERE scope = $1 AND key = $2`, scope, key).Scan((*int64)(&id))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// sweep drops in small slices what has served its time: dead sessions, old
// idempotency keys, old guesses. It gives how many rows went.
func (tx *Tx) sweep(idle time.Duration, limit int) (int64, error) {
	sessions, err := tx.deadSessions(idle, limit)
	if err != nil {
		return 0, err
	}
	keys, err := tx.changed(`DELETE FROM idempotency WHERE (scope, key) IN
		(SELECT scope, key FROM idempotency WHERE created < $1 ORDER BY created LIMIT $2)`, ms(tx.now.Add(-keyLife)), limit)
	if err != nil {
		return 0, err
	}
	guesses, err := tx.changed(`DELETE FROM guess WHERE id IN (SELECT id FROM guess WHERE at < $1 LIMIT $2)`,
		ms(tx.now.Add(-24*time.Hour)), limit)
	if err != nil {
		return 0, err
	}
	staff, err := tx.sweepStaff(limit)
	if err != nil {
		return 0, err
	}
	cards, err := tx.sweepCards(limit)
	return sessions + keys + guesses + staff + cards, err
}
