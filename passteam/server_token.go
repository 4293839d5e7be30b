package passteam

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"styk"
	"styk/store"
)

// tokenKept is how long a token is believed without a look into the database:
// so long may one live after it was taken away.
const tokenKept = time.Second

// maxKeptTokens bounds the cache; more tokens in use at once only cost looks.
const maxKeptTokens = 10_000

// tokenCache keeps tokens that are good, by the hash of their text.
type tokenCache struct {
	mu      sync.Mutex
	known   map[[sha256.Size]byte]*keptToken
	buckets map[styk.ID]*bucket // outlive what is kept
}

type keptToken struct {
	*styk.CardToken
	user  *styk.User // who logged in for it; nil: made by a person with the tools
	until time.Time
	calls *bucket
}

// get gives what is kept of a token at this moment, or nil.
func (k *tokenCache) get(sum [sha256.Size]byte, now time.Time) *keptToken {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.known[sum]
	if t == nil || !now.Before(t.until) || !t.Expires.IsZero() && !now.Before(t.Expires) {
		return nil
	}
	return t
}

func (k *tokenCache) put(sum [sha256.Size]byte, t *keptToken, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= maxKeptTokens {
		k.known, k.buckets = map[[sha256.Size]byte]*keptToken{}, map[styk.ID]*bucket{}
	}
	if t.calls = k.buckets[t.ID]; t.calls == nil {
		t.calls = &bucket{}
		k.buckets[t.ID] = t.calls
	}
	t.until = now.Add(tokenKept)
	k.known[sum] = t
}

// authenticate finds the token of the request and its right to this call.
// c.token is set as soon as the token is a good one, whatever follows.
func (c *call) authenticate() error {
	secret := Token(c.request.Header)
	if secret == "" {
		return TokenRefused()
	}
	t, err := c.s.tokenOf(c, secret)
	if err != nil {
		return err
	}
	c.token, c.by = t.CardToken, store.By{User: t.User, Origin: origin}
	if t.user != nil && !comesFrom(t.user, c.s.Remote(c.request)) {
		return NoRight()
	}
	if t.user != nil && c.method != nil && !mayCall(t.user, c.method) {
		return NoRight()
	}
	perMinute := t.PerMinute
	if perMinute <= 0 {
		perMinute = c.s.PerMinute
	}
	left, full, wait := t.calls.take(c.s.DB.Now(), perMinute)
	tellLimit(c.header, perMinute, left, full)
	if wait > 0 {
		return Slow(wait)
	}
	return nil
}

// tokenOf gives the living token with this text; a refusal when there is none.
func (s *Server) tokenOf(ctx context.Context, secret string) (*keptToken, error) {
	sum, now := sha256.Sum256([]byte(secret)), s.DB.Now()
	if t := s.tokens.get(sum, now); t != nil {
		return t, nil
	}
	t, due := &keptToken{}, false
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if t.CardToken, due, err = tx.CardToken(secret); err != nil || t.User == 0 {
			return err
		}
		t.user, err = tx.User(t.User)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound || err == nil && t.user != nil && t.user.Disabled {
		return nil, TokenRefused()
	}
	if err != nil {
		return nil, err
	}
	if due {
		life := time.Duration(0)
		if t.user != nil {
			life, t.Expires = loginLife, now.Add(loginLife)
		}
		if err := s.DB.Update(ctx, func(tx *store.Tx) error { return tx.SeeCardToken(t.ID, life) }); err != nil {
			return nil, err
		}
	}
	s.tokens.put(sum, t, now)
	return t, nil
}

// comesFrom tells whether the user may call from there.
func comesFrom(u *styk.User, from netip.Addr) bool {
	return len(u.Networks) == 0 || slices.ContainsFunc(u.Networks, func(text string) bool {
		p, err := netip.ParsePrefix(text)
		return err == nil && p.Contains(from)
	})
}

// mayCall tells whether the user's narrowing (contract 22) lets him call the
// method: a key for the CRM's operations is none for cards.
func mayCall(u *styk.User, m *Method) bool {
	return len(u.Operations) == 0 || slices.ContainsFunc(u.Operations, func(name string) bool { return strings.EqualFold(name, m.Name) })
}

const (
	loginLife   = 30 * 24 * time.Hour // of an unused token that getatoken gave
	loginTokens = 100                 // of one user; an older one gives way
	maxName     = 200                 // bytes of a user's name
)

// Guessing a key is held back as at the login of the CRM, and counted together
// with it: it is the same key.
const (
	freeGuesses = 5
	guessWindow = 15 * time.Minute
	maxPenalty  = 8 * time.Second
)

// getToken gives a token for a user's name and access key.
func (c *call) getToken() (any, error) {
	given, err := c.body.Credentials()
	if err != nil {
		return nil, err
	}
	if len(given.Name) > maxName {
		return nil, LoginRefused()
	}
	from := c.s.Remote(c.request)
	subject := given.Name + " " + from.String()
	if err := c.penalty(subject); err != nil {
		return nil, err
	}
	var u *styk.User
	err = c.s.DB.View(c, func(tx *store.Tx) (err error) {
		u, err = tx.UserByName(given.Name)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound {
		u, err = &styk.User{}, nil
	}
	if err != nil {
		return nil, err
	}
	good := subtle.ConstantTimeCompare([]byte(u.AccessKey), []byte(given.Password)) == 1
	if !good || u.AccessKey == "" || u.Disabled || u.Role != styk.RoleAPI {
		err := c.s.DB.Update(c, func(tx *store.Tx) error { return tx.Missed(store.GuessLogin, subject) })
		if err != nil {
			return nil, err
		}
		return nil, LoginRefused()
	}
	if !comesFrom(u, from) || !mayCall(u, c.method) {
		return nil, NoRight()
	}
	return c.makeToken(u, subject)
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
	return c.s.Wait(c, min(250*time.Millisecond<<min(n-freeGuesses, 10), maxPenalty))
}

func (c *call) makeToken(u *styk.User, subject string) (any, error) {
	var raw [23]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand
	secret, mark := hex.EncodeToString(raw[:20]), hex.EncodeToString(raw[20:])
	var t *styk.CardToken
	err := c.s.DB.Update(c, func(tx *store.Tx) error {
		if err := tx.ForgiveLogin(subject); err != nil {
			return err
		}
		if err := clearLogins(tx, u.ID); err != nil {
			return err
		}
		t = &styk.CardToken{
			Name: u.Name + " " + tx.Now().UTC().Format("2006-01-02 15:04:05") + " " + mark,
			User: u.ID, Expires: tx.Now().Add(loginLife),
		}
		return tx.SaveCardToken(t, secret)
	})
	if err != nil {
		return nil, err
	}
	expires := Stamp(t.Expires)
	return TokenMade{secret, secret, &expires}, nil
}

// clearLogins makes room for one more token of the user: programs that log in
// for every call would pile them up.
func clearLogins(tx *store.Tx, user styk.ID) error {
	all, err := tx.CardTokens()
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(all, func(t *styk.CardToken) bool { return t.User != user })
	slices.SortFunc(own, func(a, b *styk.CardToken) int { return lastUse(a).Compare(lastUse(b)) })
	for len(own) >= loginTokens {
		if err := tx.DeleteCardToken(own[0].Name); err != nil {
			return err
		}
		own = own[1:]
	}
	return nil
}

func lastUse(t *styk.CardToken) time.Time {
	if t.Seen.After(t.Created) {
		return t.Seen
	}
	return t.Created
}
