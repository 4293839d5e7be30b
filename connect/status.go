package connect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// AnswerLimit is how much of an answer a connector reads, in bytes.
const AnswerLimit = 4 << 20

// StatusError is an answer of the foreign system that is no success.
type StatusError struct {
	Status   int
	Text     string // first words of the answer, or what it said was wrong
	Location string // of a redirect
}

func (e *StatusError) Error() string {
	s := "HTTP " + strconv.Itoa(e.Status)
	if e.Location != "" {
		s += " -> " + e.Location
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// NoRedirect is the CheckRedirect of every client here: a redirect is an answer
// to be judged (often a login page), and cookies must not travel with it.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Read reads an answer of at most AnswerLimit bytes and closes it.
func Read(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, AnswerLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > AnswerLimit {
		return nil, fmt.Errorf("read answer: longer than %d bytes", AnswerLimit)
	}
	return body, nil
}

// Judge gives nil for 2xx, else a StatusError with its meaning: Permanent for
// redirects and 4xx, After where the answer asks to wait, and no mark (which is
// "unknown, look it up before sending again") for 5xx, 408 and 425. 401 and 403
// are Permanent here: a connector with a session judges them first.
func Judge(resp *http.Response, body []byte, now time.Time) error {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	err := &StatusError{Status: code, Text: FirstWords(body), Location: resp.Header.Get("Location")}
	wait, asked := RetryAfter(resp.Header, now)
	switch {
	case code == http.StatusTooManyRequests, code >= 500 && asked:
		return After(wait, err)
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusTooEarly:
		return err
	}
	return Permanent(err)
}

// maxWait keeps a foreign clock that went wrong from parking a parcel for ever.
const maxWait = 24 * time.Hour

// RetryAfter reads the header of that name, seconds or date. Without one it
// gives a minute and false.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && n >= 0 {
		return min(time.Duration(n)*time.Second, maxWait), true
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxWait), true
	}
	return time.Minute, false
}

// FirstWords gives the beginning of an answer as one line of plain text, at most
// 200 letters, markup dropped.
func FirstWords(body []byte) string {
	text := strings.ToValidUTF8(string(body[:min(len(body), 4096)]), "")
	var b strings.Builder
	inTag := false
	for _, r := range text {
		switch {
		case r == '<':
			inTag = true
			b.WriteByte(' ')
		case r == '>' && inTag:
			inTag = false
		case !inTag:
			b.WriteRune(r)
		}
	}
	line := strings.Join(strings.Fields(b.String()), " ")
	if utf8.RuneCountInString(line) > 200 {
		line = string([]rune(line)[:200]) + "…"
	}
	return line
}

// ErrAnswer is inside every error about an answer that came, with success, but
// is not what it should be.
var ErrAnswer = errors.New("unexpected answer")

// ReadJSON reads a successful answer's JSON into v. What is not JSON gives an
// error with ErrAnswer inside and no mark: after a write, the outcome is unknown.
func ReadJSON(resp *http.Response, body []byte, v any) error {
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), v); err != nil {
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		return fmt.Errorf("%w: HTTP %d, %s is not the expected JSON (%w): %s",
			ErrAnswer, resp.StatusCode, kind, err, FirstWords(body))
	}
	return nil
}
