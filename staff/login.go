package staff

import (
	"context"
	"fmt"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// Guessing of passwords: so many misses within the window, then no more tries
// are looked at until it has passed.
const (
	guessWindow   = 15 * time.Minute
	missesPerson  = 5   // for one name from one address
	missesAddress = 30  // from one address
	missesName    = 100 // for one name from everywhere
)

// What is noted of people's comings and goings.
const (
	ActionLogin    = "login"
	ActionMissed   = "login.missed"
	ActionLogout   = "logout"
	ActionPassword = "password.set"
	ActionLink     = "link.made"
	ActionEnd      = "session.ended" // about: the session

	ActionCodeMissed = "code.missed"
	ActionCodeOn     = "code.on"         // the second factor
	ActionCodeOff    = "code.off"        // by himself, or by an owner
	ActionRecovery   = "recovery.used"   // amount: codes left
	ActionRecoveries = "recovery.made"   // new codes for a lost phone
	ActionCodeRule   = "code.rule"       // amount: roles that need the second factor
	ActionInvite     = "invitation.made" // about: the invitation
	ActionUninvite   = "invitation.dropped"
	ActionCame       = "invitation.used"
	ActionRole       = "user.role"
	ActionChanged    = "user.changed"
	ActionDisable    = "user.disabled"
	ActionEnable     = "user.enabled"
	ActionEndAll     = "session.all_ended" // about: the person
	ActionProgram    = "program.made"
	ActionLimits     = "program.changed"
	ActionKey        = "key.made"
	ActionToken      = "token.made" // about: the token, and below
	ActionTokenSet   = "token.changed"
	ActionTokenText  = "token.renewed"
	ActionRevoke     = "token.revoked"
	ActionRestore    = "token.restored"
)

func wrongPassword() error {
	return styk.Failed(styk.Forbidden, "Имя или пароль не подходят")
}

// Entry is what somebody gets who came to the door with the right words.
type Entry struct {
	Secret string // of a session
	Half   bool   // the session opens nothing until LoginCode has seen his code
}

// Login lets a person in. Wrong name, wrong password, no password yet and a
// program's name are one styk.Forbidden; too many misses are styk.TooMany.
func (s *Staff) Login(ctx context.Context, name, password string, from Client) (Entry, error) {
	name = strings.TrimSpace(name)
	u, hash, err := s.try(ctx, name, from)
	if err != nil {
		return Entry{}, err
	}
	ok, err := s.fits(ctx, hash, password)
	if err != nil {
		return Entry{}, err
	}
	if !ok {
		var id styk.ID
		if u != nil {
			id = u.ID
		}
		return Entry{}, errOr(s.Note(ctx, id, ActionMissed, 0, 0), wrongPassword())
	}
	e := Entry{Secret: newSecret()}
	return e, s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if err := forgive(tx, name, from.Address); err != nil {
			return err
		}
		e.Half, err = s.open(tx, e.Secret, u.ID, from)
		return err
	})
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// try counts a try as a miss before it is looked at, so that many at once are
// no way around the limit, and gives who it is about.
func (s *Staff) try(ctx context.Context, name string, from Client) (u *styk.User, hash string, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		u, hash = nil, ""
		for _, g := range guesses(name, from.Address) {
			if err := g.held(tx); err != nil {
				return err
			}
		}
		for _, g := range guesses(name, from.Address) {
			if err := tx.Missed(g.scope, g.subject); err != nil {
				return err
			}
		}
		found, err := tx.UserByName(name)
		if styk.CodeOf(err) == styk.NotFound || err == nil && !person(found) {
			return nil
		}
		if err != nil {
			return err
		}
		u = found
		hash, err = tx.PasswordHash(found.ID)
		if styk.CodeOf(err) == styk.NotFound {
			return nil
		}
		return err
	})
	return u, hash, err
}

type guess struct {
	scope, subject string
	limit          int
}

// held is styk.TooMany when there were too many misses.
func (g guess) held(tx *store.Tx) error {
	n, last, err := tx.Misses(g.scope, g.subject, guessWindow)
	if err == nil && n >= g.limit {
		err = tooMany(last.Add(guessWindow).Sub(tx.Now()))
	}
	return err
}

func guesses(name, address string) []guess {
	if len(name) > 64 {
		name = name[:64]
	}
	return []guess{
		{store.GuessPassword, name + " " + address, missesPerson},
		{store.GuessAddress, address, missesAddress},
		{store.GuessName, name, missesName},
	}
}

func tooMany(wait time.Duration) error {
	minutes := int((max(wait, time.Minute) + time.Minute - 1) / time.Minute)
	return styk.Failed(styk.TooMany, fmt.Sprintf("Слишком много попыток. Подождите %d мин и попробуйте снова", minutes))
}

// forgive takes back what try counted before the password proved right. Misses
// from elsewhere still count.
func forgive(tx *store.Tx, name, address string) error {
	for _, g := range guesses(name, address) {
		if g.scope == store.GuessName {
			continue
		}
		if err := tx.Forgive(g.scope, g.subject); err != nil {
			return err
		}
	}
	return nil
}

// open starts a session for who has given the right password or link: half a
// one where a code is asked for too.
func (s *Staff) open(tx *store.Tx, secret string, user styk.ID, from Client) (half bool, err error) {
	t, err := tx.TOTP(user)
	if err != nil {
		return false, err
	}
	if t.On() {
		return true, tx.StartHalfSession(secret, user, from.Address, shortAgent(from))
	}
	return false, s.start(tx, secret, user, from)
}

func (s *Staff) start(tx *store.Tx, secret string, user styk.ID, from Client) error {
	if err := tx.StartStaffSession(secret, user, from.Address, shortAgent(from)); err != nil {
		return err
	}
	return tx.Audit(user, ActionLogin, 0, 0)
}

func shortAgent(from Client) string {
	if len(from.Agent) > 300 {
		return from.Agent[:300]
	}
	return from.Agent
}
