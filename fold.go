package styk

import (
	"strings"
	"unicode"
)

// Fold makes texts that people take for the same equal: lower case, ё as е.
// The database has a function of the same name and meaning.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || c >= 'A' && c <= 'Z' {
			return strings.ReplaceAll(strings.ToLower(s), "ё", "е")
		}
	}
	return s
}

// Words splits folded text into its letters-and-digits runs.
func Words(s string) []string {
	return strings.FieldsFunc(Fold(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
