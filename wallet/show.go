package wallet

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"styk"
)

// Face is one card with its values filled in: what the web card and the
// preview show. The pass is made of the same.
type Face struct {
	LogoText                                    string
	Header, Primary, Secondary, Auxiliary, Back []Shown
	Barcode                                     *Code // nil: the card has none
	Caption                                     string
}

// Shown is a field with its value.
type Shown struct {
	Field
	Text  string // as a person reads it: "1 000 000", "21.11.2026"
	plain string // number or day in the form of a pass, "" for text
}

// valueLimit bounds one value of a card, in characters.
const valueLimit = 4000

// Show fills the layout with a card's values in a language ("ru", "en"; one
// without strings gives the layout's own texts). A barcode that cannot be drawn
// is left out.
func (l *Layout) Show(values map[string]string, lang string) Face {
	f := Face{LogoText: clean(Fill(l.LogoText, values), false)}
	words := l.Strings[lang]
	f.Header = show(l.Header, values, words, false)
	f.Primary = show(l.Primary, values, words, false)
	f.Secondary = show(l.Secondary, values, words, false)
	f.Auxiliary = show(l.Auxiliary, values, words, false)
	f.Back = show(l.Back, values, words, true)
	if code, err := Encode(l.Barcode.Symbol, clean(Fill(l.Barcode.Value, values), false)); err == nil {
		f.Barcode, f.Caption = code, clean(Fill(l.Barcode.Caption, values), false)
		if f.Caption == "" {
			f.Caption = code.Text
		}
	}
	return f
}

func show(fields []Field, values, words map[string]string, lines bool) []Shown {
	shown := make([]Shown, len(fields))
	for i, f := range fields {
		s := Shown{Field: f}
		s.Label = clean(Fill(f.Label, values), false)
		s.Text = clean(Fill(f.Value, values), lines)
		if s.Text == "" {
			s.Text = f.Empty
		}
		switch f.Kind {
		case Number, Money:
			if number, ok := decimal(s.Text); ok {
				s.plain, s.Text = number, group(number)
				if f.Kind == Money {
					s.Text += "\u00a0₽"
				}
			}
		case Day:
			if day, ok := styk.ParseDay(s.Text); ok && day != "" {
				s.plain, s.Text = string(day), day.Russian()
			}
		}
		s.Label, s.Text = translated(words, s.Label), translated(words, s.Text)
		shown[i] = s
	}
	return shown
}

func translated(words map[string]string, text string) string {
	if other := words[text]; other != "" {
		return other
	}
	return text
}

// clean makes outside text fit for a card: valid, without control characters,
// trimmed and bounded. lines keeps line breaks, as on the back.
func clean(text string, lines bool) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case r == '\r' && lines:
			return -1
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) <= valueLimit {
		return text
	}
	return string([]rune(text)[:valueLimit-1]) + "…"
}

// decimal reads a number as people and programs write it and gives the literal
// that JSON takes, at most 15 digits: more than a phone's number type keeps.
func decimal(text string) (string, bool) {
	number, ok := styk.ParseDecimal(text)
	return number, ok && number != "" && len(strings.NewReplacer("-", "", ".", "").Replace(number)) <= 15
}

// group writes a decimal as a Russian reads it: "-1 234 567,5".
func group(number string) string {
	digits, negative := strings.CutPrefix(number, "-")
	whole, fraction, pointed := strings.Cut(digits, ".")
	var b strings.Builder
	if negative {
		b.WriteString("−")
	}
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteRune('\u00a0')
		}
		b.WriteRune(d)
	}
	if pointed {
		b.WriteString("," + fraction)
	}
	return b.String()
}
