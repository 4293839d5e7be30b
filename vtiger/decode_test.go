package vtiger

import (
	"testing"
	"time"

	"styk"
)

var stockOrigin = Origin{ModuleOf: func(entity int64) string {
	if entity == 47 { // an installation that has Project elsewhere
		return ModuleProject
	}
	return ModuleOf(entity)
}}

func TestDecodeKeepsWhatStandsThere(t *testing.T) {
	t.Parallel()
	rec, err := Decode(ModuleContacts, Record{
		"id": "12x83859", "firstname": "Василий", "lastname": "Пупкинидзе", "mobile": "+7(949) 123-45-12", "contact_no": "CON2",
		"account_id": "11x83837", "assigned_user_id": "19x5", "createdtime": "2023-12-25 21:12:12", "birthday": "15 ноября",
		"cf_853": "321654987654", "fax": "1", "label": "Василий Пупкинидзе", "bad name": "x",
	}, stockOrigin)
	if err != nil {
		t.Fatal(err)
	}
	c := rec.(*styk.Contact)
	if c.ID != 83859 || c.Account != 83837 || c.Owner != 0 || c.FirstName != "Василий" || c.Birthday != "" {
		t.Errorf("got %+v", c)
	}
	if want := time.Date(2023, 12, 25, 21, 12, 12, 0, time.UTC); !c.Created.Equal(want) {
		t.Errorf("created %v, want %v", c.Created, want)
	}
	for name, want := range map[string]string{"cf_853": "321654987654", "fax": "1", "birthday": "15 ноября", "contact_no": "CON2", "bad name": "", "label": ""} {
		if got := c.Extra[name]; got != want {
			t.Errorf("extra %s: got %q, want %q", name, got, want)
		}
	}
	if len(c.Warnings) != 1 || c.Warnings[0].Field != "birthday" {
		t.Errorf("warnings %+v", c.Warnings)
	}
}

func TestDecodeReferencesOfAnotherInstallation(t *testing.T) {
	t.Parallel()
	rec, err := Decode(ModuleModComments, Record{"id": "31x9", "commentcontent": "да", "related_to": "47x7"}, stockOrigin)
	if err != nil {
		t.Fatal(err)
	}
	if c := rec.(*styk.Comment); c.Related != 7 || c.ID != 9 {
		t.Errorf("got %+v", c)
	}
	rec, _ = Decode(ModuleHelpDesk, Record{"id": "17x8", "ticket_no": "TT4", "ticket_title": "x", "contact_id": "12x3"}, stockOrigin)
	if k := rec.(*styk.Ticket); k.Number != "TT4" || k.Contact != 3 {
		t.Errorf("got %+v", k)
	}
	if _, err := Decode("Invoice", Record{"id": "7x1"}, stockOrigin); err == nil {
		t.Error("a module that we do not have was taken")
	}
}
