package styk

import (
	"strings"
	"unicode"
)

// ParseDecimal reads a number as 1C writes it in any locale, "1 234,5" with
// spaces of every kind, and gives it as a plain decimal, "1234.5". "" is "".
// ok is false for what is no number (spec/passteam.md 1.7, spec/onec.md 2.3).
func ParseDecimal(text string) (decimal string, ok bool) {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r == ',':
			return '.'
		case r == '−': // U+2212
			return '-'
		}
		return r
	}, text)
	if text == "" {
		return "", true
	}
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, pointed := strings.Cut(digits, ".")
	if len(digits) > 40 || whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" || pointed && fraction == "" {
		return "", false
	}
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	decimal = whole
	if fraction != "" {
		decimal += "." + fraction
	}
	if negative && decimal != "0" {
		decimal = "-" + decimal
	}
	return decimal, true
}
