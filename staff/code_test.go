package staff

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"styk"
	"styk/store"
)

// TestCodesAreThoseOfTheStandard: RFC 6238, appendix B, SHA-1; RFC 4226,
// appendix D.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924",
		2000000000: "69279037", 20000000000: "65353130"} {
		if got := codeAt(secret, stepOf(time.Unix(at, 0)), 8); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
	}
	for step, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := codeAt(secret, int64(step), 6); got != want {
			t.Errorf("step %d: got %s, want %s", step, got, want)
		}
	}
}

func TestACodeFitsNearItsTimeAndOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), codeSecret, codeSecret).Draw(t, "secret")
		at := time.Unix(rapid.Int64Range(1e9, 4e9).Draw(t, "at"), 0)
		off := rapid.Int64Range(-4, 4).Draw(t, "off")
		code := codeAt(secret, stepOf(at)+off, codeDigits)
		step, ok := stepFor(secret, code, at, 0)
		near := off >= -codeDrift && off <= codeDrift
		if near && !ok {
			t.Fatalf("the code of %d steps away does not fit", off)
		}
		if !near && ok { // one in some hundred thousand: another step has this code too
			if codeAt(secret, step, codeDigits) != code {
				t.Fatal("a code fits that is none")
			}
			return
		}
		if again, ok := stepFor(secret, code, at, stepOf(at)+codeDrift); ok {
			t.Fatalf("taken again, as that of step %d", again)
		}
	})
}

func TestWhatThePhoneReads(t *testing.T) {
	t.Parallel()
	address := codeAddress([]byte("12345678901234567890"), "styk ООО «Ромашка»", "анна:м")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		t.Fatalf("%s: %v", address, err)
	}
	if got := u.Query().Get("secret"); got != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Error(got)
	}
	if u.Query().Get("issuer") != "styk ООО «Ромашка»" || !strings.HasPrefix(u.Path, "/styk ООО «Ромашка»:") || strings.Contains(address, "+") {
		t.Error(address)
	}
}

// FuzzTidyCode: whatever is typed is tidied without a panic, once and for all.
func FuzzTidyCode(f *testing.F) {
	for _, seed := range []string{"123 456", "abcde-fghjk", " ABCDE FGHJK ", "", "\xff", "１２３"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, code string) {
		once := tidyCode(code)
		if tidyCode(once) != once {
			t.Errorf("%q", code)
		}
		if _, ok := stepFor([]byte("k"), once, time.Unix(59, 0), 0); ok && len(once) != codeDigits {
			t.Errorf("%q is a code", code)
		}
	})
}

// phone is what shows the codes of one secret.
type phone struct {
	secret []byte
	c      *clock
}

func (p phone) code() string { return codeAt(p.secret, stepOf(p.c.now()), codeDigits) }

// enrol switches the second factor of a session's person on.
func enrol(t *testing.T, s *Staff, c *clock, secret string) (phone, []string) {
	t.Helper()
	session, err := s.Session(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Enrolment(t.Context(), session.User, "styk"); err != nil {
		t.Fatal(err)
	}
	p := phone{c: c}
	err = s.db.View(t.Context(), func(tx *store.Tx) error {
		kept, err := tx.TOTP(session.User.ID)
		p.secret = kept.Secret
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	codes, err := s.Enrol(t.Context(), session, p.code())
	if err != nil || len(codes) != recoveryCodes {
		t.Fatalf("%v: %v", codes, err)
	}
	return p, codes
}

func TestLoginWithACode(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		first := owner(t, s)
		elsewhere, _ := whole(s.Login(ctx, "anna", good, here))
		p, codes := enrol(t, s, c, first)
		if _, err := s.Session(ctx, first); err != nil {
			t.Errorf("the session in which it was done: %v", err)
		}
		_, err := s.Session(ctx, elsewhere)
		wantCode(t, err, styk.NotFound)

		used := p.code()
		e, err := s.Login(ctx, "anna", good, here)
		if err != nil || !e.Half {
			t.Fatalf("%+v: %v", e, err)
		}
		_, err = s.Session(ctx, e.Secret) // the password alone opens nothing
		wantCode(t, err, styk.NotFound)
		if u, err := s.Half(ctx, e.Secret); err != nil || u.Name != "anna" {
			t.Fatalf("%v %v", u, err)
		}
		for _, bad := range []string{used, "000000", "", "abcde-fghjk", strings.Repeat("1", 500)} {
			_, err = s.LoginCode(ctx, e.Secret, bad, here)
			wantCode(t, err, styk.Forbidden)
		}
		c.move(codeStep)
		code := p.code()
		whole := make(chan string, 4)
		var wg sync.WaitGroup
		for range 4 { // one code, one session
			wg.Go(func() {
				if secret, err := s.LoginCode(ctx, e.Secret, " "+code[:3]+" "+code[3:], here); err == nil {
					whole <- secret
				}
			})
		}
		wg.Wait()
		if len(whole) != 1 {
			t.Fatalf("one code let %d in", len(whole))
		}
		if _, err = s.Session(ctx, <-whole); err != nil {
			t.Error(err)
		}
		again, _ := s.Login(ctx, "anna", good, here)
		_, err = s.LoginCode(ctx, again.Secret, code, here) // looked over the shoulder
		wantCode(t, err, styk.Forbidden)

		if _, err = s.LoginCode(ctx, again.Secret, strings.ToUpper(codes[3]), here); err != nil {
			t.Fatalf("with a code for a lost phone: %v", err)
		}
		again, _ = s.Login(ctx, "anna", good, here)
		_, err = s.LoginCode(ctx, again.Secret, codes[3], here)
		wantCode(t, err, styk.Forbidden)
		c.move(halfLife)
		_, err = s.LoginCode(ctx, again.Secret, p.code(), here)
		wantCode(t, err, styk.NotFound)
	})
}

func TestGuessingCodesIsHeldBack(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		p, _ := enrol(t, s, c, owner(t, s))
		c.move(codeStep)
		e, err := s.Login(ctx, "anna", good, here)
		if err != nil {
			t.Fatal(err)
		}
		for i := range missesCode {
			from := Client{Address: "198.51.100." + string(rune('1'+i%9))} // from everywhere
			_, err = s.LoginCode(ctx, e.Secret, "nonsense", from)
			wantCode(t, err, styk.Forbidden)
		}
		_, err = s.LoginCode(ctx, e.Secret, p.code(), here)
		wantCode(t, err, styk.TooMany)
		c.move(guessWindow + time.Second)
		if e, err = s.Login(ctx, "anna", good, here); err != nil {
			t.Fatal(err)
		}
		if _, err = s.LoginCode(ctx, e.Secret, p.code(), here); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

func TestAPasswordLinkIsNoWayAroundTheCode(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		session, _ := s.Session(ctx, owner(t, s))
		p, _ := enrol(t, s, c, mustLogin(t, s, "anna"))
		link, err := s.Link(ctx, 0, session.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.UseLink(ctx, link, "", good+"!", here)
		if err != nil || !e.Half {
			t.Fatalf("%+v: %v", e, err)
		}
		c.move(codeStep)
		if _, err := s.LoginCode(ctx, e.Secret, p.code(), here); err != nil {
			t.Error(err)
		}
	})
}

func mustLogin(t *testing.T, s *Staff, name string) string {
	t.Helper()
	secret, err := whole(s.Login(t.Context(), name, good, here))
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestTheRuleAndItsEnd(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		secret := owner(t, s)
		session, _ := s.Session(ctx, secret)
		anna := session.User
		boris := colleague(t, s, "boris", styk.RoleAdmin)
		wantCode(t, s.SetCodeRoles(ctx, boris, nil), styk.Forbidden)
		wantCode(t, s.SetCodeRoles(ctx, anna, []styk.Role{styk.RoleAPI}), styk.Invalid)
		if err := s.SetCodeRoles(ctx, anna, []styk.Role{styk.RoleAdmin}); err != nil {
			t.Fatal(err)
		}
		his := mustLogin(t, s, "boris")
		if session, err := s.Session(ctx, his); err != nil || !session.CodeDue {
			t.Fatalf("nothing is asked of boris: %v", err)
		}
		if session, _ = s.Session(ctx, secret); session.CodeDue {
			t.Error("anna's role needs none")
		}
		p, _ := enrol(t, s, c, his)
		if session, err := s.Session(ctx, his); err != nil || session.CodeDue {
			t.Errorf("it is done: %v", err)
		}
		c.move(codeStep)
		wantCode(t, s.DropCodes(ctx, boris, "000000", here), styk.Forbidden)
		other, err := s.NewRecovery(ctx, boris, p.code(), here)
		if err != nil || len(other) != recoveryCodes {
			t.Fatal(err)
		}
		wantCode(t, s.DropCodes(ctx, boris, p.code(), here), styk.Forbidden) // it was used a moment ago
		if err := s.DropCodes(ctx, boris, other[0], here); err != nil {
			t.Fatal(err)
		}
		if session, err := s.Session(ctx, his); err != nil || !session.CodeDue {
			t.Errorf("the rule holds on: %v", err)
		}
		enrol(t, s, c, his)
		wantCode(t, s.ResetCodes(ctx, boris, anna.ID), styk.Forbidden)
		if err := s.ResetCodes(ctx, anna, boris.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.Session(ctx, his)
		wantCode(t, err, styk.NotFound)
		mustLogin(t, s, "boris")
	})
}
