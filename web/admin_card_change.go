package web

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"strings"

	"styk"
	"styk/store"
	"styk/wallet"
)

// What is noted of people's work on cards.
const (
	actionCardValues = "card.values"
	actionCardCall   = "card.call"
	actionCardPush   = "card.push"
	actionCardLetter = "card.letter"
	actionCardDelete = "card.delete"
)

// livingCard gives the card of the address, unless it was deleted.
func (a *admin) livingCard(v *visit) (*styk.Card, *styk.CardTemplate, error) {
	number := v.r.PathValue("number")
	if a.Cards == nil || !styk.ValidCardNumber(number) {
		return nil, nil, errNoCards
	}
	card, t, err := a.Cards.Load(v.r.Context(), number)
	if err == nil && !card.Deleted.IsZero() {
		err = styk.Failed(styk.Conflict, choose(v.lang, "Карта удалена: её больше не изменить.", "The card was deleted: it cannot be changed any more."))
	}
	return card, t, err
}

// editCard changes the values that the person changed. Others stay as they are
// by now: 1C may have sent a new balance while the page was open.
func (a *admin) editCard(v *visit) error {
	card, t, err := a.livingCard(v)
	if err != nil {
		return err
	}
	form := v.r.PostForm
	values := map[string]string{}
	take := func(name string) {
		if text, was := form["value."+name], form.Get("was."+name); len(text) > 0 && strings.TrimSpace(text[0]) != strings.TrimSpace(was) {
			values[name] = text[0]
		}
	}
	for _, variable := range t.Variables {
		take(variable.Name)
	}
	for name := range card.Values {
		if t.Variable(name) == nil && name != wallet.NewsVariable {
			take(name)
		}
	}
	if len(values) == 0 {
		return v.redirect(cardAddress(card.Number), "same")
	}
	_, changed, err := a.Cards.Update(v.r.Context(), card.Number, values, v.by())
	switch code := styk.CodeOf(err); {
	case code == styk.NotFound || err != nil && code == "":
		return err
	case err != nil:
		return a.cardPage(v, http.StatusUnprocessableEntity, cardForm{values: form, err: err})
	case !changed:
		return v.redirect(cardAddress(card.Number), "same")
	}
	return a.cardDone(v, card, actionCardValues, "card")
}

// cardDone notes what was done and goes back to the card.
func (a *admin) cardDone(v *visit, card *styk.Card, action, said string) error {
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, action, card.ID, 0); err != nil {
		return err
	}
	return v.redirect(cardAddress(card.Number), said)
}

func (a *admin) callCard(v *visit) error {
	card, _, err := a.livingCard(v)
	if err != nil {
		return err
	}
	phones, err := a.Cards.Call(v.r.Context(), card.Number)
	if err != nil {
		return err
	}
	if phones == 0 {
		return v.redirect(cardAddress(card.Number), "nophones")
	}
	return a.cardDone(v, card, actionCardCall, "called")
}

// maxPush is how much of a text a lock screen shows at all.
const maxPush = 300

func (a *admin) pushCard(v *visit) error {
	card, _, err := a.livingCard(v)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(v.r.PostForm.Get("text"))
	wrong := ""
	switch {
	case text == "":
		wrong = choose(v.lang, "Напишите текст.", "Write a text.")
	case len([]rune(text)) > maxPush:
		wrong = choose(v.lang, "Длиннее 300 знаков экран не покажет.", "A screen shows no more than 300 characters.")
	case card.Values[wallet.NewsVariable] == text:
		wrong = choose(v.lang, "Этот текст уже стоит на карте: телефон не покажет его второй раз.", "This text is on the card already: a phone does not show it twice.")
	}
	if wrong != "" {
		return a.cardPage(v, http.StatusUnprocessableEntity, cardForm{message: text, said: wrong})
	}
	if err := a.Cards.PushText(v.r.Context(), card.Number, text, v.by()); err != nil {
		return err
	}
	return a.cardDone(v, card, actionCardPush, "pushed")
}

// mailCard sends the holder his link, to the address that the card itself has.
func (a *admin) mailCard(v *visit) error {
	card, t, err := a.livingCard(v)
	if err != nil {
		return err
	}
	to, err := mail.ParseAddress(t.Value(card, styk.MeansEmail))
	if err != nil {
		return styk.Failed(styk.Conflict, choose(v.lang, "У карты нет адреса почты.", "The card has no e-mail address."))
	}
	text, err := json.Marshal(styk.Notice{Type: styk.NoticeCard, To: to.Address, Target: styk.MailTarget, Card: card.Number, CardName: t.Name})
	if err != nil {
		return err
	}
	err = a.DB.Update(v.r.Context(), func(tx *store.Tx) error {
		known, err := tx.RunningTargets([]string{styk.MailTarget})
		if err != nil {
			return err
		}
		if known[styk.MailTarget] == 0 {
			return styk.Failed(styk.Conflict, choose(v.lang, "Письма не настроены.", "Letters are not set up."))
		}
		return tx.Enqueue(&styk.Delivery{Target: known[styk.MailTarget], Subject: styk.SubjectNotice, About: card.ID, Content: text})
	})
	if err != nil {
		return err
	}
	a.Courier.Wake()
	return a.cardDone(v, card, actionCardLetter, "letter")
}

func (a *admin) deleteCard(v *visit) error {
	card, _, err := a.livingCard(v)
	if err != nil {
		return err
	}
	if v.r.PostForm.Get("sure") == "" {
		return a.cardPage(v, http.StatusUnprocessableEntity,
			cardForm{sure: choose(v.lang, "Отметьте, что понимаете последствия.", "Tick that you know what follows.")})
	}
	if err := a.Cards.Delete(v.r.Context(), card.Number, v.by()); err != nil {
		return err
	}
	return a.cardDone(v, card, actionCardDelete, "card-deleted")
}

// cardsOf lists the cards of a customer for his panel on a ticket.
func (a *admin) cardsOf(tx *store.Tx, lang string, contact styk.ID) (rows []adminCardRow, err error) {
	if a.Cards == nil {
		return nil, nil
	}
	cards, err := tx.Cards(store.CardQuery{Contact: contact, Limit: othersShown})
	if err != nil {
		return nil, err
	}
	for _, c := range cards {
		t, err := a.Cards.TemplateIn(tx, c.Template)
		if err != nil {
			return nil, err
		}
		rows = append(rows, a.cardRow(lang, c, t))
	}
	return rows, nil
}
