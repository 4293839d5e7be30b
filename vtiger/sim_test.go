package vtiger

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// simAsk is a client with nothing of ours in it.
type simAsk struct {
	t       *testing.T
	sim     *Sim
	session string
}

func newSimAsk(t *testing.T, options ...SimOption) *simAsk {
	a := &simAsk{t: t, sim: NewSim(append([]SimOption{SimUser("admin", "FvYxjhfenXBRj2jp")}, options...)...)}
	a.session = a.login()
	return a
}

func (a *simAsk) login() string {
	var challenge, in struct {
		Result struct{ Token, SessionName string }
	}
	_, _, body := a.send("GET", "/webservice.php?operation=getchallenge&username=admin", "")
	ok(a.t, json.Unmarshal([]byte(body), &challenge))
	_, _, body = a.send("POST", "/webservice.php", "operation=login&username=admin&accessKey="+loginProof(challenge.Result.Token, "FvYxjhfenXBRj2jp"))
	ok(a.t, json.Unmarshal([]byte(body), &in))
	return in.Result.SessionName
}

// send posts an urlencoded body, or none.
func (a *simAsk) send(method, target, body string) (status int, kind, answer string) {
	target = strings.ReplaceAll(strings.ReplaceAll(target, "$S", a.session), " ", "%20")
	r := httptest.NewRequest(method, target, strings.NewReader(strings.ReplaceAll(body, "$S", a.session)))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(body, "{") {
			r.Header.Set("Content-Type", "application/json")
		}
	}
	rec := httptest.NewRecorder()
	a.sim.ServeHTTP(rec, r)
	return rec.Code, rec.Header().Get("Content-Type"), rec.Body.String()
}

func element(operation, module, json string) string {
	return "operation=" + operation + "&sessionName=$S&elementType=" + module + "&element=" + url.QueryEscape(json)
}

func refused(message, code string) string {
	return `{"success":false,"error":{"message":"` + message + `","code":"` + code + `"}}`
}

// The recorded exchanges of a stock 8.0.0, by their numbers. "…" in a wanted
// answer stands for anything.
func TestSimAnswersAsRecorded(t *testing.T) {
	t.Parallel()
	const contact = `{"firstname":"Василий","lastname":"Пупкинидзе","mobile":"+7(949) 123-45-12","email":"rrrr@mail.ru","birthday":"1986-11-15","mailingstreet":"г. Калининград","assigned_user_id":"19x1"`
	const html, j = "text/html; charset=UTF-8", "application/json"
	denied := refused("Permission to perform the operation is denied", "ACCESS_DENIED")
	a := newSimAsk(t) // later exchanges see what earlier ones made
	for _, c := range []struct {
		number, method, target, body string
		status                       int
		kind, want                   string
	}{
		{"01", "GET", "/webservice.php?operation=getchallenge&username=admin", "", 200, j, `{"success":true,"result":{"token":"…","serverTime":…,"expireTime":…}}`},
		{"02", "GET", "/webservice.php?operation=getchallenge", "", 200, j, refused("No username given", "ACCESS_DENIED")},
		{"03", "GET", "/webservice.php?operation=getchallenge&username=nobody", "", 200, j, refused("username does not exists", "ACCESS_DENIED")},
		{"04", "POST", "/webservice.php", "operation=getchallenge&username=admin", 200, j, refused("No username given", "ACCESS_DENIED")},
		{"05", "GET", "/webservice.php?operation=GetChallenge&username=admin", "", 200, j, `{"success":true,…`},
		{"07", "POST", "/webservice.php", "operation=login&username=admin&accessKey=00000000000000000000000000000000", 200, j, refused("Invalid username or password", "INVALID_USER_CREDENTIALS")},
		{"08", "POST", "/webservice.php", "operation=login&username=nobody&accessKey=00", 200, j, refused("Specified token is invalid or expired", "INVALID_AUTH_TOKEN")},
		{"09", "GET", "/webservice.php?operation=login&username=admin&accessKey=05339e0cbfd32de9bacf67e24bd6f72a", "", 200, j, refused("Specified token is invalid or expired", "INVALID_AUTH_TOKEN")},
		{"13", "GET", "/webservice.php?operation=nosuchop&sessionName=$S", "", 500, html, ""},
		{"15", "GET", "/webservice.php?sessionName=$S", "", 500, html, ""},
		{"17", "GET", "/webservice.php?operation=getchallenge&username=admin&format=xml", "", 500, html, ""},
		{"18", "GET", "/webservice.php?operation=listtypes", "", 200, j, refused("Authencation required", "AUTHENTICATION_REQUIRED")},
		{"19", "GET", "/webservice.php?operation=listtypes&sessionName=deadbeef", "", 200, j, refused("Session Identifier provided is Invalid", "INVALID_SESSIONID")},
		{"20", "GET", "/webservice.php?operation=listtypes&sessionName=null", "", 200, j, refused("Authencation required", "AUTHENTICATION_REQUIRED")},
		{"21", "GET", "/webservice.php?operation=listtypes&sessionId=$S", "", 200, j, refused("Authencation required", "AUTHENTICATION_REQUIRED")},
		{"23", "POST", "/webservice.php", "operation=listtypes&sessionName=$S", 200, j, `{"success":true,"result":{"types":["…`},
		{"25", "GET", "/webservice.php?operation=describe&sessionName=$S&elementType=Contacts", "", 200, j, `{"success":true,"result":{"label":"Contacts","name":"Contacts","createable":true,"updateable":true,"deleteable":true,"retrieveable":true,"fields":[{"name":"salutationtype","label":"Salutation","mandatory":false,"type":{"name":"string"},"isunique":false,"nullable":true,"editable":true,"default":""},{"name":"firstname",…`},
		{"26", "GET", "/webservice.php?operation=describe&sessionName=$S&elementType=Nosuch", "", 200, j, refused("Permission to perform the operation is denied for name : Nosuch", "ACCESS_DENIED")},
		{"27", "POST", "/webservice.php", element("create", "Contacts", contact+"}"), 200, j, `{"success":true,"result":{"salutationtype":"","firstname":"\u0412\u0430\u0441\u0438\u043b\u0438\u0439","contact_no":"CON1","phone":"","lastname":"\u041f\u0443\u043f\u043a\u0438\u043d\u0438\u0434\u0437\u0435","mobile":"+7(949) 123-45-12","account_id":"","homephone":"","leadsource":"","otherphone":"","title":"","fax":"","department":"","birthday":"1986-11-15","email":"rrrr@mail.ru","contact_id":"","assistant":"","secondaryemail":"","assistantphone":"","donotcall":"0","emailoptout":"0","assigned_user_id":"19x1","reference":"0","notify_owner":"0","createdtime":"…","modifiedtime":"…","modifiedby":"19x1","isconvertedfromlead":"0","source":"WEBSERVICE","starred":"0","tags":"","portal":"0","support_start_date":"","support_end_date":"","mailingstreet":"\u0433. \u041a\u0430\u043b\u0438\u043d\u0438\u043d\u0433\u0440\u0430\u0434",…"imagename":"",…"id":"12x2","label":"\u0412\u0430\u0441\u0438\u043b\u0438\u0439 \u041f\u0443\u043f\u043a\u0438\u043d\u0438\u0434\u0437\u0435"}}`},
		{"29", "POST", "/webservice.php", element("create", "Contacts", `{"firstname":"В","assigned_user_id":"19x1"}`), 200, j, refused("lastname does not have a value", "MANDATORY_FIELDS_MISSING")},
		{"31", "POST", "/webservice.php", element("create", "Contacts", `{"lastname":"В"}`), 200, j, refused("assigned_user_id does not have a value", "MANDATORY_FIELDS_MISSING")},
		{"32", "POST", "/webservice.php", element("create", "Contacts", `{"lastname":"В","assigned_user_id":"19x999"}`), 200, html, "Sorry! Attempt to access restricted file."},
		{"33", "POST", "/webservice.php", element("create", "Contacts", `{"lastname":"В","assigned_user_id":"1"}`), 200, j, `{"success":true,…"assigned_user_id":"19x1",…`},
		{"34", "POST", "/webservice.php", element("create", "Nosuch", contact+"}"), 200, j, denied},
		{"35", "POST", "/webservice.php", element("create", "Contacts", `{"firstname":`), 200, j, refused("lastname does not have a value", "MANDATORY_FIELDS_MISSING")},
		{"36", "POST", "/webservice.php", element("create", "Contacts", `"abc"`), 500, html, ""},
		{"39", "GET", "/webservice.php?operation=create&sessionName=$S&elementType=Contacts", "", 200, j, denied},
		{"42", "POST", "/webservice.php", `{"operation":"create"}`, 500, html, ""},
		{"44", "POST", "/webservice.php", element("create", "Contacts", `{"lastname":"В","assigned_user_id":"19x1","birthday":"15 ноября"}`), 200, j, refused("Unknown Error while processing request", "INTERNAL_SERVER_ERROR")},
		{"46", "POST", "/webservice.php", element("create", "Contacts", `{"lastname":"В","assigned_user_id":"19x1","account_id":"12x2"}`), 200, j, refused("Invalid reference specified for account_id", "REFERENCE_INVALID")},
		{"47", "POST", "/webservice.php", element("create", "Contacts", `{"lastname":"В","assigned_user_id":"19x1","account_id":"11x999999"}`), 200, j, `{"success":true,…"account_id":"",…`},
		{"48", "POST", "/webservice.php", element("create", "Contacts", `{"firstname":"Василий","lastname":"<b>O'Neil & \"Co\" <script>x</script>","assigned_user_id":"19x1"}`), 200, j, `{"success":true,…"lastname":"&lt;b&gt;O'Neil & &quot;Co&quot; &lt;script&gt;x&lt;\/script&gt;",…"label":"\u0412\u0430\u0441\u0438\u043b\u0438\u0439 &lt;b&gt;O&#039;Neil &amp; &quot;Co&quot; &lt;script&gt;x&lt;\/script&gt;"}}`},
		{"49", "POST", "/webservice.php", element("create", "Accounts", `{"accountname":"ООО \"Три\"","website":"https://pikabu.ru","assigned_user_id":"19x1"}`), 200, j, `{"success":true,"result":{"accountname":"\u041e\u041e\u041e \"\u0422\u0440\u0438\"","account_no":"ACC1","phone":"","website":"https:\/\/pikabu.ru",…"label":"\u041e\u041e\u041e &quot;\u0422\u0440\u0438&quot;"}}`},
		{"52", "GET", "/webservice.php?operation=retrieve&sessionName=$S&id=abc", "", 200, j, refused("Permission to perform the operation is denied for id", "ACCESS_DENIED")},
		{"53", "GET", "/webservice.php?operation=retrieve&sessionName=$S&id=3", "", 200, j, denied},
		{"54", "GET", "/webservice.php?operation=retrieve&sessionName=$S&id=12x99999999", "", 200, j, denied},
		{"55", "GET", "/webservice.php?operation=retrieve&sessionName=$S&id=11x2", "", 200, j, refused("Id specified is incorrect", "INVALID_ID_ATTRIBUTE")},
		{"56", "GET", "/webservice.php?operation=retrieve&sessionName=$S&id=999x3", "", 200, j, refused("Permission to perform the operation is denied for id", "ACCESS_DENIED")},
		{"59", "GET", "/webservice.php?operation=query&sessionName=$S&query=select id,mobile from Contacts where mobile='%2B7(949) 123-45-12';", "", 200, j, `{"success":true,"result":[{"id":"12x2","mobile":"+7(949) 123-45-12"}]}`},
		{"61", "GET", "/webservice.php?operation=query&sessionName=$S&query=select id from Contacts where mobile='nope';", "", 200, j, `{"success":true,"result":[]}`},
		{"62", "GET", "/webservice.php?operation=query&sessionName=$S&query=select count(*) from Contacts;", "", 200, j, `{"success":true,"result":[{"count":"4"}]}`},
		{"65", "GET", "/webservice.php?operation=query&sessionName=$S&query=select id from Contacts where mobile='%2B7(949) 123-45-12'", "", 200, j, refused("Syntax Error on line 1: token ''+7(949) 123-45-12'' Unexpected End of Input(0), expected one of: SEMICOLON", "QUERY_SYNTAX_ERROR")},
		{"66", "GET", "/webservice.php?operation=query&sessionName=$S&query=select id;", "", 200, j, refused("Permission to perform the operation is denied for query", "ACCESS_DENIED")},
		{"68", "GET", "/webservice.php?operation=query&sessionName=$S&query=select id from Nosuch;", "", 200, j, refused("Permission to perform the operation is denied for name : Nosuch", "ACCESS_DENIED")},
		{"69", "GET", "/webservice.php?operation=query&sessionName=$S&query=select nosuch from Contacts;", "", 200, j, refused("Permission to access '.nosuch.' attribute denied.", "ACCESS_DENIED")},
		{"70", "GET", "/webservice.php?operation=query&sessionName=$S&query=select id from Contacts where nosuch='1';", "", 200, j, refused("Permission to access nosuch attribute denied.", "ACCESS_DENIED")},
		{"71", "GET", "/webservice.php?operation=query&sessionName=$S&query=select id from Contacts where lastname='O''Neil';", "", 200, j, `{"success":true,"result":[]}`},
		{"72", "GET", "/webservice.php?operation=query&sessionName=$S&query=delete from Contacts;", "", 200, j, refused("Syntax Error on line 1: token 'delete' Unexpected Unknown(delete), expected one of: SELECT", "QUERY_SYNTAX_ERROR")},
		{"74", "POST", "/webservice.php", "operation=query&sessionName=$S&query=select id from Contacts limit 1;", 200, j, refused("Permission to perform the operation is denied for query", "ACCESS_DENIED")},
		{"3.5", "GET", "/webservice.php?operation=query&sessionName=$S&query=select id from Contacts where mobile='';", "", 200, j, refused("Unknown Error while processing request", "INTERNAL_SERVER_ERROR")},
		{"76", "POST", "/webservice.php", element("update", "", `{"id":"12x2","title":"x"}`), 200, j, refused("lastname does not have a value", "MANDATORY_FIELDS_MISSING")},
		{"77", "POST", "/webservice.php", element("revise", "", `{"id":"12x2","title":"главный"}`), 200, j, `{"success":true,…"title":"\u0433\u043b\u0430\u0432\u043d\u044b\u0439",…`},
		{"78", "POST", "/webservice.php", element("revise", "", `{"title":"x"}`), 200, j, refused("Permission to perform the operation is denied for id", "ACCESS_DENIED")},
		{"80", "POST", "/webservice.php", element("revise", "", `{"id":"12x2","lastname":""}`), 200, j, refused("lastname does not have a value", "MANDATORY_FIELDS_MISSING")},
		{"82", "POST", "/webservice.php", "operation=delete&sessionName=$S&id=12x2", 200, j, `{"success":true,"result":{"status":"successful"}}`},
		{"83", "POST", "/webservice.php", "operation=delete&sessionName=$S&id=12x2", 200, j, denied},
		{"85", "POST", "/modules/Webforms/capture.php", "publicid=0123456789abcdef0123456789abcdef&name=site form&firstname=Иван&lastname=Петров&birthday=1990-01-02", 200, html, `{"success":true,"result":"ok"}`},
		{"87", "POST", "/modules/Webforms/capture.php", "publicid=0123456789abcdef0123456789abcdef&firstname=Иван", 200, html, `{"success":false,"error":{"message":"lastname does not have a value"}}`},
		{"88", "POST", "/modules/Webforms/capture.php", "publicid=ffff&lastname=Петров", 200, html, `{"success":false,"error":{"message":"Webform not found."}}`},
		{"90", "GET", "/modules/Webforms/capture.php?publicid=0123456789abcdef0123456789abcdef&lastname=Петров3&callback=cb", "", 200, html, `cb({"success":true,"result":"ok"})`},
		{"91", "POST", "/modules/Webforms/capture.php", "publicid=fedcba9876543210fedcba9876543210&lastname=Петров4", 302, html, ""},
		{"94", "POST", "/webservice.php", "operation=extendsession", 200, j, refused("Authencation Failed", "AUTHENTICATION_FAILURE")},
		{"95", "GET", "/webservice.php?operation=sync&sessionName=$S&modifiedTime=1795295533&elementType=Contacts", "", 500, html, ""},
		{"96", "POST", "/webservice.php", "operation=logout&sessionName=$S", 500, html, ""},
		{"97", "GET", "/webservice.php?operation=listtypes&sessionName=$S", "", 200, j, `{"success":true,…`},
		{"98", "HEAD", "/webservice.php?operation=getchallenge&username=admin", "", 200, j, ""},
		{"99", "PUT", "/webservice.php?operation=getchallenge&username=admin", "", 200, j, `{"success":true,…`},
		{"c04", "POST", "/webservice.php", "operation=CreateContact&sessionName=$S&firstname=В&lastname=П&birthday=1986-11-15&mobile=1", 200, j, refused("inn does not have a value", "MANDATORY_FIELDS_MISSING")},
		{"c05", "POST", "/webservice.php", "operation=CreateContact&sessionId=$S&firstname=В", 200, j, refused("Authencation required", "AUTHENTICATION_REQUIRED")},
		{"c07", "GET", "/webservice.php?operation=CreateContact&sessionName=$S&firstname=В", "", 200, j, refused("firstname does not have a value", "MANDATORY_FIELDS_MISSING")},
		{"c08", "POST", "/webservice.php", "operation=createcontact&sessionName=$S&firstname=В&lastname=П&birthday=1986-11-15&mobile=%2B7&inn=1", 200, j, `{"success":true,"result":"…"}`},
	} {
		status, kind, got := a.send(c.method, c.target, c.body)
		if status != c.status || kind != c.kind || !fits(got, c.want) {
			t.Errorf("M%s: %d %s %s\nwant %d %s %s", c.number, status, kind, got, c.status, c.kind, c.want)
		}
	}
}

// fits compares with a pattern in which … stands for anything.
func fits(got, want string) bool {
	parts := strings.Split(want, "…")
	if !strings.HasPrefix(got, parts[0]) {
		return false
	}
	got = got[len(parts[0]):]
	for i, part := range parts[1:] {
		if i == len(parts)-2 && part == "" {
			return true
		}
		at := strings.Index(got, part)
		if i == len(parts)-2 {
			at = len(got) - len(part)
		}
		if at < 0 || !strings.HasPrefix(got[at:], part) {
			return false
		}
		got = got[at+len(part):]
	}
	return got == ""
}

// A token may be used again within 300 s, and the next one replaces it (M12, 2.1).
func TestSimOneTokenPerUser(t *testing.T) {
	t.Parallel()
	clock := &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	a := newSimAsk(t, SimClock(clock.Now))
	token := func() string {
		var c struct{ Result struct{ Token string } }
		_, _, body := a.send("GET", "/webservice.php?operation=getchallenge&username=admin", "")
		ok(t, json.Unmarshal([]byte(body), &c))
		return c.Result.Token
	}
	login := func(token string) string {
		_, _, body := a.send("POST", "/webservice.php", "operation=login&username=admin&accessKey="+loginProof(token, "FvYxjhfenXBRj2jp"))
		return body
	}
	first := token()
	for range 2 {
		if !strings.Contains(login(first), "sessionName") {
			t.Error("a token is good for one login only")
		}
	}
	second := token()
	if got := login(first); got != refused(MsgInvalidCredentials, CodeInvalidCredentials) {
		t.Errorf("a replaced token: %s", got)
	}
	clock.advance(301 * time.Second)
	if got := login(second); got != refused(MsgInvalidToken, CodeInvalidToken) {
		t.Errorf("an old token: %s", got)
	}
	clock.advance(1440 * time.Second)
	if _, _, got := a.send("GET", "/webservice.php?operation=listtypes&sessionName=$S", ""); got != refused(MsgInvalidSession, CodeInvalidSession) {
		t.Errorf("an old session: %s", got)
	}
}

// A page has 100 rows at most, and id> is the way to the next (3.5).
func TestSimCapsPages(t *testing.T) {
	t.Parallel()
	a := newSimAsk(t)
	for range 103 {
		a.send("POST", "/webservice.php", element("create", "Accounts", `{"accountname":"ООО","assigned_user_id":"19x1"}`))
	}
	rows := func(vtql string) (n int) {
		var list struct{ Result []any }
		_, _, body := a.send("GET", "/webservice.php?operation=query&sessionName=$S&query="+url.QueryEscape(vtql), "")
		ok(t, json.Unmarshal([]byte(body), &list))
		return len(list.Result)
	}
	for vtql, want := range map[string]int{
		"select id from Accounts;":                                                      100,
		"select id from Accounts limit 500;":                                            100,
		"select id from Accounts limit 101, 100;":                                       2,
		"select id from Accounts where id>'11x101' order by id;":                        3,
		"select id from Accounts where accountname like '%о_' and id<'11x5';":           3,
		"select id from Accounts where id='11x2' or id='11x3' and accountname='ooo';":   1,
		"SELECT id FROM Accounts WHERE accountname='ооо' ORDER BY id DESC LIMIT 0, 2 ;": 2,
	} {
		if got := rows(vtql); got != want {
			t.Errorf("%s: %d rows, want %d", vtql, got, want)
		}
	}
}

// The seed's way: the web form with placeholders, then the list; stock denies
// its storage over HTTP.
func TestSimFiles(t *testing.T) {
	t.Parallel()
	a := newSimAsk(t)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, v := range map[string]string{"publicid": demoForm().PublicID, "lastname": "П", simContactINN: "643922466250", simContactCode: "795372"} {
		ok(t, w.WriteField(name, v))
	}
	part, err := w.CreateFormFile("file_1_1", "договор.pdf")
	ok(t, err)
	_, _ = io.WriteString(part, "%PDF-1.4 %%EOF")
	ok(t, w.Close())
	r := httptest.NewRequest("POST", "/modules/Webforms/capture.php", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	a.sim.ServeHTTP(httptest.NewRecorder(), r)
	ask := func(code string) string {
		_, _, got := a.send("POST", "/webservice.php", "operation=GetFilesList&sessionName=$S&inn=643922466250&sms="+code)
		return got
	}
	path := a.sim.State().Files[0].Path
	if got, want := ask("795372"), `{"success":true,"result":{"status":"ok","files":[{"title":"\u0434\u043e\u0433\u043e\u0432\u043e\u0440","path":"`+strings.ReplaceAll(path, "/", `\/`)+`"}]}}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := ask("1"); !strings.Contains(got, `"status":" failed"`) {
		t.Error(got)
	}
	if status, _, _ := a.send("PUT", "/"+path, "x"); status != http.StatusForbidden {
		t.Errorf("stock let its storage be written to: %d", status)
	}
}

// What the spec does not list is remembered, and refused where stock does not
// pass over it.
func TestSimRemembersWhatIsWrong(t *testing.T) {
	t.Parallel()
	a := newSimAsk(t)
	a.send("GET", "/index.php", "")
	a.send("GET", "/webservice.php?operation=listtypes&sessionName=$S&odd=1", "")
	a.send("POST", "/webservice.php", element("create", "Contacts", `{"lastname":"П","assigned_user_id":"19x1","nosuch":"x"}`))
	r := httptest.NewRequest("GET", "/webservice.php?operation=getchallenge&username=admin", nil)
	r.Header.Set("X-Odd", "1")
	rec := httptest.NewRecorder()
	a.sim.ServeHTTP(rec, r)
	if broken := a.sim.State().Broken; len(broken) != 4 || rec.Code != 400 {
		t.Errorf("%d: %q", rec.Code, broken)
	}
}

func TestSimSwitchesByHTTP(t *testing.T) {
	t.Parallel()
	a := newSimAsk(t)
	post := func(body string) int {
		rec := httptest.NewRecorder()
		a.sim.ServeHTTP(rec, httptest.NewRequest("POST", "/_sim/fault", strings.NewReader(body)))
		return rec.Code
	}
	if post(`{"name":"rate","value":"429","times":1}`) != 200 || post(`[{"name":"nosuch"}]`) != 400 || post(`{"name":"latency","value":"x"}`) != 400 {
		t.Error("a switch")
	}
	if status, _, _ := a.send("GET", "/webservice.php?operation=listtypes&sessionName=$S", ""); status != 429 {
		t.Errorf("status %d", status)
	}
	if post(`{"name":"calm"}`) != 200 || len(a.sim.State().Faults) != 0 {
		t.Error("calm")
	}
	rec := httptest.NewRecorder()
	a.sim.ServeHTTP(rec, httptest.NewRequest("GET", "/_sim/state", nil))
	var st SimState
	if err := json.Unmarshal(rec.Body.Bytes(), &st); err != nil || st.Logins != 1 {
		t.Errorf("%v %+v", err, st)
	}
	names := SimSwitches()
	if !slices.Contains(names["answer"], "500-empty") {
		t.Errorf("%v", names)
	}
}

// PHP 7 could log out (p03, p04).
func TestSimLogoutOnPHP7(t *testing.T) {
	t.Parallel()
	a := newSimAsk(t)
	ok(t, a.sim.Fault(SimFault{Name: "php", Value: "7"}))
	if _, _, got := a.send("POST", "/webservice.php", "operation=logout&sessionName=$S"); got != `{"success":true,"result":{"message":"successfull"}}` {
		t.Error(got)
	}
	if _, _, got := a.send("GET", "/webservice.php?operation=listtypes&sessionName=$S", ""); got != refused(MsgInvalidSession, CodeInvalidSession) {
		t.Error(got)
	}
}

// FuzzSim: whatever comes, the simulator answers.
func FuzzSim(f *testing.F) {
	f.Add("GET", "operation=query&query=select id from Contacts where mobile='1';", "")
	f.Add("POST", "", "operation=create&elementType=Contacts&element=%7B%22lastname%22:1%7D")
	f.Add("GET", "operation=query&query=select * from Contacts where lastname like '%a_%' or id in ('12x1') order by id desc limit 1,2;", "")
	f.Fuzz(func(t *testing.T, method, query, body string) {
		s := NewSim()
		s.sessions["x"] = s.now()
		r := &http.Request{Method: method, URL: &url.URL{Path: "/webservice.php", RawQuery: query + "&sessionName=x"},
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: io.NopCloser(strings.NewReader(body + "&sessionName=x"))}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		if rec.Code != 200 && rec.Code != 500 {
			t.Errorf("status %d", rec.Code)
		}
		if rec.Code == 200 && method != "HEAD" && rec.Header().Get("Content-Type") == "application/json" && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("no JSON: %q", rec.Body)
		}
	})
}
