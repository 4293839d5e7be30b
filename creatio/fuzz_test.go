package creatio

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzAnswer feeds every parser of a body: none may panic, repeat a stack
// trace, or take rubbish for success.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"Code":0,"Message":"","Exception":null,"PasswordChangeUrl":null}`,
		`{"Code":1,"Message":"locked","Exception":{"Message":"x"}}`,
		`{"error":{"code":"","message":"m","innererror":{"message":"i","internalexception":{"message":"d"}}}}`,
		`{"Message":"m","MessageDetail":"No type was found that matches the controller named 'X'."}`,
		`{"Message":"m","ModelState":{"a":["b"]}}`,
		`{"success":true}`, `{"success":false,"errorInfo":{"errorCode":"MaxFileSizeExceededException","message":"m"}}`,
		`{"@odata.context":"x","value":[{"Id":"ae5f2f10-f46b-1410-fd9a-0050ba5d6c38"}]}`,
		"<!DOCTYPE html><script>bootstrap.login</script>", "", "null", "[]", "\xff\xfe", "\xef\xbb\xbf{}",
	} {
		f.Add(200, "application/json", seed)
	}
	f.Add(302, "text/html", "<html>")
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		a := answer{status: status, header: http.Header{"Content-Type": {kind}, "Location": {body}}, body: []byte(body)}
		if a.classify() == expired && status >= 400 && status != 401 {
			t.Errorf("status %d taken for an expired session", status)
		}
		if text := reason(a.body); !utf8.ValidString(text) || utf8.RuneCountInString(text) > 300 {
			t.Errorf("reason %q", text)
		}
		if l, err := parseLogin(a.body); err == nil && l.ok() && !strings.Contains(body, "0") {
			t.Errorf("signed in by %q", body)
		}
		if u := parseUpload(a.body); u.success && !strings.Contains(strings.ToLower(body), "success") {
			t.Errorf("uploaded by %q", body)
		}
		row := rowOf(a, fileTypeFile)
		_, _, _ = row.GUID("Id"), row.Time("Id"), row.Int("Id")
		_ = routing(a.body)
	})
}

// FuzzSetCookie: no line of a server makes a header that net/http would refuse
// to send apart, and a session never loses its generation.
func FuzzSetCookie(f *testing.F) {
	for _, seed := range []string{
		"BPMCSRF=a/+==; path=/", ".ASPXAUTH=x; HttpOnly; expires=Thu, 01 Jan 1970 00:00:00 GMT", "=x", "a", ";", "a=b=c;Max-Age=-1", "CRT_CSRF= v ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s := (&session{generation: 7}).with(http.Header{"Set-Cookie": {line, "x=1"}}, time.Unix(1e9, 0))
		if s.generation != 7 || s.cookies["x"] != "1" && !strings.HasPrefix(strings.TrimSpace(line), "x") {
			t.Errorf("session %+v", s)
		}
		h := http.Header{}
		s.sign(h)
	})
}

// FuzzModel: $metadata is read or refused.
func FuzzModel(f *testing.F) {
	var b bytes.Buffer
	NewSim(Net).writeModel(&b)
	f.Add(b.String())
	f.Add(`<EntityType Name="Case"><Property Name="Subject" MaxLength="max"/></EntityType>`)
	f.Add(`<Property Name="x"/>`)
	f.Add(`<a`)
	f.Fuzz(func(t *testing.T, text string) {
		model, err := parseModel(strings.NewReader(text))
		if err != nil {
			return
		}
		for entity, columns := range model {
			for column, longest := range columns {
				if longest < 0 {
					t.Errorf("%s.%s: %d", entity, column, longest)
				}
			}
		}
	})
}

// FuzzSimFilter: the simulator's own parser of callers' filters.
func FuzzSimFilter(f *testing.F) {
	for _, seed := range []string{
		"Name eq 'x'", "(Name eq 'a''b' or startswith(Phone,'7')) and not (Account/Id eq " + zeroGUID + ")", "Name eq 'x", "((", "CreatedOn ge 2026-01-01T00:00:00Z",
	} {
		f.Add(seed)
	}
	table := simTables()["Contact"]
	table.add(simRow{"Id": zeroGUID, "Name": "x"})
	f.Fuzz(func(t *testing.T, text string) {
		cond, err := parseSimFilter(table, text)
		if err == nil {
			_ = table.pick(cond)
		}
	})
}
