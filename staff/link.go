package staff

import (
	"context"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// LinkLife is how long a one-time link works.
const LinkLife = 24 * time.Hour

// FirstLink gives the secret of a link that makes the first owner: its page is
// /admin/link/{secret}. It is "" when somebody can log in already. Every call
// gives another one; all of them end with the first use.
func (s *Staff) FirstLink(ctx context.Context) (secret string, err error) {
	fresh := newSecret()
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		secret = ""
		if any, err := tx.AnyPassword(); err != nil || any {
			return err
		}
		secret = fresh
		return tx.SaveStaffLink(fresh, 0, LinkLife)
	})
	return secret, err
}

// Link gives the secret of a link by which a person sets his password: a new
// one, or one that was forgotten. Links given before end.
func (s *Staff) Link(ctx context.Context, by, user styk.ID) (string, error) {
	secret := newSecret()
	return secret, s.db.Update(ctx, func(tx *store.Tx) error {
		u, err := tx.User(user)
		if err != nil {
			return err
		}
		return giveLink(tx, by, u, secret)
	})
}

func giveLink(tx *store.Tx, by styk.ID, u *styk.User, secret string) error {
	if !person(u) {
		return styk.FieldError(styk.Conflict, "name", "role", "this user is disabled or a program: it has no password")
	}
	if _, err := tx.DropStaffLinks(u.ID); err != nil {
		return err
	}
	if err := tx.SaveStaffLink(secret, u.ID, LinkLife); err != nil {
		return err
	}
	return tx.Audit(by, ActionLink, u.ID, 0)
}

// Opened is what a living link is for.
type Opened struct {
	User    *styk.User // whose password it sets; of a guest: name and role
	First   bool       // it makes the first owner, who chooses his name
	Invited bool       // it makes a colleague

	invitation styk.ID
}

func noLink() error { return styk.Failed(styk.NotFound, "there is no such link") }

// OpenLink says what a link is for, without using it up. One that is unknown,
// used or too old is styk.NotFound, and after many of those styk.TooMany.
func (s *Staff) OpenLink(ctx context.Context, secret string, from Client) (o *Opened, err error) {
	guessed := guess{store.GuessStaffLink, from.Address, missesAddress}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if err := guessed.held(tx); err != nil {
			return err
		}
		o, err = openLink(tx, secret)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound {
		missed := s.db.Update(ctx, func(tx *store.Tx) error { return tx.Missed(guessed.scope, guessed.subject) })
		return nil, errOr(missed, err)
	}
	return o, err
}

func openLink(tx *store.Tx, secret string) (*Opened, error) {
	i, err := tx.InvitationBySecret(secret)
	switch {
	case err == nil:
		u := &styk.User{Name: i.Name, FirstName: i.FirstName, LastName: i.LastName, Email: i.Email, Role: i.Role}
		return &Opened{User: u, Invited: true, invitation: i.ID}, nil
	case styk.CodeOf(err) != styk.NotFound:
		return nil, err
	}
	id, err := tx.StaffLink(secret)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		if any, err := tx.AnyPassword(); err != nil {
			return nil, err
		} else if any {
			return nil, noLink()
		}
		return &Opened{User: &styk.User{Role: styk.RoleOwner}, First: true}, nil
	}
	u, err := tx.User(id)
	if err == nil && !person(u) {
		err = noLink()
	}
	return &Opened{User: u}, err
}

// UseLink sets a password by a link, uses the link up, ends the person's other
// sessions and lets him in. The name counts for the first owner only. Faults
// name the fields name and password.
func (s *Staff) UseLink(ctx context.Context, link, name, password string, from Client) (e Entry, err error) {
	o, err := s.OpenLink(ctx, link, from)
	if err != nil {
		return Entry{}, err
	}
	if !o.First {
		name = o.User.Name
	} else if name = strings.TrimSpace(name); !validName(name) {
		return Entry{}, styk.FieldError(styk.Invalid, "name", "name", "Имя для входа: от 1 до 64 знаков без пробелов")
	}
	if err := CheckPassword(name, password); err != nil {
		return Entry{}, err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return Entry{}, err
	}
	e.Secret = newSecret()
	return e, s.db.Update(ctx, func(tx *store.Tx) error {
		u, err := takeLink(tx, link, name)
		if err != nil {
			return err
		}
		if err := setPassword(tx, u.ID, u.ID, hash, 0); err != nil {
			return err
		}
		e.Half, err = s.open(tx, e.Secret, u.ID, from)
		return err
	})
}

// takeLink uses a link up and gives its user, who may be new. The link is
// dropped before it is asked once more whether it may be used: whoever comes
// second waits at the drop.
func takeLink(tx *store.Tx, secret, name string) (*styk.User, error) {
	o, err := openLink(tx, secret)
	if err != nil {
		return nil, err
	}
	if o.Invited {
		return takeInvitation(tx, o)
	}
	dropped, err := tx.DropStaffLinks(o.User.ID)
	if err != nil {
		return nil, err
	}
	taken := dropped == 0
	if o.First && !taken {
		if taken, err = tx.AnyPassword(); err != nil {
			return nil, err
		}
	}
	if taken {
		return nil, noLink()
	}
	if o.First {
		return firstOwner(tx, name)
	}
	return o.User, nil
}

// firstOwner makes the owner, or makes one of a person who is there already: a
// YAML file may have named him.
func firstOwner(tx *store.Tx, name string) (*styk.User, error) {
	u, err := tx.UserByName(name)
	switch {
	case styk.CodeOf(err) == styk.NotFound:
		u = &styk.User{Name: name, Role: styk.RoleOwner}
		return u, tx.SaveUser(u)
	case err != nil:
		return nil, err
	case u.Role == styk.RoleAPI:
		return nil, styk.FieldError(styk.Conflict, "name", "unique", "Под этим именем работает программа. Возьмите другое")
	}
	u.Role, u.Disabled, u.AccessKey = styk.RoleOwner, false, ""
	return u, tx.SaveUser(u)
}

func validName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsAny(name, " \t\r\n\x00")
}

// setPassword stores a new password; every session but keep ends.
func setPassword(tx *store.Tx, by, user styk.ID, hash string, keep styk.ID) error {
	if err := tx.SavePassword(user, hash); err != nil {
		return err
	}
	if err := tx.EndStaffSessionsOf(user, keep); err != nil {
		return err
	}
	return tx.Audit(by, ActionPassword, user, 0)
}

// ChangePassword sets the password of the person in the session who knows the
// old one; all other sessions end. Faults name the fields old and password.
func (s *Staff) ChangePassword(ctx context.Context, session *store.StaffSession, old, password string, from Client) error {
	u, hash, err := s.try(ctx, session.User.Name, from)
	if err != nil {
		return err
	}
	if ok, err := s.fits(ctx, hash, old); err != nil {
		return err
	} else if !ok || u == nil {
		return styk.FieldError(styk.Forbidden, "old", "password", "Нынешний пароль не подходит")
	}
	if err := CheckPassword(u.Name, password); err != nil {
		return err
	}
	if hash, err = s.hash(ctx, password); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := forgive(tx, u.Name, from.Address); err != nil {
			return err
		}
		return setPassword(tx, u.ID, u.ID, hash, session.ID)
	})
}
