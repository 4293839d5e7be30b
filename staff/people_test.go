package staff

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// colleague adds somebody who has a password.
func colleague(t *testing.T, s *Staff, name string, role styk.Role) *styk.User {
	t.Helper()
	hash, err := s.hash(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	u := &styk.User{Name: name, Role: role}
	err = s.db.Update(t.Context(), func(tx *store.Tx) error {
		u.ID = 0
		if err := tx.SaveUser(u); err != nil {
			return err
		}
		return tx.SavePassword(u.ID, hash)
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func boss(t *testing.T, s *Staff) *styk.User {
	t.Helper()
	session, err := s.Session(t.Context(), owner(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return session.User
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), field+":") {
		t.Errorf("got %v, want a fault of %s", err, field)
	}
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		anna := boss(t, s)
		for _, wrong := range []struct {
			i     store.Invitation
			field string
		}{{store.Invitation{Name: "two words", Role: styk.RoleOperator}, "name"}, {store.Invitation{Name: "boris", Role: styk.RoleAPI}, "role"},
			{store.Invitation{Name: "boris", Role: styk.RoleAdmin, Email: "no address"}, "email"}, {store.Invitation{Name: "ANNA", Role: styk.RoleAdmin}, "name"}} {
			_, _, err := s.Invite(ctx, anna, &wrong.i)
			wantField(t, err, wrong.field)
		}
		i := &store.Invitation{Name: "boris", FirstName: "Борис", Role: styk.RoleOperator, Email: "boris@firm.example"}
		old, sent, err := s.Invite(ctx, anna, i)
		if err != nil || sent { // there is no mail server
			t.Fatalf("%v %v", sent, err)
		}
		_, _, err = s.Invite(ctx, anna, &store.Invitation{Name: "Boris", Role: styk.RoleOperator})
		wantField(t, err, "name")
		link, _, err := s.RenewInvitation(ctx, anna, i.ID)
		if err != nil || link == old {
			t.Fatal(err)
		}
		for _, dead := range []string{old, link + "0", "i", "i1-", "i-1-x", strings.Replace(link, "-", "-0", 1)} {
			_, err = s.OpenLink(ctx, dead, here)
			wantCode(t, err, styk.NotFound)
		}
		o, err := s.OpenLink(ctx, link, here)
		if err != nil || !o.Invited || o.User.Name != "boris" {
			t.Fatalf("%+v %v", o, err)
		}
		var wg sync.WaitGroup
		in := make(chan string, 4)
		for range 4 {
			wg.Go(func() {
				if e, err := s.UseLink(ctx, link, "mallory", good, here); err == nil {
					in <- e.Secret
				}
			})
		}
		wg.Wait()
		if len(in) != 1 {
			t.Fatalf("the link let %d in", len(in))
		}
		session, err := s.Session(ctx, <-in)
		if err != nil || session.User.Name != "boris" || session.User.Role != styk.RoleOperator || session.User.FirstName != "Борис" {
			t.Fatalf("%+v %v", session, err)
		}
		if list, _ := s.Invitations(ctx); len(list) != 0 {
			t.Errorf("still waiting: %v", list)
		}
	})
}

func TestInvitationEndsAndIsTakenBack(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		anna, admin := boss(t, s), colleague(t, s, "admin", styk.RoleAdmin)
		_, _, err := s.Invite(ctx, admin, &store.Invitation{Name: "second", Role: styk.RoleOwner})
		wantCode(t, err, styk.Forbidden)
		i := &store.Invitation{Name: "second", Role: styk.RoleOwner}
		link, _, err := s.Invite(ctx, anna, i)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, s.DropInvitation(ctx, admin, i.ID), styk.Forbidden)
		if err := s.DropInvitation(ctx, anna, i.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.UseLink(ctx, link, "", good, here)
		wantCode(t, err, styk.NotFound)
		_, _, err = s.Invite(ctx, colleague(t, s, "op", styk.RoleOperator), &store.Invitation{Name: "third", Role: styk.RoleOperator})
		wantCode(t, err, styk.Forbidden)

		late := &store.Invitation{Name: "late", Role: styk.RoleOperator}
		link, _, err = s.Invite(ctx, admin, late)
		if err != nil {
			t.Fatal(err)
		}
		c.move(InvitationLife)
		_, err = s.OpenLink(ctx, link, here)
		wantCode(t, err, styk.NotFound)
		if link, _, err = s.RenewInvitation(ctx, admin, late.ID); err != nil {
			t.Fatal(err)
		}
		if _, err = s.OpenLink(ctx, link, here); err != nil {
			t.Error(err)
		}
		c.move(60 * 24 * time.Hour)
		if err := s.db.Sweep(ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
		if list, _ := s.Invitations(ctx); len(list) != 0 {
			t.Errorf("kept for ever: %v", list)
		}
	})
}

// TestInvitationByLetter: what waits in the database does not open the door,
// what the letter says does.
func TestInvitationByLetter(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		anna, woken := boss(t, s), 0
		s.Wake = func() { woken++ }
		err := s.db.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.SaveTarget(&styk.Target{Name: styk.MailTarget, Kind: "email"}, nil)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		link, sent, err := s.Invite(ctx, anna, &store.Invitation{Name: "boris", Role: styk.RoleOperator, Email: "boris@firm.example"})
		if err != nil || !sent || woken != 1 {
			t.Fatalf("%v %d %v", sent, woken, err)
		}
		var waiting []*store.DeliveryRow
		err = s.db.View(ctx, func(tx *store.Tx) (err error) {
			waiting, err = tx.Deliveries(store.DeliveryFilter{Limit: 5})
			return err
		})
		if err != nil || len(waiting) != 1 || strings.Contains(string(waiting[0].Content), link) {
			t.Fatalf("%v %v", waiting, err)
		}
	})
}

func TestLinksAreNotGuessed(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		anna := boss(t, s)
		link, _, err := s.Invite(ctx, anna, &store.Invitation{Name: "boris", Role: styk.RoleOperator})
		if err != nil {
			t.Fatal(err)
		}
		for range missesAddress {
			_, err = s.OpenLink(ctx, "nonsense", here)
			wantCode(t, err, styk.NotFound)
		}
		_, err = s.OpenLink(ctx, link, here)
		wantCode(t, err, styk.TooMany)
		_, err = s.UseLink(ctx, link, "", good, here)
		wantCode(t, err, styk.TooMany)
		if _, err = s.OpenLink(ctx, link, Client{Address: "198.51.100.1"}); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
	})
}

func TestRolesAndTheLastOwner(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		anna, admin := boss(t, s), colleague(t, s, "admin", styk.RoleAdmin)
		op, site := colleague(t, s, "op", styk.RoleOperator), addUser(t, s, "site", styk.RoleAPI)
		to := func(id styk.ID, role styk.Role) *styk.User { return &styk.User{ID: id, Role: role} }
		for name, err := range map[string]error{
			"an admin makes himself owner":   s.ChangeColleague(ctx, admin, to(admin.ID, styk.RoleOwner)),
			"an owner demotes himself":       s.ChangeColleague(ctx, anna, to(anna.ID, styk.RoleAdmin)),
			"an owner disables himself":      s.Disable(ctx, anna, anna.ID),
			"an admin makes an owner":        s.ChangeColleague(ctx, admin, to(op.ID, styk.RoleOwner)),
			"an admin disables an owner":     s.Disable(ctx, admin, anna.ID),
			"an admin ends owners' sessions": s.EndSessionOf(ctx, admin, anna.ID, 0),
			"an operator disables":           s.Disable(ctx, op, admin.ID),
			"a program becomes a person":     s.ChangeColleague(ctx, anna, to(site, styk.RoleAdmin)),
			"a person becomes a program":     s.ChangeColleague(ctx, anna, to(op.ID, styk.RoleAPI)),
		} {
			if err == nil {
				t.Errorf("%s", name)
			}
		}
		if _, err := s.LinkFor(ctx, admin, anna.ID); err == nil {
			t.Error("an admin gets a link to the owner's password")
		}
		if err := s.ChangeColleague(ctx, anna, &styk.User{ID: op.ID, Role: styk.RoleOwner, FirstName: " Олег ", Email: "oleg@firm.example"}); err != nil {
			t.Fatal(err)
		}
		op.Role = styk.RoleOwner
		var wg sync.WaitGroup // two owners remove each other: one remains
		for _, pair := range [][2]*styk.User{{anna, op}, {op, anna}} {
			wg.Go(func() { _ = s.ChangeColleague(ctx, pair[0], to(pair[1].ID, styk.RoleAuditor)) })
		}
		wg.Wait()
		list, err := s.Colleagues(ctx)
		owners := slices.DeleteFunc(list, func(c Colleague) bool { return c.User.Role != styk.RoleOwner })
		if err != nil || len(owners) != 1 {
			t.Errorf("%d owners remain (%v)", len(owners), err)
		}
	})
}

func TestDisablingEndsAll(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		anna, op := boss(t, s), colleague(t, s, "op", styk.RoleOperator)
		one, two := mustLogin(t, s, "op"), mustLogin(t, s, "op")
		link, err := s.LinkFor(ctx, anna, op.ID)
		if err != nil {
			t.Fatal(err)
		}
		found, sessions, err := s.Colleague(ctx, op.ID)
		if err != nil || len(sessions) != 2 || found.Seen.IsZero() || !found.Password || found.Code {
			t.Fatalf("%+v %v %v", found, sessions, err)
		}
		if err := s.EndSessionOf(ctx, anna, op.ID, sessions[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, sessions, _ = s.Colleague(ctx, op.ID); len(sessions) != 1 {
			t.Errorf("%d sessions", len(sessions))
		}
		if err := s.Disable(ctx, anna, op.ID); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{one, two} {
			_, err = s.Session(ctx, secret)
			wantCode(t, err, styk.NotFound)
		}
		_, err = s.UseLink(ctx, link, "", good, here)
		wantCode(t, err, styk.NotFound)
		if err := s.Enable(ctx, anna, op.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.Session(ctx, one) // ended is ended
		wantCode(t, err, styk.NotFound)
		mustLogin(t, s, "op")
	})
}
