package vtiger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
)

// recorded is a stock Vtiger 8.0 as the transcripts show it: one token per
// user, sessions that the test can end, answers told per operation.
type recorded struct {
	t   *testing.T
	url string

	mu      sync.Mutex
	token   string
	tokens  int
	live    map[string]bool // sessions
	logins  int
	log     []string                                       // operations in their order
	answers map[string]func(form url.Values) (int, string) // by operation
}

func newRecorded(t *testing.T) *recorded {
	s := &recorded{t: t, live: map[string]bool{}, answers: map[string]func(url.Values) (int, string){}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL + "/webservice.php"
	return s
}

func (s *recorded) client() *Client {
	return &Client{URL: s.url, User: "admin", AccessKey: "AccessKey0000001", Timeout: 10 * time.Second}
}

// answer sets what an operation says.
func (s *recorded) answer(operation, body string) {
	s.answers[operation] = func(url.Values) (int, string) { return 200, body }
}

func (s *recorded) endSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.live)
}

func (s *recorded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var form url.Values
	switch {
	case r.Method == "GET":
		form = r.URL.Query()
	case strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/"):
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			s.t.Error(err)
		}
		form = r.MultipartForm.Value
		for name, files := range r.MultipartForm.File {
			file, _ := files[0].Open()
			data, _ := io.ReadAll(file)
			form.Set("file "+name+" "+files[0].Filename, string(data))
		}
	default:
		if err := r.ParseForm(); err != nil {
			s.t.Error(err)
		}
		form = r.PostForm
	}
	status, body := s.run(r.Method, form)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func (s *recorded) run(method string, form url.Values) (int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	operation := form.Get("operation")
	s.log = append(s.log, operation)
	if get := readsQuery(operation); get != (method == "GET") {
		s.t.Errorf("%s came by %s", operation, method)
	}
	switch operation {
	case OpGetChallenge:
		s.tokens++
		s.token = fmt.Sprintf("6b02092c6e7b%d", s.tokens)
		return 200, `{"success":true,"result":{"token":"` + s.token + `","serverTime":1795295532,"expireTime":1795295832}}`
	case OpLogin:
		if answer, ok := s.answers[OpLogin]; ok {
			if status, body := answer(form); body != "" {
				return status, body
			}
		}
		if form.Get("accessKey") != loginProof(s.token, "AccessKey0000001") || form.Get("username") != "admin" {
			return 200, `{"success":false,"error":{"message":"Invalid username or password","code":"INVALID_USER_CREDENTIALS"}}`
		}
		s.logins++
		name := fmt.Sprintf("5c5c7bcf6b02092c9afa%d", s.logins)
		s.live[name] = true
		return 200, `{"success":true,"result":{"username":"admin","sessionName":"` + name + `","userId":"19x1","version":"0.22","vtigerVersion":"8.0.0"}}`
	}
	if !s.live[form.Get("sessionName")] {
		return 200, `{"success":false,"error":{"message":"Session Identifier provided is Invalid","code":"INVALID_SESSIONID"}}`
	}
	if answer, ok := s.answers[operation]; ok {
		return answer(form)
	}
	return 500, "" // unknown operation: transcript 13
}

func TestClientLogsIn(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	user, version, err := s.client().Login(t.Context())
	if user != "19x1" || version != "8.0.0" || err != nil {
		t.Errorf("got %q, %q, %v", user, version, err)
	}
}

// The query goes by GET with + as %2B, and values come unescaped when asked.
func TestClientReads(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	s.answers[OpQuery] = func(form url.Values) (int, string) {
		if form.Get("query") != "select * from Contacts where mobile='+7 & 8';" {
			s.t.Errorf("query %q", form.Get("query"))
		}
		return 200, `{"success":true,"result":[{"id":"12x3","lastname":"\u041f &amp;amp; &quot;\u042f&quot;","n":5,"yes":true,"no":false,"none":null,"list":["a"]}]}`
	}
	for unescape, lastname := range map[bool]string{false: "П &amp;amp; &quot;Я&quot;", true: `П &amp; "Я"`} {
		c := s.client()
		c.Unescape = unescape
		records, err := c.Query(t.Context(), "select * from Contacts where mobile='+7 & 8';")
		if err != nil || len(records) != 1 {
			t.Fatal(records, err)
		}
		for name, want := range map[string]string{"lastname": lastname, "n": "5", "yes": "1", "no": "0", "none": "", "list": `["a"]`} {
			if got := records[0][name]; got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		if id := records[0].ID(); id != (WSID{12, 3}) {
			t.Errorf("id %v", id)
		}
	}
}

func TestClientWrites(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	echo := func(want string) func(url.Values) (int, string) {
		return func(form url.Values) (int, string) {
			form.Del("sessionName")
			if got := form.Encode(); got != want {
				s.t.Errorf("\n got %s\nwant %s", got, want)
			}
			return 200, `{"success":true,"result":{"lastname":"x","id":"12x3"}}`
		}
	}
	c, id := s.client(), WSID{12, 3}
	s.answers[OpCreate] = echo(url.Values{"operation": {"create"}, "elementType": {"Contacts"}, "element": {`{"lastname":"\u042f\/","mobile":"+7","none":null}`}}.Encode())
	if r, err := c.Create(t.Context(), "Contacts", Fields{{Name: "lastname", Text: "Я/"}, {Name: "mobile", Text: "+7"}, {Name: "none", Null: true}}); err != nil || r.ID() != id {
		t.Error(r, err)
	}
	s.answers[OpRevise] = echo(url.Values{"operation": {"revise"}, "element": {`{"id":"12x3","title":"x"}`}}.Encode())
	if r, err := c.Revise(t.Context(), id, Fields{{Name: "title", Text: "x"}}); err != nil || r.ID() != id {
		t.Error(r, err)
	}
	s.answers[OpRetrieve] = echo("id=12x3&operation=retrieve")
	if r, err := c.Retrieve(t.Context(), id); err != nil || r["lastname"] != "x" {
		t.Error(r, err)
	}
	s.answers[OpAddRelated] = echo("operation=add_related&relatedRecordId=15x9&relationIdLabel=Documents&sourceRecordId=12x3")
	if err := c.AddRelated(t.Context(), id, WSID{15, 9}, "Documents"); err != nil {
		t.Error(err)
	}
	s.answer(OpCreateContact, `{"success":true,"result":"18"}`)
	if result, err := c.Call(t.Context(), OpCreateContact, map[string]string{"mobile": "+7"}); err != nil || string(result) != `"18"` {
		t.Errorf("%s, %v", result, err)
	}
}

func TestClientDescribes(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	s.answer(OpDescribe, `{"success":true,"result":{"label":"Contacts","name":"Contacts","createable":true,"fields":[{"name":"account_id","label":"Organization Name","mandatory":false,"type":{"refersTo":["Accounts"],"name":"reference"},"isunique":false,"nullable":true,"editable":true,"default":""},{"name":"id","label":"contactid","mandatory":false,"type":{"name":"autogenerated"},"editable":false,"nullable":false,"default":""}],"idPrefix":"12","isEntity":true,"allowDuplicates":false,"labelFields":"firstname,lastname"}}`)
	s.answer(OpListTypes, `{"success":true,"result":{"types":["Contacts"],"information":{"Contacts":{"isEntity":true,"label":"Contacts","singular":"Contact"}}}}`)
	c := s.client()
	m, err := c.Describe(t.Context(), "Contacts")
	if err != nil || m.IDPrefix != "12" || len(m.Fields) != 2 || m.Fields[0].Type.RefersTo[0] != "Accounts" || m.LabelFields != "firstname,lastname" {
		t.Errorf("%+v, %v", m, err)
	}
	types, err := c.ListTypes(t.Context())
	if err != nil || types.Information["Contacts"].Singular != "Contact" || !types.Information["Contacts"].IsEntity {
		t.Errorf("%+v, %v", types, err)
	}
}

// A page holds 100 rows; an or of the caller keeps its meaning on every page.
func TestClientPages(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	var queries []string
	s.answers[OpQuery] = func(form url.Values) (int, string) {
		query, err := parseVTQL(form.Get("query"))
		if err != nil {
			return 200, `{"success":false,"error":{"message":"x","code":"QUERY_SYNTAX_ERROR"}}`
		}
		queries = append(queries, form.Get("query"))
		after := styk.ID(0)
		Tests(query.Where, func(test *Test) {
			if test.Column == "id" {
				id, _ := ParseWSID(test.Values[0])
				after = id.Record
			}
		})
		rows := List{}
		for n := after + 1; n <= 250 && len(rows) < query.Limit.Count; n++ {
			rows = append(rows, Object{{"id", Text(WSID{12, n}.String())}})
		}
		return 200, string(appendSuccess(nil, rows))
	}
	c := s.client()
	seen := 0
	err := c.Each(t.Context(), "Contacts", []string{"lastname"}, "mobile = '1' or phone = '2' and email = '3'", func(Record) error { seen++; return nil })
	if err != nil || seen != 250 {
		t.Fatalf("%d records, %v", seen, err)
	}
	want := "select id, lastname from Contacts where mobile = '1' and id > '12x200' or phone = '2' and email = '3' and id > '12x200' order by id limit 100;"
	if queries[2] != want {
		t.Errorf("\n got %s\nwant %s", queries[2], want)
	}
	if queries = nil; c.Each(t.Context(), "Contacts", nil, "", func(Record) error { return nil }) != nil || queries[1] != "select * from Contacts where id > '12x100' order by id limit 100;" {
		t.Error(queries)
	}
	stop := errors.New("enough")
	if err := c.Each(t.Context(), "Contacts", nil, "", func(Record) error { return stop }); err != stop {
		t.Error(err)
	}
	for _, where := range []string{"a = ''", "a is null", "(a = 1 or b = 2) and c = 3", "a ="} {
		if err := c.Each(t.Context(), "Contacts", nil, where, nil); styk.CodeOf(err) != styk.Invalid {
			t.Errorf("%s: %v", where, err)
		}
	}
}

func TestAPageInACircle(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	s.answer(OpQuery, `{"success":true,"result":[{"id":"12x5"}]}`)
	err := s.client().Each(t.Context(), "Contacts", nil, "", func(Record) error { return nil })
	var answer *AnswerError
	if !errors.As(err, &answer) {
		t.Errorf("got %v", err)
	}
}

// 50 goroutines whose session died log in once between them.
func TestOneLoginForAll(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	s.answer(OpRetrieve, `{"success":true,"result":{"id":"12x3"}}`)
	c := s.client()
	for round := 1; round <= 3; round++ {
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := c.Retrieve(t.Context(), WSID{12, 3}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if s.logins != round {
			t.Errorf("%d logins after round %d", s.logins, round)
		}
		s.endSessions()
	}
}

func TestEachSessionCodeRenewsOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []string{CodeInvalidSession, CodeSessionExpired, CodeSessionIdle, CodeAuthenticationRequired, CodeAccessDenied} {
		s := newRecorded(t)
		s.answer(OpRetrieve, `{"success":false,"error":{"code":"`+code+`","message":"again"}}`) // PHP 7's order
		_, err := s.client().Retrieve(t.Context(), WSID{12, 3})
		var refused *RemoteError
		if !errors.As(err, &refused) || refused.Code != code || refused.Message != "again" {
			t.Errorf("%s: got %v", code, err)
		}
		if want := map[bool]int{true: 1, false: 2}[code == CodeAccessDenied]; s.logins != want {
			t.Errorf("%s: %d logins, want %d", code, s.logins, want)
		}
	}
}

// Another program took the user's only token between our two requests.
func TestALostTokenRace(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	spoiled := false
	s.answers[OpLogin] = func(url.Values) (int, string) {
		if spoiled {
			return 0, ""
		}
		spoiled = true
		return 200, `{"success":false,"error":{"message":"Invalid username or password","code":"INVALID_USER_CREDENTIALS"}}`
	}
	if _, _, err := s.client().Login(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAWrongKey(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	c := s.client()
	c.AccessKey = "SecretOfMine0001"
	_, err := c.Retrieve(t.Context(), WSID{12, 3})
	var refused *RemoteError
	if !errors.As(err, &refused) || refused.Code != CodeInvalidCredentials || refused.Retryable() || strings.Contains(err.Error(), c.AccessKey) {
		t.Errorf("got %v", err)
	}
	if want := []string{OpGetChallenge, OpLogin, OpGetChallenge, OpLogin}; !slices.Equal(s.log, want) {
		t.Errorf("asked %v", s.log)
	}
}

// The failure shapes of spec/vtiger.md 1.6, 1.7 and 8.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string
		retry  bool
	}{
		{"fatal", 500, "", "died without a word", true},
		{"empty", 200, " \n", "answer is empty", true},
		{"page", 200, "<!DOCTYPE html><html>", "a web page", true},
		{"not found", 404, "<html><head><title>404</title>", "(HTTP 404)", false},
		{"owner", 200, "Sorry! Attempt to access restricted file.", "assigned_user_id", true},
		{"text", 502, "bad gateway", "plain text", true},
		{"cut", 200, `{"success":true,"result":{"id":"12`, "cut JSON", true},
		{"another JSON", 200, `{"ok":true}`, "plain text", true},
		{"success as text", 200, `{"success":"true","result":1}`, "cut JSON", true},
	} {
		_, err := readEnvelope("retrieve", c.status, []byte(c.body))
		var answer *AnswerError
		if !errors.As(err, &answer) || !strings.Contains(err.Error(), c.want) || answer.Retryable() != c.retry {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestAnswersThatAreOne(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"<br />\n<b>Warning</b>: {x} in <b>y.php</b><br />{\"success\":true,\"result\":[1]}": "[1]",
		"\ufeff{\"success\":true,\"result\":null} <!-- -->":                                  "null",
		`{"success":true,"result":"18"}`:                                                     `"18"`,
		`{"result":false,"success":true}`:                                                    "false",
		`{"success":true}`:                                                                   "",
	} {
		if got, err := readEnvelope("x", 200, []byte(body)); string(got) != want || err != nil {
			t.Errorf("%s: %s, %v", body, got, err)
		}
	}
	_, err := readEnvelope("create", 500, []byte(`{"success":false,"error":{"code":0,"message":"Duplicate(s) detected!"}}`))
	var refused *RemoteError
	if !errors.As(err, &refused) || refused.Code != CodeDuplicate || refused.Retryable() {
		t.Errorf("got %v", err)
	}
}

func TestClientUploads(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	const name = "Договор \"А\".pdf"
	s.answers[OpCreate] = func(form url.Values) (int, string) {
		data := form.Get(`file filename Договор %22А%22.pdf`)
		var element map[string]string
		if err := json.Unmarshal([]byte(form.Get("element")), &element); err != nil {
			s.t.Error(err)
		}
		if data != "%PDF-1.7\r\n" || element["notes_title"] != name || element["filelocationtype"] != "I" || form.Get("elementType") != "Documents" {
			s.t.Errorf("got %q", form)
		}
		return 200, `{"success":true,"result":{"notes_title":"x","id":"15x7"}}`
	}
	c := s.client()
	if _, _, err := c.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{10, 0} {
		s.endSessions() // so that the file must be sent twice
		opened := 0
		r, err := c.CreateDocument(t.Context(), Upload{FileName: name, Size: size, Open: func() (io.ReadCloser, error) {
			opened++
			return io.NopCloser(strings.NewReader("%PDF-1.7\r\n")), nil
		}})
		if err != nil || r.ID() != (WSID{15, 7}) || opened != 2 {
			t.Errorf("%v, %v, opened %d times", r, err, opened)
		}
	}
	refusal := errors.New("file is gone")
	if _, err := c.CreateDocument(t.Context(), Upload{Open: func() (io.ReadCloser, error) { return nil, refusal }}); !errors.Is(err, refusal) {
		t.Error(err)
	}
}

func TestClientReadsFiles(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	s.answer(OpFilesRetrieve, `{"success":true,"result":[{"fileid":"16","filename":"a.pdf","filetype":"application\/pdf","filesize":3,"filecontents":"AP8Q"}]}`)
	s.answer(OpRetrieveRelated, `{"success":true,"result":[{"id":"15x7","imageattachmentids":"15x16"}]}`)
	c := s.client()
	files, err := c.FileContents(t.Context(), WSID{15, 16})
	if err != nil || len(files) != 1 || files[0].ID != "16" || files[0].Type != "application/pdf" || string(files[0].Contents) != "\x00\xff\x10" {
		t.Errorf("%+v, %v", files, err)
	}
	if related, err := c.RetrieveRelated(t.Context(), WSID{12, 3}, "Documents", "Documents"); err != nil || related[0]["imageattachmentids"] != "15x16" {
		t.Errorf("%v, %v", related, err)
	}
}

// No error tells the session, which stands in the address of a GET.
func TestErrorsKeepTheSession(t *testing.T) {
	t.Parallel()
	s := newRecorded(t)
	c := s.client()
	if _, _, err := c.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.URL = "http://127.0.0.1:1/webservice.php"
	_, err := c.Retrieve(t.Context(), WSID{12, 3})
	if err == nil || strings.Contains(err.Error(), "5c5c7bcf") {
		t.Errorf("got %v", err)
	}
	moved := httptest.NewServer(http.RedirectHandler(s.url+"?from=old", http.StatusMovedPermanently))
	t.Cleanup(moved.Close)
	c.URL = moved.URL
	s.answer(OpCreate, "never asked")
	if _, err = c.Create(t.Context(), "Contacts", nil); err == nil || !strings.Contains(err.Error(), "set this one: "+s.url) || strings.Contains(err.Error(), "from=old") {
		t.Errorf("got %v", err)
	}
}

// One that gives up while waiting for the login leaves the others alone.
func TestACancelledLogin(t *testing.T) {
	t.Parallel()
	hang, free := make(chan struct{}), make(chan struct{})
	s := newRecorded(t)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			select {
			case hang <- struct{}{}:
				<-free
			default:
			}
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(slow.Close)
	s.answer(OpCreate, `{"success":true,"result":{"id":"12x3"}}`)
	c := s.client()
	c.URL = slow.URL
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := c.Create(ctx, "Contacts", nil); first <- err }()
	<-hang
	go func() { _, err := c.Create(t.Context(), "Contacts", nil); second <- err }()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	close(free)
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"success":false,"error":{"code":0,"message":"x"}}`))
	f.Add([]byte("<br />{\"success\":true,\"result\":[]}"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, body []byte) {
		result, err := readEnvelope("x", 200, body)
		if err == nil && len(result) > 0 && !json.Valid(result) {
			t.Fatalf("%q", result)
		}
	})
}
