package passteam

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// A token that was taken away, or has ended, opens nothing a second later.
func TestRevokedTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	try := func(token string) int { return b.ask(t, "getcard", "cardId="+card, "Authorization", token).Code }
	b.saveToken(t, &styk.CardToken{Name: "till", Expires: b.clock.Now().Add(500 * time.Millisecond)}, "till-token")
	if got := try("till-token"); got != 200 {
		t.Errorf("good: got %d", got)
	}
	b.clock.advance(500 * time.Millisecond) // kept, but ended
	if got := try("till-token"); got != 401 {
		t.Errorf("ended: got %d", got)
	}
	b.saveToken(t, &styk.CardToken{Name: "till"}, "till-token")
	if got := try("till-token"); got != 200 {
		t.Errorf("good again: got %d", got)
	}
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteCardToken("till") }))
	b.clock.advance(time.Second)
	if got := try("till-token"); got != 401 {
		t.Errorf("taken away: got %d", got)
	}
}

// A token by login lives thirty days from its last use, and as long as its user
// may come in.
func TestLoginTokensSlide(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	token := b.ask(t, "getatoken", "nickname=API&password="+demoKey).Result.Token
	if token == "" {
		token = b.ask(t, "getatoken", "nickname=api&password="+demoKey).Result.Token
	}
	try := func() int {
		return b.ask(t, "gettemplateids", "", "Authorization", "Bearer "+token).Code
	}
	for range 3 {
		b.clock.advance(29 * 24 * time.Hour)
		if got := try(); got != 200 {
			t.Fatalf("after 29 days: got %d", got)
		}
	}
	user := func(change func(*styk.User)) {
		t.Helper()
		b.clock.advance(2 * time.Second)
		ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error {
			u, err := tx.UserByName("api")
			if err != nil {
				return err
			}
			changed := *u
			change(&changed)
			return tx.SaveUser(&changed)
		}))
	}
	for name, c := range map[string]struct {
		change, back func(*styk.User)
		want         int
	}{
		"disabled":          {func(u *styk.User) { u.Disabled = true }, func(u *styk.User) { u.Disabled = false }, 401},
		"another address":   {func(u *styk.User) { u.Networks = []string{"10.0.0.0/8"} }, func(u *styk.User) { u.Networks = nil }, 403},
		"the CRM's methods": {func(u *styk.User) { u.Operations = []string{"createcontact"} }, func(u *styk.User) { u.Operations = nil }, 403},
		"this method": {func(u *styk.User) { u.Operations = []string{"gettemplateids"} },
			func(u *styk.User) { u.Operations = nil }, 200},
	} {
		user(c.change)
		if got := try(); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
		user(c.back)
		if got := try(); got != 200 {
			t.Errorf("after %s: got %d", name, got)
		}
	}
	b.clock.advance(31 * 24 * time.Hour)
	if got := try(); got != 401 {
		t.Errorf("after 31 days: got %d", got)
	}
}

// Only a program's key is worth a token; a person's account and an unknown name
// look like a wrong key.
func TestLoginRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error {
		for _, u := range []*styk.User{
			{Name: "boss", Role: styk.RoleOwner, AccessKey: "BossKey00000001"},
			{Name: "gone", Role: styk.RoleAPI, AccessKey: "GoneKey00000001", Disabled: true},
			{Name: "far", Role: styk.RoleAPI, AccessKey: "FarKey000000001", Networks: []string{"10.0.0.0/8"}},
		} {
			if err := tx.SaveUser(u); err != nil {
				return err
			}
		}
		return nil
	}))
	want := LoginRefused().Message
	for _, body := range []string{
		"nickname=boss&password=BossKey00000001", "nickname=gone&password=GoneKey00000001", "nickname=nobody&password=x",
		"nickname=api&password=demokey000000001", "nickname=far&password=x", "nickname=" + strings.Repeat("a", 300) + "&password=x",
	} {
		if a := b.ask(t, "getatoken", body); a.Code != 401 || a.Message != want {
			t.Errorf("%.40s: got %s", body, a.body)
		}
	}
	if a := b.ask(t, "getatoken", "nickname=far&password=FarKey000000001"); a.Code != 403 {
		t.Errorf("from elsewhere: got %s", a.body)
	}
}

// Guessing slows down, per name and address; others are not held up.
func TestGuessingIsHeldBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	from := "192.0.2.1"
	b.Remote = func(*http.Request) netip.Addr { return netip.MustParseAddr(from) }
	for range freeGuesses + 3 {
		b.ask(t, "getatoken", "nickname=api&password=wrong")
	}
	if got := fmt.Sprint(b.waits); got != "[250ms 500ms 1s]" {
		t.Errorf("got %s", got)
	}
	b.waits, from = nil, "192.0.2.2"
	if a := b.ask(t, "getatoken", "nickname=api&password="+demoKey); a.Code != 200 || len(b.waits) > 0 {
		t.Errorf("from another address: got %s after %v", a.body, b.waits)
	}
	from = "192.0.2.1"
	b.ask(t, "getatoken", "nickname=api&password="+demoKey)
	b.waits = nil
	b.ask(t, "getatoken", "nickname=api&password=wrong")
	if len(b.waits) > 0 {
		t.Errorf("after a success: waited %v", b.waits)
	}
}

// A program that logs in for each call does not fill the table.
func TestLoginTokensAreFew(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	var last string
	for range loginTokens + 20 {
		b.clock.advance(time.Millisecond)
		last = b.ask(t, "getatoken", "nickname=api&password="+demoKey).Result.Token
	}
	var all []*styk.CardToken
	ok(t, b.db.View(t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.CardTokens()
		return err
	}))
	if got := len(all); got != loginTokens+4 { // and the bench's own
		t.Errorf("got %d tokens", got)
	}
	if a := b.ask(t, "gettemplateids", "", "Authorization", last); a.Code != 200 {
		t.Errorf("the newest: got %s", a.body)
	}
}

// The limit counts by token and fills with time; what a caller is told, holds.
func TestLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	try := func() told { return b.ask(t, "gettemplateids", "", "Authorization", "slow-token") }
	try()
	try()
	a := try()
	if a.Code != 429 || a.status != 429 || a.header.Get("Retry-After") != "30" {
		t.Errorf("got %d %s, Retry-After %q", a.status, a.body, a.header.Get("Retry-After"))
	}
	wait, _ := strconv.Atoi(a.header.Get("Retry-After"))
	b.clock.advance(time.Duration(wait) * time.Second)
	if a := try(); a.Code != 200 {
		t.Errorf("after the wait: got %s", a.body)
	}
	if a := try(); a.Code != 429 {
		t.Errorf("got %s", a.body)
	}
	if a := b.ask(t, "gettemplateids", ""); a.Code != 200 {
		t.Errorf("another token: got %s", a.body)
	}
	b.clock.advance(time.Hour)
	for i, want := range []string{"1", "0", "0"} {
		if a := try(); a.header.Get("X-RateLimit-Remaining") != want {
			t.Errorf("call %d after an hour: %q remain", i, a.header.Get("X-RateLimit-Remaining"))
		}
	}
}
