package web

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// formPage is a form with what was typed into it and what is wrong with that.
type formPage struct {
	speech
	Name    string
	Title   string
	Action  string // without the query: a post to the page's own address would make browsers forget it, and Back would bring another key
	After   string
	Embed   string // "": a page of its own; "1": an iframe; "part": markup for a shadow root
	Theme   string // auto, light, dark
	Level   int    // of the heading
	Key     string
	Time    string
	Trap    string // name of the field that people leave empty
	Script  string
	Fields  []fieldView
	Faults  []faultView
	Refused bool
	Problem string
	Help    []helpView
	Logo    string // address of the picture above the form
	Dress   string // address of the form's own theme
	Blank   donePage
	Other   string // address of the page in the other language
	OtherIn string

	Preview       string // the state that the owner looks at; "" for visitors
	PreviewAnswer string // what the server says in it
}

// fieldView is one field as the template draws it.
type fieldView struct {
	speech
	Name, Label, Type, ID   string
	Hint, Aside             string // a hint above the field, or a short one beside its label
	Required, Half          bool
	Input, InputMode        string
	Autocomplete            string
	MaxLength               int
	Options                 []string
	Value, Yes              string
	Missing, Invalid, Fault string
	Warns, Doubt            bool
	Warning                 string
	DescribedBy             string
	ConsentURL              string
	Multiple                bool
	Many                    int
	MaxBytes                int64
	Limit                   string
	Accept, Accepts, Kinds  string
	Kept                    []keptFile
}

type faultView struct{ Field, ID, Text string }

type helpView struct {
	Text string
	Link template.URL // tel: or mailto:, made here; "" for none
}

// keptFile is a file that came with a refused post and waits for the next.
type keptFile struct{ Name, Size, Token string }

// typed is what the visitor has put in so far.
type typed struct {
	values map[string]string
	files  []formFile
	key    string
}

// view is how the visitor looks at a form.
type view struct{ lang, embed, theme string }

func viewOf(values url.Values) view {
	return cleanView(values.Get("lang"), values.Get("embed"), values.Get("theme"))
}

func cleanView(lang, embed, theme string) view {
	v := view{"ru", "", "auto"}
	if lang == "en" {
		v.lang = lang
	}
	if embed == "1" || embed == "part" {
		v.embed, v.theme = embed, "light"
	}
	if theme == "light" || theme == "dark" || theme == "auto" {
		v.theme = theme
	}
	return v
}

// query gives the view as the end of an address, "?…" or "".
func (v view) query() string {
	q := url.Values{}
	if v.lang != "ru" {
		q.Set("lang", v.lang)
	}
	if v.embed == "1" {
		q.Set("embed", v.embed)
		q.Set("theme", v.theme)
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// showForm answers GET /f/{form}.
func (s *forms) showForm(w http.ResponseWriter, r *http.Request) {
	v := viewOf(r.URL.Query())
	form, err := s.form(r)
	if err != nil {
		s.refuse(w, r, nil, v, err)
		return
	}
	s.headers(w, r, form, v)
	w.Header().Set("Cache-Control", "private, no-cache") // not no-store: Back shows the same key again
	if v.embed != "" {
		s.sight(r, form)
	}
	page := s.page(form, v, typed{key: newKey()}, nil)
	if v.embed == "part" {
		render(w, "form_part", page)
		return
	}
	render(w, "form_page.html", page)
}

func (s *forms) form(r *http.Request) (form *styk.Form, err error) {
	mail := false
	err = s.DB.View(r.Context(), func(tx *store.Tx) error {
		if form, err = tx.Form(r.PathValue("form")); err != nil {
			return err
		}
		mail, err = mailed(tx)
		return err
	})
	s.mail.Store(mail)
	return form, err
}

// page makes the page of a form; err says why the post before was refused.
func (s *forms) page(form *styk.Form, v view, t typed, err error) formPage {
	words := speak(form, v.lang)
	p := formPage{
		speech: words, Name: form.Name, Title: form.Title, Action: "/f/" + url.PathEscape(form.Name), After: form.After,
		Embed: v.embed, Theme: v.theme, Level: 1, Key: t.key, Time: s.stamp(form), Trap: trapName(form), Script: words.script(),
		Help: helpOf(words.T("contact")), Blank: donePage{speech: words, OK: "/f/" + url.PathEscape(form.Name)},
	}
	if p.Title == "" {
		p.Title = form.Name
	}
	if p.After == "" {
		p.After = styk.AfterReload
	}
	if v.embed == "part" {
		p.Level = 2
	}
	p.Blank.Level, p.Blank.Later, p.Blank.LaterText = p.Level, len(form.Targets) > 0, laterText(form, s.mail.Load(), words)
	other := view{lang: "en", embed: v.embed, theme: v.theme}
	p.Other, p.OtherIn = p.Action+other.query(), "en"
	if v.lang == "en" {
		other.lang, p.OtherIn = "ru", "ru"
		p.Other = p.Action + other.query()
	}
	p.Dress, p.Logo = dressOf(form)
	faults := p.refusal(form, err)
	asked := s.asked(form, words)
	for i := range form.Fields {
		if form.Fields[i].Type == styk.FieldHidden {
			continue
		}
		f := s.fieldView(form, &form.Fields[i], words, asked, t)
		if f.Fault = faults[f.Name]; f.Fault != "" {
			f.DescribedBy += " " + f.ID + "-error"
		}
		p.Fields = append(p.Fields, f)
	}
	pairUp(p.Fields)
	return p
}

// refusal notes what is wrong with a post and gives the texts by field.
func (p *formPage) refusal(form *styk.Form, err error) map[string]string {
	if err == nil {
		return nil
	}
	p.Refused = true
	byField := map[string]string{}
	for _, f := range answerOf(p.speech, form, err).Errors {
		view := faultView{Text: f.Message}
		if form.Field(f.Field) != nil {
			view.Field, view.ID = f.Field, "styk-"+f.Field
			byField[f.Field] = f.Message
		}
		p.Faults = append(p.Faults, view)
	}
	p.Problem = p.T("summary")
	if len(byField) == 0 && len(p.Faults) > 0 { // not about fields: one sentence says it all
		p.Problem, p.Faults = p.Faults[0].Text, nil
	}
	return byField
}

// asked gives, by field, what to say when it is empty and when it is wrong: the
// very words with which the server refuses.
func (s *forms) asked(form *styk.Form, words speech) map[string][2]string {
	asked := map[string][2]string{}
	for i := range form.Fields {
		field := form.Fields[i]
		say := func(value string) string {
			one := styk.Form{Fields: []styk.FormField{field}}
			_, err := one.Read(map[string]string{field.Name: value}, nil)
			for _, f := range faultsOf(err) {
				return words.fault(&field, f)
			}
			return ""
		}
		asked[field.Name] = [2]string{say(""), say("?")}
	}
	return asked
}

func (s *forms) fieldView(form *styk.Form, field *styk.FormField, words speech, asked map[string][2]string, t typed) fieldView {
	f := fieldView{
		speech: words, Name: field.Name, Label: field.Label, Type: field.Type, ID: "styk-" + field.Name, Hint: field.Help,
		Required: field.Required, Options: field.Options, Yes: string(styk.Yes), Value: t.values[field.Name],
		Missing: asked[field.Name][0], Invalid: asked[field.Name][1], Input: "text", MaxLength: field.Max,
	}
	if f.Label == "" {
		f.Label = f.Name
	}
	if f.MaxLength == 0 {
		f.MaxLength = 1000
	}
	f.Autocomplete = autocomplete(field)
	switch field.Type {
	case styk.FieldPhone:
		f.Input, f.InputMode = "tel", "tel"
	case styk.FieldEmail:
		f.Input, f.InputMode = "email", "email"
	case styk.FieldDate:
		f.Input = "date"
	case styk.FieldINN:
		f.InputMode, f.Warns, f.Warning = "numeric", true, words.T("inn")
		f.Doubt = f.Value != "" && styk.CheckINN(strings.TrimSpace(f.Value)) != ""
		if f.Hint == "" {
			f.Aside = words.T("inn_hint")
		}
	case styk.FieldTextarea:
		if field.Max == 0 {
			f.MaxLength = 20000
		}
	case styk.FieldFile:
		s.fileView(&f, field, t.files)
	case styk.FieldConsent:
		f.ConsentURL = consentURL(form, field, words.Lang)
	}
	f.Half = halves[field.Type]
	f.DescribedBy = describedBy(f)
	return f
}

// halves are the types that stand two in a row where there is room.
var halves = map[string]bool{
	styk.FieldText: true, styk.FieldPhone: true, styk.FieldEmail: true, styk.FieldINN: true, styk.FieldDate: true, styk.FieldSelect: true,
}

// pairUp gives the whole row to a half that has no neighbour.
func pairUp(fields []fieldView) {
	for i := 0; i < len(fields); i++ {
		if !fields[i].Half {
			continue
		}
		if i+1 < len(fields) && fields[i+1].Half {
			i++
			continue
		}
		fields[i].Half = false
	}
}

func describedBy(f fieldView) string {
	ids := []string{}
	if f.Hint != "" || f.Aside != "" || f.ConsentURL != "" {
		ids = append(ids, f.ID+"-hint")
	}
	if f.Warns {
		ids = append(ids, f.ID+"-warning")
	}
	return strings.Join(append(ids, f.ID+"-error"), " ")
}

const maxFilesUnsaid = 10 // files of a field that does not say how many

func (s *forms) fileView(f *fieldView, field *styk.FormField, kept []formFile) {
	f.Many = field.Max
	if f.Many == 0 {
		f.Many = maxFilesUnsaid
	}
	f.Multiple, f.MaxBytes, f.Limit = f.Many > 1, s.maxFile(), s.sizeText(f.speech, s.maxFile())
	said := f.With("limit", "limit", f.Limit)
	if len(field.Accept) > 0 {
		exts, named := []string{}, []string{}
		for _, ext := range field.Accept {
			ext = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(ext), "."))
			exts, named = append(exts, ext), append(named, strings.ToUpper(ext))
			if ext == "jpg" {
				exts = append(exts, "jpeg")
			}
		}
		f.Kinds, f.Accept, f.Accepts = strings.Join(exts, " "), "."+strings.Join(exts, ",."), strings.Join(named, ", ")
		said += ", " + f.Accepts
	}
	if f.Hint != "" {
		f.Hint += ". "
	}
	f.Hint += said
	for _, file := range kept {
		if file.field == f.Name {
			f.Kept = append(f.Kept, keptFile{Name: file.upload.FileName, Size: s.sizeText(f.speech, file.upload.Info.Size), Token: s.token(file)})
		}
	}
}

// sizeText writes bytes for people, "20 МБ".
func (s *forms) sizeText(words speech, n int64) string {
	units := strings.Fields(words.T("units"))
	v, i := float64(n), 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	digits := 0
	if i > 0 && v < 10 && v != float64(int64(v)) {
		digits = 1
	}
	return strings.Replace(strconv.FormatFloat(v, 'f', digits, 64), ".", words.T("point"), 1) + "\u00a0" + units[i]
}

// autocomplete names what browsers may fill in, by the field's type and name.
func autocomplete(field *styk.FormField) string {
	switch field.Type {
	case styk.FieldPhone:
		return "tel"
	case styk.FieldEmail:
		return "email"
	case styk.FieldText, styk.FieldTextarea, styk.FieldDate:
		return purposes[strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(field.Name))]
	}
	return ""
}

var purposes = map[string]string{
	"name": "name", "fullname": "name", "fio": "name", "firstname": "given-name", "lastname": "family-name", "surname": "family-name",
	"secondname": "additional-name", "middlename": "additional-name", "patronymic": "additional-name",
	"company": "organization", "organization": "organization", "organisation": "organization", "position": "organization-title",
	"birthday": "bday", "birthdate": "bday", "address": "street-address", "city": "address-level2", "region": "address-level1",
	"zip": "postal-code", "postcode": "postal-code", "country": "country-name", "site": "url", "website": "url",
}

// helpOf makes links of the form's text "contact": "+7 495 123-45-67, help@firm.ru".
func helpOf(text string) (list []helpView) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		switch phone, ok := styk.ParsePhone(part); {
		case part == "":
			continue
		case strings.Contains(part, "@") && !strings.ContainsAny(part, " <>"):
			list = append(list, helpView{part, template.URL("mailto:" + part)})
		case ok:
			list = append(list, helpView{part, template.URL("tel:" + phone)})
		default:
			list = append(list, helpView{part, ""})
		}
	}
	return list
}

// trapName names the honeypot: what a program would fill in and no person sees.
func trapName(form *styk.Form) string {
	for _, name := range []string{"website", "homepage", "fax", "nickname"} {
		if form.Field(name) == nil {
			return name
		}
	}
	return "styk_empty"
}

// consentURL is where the text of a consent stands.
func consentURL(form *styk.Form, field *styk.FormField, lang string) string {
	switch {
	case strings.HasPrefix(field.Link, "https://"), strings.HasPrefix(field.Link, "http://"), strings.HasPrefix(field.Link, "/"):
		return field.Link
	case field.Text == "":
		return ""
	}
	return "/f/" + url.PathEscape(form.Name) + "/consent/" + url.PathEscape(field.Name) + view{lang: lang}.query()
}

// moscowTime writes a moment for people.
func moscowTime(t time.Time, zone *time.Location, lang string) string {
	if zone == nil {
		zone = time.UTC
	}
	if lang == "en" {
		return t.In(zone).Format("2 Jan 2006, 15:04")
	}
	return t.In(zone).Format("02.01.2006, 15:04")
}
