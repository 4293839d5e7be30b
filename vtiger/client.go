package vtiger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"styk/connect"
)

// Client calls the web service of a Vtiger as one user. Set the exported fields
// before the first call and leave them; then it is safe for many goroutines,
// which share one session (spec/vtiger.md 10.1). The session is opened by the
// first call and opened again, once per call, when the server has forgotten it.
//
// Errors are *RemoteError when Vtiger refused, *AnswerError when what came back
// is no answer of Vtiger, else of the connection. None of them holds the access
// key or the session.
type Client struct {
	URL       string // of webservice.php
	User      string
	AccessKey string
	HTTP      *http.Client // nil: http.DefaultClient

	// Timeout bounds one request whose context has no deadline; 0 is a minute.
	Timeout time.Duration
	// Unescape undoes HTML entities once in the values of records: some
	// installations store them escaped (spec/vtiger.md 10.8).
	Unescape bool

	once   sync.Once
	shared *loginState
}

// loginState is the session that goroutines, and clients made by Via, share.
type loginState struct {
	turn    chan struct{} // held by the one that logs in
	mu      sync.Mutex    // guards what follows
	session session
	ended   int   // handshakes ended so far
	failure error // of the last handshake
}

// Via gives a client that goes out by h and shares c's session.
func (c *Client) Via(h *http.Client) *Client {
	return &Client{
		URL: c.URL, User: c.User, AccessKey: c.AccessKey, HTTP: h, Timeout: c.Timeout, Unescape: c.Unescape,
		shared: c.common(),
	}
}

func (c *Client) common() *loginState {
	c.once.Do(func() {
		if c.shared == nil {
			c.shared = &loginState{turn: make(chan struct{}, 1)}
		}
	})
	return c.shared
}

// session is what login gave.
type session struct {
	Name    string
	UserID  string
	Version string
}

// Record is a record as read: every value is text, as on the wire. A value that
// is a list or an object stays JSON.
type Record map[string]string

// ID gives the record's id, or the zero one when it has none.
func (r Record) ID() WSID {
	id, err := ParseWSID(r["id"])
	if err != nil {
		return WSID{}
	}
	return id
}

// maxAnswer bounds one answer; files come as base64 inside it.
const maxAnswer = 256 << 20

// Login opens the session now; calls open it by themselves. It gives the
// user's id and the server's version.
func (c *Client) Login(ctx context.Context) (userID, version string, err error) {
	s, err := c.open(ctx, "")
	return s.UserID, s.Version, err
}

// Call does one operation in the session and gives its result as JSON, perhaps
// null. Operations of the registered type GET go by GET, all others by POST.
// Params must not hold operation or sessionName.
func (c *Client) Call(ctx context.Context, operation string, params map[string]string) (json.RawMessage, error) {
	return c.inSession(ctx, func(session string) (json.RawMessage, error) {
		values := url.Values{"operation": {operation}, "sessionName": {session}}
		for name, value := range params {
			values.Set(name, value)
		}
		return c.send(ctx, operation, readsQuery(operation), values)
	})
}

// inSession runs call with a session, and a second time with a new one when the
// first turns out to be dead.
func (c *Client) inSession(ctx context.Context, call func(session string) (json.RawMessage, error)) (json.RawMessage, error) {
	s, err := c.open(ctx, "")
	if err != nil {
		return nil, err
	}
	result, err := call(s.Name)
	if !sessionDead(err) {
		return result, err
	}
	if s, err = c.open(ctx, s.Name); err != nil {
		return nil, err
	}
	return call(s.Name)
}

// sessionDead tells whether a new login may mend err.
func sessionDead(err error) bool {
	var refused *RemoteError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case CodeInvalidSession, CodeSessionExpired, CodeSessionIdle, CodeAuthenticationRequired:
		return true
	}
	return false
}

// open gives the session, another than the dead one. One goroutine logs in, the
// others wait for it and share its outcome.
func (c *Client) open(ctx context.Context, dead string) (session, error) {
	l := c.common()
	s, ended, _ := l.state()
	if s.Name != "" && s.Name != dead {
		return s, nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return session{}, fmt.Errorf("wait for the login: %w", ctx.Err())
	}
	s, now, failure := l.state()
	switch {
	case s.Name != "" && s.Name != dead:
		return s, nil
	case now != ended && failure != nil:
		return session{}, failure
	}
	s, err := c.handshake(ctx)
	if ctx.Err() != nil && err != nil {
		return session{}, err // this caller gave up: says nothing to the others
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session, l.failure = s, err
	l.ended++
	return s, err
}

func (l *loginState) state() (s session, ended int, failure error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session, l.ended, l.failure
}

// handshake logs in. Stock keeps one token per user, so another program's
// getchallenge may spoil ours and look like a wrong key: one more try tells
// (spec/vtiger.md 2.2). A login changes nothing over there.
func (c *Client) handshake(ctx context.Context) (session, error) {
	ctx = connect.Harmless(ctx)
	s, err := c.logIn(ctx)
	var refused *RemoteError
	if errors.As(err, &refused) && (refused.Code == CodeInvalidCredentials || refused.Code == CodeInvalidToken) {
		s, err = c.logIn(ctx)
	}
	return s, err
}

func (c *Client) logIn(ctx context.Context) (session, error) {
	answer, err := c.send(ctx, OpGetChallenge, true, url.Values{"operation": {OpGetChallenge}, "username": {c.User}})
	if err != nil {
		return session{}, err
	}
	var challenge struct{ Token string }
	if err := json.Unmarshal(answer, &challenge); err != nil || challenge.Token == "" {
		return session{}, &AnswerError{Operation: OpGetChallenge, Text: "the answer holds no token"}
	}
	answer, err = c.send(ctx, OpLogin, false, url.Values{
		"operation": {OpLogin}, "username": {c.User}, "accessKey": {loginProof(challenge.Token, c.AccessKey)},
	})
	if err != nil {
		return session{}, err
	}
	var in struct{ SessionName, UserID, VtigerVersion string }
	if err := json.Unmarshal(answer, &in); err != nil || in.SessionName == "" {
		return session{}, &AnswerError{Operation: OpLogin, Text: "the answer holds no sessionName"}
	}
	return session{Name: in.SessionName, UserID: in.UserID, Version: in.VtigerVersion}, nil
}

// send does one request with urlencoded parameters.
func (c *Client) send(ctx context.Context, operation string, get bool, values url.Values) (json.RawMessage, error) {
	if get {
		return c.do(ctx, operation, http.MethodGet, values.Encode(), "", nil, 0)
	}
	text := values.Encode()
	return c.do(ctx, operation, http.MethodPost, "", "application/x-www-form-urlencoded", strings.NewReader(text), int64(len(text)))
}

// do does one request and reads the envelope of its answer. Length -1 means
// unknown.
func (c *Client) do(ctx context.Context, operation, method, query, contentType string, body io.Reader, length int64) (json.RawMessage, error) {
	req, err := http.NewRequest(method, c.URL, body)
	if err != nil {
		return nil, fmt.Errorf("vtiger %s: the address: %w", operation, withoutURL(err))
	}
	if query != "" {
		if req.URL.RawQuery != "" {
			query = req.URL.RawQuery + "&" + query
		}
		req.URL.RawQuery = query
	}
	if body != nil {
		req.ContentLength = length
		req.Header.Set("Content-Type", contentType)
	}
	resp, answer, err := c.exchange(ctx, operation, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return nil, &AnswerError{Operation: operation, Status: resp.StatusCode, Text: "the address leads elsewhere, set this one: " + movedTo(resp)}
	}
	result, err := readEnvelope(operation, resp.StatusCode, answer)
	return result, askedToWait(err, resp)
}

// exchange sends a request and reads the answer, whose body is closed then.
func (c *Client) exchange(ctx context.Context, operation string, req *http.Request) (*http.Response, []byte, error) {
	if _, has := ctx.Deadline(); !has {
		timeout := c.Timeout
		if timeout == 0 {
			timeout = time.Minute
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	resp, err := c.straight().Do(req.WithContext(ctx))
	if err != nil {
		return nil, nil, fmt.Errorf("vtiger %s: %w", operation, withoutURL(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("vtiger %s: read the answer: %w", operation, err)
	case len(answer) > maxAnswer:
		return nil, nil, &AnswerError{Operation: operation, Status: resp.StatusCode, Text: "the answer is larger than 256 MB"}
	}
	return resp, answer, nil
}

// askedToWait notes on an answer that is none how long it asks to be left alone.
func askedToWait(err error, resp *http.Response) error {
	var none *AnswerError
	if errors.As(err, &none) {
		none.Wait, none.Asked = connect.RetryAfter(resp.Header, time.Now())
	}
	return err
}

// straight is the HTTP client without redirects: following one would turn a
// POST into a GET and tell the session to the next host.
func (c *Client) straight() *http.Client {
	var straight http.Client
	if c.HTTP != nil {
		straight = *c.HTTP
	}
	straight.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &straight
}

func movedTo(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "(it does not say where)"
	}
	to.RawQuery = ""
	return to.Redacted()
}

// withoutURL takes the address out of an error of net/http: its query holds the
// session.
func withoutURL(err error) error {
	var full *url.Error
	if errors.As(err, &full) {
		return full.Err
	}
	return err
}

// text is a value of a record as text.
func (c *Client) text(raw json.RawMessage) string {
	var s string
	switch {
	case len(raw) == 0 || string(raw) == "null" || string(raw) == "false":
		if string(raw) == "false" {
			return "0"
		}
		return ""
	case string(raw) == "true":
		return "1"
	case raw[0] != '"' || json.Unmarshal(raw, &s) != nil:
		return string(raw)
	case c.Unescape:
		return html.UnescapeString(s)
	}
	return s
}

// record reads one record out of a result.
func (c *Client) record(operation string, result json.RawMessage) (Record, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(result, &values); err != nil || len(values) == 0 {
		return nil, &AnswerError{Operation: operation, Text: "the result is not a record"}
	}
	record := make(Record, len(values))
	for name, raw := range values {
		record[name] = c.text(raw)
	}
	return record, nil
}

// records reads a list of records; null and [] are none.
func (c *Client) records(operation string, result json.RawMessage) ([]Record, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(result, &list); err != nil {
		return nil, &AnswerError{Operation: operation, Text: "the result is not a list of records"}
	}
	records := make([]Record, len(list))
	for i, raw := range list {
		var err error
		if records[i], err = c.record(operation, raw); err != nil {
			return nil, err
		}
	}
	return records, nil
}
