package staff

import (
	"slices"
	"testing"

	"styk"
	"styk/store"
)

var known = Programs{Operations: []string{"CreateContact", "GetFilesList", "query"}, Seed: []string{"CreateContact", "GetFilesList"},
	Modules: []string{"Contacts", "Accounts"}}

func TestProgramsGetKeys(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		s.Programs = known
		anna, auditor := boss(t, s), colleague(t, s, "auditor", styk.RoleAuditor)
		for field, u := range map[string]*styk.User{
			"name": {Name: "a b"}, "operations": {Name: "site", Operations: []string{"DropAll"}}, "modules": {Name: "site", Modules: []string{"contacts"}},
			"networks": {Name: "site", Networks: []string{"10.0.0.0/8", "somewhere"}},
		} {
			_, err := s.AddProgram(ctx, anna, u)
			wantField(t, err, field)
		}
		_, err := s.AddProgram(ctx, auditor, &styk.User{Name: "site"})
		wantCode(t, err, styk.Forbidden)
		site := &styk.User{Name: "site", Operations: []string{"CreateContact"}, Networks: []string{"203.0.113.7", "10.1.2.3/8", "2001:db8::1"}}
		key, err := s.AddProgram(ctx, anna, site)
		if err != nil || !styk.ValidAccessKey(key) {
			t.Fatalf("%q %v", key, err)
		}
		kept := keptUser(t, s, site.ID)
		if kept.AccessKey != key || kept.Role != styk.RoleAPI || !slices.Equal(kept.Operations, []string{"createcontact"}) ||
			!slices.Equal(kept.Networks, []string{"203.0.113.7/32", "10.0.0.0/8", "2001:db8::1/128"}) {
			t.Errorf("%+v", kept)
		}
		if err := s.ChangeProgram(ctx, anna, &styk.User{ID: site.ID, Name: "site", Modules: []string{"Contacts"}}); err != nil {
			t.Fatal(err)
		}
		if kept = keptUser(t, s, site.ID); kept.AccessKey != key || len(kept.Operations) != 0 || len(kept.Modules) != 1 {
			t.Errorf("%+v", kept)
		}
		other, err := s.NewKey(ctx, anna, site.ID)
		if err != nil || other == key || keptUser(t, s, site.ID).AccessKey != other {
			t.Errorf("%q %v", other, err)
		}
		if err := s.DisableProgram(ctx, anna, site.ID); err != nil || !keptUser(t, s, site.ID).Disabled {
			t.Error(err)
		}
		if err := s.EnableProgram(ctx, anna, site.ID); err != nil || keptUser(t, s, site.ID).Disabled {
			t.Error(err)
		}
		wantCode(t, s.DisableProgram(ctx, anna, auditor.ID), styk.NotFound) // a person is no program
		if list, err := s.ListPrograms(ctx); err != nil || len(list) != 1 {
			t.Errorf("%v %v", list, err)
		}
	})
}

func keptUser(t *testing.T, s *Staff, id styk.ID) (u *styk.User) {
	t.Helper()
	err := s.db.View(t.Context(), func(tx *store.Tx) (err error) {
		u, err = tx.User(id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCardTokens(t *testing.T) {
	t.Parallel()
	eachDoor(t, func(t *testing.T, s *Staff, c *clock) {
		ctx := t.Context()
		anna := boss(t, s)
		alive := func(secret string) bool {
			return s.db.View(ctx, func(tx *store.Tx) error {
				_, _, err := tx.CardToken(secret)
				return err
			}) == nil
		}
		for field, bad := range map[string]*styk.CardToken{
			"name": {Name: ""}, "per_minute": {Name: "1c", PerMinute: -1}, "templates": {Name: "1c", Templates: []string{"5be000000000000000000009"}},
		} {
			_, err := s.AddToken(ctx, anna, bad)
			wantField(t, err, field)
		}
		_, err := s.AddToken(ctx, colleague(t, s, "int", styk.RoleIntegrator), &styk.CardToken{Name: "1c"})
		wantCode(t, err, styk.Forbidden)
		token := &styk.CardToken{Name: "1c", Always200: true}
		secret, err := s.AddToken(ctx, anna, token)
		if err != nil || !alive(secret) {
			t.Fatal(err)
		}
		_, err = s.AddToken(ctx, anna, &styk.CardToken{Name: "1c"})
		wantField(t, err, "name")
		if err := s.ChangeToken(ctx, anna, &styk.CardToken{ID: token.ID, PerMinute: 30}); err != nil {
			t.Fatal(err)
		}
		if kept, err := s.CardToken(ctx, token.ID); err != nil || kept.Always200 || kept.PerMinute != 30 || kept.Name != "1c" || !alive(secret) {
			t.Errorf("%+v %v", kept, err)
		}
		other, err := s.RenewToken(ctx, anna, token.ID)
		if err != nil || alive(secret) || !alive(other) {
			t.Error(err)
		}
		if err := s.RevokeToken(ctx, anna, token.ID); err != nil || alive(other) {
			t.Error(err)
		}
		if err := s.RestoreToken(ctx, anna, token.ID); err != nil || !alive(other) {
			t.Error(err)
		}
		wantCode(t, s.RevokeToken(ctx, anna, 999), styk.NotFound)
	})
}

// FuzzReadNetwork: whatever is typed, what is taken is a network and stays one.
func FuzzReadNetwork(f *testing.F) {
	for _, seed := range []string{"203.0.113.7", "10.1.2.3/8", "fe80::1%eth0", "::ffff:10.0.0.1", "10.0.0.0/33", "", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		network, ok := readNetwork(text)
		if again, still := readNetwork(network); ok && (!still || again != network) {
			t.Errorf("%q became %q", text, network)
		}
	})
}
