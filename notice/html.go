package notice

import (
	"html"
	"strings"
)

// htmlOf dresses a text as a page that any mail program can draw: no style
// sheet, no picture, nothing fetched. The lines that equal strong stand out; the
// links, which are ours and of http or https, can be clicked. All else is
// escaped, whatever a visitor typed.
func htmlOf(text, strong string, links []string) string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html><head><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width"></head>` +
		`<body style="margin:0;padding:16px;font:16px/1.5 sans-serif">` + "\n")
	for paragraph := range strings.SplitSeq(crlfOff(text), "\n\n") {
		if paragraph = strings.Trim(paragraph, "\n"); paragraph == "" {
			continue
		}
		b.WriteString(`<p style="margin:0 0 16px">`)
		for i, line := range strings.Split(paragraph, "\n") {
			if i > 0 {
				b.WriteString("<br>\n")
			}
			if strong != "" && line == strong {
				b.WriteString(`<b style="font-size:24px">` + html.EscapeString(line) + `</b>`)
				continue
			}
			b.WriteString(htmlLine(line, links))
		}
		b.WriteString("</p>\n")
	}
	b.WriteString("</body></html>\n")
	return b.String()
}

func htmlLine(line string, links []string) string {
	for _, link := range links {
		before, after, found := strings.Cut(line, link)
		if !found || !isWeb(link) {
			continue
		}
		shown := html.EscapeString(link)
		return html.EscapeString(before) + `<a href="` + shown + `">` + shown + `</a>` + html.EscapeString(after)
	}
	return html.EscapeString(line)
}

func isWeb(link string) bool {
	return (strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")) &&
		!strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' })
}

func crlfOff(s string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s) }
