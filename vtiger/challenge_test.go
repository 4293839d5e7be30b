package vtiger

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The proof of transcript 07's shape: 32 lower-case hex digits.
func TestLoginProof(t *testing.T) {
	t.Parallel()
	if got := loginProof("6b02092c6e7bf", "DemoKey000000001"); got != string(php(t, `echo md5('6b02092c6e7bf'.'DemoKey000000001');`, nil)) {
		t.Error(got)
	}
}

func TestProvesKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		token, key := rapid.String().Draw(t, "token"), rapid.String().Draw(t, "key")
		proof := loginProof(token, key)
		if !provesKey(token, key, proof) {
			t.Fatal("the right proof is refused")
		}
		for _, wrong := range []string{"", proof[1:], proof + "0", strings.Replace(proof, proof[:1], "g", 1)} {
			if provesKey(token, key, wrong) {
				t.Fatalf("%q passed", wrong)
			}
		}
		if provesKey(token+"x", key, proof) || provesKey(token, key+"x", proof) {
			t.Fatal("the proof of another token or key passed")
		}
	})
}

var testStart = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestChallengeLogsInOnceWithin300Seconds(t *testing.T) {
	t.Parallel()
	c := newChallenges([]byte("key"))
	redeem := func(c *challenges, token string, after time.Duration, keep bool) bool {
		nonce, _, ok := c.redeem("API", "secret", loginProof(token, "secret"), testStart.Add(after), keep)
		return ok && nonce == token
	}
	token := c.issue("api", "secret", testStart)
	if !redeem(c, token, 299*time.Second, true) {
		t.Error("a token is refused within its life")
	}
	if redeem(c, token, 301*time.Second, false) {
		t.Error("a token lives longer than 300 s")
	}
	if _, _, ok := c.redeem("other", "secret", loginProof(token, "secret"), testStart, true); ok {
		t.Error("a token fits another user")
	}
	if _, _, ok := c.redeem("api", "wrong", loginProof(token, "secret"), testStart, true); ok {
		t.Error("a proof fits another key")
	}
}

// A login may reach another process than its getchallenge, or the same one
// after a restart.
func TestChallengeIsFoundByAnotherProcess(t *testing.T) {
	t.Parallel()
	one, two := newChallenges([]byte("key")), newChallenges([]byte("key"))
	for range slotsPerSecond {
		token := one.issue("api", "secret", testStart)
		if _, _, ok := two.redeem("api", "secret", loginProof(token, "secret"), testStart.Add(time.Minute), false); !ok {
			t.Fatal("another process does not know the token")
		}
	}
}

func TestChallengesOfABusyUserDifferAndAllLive(t *testing.T) {
	t.Parallel()
	c, seen := newChallenges([]byte("key")), map[string]bool{}
	for range 500 {
		seen[c.issue("api", "secret", testStart)] = true
	}
	if len(seen) != 500 {
		t.Fatalf("%d different tokens of 500", len(seen))
	}
	for token := range seen {
		if _, _, ok := c.redeem("api", "secret", loginProof(token, "secret"), testStart, false); !ok {
			t.Fatal("a live token is refused")
		}
	}
}

func TestChallengeOfAnUnknownUserLooksTheSameAndFitsNothing(t *testing.T) {
	t.Parallel()
	c := newChallenges([]byte("key"))
	known, unknown := c.issue("api", "secret", testStart), c.issue("nobody", "", testStart)
	if len(known) != len(unknown) || known == unknown {
		t.Errorf("%q and %q", known, unknown)
	}
	if _, _, ok := c.redeem("nobody", "", loginProof(unknown, ""), testStart, false); ok {
		t.Error("an unknown user's token fits an empty key")
	}
}

func TestChallengesStayBounded(t *testing.T) {
	t.Parallel()
	c := newChallenges([]byte("key"))
	for range maxLive + 1000 {
		c.issue("api", "secret", testStart)
	}
	if len(c.live) > maxLive || len(c.oldest) > maxLive+1 {
		t.Errorf("%d tokens live, %d remembered", len(c.live), len(c.oldest))
	}
}

// Two processes may give out one token in the same second: both logins succeed,
// a proof that was shown before does not.
func TestOneTokenOfTwoProcesses(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	other := NewServer(Options{DB: b.db, Intake: b.in, Wait: b.Wait})
	other.challenges.processOffset, b.challenges.processOffset = 0, 0
	token := func(s *Server) string {
		return get(t, s, url.Values{"operation": {"getchallenge"}, "username": {"api"}}).member("token")
	}
	one := token(b.Server)
	if two := token(other); one != two {
		t.Fatalf("the test wants one token, got %s and %s", one, two)
	}
	values := map[string]string{"operation": "login", "username": "api", "accessKey": loginProof(one, demoKey)}
	for _, s := range []*Server{b.Server, other} {
		if a := post(t, s, "127.0.0.1", values); !a.Success {
			t.Errorf("%+v", a.Error)
		}
	}
	for _, s := range []*Server{b.Server, other} {
		if a := post(t, s, "127.0.0.1", values); a.Success {
			t.Error("a replayed proof logs in")
		}
	}
}
