package vtiger

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// A login brings no token, only md5(token + access key) (spec/vtiger.md 2.2).
// challenges therefore remembers, for each token that it gave out, the proof
// that will be shown: looking it up costs one map read, however many live.
//
// The first slotsPerSecond tokens of a user in one second are derived from a
// key that all processes of one database share. So another process, or this
// one after a restart, can find them again by trying all of them, and
// getchallenge writes nothing. A busier user gets random tokens besides.
type challenges struct {
	key           []byte
	processOffset byte // differs from process to process

	mu     sync.Mutex
	live   map[string]liveToken // by user and proof
	oldest []string             // keys of live in the order of their making
	slots  map[string]slotUse   // by user

	derive sync.Mutex // one derivation at a time: it costs milliseconds
}

type liveToken struct {
	nonce string
	until time.Time
}

type slotUse struct {
	second int64
	used   int
}

const (
	slotsPerSecond = 32
	maxLive        = 1 << 16 // tokens; about 10 MB
)

func newChallenges(key []byte) *challenges {
	var offset [1]byte
	_, _ = rand.Read(offset[:])
	return &challenges{key: key, processOffset: offset[0], live: map[string]liveToken{}, slots: map[string]slotUse{}}
}

// issue gives a new token, 32 hex digits. An empty accessKey is of an unknown
// user: his token looks the same and fits nothing.
func (c *challenges) issue(user, accessKey string, now time.Time) string {
	user = strings.ToLower(user)
	token := ""
	c.mu.Lock()
	defer c.mu.Unlock()
	if slot, ok := c.slot(user, now); ok && accessKey != "" {
		token = c.token(user, now.Unix(), slot)
	} else {
		token = randomToken()
	}
	if accessKey != "" {
		c.remember(user+"\x00"+loginProof(token, accessKey), liveToken{token, now.Add(ChallengeLife)}, now)
	}
	return token
}

// slot takes the next slot of the second; the start differs between processes,
// so that two of them seldom give out the same token.
func (c *challenges) slot(user string, now time.Time) (int, bool) {
	if len(c.slots) > 10_000 {
		clear(c.slots)
	}
	use := c.slots[user]
	if use.second != now.Unix() {
		use = slotUse{second: now.Unix()}
	}
	use.used++
	c.slots[user] = use
	return (use.used - 1 + int(c.processOffset)) % slotsPerSecond, use.used <= slotsPerSecond
}

func (c *challenges) token(user string, second int64, slot int) string {
	mac := hmac.New(sha256.New, c.key)
	var at [9]byte
	binary.BigEndian.PutUint64(at[:], uint64(second))
	at[8] = byte(slot)
	mac.Write(at[:])
	mac.Write([]byte(user))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func (c *challenges) remember(key string, t liveToken, now time.Time) {
	c.live[key] = t
	c.oldest = append(c.oldest, key)
	for len(c.oldest) > 0 {
		first := c.oldest[0]
		if old, ok := c.live[first]; ok && now.Before(old.until) && len(c.live) <= maxLive {
			break
		}
		delete(c.live, first)
		c.oldest = c.oldest[1:]
	}
}

// redeem finds the token behind a proof and gives it as nonce, to be noted as
// used. With keep it may be shown again within its life, as in stock. fresh says
// that this process gave it out and has not seen it back before: then nobody
// replays it, even when another process gave out and noted the same one.
func (c *challenges) redeem(user, accessKey, proof string, now time.Time, keep bool) (nonce string, fresh, ok bool) {
	user = strings.ToLower(user)
	key := user + "\x00" + proof
	c.mu.Lock()
	t, ok := c.live[key]
	if ok && !keep {
		delete(c.live, key)
	}
	c.mu.Unlock()
	if ok && now.Before(t.until) {
		return t.nonce, true, true
	}
	nonce, ok = c.rederive(user, accessKey, proof, now)
	return nonce, false, ok
}

// rederive tries every derived token of the last 300 seconds.
func (c *challenges) rederive(user, accessKey, proof string, now time.Time) (nonce string, ok bool) {
	c.derive.Lock()
	defer c.derive.Unlock()
	for second := now.Unix(); second > now.Add(-ChallengeLife).Unix(); second-- {
		for slot := range slotsPerSecond {
			if token := c.token(user, second, slot); provesKey(token, accessKey, proof) {
				return token, true
			}
		}
	}
	return "", false
}

func randomToken() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand
	return hex.EncodeToString(raw[:])
}

// loginProof is what a client shows as accessKey: the lower-case md5 of token
// and access key.
func loginProof(token, accessKey string) string {
	sum := md5.Sum([]byte(token + accessKey))
	return hex.EncodeToString(sum[:])
}

// provesKey tells in constant time whether proof was made of token and key.
func provesKey(token, accessKey, proof string) bool {
	return subtle.ConstantTimeCompare([]byte(loginProof(token, accessKey)), []byte(proof)) == 1
}
