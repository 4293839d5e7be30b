// Package httpstory runs stories: text files in which HTTP requests stand with
// the answers they must get, written so that a customer can follow them. It is
// for tests only, and it knows nothing of the program under test but its
// address.
//
// A story is a list of steps, played from the top; what one step learns the
// next ones may use:
//
//	# Lines with a # before the first step, and between steps, are remarks.
//	> accessKey = "DemoKey000000001"
//
//	### The site asks for a challenge
//	GET /webservice.php?operation=getchallenge&username=api
//
//	HTTP 200
//	Content-Type: application/json
//	{"success": true, "result": {"token": /^[0-9a-f]{13,}$/, ...}}
//	> token = result.token
//	> key = md5({token}{accessKey})
//
//	### It signs in, as PHP's curl does: multipart
//	POST /webservice.php
//
//	multipart:
//	  operation: login
//	  username: api
//	  accessKey: {key}
//	  scan: @"договор № 1.pdf" application/pdf = %PDF-1.4 a few bytes
//
//	HTTP 200
//	{"success": true, "result": {"sessionName": any, ...}}
//
// # Request
//
// The request line and headers are sent as they stand, then a body: "multipart:"
// or "urlencoded:" and one "name: value" a line; or "@file" for the bytes of a
// file beside the story; or raw text up to the line "HTTP nnn". In a described
// body a value in double quotes is a JSON string (for \n, or a leading @), and
// "@name [type] [= text]" is a file part whose bytes are the text, or else those
// of the file of that name beside the story, or of "@file [type] as other name".
//
// # Answer
//
// The status is exact. A header line asks that the answer's header contains the
// text, or matches /regex/; "!Name" that it is absent. Then, in any order:
//
//	{"a": 1, ...}          the JSON body has this and, by the "...", may have more
//	= text                 the body is exactly this (several = lines: several lines)
//	= @file                the body is exactly the bytes of the file
//	matches /regex/        the body matches
//	contains text          the body contains
//	lacks text             the body does not contain
//	no result.path         the JSON body has no such field
//	empty                  the body has no byte
//	> name = result.a[0]   remember a value of the JSON body
//
// In JSON a value may also be /regex/ (of a string), {name}, any, string,
// number, bool or absent. Values remembered come from a path of the JSON body,
// "header Name", "cookie Name", "body /regex (group)/", a "quoted text", or
// md5(…), sha256(…), base64(…), urlencode(…) of a text or of @file.
//
// {name} stands for a remembered value everywhere, {base} for the server's
// address; \{ is a brace that is none of that.
package httpstory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answerTime is how long one answer may take; a story waits for nothing else.
const answerTime = 30 * time.Second

// Run plays the story at path, or every *.http file of the folder at path,
// against the server at baseURL. Each file is a subtest and each step a subtest
// of it; a file ends at its first failing step, since the next ones lean on it.
// vars are the values known at the start; the map is not changed. Redirects are
// not followed and cookies not kept: a story says all that is sent.
func Run(t *testing.T, path, baseURL string, vars map[string]string) {
	t.Helper()
	for _, file := range files(t, path) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			play(t, file, strings.TrimSuffix(baseURL, "/"), vars)
		})
	}
}

// Serve is Run against a handler, served on loopback while the stories play.
func Serve(t *testing.T, path string, h http.Handler, vars map[string]string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	Run(t, path, srv.URL, vars)
}

func files(t *testing.T, path string) []string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !info.IsDir() {
		return []string{path}
	}
	list, err := filepath.Glob(filepath.Join(path, "*.http"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no *.http file in %s (%v)", path, err)
	}
	return list
}

func play(t *testing.T, file, base string, vars map[string]string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	st, err := parse(string(text))
	if err != nil {
		t.Fatalf("%s:%v", file, err)
	}
	p := newPlayer(filepath.Dir(file), base, vars)
	for i := range st.steps {
		s := &st.steps[i]
		if i == 0 {
			s.before = append(st.before, s.before...)
		}
		ok := t.Run(s.title, func(t *testing.T) {
			if report := p.step(t.Context(), s); report != "" {
				t.Errorf("%s:%s", file, report)
			}
		})
		if !ok {
			return
		}
	}
}

// A player holds what a story knows while it is played.
type player struct {
	vars   scope
	base   string
	client *http.Client
}

func newPlayer(dir, base string, vars map[string]string) *player {
	known := map[string]string{"base": base}
	maps.Copy(known, vars)
	return &player{
		vars: scope{dir: dir, values: known},
		base: base,
		client: &http.Client{
			Timeout:       answerTime,
			Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// step plays one step and gives the report of what went wrong, or "".
func (p *player) step(ctx context.Context, s *step) string {
	for _, a := range s.before {
		if err := p.vars.assign(a, nil); err != nil {
			return fmt.Sprintf("%d: %v", a.no, err)
		}
	}
	req, sent, err := p.request(ctx, s)
	if err != nil {
		return fmt.Sprintf("%d: %v", s.no, err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Sprintf("%d: %v\n%s", s.no, err, showRequest(req, sent))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Sprintf("%d: read the answer: %v\n%s", s.no, err, showRequest(req, sent))
	}
	got := &answer{resp: resp, body: body}
	faults := s.want.check(got, &p.vars)
	if len(faults) == 0 {
		return ""
	}
	return showFaults(faults) + showRequest(req, sent) + got.show()
}

// request makes the request as written. The target goes out byte for byte: a
// story must be able to send what a library would tidy.
func (p *player) request(ctx context.Context, s *step) (*http.Request, []byte, error) {
	target, err := p.vars.expand(s.target)
	if err != nil {
		return nil, nil, err
	}
	body, contentType, err := s.body.encode(&p.vars)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, s.method, p.base, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	path, query, hasQuery := strings.Cut(target, "?")
	req.URL = &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Opaque: req.URL.Path + path, RawQuery: query, ForceQuery: hasQuery}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for _, h := range s.header {
		value, err := p.vars.expand(h.value)
		if err != nil {
			return nil, nil, err
		}
		if strings.EqualFold(h.name, "Host") {
			req.Host = value
			continue
		}
		req.Header.Add(h.name, value)
	}
	return req, body, nil
}
