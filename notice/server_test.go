package notice_test

import (
	"errors"
	"strings"
	"testing"

	"styk"
	"styk/connect"
	"styk/notice"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	bad := map[string]map[string]any{
		"url":      {"url": "http://firm.ru"},
		"from":     {"from": "nobody"},
		"to":       {"to": "a@b.ru, c@"},
		"attach":   {"attach": "1GB"},
		"timeout":  {"timeout": "10ms"},
		"helo":     {"helo": "a b"},
		"ca":       {"ca": "not PEM"},
		"password": {"url": "smtp://user@firm.ru"},
	}
	for field, values := range bad {
		_, err := notice.Kind.Open(connect.Settings{Values: settings("127.0.0.1:25", values)})
		var e *styk.Error
		if !errors.As(err, &e) || e.Code != styk.Invalid || e.Faults[0].Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestParseServer(t *testing.T) {
	t.Parallel()
	good := map[string]notice.Server{
		"smtp://firm.ru":                        {Host: "firm.ru", Port: 587},
		"smtps://firm.ru/":                      {Host: "firm.ru", Port: 465, TLS: true},
		"smtp://[::1]:2525":                     {Host: "::1", Port: 2525},
		"smtp://a%40b.ru:p%2F%3F%23@firm.ru:25": {Host: "firm.ru", Port: 25, User: "a@b.ru", Password: "p/?#"},
		"smtp://a@b.ru:p@firm.ru":               {Host: "firm.ru", Port: 587, User: "a@b.ru", Password: "p"},
	}
	for text, want := range good {
		if got, err := notice.ParseServer(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "firm.ru", "firm.ru:587", "smtp:firm.ru", "http://firm.ru", "smtp://", "smtp://:25", "smtp://u:sesame/x@firm.ru",
		"smtp://u:sesame#x@firm.ru", "smtp://u:sesame%zz@firm.ru", "smtp://firm.ru:0", "smtp://firm.ru:99999",
		"smtp://u:sesame%0d@firm.ru", "smtp://firm.ru/x", "smtp://firm.ru?x=sesame",
	} {
		if got, err := notice.ParseServer(text); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	s := notice.Server{Host: "::1", Port: 25, User: "u", Password: "sesame"}
	if got := s.String(); got != "smtp://[::1]:25" {
		t.Errorf("got %s", got)
	}
}
