package intake

import (
	"time"

	"github.com/google/uuid"

	"styk"
	"styk/store"
)

// captureLabels name the fields of capture.php for people.
var captureLabels = map[string]string{
	"firstname": "Имя", "secondname": "Отчество", "lastname": "Фамилия", "mobile": "Телефон", "email": "E-mail",
	"tgid": "Telegram", "birthday": "Дата рождения", "birthplace": "Место рождения", "mailingstreet": "Адрес",
	"inn": "ИНН", "requisites": "Реквизиты",
}

// captureTypes are those of their fields that are no plain text.
var captureTypes = map[string]string{
	"mobile": styk.FieldPhone, "email": styk.FieldEmail, "inn": styk.FieldINN, "birthday": styk.FieldDate,
}

// captureTicket makes a post of capture.php deliverable, where its webform names
// targets: a ticket, and a delivery to each.
func (in *Intake) captureTicket(tx *store.Tx, form *styk.Webform, p Post, saved *store.Submission, docs []*styk.Document) error {
	id, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	s := &styk.Submission{ID: saved.ID, UUID: id.String(), Form: form.PublicID, Title: form.Name, Contact: saved.Contact}
	for _, name := range form.Fields {
		v, ok := p.Values[name]
		if !ok {
			continue
		}
		f := styk.FieldValue{Name: name, Label: captureLabels[name], Type: captureTypes[name], Value: v}
		if f.Type == "" {
			f.Type = styk.FieldText
		}
		s.Fields = append(s.Fields, f)
	}
	ticket := newTicket(p.number, s)
	if err := tx.Insert(ticket, byCapture); err != nil {
		return err
	}
	s.Ticket = ticket.ID
	var files []store.PostFile
	for _, d := range docs {
		if err := tx.Link(ticket.ID, d.ID); err != nil {
			return err
		}
		files = append(files, store.PostFile{Document: d.ID, Field: d.Title})
	}
	if err := tx.PostTicket(s, files); err != nil {
		return err
	}
	return in.dispatch(tx, s, form.Targets, 4*time.Second)
}
