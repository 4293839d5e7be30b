package wallet

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"styk"
)

func TestFill(t *testing.T) {
	t.Parallel()
	values := map[string]string{"NAME": "Анна", "ИМЯ": "Пётр", "_CODE": "7", "BONUS": "%NAME%"}
	for text, want := range map[string]string{
		"%NAME%": "Анна", "Здравствуйте, %NAME%!": "Здравствуйте, Анна!", "%ИМЯ%%_CODE%": "Пётр7",
		"скидка 5% и 7%": "скидка 5% и 7%", "%@": "%@", "%": "%", "%%": "%%", "%%NAME%%": "%Анна%",
		"%UNKNOWN%": "", "%NAME": "%NAME", "%BONUS%": "%NAME%", "": "", "100%NAME%": "100Анна",
	} {
		if got := Fill(text, values); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := variablesOf("%A% 5% %Б_2%%A%"); !slices.Equal(got, []string{"A", "Б_2", "A"}) {
		t.Errorf("variables %q", got)
	}
}

func FuzzFill(f *testing.F) {
	f.Add("Бонусы: %BONUS% из 100%", "7%")
	f.Add("%\xff%%A%", "")
	f.Fuzz(func(t *testing.T, text, value string) {
		values := map[string]string{}
		for _, name := range variablesOf(text) {
			values[name] = "%" + name + "%"
		}
		if got := Fill(text, values); got != text {
			t.Errorf("each variable by itself: got %q, want %q", got, text)
		}
		if s := clean(Fill(text+"%V%", map[string]string{"V": value}), true); len([]rune(s)) > valueLimit || strings.ContainsRune(s, 0) {
			t.Errorf("not clean: %q", s)
		}
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "1000000": "1\u00a0000\u00a0000", "1\u00a0234,50": "1\u00a0234,5", "-7500": "−7\u00a0500", "007": "7", "999": "999",
		"много": "много", "": "", "1e5": "1e5", "12345678901234567": "12345678901234567", "1.": "1.", "-0": "0", "1 000": "1\u00a0000",
	} {
		s := show([]Field{{Value: "%X%", Kind: Number}}, map[string]string{"X": text}, nil, false)[0]
		if s.Text != want {
			t.Errorf("%q: got %q, want %q", text, s.Text, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9  ]{1,12}([.,][0-9]{1,3})?`).Draw(t, "number")
		number, ok := decimal(text)
		if !ok {
			return
		}
		if back, ok := decimal(group(number)); !ok || back != number || !json.Valid([]byte(number)) {
			t.Errorf("%q: %q comes back as %q", text, number, back)
		}
	})
}

func TestDefaultLayout(t *testing.T) {
	t.Parallel()
	layout := DefaultLayout("Кофейня")
	if err := layout.Check(); err != nil {
		t.Fatal(err)
	}
	if got, want := layout.Variables(), []string{"BONUS", "CLIENT_NAME", "PHONE", "NEWS", "CARD_CODE"}; !slices.Equal(got, want) {
		t.Errorf("variables: got %q, want %q", got, want)
	}
	data, err := json.Marshal(layout)
	if err != nil {
		t.Fatal(err)
	}
	var back Layout
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, layout) {
		t.Errorf("through JSON: %v\n%+v", err, back)
	}
}

func TestLayoutCheck(t *testing.T) {
	t.Parallel()
	five := []Field{{Key: "a"}, {Key: "b"}, {Key: "c"}, {Key: "d"}, {Key: "e"}}
	for field, change := range map[string]func(*Layout){
		"organization":       func(l *Layout) { l.Organization = " " },
		"description":        func(l *Layout) { l.Description = strings.Repeat("я", 201) },
		"logoText":           func(l *Layout) { l.LogoText = "\xff" },
		"background":         func(l *Layout) { l.Background = "red" },
		"foreground":         func(l *Layout) { l.Foreground = "#12345g" },
		"labelColor":         func(l *Layout) { l.LabelColor = "#+12345" },
		"header":             func(l *Layout) { l.Header = five[:4] },
		"primary":            func(l *Layout) { l.Primary = five[:2] },
		"auxiliary":          func(l *Layout) { l.Secondary = five[:4] },
		"secondary[0].key":   func(l *Layout) { l.Secondary[0].Key = "бонус" },
		"auxiliary[0].key":   func(l *Layout) { l.Auxiliary[0].Key = "bonus" },
		"header[0].change":   func(l *Layout) { l.Header[0].Change = "Изменилось" },
		"header[0].kind":     func(l *Layout) { l.Header[0].Kind = "percent" },
		"header[0].align":    func(l *Layout) { l.Header[0].Align = "justify" },
		"barcode.symbol":     func(l *Layout) { l.Barcode.Symbol = "upc" },
		"strings":            func(l *Layout) { l.Strings["../ru"] = nil },
		"header[0].label":    func(l *Layout) { l.Header[0].Label = strings.Repeat("я", 201) },
		"back[1].value":      func(l *Layout) { l.Back[1].Value = strings.Repeat("я", 4001) },
		"secondary[0].empty": func(l *Layout) { l.Secondary[0].Empty = strings.Repeat("я", 201) },
	} {
		layout := DefaultLayout("Кофейня")
		change(&layout)
		var e *styk.Error
		if err := layout.Check(); !errors.As(err, &e) || e.Faults[0].Field != field || len(e.Faults) != 1 {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
