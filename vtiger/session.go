package vtiger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"styk"
	"styk/store"
)

var sessionOperations = []operation{
	{OpGetChallenge, true, (*call).getChallenge},
	{OpLogin, true, (*call).login},
	{OpExtendSession, true, (*call).extendSession},
	{OpLogout, false, (*call).logout},
}

// getChallenge gives a token for the login (spec/vtiger.md 2.1). Stock tells
// that a user does not exist; here such a name gets a token that fits nothing.
func (c *call) getChallenge() (Value, error) {
	name, err := c.given("username")
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, &wireError{CodeAccessDenied, MsgNoUsername}
	}
	u, err := c.userByName(name)
	if err != nil {
		return nil, err
	}
	now := c.s.DB.Now()
	return Object{
		{"token", Text(c.s.challenges.issue(name, u.AccessKey, now))},
		{"serverTime", Int(now.Unix())},
		{"expireTime", Int(now.Add(ChallengeLife).Unix())},
	}, nil
}

// userByName gives an empty user for an unknown or disabled name.
func (c *call) userByName(name string) (u *styk.User, err error) {
	err = c.s.DB.View(c, func(tx *store.Tx) error {
		u, err = tx.UserByName(name)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound || err == nil && u.Disabled {
		return &styk.User{}, nil
	}
	return u, err
}

// Guessing a key: after freeGuesses misses for one user from one address
// within guessWindow each further try waits, longer and longer.
const (
	freeGuesses = 5
	guessWindow = 15 * time.Minute
	maxPenalty  = 8 * time.Second
)

// login checks the proof and opens a session (spec/vtiger.md 2.2). An unknown
// user and a wrong key do the same work and look the same.
func (c *call) login() (Value, error) {
	name, err := c.given("username")
	if err != nil {
		return nil, err
	}
	proof, err := c.given("accessKey")
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, &wireError{CodeInvalidCredentials,
			MsgInvalidCredentials + ": username is empty (the variable may be misspelt: $userName / $username)"}
	}
	subject := name + " " + c.remote.String()
	if err := c.penalty(subject); err != nil {
		return nil, err
	}
	u, err := c.userByName(name)
	if err != nil {
		return nil, err
	}
	nonce, fresh, ok := c.s.challenges.redeem(name, u.AccessKey, proof, c.s.DB.Now(), u.ReuseChallenge)
	if !ok || u.AccessKey == "" {
		return nil, c.missedLogin(subject)
	}
	if err := addressAllowed(u, c.remote); err != nil {
		return nil, err
	}
	return c.openSession(u, nonce, fresh, subject)
}

// penalty waits when this user was guessed at from here before.
func (c *call) penalty(subject string) error {
	var n int
	err := c.s.DB.View(c, func(tx *store.Tx) (err error) {
		n, _, err = tx.Misses(store.GuessLogin, subject, guessWindow)
		return err
	})
	if err != nil || n < freeGuesses {
		return err
	}
	wait := min(250*time.Millisecond<<min(n-freeGuesses, 10), maxPenalty)
	return c.s.Wait(c, wait)
}

func (c *call) missedLogin(subject string) error {
	err := c.s.DB.Update(c, func(tx *store.Tx) error { return tx.Missed(store.GuessLogin, subject) })
	if err != nil {
		return err
	}
	return &wireError{CodeInvalidCredentials, MsgInvalidCredentials}
}

func (c *call) openSession(u *styk.User, nonce string, fresh bool, subject string) (Value, error) {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand
	id := hex.EncodeToString(raw[:])
	if u.ReuseChallenge {
		nonce = "again:" + id
	}
	err := c.s.DB.Update(c, func(tx *store.Tx) error {
		if err := tx.ForgiveLogin(subject); err != nil {
			return err
		}
		err := tx.StartSession(id, u.ID, nonce)
		if fresh && styk.CodeOf(err) == styk.Conflict { // another process gave out the same one
			err = tx.StartSession(id, u.ID, nonce+":"+id)
		}
		return err
	})
	if styk.CodeOf(err) == styk.Conflict {
		return nil, &wireError{CodeInvalidToken, MsgInvalidToken + ": each token logs in once, ask getchallenge for a new one"}
	}
	if err != nil {
		return nil, err
	}
	return append(Object{
		{"username", Text(u.Name)},
		{"first_name", Text(u.FirstName)},
		{"last_name", Text(u.LastName)},
		{"email", Text(u.Email)},
		{"time_zone", Text("UTC")},
		{"hour_format", Text("24")},
		{"date_format", Text("yyyy-mm-dd")},
		{"is_admin", Text(onOff(u.Admin()))},
		{"call_duration", Text("5")},
		{"other_event_duration", Text("5")},
	}, sessionMembers(id, u.ID)...), nil
}

// sessionMembers are the names under which clients look for a session: stock's
// sessionName and the seed's sessionId (contract 1).
func sessionMembers(id string, user styk.ID) Object {
	return Object{
		{"sessionName", Text(id)},
		{"sessionId", Text(id)},
		{"userId", Text(strconv.FormatInt(EntityNumber(ModuleUsers), 10) + "x" + strconv.FormatInt(int64(user), 10))},
		{"version", Text(APIVersion)},
		{"vtigerVersion", Text(VtigerVersion)},
	}
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// resume gives the user of a living session and renews its life.
func (s *Server) resume(ctx context.Context, id string) (u *styk.User, err error) {
	var due bool
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		u, due, err = tx.Session(id, s.SessionIdle)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound {
		return nil, &wireError{CodeInvalidSession, MsgInvalidSession}
	}
	if err == nil && due {
		err = s.DB.Update(ctx, func(tx *store.Tx) error { return tx.SeeSession(id) })
	}
	return u, err
}

// extendSession renews the given session. Stock takes over a browser's session
// here (spec/vtiger.md 2.5); without one it answers as stock does.
func (c *call) extendSession() (Value, error) {
	id := c.params.first("sessionName", "sessionId")
	if id == "" {
		id = cookieSession(c)
	}
	if id == "" {
		return nil, &wireError{CodeAuthenticationFailure, MsgAuthenticationFailure}
	}
	u, err := c.s.resume(c, id)
	var wire *wireError
	if errors.As(err, &wire) {
		return nil, &wireError{CodeAuthenticationFailure, MsgAuthenticationFailure}
	}
	if err != nil {
		return nil, err
	}
	if err := addressAllowed(u, c.remote); err != nil {
		return nil, err
	}
	return sessionMembers(id, u.ID), nil
}

// cookieSession reads the name that a browser's session would have.
func cookieSession(c *call) string {
	if id := c.params.first("PHPSESSID"); id != "" {
		return id
	}
	if k, err := c.request.Cookie("PHPSESSID"); err == nil {
		return k.Value
	}
	return ""
}

// first gives the first of the named parameters that is given as text.
func (p *Params) first(names ...string) string {
	for _, name := range names {
		if text, err := p.Given(name); err == nil && text != "" {
			return text
		}
	}
	return ""
}

// logout ends the session (spec/vtiger.md 2.5).
func (c *call) logout() (Value, error) {
	err := c.s.DB.Update(c, func(tx *store.Tx) error { return tx.EndSession(c.session) })
	return Object{{"message", Text(MsgLoggedOut)}}, err
}
