package web

import "net/http"

// SayOfLink answers a link to a file that leads to none: 404 where it never led
// anywhere, 410 where it was closed or has ended, anything else where the fault
// is ours.
func SayOfLink(w http.ResponseWriter, r *http.Request, status int) {
	lang := language(w, r)
	p := sayPage{speech: speak(nil, lang)}
	switch status {
	case http.StatusNotFound:
		p.Title = choose(lang, "Такого файла нет", "There is no such file")
		p.Text = choose(lang, "Возможно, ссылка скопирована не целиком или файл удалён.", "Perhaps the link was not copied whole, or the file was deleted.")
	case http.StatusGone:
		p.Title = choose(lang, "Эта ссылка больше не действует", "This link no longer works")
		p.Text = choose(lang, "Её срок вышел, или её закрыли. Файл сохранён: попросите у компании, которая его принимала, открыть ссылку заново.",
			"Its time is over, or somebody closed it. The file is kept: ask the company that took it to open the link again.")
	default:
		p.Title = choose(lang, "Файл сейчас не прочитать", "The file cannot be read right now")
		p.Text = choose(lang, "Попробуйте позже.", "Please try later.")
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	renderStatus(w, status, "say_page.html", p)
}
