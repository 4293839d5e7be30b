package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"styk"
)

// seenEvery is how often a session's use is written down. A session therefore
// ends between its idle life and a minute more.
const seenEvery = time.Minute

// sessionHash keeps session ids out of the database: who reads a copy of it
// cannot use them.
func sessionHash(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// StartSession stores a session of the user under id. A nonce that was used
// before is styk.Conflict: a challenge logs in once.
func (tx *Tx) StartSession(id string, user styk.ID, nonce string) error {
	n, err := tx.changed(`INSERT INTO session (hash, user_id, nonce, created, seen, ended)
		VALUES ($1, $2, $3, $4, $4, 0) ON CONFLICT (nonce) DO NOTHING`, sessionHash(id), int64(user), nonce, ms(tx.now))
	if err == nil && n == 0 {
		err = styk.Failed(styk.Conflict, "the challenge was used before")
	}
	return err
}

// Session gives the user of a living session, without his access key, and
// whether its use should be written down with SeeSession. A session that is
// unknown, ended, or silent for longer than idle is styk.NotFound.
func (tx *Tx) Session(id string, idle time.Duration) (u *styk.User, due bool, err error) {
	u = &styk.User{}
	var seen, ended int64
	err = tx.row(`SELECT `+userColumns+`, s.seen, s.ended FROM session s JOIN app_user u ON u.id = s.user_id WHERE s.hash = $1`,
		sessionHash(id)).Scan(append(userDests(u), &seen, &ended)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, styk.Failed(styk.NotFound, "there is no such session")
	}
	if err != nil {
		return nil, false, err
	}
	silence := tx.now.Sub(fromMS(seen))
	if ended != 0 || u.Disabled || silence >= idle+seenEvery {
		return nil, false, styk.Failed(styk.NotFound, "the session has ended")
	}
	return u, silence >= seenEvery, nil
}

// SeeSession renews a session's life.
func (tx *Tx) SeeSession(id string) error {
	return tx.exec(`UPDATE session SET seen = $2 WHERE hash = $1 AND seen < $2`, sessionHash(id), ms(tx.now))
}

// EndSession ends a session; its nonce stays used.
func (tx *Tx) EndSession(id string) error {
	return tx.exec(`UPDATE session SET ended = $2 WHERE hash = $1`, sessionHash(id), ms(tx.now))
}

// EndSessionsOf ends all sessions of a user, as after a change of key.
func (tx *Tx) EndSessionsOf(user styk.ID) error {
	return tx.exec(`UPDATE session SET ended = $2 WHERE user_id = $1 AND ended = 0`, int64(user), ms(tx.now))
}

// deadSessions drops at most limit sessions that nobody used for idle, but
// keeps the nonces of challenges that still live.
func (tx *Tx) deadSessions(idle time.Duration, limit int) (int64, error) {
	return tx.changed(`DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE seen < $1 ORDER BY seen LIMIT $2)`,
		ms(tx.now.Add(-idle-seenEvery-challengeLife)), limit)
}

// challengeLife is how long a challenge may log in (spec/vtiger.md 2.1).
const challengeLife = 300 * time.Second
