package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"styk"
)

// passwordPlace is where a person's password hash is sealed: a copy of the
// database alone gives nothing to guess at.
func passwordPlace(user styk.ID) string { return fmt.Sprintf("staff_password/%d/sealed", user) }

// SavePassword keeps the hash of a person's password.
func (tx *Tx) SavePassword(user styk.ID, hash string) error {
	return tx.exec(`INSERT INTO staff_password (user_id, sealed, changed) VALUES ($1, $2, $3)
		ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, changed = excluded.changed`,
		int64(user), tx.db.Seal(passwordPlace(user), hash), ms(tx.now))
}

// PasswordHash gives the hash of a person's password; styk.NotFound when none
// was ever set.
func (tx *Tx) PasswordHash(user styk.ID) (string, error) {
	var sealed string
	err := tx.row(`SELECT sealed FROM staff_password WHERE user_id = $1`, int64(user)).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return "", styk.Failed(styk.NotFound, "there is no password")
	}
	if err != nil {
		return "", err
	}
	return tx.db.Open(passwordPlace(user), sealed)
}

// AnyPassword says whether somebody can log in already.
func (tx *Tx) AnyPassword() (bool, error) {
	var n int64
	err := tx.row(`SELECT count(*) FROM staff_password p JOIN app_user u ON u.id = p.user_id WHERE u.disabled = 0`).Scan(&n)
	return n > 0, err
}

// SaveStaffLink keeps a link that sets the password of user once, until life is
// over. User 0 makes the first owner.
func (tx *Tx) SaveStaffLink(secret string, user styk.ID, life time.Duration) error {
	return tx.exec(`INSERT INTO staff_link (hash, user_id, created, until) VALUES ($1, $2, $3, $4)`,
		sessionHash(secret), int64(user), ms(tx.now), ms(tx.now.Add(life)))
}

// StaffLink gives whose password a living link sets; styk.NotFound otherwise.
func (tx *Tx) StaffLink(secret string) (user styk.ID, err error) {
	err = tx.row(`SELECT user_id FROM staff_link WHERE hash = $1 AND until > $2`,
		sessionHash(secret), ms(tx.now)).Scan((*int64)(&user))
	if errors.Is(err, sql.ErrNoRows) {
		return 0, styk.Failed(styk.NotFound, "there is no such link")
	}
	return user, err
}

// DropStaffLinks makes all links of a person useless and gives how many there
// were: of two who use links of one person at once, the later drops none.
func (tx *Tx) DropStaffLinks(user styk.ID) (int64, error) {
	return tx.changed(`DELETE FROM staff_link WHERE user_id = $1`, int64(user))
}

// StaffSession is one browser in which a person is logged in.
type StaffSession struct {
	ID      styk.ID // a line of its own
	User    *styk.User
	Created time.Time
	Seen    time.Time
	Address string
	Agent   string
	CodeDue bool // his role needs a second factor that he has not yet; staff says so
}

// StartStaffSession stores a session of a person under secret.
func (tx *Tx) StartStaffSession(secret string, user styk.ID, address, agent string) error {
	return tx.startStaffSession(secret, user, address, agent, false)
}

// StartHalfSession stores a session of a person whose password was right and
// whose code has not come yet.
func (tx *Tx) StartHalfSession(secret string, user styk.ID, address, agent string) error {
	return tx.startStaffSession(secret, user, address, agent, true)
}

func (tx *Tx) startStaffSession(secret string, user styk.ID, address, agent string, half bool) error {
	return tx.exec(`INSERT INTO staff_session (hash, user_id, created, seen, ended, address, agent, half)
		VALUES ($1, $2, $3, $3, 0, $4, $5, $6)`, sessionHash(secret), int64(user), ms(tx.now), plain(address), plain(agent), arg(&half))
}

// HalfSession gives whose code is waited for under secret; styk.NotFound when
// it was waited for longer than life.
func (tx *Tx) HalfSession(secret string, life time.Duration) (s *StaffSession, err error) {
	s, half, err := tx.staffSession(secret)
	if err == nil && (!half || tx.now.Sub(s.Created) >= life) {
		return nil, sessionEnded()
	}
	return s, err
}

// EndHalfSession ends a half session and says whether it was still there: of
// two who bring codes for one at once, the later gets false.
func (tx *Tx) EndHalfSession(id styk.ID) (bool, error) {
	n, err := tx.changed(`DELETE FROM staff_session WHERE id = $1 AND half = 1 AND ended = 0`, int64(id))
	return n > 0, err
}

func sessionEnded() error { return styk.Failed(styk.NotFound, "the session has ended") }

// StaffSession gives a living session and whether its use should be written
// down with SeeStaffSession. One that is unknown, ended, silent for longer than
// idle or older than life is styk.NotFound.
func (tx *Tx) StaffSession(secret string, idle, life time.Duration) (s *StaffSession, due bool, err error) {
	s, half, err := tx.staffSession(secret)
	if err != nil {
		return nil, false, err
	}
	silence := tx.now.Sub(s.Seen)
	if half || silence >= idle+seenEvery || tx.now.Sub(s.Created) >= life {
		return nil, false, sessionEnded()
	}
	return s, silence >= seenEvery, nil
}

// staffSession gives a session that nobody has ended, whole or half.
func (tx *Tx) staffSession(secret string) (s *StaffSession, half bool, err error) {
	s = &StaffSession{User: &styk.User{}}
	var ended int64
	err = tx.row(`SELECT `+userColumns+`, s.id, s.created, s.seen, s.ended, s.half, s.address, s.agent
		FROM staff_session s JOIN app_user u ON u.id = s.user_id WHERE s.hash = $1`, sessionHash(secret)).
		Scan(append(userDests(s.User), (*int64)(&s.ID), msDest{&s.Created}, msDest{&s.Seen}, &ended, boolDest{&half}, &s.Address, &s.Agent)...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, false, err
	}
	if err != nil || ended != 0 || s.User.Disabled {
		return nil, false, sessionEnded()
	}
	return s, half, nil
}

// SeeStaffSession renews a session's life.
func (tx *Tx) SeeStaffSession(id styk.ID) error {
	return tx.exec(`UPDATE staff_session SET seen = $2 WHERE id = $1 AND seen < $2`, int64(id), ms(tx.now))
}

// StaffSessions lists a person's living sessions, the last used first.
func (tx *Tx) StaffSessions(user styk.ID, idle, life time.Duration) ([]*StaffSession, error) {
	var list []*StaffSession
	err := tx.each(func(rows *sql.Rows) error {
		s := &StaffSession{}
		list = append(list, s)
		return rows.Scan((*int64)(&s.ID), msDest{&s.Created}, msDest{&s.Seen}, &s.Address, &s.Agent)
	}, `SELECT id, created, seen, address, agent FROM staff_session
		WHERE user_id = $1 AND ended = 0 AND half = 0 AND seen > $2 AND created > $3 ORDER BY seen DESC, id DESC`,
		int64(user), ms(tx.now.Add(-idle-seenEvery)), ms(tx.now.Add(-life)))
	return list, err
}

// EndStaffSession ends one session of the person.
func (tx *Tx) EndStaffSession(user, id styk.ID) error {
	return tx.exec(`UPDATE staff_session SET ended = $3 WHERE id = $2 AND user_id = $1 AND ended = 0`,
		int64(user), int64(id), ms(tx.now))
}

// EndStaffSessionsOf ends a person's sessions but the one to be kept (0: all).
func (tx *Tx) EndStaffSessionsOf(user, keep styk.ID) error {
	return tx.exec(`UPDATE staff_session SET ended = $3 WHERE user_id = $1 AND id <> $2 AND ended = 0`,
		int64(user), int64(keep), ms(tx.now))
}

// staffSessionKept is how long an ended session is kept, in case somebody asks.
const staffSessionKept = 30 * 24 * time.Hour

// StaffSeen gives when each person was last here.
func (tx *Tx) StaffSeen() (map[styk.ID]time.Time, error) {
	all := map[styk.ID]time.Time{}
	err := tx.each(func(rows *sql.Rows) error {
		var id styk.ID
		var at time.Time
		err := rows.Scan((*int64)(&id), msDest{&at})
		all[id] = at
		return err
	}, `SELECT user_id, max(seen) FROM staff_session WHERE half = 0 GROUP BY user_id`)
	return all, err
}

// HavePassword gives who has set a password.
func (tx *Tx) HavePassword() (map[styk.ID]bool, error) {
	all := map[styk.ID]bool{}
	err := tx.each(func(rows *sql.Rows) error {
		var id styk.ID
		err := rows.Scan((*int64)(&id))
		all[id] = true
		return err
	}, `SELECT user_id FROM staff_password`)
	return all, err
}

// OtherOwners counts the owners beside one who can come in. It holds them fast
// until the transaction ends: two owners who remove each other at the same
// moment do so one after the other.
func (tx *Tx) OtherOwners(than styk.ID) (n int, err error) {
	if err := tx.exec(`UPDATE app_user SET role = role WHERE role = 'owner'`); err != nil {
		return 0, err
	}
	err = tx.row(`SELECT count(*) FROM app_user u JOIN staff_password p ON p.user_id = u.id
		WHERE u.role = 'owner' AND u.disabled = 0 AND u.id <> $1`, int64(than)).Scan(&n)
	return n, err
}

// sweepStaff drops sessions and links that have served their time.
func (tx *Tx) sweepStaff(limit int) (int64, error) {
	sessions, err := tx.changed(`DELETE FROM staff_session WHERE id IN
		(SELECT id FROM staff_session WHERE seen < $1 LIMIT $2)`, ms(tx.now.Add(-staffSessionKept)), limit)
	if err != nil {
		return 0, err
	}
	links, err := tx.changed(`DELETE FROM staff_link WHERE until <= $1`, ms(tx.now))
	if err != nil {
		return 0, err
	}
	invitations, err := tx.changed(`DELETE FROM staff_invitation WHERE until <= $1`, ms(tx.now.Add(-staffSessionKept)))
	return sessions + links + invitations, err
}

// AuditEntry is one thing that a person did.
type AuditEntry struct {
	ID     styk.ID // a line of its own
	At     time.Time
	User   styk.ID
	Action string
	About  styk.ID // what it was done to; 0 for nothing
	Amount int64   // of things, where one entry stands for many
}

// Audit notes what a person did: numbers only, nothing personal.
func (tx *Tx) Audit(user styk.ID, action string, about styk.ID, amount int64) error {
	return tx.exec(`INSERT INTO audit (at, user_id, action, about_id, amount) VALUES ($1, $2, $3, $4, $5)`,
		ms(tx.now), int64(user), action, int64(about), amount)
}

// AuditTrail lists what was done, newest first, those before an entry (0: all).
func (tx *Tx) AuditTrail(before styk.ID, limit int) ([]AuditEntry, error) {
	if before == 0 {
		before = 1 << 62
	}
	var list []AuditEntry
	err := tx.each(func(rows *sql.Rows) error {
		var e AuditEntry
		err := rows.Scan((*int64)(&e.ID), msDest{&e.At}, (*int64)(&e.User), &e.Action, (*int64)(&e.About), &e.Amount)
		list = append(list, e)
		return err
	}, `SELECT id, at, user_id, action, about_id, amount FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2`,
		int64(before), limit)
	return list, err
}
