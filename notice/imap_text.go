package notice

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// clean makes a text that a database and a page can hold.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), "\ufffd")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\u00a0':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff':
			return -1 // also what turns the direction of writing
		}
		return r
	}, s)
}

// newLine are the elements before which a line ends.
var newLine = map[atom.Atom]bool{atom.P: true, atom.Div: true, atom.Br: true, atom.Tr: true, atom.Li: true, atom.Ul: true, atom.Ol: true,
	atom.Table: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.Hr: true, atom.Pre: true, atom.Section: true}

// unsaid are the elements whose text nobody reads.
var unsaid = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Head: true, atom.Title: true, atom.Template: true, atom.Noscript: true}

// pageText gives the words of an HTML page. What is within blockquote is marked
// as quotes are in plain text. Nothing of the page is kept or fetched.
func pageText(page string) string {
	z := html.NewTokenizer(strings.NewReader(page))
	z.SetMaxBuf(maxText)
	var b strings.Builder
	quotes, skipped := 0, 0
	line := func() {
		if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
			b.WriteString("\n")
		}
	}
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return b.String()
		}
		token := z.Token()
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			end := kind == html.EndTagToken
			step := 1
			if end {
				step = -1
			}
			switch {
			case unsaid[token.DataAtom] && kind != html.SelfClosingTagToken:
				skipped = max(0, skipped+step)
			case token.DataAtom == atom.Blockquote:
				line()
				quotes = max(0, quotes+step)
			case token.DataAtom == atom.Br && !end:
				b.WriteString("\n")
			case newLine[token.DataAtom]:
				line()
			case token.DataAtom == atom.Td && !end:
				b.WriteString(" ")
			}
		case html.TextToken:
			if skipped == 0 {
				writeWords(&b, token.Data, quotes)
			}
		}
	}
}

func writeWords(b *strings.Builder, text string, quotes int) {
	words := strings.Join(strings.Fields(text), " ")
	if words == "" {
		return
	}
	s := b.String()
	switch {
	case s == "" || strings.HasSuffix(s, "\n"):
		if quotes > 0 {
			b.WriteString(strings.Repeat(">", min(quotes, 5)) + " ")
		}
	case unicode.IsSpace(rune(text[0])) && !strings.HasSuffix(s, " "):
		b.WriteString(" ")
	}
	b.WriteString(words)
	if unicode.IsSpace(rune(text[len(text)-1])) {
		b.WriteString(" ")
	}
}

// quoteBegins are lines behind which mail programs repeat the letter that is
// answered.
var quoteBegins = regexp.MustCompile(`(?i)^(` + strings.Join([]string{
	`-{2,}\s*(original message|forwarded message|исходное сообщение|пересылаемое сообщение|конец пересылаемого сообщения)\s*-{2,}`,
	`_{20,}`,
	`.{0,200}(пишет|писал|писала|написал|написала|писал\(а\)|wrote)\s*:`,
	`(от|from):\s.+@.+`,
}, "|") + `)\s*$`)

// quoteContinues: the line before the quotes may be broken into two.
var quoteWhen = regexp.MustCompile(`(?i)^(on|от|в|\d{1,2}[. ]|пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье).{0,200}[,@>]$`)

// parted parts what is said from what is repeated at the end. A letter that
// answers between the quotes stays whole.
func parted(text string) (said, quoted string) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	cut := len(lines)
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if i > 0 && quoteBegins.MatchString(l) || i == 0 && quoteBegins.MatchString(l) && len(lines) > 1 && strings.HasPrefix(lines[1], ">") {
			cut = i
			break
		}
		if strings.HasPrefix(l, ">") && onlyQuotes(lines[i:]) {
			cut = i
			break
		}
	}
	if cut > 0 && cut < len(lines) && quoteWhen.MatchString(strings.TrimSpace(lines[cut-1])) {
		cut--
	}
	said = strings.TrimSpace(strings.Join(lines[:cut], "\n"))
	quoted = strings.TrimSpace(strings.Join(lines[cut:], "\n"))
	if said == "" {
		return quoted, ""
	}
	return blankLines.ReplaceAllString(said, "\n\n"), quoted
}

var blankLines = regexp.MustCompile(`\n[ \t]*(\n[ \t]*)+\n`)

// onlyQuotes says whether nothing but quotes, and a signature, is left.
func onlyQuotes(lines []string) bool {
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if l == "--" {
			return true
		}
		if l != "" && !strings.HasPrefix(l, ">") {
			return false
		}
	}
	return true
}
