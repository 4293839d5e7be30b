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
		if !person(u) {
			return styk.FieldError(styk.Conflict, "name", "role", "this user is disabled or a program: it has no password")
		}
		if _, err := tx.DropStaffLinks(user); err != nil {
			return err
		}
		if err := tx.SaveStaffLink(secret, user, LinkLife); err != nil {
			return err
		}
		return tx.Audit(by, ActionLink, user, 0)
	})
}

// OpenLink says whose link it is, without using it up; a user without number
// and name for the one that makes the first owner. One that is unknown, used or too old is styk.NotFound.
func (s *Staff) OpenLink(ctx context.Context, secret string) (u *styk.User, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		u, err = openLink(tx, secret)
		return err
	})
	return u, err
}

func openLink(tx *store.Tx, secret string) (*styk.User, error) {
	id, err := tx.StaffLink(secret)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		if any, err := tx.AnyPassword(); err != nil {
			return nil, err
		} else if any {
			return nil, styk.Failed(styk.NotFound, "there is no such link")
		}
		return &styk.User{Role: styk.RoleOwner}, nil
	}
	u, err := tx.User(id)
	if err == nil && !person(u) {
		err = styk.Failed(styk.NotFound, "there is no such link")
	}
	return u, err
}

// UseLink sets a password by a link, uses the link up, ends the person's other
// sessions and lets him in: it gives the secret of a session. The name counts
// for the first owner only. Faults name the fields name and password.
func (s *Staff) UseLink(ctx context.Context, link, name, password string, from Client) (secret string, err error) {
	u, err := s.OpenLink(ctx, link)
	if err != nil {
		return "", err
	}
	if u.ID != 0 {
		name = u.Name
	} else if name = strings.TrimSpace(name); !validName(name) {
		return "", styk.FieldError(styk.Invalid, "name", "name", "Имя для входа: от 1 до 64 знаков без пробелов")
	}
	if err := CheckPassword(name, password); err != nil {
		return "", err
	}
	hash, err := s.hash(ctx, password)
	if err != nil {
		return "", err
	}
	secret = newSecret()
	return secret, s.db.Update(ctx, func(tx *store.Tx) error {
		u, err := takeLink(tx, link)
		if err != nil {
			return err
		}
		if u.ID == 0 {
			if u, err = firstOwner(tx, name); err != nil {
				return err
			}
		}
		if err := setPassword(tx, u.ID, u.ID, hash, 0); err != nil {
			return err
		}
		return s.start(tx, secret, u.ID, from)
	})
}

// takeLink uses a link up. The links are dropped before it is asked once more
// whether they may be used: whoever comes second waits at the drop.
func takeLink(tx *store.Tx, secret string) (*styk.User, error) {
	u, err := openLink(tx, secret)
	if err != nil {
		return nil, err
	}
	dropped, err := tx.DropStaffLinks(u.ID)
	if err != nil {
		return nil, err
	}
	taken := dropped == 0
	if u.ID == 0 && !taken {
		if taken, err = tx.AnyPassword(); err != nil {
			return nil, err
		}
	}
	if taken {
		return nil, styk.Failed(styk.NotFound, "there is no such link")
	}
	return u, nil
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
