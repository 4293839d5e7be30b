package connect_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"styk"
	"styk/connect"
)

var kind = connect.Kind{
	Name: "crm", Title: "CRM",
	Fields: []connect.Field{
		{Name: "url", Label: "Адрес", Type: connect.URL, Required: true},
		{Name: "password", Label: "Пароль", Type: connect.Text, Secret: true},
		{Name: "files", Label: "Файлы", Type: connect.Choice, Default: "case",
			Options: []connect.Option{{Value: "case"}, {Value: "link"}}},
		{Name: "max_file", Label: "Предел", Type: connect.Size, Default: "10MB"},
		{Name: "idle", Label: "Сеанс", Type: connect.Duration, Default: "48m"},
		{Name: "parallel", Label: "Сразу", Type: connect.Number, Default: "2"},
		{Name: "oauth", Label: "OAuth", Type: connect.Bool},
		{Name: "keys", Label: "Ключи", Type: connect.List, Secret: true},
		{Name: "steps", Label: "Шаги", Type: connect.Tree},
	},
	New: func(s connect.Settings) (connect.Connector, error) { return leaky{s}, nil },
}

type leaky struct{ s connect.Settings }

func (l leaky) Check(context.Context) error {
	return connect.Permanent(errors.New("login api/" + l.s.Text("password") + " rejected"))
}
func (l leaky) Deliver(context.Context, *connect.Parcel) error { return nil }

func TestSettingsAreConverted(t *testing.T) {
	t.Parallel()
	got, err := kind.Check(map[string]any{
		"url": "http://127.0.0.1:9001/", "max_file": "512 KB", "oauth": true, "keys": "a b", "parallel": 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"url": "http://127.0.0.1:9001", "password": "", "files": "case", "max_file": int64(512 << 10),
		"idle": 48 * time.Minute, "parallel": int64(4), "oauth": true, "keys": []string{"a", "b"}, "steps": nil,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSettingsFaultsComeAllAtOnce(t *testing.T) {
	t.Parallel()
	_, err := kind.Check(map[string]any{
		"pasword": "x", "files": "nowhere", "max_file": "many", "idle": "-3s", "oauth": "yes!", "parallel": "two",
		"keys": []any{map[string]any{}},
	})
	var e *styk.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	var fields []string
	for _, f := range e.Faults {
		fields = append(fields, f.Field)
	}
	if got, want := strings.Join(fields, " "), "url files max_file idle parallel oauth keys pasword"; got != want {
		t.Errorf("got faults on %s, want %s", got, want)
	}
	if e.Hint != "password" {
		t.Errorf("got hint %q", e.Hint)
	}
}

func TestNoErrorCarriesASecret(t *testing.T) {
	t.Parallel()
	c, err := kind.Open(connect.Settings{Values: map[string]any{"url": "http://x", "password": `S3"cret`}})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Check(t.Context())
	if err == nil || strings.Contains(err.Error(), "S3") || !connect.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestTreeNamesTheUnknownKey(t *testing.T) {
	t.Parallel()
	s := connect.Settings{Values: map[string]any{"steps": map[string]any{"metod": "POST"}}}
	var into struct{ Method string }
	if err := s.Tree("steps", &into); err == nil || !strings.Contains(err.Error(), "metod") {
		t.Errorf("got %v", err)
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"10MB", "0", "1 kb", "-1", "99999999999999999GB", "MB", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := connect.ParseSize(s); err == nil && n < 0 {
			t.Errorf("%q gave %d", s, n)
		}
	})
}
