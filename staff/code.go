package staff

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"styk"
	"styk/store"
)

const (
	halfLife      = 10 * time.Minute // how long the code may come after the password
	enrolLife     = time.Hour        // how long a secret that was shown waits for its first code
	missesCode    = 10               // of one person, from everywhere: who tries them knows the password
	codeRuleMeta  = "staff.code_roles"
	codeFieldName = "code"
)

func wrongCode() error {
	return styk.FieldError(styk.Forbidden, codeFieldName, "code", "Код не подходит. Подождите следующий и проверьте часы телефона")
}

// Half gives who has shown the right password under secret and owes his code;
// styk.NotFound when he waited too long.
func (s *Staff) Half(ctx context.Context, secret string) (u *styk.User, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		session, err := tx.HalfSession(secret, halfLife)
		if err == nil {
			u = session.User
		}
		return err
	})
	return u, err
}

// LoginCode lets a person in who gave the right password, and now a code of his
// phone or one for a lost phone: it gives the secret of a session. A wrong code
// is styk.Forbidden, too many are styk.TooMany, and styk.NotFound says that he
// must begin again.
func (s *Staff) LoginCode(ctx context.Context, half, code string, from Client) (secret string, err error) {
	secret = newSecret()
	var fits bool
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		fits = false
		session, err := tx.HalfSession(half, halfLife)
		if err != nil {
			return err
		}
		if fits, err = tryCode(tx, session.User.ID, code, from); err != nil || !fits {
			return err
		}
		there, err := tx.EndHalfSession(session.ID)
		if err != nil {
			return err
		}
		if !there {
			return styk.Failed(styk.NotFound, "the session has ended")
		}
		return s.start(tx, secret, session.User.ID, from)
	})
	if err == nil && !fits {
		err = wrongCode()
	}
	if err != nil {
		return "", err
	}
	return secret, nil
}

// tryCode looks at a code, of the phone or for a lost one, and uses it up. A
// miss is counted where it is said, so the transaction must go on without error.
func tryCode(tx *store.Tx, user styk.ID, code string, from Client) (bool, error) {
	counts := []guess{
		{store.GuessTOTP, userNumber(user), missesCode},
		{store.GuessAddress, from.Address, missesAddress},
	}
	for _, g := range counts {
		if err := g.held(tx); err != nil {
			return false, err
		}
	}
	fits, err := takeCode(tx, user, tidyCode(code))
	if err != nil {
		return false, err
	}
	if fits {
		return true, tx.Forgive(store.GuessTOTP, userNumber(user))
	}
	for _, g := range counts {
		if err := tx.Missed(g.scope, g.subject); err != nil {
			return false, err
		}
	}
	return false, tx.Audit(user, ActionCodeMissed, 0, 0)
}

// takeCode uses a tidy code up; false when it is none, or was used before.
func takeCode(tx *store.Tx, user styk.ID, code string) (bool, error) {
	t, err := tx.TOTP(user)
	if err != nil || !t.On() {
		return false, err
	}
	if step, ok := stepFor(t.Secret, code, tx.Now(), t.Used); ok {
		return tx.UseTOTP(user, step)
	}
	if len(code) != recoveryLetters {
		return false, nil
	}
	used, err := tx.UseRecovery(user, code)
	if err != nil || !used {
		return false, err
	}
	left, err := tx.RecoveryLeft(user)
	if err != nil {
		return false, err
	}
	return true, tx.Audit(user, ActionRecovery, 0, int64(left))
}

// Codes is how it stands with a person's second factor.
type Codes struct {
	On     bool
	Since  time.Time
	Left   int  // codes for a lost phone
	Needed bool // by his role
}

// Codes tells how it stands with a person's second factor.
func (s *Staff) Codes(ctx context.Context, u *styk.User) (c Codes, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err := tx.TOTP(u.ID)
		if err != nil {
			return err
		}
		c = Codes{On: t.On()}
		if c.On {
			c.Since = t.Confirmed
		}
		if c.Left, err = tx.RecoveryLeft(u.ID); err != nil {
			return err
		}
		roles, err := codeRoles(tx)
		c.Needed = slices.Contains(roles, u.Role)
		return err
	})
	return c, err
}

// Enrolment gives what a person puts into his phone to switch his second factor
// on, the same for an hour: text to type, and an address for a QR code in which
// this place is called issuer. When it is on already it is styk.Conflict.
func (s *Staff) Enrolment(ctx context.Context, u *styk.User, issuer string) (secret, address string, err error) {
	fresh := newTOTPSecret()
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := tx.TOTP(u.ID)
		if err != nil {
			return err
		}
		if t.On() {
			return styk.Failed(styk.Conflict, "Вход по коду уже включён")
		}
		if t == nil || tx.Now().Sub(t.Created) >= enrolLife {
			t = &store.TOTP{User: u.ID, Secret: fresh, Created: tx.Now()}
			if err := tx.SaveTOTP(t); err != nil {
				return err
			}
		}
		secret, address = secretText(t.Secret), codeAddress(t.Secret, issuer, u.Name)
		return nil
	})
	return secret, address, err
}

// Enrol switches a person's second factor on, with the first code of his phone,
// ends his other sessions and gives the codes for a lost phone: they are never
// shown again.
func (s *Staff) Enrol(ctx context.Context, session *store.StaffSession, code string) (recovery []string, err error) {
	codes := newRecoveryCodes()
	user := session.User.ID
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := tx.TOTP(user)
		if err != nil {
			return err
		}
		if t.On() {
			return styk.Failed(styk.Conflict, "Вход по коду уже включён")
		}
		if t == nil {
			return wrongCode()
		}
		step, ok := stepFor(t.Secret, tidyCode(code), tx.Now(), 0)
		if !ok {
			return wrongCode()
		}
		t.Used, t.Confirmed = step, tx.Now()
		if err := tx.SaveTOTP(t); err != nil {
			return err
		}
		if err := saveRecovery(tx, user, codes); err != nil {
			return err
		}
		if err := tx.EndStaffSessionsOf(user, session.ID); err != nil {
			return err
		}
		return tx.Audit(user, ActionCodeOn, user, 0)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

func saveRecovery(tx *store.Tx, user styk.ID, codes []string) error {
	tidy := make([]string, len(codes))
	for i, c := range codes {
		tidy[i] = tidyCode(c)
	}
	return tx.SaveRecovery(user, tidy)
}

// NewRecovery gives other codes for a lost phone to a person who shows a code;
// the earlier ones end.
func (s *Staff) NewRecovery(ctx context.Context, u *styk.User, code string, from Client) ([]string, error) {
	codes := newRecoveryCodes()
	err := s.withCode(ctx, u, code, from, func(tx *store.Tx) error {
		if err := saveRecovery(tx, u.ID, codes); err != nil {
			return err
		}
		return tx.Audit(u.ID, ActionRecoveries, u.ID, 0)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// DropCodes switches a person's own second factor off; he shows a code.
func (s *Staff) DropCodes(ctx context.Context, u *styk.User, code string, from Client) error {
	return s.withCode(ctx, u, code, from, func(tx *store.Tx) error {
		if err := tx.DropTOTP(u.ID); err != nil {
			return err
		}
		return tx.Audit(u.ID, ActionCodeOff, u.ID, 0)
	})
}

func (s *Staff) withCode(ctx context.Context, u *styk.User, code string, from Client, do func(*store.Tx) error) error {
	var fits bool
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if fits, err = tryCode(tx, u.ID, code, from); err != nil || !fits {
			return err
		}
		return do(tx)
	})
	return errOr(err, map[bool]error{false: wrongCode(), true: nil}[fits])
}

// CodeRoles gives the roles whose people need a second factor.
func (s *Staff) CodeRoles(ctx context.Context) (roles []styk.Role, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		roles, err = codeRoles(tx)
		return err
	})
	return roles, err
}

func codeRoles(tx *store.Tx) (roles []styk.Role, err error) {
	text, err := tx.Meta(codeRuleMeta)
	if err != nil || text == "" {
		return nil, err
	}
	return roles, json.Unmarshal([]byte(text), &roles)
}

// SetCodeRoles says which roles need a second factor: whoever has none is led to
// it at his next step.
func (s *Staff) SetCodeRoles(ctx context.Context, by *styk.User, roles []styk.Role) error {
	for _, r := range roles {
		if len(rights[r]) == 0 {
			return styk.FieldError(styk.Invalid, "role", "role", "Такой роли нет")
		}
	}
	text, err := json.Marshal(roles)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := holder(tx, by, OwnRules); err != nil {
			return err
		}
		if err := tx.SetMeta(codeRuleMeta, string(text)); err != nil {
			return err
		}
		return tx.Audit(by.ID, ActionCodeRule, 0, int64(len(roles)))
	})
}

// codeDue says whether a person's role needs a second factor that he has not.
func codeDue(tx *store.Tx, u *styk.User) (bool, error) {
	roles, err := codeRoles(tx)
	if err != nil || !slices.Contains(roles, u.Role) {
		return false, err
	}
	t, err := tx.TOTP(u.ID)
	return !t.On(), err
}
