package vtiger

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// office is a few records that queries are asked about.
type office struct {
	*caller
	ids map[string]string // by a short word
}

func newOffice(t *testing.T, b *bench) office {
	t.Helper()
	o := office{signedIn(t, b.Server, b.api), map[string]string{}}
	o.ids["firm"] = o.make(ModuleAccounts, `{"accountname":"Три бобра","inn":"1234567899","employees":"7"}`)
	b.clock.advance(time.Second + 300*time.Millisecond)
	o.ids["ivan"] = o.make(ModuleContacts, `{"firstname":"Иван","lastname":"Ёлкин","mobile":"8 949 1234511","birthday":"1986-11-15","account_id":"`+o.ids["firm"]+`","donotcall":"1","cf_5":"да"}`)
	b.clock.advance(time.Second)
	o.ids["anna"] = o.make(ModuleContacts, `{"firstname":"Анна","lastname":"O'Neil","email":"anna@mail.ru","fax":"12","contact_id":"`+o.ids["ivan"]+`"}`)
	b.clock.advance(time.Second)
	o.ids["olga"] = o.make(ModuleContacts, `{"firstname":"Ольга","lastname":"елкина","birthday":"1990-01-01"}`)
	o.ids["case"] = o.make(ModuleProject, `{"projectname":"Дело","contactid":"`+o.ids["ivan"]+`","agrprice":"20000.5","transport":"да"}`)
	o.ids["ours"] = o.make(ModuleProject, `{"projectname":"Иск","linktoaccountscontacts":"`+o.ids["firm"]+`"}`)
	o.ids["ticket"] = o.make(ModuleHelpDesk, `{"ticket_title":"Не работает","ticketstatus":"Open","contact_id":"`+o.ids["ivan"]+`"}`)
	o.ids["link"] = o.make(ModuleDocuments, `{"notes_title":"Сайт","filelocationtype":"E","filename":"example.com","filestatus":"1"}`)
	o.ids["note"] = o.make(ModuleDocuments, `{"notes_title":"Записка","filestatus":"0"}`)
	o.ids["word"] = o.make(ModuleModComments, `{"commentcontent":"Перезвонить","related_to":"`+o.ids["ivan"]+`"}`)
	return o
}

// names gives the short words of the records found.
func (o office) names(body string) []string {
	var found []string
	for _, row := range o.records(body) {
		name := row["id"]
		for word, id := range o.ids {
			if id == row["id"] {
				name = word
			}
		}
		found = append(found, name)
	}
	return found
}

func TestQueries(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		o := newOffice(t, b)
		for _, test := range []struct{ query, want string }{
			{"select * from Contacts;", "ivan anna olga"},
			{"select id from contacts", "ivan anna olga"},
			{"select id from Contacts where mobile='8 949 1234511'", "ivan"},
			{"select id from Contacts where mobile='+7(949) 123-45-11'", ""},
			{"select id from Contacts where lastname='ёЛКИН'", "ivan"},
			{"select id from Contacts where lastname='O''Neil'", "anna"},
			{"select id from Contacts where lastname like 'елк%' order by firstname", "ivan olga"},
			{"select id from Contacts where lastname like '%neil'", "anna"},
			{"select id from Contacts where lastname not like 'елк%'", "anna"},
			{"select id from Contacts where email='ANNA@mail.ru'", "anna"},
			{"select id from Contacts where email=''", "ivan olga"},
			{"select id from Contacts where email is not null", "anna"},
			{"select id from Contacts where mobile in ('8 949 1234511','x')", "ivan"},
			{"select id from Contacts where birthday>='1986-11-15' and birthday<'1990-01-01'", "ivan"},
			{"select id from Contacts where birthday=''", "anna"},
			{"select id from Contacts where account_id='{firm}'", "ivan"},
			{"select id from Contacts where account_id!='{firm}'", "anna olga"},
			{"select id from Contacts where account_id=''", "anna olga"},
			{"select id from Contacts where account_id is null", "anna olga"},
			{"select id from Contacts where contact_id='{ivan}'", "anna"},
			{"select id from Contacts where contact_id is null", "ivan olga"},
			{"select id from Contacts where id='{anna}' or firstname='ольга' order by id desc", "olga anna"},
			{"select id from Contacts where id>'{ivan}' order by id", "anna olga"},
			{"select id from Contacts where id in ('{ivan}','{olga}')", "ivan olga"},
			{"select id from Contacts where donotcall='1'", "ivan"},
			{"select id from Contacts where donotcall='0'", "anna olga"},
			{"select id from Contacts where donotcall!=0", "ivan"},
			{"select id from Contacts where fax='12'", "anna"},
			{"select id from Contacts where cf_5='ДА'", "ivan"},
			{"select id from Contacts where cf_6=''", "ivan anna olga"},
			{"select id from Contacts where assigned_user_id='{me}'", "ivan anna olga"},
			{"select id from Contacts where assigned_user_id='19x999'", ""},
			{"select id from Contacts where source='webservice'", "ivan anna olga"},
			{"select id from Contacts order by lastname desc", "olga ivan anna"},
			{"select id from Contacts order by createdtime desc limit 0, 2;", "olga anna"},
			{"select id from Contacts limit 1,1", "anna"},
			{"select id from Contacts limit 0", ""},
			{"select id from Contacts where createdtime='2026-11-21 12:00:01'", "ivan"},
			{"select id from Contacts where createdtime!='2026-11-21 12:00:01'", "anna olga"},
			{"select id from Contacts where createdtime>'2026-11-21 12:00:01'", "anna olga"},
			{"select id from Contacts where createdtime<='2026-11-21 12:00:01'", "ivan"},
			{"select id from Contacts where createdtime in ('2026-11-21 12:00:01','2026-11-21 12:00:02')", "ivan anna"},
			{"select id from Contacts where createdtime like '2026-11-21%'", "ivan anna olga"},
			{"select id from Contacts where createdtime not like '2026-11%'", ""},
			{"select id from Contacts where createdtime like '%'", "ivan anna olga"},
			{"select id from Contacts where createdtime like '2026-11-21 12:00:02%'", "anna"},
			{"select id from Contacts where createdtime not in ('2026-11-21 12:00:01','2026-11-21 12:00:02')", "olga"},
			{"select id from Contacts where modifiedtime>='2026-11-21 12:00:03'", "olga"},
			{"select id from Contacts where createdtime='yesterday'", ""},
			{"select id from Contacts where contact_no='{anna}'", "anna"},
			{"select id from Accounts where employees='7'", "firm"},
			{"select id from Accounts where employees='0'", ""},
			{"select id from Accounts where inn='1234567899'", "firm"},
			{"select id from Project where contactid='{ivan}'", "case"},
			{"select id from Project where linktoaccountscontacts in ('{ivan}','{firm}')", "case ours"},
			{"select id from Project where linktoaccountscontacts!='{ivan}'", "ours"},
			{"select id from Project where linktoaccountscontacts is null", ""},
			{"select id from Project where agrprice>20000", "case"},
			{"select id from Project where agrprice='20000.50'", "case"},
			{"select id from Project where agrprice=''", "ours"},
			{"select id from Project where transport='да'", "case"},
			{"select id from HelpDesk where ticket_no='{ticket}' and contact_id='{ivan}'", "ticket"},
			{"select id from HelpDesk where ticketstatus='open'", "ticket"},
			{"select id from Documents where filelocationtype='E'", "link"},
			{"select id from Documents where filestatus=1", "link"},
			{"select id from Documents where filestatus='0'", "note"},
			{"select id from Documents where folderid='22x1'", "link note"},
			{"select id from Documents where folderid!='22x1'", ""},
			{"select id from Documents where imageattachmentids='{link}'", "link"},
			{"select id from ModComments where related_to='{ivan}'", "word"},
			{"select id from Contacts where firstname='Иван' and (lastname='x' or mobile like '8 949%')", "ivan"},
		} {
			query := test.query
			for word, id := range o.ids {
				shown := id
				if strings.Contains(query, "contact_no") {
					shown = strings.Replace(id, "12x", "CON", 1)
				} else if strings.Contains(query, "ticket_no") && word == "ticket" {
					shown = strings.Replace(id, "17x", "TT", 1)
				}
				query = strings.ReplaceAll(query, "{"+word+"}", shown)
			}
			query = strings.ReplaceAll(query, "{me}", usersModule.wsid(b.api.ID))
			body := o.get(OpQuery, "query", query)
			if got := o.names(body); !slices.Equal(got, strings.Fields(test.want)) {
				t.Errorf("%s\n got %v\nwant %v\n%s", query, got, test.want, body)
			}
		}
	})
}

// The select list comes in its own order, with the id at the end unless asked.
func TestSelectList(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	o := newOffice(t, b)
	got := o.get(OpQuery, "query", "select lastname,firstname,cf_5,lastname from Contacts where firstname='Иван';")
	want := `{"success":true,"result":[{"lastname":"\u0401\u043b\u043a\u0438\u043d","firstname":"\u0418\u0432\u0430\u043d","cf_5":"\u0434\u0430","id":"` + o.ids["ivan"] + `"}]}`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := o.get(OpQuery, "query", "select count(*) from Contacts where firstname!='Иван';"); got != `{"success":true,"result":[{"count":"2"}]}` {
		t.Errorf("count: %s", got)
	}
	if got := o.post(OpQuery, "query", "select count(*) from Contacts"); got != `{"success":true,"result":[{"count":"3"}]}` {
		t.Errorf("by POST: %s", got)
	}
}

// A query gives at most MaxRows rows; limit may ask for fewer, not for more.
func TestQueryCap(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	me := signedIn(t, b.Server, b.api)
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error {
		for range 120 {
			if err := tx.Insert(&styk.Contact{LastName: "П"}, store.By{}); err != nil {
				return err
			}
		}
		return nil
	}))
	for query, want := range map[string]int{
		"select id from Contacts": 100, "select id from Contacts limit 500": 100, "select id from Contacts limit 7": 7,
		"select id from Contacts limit 110, 50": 10, "select id from Contacts limit 5, 500": 100,
	} {
		if got := len(me.records(me.get(OpQuery, "query", query))); got != want {
			t.Errorf("%s: %d rows, want %d", query, got, want)
		}
	}
}

// A query that has no time left says so, and is no internal error.
func TestSlowQuery(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	ctx, cancel := context.WithCancel(t.Context())
	c := &call{Context: ctx, s: b.Server, user: b.api}
	err := b.db.View(ctx, func(tx *store.Tx) error {
		cancel()
		_, err := tx.Select(store.Query{Kind: styk.KindContact, Limit: 1})
		return err
	})
	if !errors.Is(err, store.ErrSlow) {
		t.Fatalf("error %v", err)
	}
	if body, code := c.failure(err); code != CodeDatabaseQuery || !strings.Contains(string(body), "reads too many records") {
		t.Errorf("%s", body)
	}
}

// No query breaks the server, whatever stands in it.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"select * from Contacts;", "select count(*) from Project where agrprice > 1 or not_there = 'x'",
		"select id from Contacts where createdtime like '2026-1%' order by cf_1, lastname desc limit 1, 2",
		"select user_name from Users where id = '19x1' or last_name like '%a_'", "select id from Documents where folderid in ('22x1', '') and filestatus is null",
		"select id from HelpDesk where ticket_no like 'TT%' and parent_id != ''", "select id from ModComments where related_to > '12x5x6'",
		`select id from Contacts where firstname like 'a\'`, "select id from Accounts where annual_revenue='0.00000000' and inn in ('1')",
	} {
		f.Add(seed)
	}
	s := newDesk(f)
	boss := signedIn(f, s, &styk.User{Name: "fuzz", Role: styk.RoleAdmin})
	boss.make(ModuleContacts, vasily)
	f.Fuzz(func(t *testing.T, query string) {
		boss := *boss
		boss.t = t
		if body := boss.get(OpQuery, "query", query); strings.Contains(body, CodeInternal) || !strings.HasPrefix(body, `{"success":`) {
			t.Fatalf("%q: %s", query, body)
		}
	})
}
