package connect

import (
	"encoding/json"
	"testing"
)

func TestTypedSettingsComeBack(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		kind FieldType
		v    any
		text string
	}{
		{Text, "api", "api"}, {Number, float64(5), "5"}, {Bool, true, "true"}, {Duration, "30s", "30s"},
		{List, []any{"a@example.ru", "b b"}, "a@example.ru\nb b"},
		{Tree, map[string]any{"column": "AccountId"}, "column: AccountId"},
		{Tree, []any{"a", "b"}, "- a\n- b"}, {Text, nil, ""},
	} {
		f := Field{Name: "x", Type: one.kind}
		if got := f.Typed(one.v); got != one.text {
			t.Errorf("%s: typed %q, want %q", one.kind, got, one.text)
		}
		back, err := f.ReadTyped(one.text)
		if err != nil || f.Typed(back) != one.text {
			t.Errorf("%s: %q came back as %#v, %v", one.kind, one.text, back, err)
		}
	}
}

func FuzzReadTyped(f *testing.F) {
	for _, text := range []string{"a: b", "- a\n- b", "a: [", "? {a: b}\n: c", "a:\n  b: {c: 1}", "&a [*a]", "1: 2", "\r\n x \r\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []FieldType{Text, List, Tree} {
			v, err := Field{Name: "x", Type: kind}.ReadTyped(text)
			if err != nil {
				continue
			}
			if _, err := json.Marshal(v); err != nil {
				t.Errorf("%s %q: %v", kind, text, err)
			}
			_ = Field{Type: kind}.Typed(v)
		}
	})
}
