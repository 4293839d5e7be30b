package web

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"styk"
)

// embedPage gives the code by which a form comes onto a site, and says whether
// it is seen there.
type embedPage struct {
	speech
	Name, Title  string
	Embed, Theme string
	Ways         []embedWay
	Seen         []seenView
}

type embedWay struct{ Title, Text, Code string }

type seenView struct{ Site, Ago string }

// showEmbed answers GET /f/{form}/embed.
func (s *forms) showEmbed(w http.ResponseWriter, r *http.Request) {
	v := viewOf(r.URL.Query())
	form, err := s.form(r)
	if err != nil {
		s.refuse(w, r, nil, v, err)
		return
	}
	s.headers(w, r, form, v)
	words := speak(form, v.lang)
	w.Header().Set("Cache-Control", "no-store")
	render(w, "form_embed_page.html", embedPage{
		speech: words, Name: form.Name, Title: form.Title, Theme: v.theme,
		Ways: s.ways(form, words), Seen: s.sightings.of(form.Name, s.now(), words),
	})
}

func (s *forms) ways(form *styk.Form, words speech) []embedWay {
	base, name := s.Base(), url.PathEscape(form.Name)
	safe := template.HTMLEscapeString
	room := strconv.Itoa(roomFor(form))
	script := `<script async src="` + safe(base) + `/styk.js"></script>`
	tag := func(more string) string {
		return script + "\n<styk-form form=\"" + safe(form.Name) + "\"" + more + ">" + safe(fallback(words)) + "</styk-form>"
	}
	return []embedWay{
		{words.T("way_tag"), words.T("way_tag_text"), tag(` style="display:block;min-height:` + room + `px"`)},
		{words.T("way_button"), words.T("way_button_text"), tag(` open="button" label="` + safe(form.Title) + `"`)},
		{words.T("way_script"), words.T("way_script_text"), `<script async src="` + safe(base) + `/styk.js" data-form="` + safe(form.Name) + `"></script>`},
		{words.T("way_frame"), words.T("way_frame_text"), `<iframe src="` + safe(base) + `/f/` + name + `?embed=1" title="` + safe(form.Title) +
			`" style="width:100%;height:` + room + `px;border:0"></iframe>` + "\n" + script},
		{words.T("way_plain"), words.T("way_plain_text"), plainForm(form, base)},
	}
}

// roomFor guesses a form's height in px, so that a page keeps the place for it.
func roomFor(form *styk.Form) int {
	height := 260
	for i := range form.Fields {
		switch form.Fields[i].Type {
		case styk.FieldTextarea:
			height += 200
		case styk.FieldFile:
			height += 160
		case styk.FieldHidden:
		default:
			height += 60 // two in a row, mostly
		}
	}
	return height
}

// fallback is what a site's visitor reads when the form does not come.
func fallback(words speech) string {
	if contact := words.T("contact"); contact != "" {
		return words.T("help") + " " + contact
	}
	return "…"
}

// plainForm is the form in HTML alone, for a site that wants its own look.
func plainForm(form *styk.Form, base string) string {
	safe := template.HTMLEscapeString
	var b strings.Builder
	b.WriteString(`<form action="` + safe(base) + `/f/` + url.PathEscape(form.Name) + `" method="post" enctype="multipart/form-data">` + "\n")
	for i := range form.Fields {
		f := &form.Fields[i]
		must := ""
		if f.Required {
			must = " required"
		}
		name := ` name="` + safe(f.Name) + `"`
		control := "<input" + name + must + ">"
		switch f.Type {
		case styk.FieldTextarea:
			control = "<textarea" + name + must + "></textarea>"
		case styk.FieldSelect:
			control = "<select" + name + must + "><option></option>"
			for _, o := range f.Options {
				control += "<option>" + safe(o) + "</option>"
			}
			control += "</select>"
		case styk.FieldFile:
			control = `<input type="file"` + name + must + ">"
		case styk.FieldPhone:
			control = `<input type="tel"` + name + must + ">"
		case styk.FieldEmail, styk.FieldDate:
			control = `<input type="` + f.Type + `"` + name + must + ">"
		case styk.FieldConsent, styk.FieldCheckbox:
			control = `<input type="checkbox" value="да"` + name + must + ">"
		case styk.FieldHidden:
			b.WriteString(`  <input type="hidden"` + name + ">\n")
			continue
		}
		b.WriteString("  <label>" + safe(f.Label) + " " + control + "</label>\n")
	}
	b.WriteString("  <button>Отправить</button>\n</form>")
	return b.String()
}

// sightings are the sites on which forms were seen since the start. It is kept
// in memory: the question is whether a form is seen now.
type sightings struct {
	mu  sync.Mutex
	all map[string]map[string]time.Time // by form and site
}

const maxSites = 20 // of one form

// note keeps that a form was asked for by a page of another site.
func (s *sightings) note(form, site string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]map[string]time.Time{}
	}
	sites := s.all[form]
	if sites == nil {
		sites = map[string]time.Time{}
		s.all[form] = sites
	}
	if _, known := sites[site]; known || len(sites) < maxSites {
		sites[site] = now
	}
}

func (s *sightings) of(form string, now time.Time, words speech) (list []seenView) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sites := make([]string, 0, len(s.all[form]))
	for site := range s.all[form] {
		sites = append(sites, site)
	}
	slices.SortFunc(sites, func(a, b string) int { return s.all[form][b].Compare(s.all[form][a]) })
	for _, site := range sites {
		list = append(list, seenView{site, ago(now.Sub(s.all[form][site]), words)})
	}
	return list
}

func ago(d time.Duration, words speech) string {
	switch {
	case d < time.Minute:
		return words.With("ago_seconds", "n", strconv.Itoa(int(d/time.Second)))
	case d < time.Hour:
		return words.With("ago_minutes", "n", strconv.Itoa(int(d/time.Minute)))
	}
	return words.With("ago_hours", "n", strconv.Itoa(int(d/time.Hour)))
}

// sight notes the site that shows the form, if it is not ours.
func (s *forms) sight(r *http.Request, form *styk.Form) {
	from := r.Header.Get("Origin")
	if from == "" || from == "null" {
		from = r.Referer()
	}
	u, err := url.Parse(from)
	if err != nil || u.Host == "" || u.Host == r.Host || len(u.Host) > 100 || strings.HasSuffix(s.Base(), "://"+u.Host) {
		return
	}
	s.sightings.note(form.Name, u.Host, s.now())
}
