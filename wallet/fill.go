package wallet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fill puts values in place of the variables of a text. A variable is %NAME%,
// its name letters of any script, digits and _; one without a value is empty.
// A percent sign that begins no variable stays: "скидка 5%", "%@". Values are
// not read for variables again.
func Fill(text string, values map[string]string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	scan(text, func(literal, name string) {
		b.WriteString(literal)
		b.WriteString(values[name])
	})
	return b.String()
}

func variablesOf(text string) []string {
	var names []string
	scan(text, func(_, name string) {
		if name != "" {
			names = append(names, name)
		}
	})
	return names
}

// scan cuts text into literals, each with the variable behind it; the last one
// has none.
func scan(text string, each func(literal, name string)) {
	done := 0
	for i := 0; i < len(text); {
		if text[i] != '%' {
			i++
			continue
		}
		n := nameLength(text[i+1:])
		if end := i + 1 + n; n > 0 && end < len(text) && text[end] == '%' {
			each(text[done:i], text[i+1:end])
			i, done = end+1, end+1
			continue
		}
		i++
	}
	each(text[done:], "")
}

func nameLength(text string) int {
	n := 0
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		if r == utf8.RuneError || r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		n += size
	}
	return n
}
