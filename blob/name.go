package blob

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest file name most file systems take, in bytes.
const maxName = 255

// CleanName makes of what an upload called itself the name that is kept and
// shown: without folders, control characters, bytes that are no text, and the
// marks that turn the reading direction ("gpj.exe"). Cyrillic, spaces and quotes
// stay. It is at most 255 bytes, keeps its extension when shortened, and is
// never empty. Clean names stay as they are.
func CleanName(name string) string {
	name = lastPart(strings.Map(visible, strings.ToValidUTF8(name, "")))
	if name == "" || name[0] == '.' {
		name = "file" + name
	}
	ext := path.Ext(name)
	if len(ext) > 20 { // a sentence with a full stop, no extension
		ext = ""
	}
	if len(name) > maxName {
		name = strings.TrimSpace(cut(name[:len(name)-len(ext)], maxName-len(ext))) + ext
	}
	return name
}

// lastPart is what follows the last slash of either kind, if it is a name.
func lastPart(name string) string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	for i := len(parts) - 1; i >= 0; i-- {
		if part := strings.TrimSpace(parts[i]); strings.Trim(part, ". ") != "" {
			return part
		}
	}
	return ""
}

// visible drops (-1) what cannot be seen or changes how the rest is seen.
func visible(r rune) rune {
	const nonJoiner, joiner = '\u200c', '\u200d' // part of letters and emoji
	switch {
	case r == nonJoiner || r == joiner:
		return r
	case r == '\t' || r == '\n' || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
		return ' '
	case r == utf8.RuneError || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// cut shortens s to n bytes without splitting a letter.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// These never become the extension of a stored file, whatever they hold: a web
// server or a double click would run them. spec/vtiger.md 6 names the first.
var (
	runsAsText = words("php php3 php4 php5 php7 php8 phps pht phtml phar pl pm cgi fcgi py pyw rb lua asp aspx ascx ashx asmx cer " +
		"asa js mjs cjs jse vbs vbe wsf wsh ws html htm xhtml xht shtml shtm stm mht mhtml svg svgz xml xsl xslt " +
		"jsp jspx jspf do cfm cfml sh bash zsh csh ksh ps1 psm1 bat cmd reg inf ini htaccess htpasswd url desktop hta sct tcl css")
	runsAsCode = words("exe com scr pif msi msp mst dll ocx sys cpl drv so dylib jar war class apk ipa app deb rpm dmg pkg run " +
		"bin elf lnk chm hlp swf wasm vb gadget application appref")
)

// SafeExt chooses the extension under which a file is stored: that of its name
// in lower case if it is one to ten letters and digits, else that of its content
// (Info.Ext, may be empty), else "bin". What a server or a double click could
// run becomes "txt" or "bin".
func SafeExt(name, content string) string {
	for _, ext := range []string{strings.TrimPrefix(path.Ext(name), "."), content} {
		ext = strings.ToLower(ext)
		switch {
		case runsAsText[ext]:
			return "txt"
		case runsAsCode[ext]:
			return "bin"
		case plainExt(ext):
			return ext
		}
	}
	return "bin"
}

// plainExt tells whether ext is 1 to 10 of a-z and 0-9.
func plainExt(ext string) bool {
	return ext != "" && len(ext) <= 10 && strings.Trim(ext, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func words(s string) map[string]bool {
	set := make(map[string]bool)
	for w := range strings.FieldsSeq(s) {
		set[w] = true
	}
	return set
}
