package passteam

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Answer is what a call is told.
type Answer struct {
	Result  any // a struct or list of this package; nil: an empty object
	Message string
	Code    int

	failed bool
	wait   time.Duration
}

// Done is the answer of success.
func Done(result any) Answer { return Answer{Result: result, Message: "OK", Code: CodeOK} }

// envelope has the keys in the order in which Passteam shows them; all four are
// always there, since 1C throws on reading an absent one (spec/passteam.md 1.2).
type envelope struct {
	Result  any    `json:"result"`
	Message string `json:"message"`
	Code    int    `json:"code"`
	Error   bool   `json:"error"`
}

// JSON writes the envelope as 1C can read it (see Survives1C). An error can
// only come from a Result that is no struct of this package.
func (a Answer) JSON() ([]byte, error) {
	if a.Result == nil {
		a.Result = struct{}{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(envelope{a.Result, a.Message, a.Code, a.failed}); err != nil {
		return nil, err
	}
	return keepPerCents(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// Write sends the answer, with its code as HTTP status too, or with status 200
// always, as a switch of the token may ask (contract 17).
func Write(w http.ResponseWriter, a Answer, always200 bool) error {
	body, err := a.JSON()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.Code == CodeTooMany {
		h.Set("Retry-After", strconv.Itoa(max(1, int((a.wait+time.Second-1)/time.Second))))
	}
	status := a.Code
	if always200 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// keepPerCents writes each per cent sign inside a value as \u0025: 1C deletes
// the sign itself from the reply before it parses (spec/passteam.md 2.3). In
// keys the sign stays, so that 1C's deletion makes "%PHONE%" an identifier.
// body is compact JSON.
func keepPerCents(body []byte) []byte {
	if bytes.IndexByte(body, '%') < 0 {
		return body
	}
	out := make([]byte, 0, len(body)+64)
	eachString(body, func(before, text []byte, key bool) {
		out = append(out, before...)
		if key {
			out = append(out, text...)
		} else {
			out = append(out, bytes.ReplaceAll(text, []byte("%"), []byte(`\u0025`))...)
		}
	})
	return out
}

// eachString cuts JSON into what stands before each string literal and the
// literal with its quotes; the last call has the rest and no literal.
func eachString(body []byte, do func(before, literal []byte, key bool)) {
	for {
		start := bytes.IndexByte(body, '"')
		if start < 0 {
			do(body, nil, false)
			return
		}
		end := start + 1
		for end < len(body) && body[end] != '"' {
			if body[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(body))
		rest := bytes.TrimLeft(body[end:], " \t\r\n")
		do(body[:start], body[start:end], len(rest) > 0 && rest[0] == ':')
		body = body[end:]
	}
}
