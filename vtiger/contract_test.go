package vtiger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// answer is the protocol's envelope.
type answer struct {
	Success bool            `json:"success"`
	Result  json.RawMessage `json:"result"`
	Error   struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Fields  []string `json:"fields"`
	} `json:"error"`
}

// text gives a result that is one string.
func (a answer) text() string {
	var s string
	_ = json.Unmarshal(a.Result, &s)
	return s
}

// member gives one text of a result that is an object.
func (a answer) member(name string) string {
	var o map[string]any
	_ = json.Unmarshal(a.Result, &o)
	return fmt.Sprint(o[name])
}

// post sends form values from an address, as multipart like PHP's curl.
func post(t testing.TB, h http.Handler, from string, values map[string]string) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, v := range values {
		ok(t, w.WriteField(name, v))
	}
	ok(t, w.Close())
	r := httptest.NewRequest(http.MethodPost, "/webservice.php", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return send(t, h, from, r)
}

func get(t testing.TB, h http.Handler, values url.Values) answer {
	t.Helper()
	return send(t, h, "127.0.0.1", httptest.NewRequest(http.MethodGet, "/webservice.php?"+values.Encode(), nil))
}

func send(t testing.TB, h http.Handler, from string, r *http.Request) answer {
	t.Helper()
	r.RemoteAddr = from + ":40000"
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	var a answer
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
		t.Fatalf("no JSON: %v in %q", err, rec.Body)
	}
	return a
}

// login gives a session of a user.
func login(t testing.TB, h http.Handler, user, key string) string {
	t.Helper()
	token := get(t, h, url.Values{"operation": {"getchallenge"}, "username": {user}}).member("token")
	a := post(t, h, "127.0.0.1", map[string]string{"operation": "login", "username": user, "accessKey": loginProof(token, key)})
	if !a.Success {
		t.Fatalf("login: %+v", a.Error)
	}
	return a.member("sessionId")
}

func contactValues(session, phone, inn, code string) map[string]string {
	return map[string]string{"operation": "CreateContact", "sessionName": session, "firstname": "Иван", "lastname": "Петров",
		"mobile": phone, "birthday": "1990-01-02", "inn": inn, "code": code}
}

// Contract 1: any number of parallel logins of one user.
func TestContract1_TwoHundredParallelHandshakes(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		var wait sync.WaitGroup
		sessions := make([]string, 200)
		for i := range sessions {
			wait.Go(func() { sessions[i] = login(t, b, "api", demoKey) })
		}
		wait.Wait()
		seen := map[string]bool{}
		for _, s := range sessions {
			seen[s] = true
		}
		if len(seen) != len(sessions) || seen[""] {
			t.Errorf("%d sessions of %d handshakes", len(seen), len(sessions))
		}
	})
}

// Contract 1: an unused session lives 15 minutes and ends before 16; each use
// renews it, without another cap.
func TestContract1_SessionEndsAfterFifteenSilentMinutes(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		use := func() answer { return get(t, b, url.Values{"operation": {"listtypes"}, "sessionName": {session}}) }
		for range 200 { // 46 hours of use, once every 14 minutes
			b.clock.advance(14 * time.Minute)
			if a := use(); !a.Success {
				t.Fatalf("ended in use: %+v", a.Error)
			}
		}
		b.clock.advance(30 * time.Second)
		use() // not written down: it is within a minute of the last
		b.clock.advance(15*time.Minute - time.Second)
		if a := use(); !a.Success {
			t.Errorf("ended before 15:00: %+v", a.Error)
		}
		b.clock.advance(16 * time.Minute)
		if a := use(); a.Error.Code != CodeInvalidSession {
			t.Errorf("alive after 16:00: %+v", a)
		}
	})
}

// Contract 1: a switch per user lets a challenge be used again within 300 s.
func TestContract1_ChallengeMayBeReusedBySwitch(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	b.api.ReuseChallenge = true
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveUser(b.api) }))
	token := get(t, b, url.Values{"operation": {"getchallenge"}, "username": {"api"}}).member("token")
	values := map[string]string{"operation": "login", "username": "api", "accessKey": loginProof(token, demoKey)}
	one, two := post(t, b, "127.0.0.1", values), post(t, b, "127.0.0.1", values)
	if !one.Success || !two.Success || one.member("sessionId") == two.member("sessionId") {
		t.Errorf("%+v %+v", one, two)
	}
	b.clock.advance(301 * time.Second)
	if late := post(t, b, "127.0.0.1", values); late.Success {
		t.Error("a challenge of 301 s ago logs in")
	}
}

// Contract 4: a hundred parallel calls with one phone in five spellings make
// one contact.
func TestContract4_ParallelCallsMakeOneContact(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		phones := []string{"+7(949) 123-45-11", "8 949 1234511", "9491234511", "79491234511", "8(949)123-45-11 доб. 5"}
		ids := make([]string, 100)
		var wait sync.WaitGroup
		for i := range ids {
			wait.Go(func() {
				a := post(t, b, "127.0.0.1", contactValues(session, phones[i%5], "500100732259", ""))
				ids[i] = a.text()
			})
		}
		wait.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Fatalf("ids %v", ids)
			}
		}
		if n := count(t, b, styk.KindContact); n != 1 {
			t.Errorf("%d contacts", n)
		}
	})
}

func count(t testing.TB, b *bench, kind styk.Kind) (n int64) {
	t.Helper()
	ok(t, b.db.View(t.Context(), func(tx *store.Tx) (err error) {
		n, err = tx.Count(store.Query{Kind: kind})
		return err
	}))
	return n
}

// Contract 4: history keeps every change and can undo it.
func TestContract4_HistoryUndoesAnOverwrite(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		values := contactValues(session, "89000000001", "500100732259", "")
		id := post(t, b, "127.0.0.1", values).text()
		values["firstname"] = "Пётр"
		post(t, b, "127.0.0.1", values)
		n, _ := strconv.ParseInt(id, 10, 64)
		ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error {
			list, err := tx.History(styk.ID(n), 0, 10)
			if err != nil {
				return err
			}
			if len(list) != 2 || list[0].Fields["first_name"] != [2]string{"Иван", "Пётр"} || list[0].User != b.api.ID {
				t.Errorf("history %+v", list)
			}
			return tx.Undo(list[0].Tick, store.By{User: b.api.ID})
		}))
		a := get(t, b, url.Values{"operation": {"retrieve"}, "sessionName": {session}, "id": {"12x" + id}})
		if a.member("firstname") != "Иван" {
			t.Errorf("after undo: %s", a.Result)
		}
	})
}

// Contract 5: odd numbers bear a warning on the record.
func TestContract5_OddNumbersAreFlagged(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		id := post(t, b, "127.0.0.1", map[string]string{"operation": "CreateAccount", "sessionName": session,
			"accountname": "ООО \"Три бобра\"", "inn": "1234567899", "ogrn": "32165498711"}).text()
		n, _ := strconv.ParseInt(id, 10, 64)
		firm := &styk.Account{Entity: styk.Entity{ID: styk.ID(n)}}
		ok(t, b.db.View(t.Context(), func(tx *store.Tx) error { return tx.Load(firm) }))
		rules := fmt.Sprint(firm.Warnings)
		if firm.INN != "1234567899" || firm.OGRN != "32165498711" || !strings.Contains(rules, "ИНН") || !strings.Contains(rules, "ОГРН") {
			t.Errorf("%+v", firm)
		}
	})
}

// capture posts the public form.
func capturePost(t testing.TB, h http.Handler, values map[string]string, files map[string]string) string {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for part, content := range files { // files first: parts come in any order
		f, err := w.CreateFormFile(part, part+".pdf")
		ok(t, err)
		_, err = io.WriteString(f, content)
		ok(t, err)
	}
	for name, v := range values {
		ok(t, w.WriteField(name, v))
	}
	ok(t, w.WriteField("publicid", demoForm().PublicID))
	ok(t, w.Close())
	r := httptest.NewRequest(http.MethodPost, "/modules/Webforms/capture.php", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	var a struct {
		Success bool
		ID      string
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || !a.Success {
		t.Fatalf("capture: %s", rec.Body)
	}
	return a.ID
}

func filesOf(t testing.TB, b *bench, from, session, inn, code string) []string {
	t.Helper()
	a := post(t, b, from, map[string]string{"operation": "GetFilesList", "sessionId": session, "inn": inn, "sms": code})
	var r struct {
		Status string
		Files  []struct{ Title, Path string }
	}
	ok(t, json.Unmarshal(a.Result, &r))
	if r.Status != "ok" {
		return nil
	}
	paths := []string{}
	for _, f := range r.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

// Contract 8 and 10: who knows a customer's phone and ИНН can post the public
// form in his name, but neither changes him nor sees his files.
func TestContract8And10_APublicFormCannotTakeOverACustomer(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		const inn = "500100732259"
		victim := capturePost(t, b, map[string]string{"lastname": "Каренина", "firstname": "Анна", "mobile": "+7 921 555 44 33",
			"inn": inn, "email": "anna@example.ru", "code": "424242"}, map[string]string{"file_1_1": "%PDF-1.4 her contract %%EOF"})
		hers := filesOf(t, b, "127.0.0.1", session, inn, "424242")
		if len(hers) != 1 {
			t.Fatalf("her files: %v", hers)
		}
		attacker := capturePost(t, b, map[string]string{"lastname": "Злодей", "firstname": "Анна", "mobile": "8 921 5554433",
			"inn": inn, "email": "evil@example.ru", "birthplace": "г. Москва", "code": "666666"}, map[string]string{"file_1_1": "%PDF-1.4 bait %%EOF"})
		if attacker != victim {
			t.Errorf("one phone, two contacts: %s and %s", victim, attacker)
		}
		his := filesOf(t, b, "127.0.0.1", session, inn, "666666")
		if len(his) != 1 || his[0] == hers[0] {
			t.Errorf("the attacker sees %v of %v", his, hers)
		}
		n, _ := strconv.ParseInt(victim, 10, 64)
		ok(t, b.db.View(t.Context(), func(tx *store.Tx) error {
			c := &styk.Contact{Entity: styk.Entity{ID: styk.ID(n)}}
			if err := tx.Load(c); err != nil {
				return err
			}
			if c.LastName != "Каренина" || c.Email != "anna@example.ru" || c.Birthplace != "г. Москва" {
				t.Errorf("overwritten, or an empty field not filled: %+v", c)
			}
			offered, err := tx.Suggestions(c.ID)
			if len(offered) != 2 {
				t.Errorf("offered to the operator: %+v", offered)
			}
			return err
		}))
		// A code that our own site has verified opens all of her documents.
		post(t, b, "127.0.0.1", contactValues(session, "+7 921 555 44 33", inn, "777777"))
		if all := filesOf(t, b, "127.0.0.1", session, inn, "777777"); len(all) != 2 {
			t.Errorf("a verified pair opens %v", all)
		}
	})
}

// Contract 8: five misses for an ИНН from one address, or twenty over all, and
// nothing is looked up any more; storing a verified code clears it.
func TestContract8_GuessingACodeIsHeldBack(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		const inn = "643922466250"
		post(t, b, "127.0.0.1", contactValues(session, "89000000001", inn, "795372"))
		for i := range 5 {
			if got := filesOf(t, b, "10.0.0.9", session, inn, "00000"+strconv.Itoa(i)); got != nil {
				t.Fatal("a wrong code opens files")
			}
		}
		if got := filesOf(t, b, "10.0.0.9", session, inn, "795372"); got != nil {
			t.Error("looked up after five misses")
		}
		if len(b.waits) == 0 {
			t.Error("the answer was not held back")
		}
		other := login(t, b, "api", demoKey)
		if got := filesOf(t, b, "10.0.0.8", other, inn, "795372"); got == nil {
			t.Error("another session from another address is shut out too")
		}
		// The attacker's own post of the form frees nothing.
		capturePost(t, b, map[string]string{"lastname": "Злодей", "inn": inn, "code": "111111"}, nil)
		if got := filesOf(t, b, "10.0.0.9", session, inn, "795372"); got != nil {
			t.Error("a public form freed the guessing")
		}
		for i := range 20 {
			address := "10.0.1." + strconv.Itoa(i)
			filesOf(t, b, address, login(t, b, "api", demoKey), inn, "1234"+strconv.Itoa(i))
		}
		if got := filesOf(t, b, "10.0.2.1", login(t, b, "api", demoKey), inn, "795372"); got != nil {
			t.Error("looked up after twenty misses from everywhere")
		}
		b.clock.advance(time.Second)
		post(t, b, "127.0.0.1", contactValues(session, "89000000001", inn, "795372"))
		if got := filesOf(t, b, "10.0.0.9", session, inn, "795372"); got == nil {
			t.Error("storing the code did not clear the misses")
		}
		// Without a new code the misses are forgotten after 15 minutes.
		for i := range 6 {
			filesOf(t, b, "10.0.0.9", session, inn, "00000"+strconv.Itoa(i))
		}
		session = ""
		b.clock.advance(15*time.Minute + time.Second)
		if got := filesOf(t, b, "10.0.0.9", login(t, b, "api", demoKey), inn, "795372"); got == nil {
			t.Error("misses of 15 minutes ago still count")
		}
	})
}

// Contract 8: files stay in upload order, [] when there are none, and the
// project's sms opens nothing.
func TestContract8_APairWithoutFilesAndTheProjectsCode(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		client := post(t, b, "127.0.0.1", contactValues(session, "89000000001", "500100732259", "4568")).text()
		a := post(t, b, "127.0.0.1", map[string]string{"operation": "GetFilesList", "sessionId": session, "inn": "500100732259", "sms": "4568"})
		if string(a.Result) != `{"status":"ok","files":[]}` {
			t.Errorf("%s", a.Result)
		}
		firm := post(t, b, "127.0.0.1", map[string]string{"operation": "CreateAccount", "sessionName": session, "accountname": "ООО", "inn": "7707083893", "ogrn": "1027700132195"}).text()
		made := post(t, b, "127.0.0.1", map[string]string{"operation": "CreateProject", "sessionName": session, "contactid": client, "offenderid": firm, "sms": "9999"})
		if !made.Success {
			t.Fatalf("%+v", made.Error)
		}
		if got := filesOf(t, b, "127.0.0.1", session, "500100732259", "9999"); got != nil {
			t.Error("the project's code opens files")
		}
	})
}

// Contract 9: a file overwritten on disk is noticed at the next read; one of
// another type is flagged, not served, and put back; every version is kept.
func TestContract9_OverwritingOnDisk(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		capturePost(t, b, map[string]string{"lastname": "Каренина", "inn": "500100732259", "code": "424242"},
			map[string]string{"file_1_1": "%PDF-1.4 stand-in %%EOF"})
		path := filesOf(t, b, "127.0.0.1", session, "500100732259", "424242")[0]
		onDisk := filepath.Join(b.data, filepath.FromSlash(path))
		read := func() string {
			r := httptest.NewRequest(http.MethodGet, "/"+path, nil)
			r.Header.Set("Authorization", "Bearer "+session)
			rec := httptest.NewRecorder()
			b.ServeHTTP(rec, r)
			return rec.Body.String()
		}
		write := func(content string) {
			t.Helper()
			ok(t, os.WriteFile(onDisk, []byte(content), 0o600))
			old := time.Now().Add(-time.Hour) // its writer has long finished
			ok(t, os.Chtimes(onDisk, old, old))
		}
		write("%PDF-1.7 the real one %%EOF")
		if got := read(); got != "%PDF-1.7 the real one %%EOF" {
			t.Errorf("after overwriting: %q", got)
		}
		write("<?php system($_GET['c']);")
		if got := read(); got != "%PDF-1.7 the real one %%EOF" {
			t.Errorf("a wrong type is served: %q", got)
		}
		back, err := os.ReadFile(onDisk)
		ok(t, err)
		if string(back) != "%PDF-1.7 the real one %%EOF" {
			t.Errorf("the copy was not put back: %q", back)
		}
		ok(t, os.Remove(onDisk))
		ok(t, b.in.Scan(t.Context())) // the minute's scan
		if _, err := os.Stat(onDisk); err != nil {
			t.Error("a lost copy was not restored")
		}
		ok(t, b.db.View(t.Context(), func(tx *store.Tx) error {
			d, err := tx.DocumentByPath(path)
			if err != nil {
				return err
			}
			versions, err := tx.Versions(d.ID)
			if len(versions) != 2 || d.Version != 2 || d.Placeholder || d.FileName != "file_1_1.pdf" || len(d.Warnings) != 1 {
				t.Errorf("document %+v, versions %+v", d, versions)
			}
			return err
		}))
	})
}

// Contract 9: too large a file is refused aloud and changes nothing.
func TestContract9_TooLargeIsSaidAloud(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	session := login(t, b, "api", demoKey)
	capturePost(t, b, map[string]string{"lastname": "Каренина", "inn": "500100732259", "code": "424242"}, map[string]string{"file_1_1": "%PDF-1.4 %%EOF"})
	path := filesOf(t, b, "127.0.0.1", session, "500100732259", "424242")[0]
	for _, announced := range []bool{true, false} {
		big := io.Reader(bytes.NewReader(make([]byte, b.in.MaxFile+1)))
		if !announced {
			big = io.MultiReader(big)
		}
		r := httptest.NewRequest(http.MethodPut, "/"+path, big)
		r.Header.Set("Authorization", "Bearer "+session)
		rec := httptest.NewRecorder()
		b.ServeHTTP(rec, r)
		if rec.Code != http.StatusRequestEntityTooLarge || !strings.Contains(rec.Body.String(), "max_bytes") {
			t.Errorf("announced %v: %d %s", announced, rec.Code, rec.Body)
		}
	}
}

// Contract 10: match: never is stock's behaviour.
func TestContract10_MatchNeverAlwaysMakes(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	form := demoForm()
	form.Match = styk.MatchNever
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveWebform(form) }))
	values := map[string]string{"lastname": "Каренина", "mobile": "89215554433"}
	if one, two := capturePost(t, b, values, nil), capturePost(t, b, values, nil); one == two {
		t.Error("one contact of two posts")
	}
}

// Contract 11: a post of the form with a key is taken once.
func TestContract11_CaptureWithAKey(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		values := map[string]string{"lastname": "Каренина", "requestid": "k1"}
		one := capturePost(t, b, values, map[string]string{"file_1_1": "%PDF-1.4 %%EOF"})
		two := capturePost(t, b, values, map[string]string{"file_1_1": "%PDF-1.4 %%EOF"})
		if one != two || count(t, b, styk.KindContact) != 1 || count(t, b, styk.KindDocument) != 1 {
			t.Errorf("%s, %s, %d documents", one, two, count(t, b, styk.KindDocument))
		}
	})
}

// Contract 22: a key narrowed to the seed's operations, an address and modules.
func TestContract22_ANarrowedKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	narrow := &styk.User{Name: "site", Role: styk.RoleAPI, AccessKey: "SiteKey000000001",
		Operations: []string{"createcontact", "getfileslist"}, Networks: []string{"127.0.0.0/8"}}
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveUser(narrow) }))
	session := login(t, b, "site", "SiteKey000000001")
	if a := post(t, b, "127.0.0.1", contactValues(session, "89000000001", "500100732259", "")); !a.Success {
		t.Errorf("an allowed operation: %+v", a.Error)
	}
	if a := get(t, b, url.Values{"operation": {"query"}, "sessionName": {session}, "query": {"select * from Contacts;"}}); a.Error.Code != CodeAccessDenied {
		t.Errorf("an operation not allowed: %+v", a)
	}
	if a := post(t, b, "10.1.1.1", contactValues(session, "89000000002", "500100732259", "")); a.Error.Code != CodeAccessDenied {
		t.Errorf("from elsewhere: %+v", a)
	}
}

// Bytes that no database text can hold do not break a call on either engine.
func TestContract2_BytesThatAreNoText(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		session := login(t, b, "api", demoKey)
		odd := contactValues(session, "8900000\x00001", "1\x00\xff", "2\x00\xfe")
		odd["lastname"], odd["requestid"] = "a\x00b\xff", "\x00\xff"
		calls := []map[string]string{
			odd,
			{"operation": "GetFilesList", "sessionId": session, "inn": "1\x00", "sms": "\xff"},
			{"operation": "create", "sessionName": session, "elementType": "Contacts", "element": `{"lastname":"a\u0000b"}`},
			{"operation": "login", "username": "a\x00\xff", "accessKey": "\xff\x00"},
			{"operation": "PutFile", "sessionName": session, "path": "storage/\x00\xff"},
			{"operation": "logout\x00\xff", "sessionName": "\x00\xff"},
			{"operation": "query", "sessionName": session, "query": "select * from Contacts where lastname='\x00\xff' and cf_1='\xff';"},
		}
		for _, values := range calls {
			if a := post(t, b, "127.0.0.1", values); a.Error.Code == CodeInternal {
				t.Errorf("%q: %+v", values, a.Error)
			}
		}
		capturePost(t, b, map[string]string{"lastname": "\x00\xff", "inn": "\x00", "code": "\x00", "requestid": "\xff"}, nil)
		r := httptest.NewRequest(http.MethodGet, "/storage/2026/%00%ff.pdf", nil)
		r.Header.Set("Authorization", "Bearer "+session)
		rec := httptest.NewRecorder()
		b.ServeHTTP(rec, r)
		if rec.Code != http.StatusNotFound {
			t.Errorf("a path of no text: %d %s", rec.Code, rec.Body)
		}
	})
}
