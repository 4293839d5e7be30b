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
	ActionEnd      = "session.ended"
)

func wrongPassword() error {
	return styk.Failed(styk.Forbidden, "Имя или пароль не подходят")
}

// Login lets a person in and gives the secret of a new session. Wrong name,
// wrong password, no password yet and a program's name are one styk.Forbidden;
// too many misses are styk.TooMany.
func (s *Staff) Login(ctx context.Context, name, password string, from Client) (secret string, err error) {
	name = strings.TrimSpace(name)
	u, hash, err := s.try(ctx, name, from)
	if err != nil {
		return "", err
	}
	ok, err := s.fits(ctx, hash, password)
	if err != nil {
		return "", err
	}
	if !ok {
		var id styk.ID
		if u != nil {
			id = u.ID
		}
		return "", errOr(s.Note(ctx, id, ActionMissed, 0, 0), wrongPassword())
	}
	secret = newSecret()
	return secret, s.db.Update(ctx, func(tx *store.Tx) error {
		if err := forgive(tx, name, from.Address); err != nil {
			return err
		}
		return s.start(tx, secret, u.ID, from)
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
			n, last, err := tx.Misses(g.scope, g.subject, guessWindow)
			if err != nil {
				return err
			}
			if n >= g.limit {
				return tooMany(last.Add(guessWindow).Sub(tx.Now()))
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

func (s *Staff) start(tx *store.Tx, secret string, user styk.ID, from Client) error {
	agent := from.Agent
	if len(agent) > 300 {
		agent = agent[:300]
	}
	if err := tx.StartStaffSession(secret, user, from.Address, agent); err != nil {
		return err
	}
	return tx.Audit(user, ActionLogin, 0, 0)
}
