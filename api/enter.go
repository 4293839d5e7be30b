package api

import (
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// KeyPrefix is how every key begins, so that one is known where it should not
// lie.
const KeyPrefix = "styk_"

// NewKey makes the text of a key.
func NewKey() string { return KeyPrefix + staff.MadeKey() }

// wrongPerMinute is how many wrong keys one address may show.
const wrongPerMinute = 30

// enter finds out whose request it is and whether its key may do it.
func (c *call) enter() error {
	address := c.s.Remote(c.r)
	from := "from " + network(address)
	secret, given := bearer(c.r)
	if given {
		if wait := c.s.pace.look(from, c.s.DB.Now(), wrongPerMinute); wait > 0 {
			return slow(wait, "Слишком много неверных ключей с этого адреса")
		}
		if err := c.recognise(secret, address); err != nil {
			return err
		}
	}
	if c.key == nil {
		if given {
			c.s.pace.take(from, c.s.DB.Now(), wrongPerMinute)
		}
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="styk"`)
		return &failure{status: http.StatusUnauthorized, Code: "unauthorized",
			Message: "Нужен живой ключ: Authorization: Bearer styk_…"}
	}
	if err := c.keepPace(); err != nil {
		return err
	}
	if !c.mayAny(c.op.rights) {
		return &failure{status: http.StatusForbidden, Code: "forbidden", Message: "Ключу нужно право " + c.op.scopes(" или ")}
	}
	return nil
}

// bearer gives the key of a request. In an address it would lie in proxies'
// logs, so it is looked for in the header alone.
func bearer(r *http.Request) (secret string, given bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	return secret, strings.EqualFold(scheme, "Bearer") && secret != ""
}

// recognise finds the key and the person in whose name it acts. A wrong one, and
// one from elsewhere than it may come, leaves the call without a key.
func (c *call) recognise(secret string, from netip.Addr) error {
	if !strings.HasPrefix(secret, KeyPrefix) || len(secret) > 100 {
		return nil
	}
	var key *store.APIKey
	var user *styk.User
	var due bool
	err := c.view(func(tx *store.Tx) (err error) {
		user = nil
		if key, due, err = tx.APIKey(secret); err != nil || key.User == 0 {
			return err
		}
		user, err = tx.User(key.User)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if user != nil && user.Disabled || !within(key.Networks, from) {
		return nil
	}
	c.key, c.user = key, user
	if !due {
		return nil
	}
	return c.s.DB.Update(c, func(tx *store.Tx) error { return tx.SeeAPIKey(key.ID) })
}

// within says whether an address lies in one of the networks; none allow all.
func within(networks []string, address netip.Addr) bool {
	for _, text := range networks {
		if p, err := netip.ParsePrefix(text); err == nil && p.Contains(address.Unmap()) {
			return true
		}
	}
	return len(networks) == 0
}

// network is an address, or the /64 that one customer of a provider has.
func network(address netip.Addr) string {
	if address.Is6() && !address.Is4In6() {
		if p, err := address.Prefix(64); err == nil {
			return p.String()
		}
	}
	return address.String()
}

// CheckNetworks says what is wrong with a list of addresses, and gives it in
// CIDR form; the fault is of the field "networks".
func CheckNetworks(list []string) ([]string, error) {
	var networks []string
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if a, e := netip.ParseAddr(text); e == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, styk.FieldError(styk.Invalid, "networks", "cidr", "Адрес или сеть, например 10.0.0.0/8")
		}
		networks = append(networks, p.Masked().String())
	}
	return networks, nil
}

// keepPace takes the call out of the key's minute and tells the caller how much
// is left.
func (c *call) keepPace() error {
	perMinute := c.key.PerMinute
	if perMinute <= 0 {
		perMinute = c.s.PerMinute
	}
	left, wait := c.s.pace.take("key "+strconv.FormatInt(int64(c.key.ID), 10), c.s.DB.Now(), perMinute)
	h := c.w.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(perMinute))
	h.Set("RateLimit-Remaining", strconv.Itoa(left))
	if wait > 0 {
		return slow(wait, "Слишком много вызовов")
	}
	return nil
}

func slow(wait time.Duration, text string) *failure {
	return &failure{status: http.StatusTooManyRequests, Code: string(styk.TooMany), Message: text, wait: wait}
}

// paces are the minutes of keys and of addresses with wrong keys.
type paces struct {
	mu   sync.Mutex
	list map[string]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

const maxBuckets = 10_000

// take takes one out of a minute's worth and gives how many are left or, without
// any, how long until there is one.
func (p *paces) take(who string, now time.Time, perMinute int) (left int, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bucket(who, now, perMinute)
	if b.left < 1 {
		return 0, untilOne(b.left, perMinute)
	}
	b.left--
	return int(b.left), 0
}

// look says how long until one may be taken, without taking it.
func (p *paces) look(who string, now time.Time, perMinute int) (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.list[who] == nil {
		return 0
	}
	if b := p.bucket(who, now, perMinute); b.left < 1 {
		return untilOne(b.left, perMinute)
	}
	return 0
}

func untilOne(left float64, perMinute int) time.Duration {
	return time.Duration(math.Ceil((1 - left) * float64(time.Minute) / float64(perMinute)))
}

// bucket gives one filled up to now. When there are too many, all begin anew: a
// flood of addresses shall not fill the memory.
func (p *paces) bucket(who string, now time.Time, perMinute int) *bucket {
	if p.list == nil || len(p.list) >= maxBuckets {
		p.list = map[string]*bucket{}
	}
	b := p.list[who]
	if b == nil {
		b = &bucket{left: float64(perMinute), at: now}
		p.list[who] = b
	}
	if gone := now.Sub(b.at); gone > 0 {
		b.left = min(float64(perMinute), b.left+gone.Minutes()*float64(perMinute))
		b.at = now
	}
	return b
}

// outside gives the first of the networks that does not lie within the allowed
// ones, "" for none; no allowed ones allow all. Both are in CIDR form.
func outside(networks, allowed []string) string {
	for _, text := range networks {
		p, err := netip.ParsePrefix(text)
		if err != nil || len(allowed) > 0 && !slices.ContainsFunc(allowed, func(wide string) bool {
			w, err := netip.ParsePrefix(wide)
			return err == nil && w.Bits() <= p.Bits() && w.Contains(p.Addr())
		}) {
			return text
		}
	}
	return ""
}
