package vtiger

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/intake"
	"styk/internal/httpstory"
	"styk/store"
)

// caller is a program that has signed in.
type caller struct {
	t       testing.TB
	s       http.Handler
	db      *store.DB
	session string
	user    *styk.User
}

// signedIn makes a user, unless he exists, and opens a session for him.
func signedIn(t testing.TB, s *Server, u *styk.User) *caller {
	t.Helper()
	c := &caller{t: t, s: s, db: s.DB, session: "session-of-" + u.Name, user: u}
	ok(t, s.DB.Update(t.Context(), func(tx *store.Tx) error {
		if u.ID == 0 {
			if err := tx.SaveUser(u); err != nil {
				return err
			}
		}
		return tx.StartSession(c.session, u.ID, "nonce-of-"+u.Name)
	}))
	return c
}

// get and post call an operation with pairs of names and values, and give the
// whole body of the answer.
func (c *caller) get(operation string, pairs ...string) string {
	return c.send(httptest.NewRequest(http.MethodGet, "/webservice.php?"+c.form(operation, pairs).Encode(), nil))
}

func (c *caller) post(operation string, pairs ...string) string {
	r := httptest.NewRequest(http.MethodPost, "/webservice.php", strings.NewReader(c.form(operation, pairs).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.send(r)
}

func (c *caller) form(operation string, pairs []string) url.Values {
	form := url.Values{"operation": {operation}, "sessionName": {c.session}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func (c *caller) send(r *http.Request) string {
	c.t.Helper()
	rec := httptest.NewRecorder()
	c.s.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		c.t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// record decodes an answer that must be one record.
func (c *caller) record(body string) map[string]string {
	c.t.Helper()
	var a struct {
		Success bool
		Result  map[string]string
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil || !a.Success {
		c.t.Fatalf("no record: %v in %s", err, body)
	}
	return a.Result
}

// records decodes an answer that must be a list of records.
func (c *caller) records(body string) []map[string]string {
	c.t.Helper()
	var a struct {
		Success bool
		Result  []map[string]string
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil || !a.Success {
		c.t.Fatalf("no list: %v in %s", err, body)
	}
	return a.Result
}

// make creates a record and gives its id; values are JSON.
func (c *caller) make(module, element string) string {
	c.t.Helper()
	return c.record(c.post(OpCreate, "elementType", module, "element", element))["id"]
}

func asJSON(values map[string]string) string {
	text, _ := json.Marshal(values)
	return string(text)
}

// newDesk is a server on SQLite for benchmarks and fuzzing, on the real clock.
func newDesk(t testing.TB) *Server {
	t.Helper()
	data := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Database: filepath.Join(data, "styk.db"), Key: make([]byte, 32)})
	ok(t, err)
	t.Cleanup(func() { ok(t, db.Close()) })
	blobs, err := blob.OpenDir(data)
	ok(t, err)
	return NewServer(Options{DB: db, Intake: &intake.Intake{DB: db, Blobs: blobs, MaxFile: 4 << 20}})
}

// The standard operations as a program meets them.
func TestStandardStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/standard/*.http")
	ok(t, err)
	if len(files) == 0 {
		t.Fatal("no stories")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, b *bench) {
				me := signedIn(t, b.Server, b.api)
				admin := signedIn(t, b.Server, &styk.User{Name: "boss", LastName: "Иванов", Role: styk.RoleAdmin})
				httpstory.Serve(t, file, b, map[string]string{
					"session": me.session, "me": usersModule.wsid(b.api.ID),
					"admin": admin.session, "boss": usersModule.wsid(admin.user.ID),
				})
			})
		})
	}
}

const vasily = `{"firstname":"Василий","lastname":"Пупкинидзе","mobile":"+7(949) 123-45-12","email":"rrrr@mail.ru",` +
	`"birthday":"1986-11-15","mailingstreet":"г. Калининград","assigned_user_id":"19x1"}`

// What goes wrong, in stock's very words where it has some; the numbers are
// those of the recorded exchanges with stock 8.0.
func TestRefusals(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		me := signedIn(t, b.Server, b.api)
		contact := me.make("Contacts", vasily)
		gone := me.make("Contacts", vasily)
		account := me.make("Accounts", `{"accountname":"ООО"}`)
		me.post(OpDelete, "id", gone)
		wrong := strings.Replace(contact, "12x", "11x", 1)
		denied := func(more string) string {
			return `{"success":false,"error":{"message":"Permission to perform the operation is denied` + more + `","code":"ACCESS_DENIED"}}`
		}
		noValue := func(name string, all ...string) string {
			return `{"success":false,"error":{"message":"` + name + ` does not have a value","code":"MANDATORY_FIELDS_MISSING","fields":["` +
				strings.Join(all, `","`) + `"]}}`
		}
		incorrect := `{"success":false,"error":{"message":"Id specified is incorrect","code":"INVALID_ID_ATTRIBUTE"}}`
		for _, test := range []struct {
			name, method, op string
			pairs            []string
			want             string // begins with "~": contains
		}{
			{"26 describe unknown", "get", OpDescribe, []string{"elementType", "Nosuch"}, denied(" for name : Nosuch")},
			{"29 no lastname", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"firstname":"В"}`}, noValue("lastname", "lastname")},
			{"30 empty lastname", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":""}`}, noValue("lastname", "lastname")},
			{"32 unknown owner", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"П","assigned_user_id":"19x999"}`},
				`~"message":"Invalid reference specified for assigned_user_id: there is no user 19x999","code":"REFERENCE_INVALID"`},
			{"a group owns nothing", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"П","assigned_user_id":"20x1"}`}, `~"code":"REFERENCE_INVALID"`},
			{"34 unknown module", "post", OpCreate, []string{"elementType", "Nosuch", "element", vasily}, denied("")},
			{"35 malformed", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"firstname":`}, `~malformed JSON`},
			{"36 no object", "post", OpCreate, []string{"elementType", "Contacts", "element", `"abc"`}, `~"code":"INVALID_VALUE"`},
			{"37 no element", "post", OpCreate, []string{"elementType", "Contacts"}, noValue("lastname", "lastname")},
			{"38 no module", "post", OpCreate, []string{"element", vasily}, denied("")},
			{"39 by GET", "get", OpCreate, []string{"elementType", "Contacts", "element", vasily}, denied("")},
			{"several missing", "post", OpCreate, []string{"elementType", "HelpDesk", "element", `{}`}, noValue("ticketstatus", "ticketstatus", "ticket_title")},
			{"44 bad birthday", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"П","birthday":"15 ноября"}`},
				`~"message":"birthday: expected YYYY-MM-DD","code":"INVALID_VALUE","errors":[{"field":"birthday","rule":"date"`},
			{"all faults at once", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"П","birthday":"x","support_end_date":"y","donotcall":"z","account_id":"12x1"}`},
				`~"field":"account_id"`},
			{"46 reference to a wrong module", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"П","account_id":"` + contact + `"}`},
				`~"message":"Invalid reference specified for account_id","code":"REFERENCE_INVALID"`},
			{"a wrong kind under a right prefix", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"П","account_id":"` + wrong + `"}`},
				`~"message":"Invalid reference specified for account_id","code":"REFERENCE_INVALID"`},
			{"47 reference to nothing", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"П","account_id":"11x999999"}`},
				`~"message":"Invalid reference specified for account_id: there is no record 11x999999","code":"REFERENCE_INVALID"`},
			{"alias is named as it came", "post", OpCreate, []string{"elementType", "Project", "element", `{"projectname":"П","contactid":"` + account + `x"}`}, `~Invalid reference specified for contactid`},
			{"too long", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"` + strings.Repeat("ы", 256) + `"}`}, `~"rule":"max_length"`},
			{"too long a text", "post", OpCreate, []string{"elementType", "Contacts", "element", `{"lastname":"П","description":"` + strings.Repeat("ы", 65537) + `"}`}, `~"rule":"max_length"`},
			{"users are not made here", "post", OpCreate, []string{"elementType", "Users", "element", `{"user_name":"x","last_name":"y"}`}, denied("")},
			{"52 bad format", "get", OpRetrieve, []string{"id", "abc"}, denied(" for id")},
			{"53 plain number", "get", OpRetrieve, []string{"id", "3"}, denied("")},
			{"54 not found", "get", OpRetrieve, []string{"id", "12x99999999"}, denied("")},
			{"55 wrong prefix", "get", OpRetrieve, []string{"id", wrong}, incorrect},
			{"56 unknown prefix", "get", OpRetrieve, []string{"id", "999x3"}, denied(" for id")},
			{"a module that is not served", "get", OpRetrieve, []string{"id", "10x3"}, denied("")},
			{"57 another user", "get", OpRetrieve, []string{"id", "19x999"}, denied("")},
			{"58 no id", "get", OpRetrieve, nil, denied(" for id")},
			{"76 update without the mandatory", "post", OpUpdate, []string{"element", `{"id":"` + contact + `","title":"x"}`}, noValue("lastname", "lastname")},
			{"78 revise without id", "post", OpRevise, []string{"element", `{"title":"x"}`}, denied(" for id")},
			{"79 revise nothing", "post", OpRevise, []string{"element", `{"id":"12x99999999","title":"x"}`}, denied("")},
			{"80 revise to empty", "post", OpRevise, []string{"element", `{"id":"` + contact + `","lastname":""}`}, noValue("lastname", "lastname")},
			{"81 revise with a bad prefix", "post", OpRevise, []string{"element", `{"id":"` + wrong + `","title":"x"}`}, incorrect},
			{"83 delete again", "post", OpDelete, []string{"id", gone}, denied("")},
			{"84 retrieve deleted", "get", OpRetrieve, []string{"id", gone}, denied("")},
			{"deleted under a wrong prefix", "get", OpRetrieve, []string{"id", strings.Replace(gone, "12x", "11x", 1)}, denied("")},
			{"delete by GET", "get", OpDelete, []string{"id", contact}, denied(" for id")},
			{"delete a user", "post", OpDelete, []string{"id", "19x1"}, `~"ACCESS_DENIED"`},
			{"66 no from", "get", OpQuery, []string{"query", "select id;"}, denied(" for query")},
			{"67 garbage", "get", OpQuery, []string{"query", "hello world"}, denied(" for query")},
			{"68 unknown module", "get", OpQuery, []string{"query", "select id from Nosuch;"}, denied(" for name : Nosuch")},
			{"69 unknown column", "get", OpQuery, []string{"query", "select nosuch from Contacts;"},
				`{"success":false,"error":{"message":"Permission to access '.nosuch.' attribute denied.","code":"ACCESS_DENIED"}}`},
			{"70 unknown column in where", "get", OpQuery, []string{"query", "select id from Contacts where nosuch='1';"},
				`{"success":false,"error":{"message":"Permission to access nosuch attribute denied.","code":"ACCESS_DENIED"}}`},
			{"unknown column in order", "get", OpQuery, []string{"query", "select id from Contacts order by nosuch;"}, `~Permission to access nosuch attribute denied.`},
			{"secrets are no columns", "get", OpQuery, []string{"query", "select accesskey from Users;"}, `~Permission to access '.accesskey.' attribute denied.`},
			{"72 delete statement", "get", OpQuery, []string{"query", "delete from Contacts;"},
				`{"success":false,"error":{"message":"Syntax Error on line 1: token 'delete' Unexpected Unknown(delete), expected one of: SELECT","code":"QUERY_SYNTAX_ERROR"}}`},
			{"73 empty", "get", OpQuery, nil, denied(" for query")},
			{"a reference without x", "get", OpQuery, []string{"query", "select id from Contacts where account_id='5';"}, incorrect},
			{"an id without x", "get", OpQuery, []string{"query", "select id from Contacts where id='5';"}, incorrect},
			{"half a day", "get", OpQuery, []string{"query", "select id from Contacts where createdtime like '2026-11-2%';"}, `~"rule":"pattern"`},
			{"sync since a word", "get", OpSync, []string{"modifiedTime", "yesterday"}, `~"field":"modifiedTime"`},
			{"unknown relation", "get", OpRetrieveRelated, []string{"id", contact, "relatedType", "Invoice", "relatedLabel", "Invoice"}, `~"code":"UNKOWN_ENTITY"`},
			{"a pair that cannot be tied", "post", OpAddRelated, []string{"sourceRecordId", contact, "relatedRecordId", contact, "relationIdLabel", "Contacts"}, `~"code":"UNKOWN_ENTITY"`},
			{"files of a contact", "get", OpFilesRetrieve, []string{"id", contact}, incorrect},
			{"files of nothing", "get", OpFilesRetrieve, []string{"id", "15x99999"}, `~"code":"RECORD_NOT_FOUND"`},
		} {
			got := ""
			if test.method == "get" {
				got = me.get(test.op, test.pairs...)
			} else {
				got = me.post(test.op, test.pairs...)
			}
			part, contains := strings.CutPrefix(test.want, "~")
			if contains && !strings.Contains(got, part) || !contains && got != test.want {
				t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
			}
		}
		if body := me.get(OpQuery, "query", "select count(*) from Contacts"); !strings.Contains(body, `"count":"1"`) {
			t.Errorf("a refusal left something behind: %s", body)
		}
	})
}

// Every name that a narrowed user may not say is refused, also inside others.
func TestRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	full := signedIn(t, b.Server, b.api)
	contact := full.make("Contacts", vasily)
	account := full.make("Accounts", `{"accountname":"ООО"}`)
	narrow := signedIn(t, b.Server, &styk.User{Name: "narrow", Role: styk.RoleAPI, Modules: []string{"contacts"}})
	auditor := signedIn(t, b.Server, &styk.User{Name: "auditor", Role: styk.RoleAuditor})
	for _, body := range []string{
		narrow.get(OpRetrieve, "id", account),
		narrow.get(OpDescribe, "elementType", "Accounts"),
		narrow.get(OpQuery, "query", "select * from Accounts"),
		narrow.get(OpQuery, "query", "select * from Users"),
		narrow.get(OpSync, "elementType", "Accounts"),
		narrow.get(OpRetrieveRelated, "id", contact, "relatedType", "Accounts"),
		narrow.get(OpQueryRelated, "id", contact, "query", "select id from Documents", "relatedLabel", "Documents"),
		narrow.post(OpAddRelated, "sourceRecordId", contact, "relatedRecordId", account),
		narrow.post(OpCreate, "elementType", "Accounts", "element", `{"accountname":"x"}`),
		narrow.post(OpCreate, "elementType", "Contacts", "element", `{"lastname":"x","account_id":"`+account+`"}`),
		narrow.post(OpRevise, "element", `{"id":"`+contact+`","account_id":"`+strings.TrimPrefix(account, "11x")+`"}`),
		narrow.post(OpRevise, "element", `{"id":"`+account+`","accountname":"y"}`),
		narrow.post(OpDelete, "id", account),
		narrow.get(OpFilesRetrieve, "id", "15x1"),
		auditor.post(OpCreate, "elementType", "Contacts", "element", vasily),
		auditor.post(OpUpdate, "element", vasily),
		auditor.post(OpRevise, "element", `{"id":"`+contact+`","title":"x"}`),
		auditor.post(OpDelete, "id", contact),
		auditor.post(OpAddRelated, "sourceRecordId", account, "relatedRecordId", contact),
	} {
		if !strings.Contains(body, `"code":"ACCESS_DENIED"`) {
			t.Errorf("let through: %s", body)
		}
	}
	for _, body := range []string{
		narrow.get(OpRetrieve, "id", contact),
		narrow.post(OpRevise, "element", `{"id":"`+contact+`","title":"мастер"}`),
		auditor.get(OpQuery, "query", "select * from Contacts"),
	} {
		if !strings.Contains(body, `"success":true`) {
			t.Errorf("refused: %s", body)
		}
	}
	if types := narrow.get(OpListTypes); !strings.Contains(types, `"types":["Contacts"]`) {
		t.Errorf("listtypes of a narrowed user: %s", types)
	}
	if d := auditor.get(OpDescribe, "elementType", "Contacts"); !strings.Contains(d, `"createable":false`) {
		t.Errorf("describe of an auditor: %.200s", d)
	}
}

// A key makes one record however often it comes, and refuses other values.
func TestCreateOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		me := signedIn(t, b.Server, b.api)
		first := me.post(OpCreate, "elementType", "Contacts", "element", vasily, "requestid", "k1")
		again := me.post(OpCreate, "elementType", "Contacts", "element", vasily, "requestid", "k1")
		if first != again {
			t.Errorf("the second answer differs:\n%s\n%s", first, again)
		}
		other := me.post(OpCreate, "elementType", "Contacts", "element", `{"lastname":"Иной"}`, "requestid", "k1")
		if !strings.Contains(other, `"rule":"reused"`) {
			t.Errorf("other values under the key: %s", other)
		}
		if n := me.get(OpQuery, "query", "select count(*) from Contacts;"); !strings.Contains(n, `"count":"1"`) {
			t.Errorf("count %s", n)
		}
	})
}

// Ten posts with one key at once make one record.
func TestCreateOnceAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		me := signedIn(t, b.Server, b.api)
		ids := make([]string, 10)
		var wait sync.WaitGroup
		for i := range ids {
			wait.Go(func() {
				ids[i] = me.record(me.post(OpCreate, "elementType", ModuleContacts, "element", vasily, "requestid", "one"))["id"]
			})
		}
		wait.Wait()
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 1 {
			t.Errorf("ids %v", ids)
		}
	})
}

// update empties what stock knows, revise nothing; what stock does not know
// stays in both.
func TestUpdateAndRevise(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	me := signedIn(t, b.Server, b.api)
	id := me.make("Contacts", `{"lastname":"П","title":"мастер","fax":"12","donotcall":"1","inn":"643922466250","cf_901":"своё"}`)
	b.clock.advance(5 * time.Second)
	got := me.record(me.post(OpRevise, "element", `{"id":"`+id+`","fax":"13"}`))
	if got["title"] != "мастер" || got["fax"] != "13" || got["donotcall"] != "1" || got["cf_901"] != "своё" {
		t.Errorf("revised: %v", got)
	}
	if got["createdtime"] != "2026-11-21 12:00:00" || got["modifiedtime"] != "2026-11-21 12:00:05" {
		t.Errorf("times %s %s", got["createdtime"], got["modifiedtime"])
	}
	got = me.record(me.post(OpUpdate, "element", `{"id":"`+id+`","lastname":"Р"}`))
	if got["lastname"] != "Р" || got["title"] != "" || got["fax"] != "" || got["donotcall"] != "0" {
		t.Errorf("updated: %v", got)
	}
	if got["inn"] != "643922466250" || got["cf_901"] != "своё" || got["assigned_user_id"] != usersModule.wsid(b.api.ID) {
		t.Errorf("update emptied what is ours: %v", got)
	}
}

// Custom names are without end, a record is not.
func TestExtraIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	me := signedIn(t, b.Server, b.api)
	rec := &styk.Contact{LastName: "П"}
	rec.Extra = styk.Extra{"cf_1": strings.Repeat("x", maxExtra-100)}
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error { return tx.Insert(rec, store.By{}) }))
	id := contactsModule.wsid(rec.ID)
	fits := me.post(OpRevise, "element", `{"id":"`+id+`","cf_2":"short"}`)
	over := me.post(OpRevise, "element", `{"id":"`+id+`","cf_3":"`+strings.Repeat("y", 200)+`"}`)
	if !strings.HasPrefix(fits, `{"success":true`) || !strings.Contains(over, "more than 1 MB") {
		t.Errorf("fits %.100s\nover %.200s", fits, over)
	}
}

// What comes as element never breaks the server, and a refused one leaves
// nothing behind.
func FuzzCreate(f *testing.F) {
	f.Add(vasily)
	f.Add(`{"lastname":"П","birthday":"0000-00-00","account_id":"11x1","donotcall":true,"cf_1":null}`)
	f.Add(`{"lastname":"\u0000\ud800","id":"12x1","source":1e5,"contact_id":"12x"}`)
	f.Add(`[]`)
	f.Add(`%7B%22lastname%22:%22x%22%7D`)
	if seeds, err := filepath.Glob("testdata/elements/*.json"); err == nil {
		for _, name := range seeds {
			text, err := os.ReadFile(name)
			ok(f, err)
			f.Add(string(text))
		}
	}
	s := newDesk(f)
	me := signedIn(f, s, &styk.User{Name: "fuzz", Role: styk.RoleAPI})
	f.Fuzz(func(t *testing.T, element string) {
		me := *me
		me.t = t
		count := func() string { return me.get(OpQuery, "query", "select count(*) from Contacts") }
		before := count()
		body := me.post(OpCreate, "elementType", "Contacts", "element", element)
		if !json.Valid([]byte(body)) {
			t.Fatalf("no JSON: %q", body)
		}
		if strings.Contains(body, CodeInternal) {
			t.Fatalf("internal error for %q: %s", element, body)
		}
		if made := strings.HasPrefix(body, `{"success":true`); made == (before == count()) {
			t.Fatalf("made %v, but the count went from %s to %s", made, before, count())
		}
	})
}

func BenchmarkRetrieve(b *testing.B) {
	me, ids := manyContacts(b)
	for i := 0; b.Loop(); i++ {
		me.get(OpRetrieve, "id", ids[i%len(ids)])
	}
}

func BenchmarkRetrieveParallel(b *testing.B) {
	me, ids := manyContacts(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			me.get(OpRetrieve, "id", ids[i%len(ids)])
		}
	})
}

func BenchmarkQueryByMobile(b *testing.B) {
	me, ids := manyContacts(b)
	for i := 0; b.Loop(); i++ {
		me.get(OpQuery, "query", "select id,firstname,lastname,mobile from Contacts where mobile='"+testMobile(i%len(ids))+"';")
	}
}

func BenchmarkQueryByMobileParallel(b *testing.B) {
	me, ids := manyContacts(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			me.get(OpQuery, "query", "select id,firstname,lastname,mobile from Contacts where mobile='"+testMobile(i%len(ids))+"';")
		}
	})
}

func BenchmarkCreateParallel(b *testing.B) {
	s := newDesk(b)
	me := signedIn(b, s, &styk.User{Name: "api", Role: styk.RoleAPI})
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			me.post(OpCreate, "elementType", "Contacts", "element", vasily)
		}
	})
}

func testMobile(i int) string { return "+7(949) 1" + strconv.Itoa(100000+i) }

func manyContacts(b *testing.B) (*caller, []string) {
	b.Helper()
	s := newDesk(b)
	me := signedIn(b, s, &styk.User{Name: "api", Role: styk.RoleAPI})
	var ids []string
	ok(b, s.DB.Update(b.Context(), func(tx *store.Tx) error {
		ids = nil
		for i := range 5000 {
			rec := &styk.Contact{FirstName: "Василий", LastName: "Пупкинидзе", Mobile: testMobile(i), Email: "rrrr@mail.ru"}
			if err := tx.Insert(rec, store.By{User: me.user.ID}); err != nil {
				return err
			}
			ids = append(ids, contactsModule.wsid(rec.ID))
		}
		return nil
	}))
	return me, ids
}
