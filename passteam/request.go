package passteam

import (
	"strconv"
	"strings"
)

// Each method's request has a reader that refuses what the method cannot do
// without; every error is a *Failure. Whether a template or card exists, and
// what its variables are, is for the caller to find.

// CreateCard is the request of createcard.
type CreateCard struct {
	TemplateID string
	Values     []Value
}

// CreateCard reads the request of createcard.
func (b *Body) CreateCard() (r CreateCard, err error) {
	r.Values = b.Values
	r.TemplateID, err = b.need(FieldTemplateID)
	return r, err
}

// UpdateCard is the request of updatecard.
type UpdateCard struct {
	CardID     string // empty where 1C has no card yet: answered as CardUnknown
	TemplateID string // "" as a rule
	Values     []Value
}

// UpdateCard reads the request of updatecard.
func (b *Body) UpdateCard() (UpdateCard, error) {
	id, given := b.Field(FieldCardID)
	if !given {
		return UpdateCard{}, ParameterMissing(FieldCardID)
	}
	return UpdateCard{strings.TrimSpace(id), b.word(FieldTemplateID), b.Values}, nil
}

// UpdateCards is the request of updatecards.
type UpdateCards struct {
	TemplateID string
	Cards      []CardChange
}

// UpdateCards reads the request of updatecards: a list of cards, or one card
// written as updatecard writes it.
func (b *Body) UpdateCards() (UpdateCards, error) {
	r := UpdateCards{b.word(FieldTemplateID), b.Cards}
	one := CardChange{b.word(FieldCardID), b.word(FieldCardCode), b.Values}
	if one.CardID != "" || one.CardCode != "" || len(one.Values) > 0 {
		r.Cards = append(r.Cards, one)
	}
	if len(r.Cards) == 0 {
		return r, ParameterMissing(FieldCards)
	}
	return r, nil
}

// FindCard is the request of getcard: an id, or a template and a unique
// variable.
type FindCard struct {
	CardID, TemplateID string
	Values             []Value
}

// FindCard reads the request of getcard.
func (b *Body) FindCard() (FindCard, error) {
	r := FindCard{b.word(FieldCardID), b.word(FieldTemplateID), b.Values}
	if _, given := b.Field(FieldCardID); !given && (r.TemplateID == "" || len(r.Values) == 0) {
		return r, ParameterMissing(FieldCardID)
	}
	return r, nil
}

// ListCards is the request of getcardswithpagination and getcards.
type ListCards struct {
	TemplateID  string
	Page, Limit int // from 1; Limit 1 to PageSize, or PageSizeClients
}

// ListCards reads a request for cards; most is PageSize or PageSizeClients. A
// limit past most becomes most.
func (b *Body) ListCards(most int) (r ListCards, err error) {
	if r.TemplateID, err = b.need(FieldTemplateID); err != nil {
		return r, err
	}
	if r.Page, err = b.number(FieldPage, 1); err != nil {
		return r, err
	}
	r.Limit, err = b.number(FieldLimit, most)
	r.Limit = min(r.Limit, most)
	return r, err
}

// TemplateID reads the request of gettemplate.
func (b *Body) TemplateID() (string, error) { return b.need(FieldTemplateID) }

// PassTypeID reads the request of gettemplates; "" means all.
func (b *Body) PassTypeID() string { return b.word(FieldPassTypeID) }

// Credentials is the request of getatoken.
type Credentials struct {
	Name, Password string // Name came as nickname, login or email
}

// Credentials reads the request of getatoken.
func (b *Body) Credentials() (Credentials, error) {
	for _, field := range []string{FieldNickname, FieldLogin, FieldEmail} {
		if name := b.word(field); name != "" {
			password, given := b.Field(FieldPassword)
			if !given || password == "" {
				return Credentials{}, ParameterMissing(FieldPassword)
			}
			return Credentials{name, password}, nil
		}
	}
	return Credentials{}, ParameterMissing(FieldNickname)
}

// CheckUnique is the request of checkunique.
type CheckUnique struct {
	TemplateID string
	CardID     string // whose own values are no conflict; may be empty
	Values     []Value
}

// CheckUnique reads the request of checkunique.
func (b *Body) CheckUnique() (r CheckUnique, err error) {
	r.CardID, r.Values = b.word(FieldCardID), b.Values
	if r.TemplateID, err = b.need(FieldTemplateID); err == nil && len(r.Values) == 0 {
		err = ParameterMissing(FieldValues)
	}
	return r, err
}

// Share is the request of distribute.
type Share struct {
	CardID, Channel, To string // Channel is sms or email
}

// Share reads the request of distribute.
func (b *Body) Share() (r Share, err error) {
	if r.CardID, err = b.need(FieldCardID); err != nil {
		return r, err
	}
	if r.To, err = b.need(FieldTo); err != nil {
		return r, err
	}
	r.Channel = strings.ToLower(b.word(FieldChannel))
	if r.Channel != "sms" && r.Channel != "email" {
		err = badRequest("Parameter (%s) must be sms or email.", FieldChannel)
	}
	return r, err
}

// DeleteCards reads the request of deletecards: the ids, each once.
func (b *Body) DeleteCards() ([]string, error) {
	ids := b.ids()
	if len(ids) == 0 {
		return nil, ParameterMissing(FieldCardID)
	}
	return ids, nil
}

// SendPush is the request of sendpush: to the named cards, or to all of a
// template that have these values.
type SendPush struct {
	Message, TemplateID string
	CardIDs             []string
	Values              []Value
}

// SendPush reads the request of sendpush.
func (b *Body) SendPush() (r SendPush, err error) {
	r.TemplateID, r.CardIDs, r.Values = b.word(FieldTemplateID), b.ids(), b.Values
	if r.Message, err = b.need(FieldMessage); err == nil && r.TemplateID == "" && len(r.CardIDs) == 0 {
		err = ParameterMissing(FieldTemplateID)
	}
	return r, err
}

// need gives a parameter that may be neither absent nor blank.
func (b *Body) need(field string) (string, error) {
	text := b.word(field)
	if text == "" {
		return "", ParameterMissing(field)
	}
	return text, nil
}

func (b *Body) word(field string) string {
	text, _ := b.Field(field)
	return strings.TrimSpace(text)
}

func (b *Body) number(field string, otherwise int) (int, error) {
	text := b.word(field)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1<<30 {
		return otherwise, badRequest("Parameter (%s) must be a whole number from 1.", field)
	}
	return n, nil
}

func (b *Body) ids() []string {
	var ids []string
	seen := map[string]bool{"": true}
	for _, id := range append([]string{b.word(FieldCardID)}, b.CardIDs...) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
