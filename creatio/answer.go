package creatio

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// answer is one reply of the server, read whole (bounded) before judging.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// jsonBody decodes the body with numbers kept exactly.
func (a answer) jsonBody(into any) error {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(a.body, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	return d.Decode(into)
}

func (a answer) isHTML() bool {
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if kind == "text/html" || kind == "application/xhtml+xml" {
		return true
	}
	start := bytes.ToLower(bytes.TrimSpace(a.body[:min(len(a.body), 512)]))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// verdict is what an answer says about our session and address.
type verdict int

const (
	judged    verdict = iota // reached the service: look at status and body
	expired                  // the session is dead: sign in again, repeat
	forbidden                // a stale CSRF value or missing rights: one fresh login tells
	strayed                  // not this application: wrong address, proxy page
)

// classify is the table of spec/creatio.md 1.6. Redirects are never followed,
// so a login page can also arrive as a plain redirect.
func (a answer) classify() verdict {
	switch {
	case a.status == http.StatusUnauthorized:
		return expired
	case a.status >= 300 && a.status < 400:
		if to, err := url.Parse(a.header.Get("Location")); err == nil && strings.Contains(strings.ToLower(to.Path), "/login/") {
			return expired
		}
		return strayed
	case a.status >= 200 && a.status < 300 && a.isHTML():
		head := a.body[:min(len(a.body), 4096)]
		if bytes.Contains(head, []byte("bootstrap.login")) || bytes.Contains(bytes.ToLower(head), []byte("/login/")) {
			return expired
		}
		return strayed
	case a.status == http.StatusForbidden:
		return forbidden
	}
	return judged
}

// odataError holds every error shape of spec/creatio.md 2.9 at once; names do
// not clash, so one decoding reads them all.
type odataError struct {
	Error *struct {
		Message json.RawMessage `json:"message"` // v4: text; v3: {"value": text}
		Inner   *innerError     `json:"innererror"`
	} `json:"error"`
	Message          string `json:"Message"`
	ExceptionMessage string `json:"ExceptionMessage"`
	MessageDetail    string `json:"MessageDetail"`
	ModelState       map[string][]string
	ErrorInfo        *struct{ ErrorCode, Message string } `json:"errorInfo"`
	ResponseStatus   *struct{ ErrorCode, Message string } `json:"responseStatus"`
}

type innerError struct {
	Message  string      `json:"message"`
	Internal *innerError `json:"internalexception"`
}

// reason digs the one useful sentence out of an error body. It is cut to a
// few lines and never holds a stack trace.
func reason(body []byte) string {
	var e odataError
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	text := e.Message
	switch {
	case e.Error != nil:
		text = deepest(e.Error.Message, e.Error.Inner)
	case e.ErrorInfo != nil && e.ErrorInfo.Message != "":
		text = e.ErrorInfo.Message
	case e.ResponseStatus != nil && e.ResponseStatus.Message != "":
		text = e.ResponseStatus.Message
	case e.ExceptionMessage != "":
		text = e.ExceptionMessage
	case e.MessageDetail != "":
		text = e.MessageDetail
	case len(e.ModelState) > 0:
		for _, field := range slices.Sorted(maps.Keys(e.ModelState)) {
			text += " " + field + ": " + strings.Join(e.ModelState[field], ", ")
		}
	}
	return cut(strings.Join(strings.Fields(text), " "), 300)
}

func deepest(message json.RawMessage, inner *innerError) string {
	var text string
	if json.Unmarshal(message, &text) != nil {
		var v3 struct{ Value string }
		_ = json.Unmarshal(message, &v3) // neither shape: the sentence stays empty
		text = v3.Value
	}
	for ; inner != nil; inner = inner.Internal {
		if inner.Message != "" {
			text = inner.Message
		}
	}
	return text
}

// routing reports the shape "no such controller": an entity that does not
// exist, or a data model being rebuilt for a minute or two.
func routing(body []byte) bool {
	var e odataError
	return json.Unmarshal(body, &e) == nil && e.Error == nil && e.MessageDetail != "" &&
		strings.Contains(e.MessageDetail, "controller")
}

// cut shortens by runes and never splits one.
func cut(s string, runes int) string {
	s = strings.ToValidUTF8(s, "")
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes-1]) + "…"
}

// loginAnswer is the body of AuthService (spec/creatio.md 1.2). Code is a
// pointer because a missing one is a failure, not a success.
type loginAnswer struct {
	Code              *json.Number
	Message           string
	Exception         *struct{ Message, Type string }
	PasswordChangeURL *string `json:"PasswordChangeUrl"`
}

var errNotLoginAnswer = errors.New("not an answer of AuthService")

// parseLogin reads the body of a 200 of the login.
func parseLogin(body []byte) (loginAnswer, error) {
	var l loginAnswer
	if err := (answer{body: body}).jsonBody(&l); err != nil || l.Code == nil {
		return l, errNotLoginAnswer
	}
	if _, err := l.Code.Int64(); err != nil {
		return l, errNotLoginAnswer
	}
	return l, nil
}

func (l loginAnswer) ok() bool {
	n, err := l.Code.Int64()
	return err == nil && n == 0 && (l.PasswordChangeURL == nil || *l.PasswordChangeURL == "")
}

// uploadAnswer is what FileApiService says with a 200 in both cases.
type uploadAnswer struct {
	known   bool // the body said success or failure
	success bool
	code    string // "MaxFileSizeExceededException", …
	text    string
}

// parseUpload reads it. An empty or unreadable body is "not known": look.
func parseUpload(body []byte) uploadAnswer {
	var u struct {
		Success *bool `json:"success"`
		odataError
	}
	if (answer{body: body}).jsonBody(&u) != nil || u.Success == nil {
		return uploadAnswer{}
	}
	a := uploadAnswer{known: true, success: *u.Success, text: reason(body)}
	if u.ErrorInfo != nil {
		a.code = u.ErrorInfo.ErrorCode
	}
	if a.code == "" && u.ResponseStatus != nil {
		a.code = u.ResponseStatus.ErrorCode
	}
	return a
}
