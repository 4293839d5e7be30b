package passteam

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Each method of the registry is served.
func TestEveryMethodIsServed(t *testing.T) {
	t.Parallel()
	for _, m := range Methods() {
		if operations[m.Name] == nil {
			t.Errorf("%s does nothing", m.Name)
		}
	}
	if len(operations) != len(Methods()) {
		t.Errorf("got %d operations for %d methods", len(operations), len(Methods()))
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/oapi/v1/createcard": true, "//oapi//v1/createcard/": true, "/OAPI/v1/x": true, "/oapi": true, "oapi": true, "/oapi/": true,
		"/oapis/v1": false, "/": false, "": false, "/x/oapi/v1/createcard": false, "/api/v1/oapi": false,
	} {
		if got := Matches(path); got != want {
			t.Errorf("%q: got %v", path, got)
		}
	}
}

// hostile are bodies that break parsers, answers or 1C itself.
var hostile = []string{
	"", "&", "=", "&&&=&", "%", "%%%", "{", "{}", "[]", "null", `{"templateId":{}}`, `{"values":[1]}`, `{"cardId":null,"values":null}`,
	"\ufeff", "\x00\x00", "\xff\xfe\xfd", strings.Repeat("[", 5000), `{"a":` + strings.Repeat("[", 9999),
	"templateId=" + guests, "templateId=%" + guests, "templateId=" + strings.Repeat("9", 9000),
	"cardId=" + card + "&values[%2DAY%]=1&values[%a-b%]=2&values[%%]=3", "cardId=" + card + "&values[]=1", "cardId[]=1&cardId[x]=2",
	"cardId=%00%ff<script>\u2028\"\\%25", "cardId=" + card + "&values[%NUMBERCARD%]=100% \u0000\u2028\"'\\%22%",
	"cardId=" + card + "&values[%BALANCE%]=" + strings.Repeat("9", 2000), "templateId=" + guests + "&values[%PHONE%]=" + strings.Repeat("7", 600),
	"templateId=" + guests + "&values[%PHONE%]=%F0%9F%98%80&values[%phone%]=1&values[%PHONE%]=", "templateId=" + guests + "&page=-1", "templateId=" + guests + "&page=99999999999999999999",
	"templateId=" + guests + "&page=1073741824&limit=1073741824",
	"nickname=%25%00&password=%ff", "nickname=" + strings.Repeat("n", 10_000) + "&password=x", "message=%25%&templateId=" + guests + "&values[%X%]=%",
	"message=" + strings.Repeat("я", 3000) + "&templateId=" + guests, "cardIds=" + strings.Repeat("a,", 3000) + "&message=x", "cardIds[][]=1&cards[0][0][0]=1",
	"cards[0][cardId]=" + card + "&cards[0][values][%2%]=1&cards[][values]=&cards[1][cardCode]=%25", "cardId=" + card + "&channel=email&to=a@b%0d%0aBcc: x@y.ru",
	"cardId=" + card + "&channel=email&to=%25@%25", "cardId=" + card + "&channel=pigeon&to=x", "cardId=" + card + "&channel=sms&to=%25",
	strings.Repeat("values[%A%]=1&", 2000), func() string {
		var b strings.Builder
		b.WriteString("templateId=" + guests + "&values[%PHONE%]=+79990001122")
		for i := range 600 {
			fmt.Fprintf(&b, "&values[%%V%d%%]=1", i)
		}
		return b.String()
	}(),
	"cardId=" + card + "&values[%" + strings.Repeat("N", 300) + "%]=1",
}

// Every answer on every path can be read by 1C, whoever asks, in whatever way.
func TestEveryAnswerSurvives1C(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	paths := []string{
		"/oapi", "/oapi/", "//oapi//v1//", "/oapi/v1/", "/oapi/v1/nothing%25", "/oapi/v1/%D0%96%22%5C", "/oapi/v1/createcard/x", "/oapi/v2/createcard",
		"/oapi/v1/" + strings.Repeat("x", 5000), "/oapi/v1/%00%ff",
	}
	for _, m := range Methods() {
		for _, name := range append([]string{m.Name, strings.ToUpper(m.Name)}, m.Aliases...) {
			paths = append(paths, "/oapi/v1/"+name)
		}
	}
	types := []string{formType, "", "application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain; charset=koi8-r", "%;%=%"}
	for i, path := range paths {
		for j, body := range hostile {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Content-Type", types[(i+j)%len(types)])
			r.Header.Set("Authorization", demoText)
			a := b.send(t, r)
			if a.Code != a.status {
				t.Errorf("%s: status %d with code %d", path, a.status, a.Code)
			}
			if strings.HasPrefix(a.Message, "Internal error") {
				t.Errorf("%s with %.80q: %s", path, body, a.body)
			}
		}
		for _, token := range []string{"", "Bearer", "%", "wrong", "narrow-token", "always-200-token", strings.Repeat("t", 9000)} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("cardId="+card))
			r.Header.Set("Authorization", token)
			if a := b.send(t, r); token == "always-200-token" && a.status != 200 {
				t.Errorf("%s: status %d", path, a.status)
			}
		}
		for _, verb := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "ПИСАТЬ"} {
			r := httptest.NewRequest(http.MethodPost, path, nil)
			r.Method = verb
			if a := b.send(t, r); a.status != 405 || a.header.Get("Allow") != "POST" {
				t.Errorf("%s %s: %d, Allow %q", verb, path, a.status, a.header.Get("Allow"))
			}
		}
	}
}

// The same for texts that nobody thought of.
func TestAnyAnswerSurvives1C(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	all := Methods()
	rapid.Check(t, func(rt *rapid.T) {
		m := all[rapid.IntRange(0, len(all)-1).Draw(rt, "method")]
		id := rapid.SampledFrom([]string{card, guests, "", "x%"}).Draw(rt, "id")
		encode := encoders[rapid.SampledFrom([]string{"form", "raw keys", "multipart", "JSON"}).Draw(rt, "form")]
		text, kind := encode(id, drawValues(rt))
		text = strings.Replace(text, FieldCardID, rapid.SampledFrom([]string{FieldCardID, FieldTemplateID, FieldMessage, FieldNickname}).Draw(rt, "field"), 1)
		r := httptest.NewRequest(http.MethodPost, "/oapi/v1/"+m.Name, strings.NewReader(text))
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", demoText)
		if a := b.send(t, r); strings.HasPrefix(a.Message, "Internal error") {
			rt.Errorf("%s: %s", m.Name, a.body)
		}
	})
}

func TestTooLargeABody(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	if a := b.ask(t, "updatecard", "cardId="+card+"&values[%NUMBERCARD%]="+strings.Repeat("x", MaxBody)); a.Code != 413 || a.status != 413 {
		t.Errorf("got %s", a.body)
	}
}

// What goes wrong inside is a number for the caller and a line for us.
func TestTroubleIsANumber(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	b.ask(t, "getcard", "cardId="+card) // the token is known for a second
	b.Remote = func(*http.Request) netip.Addr { panic("no address") }
	if a := b.ask(t, "getatoken", "nickname=api&password=secretpassword"); a.Code != 500 || !strings.HasPrefix(a.Message, "Internal error, number ") {
		t.Errorf("after a panic: got %s", a.body)
	}
	ok(t, b.db.Close())
	a := b.ask(t, "createcard", guestBody("+7 921 555 44 33"))
	if a.Code != 500 || a.Message == NotSet("PHONE").Message {
		t.Errorf("got %s", a.body)
	}
	number := strings.Trim(strings.TrimPrefix(a.Message, "Internal error, number "), ".")
	if !strings.Contains(b.log.String(), number) || !strings.Contains(b.log.String(), "level=ERROR") {
		t.Errorf("%q is not in the log", number)
	}
	if strings.Contains(b.log.String(), "secretpassword") {
		t.Error("a password is in the log")
	}
}

// Bytes as 1C puts them on the wire, with a path that net/http would tidy.
func TestRawSocket(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	server := httptest.NewServer(b)
	defer server.Close()
	for _, sent := range []string{
		"POST //oapi//v1/updatecard/ HTTP/1.1\r\nHost: x\r\nAuthorization: " + demoText + "\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"User-Agent: 1C+Enterprise/8.3\r\nContent-Length: 62\r\nConnection: close\r\n\r\ncardId=5bea7e305abcfd6b708b4573&values[%BALANCE%]=1\u00a0234,5&x=1",
		"POST /oapi/v1/gettemplates HTTP/1.1\r\nHost: x\r\nAuthorization: " + demoText + "\r\nConnection: close\r\n\r\n", // no Content-Length
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		ok(t, err)
		_, err = io.WriteString(conn, sent)
		ok(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		ok(t, err)
		body, err := io.ReadAll(answer.Body)
		ok(t, err)
		answer.Body.Close()
		conn.Close()
		var a told
		if err := json.Unmarshal(body, &a); err != nil || answer.StatusCode != 200 || a.Code != 200 || answer.ContentLength < 0 {
			t.Errorf("%.60q: got %d %s", sent, answer.StatusCode, body)
		}
		if err := Survives1C(body); err != nil {
			t.Error(err)
		}
	}
}
