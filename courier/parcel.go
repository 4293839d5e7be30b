package courier

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"styk"
	"styk/connect"
	"styk/store"
)

// load reads what a delivery carries and how far its steps came.
func (c *Courier) load(ctx context.Context, d *styk.Delivery, o *outlet) (*connect.Parcel, map[string]styk.Step, error) {
	p := &connect.Parcel{ID: d.UID, Target: o.target.Name, Attempt: d.Attempts}
	steps := map[string]styk.Step{}
	err := c.db.View(ctx, func(tx *store.Tx) error {
		list, err := tx.Steps(d.ID)
		if err != nil {
			return err
		}
		for _, s := range list {
			steps[s.Name] = s
		}
		switch d.Subject {
		case styk.SubjectTicket:
			p.Ticket, err = c.ticket(tx, d, o)
		case styk.SubjectNotice:
			p.Notice, err = c.notice(tx, d)
		case styk.SubjectCard:
			p.Card, err = c.cardEvent(d)
		case styk.SubjectUpstream:
			p.Upstream, err = content[connect.CardUpstream](d)
		default:
			err = connect.Permanentf("nobody carries a %s", d.Subject)
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("load parcel: %w", err)
	}
	return p, steps, nil
}

// content reads the subject that the delivery holds itself.
func content[T any](d *styk.Delivery) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(d.Content, v); err != nil {
		return nil, connect.Permanent(fmt.Errorf("content of %s %d: %w", d.Subject, d.ID, err))
	}
	return v, nil
}

// cardEvent makes the parcel's event of a card. The address of the card's page is
// a secret of its own: it is made here and lies in no delivery.
func (c *Courier) cardEvent(d *styk.Delivery) (*connect.CardEvent, error) {
	e, err := content[styk.CardEvent](d)
	if err != nil {
		return nil, err
	}
	event := &connect.CardEvent{Event: e.Event, Card: e.Card, Template: e.Template, Changed: e.Changed, At: e.At}
	if c.o.CardURL != nil {
		event.URL = c.o.CardURL(e.Card)
	}
	for _, v := range e.Values {
		event.Values = append(event.Values, connect.Value(v))
	}
	return event, nil
}

// ticket makes the parcel's ticket of a submission, as it was sent: what was
// edited here since stays here. Only what a person edited for this very delivery
// goes instead.
func (c *Courier) ticket(tx *store.Tx, d *styk.Delivery, o *outlet) (*connect.Ticket, error) {
	s, err := tx.Post(d.About)
	if styk.CodeOf(err) == styk.NotFound {
		return nil, connect.Permanent(connect.Because(err, "Обращения больше нет: его стёрли."))
	}
	if err != nil {
		return nil, err
	}
	if len(d.Content) > 0 {
		edited, err := content[styk.Edited](d)
		if err != nil {
			return nil, err
		}
		s.Fields = edited.Apply(s.Fields)
	}
	record := &styk.Ticket{Entity: styk.Entity{ID: s.Ticket}}
	if err := tx.Load(record); err != nil {
		if styk.CodeOf(err) == styk.NotFound {
			return nil, connect.Permanent(connect.Because(err, "Обращения больше нет: его удалили."))
		}
		return nil, err
	}
	t := &connect.Ticket{
		ID: s.UUID, Number: record.Number, Form: s.Form, FormTitle: s.Title,
		Topic: s.Value("topic"), Message: s.Value("message"),
		Customer: fmt.Sprintf("contact:%d", s.Contact), Contact: contactOf(s), Created: s.Created, Mapping: o.mapping,
	}
	if t.Topic == "" {
		t.Topic = record.Title
	}
	if t.Message == "" {
		t.Message = s.OfType(styk.FieldTextarea)
	}
	for _, f := range s.Fields {
		t.Fields = append(t.Fields, connect.Value(f))
	}
	if t.StatusURL, err = c.statusURL(tx, s); err != nil {
		return nil, err
	}
	t.Files, err = c.files(tx, s.ID)
	return t, err
}

// statusURL gives the visitor's page; capture.php's visitors have none.
func (c *Courier) statusURL(tx *store.Tx, s *styk.Submission) (string, error) {
	if c.o.PublicURL == "" {
		return "", nil
	}
	if _, err := tx.Form(s.Form); styk.CodeOf(err) == styk.NotFound {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return strings.TrimRight(c.o.PublicURL, "/") + "/f/" + url.PathEscape(s.Form) + "/status/" + tx.DB().StatusSecret(s), nil
}

// contactOf tells a connector who wrote, as they wrote it.
func contactOf(s *styk.Submission) connect.Contact {
	first := func(names ...string) string {
		for _, f := range s.Fields {
			for _, n := range names {
				if strings.EqualFold(f.Name, n) && f.Value != "" {
					return f.Value
				}
			}
		}
		return ""
	}
	c := connect.Contact{
		Name:    first("name", "fullname", "fio"),
		Last:    first("lastname", "last_name"),
		First:   first("firstname", "first_name"),
		Middle:  first("secondname", "second_name", "middlename"),
		Email:   strings.ToLower(s.OfType(styk.FieldEmail)),
		INN:     styk.CleanINN(s.OfType(styk.FieldINN)),
		Company: first("company", "organization"),
	}
	if c.Name == "" {
		c.Name = strings.Join(strings.Fields(c.First+" "+c.Middle+" "+c.Last), " ")
	}
	phone := s.OfType(styk.FieldPhone)
	if p, ok := styk.ParsePhone(phone); ok {
		phone = string(p)
	}
	c.Phone = phone
	return c
}
