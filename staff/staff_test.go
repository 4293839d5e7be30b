package staff

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/store"
	"styk/store/storetest"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

const good = "четыре слова подряд лучше"

var here = Client{Address: "203.0.113.7", Agent: "Browser"}

// eachDoor runs a story on both engines.
func eachDoor(t *testing.T, story func(t *testing.T, s *Staff, c *clock)) {
	t.Helper()
	open := func(t *testing.T, database string) {
		c := &clock{at: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
		db, err := store.Open(t.Context(), store.Options{Database: database, Key: []byte(strings.Repeat("k", 32)), Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		story(t, New(db), c)
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		open(t, filepath.Join(t.TempDir(), "styk.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		open(t, storetest.Postgres(t))
	})
}

func owner(t *testing.T, s *Staff) (secret string) {
	t.Helper()
	link, err := s.FirstLink(t.Context())
	if err != nil || link == "" {
		t.Fatalf("first link %q: %v", link, err)
	}
	e, err := s.UseLink(t.Context(), link, "anna", good, here)
	if err != nil || e.Half {
		t.Fatalf("%+v: %v", e, err)
	}
	return e.Secret
}

// whole lets somebody in who needs no code.
func whole(e Entry, err error) (string, error) {
	if err == nil && e.Half {
		err = errors.New("a code is asked for")
	}
	return e.Secret, err
}

func wantCode(t *testing.T, err error, want styk.Code) {
	t.Helper()
	if got := styk.CodeOf(err); got != want {
		t.Errorf("got %v (%v), want %s", got, err, want)
	}
}

func TestFirstLinkMakesTheOwnerOnce(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		other, _ := s.FirstLink(ctx)
		link, err := s.FirstLink(ctx)
		if err != nil || link == other {
			t.Fatalf("%q and %q: %v", link, other, err)
		}
		o, err := s.OpenLink(ctx, link, here)
		if err != nil || !o.First {
			t.Fatalf("%+v: %v", o, err)
		}
		_, err = s.UseLink(ctx, link, "anna", "short", here)
		wantCode(t, err, styk.Invalid)
		_, err = s.UseLink(ctx, link, "no name", good, here)
		wantCode(t, err, styk.Invalid)

		var wg sync.WaitGroup
		secrets := make(chan string, 4)
		for range 4 { // a double click makes one owner
			wg.Go(func() {
				if secret, err := whole(s.UseLink(ctx, link, "anna", good, here)); err == nil {
					secrets <- secret
				}
			})
		}
		wg.Wait()
		if len(secrets) != 1 {
			t.Fatalf("the link let %d in", len(secrets))
		}
		session, err := s.Session(ctx, <-secrets)
		if err != nil || session.User.Name != "anna" || session.User.Role != styk.RoleOwner {
			t.Fatalf("%+v: %v", session, err)
		}
		for _, used := range []string{link, other, "", "nonsense"} {
			_, err = s.UseLink(ctx, used, "boris", good, here)
			wantCode(t, err, styk.NotFound)
		}
		if again, err := s.FirstLink(ctx); again != "" || err != nil {
			t.Errorf("a first link beside an owner: %q, %v", again, err)
		}
	})
}

func TestLinkEnds(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		link, _ := s.FirstLink(t.Context())
		c.move(LinkLife)
		_, err := s.OpenLink(t.Context(), link, here)
		wantCode(t, err, styk.NotFound)
	})
}

func addUser(t *testing.T, s *Staff, name string, role styk.Role) styk.ID {
	t.Helper()
	u := &styk.User{Name: name, Role: role, AccessKey: "Key00000000001"}
	if err := s.db.Update(t.Context(), func(tx *store.Tx) error { u.ID = 0; return tx.SaveUser(u) }); err != nil {
		t.Fatal(err)
	}
	return u.ID
}

func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		first := owner(t, s)
		boris, api := addUser(t, s, "boris", styk.RoleOperator), addUser(t, s, "site", styk.RoleAPI)
		_, err := s.Link(ctx, 0, api)
		wantCode(t, err, styk.Conflict)
		old, _ := s.Link(ctx, 0, boris)
		link, err := s.Link(ctx, 0, boris)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.OpenLink(ctx, old, here)
		wantCode(t, err, styk.NotFound)
		one, err := whole(s.UseLink(ctx, link, "ignored", good, here))
		if err != nil {
			t.Fatal(err)
		}
		link, _ = s.Link(ctx, 0, boris)
		if _, err := s.UseLink(ctx, link, "", good+"!", here); err != nil {
			t.Fatal(err)
		}
		_, err = s.Session(ctx, one) // whoever knew the old password is out
		wantCode(t, err, styk.NotFound)
		if _, err := s.Session(ctx, first); err != nil {
			t.Errorf("somebody else's session: %v", err)
		}
	})
}

func TestLogin(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		owner(t, s)
		addUser(t, s, "site", styk.RoleAPI)
		addUser(t, s, "boris", styk.RoleOperator)
		decomposed := strings.ReplaceAll(good, "й", "и\u0306")
		for _, pair := range [][2]string{{"ANNA", good}, {" anna ", decomposed}} {
			secret, err := whole(s.Login(ctx, pair[0], pair[1], here))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Session(ctx, secret); err != nil {
				t.Error(err)
			}
		}
		for _, pair := range [][2]string{{"anna", good + "x"}, {"nobody", good}, {"site", "Key00000000001"}, {"boris", ""}, {"", ""},
			{"anna", strings.Repeat("x", 5000)}} {
			_, err := s.Login(ctx, pair[0], pair[1], here)
			wantCode(t, err, styk.Forbidden)
			if text := err.Error(); !strings.Contains(text, "Имя или пароль не подходят") {
				t.Errorf("%q tells more than it should: %s", pair[0], text)
			}
		}
	})
}

func TestGuessingIsHeldBack(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		owner(t, s)
		var wg sync.WaitGroup
		for range missesPerson {
			wg.Go(func() { _, _ = s.Login(ctx, "anna", "wrong", here) })
		}
		wg.Wait()
		_, err := s.Login(ctx, "anna", good, here)
		wantCode(t, err, styk.TooMany)
		elsewhere := Client{Address: "198.51.100.1"}
		if _, err := s.Login(ctx, "anna", good, elsewhere); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		c.move(guessWindow + time.Second)
		if _, err := s.Login(ctx, "anna", good, here); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

func TestManyNamesFromOneAddress(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		err := s.db.Update(t.Context(), func(tx *store.Tx) error {
			for range missesAddress {
				if err := tx.Missed(store.GuessAddress, here.Address); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Login(t.Context(), "anybody", good, here)
		wantCode(t, err, styk.TooMany)
	})
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		idle, busy := owner(t, s), ""
		busy, err := whole(s.Login(ctx, "anna", good, here))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			c.move(s.Idle / 3)
			if _, err := s.Session(ctx, busy); err != nil {
				t.Fatalf("used again and again: %v", err)
			}
		}
		_, err = s.Session(ctx, idle)
		wantCode(t, err, styk.NotFound)
		for range int(s.Life / (s.Idle / 2)) {
			c.move(s.Idle / 2)
			_, err = s.Session(ctx, busy)
		}
		wantCode(t, err, styk.NotFound)
		c.move(60 * 24 * time.Hour)
		if err := s.db.Sweep(ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		owner(t, s)
		c.move(time.Minute)
		secret, _ := whole(s.Login(ctx, "anna", good, Client{Address: "198.51.100.1", Agent: strings.Repeat("я", 400) + "\x00"}))
		mine, err := s.Session(ctx, secret)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Sessions(ctx, mine.User.ID)
		if err != nil || len(list) != 2 || list[0].ID != mine.ID {
			t.Fatalf("%v: %v", list, err)
		}
		if err := s.EndSession(ctx, mine.User.ID+1, list[1].ID); err != nil { // not his: nothing happens
			t.Fatal(err)
		}
		if list, _ = s.Sessions(ctx, mine.User.ID); len(list) != 2 {
			t.Fatal("somebody ended a session of somebody else")
		}
		if err := s.EndSession(ctx, mine.User.ID, list[1].ID); err != nil {
			t.Fatal(err)
		}
		if err := s.Logout(ctx, mine); err != nil {
			t.Fatal(err)
		}
		if list, _ = s.Sessions(ctx, mine.User.ID); len(list) != 0 {
			t.Errorf("still alive: %v", list)
		}
	})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		other := owner(t, s)
		secret, _ := whole(s.Login(ctx, "anna", good, here))
		session, _ := s.Session(ctx, secret)
		wantCode(t, s.ChangePassword(ctx, session, "wrong", good+"2", here), styk.Forbidden)
		wantCode(t, s.ChangePassword(ctx, session, good, "qwerty123456", here), styk.Invalid)
		if err := s.ChangePassword(ctx, session, good, good+"2", here); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Session(ctx, secret); err != nil {
			t.Errorf("his own session: %v", err)
		}
		_, err := s.Session(ctx, other)
		wantCode(t, err, styk.NotFound)
		_, err = s.Login(ctx, "anna", good, here)
		wantCode(t, err, styk.Forbidden)
	})
}

func TestDisabledPersonIsOut(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		secret := owner(t, s)
		for _, change := range []func(u *styk.User){
			func(u *styk.User) { u.Disabled = true },
			func(u *styk.User) { u.Disabled, u.Role = false, styk.RoleAPI },
		} {
			err := s.db.Update(ctx, func(tx *store.Tx) error {
				u, err := tx.UserByName("anna")
				if err != nil {
					return err
				}
				change(u)
				return tx.SaveUser(u)
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Session(ctx, secret)
			wantCode(t, err, styk.NotFound)
			_, err = s.Login(ctx, "anna", good, here)
			wantCode(t, err, styk.Forbidden)
		}
	})
}

func TestAuditKnowsNumbersOnly(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		secret := owner(t, s)
		_, _ = s.Login(t.Context(), "anna", "wrong", here)
		session, _ := s.Session(t.Context(), secret)
		_ = s.Logout(t.Context(), session)
		var got []string
		err := s.db.View(t.Context(), func(tx *store.Tx) error {
			trail, err := tx.AuditTrail(0, 10)
			for _, e := range trail {
				got = append(got, e.Action)
			}
			return err
		})
		want := "logout login.missed login password.set"
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("got %v, want %s (%v)", got, want, err)
		}
	})
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "short", "1234567890", "qwerty123456", "Пароль2026", "aaaaaaaaaaaa", "abababababab", "annaanna12",
		strings.Repeat("длинный ", 60)} {
		if CheckPassword("anna", bad) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, fine := range []string{good, "correct horse battery", "Tr0ub4dor&3x", "ключ🔑от🚪дома!"} {
		if err := CheckPassword("anna", fine); err != nil {
			t.Errorf("%q: %v", fine, err)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Options{Database: filepath.Join(t.TempDir(), "a.db"), Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := New(db)
	mine, yours := s.NewGuest(), s.NewGuest()
	if !s.TokenFits(mine, s.Token(mine)) || s.TokenFits(yours, s.Token(mine)) || s.TokenFits("", s.Token("")) || s.TokenFits(mine, "") {
		t.Error("a form's word fits where it should not, or does not where it should")
	}
}

func TestHashingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	s := New(nil)
	for range hashesAtOnce {
		s.hashing <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.hash(ctx, good); err == nil {
		t.Error("a request that had ended was given a place")
	}
}

// FuzzCheckPassword: whatever is typed is judged without a panic, and what is
// taken is long enough.
func FuzzCheckPassword(f *testing.F) {
	for _, seed := range []string{"", "qwerty", good, "\xff\xfe", "аааааааааа", "anna"} {
		f.Add("anna", seed)
	}
	f.Fuzz(func(t *testing.T, name, password string) {
		if CheckPassword(name, password) == nil && len(password) < minPassword {
			t.Errorf("%q was taken", password)
		}
	})
}
