package passteam

import (
	"strings"
	"time"
	"unicode"

	"styk"
)

// ParseNumber reads a number as 1C writes it in any locale, "1 234,5" with
// spaces of every kind, and gives it as a plain decimal, "1234.5". "" is "".
// ok is false for what is no number (spec/passteam.md 1.7, spec/onec.md 2.3).
func ParseNumber(text string) (decimal string, ok bool) {
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

// ParseDate reads a day as 1C or a program writes it: dd.MM.yyyy, yyyy-MM-dd,
// or one of them with a time behind it. "" and 1C's empty date, the first day
// of the first year, are "". ok is false for what is no date.
func ParseDate(text string) (day styk.Date, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", true
	}
	date, clock, _ := strings.Cut(strings.Replace(text, "T", " ", 1), " ")
	for _, layout := range []string{"02.01.2006", time.DateOnly} {
		t, err := time.Parse(layout, date)
		if err != nil || !isClock(clock) {
			continue
		}
		if t.Year() == 1 && t.YearDay() == 1 {
			return "", true
		}
		return styk.Date(t.Format(time.DateOnly)), true
	}
	return "", false
}

// isClock tells whether text is a time of day, with or without a zone.
func isClock(text string) bool {
	if text == "" {
		return true
	}
	for _, layout := range []string{"15:04:05Z07:00", "15:04:05", "15:04"} { // 1C's "0:00:00" too
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}
