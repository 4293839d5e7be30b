package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"styk"
)

// Invitation is somebody who may come, and as what.
type Invitation struct {
	ID        styk.ID // a line of its own
	Name      string  // to log in with
	FirstName string
	LastName  string
	Email     string // "": the link is handed over some other way
	Role      styk.Role
	By        styk.ID
	Created   time.Time
	Until     time.Time

	salt string
}

const invitationColumns = `id, salt, name, first_name, last_name, email, role, by_id, created, until`

func (i *Invitation) dests() []any {
	return []any{(*int64)(&i.ID), &i.salt, &i.Name, &i.FirstName, &i.LastName, &i.Email, (*string)(&i.Role), (*int64)(&i.By),
		msDest{&i.Created}, msDest{&i.Until}}
}

// SaveInvitation keeps a new invitation (ID 0) or renews one; salt makes its
// secret, so that with another salt the old link is dead. A name that a user or
// another invitation has is styk.Conflict.
func (tx *Tx) SaveInvitation(i *Invitation, salt string) error {
	before := *i
	tx.restore = append(tx.restore, func() { *i = before })
	folded := styk.Fold(i.Name)
	var taken int64
	err := tx.row(`SELECT count(*) FROM app_user WHERE folded = $1`, folded).Scan(&taken)
	if err != nil {
		return err
	}
	if taken > 0 {
		return nameTaken(i.Name)
	}
	i.Created, i.salt = tx.now, salt
	if i.ID != 0 {
		return tx.exec(`UPDATE staff_invitation SET salt = $2, by_id = $3, created = $4, until = $5 WHERE id = $1`,
			int64(i.ID), salt, int64(i.By), ms(i.Created), ms(i.Until))
	}
	err = tx.row(`INSERT INTO staff_invitation (salt, name, folded, first_name, last_name, email, role, by_id, created, until)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (folded) DO NOTHING RETURNING id`,
		salt, i.Name, folded, i.FirstName, i.LastName, i.Email, string(i.Role), int64(i.By), ms(i.Created), ms(i.Until)).Scan((*int64)(&i.ID))
	if errors.Is(err, sql.ErrNoRows) {
		return nameTaken(i.Name)
	}
	return err
}

// invitationMark tells the secret of an invitation from that of a password link.
const invitationMark = "i"

// InvitationSecret is the last part of an invitation's link. It is reckoned
// anew where it is needed, so that no letter waits with it in the database.
func (db *DB) InvitationSecret(i *Invitation) string { return db.invitationSecret(i.ID, i.salt) }

// InvitationSecretOf is the same for a letter, that knows the salt.
func (db *DB) InvitationSecretOf(n styk.Notice) string {
	return db.invitationSecret(n.Invitation, n.Salt)
}

func (db *DB) invitationSecret(id styk.ID, salt string) string {
	return invitationMark + strconv.FormatInt(int64(id), 36) + "-" + db.KeyedHash("invitation", fmt.Sprintf("%d %s", id, salt))[:40]
}

// Invitation loads one by number, living or not.
func (tx *Tx) Invitation(id styk.ID) (*Invitation, error) {
	i := &Invitation{}
	err := tx.row(`SELECT `+invitationColumns+` FROM staff_invitation WHERE id = $1`, int64(id)).Scan(i.dests()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, styk.Failed(styk.NotFound, "there is no such invitation")
	}
	return i, err
}

// InvitationBySecret gives the living invitation whose link it is.
func (tx *Tx) InvitationBySecret(secret string) (*Invitation, error) {
	none := styk.Failed(styk.NotFound, "there is no such invitation")
	number, _, _ := strings.Cut(strings.TrimPrefix(secret, invitationMark), "-")
	id, err := strconv.ParseInt(number, 36, 64)
	if err != nil || !strings.HasPrefix(secret, invitationMark) {
		return nil, none
	}
	i, err := tx.Invitation(styk.ID(id))
	if err != nil {
		return nil, err
	}
	if !equalSecret(tx.db.InvitationSecret(i), secret) || !tx.now.Before(i.Until) {
		return nil, none
	}
	return i, nil
}

// Invitations lists all that were neither used nor taken back, newest first.
func (tx *Tx) Invitations() ([]*Invitation, error) {
	var list []*Invitation
	err := tx.each(func(rows *sql.Rows) error {
		i := &Invitation{}
		list = append(list, i)
		return rows.Scan(i.dests()...)
	}, `SELECT `+invitationColumns+` FROM staff_invitation ORDER BY id DESC`)
	return list, err
}

// DropInvitation takes one away and says whether it was still there: of two who
// use it at once, the later gets false.
func (tx *Tx) DropInvitation(id styk.ID) (bool, error) {
	n, err := tx.changed(`DELETE FROM staff_invitation WHERE id = $1`, int64(id))
	return n > 0, err
}
