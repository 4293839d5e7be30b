package api

import (
	_ "embed"
	"html"
	"net/http"
	"strings"
)

//go:embed style.css
var style string

func showStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(style))
}

// showPage lists the operations for people who write programs. It is drawn from
// the table, not from a template: there is nothing in it but the table.
func (s *Server) showPage(w http.ResponseWriter, r *http.Request) {
	lang := "ru"
	if r.URL.Query().Get("lang") == "en" {
		lang = "en"
	}
	p := &listing{lang: lang}
	p.head()
	for _, subject := range subjects {
		p.section(subject.tag, subject.words)
	}
	p.raw("</main></body></html>\n")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(p.b.String()))
}

// listing writes the page.
type listing struct {
	b    strings.Builder
	lang string
}

func (p *listing) raw(parts ...string) {
	for _, part := range parts {
		p.b.WriteString(part)
	}
}

func (p *listing) say(w words) string {
	if p.lang == "en" {
		return html.EscapeString(w.en)
	}
	return html.EscapeString(w.ru)
}

func (p *listing) head() {
	other := `<a href="?lang=en" hreflang="en" lang="en">English</a>`
	if p.lang == "en" {
		other = `<a href="?lang=ru" hreflang="ru" lang="ru">По-русски</a>`
	}
	title := p.say(words{"JSON API", "JSON API"})
	p.raw(`<!doctype html><html lang="`, p.lang, `"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
		`<title>`, title, ` · styk</title><link rel="stylesheet" href="`, Root, `/style.css"></head><body><header><h1>`, title, `</h1><p>`,
		p.say(words{"Всё, что делают страницы сотрудников, — для программ. Описание для машин:", "All that the people's pages do, for programs. For machines:"}),
		` <a href="`, Root, `/openapi.json">openapi.json</a> · `, other, `</p><p>`,
		p.say(words{"Ключ делает команда", "A key is made by"}), ` <code>styk key add shop --scope tickets:read</code>; `,
		p.say(words{"он идёт в заголовке", "it goes into the header"}), ` <code>Authorization: Bearer styk_…</code></p><nav>`)
	for _, s := range subjects {
		p.raw(`<a href="#`, s.tag, `">`, p.say(s.words), `</a> `)
	}
	p.raw(`</nav></header><main>`)
}

func (p *listing) section(tag string, title words) {
	p.raw(`<section id="`, tag, `"><h2>`, p.say(title), `</h2><ul>`)
	for i := range operations {
		op := &operations[i]
		if op.tag != tag {
			continue
		}
		scope := op.scopes(" | ")
		if scope == "" {
			scope = p.say(words{"любой ключ", "any key"})
		}
		p.raw(`<li><code><b class="`, strings.ToLower(op.method), `">`, op.method, `</b> `, html.EscapeString(op.path),
			`</code><span>`, p.say(op.says), `</span><small>`, scope, `</small></li>`)
	}
	p.raw(`</ul></section>`)
}
