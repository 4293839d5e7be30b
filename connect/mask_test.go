package connect

import (
	"strings"
	"testing"
)

func TestMaskByName(t *testing.T) {
	t.Parallel()
	cases := []struct{ kind, body, want string }{
		{"application/json", `{"UserPassword":"a\"b","n":1}`, `{"UserPassword":"•••","n":1}`},
		{"application/json", `{"access_token" : "abc", "sms":795372}`, `{"access_token" : "•••", "sms":"•••"}`},
		{"application/json", `{"session":{"id":1},"smsText":"x"}`, `{"session":{"id":1},"smsText":"x"}`},
		{"application/json", `{"token":null,"secret":true}`, `{"token":null,"secret":"•••"}`},
		{"application/json", `{"password":"cut of`, `{"password":"•••"`},
		{"application/json", `{"password":`, `{"password":`},
		{"application/json", `["password","x"]`, `["password","x"]`},
		{"application/json", `{"content":"` + strings.Repeat("QUJD", 400) + `"}`, `{"content":"(base64)"}`},
		{"application/x-www-form-urlencoded", "accessKey=1&a=2", "accessKey=•••&a=2"},
		{"application/x-www-form-urlencoded", "inn=1&code=4568", "inn=1&code=•••"},
		{"application/json", `{"code":"ACCESS_DENIED"}`, `{"code":"ACCESS_DENIED"}`},
		{
			"application/x-www-form-urlencoded", "element=%7B%22sms%22%3A%22795372%22%7D",
			"element=%7B%22sms%22%3A%22%E2%80%A2%E2%80%A2%E2%80%A2%22%7D",
		},
		{"text/html", `<input name="token" value="v">`, `<input name="token" value="v">`},
	}
	for _, c := range cases {
		if got := string(NewMask().Body(c.kind, []byte(c.body))); got != c.want {
			t.Errorf("%.80s: got %s, want %s", c.body, got, c.want)
		}
	}
}

func TestMaskPersonal(t *testing.T) {
	t.Parallel()
	m := NewMask()
	m.Personal("Анна Иванова", "+79001234567", "ИП")
	got := m.Text(`{"n":"Анна Иванова","p":"%2B79001234567","q":"+79001234567","t":"ИП"}`)
	if strings.Contains(got, "Иванова") || strings.Contains(got, "1234567") || !strings.Contains(got, `"А•••"`) {
		t.Errorf("got %s", got)
	}
}
