package vtiger

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// RemoteError is a refusal by Vtiger itself.
type RemoteError struct {
	Operation string
	Code      string // one of the Code constants, or another; the number zero is CodeDuplicate
	Message   string // in the words and the language of that Vtiger
}

// Error implements error.
func (e *RemoteError) Error() string {
	return "vtiger " + e.Operation + ": " + e.Code + ": " + e.Message
}

// Retryable tells whether the same call may succeed later (spec/vtiger.md 10.2).
func (e *RemoteError) Retryable() bool {
	switch e.Code {
	case CodeInternal, CodeDatabaseQuery, CodeInvalidSession, CodeSessionExpired, CodeSessionIdle, CodeAuthenticationRequired:
		return true
	}
	return false
}

// AnswerError is an answer that is none: an empty body, a web page, cut JSON. What
// was asked for may have been done all the same.
type AnswerError struct {
	Operation string
	Status    int    // of HTTP; 0 when the answer was JSON of another shape than expected
	Text      string // what came instead, in plain words
	Head      string // the first bytes of the body; may hold what was sent: not for logs

	Wait  time.Duration // before calling again, when Asked
	Asked bool          // the answer named a time: the header Retry-After
}

// Error implements error.
func (e *AnswerError) Error() string {
	text := "vtiger " + e.Operation + ": " + e.Text
	if e.Status != 0 {
		text += " (HTTP " + strconv.Itoa(e.Status) + ")"
	}
	return text
}

// Retryable tells whether the same call may succeed later: a page of refusal
// (4xx) will come again, all else may pass.
func (e *AnswerError) Retryable() bool { return e.Status < 400 || e.Status >= 500 || e.Status == 429 }

// envelopeStart is how every answer of Vtiger begins; PHP may print warnings
// before it (spec/vtiger.md 1.6).
var envelopeStart = []byte(`{"success"`)

// readEnvelope gives the result of an answer, or its error, whatever the status.
func readEnvelope(operation string, status int, body []byte) (json.RawMessage, error) {
	start := bytes.Index(body, envelopeStart)
	if start < 0 {
		start = bytes.IndexByte(body, '{') // members in another order
	}
	if start < 0 {
		return nil, notAnAnswer(operation, status, body)
	}
	var envelope struct {
		Success *bool
		Result  json.RawMessage
		Error   struct {
			Code    json.RawMessage
			Message json.RawMessage
		}
	}
	if err := json.NewDecoder(bytes.NewReader(body[start:])).Decode(&envelope); err != nil || envelope.Success == nil {
		return nil, notAnAnswer(operation, status, body)
	}
	if *envelope.Success {
		return envelope.Result, nil
	}
	return nil, &RemoteError{Operation: operation, Code: scalarText(envelope.Error.Code), Message: scalarText(envelope.Error.Message)}
}

// scalarText is a text or a number as text: duplicate prevention sends the
// number 0 as its code (spec/vtiger.md 1.7).
func scalarText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// notAnAnswer words what a broken server sent.
func notAnAnswer(operation string, status int, body []byte) error {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	e := &AnswerError{Operation: operation, Status: status, Head: repairText(string(body[:min(len(body), 200)]))}
	lower := strings.ToLower(e.Head)
	switch {
	case len(body) == 0 && status >= 500:
		e.Text = "the server died without a word: its PHP log tells why; an operation unknown to this Vtiger looks like this too"
	case len(body) == 0:
		e.Text = "the answer is empty: the result may hold text that is not UTF-8"
	case bytes.Contains(body, envelopeStart):
		e.Text = "the answer is cut JSON"
	case strings.HasPrefix(lower, "<!doctype") || strings.Contains(lower, "<html") || strings.Contains(lower, "<br"):
		e.Text = "a web page came instead of JSON: is the address that of webservice.php?"
	case strings.Contains(e.Head, "Attempt to access restricted file"):
		e.Text = "Vtiger refused with a line of text: the owner given in assigned_user_id probably does not exist" // spec/vtiger.md 1.6
	default:
		e.Text = "plain text came instead of JSON"
	}
	return e
}
