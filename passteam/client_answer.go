package passteam

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"styk/connect"
)

// RemoteError is a refusal in Passteam's envelope.
type RemoteError struct {
	Method  string
	Code    int    // of the envelope, whatever the HTTP status
	Message string // theirs, shortened
}

// Error implements error.
func (e *RemoteError) Error() string {
	return "passteam " + e.Method + ": " + strconv.Itoa(e.Code) + ": " + e.Message
}

// notSet is the text that 1C compares; over there the name may have its per
// cent signs (spec/passteam.md 1.3).
var notSet = regexp.MustCompile(`^Provided field \(%?([^()%]+)%?\) is unique and must be set\.$`)

// NotSet gives the variable that is unique and had no value, if that was the
// refusal.
func (e *RemoteError) NotSet() (variable string, ok bool) {
	m := notSet.FindStringSubmatch(e.Message)
	if e.Code != CodeNotSet || m == nil {
		return "", false
	}
	return m[1], true
}

// AnswerError is an answer that is none of Passteam's: a web page, cut JSON, an
// empty body, a redirect. What was asked for may have been done all the same.
type AnswerError struct {
	Method string
	Status int    // of HTTP
	Text   string // what came instead
}

// Error implements error.
func (e *AnswerError) Error() string {
	return "passteam " + e.Method + ": HTTP " + strconv.Itoa(e.Status) + ": " + e.Text
}

// Unwrap makes it one of connect's unexpected answers.
func (e *AnswerError) Unwrap() error { return connect.ErrAnswer }

// Retryable tells whether the same call may succeed later. Before createcard is
// sent again, the card must be looked for.
func Retryable(err error) bool {
	var refused *RemoteError
	if errors.As(err, &refused) {
		_, unset := refused.NotSet()
		return refused.Code == CodeTooMany || refused.Code >= 500 && !unset
	}
	var broken *AnswerError
	if errors.As(err, &broken) {
		return broken.Status < 300 || broken.Status >= 500 || broken.Status == CodeTooMany
	}
	return err != nil && !connect.IsPermanent(err)
}

// readAnswer judges an answer by its envelope, whatever the status: a service
// may say 200 with every refusal, or mirror the code (spec/passteam.md 1.10).
func readAnswer(method string, resp *http.Response, body []byte) (json.RawMessage, error) {
	var e struct {
		Result  json.RawMessage
		Message json.RawMessage
		Code    json.RawMessage
		Error   any
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	code := 0
	if json.Unmarshal(body, &e) == nil {
		code, _ = strconv.Atoi(scalarOf(e.Code))
	}
	wait, asked := connect.RetryAfter(resp.Header, time.Now())
	var err error
	switch {
	case code == 0:
		err = explained(notAnAnswer(method, resp, body))
	case code == CodeOK && e.Error != true:
		return e.Result, nil
	default:
		err = explained(&RemoteError{method, code, connect.FirstWords([]byte(scalarOf(e.Message)))})
	}
	if asked || code == CodeTooMany || resp.StatusCode == CodeTooMany {
		err = connect.After(wait, err)
	}
	return nil, err
}

func notAnAnswer(method string, resp *http.Response, body []byte) *AnswerError {
	e := &AnswerError{Method: method, Status: resp.StatusCode}
	words := connect.FirstWords(body)
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.Text = "a redirect came instead of an answer"
	case len(bytes.TrimSpace(body)) == 0:
		e.Text = "the answer is empty"
	case json.Valid(body):
		e.Text = "JSON without a code came"
	case strings.HasPrefix(strings.TrimSpace(string(body)), "<"):
		e.Text = "a web page came instead of JSON: " + words
	default:
		e.Text = "something else came instead of JSON"
	}
	return e
}

// shapeless says that an answer of success lacks what it is for.
func shapeless(method, what string) error {
	return explained(&AnswerError{method, CodeOK, "the answer has " + what})
}

// explained gives an error its sentence for people.
func explained(err error) error {
	var refused *RemoteError
	if !errors.As(err, &refused) {
		return connect.Because(err, "По этому адресу отвечает не Passteam, или он временно неисправен: вместо данных пришло что-то другое. Проверьте адрес.")
	}
	if variable, ok := refused.NotSet(); ok {
		return connect.Because(err, "Passteam требует заполнить переменную "+variable+": она уникальная и не может быть пустой.")
	}
	texts := map[int]string{
		CodeBadRequest: "Passteam не принял параметры запроса (400).",
		CodeBadToken:   "Passteam не узнал токен (401): он неверен или истёк. Получите новый у менеджера Passteam.",
		CodeNoRight:    "У этого токена нет прав на шаблон или карту (403).",
		CodeNotFound:   "Passteam не знает такого шаблона, карты или метода (404). Проверьте идентификатор шаблона.",
		CodeTaken:      "Значение уникальной переменной уже занято другой картой (409).",
		CodeTooMany:    "Passteam просит подождать: исчерпан предел запросов тарифа (429).",
	}
	text, known := texts[refused.Code]
	switch {
	case known:
	case refused.Code >= 500:
		text = "Ошибка внутри Passteam (" + strconv.Itoa(refused.Code) + "). Повторите позже."
	default:
		text = "Passteam отказал (" + strconv.Itoa(refused.Code) + ")."
	}
	return connect.Because(err, text)
}

// scalarOf is a JSON scalar as text; "" for none.
func scalarOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return ""
	}
	return string(raw)
}
