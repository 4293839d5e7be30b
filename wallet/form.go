package wallet

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// byForm stands in the history of what site forms brought.
var byForm = store.By{Origin: "form"}

// linkEvery is how often a form makes a holder get the letter with his link.
const linkEvery = 24 * time.Hour

// linkScope keeps who got such a letter, beside what is done once only.
const linkScope = "card link"

// IssueForm makes the card that a form promises its visitor, and gives its
// number. Where somebody's card has the same unique value already, the number
// is "": a form is no proof of identity, so the link goes to the address that is
// kept with that card, and the visitor learns nothing of it. A template that is
// missing or closed gives none either: the request itself must arrive. A value
// that the template must have and is not there is the form's fault, of its
// field. It is part of the transaction that stores the submission.
func (c *Cards) IssueForm(tx *store.Tx, form *styk.Form, s *styk.Submission) (number string, err error) {
	t, err := c.TemplateIn(tx, form.Card.Template)
	if styk.CodeOf(err) == styk.NotFound || err == nil && t.Disabled {
		c.Log.Error("a form names a card template that gives no cards", "op", "form", "template", form.Card.Template)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	values := map[string]string{}
	for field, variable := range form.Card.Fields {
		text := s.Value(field)
		if runes := []rune(text); len(runes) > MaxValue {
			text = string(runes[:MaxValue])
		}
		values[variable] = text
	}
	if values, err = cleanValues(values); err != nil {
		return "", err
	}
	var taken *store.CardTaken
	if err := tx.FreeKeys(t.ID, keysOf(t, withDefaults(t, values)), 0); errors.As(err, &taken) {
		return "", c.sendLink(tx, t, taken.Number)
	} else if err != nil {
		return "", err
	}
	card, _, err := c.IssueIn(tx, New{Template: t.ID, Values: values, Contact: s.Contact, Source: "form", By: byForm})
	var unset *Unset
	if errors.As(err, &unset) {
		return "", styk.FieldError(styk.Missing, fieldOf(form, unset.Variable), "required", "Заполните это поле: по нему выпускается карта")
	}
	if err != nil {
		return "", err
	}
	return card.Number, nil
}

func fieldOf(form *styk.Form, variable string) string {
	for field, name := range form.Card.Fields {
		if name == variable {
			return field
		}
	}
	return ""
}

// sendLink writes to the address that is kept with a card, at most once a day.
func (c *Cards) sendLink(tx *store.Tx, t *styk.CardTemplate, number string) error {
	card, err := tx.Card(number)
	if err != nil {
		return err
	}
	to, err := addressOf(tx, t, card)
	if err != nil || to == "" {
		return err
	}
	known, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil || known[styk.MailTarget] == 0 {
		return err
	}
	before, err := tx.OnceWithin(linkScope, number, linkEvery)
	if err != nil || before != 0 {
		return err
	}
	if err := tx.Made(linkScope, number, card.ID); err != nil {
		return err
	}
	letter, err := json.Marshal(styk.Notice{Type: styk.NoticeCardLink, To: to, Target: styk.MailTarget, Card: number})
	if err != nil {
		return err
	}
	return tx.Enqueue(&styk.Delivery{Target: known[styk.MailTarget], Subject: styk.SubjectNotice, Content: letter,
		Coalesce: linkScope + "/" + number})
}

// addressOf gives the holder's address: of the customer, else of the card.
func addressOf(tx *store.Tx, t *styk.CardTemplate, card *styk.Card) (string, error) {
	if card.Contact != 0 {
		holder := &styk.Contact{Entity: styk.Entity{ID: card.Contact}}
		if err := tx.Load(holder); err == nil && holder.Email != "" {
			return holder.Email, nil
		} else if err != nil && styk.CodeOf(err) != styk.NotFound {
			return "", err
		}
	}
	to := t.Value(card, styk.MeansEmail)
	if !strings.Contains(to, "@") {
		return "", nil
	}
	return to, nil
}
