package web

import (
	"testing"

	"styk"
	"styk/store"
)

// TestPeopleInBrowser plays the owner and the colleague he invites in a real
// Chromium, with codes of a phone, and looks at every page about people and keys.
func TestPeopleInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	d := newDesk(t)
	d.staff.Programs = samplePrograms
	for name, role := range map[string]styk.Role{"olga": styk.RoleOwner, "phone": styk.RoleOperator, "inviter": styk.RoleOwner,
		"looker": styk.RoleOwner, "keeper": styk.RoleAdmin} {
		d.named(name, role)
	}
	d.update(func(tx *store.Tx) error {
		if err := tx.SaveUser(&styk.User{Name: "site", Role: styk.RoleAPI, AccessKey: "Key00000000001", Operations: []string{"createcontact", "getfileslist"},
			Networks: []string{"203.0.113.7/32"}}); err != nil {
			return err
		}
		if err := tx.SaveUser(&styk.User{Name: "former", FirstName: "Пётр", LastName: "Бывалый", Role: styk.RoleAuditor, Disabled: true}); err != nil {
			return err
		}
		if _, err := tx.SaveCardTemplate(&styk.CardTemplate{ID: "5be000000000000000000001", Name: "Карта гостя"}); err != nil {
			return err
		}
		return tx.SaveCardToken(&styk.CardToken{Name: "1c", Always200: true, PerMinute: 120, Templates: []string{"5be000000000000000000001"}}, "demo-passteam-token")
	})
	playAdmin(t, "testdata/admin/people_test.js", "STYK="+d.url, "FOREIGN="+d.url, "PASSWORD="+deskPassword)
}
