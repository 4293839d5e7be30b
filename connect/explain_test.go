package connect_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"styk/connect"
)

func TestExplainRealFailures(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	defer cut.Close()
	cases := []struct{ url, want string }{
		{"http://" + closed, "не принимает соединения"},
		{"https://" + plain.Listener.Addr().String(), "без шифрования"},
		{secure.URL, "неизвестным центром"},
		{cut.URL, "оборвалось"},
		{"http://no-such-host.invalid", "DNS"},
		{"http://169.254.169.254", "вызывать нельзя"},
	}
	base := connect.Guard{}.NewBase()
	defer base.CloseIdleConnections()
	client := (&connect.Transport{Base: base, Timeout: 5 * time.Second}).Client()
	for _, c := range cases {
		resp, err := client.Get(c.url)
		if err == nil {
			resp.Body.Close()
		}
		if got := connect.Explain(err); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q for %v, want …%s…", c.url, got, err, c.want)
		}
	}
}

func answer(code int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: code, Header: h}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		resp      *http.Response
		permanent bool
		wait      time.Duration // -1: none
		want      string
	}{
		{answer(400), true, -1, "не приняла данные (400)"},
		{answer(401), true, -1, "401"},
		{answer(404), true, -1, "404"},
		{answer(302, "Location", "/login"), true, -1, "другой адрес"},
		{answer(408), false, -1, "408"},
		{answer(429, "Retry-After", "7"), false, 7 * time.Second, "подождать"},
		{answer(429), false, time.Minute, "подождать"},
		{answer(429, "Retry-After", "Sat, 21 Nov 2026 12:00:30 GMT"), false, 30 * time.Second, "подождать"},
		{answer(429, "Retry-After", "999999999"), false, 24 * time.Hour, "подождать"},
		{answer(503, "Retry-After", "90"), false, 90 * time.Second, "временно недоступна"},
		{answer(503), false, -1, "временно недоступна"},
		{answer(500), false, -1, "Ошибка внутри системы"},
	}
	for _, c := range cases {
		err := connect.Judge(c.resp, []byte("<h1>Беда</h1>"), now)
		wait, asked := connect.Wait(err)
		if !asked {
			wait = -1
		}
		if connect.IsPermanent(err) != c.permanent || wait != c.wait || !strings.Contains(connect.Explain(err), c.want) {
			t.Errorf("%d: got %v, permanent %v, wait %v, %q", c.resp.StatusCode, err, connect.IsPermanent(err), wait, connect.Explain(err))
		}
		if !strings.Contains(err.Error(), "Беда") {
			t.Errorf("%d: got %v", c.resp.StatusCode, err)
		}
	}
	if err := connect.Judge(answer(204), nil, now); err != nil {
		t.Errorf("204: got %v", err)
	}
}

func TestExplainSaysWhatTheConnectorKnows(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("case: %w", connect.Stop(connect.Because(errors.New("Code 1"), "Неверный пароль.")))
	if got := connect.Explain(err); got != "Неверный пароль." || !connect.IsStop(err) || !connect.IsPermanent(err) {
		t.Errorf("got %q", got)
	}
	if got := connect.Explain(context.Canceled); !strings.Contains(got, "прервана") {
		t.Errorf("got %q", got)
	}
	if got := connect.Explain(nil); got != "" {
		t.Errorf("got %q", got)
	}
	var v struct{}
	err = connect.ReadJSON(answer(200, "Content-Type", "text/html"), []byte("<html>Вход"), &v)
	if got := connect.Explain(err); !strings.Contains(got, "другая страница") {
		t.Errorf("got %q", got)
	}
}

func FuzzFirstWords(f *testing.F) {
	f.Add([]byte("<html><body>Ошибка\n\n 500</body>"))
	f.Add([]byte("<<<>>>"))
	f.Add([]byte("\xff\xfe\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := connect.FirstWords(b); len(got) > 1000 || strings.ContainsAny(got, "\n\r") {
			t.Errorf("got %q", got)
		}
	})
}
