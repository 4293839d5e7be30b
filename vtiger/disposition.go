package vtiger

import (
	"strings"
	"unicode/utf8"
)

// boundaryOf takes the boundary out of a Content-Type, quoted or not; "" when
// there is none.
func boundaryOf(header string) string {
	const word = "boundary"
	at := 0
	for at+len(word) <= len(header) && !strings.EqualFold(header[at:at+len(word)], word) {
		at++
	}
	_, value, found := strings.Cut(header[at:], "=")
	if !found || at+len(word) > len(header) {
		return ""
	}
	value = strings.TrimLeft(value, " \t")
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		value, _, found = strings.Cut(quoted, `"`)
		if !found {
			return ""
		}
		return value
	}
	if end := strings.IndexAny(value, ",; \t"); end >= 0 {
		value = value[:end]
	}
	return value
}

// dispositionNames are what a part's Content-Disposition says.
type dispositionNames struct {
	name, filename string
	named, isFile  bool
}

// partNames reads a Content-Disposition as tolerantly as PHP does: values
// quoted by " or ', or bare; raw UTF-8; \" and \\ unescaped inside quotes, other
// backslashes kept (Windows paths). On top of PHP: filename* wins over
// filename, and %22, %0D, %0A in a filename, which is how browsers and curl
// write quotes and line ends, are undone.
func partNames(header string) dispositionNames {
	var names dispositionNames
	_, rest, _ := strings.Cut(header, ";")
	extended := ""
	for rest != "" {
		var key, value string
		key, value, rest = nextParameter(rest)
		switch strings.ToLower(key) {
		case "name":
			names.name, names.named = topName(value), true
		case "filename":
			names.filename, names.isFile = undoFormEscapes(value), true
		case "filename*":
			extended, names.isFile = extendedValue(value), true
		}
	}
	if extended != "" {
		names.filename = extended
	}
	return names
}

// topName makes a part's name legal like any parameter's, brackets as they came.
func topName(name string) string {
	name, _, _ = strings.Cut(name, "\x00")
	name = strings.TrimLeft(name, " ")
	if open := strings.IndexByte(name, '['); open > 0 {
		return mangle(name[:open]) + name[open:]
	}
	return mangle(name)
}

// nextParameter cuts key=value off the front; without "=" the value is "".
func nextParameter(s string) (key, value, rest string) {
	s = strings.TrimLeft(s, "; \t")
	end := strings.IndexAny(s, "=;")
	if end < 0 {
		return strings.TrimSpace(s), "", ""
	}
	key = strings.TrimSpace(s[:end])
	if s[end] == ';' {
		return key, "", s[end+1:]
	}
	s = strings.TrimLeft(s[end+1:], " \t")
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		value, rest = quotedValue(s[1:], s[0])
		return key, value, rest
	}
	value, rest, _ = strings.Cut(s, ";")
	return key, strings.TrimSpace(value), rest
}

// quotedValue reads up to the closing quote; rest is what follows.
func quotedValue(s string, quote byte) (value, rest string) {
	var b []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == quote || s[i+1] == '\\'):
			i++
			b = append(b, s[i])
		case s[i] == quote:
			return string(b), s[i+1:]
		default:
			b = append(b, s[i])
		}
	}
	return string(b), ""
}

var formEscapes = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0d", "\r", "%0A", "\n", "%0a", "\n")

func undoFormEscapes(name string) string {
	if strings.IndexByte(name, '%') < 0 {
		return name
	}
	return formEscapes.Replace(name)
}

// extendedValue decodes charset'language'text (RFC 8187) of the charsets UTF-8
// and ISO-8859-1; "" for anything else.
func extendedValue(value string) string {
	charset, rest, ok := strings.Cut(value, "'")
	if !ok {
		return ""
	}
	_, text, ok := strings.Cut(rest, "'")
	if !ok {
		return ""
	}
	text = unescapeURL(strings.ReplaceAll(text, "+", "%2B")) // here "+" is itself
	switch strings.ToLower(charset) {
	case "utf-8":
		if utf8.ValidString(text) {
			return text
		}
	case "iso-8859-1":
		runes := make([]rune, len(text))
		for i := range len(text) {
			runes[i] = rune(text[i])
		}
		return string(runes)
	}
	return ""
}
