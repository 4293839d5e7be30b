package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"styk"
	"styk/store"
)

// adminConsentPage is one consent on a sheet of paper: what a company shows when
// it is asked whether it was given.
type adminConsentPage struct {
	adminFrame
	Ticket   string // address
	Number   string
	Post     string // the submission's own number
	Text     string
	Lines    []adminLine
	Who      []adminLine
	Fields   []adminLine // of the form as it was shown: label and type
	FormNote string
	Printed  string

	Withdrawn bool
}

// proofAddress is where the nth consent of a submission is shown.
func proofAddress(submission styk.ID, n int) string {
	return address("consents", submission) + "/" + strconv.Itoa(n+1)
}

func (a *admin) showConsent(v *visit) error {
	id, err := v.number("submission")
	if err != nil {
		return err
	}
	n, err := v.number("n")
	if err != nil {
		return err
	}
	var s *styk.Submission
	var form *styk.Form
	var since time.Time
	ticket := &styk.Ticket{}
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		form = nil
		if s, err = tx.Post(id); err != nil {
			return err
		}
		if int(n) > len(s.Consents) {
			return styk.Failed(styk.NotFound, "")
		}
		ticket.ID = s.Ticket
		if err := tx.Load(ticket); err != nil && styk.CodeOf(err) != styk.NotFound {
			return err
		}
		form, since, err = tx.FormVersion(s.Form, s.Consents[n-1].FormVersion)
		if styk.CodeOf(err) == styk.NotFound {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "admin_consent.html", a.consentPage(v, s, ticket, s.Consents[n-1], form, since))
}

func (a *admin) consentPage(v *visit, s *styk.Submission, t *styk.Ticket, c styk.Consent, form *styk.Form, since time.Time) adminConsentPage {
	say := func(ru, en string) string { return choose(v.lang, ru, en) }
	p := adminConsentPage{Ticket: address("tickets", s.Ticket), Number: t.Number, Post: s.UUID, Text: c.Text, Printed: a.exact(a.Now())}
	p.Withdrawn = slices.Contains(t.Warnings, withdrawn)
	p.adminFrame = a.frame(v, "/admin/tickets", say("Согласие", "Consent")+" · "+t.Number)
	add := func(ru, en, value string) {
		if value == "" {
			value = say("не записано", "not recorded")
		}
		p.Lines = append(p.Lines, adminLine{say(ru, en), value})
	}
	add("Когда дано", "Given at", a.exact(c.At))
	add("Поле формы", "Field of the form", c.Field)
	add("Версия текста", "Version of the text", c.Version)
	add("Форма", "Form", s.Title+" ("+s.Form+")")
	version := ""
	if c.FormVersion > 0 {
		version = strconv.FormatInt(c.FormVersion, 10)
		if form != nil && !since.IsZero() {
			version += say(", действует с ", ", in force since ") + a.exact(since)
		}
	}
	add("Редакция формы", "Version of the form", version)
	add("Страница", "Page", c.Page)
	add("IP-адрес", "IP address", c.Address)
	add("Браузер", "Browser", c.Agent)
	add("Номер обращения", "Ticket number", t.Number)
	add("Заявка", "Submission", strconv.FormatInt(int64(s.ID), 10)+" · "+s.UUID)
	for _, f := range s.Fields {
		switch f.Type {
		case styk.FieldPhone, styk.FieldEmail, styk.FieldINN, styk.FieldText:
			if f.Value != "" && f.Name != "topic" {
				p.Who = append(p.Who, adminLine{labelOf(f.Label, f.Name), f.Value})
			}
		}
	}
	if form == nil {
		p.FormNote = say("Редакции формы тогда ещё не сохранялись.", "Versions of forms were not kept then.")
		return p
	}
	for _, f := range form.Fields {
		value := typeWord(v.lang, f.Type)
		if f.Required {
			value += say(", обязательное", ", required")
		}
		if f.Link != "" {
			value += " · " + f.Link
		}
		p.Fields = append(p.Fields, adminLine{labelOf(f.Label, f.Name), value})
	}
	return p
}

func labelOf(label, name string) string {
	if label == "" {
		return name
	}
	return label
}

// typeWord is the type of a form's field in words.
func typeWord(lang, kind string) string {
	words := map[string][2]string{
		styk.FieldText: {"строка", "line of text"}, styk.FieldTextarea: {"текст", "text"}, styk.FieldSelect: {"список", "choice"},
		styk.FieldPhone: {"телефон", "phone"}, styk.FieldEmail: {"почта", "e-mail"}, styk.FieldINN: {"ИНН", "INN"},
		styk.FieldDate: {"дата", "date"}, styk.FieldCheckbox: {"отметка", "box to tick"}, styk.FieldHidden: {"скрытое", "hidden"},
		styk.FieldFile: {"файл", "file"}, styk.FieldConsent: {"согласие", "consent"},
	}
	if w, ok := words[kind]; ok {
		return choose(lang, w[0], w[1])
	}
	return kind
}

// exact words a time as a document needs it: to the second, with its zone, and
// in universal time beside it.
func (a *admin) exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(a.Zone).Format("02.01.2006 15:04:05 MST (-07:00)") + " · " + t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}
