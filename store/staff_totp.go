package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"styk"
)

// The scopes of what is guessed at the people's door after the name.
const (
	GuessTOTP      = "totp"       // subject: number of the user
	GuessStaffLink = "staff link" // subject: the address
)

// totpPlace is where the secret of a person's second factor is sealed.
func totpPlace(user styk.ID) string { return fmt.Sprintf("staff_totp/%d/sealed", user) }

// TOTP is the second factor of one person.
type TOTP struct {
	User      styk.ID
	Secret    []byte
	Used      int64 // last step whose code was taken
	Created   time.Time
	Confirmed time.Time // zero: shown, but no code has come yet
}

// On says whether the second factor is asked for.
func (t *TOTP) On() bool { return t != nil && !t.Confirmed.IsZero() }

// SaveTOTP keeps a person's second factor instead of an earlier one.
func (tx *Tx) SaveTOTP(t *TOTP) error {
	return tx.exec(`INSERT INTO staff_totp (user_id, sealed, used, created, confirmed) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, used = excluded.used, created = excluded.created,
			confirmed = excluded.confirmed`,
		int64(t.User), tx.db.Seal(totpPlace(t.User), string(t.Secret)), t.Used, ms(t.Created), ms(t.Confirmed))
}

// TOTP gives a person's second factor; nil without one.
func (tx *Tx) TOTP(user styk.ID) (*TOTP, error) {
	t := &TOTP{User: user}
	var sealed string
	err := tx.row(`SELECT sealed, used, created, confirmed FROM staff_totp WHERE user_id = $1`, int64(user)).
		Scan(&sealed, &t.Used, msDest{&t.Created}, msDest{&t.Confirmed})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	secret, err := tx.db.Open(totpPlace(user), sealed)
	t.Secret = []byte(secret)
	return t, err
}

// UseTOTP marks the code of a step as taken and says whether it is the first to
// be: of two who bring one code at once, the second gets false.
func (tx *Tx) UseTOTP(user styk.ID, step int64) (bool, error) {
	n, err := tx.changed(`UPDATE staff_totp SET used = $2 WHERE user_id = $1 AND used < $2`, int64(user), step)
	return n > 0, err
}

// DropTOTP takes the second factor away, with the codes for a lost phone.
func (tx *Tx) DropTOTP(user styk.ID) error {
	if err := tx.exec(`DELETE FROM staff_recovery WHERE user_id = $1`, int64(user)); err != nil {
		return err
	}
	return tx.exec(`DELETE FROM staff_totp WHERE user_id = $1`, int64(user))
}

// TOTPUsers gives who has a second factor that is asked for.
func (tx *Tx) TOTPUsers() (map[styk.ID]bool, error) {
	all := map[styk.ID]bool{}
	err := tx.each(func(rows *sql.Rows) error {
		var id styk.ID
		err := rows.Scan((*int64)(&id))
		all[id] = true
		return err
	}, `SELECT user_id FROM staff_totp WHERE confirmed > 0`)
	return all, err
}

func (db *DB) recoveryHash(user styk.ID, code string) string {
	return db.KeyedHash("recovery code", fmt.Sprintf("%d %s", user, code))
}

// SaveRecovery keeps codes for the day on which the phone is lost, instead of
// all earlier ones.
func (tx *Tx) SaveRecovery(user styk.ID, codes []string) error {
	if err := tx.exec(`DELETE FROM staff_recovery WHERE user_id = $1`, int64(user)); err != nil {
		return err
	}
	for _, code := range codes {
		err := tx.exec(`INSERT INTO staff_recovery (user_id, hash) VALUES ($1, $2)`, int64(user), tx.db.recoveryHash(user, code))
		if err != nil {
			return err
		}
	}
	return nil
}

// UseRecovery uses a code up and says whether there was one.
func (tx *Tx) UseRecovery(user styk.ID, code string) (bool, error) {
	n, err := tx.changed(`DELETE FROM staff_recovery WHERE user_id = $1 AND hash = $2`, int64(user), tx.db.recoveryHash(user, code))
	return n > 0, err
}

// RecoveryLeft counts the codes that were not used yet.
func (tx *Tx) RecoveryLeft(user styk.ID) (n int, err error) {
	err = tx.row(`SELECT count(*) FROM staff_recovery WHERE user_id = $1`, int64(user)).Scan(&n)
	return n, err
}
