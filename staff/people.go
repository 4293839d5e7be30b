package staff

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// Colleague is a person who works here.
type Colleague struct {
	User     *styk.User
	Seen     time.Time // last here; zero: never
	Code     bool      // has a second factor
	Password bool      // has set one
}

func userNumber(id styk.ID) string { return strconv.FormatInt(int64(id), 10) }

// Colleagues lists the people, those who can come in first, by name.
func (s *Staff) Colleagues(ctx context.Context) (list []Colleague, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list = nil
		users, err := tx.Users()
		if err != nil {
			return err
		}
		seen, err := tx.StaffSeen()
		if err != nil {
			return err
		}
		codes, err := tx.TOTPUsers()
		if err != nil {
			return err
		}
		passwords, err := tx.HavePassword()
		for _, u := range users {
			if u.Role != styk.RoleAPI {
				list = append(list, Colleague{u, seen[u.ID], codes[u.ID], passwords[u.ID]})
			}
		}
		return err
	})
	slices.SortStableFunc(list, func(a, b Colleague) int {
		if a.User.Disabled != b.User.Disabled {
			return map[bool]int{true: 1, false: -1}[a.User.Disabled]
		}
		return cmp.Compare(styk.Fold(a.User.Name), styk.Fold(b.User.Name))
	})
	return list, err
}

// Colleague gives one person with his living sessions, the last used first.
func (s *Staff) Colleague(ctx context.Context, id styk.ID) (c Colleague, sessions []*store.StaffSession, err error) {
	list, err := s.Colleagues(ctx)
	if err != nil {
		return c, nil, err
	}
	i := slices.IndexFunc(list, func(c Colleague) bool { return c.User.ID == id })
	if i < 0 {
		return c, nil, styk.Failed(styk.NotFound, "there is no such person")
	}
	sessions, err = s.Sessions(ctx, id)
	return list[i], sessions, err
}

// holder loads who does something, as he is now, and makes sure of his right.
func holder(tx *store.Tx, by *styk.User, right Right) (*styk.User, error) {
	u, err := tx.User(by.ID)
	if err == nil && (u.Disabled || !May(u.Role, right)) {
		err = styk.Failed(styk.Forbidden, "")
	}
	return u, err
}

// mayMake says whether somebody may give a role: only owners make owners.
func mayMake(tx *store.Tx, by *styk.User, role styk.Role) error {
	u, err := holder(tx, by, ManageStaff)
	if err == nil && role == styk.RoleOwner && u.Role != styk.RoleOwner {
		err = styk.FieldError(styk.Forbidden, "role", "role", "Владельца назначает только владелец")
	}
	return err
}

// Manages says whether somebody may change another's role, sessions and
// password: nobody his own here, and only owners those of owners.
func Manages(by, other *styk.User) bool {
	return May(by.Role, ManageStaff) && by.ID != other.ID && other.Role != styk.RoleAPI &&
		(other.Role != styk.RoleOwner || by.Role == styk.RoleOwner)
}

// other loads somebody whom another is about to change.
func other(tx *store.Tx, by *styk.User, id styk.ID) (*styk.User, error) {
	me, err := holder(tx, by, ManageStaff)
	if err != nil {
		return nil, err
	}
	u, err := tx.User(id)
	if err != nil {
		return nil, err
	}
	switch {
	case u.Role == styk.RoleAPI:
		return nil, styk.Failed(styk.NotFound, "there is no such person")
	case u.ID == me.ID:
		return nil, styk.Failed(styk.Conflict, "Свою роль и свой вход меняет кто-то другой: так никто не запрёт себя снаружи")
	case !Manages(me, u):
		return nil, styk.Failed(styk.Forbidden, "")
	}
	return u, nil
}

// notLast makes sure that an owner remains who can come in.
func notLast(tx *store.Tx, u *styk.User) error {
	if u.Role != styk.RoleOwner {
		return nil
	}
	n, err := tx.OtherOwners(u.ID)
	if err == nil && n == 0 {
		err = styk.FieldError(styk.Conflict, "role", "last_owner", "Это последний владелец. Сначала сделайте владельцем кого-то ещё")
	}
	return err
}

// ChangeColleague gives a person another role, name or address. Who loses rights
// loses them at his next step. Faults name the fields role, first_name,
// last_name and email.
func (s *Staff) ChangeColleague(ctx context.Context, by *styk.User, want *styk.User) error {
	first, last, email := strings.TrimSpace(want.FirstName), strings.TrimSpace(want.LastName), strings.TrimSpace(want.Email)
	e := &styk.Error{Code: styk.Invalid}
	wrong := func(field, rule, text string) {
		e.Faults = append(e.Faults, styk.Fault{Field: field, Rule: rule, Text: text})
	}
	checkPersonal(wrong, first, last, email)
	if len(rights[want.Role]) == 0 {
		wrong("role", "role", "Выберите роль")
	}
	if len(e.Faults) > 0 {
		return e
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		u, err := other(tx, by, want.ID)
		if err != nil {
			return err
		}
		action := ActionChanged
		if u.Role != want.Role {
			action = ActionRole
			if err := mayMake(tx, by, want.Role); err != nil {
				return err
			}
			if err := notLast(tx, u); err != nil {
				return err
			}
		}
		u.Role, u.FirstName, u.LastName, u.Email, u.AccessKey = want.Role, first, last, email, ""
		if err := tx.SaveUser(u); err != nil {
			return err
		}
		return tx.Audit(by.ID, action, u.ID, 0)
	})
}

// Disable lets a person in no more: his sessions end, here and at the CRM
// service, and links given to him.
func (s *Staff) Disable(ctx context.Context, by *styk.User, id styk.ID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		u, err := other(tx, by, id)
		if err != nil {
			return err
		}
		if err := notLast(tx, u); err != nil {
			return err
		}
		if err := shutOut(tx, u); err != nil {
			return err
		}
		return tx.Audit(by.ID, ActionDisable, id, 0)
	})
}

// shutOut disables a user and ends all that he has open.
func shutOut(tx *store.Tx, u *styk.User) error {
	u.Disabled, u.AccessKey = true, ""
	if err := tx.SaveUser(u); err != nil {
		return err
	}
	if err := tx.EndStaffSessionsOf(u.ID, 0); err != nil {
		return err
	}
	if _, err := tx.DropStaffLinks(u.ID); err != nil {
		return err
	}
	return tx.EndSessionsOf(u.ID)
}

// Enable lets a disabled person in again, with the password he had.
func (s *Staff) Enable(ctx context.Context, by *styk.User, id styk.ID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		u, err := other(tx, by, id)
		if err != nil {
			return err
		}
		u.Disabled, u.AccessKey = false, ""
		if err := tx.SaveUser(u); err != nil {
			return err
		}
		return tx.Audit(by.ID, ActionEnable, id, 0)
	})
}

// LinkFor gives a person whom another looks after a link that sets his password.
func (s *Staff) LinkFor(ctx context.Context, by *styk.User, id styk.ID) (string, error) {
	secret := newSecret()
	return secret, s.db.Update(ctx, func(tx *store.Tx) error {
		u, err := other(tx, by, id)
		if err != nil {
			return err
		}
		return giveLink(tx, by.ID, u, secret)
	})
}

// ResetCodes takes another's second factor away, when phone and codes are lost.
func (s *Staff) ResetCodes(ctx context.Context, by *styk.User, id styk.ID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := holder(tx, by, OwnRules); err != nil {
			return err
		}
		u, err := other(tx, by, id)
		if err != nil {
			return err
		}
		return dropCodes(tx, by.ID, u.ID)
	})
}

// ForgetCodes does the same for whoever holds the machine: the last owner may
// have lost his phone too.
func (s *Staff) ForgetCodes(ctx context.Context, id styk.ID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return dropCodes(tx, 0, id) })
}

func dropCodes(tx *store.Tx, by, user styk.ID) error {
	if err := tx.DropTOTP(user); err != nil {
		return err
	}
	if err := tx.EndStaffSessionsOf(user, 0); err != nil {
		return err
	}
	return tx.Audit(by, ActionCodeOff, user, 0)
}

// EndSessionOf ends one session of another; 0 ends all of them.
func (s *Staff) EndSessionOf(ctx context.Context, by *styk.User, id, session styk.ID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		u, err := other(tx, by, id)
		if err != nil {
			return err
		}
		if session == 0 {
			if err := tx.EndStaffSessionsOf(u.ID, 0); err != nil {
				return err
			}
			return tx.Audit(by.ID, ActionEndAll, u.ID, 0)
		}
		if err := tx.EndStaffSession(u.ID, session); err != nil {
			return err
		}
		return tx.Audit(by.ID, ActionEnd, session, 0)
	})
}
