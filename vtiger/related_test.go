package vtiger

import (
	"slices"
	"strings"
	"testing"
)

func TestRelated(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		o := newOffice(t, b)
		types := o.get(OpRelatedTypes, "elementType", ModuleAccounts)
		want := `{"success":true,"result":{"types":["Contacts","Project","HelpDesk","Documents","ModComments"],"information":{` +
			`"Contacts":{"name":"Contacts","label":"Contacts","isEntity":true},"Projects":{"name":"Project","label":"Projects","isEntity":true},`
		if !strings.HasPrefix(types, want) {
			t.Errorf("relatedtypes %s", types)
		}
		tie := func(source, other, label string) {
			t.Helper()
			body := o.post(OpAddRelated, "sourceRecordId", o.ids[source], "relatedRecordId", o.ids[other], "relationIdLabel", label)
			if body != `{"success":true,"result":{"message":"successfull"}}` {
				t.Errorf("tie %s to %s: %s", other, source, body)
			}
		}
		find := func(source, module, label, want string) {
			t.Helper()
			body := o.get(OpRetrieveRelated, "id", o.ids[source], "relatedType", module, "relatedLabel", label)
			got := o.names(body)
			slices.Sort(got)
			if !slices.Equal(got, strings.Fields(want)) {
				t.Errorf("%s of %s: got %v, want %s", module, source, got, want)
			}
		}
		find("firm", "Contacts", "Contacts", "ivan")
		find("ivan", "Accounts", "", "firm")
		find("anna", "Accounts", "Accounts", "")
		find("ivan", "Project", "Projects", "case")
		find("ivan", "project", "project", "case")
		find("firm", "Project", "Projects", "ours")
		find("ivan", "HelpDesk", "HelpDesk", "ticket")
		find("ivan", "ModComments", "ModComments", "word")
		find("ivan", "Documents", "Documents", "")
		tie("firm", "anna", "Contacts")
		tie("olga", "firm", "Accounts")
		tie("firm", "case", "Projects")
		tie("firm", "ticket", "")
		tie("ivan", "note", "Documents")
		tie("link", "ivan", "Contacts")
		tie("ivan", "ours", "Projects")
		find("firm", "Contacts", "Contacts", "anna ivan olga")
		find("firm", "Project", "Projects", "case")
		find("ivan", "Project", "Projects", "case ours")
		find("firm", "HelpDesk", "HelpDesk", "ticket")
		find("ivan", "Documents", "Documents", "link note")
		find("note", "Contacts", "Contacts", "ivan")
		body := o.get(OpQueryRelated, "id", o.ids["firm"], "relatedLabel", "Contacts",
			"query", "select lastname from Contacts WHERE lastname like 'елк%' order by lastname desc limit 1;")
		if got := o.names(body); !slices.Equal(got, []string{"olga"}) {
			t.Errorf("query_related: %s", body)
		}
		o.post(OpDelete, "id", o.ids["note"])
		find("ivan", "Documents", "Documents", "link")
	})
}
