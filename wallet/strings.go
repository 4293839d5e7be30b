package wallet

import (
	"maps"
	"slices"
	"strings"
)

// passStrings gives <language>.lproj/pass.strings of each language of the
// layout, and of Russian, so that a phone in Russian prefers it to English.
func (l *Layout) passStrings() map[string][]byte {
	if len(l.Strings) == 0 {
		return nil
	}
	files := map[string][]byte{"ru.lproj/pass.strings": writeStrings(l.russian())}
	for lang, words := range l.Strings {
		files[lang+".lproj/pass.strings"] = writeStrings(words)
	}
	return files
}

// russian is the table in which each text that is translated anywhere stands
// for itself.
func (l *Layout) russian() map[string]string {
	own := map[string]string{}
	for _, words := range l.Strings {
		for text := range words {
			own[text] = text
		}
	}
	return own
}

var stringsEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// writeStrings writes "key" = "value"; lines in UTF-8, sorted.
func writeStrings(words map[string]string) []byte {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(words)) {
		b.WriteString(`"` + stringsEscape.Replace(key) + `" = "` + stringsEscape.Replace(words[key]) + "\";\n")
	}
	return []byte(strings.ToValidUTF8(b.String(), "�"))
}
