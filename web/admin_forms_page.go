package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"styk"
	"styk/store"
)

// adminFormsPage lists the forms.
type adminFormsPage struct {
	adminFrame
	Forms []adminFormRow
}

type adminFormRow struct {
	Address string
	Name    string
	Title   string
	Public  string // where visitors find it
	Targets []string
	Fields  string
	Off     bool
	Seen    []seenView
}

// adminFormPage is one form: the code for a site, and how it looks whatever
// happens to the visitor.
type adminFormPage struct {
	adminFrame
	Form  adminFormRow
	Ways  []adminFormWay
	Looks []adminFormLook
	Posts *adminFormPosts // nil for who may not see what customers write
}

// adminFormWay is one way onto a site; ID names its code for copying.
type adminFormWay struct {
	embedWay
	ID   string
	Open bool
}

// adminFormLook is one state, drawn by the form's own template and script.
type adminFormLook struct {
	State, Title, When string
	Light, Dark        string // addresses of the frames
}

// formState is something that a visitor of a form may see.
type formState struct {
	name         string
	ru, en       string
	whenRu, when string
	files        bool // only where a form takes files
	faulty       bool // only where something can be wrong
	delivers     bool // only where a form has targets
}

// formStates are all of them, in a visitor's order. preview.js brings the form
// into each; a test compares both lists.
var formStates = []formState{
	{name: "empty", ru: "Пустая", en: "Empty", whenRu: "посетитель её только открыл", when: "the visitor has just opened it"},
	{name: "errors", ru: "Ошибки", en: "Errors", whenRu: "отправлена незаполненной", when: "sent with nothing filled in", faulty: true},
	{name: "toolarge", ru: "Файл слишком большой", en: "File too large", whenRu: "выбран файл больше разрешённого", when: "the chosen file is larger than allowed", files: true},
	{name: "uploading", ru: "Файл загружается", en: "Uploading", whenRu: "отправлена, пока файл ещё идёт", when: "sent while the file is still on its way", files: true},
	{name: "sending", ru: "Отправляется", en: "Sending", whenRu: "ждём ответа", when: "waiting for the answer"},
	{name: "offline", ru: "Нет интернета", en: "Offline", whenRu: "связь пропала; уйдёт сама, когда появится", when: "the connection is gone; it goes out by itself when it is back"},
	{name: "busy", ru: "Слишком часто", en: "Too often", whenRu: "с одного адреса пришло слишком много заявок", when: "too many posts came from one address"},
	{name: "failure", ru: "Не получилось", en: "Failure", whenRu: "сервер так и не ответил; введённое на месте", when: "the server never answered; nothing typed is lost"},
	{name: "success", ru: "Отправлена, номер из CRM", en: "Sent, with the CRM’s number", whenRu: "CRM успела ответить", when: "the CRM answered in time", delivers: true},
	{name: "silent", ru: "Принята, CRM молчит", en: "Taken, the CRM is silent", whenRu: "номер свой, номер CRM придёт позже", when: "our number, the CRM’s follows", delivers: true},
	{name: "taken", ru: "Отправлена", en: "Sent", whenRu: "заявка сохранена здесь", when: "the request is stored here"},
}

// statesOf gives the states that a form can be in.
func statesOf(form *styk.Form) (list []formState) {
	files, faulty := false, false
	for i := range form.Fields {
		f := &form.Fields[i]
		files = files || f.Type == styk.FieldFile
		faulty = faulty || f.Type != styk.FieldHidden && (f.Required || f.Type == styk.FieldPhone || f.Type == styk.FieldEmail)
	}
	delivers := len(form.Targets) > 0
	for _, s := range formStates {
		if s.files && !files || s.faulty && !faulty || s.delivers && !delivers || s.name == "taken" && delivers {
			continue
		}
		list = append(list, s)
	}
	return list
}

func (a *admin) allForms(v *visit) (list []*styk.Form, err error) {
	mail := false
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if list, err = tx.Forms(); err != nil {
			return err
		}
		mail, err = mailed(tx)
		return err
	})
	a.forms.mail.Store(mail)
	return list, err
}

// namedForm finds the form of the address, a disabled one too.
func (a *admin) namedForm(v *visit) (*styk.Form, error) {
	list, err := a.allForms(v)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if f.Name == v.r.PathValue("form") {
			return f, nil
		}
	}
	return nil, styk.Failed(styk.NotFound, "")
}

func (a *admin) formRow(lang string, f *styk.Form) adminFormRow {
	row := adminFormRow{
		Address: "/admin/forms/" + f.Name, Name: f.Name, Title: f.Title, Public: a.Base() + "/f/" + f.Name,
		Targets: f.Targets, Off: f.Disabled, Seen: a.forms.sightings.of(f.Name, a.Now(), speak(f, lang)),
	}
	if row.Title == "" {
		row.Title = f.Name
	}
	n := len(f.Fields)
	row.Fields = strconv.Itoa(n) + " " + countWord(lang, n, "поле", "поля", "полей", "field", "fields")
	return row
}

// countWord is the noun that goes with n.
func countWord(lang string, n int, one, few, many, enOne, enMany string) string {
	switch {
	case lang == "en" && n == 1:
		return enOne
	case lang == "en":
		return enMany
	case n%10 == 1 && n%100 != 11:
		return one
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return few
	}
	return many
}

func (a *admin) showForms(v *visit) error {
	list, err := a.allForms(v)
	if err != nil {
		return err
	}
	p := adminFormsPage{adminFrame: a.frame(v, "/admin/forms", choose(v.lang, "Формы", "Forms"))}
	for _, f := range list {
		p.Forms = append(p.Forms, a.formRow(v.lang, f))
	}
	return a.show(v, http.StatusOK, "admin_forms.html", p)
}

func (a *admin) showFormLooks(v *visit) error {
	f, err := a.namedForm(v)
	if err != nil {
		return err
	}
	posts, err := a.readFormPosts(v, f)
	if err != nil {
		return err
	}
	p := adminFormPage{Form: a.formRow(v.lang, f), Posts: posts}
	p.adminFrame = a.frame(v, "/admin/forms", p.Form.Title)
	for i, way := range a.forms.ways(f, speak(f, v.lang)) {
		p.Ways = append(p.Ways, adminFormWay{embedWay: way, ID: "way-" + strconv.Itoa(i), Open: i == 0})
	}
	for _, s := range statesOf(f) {
		frame := p.Form.Address + "/look/" + s.name + "?theme="
		p.Looks = append(p.Looks, adminFormLook{
			State: s.name, Title: choose(v.lang, s.ru, s.en), When: choose(v.lang, s.whenRu, s.when), Light: frame + "light", Dark: frame + "dark",
		})
	}
	v.w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "+
		"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	return a.show(v, http.StatusOK, "admin_form.html", p)
}

// showFormLook answers with the form's own page in one state. Nothing can leave
// it: its script is answered inside the page, and the browser lets nothing out.
func (a *admin) showFormLook(v *visit) error {
	f, err := a.namedForm(v)
	if err != nil {
		return err
	}
	state := ""
	for _, s := range statesOf(f) {
		if s.name == v.r.PathValue("state") {
			state = s.name
		}
	}
	if state == "" {
		return styk.Failed(styk.NotFound, "")
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "+
		"form-action 'none'; base-uri 'none'; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	page := a.forms.page(f, cleanView(v.lang, "1", v.r.URL.Query().Get("theme")), typed{key: newKey()}, nil)
	page.Preview, page.PreviewAnswer = state, a.previewAnswer(f, state, page.speech)
	return a.show(v, http.StatusOK, "form_page.html", page)
}

// Numbers that no request has: the month 00 does not exist.
const (
	sampleNumber    = "0000-0042-1"
	sampleCRMNumber = "SR-00000042"
)

// previewAnswer is what the server would say in that state, made where real
// answers are made.
func (a *admin) previewAnswer(form *styk.Form, state string, words speech) string {
	path := "/f/" + form.Name
	var body any
	switch state {
	case "success":
		body = a.forms.acceptedOf(words, path, sampleNumber, sampleCRMNumber, true)
	case "silent", "taken":
		body = a.forms.acceptedOf(words, path, sampleNumber, "", false)
	case "busy":
		body = answerOf(words, form, &tooOften{30 * time.Second})
	default:
		return ""
	}
	text, _ := json.Marshal(body) // texts only
	return string(text)
}
