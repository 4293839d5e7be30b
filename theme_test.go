package styk_test

import (
	"testing"

	"styk"
)

func TestTheme(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		name, value string
		good        bool
	}{
		{"accent", "#0b6e63", true},
		{"dark_accent", "#5cb", true},
		{"radius", "8px", true},
		{"font", `"PT Sans", Arial, sans-serif`, true},
		{"logo", "data:image/png;base64,iVBORw0KGgo=", true},
		{"accent", "red", false},
		{"accent", "#fff;} body{display:none", false},
		{"radius", "8px;}", false},
		{"font", "a;}</style>", false},
		{"logo", "https://elsewhere.example/logo.png", false},
		{"logo", "data:text/html;base64,PGI+", false},
		{"colour", "#fff", false},
	} {
		f := styk.Form{Name: "f", Fields: []styk.FormField{{Name: "name", Type: "text"}}, Theme: styk.Theme{one.name: one.value}}
		if err := f.Validate(); (err == nil) != one.good {
			t.Errorf("%s: %s: %v", one.name, one.value, err)
		}
	}
}
