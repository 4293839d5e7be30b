package passteam

import (
	"bytes"
	"encoding/json"
	"strings"

	"styk"
)

// Value is one variable as it came or goes: the name without its per cent
// signs, the value as text.
type Value struct {
	Name, Text string
}

// Card is a card as the reading methods show it (spec/passteam.md 1.7). Times
// are made by Stamp; an empty one is left out.
type Card struct {
	CardID        string  `json:"cardId"`
	CardCode      string  `json:"cardCode"` // the text of its barcode
	TemplateID    string  `json:"templateId"`
	CardURL       string  `json:"cardUrl"`
	Installed     bool    `json:"installed"`
	InstalledAt   string  `json:"installedAt,omitempty"`
	UninstalledAt string  `json:"uninstalledAt,omitempty"`
	CreatedAt     string  `json:"createdAt"`
	UpdatedAt     string  `json:"updatedAt"`
	Devices       Devices `json:"devices"`
	Values        Values  `json:"values"`
	OtherValues   []Other `json:"otherValues,omitempty"`
}

// SetValues shows the values: those whose names 1C can read as Values, any
// other as OtherValues, where the name is not a key.
func (c *Card) SetValues(all []Value) {
	c.Values, c.OtherValues = nil, nil
	seen := map[string]bool{}
	for _, v := range all {
		if folded := strings.ToLower(v.Name); styk.ValidVariable(v.Name) && !seen[folded] {
			seen[folded] = true
			c.Values = append(c.Values, v)
		} else {
			c.OtherValues = append(c.OtherValues, Other{v.Name, v.Text})
		}
	}
}

// Devices counts where a card is installed.
type Devices struct {
	Apple  int `json:"apple"`
	Google int `json:"google"`
	Web    int `json:"web"`
}

// Other is a variable whose name cannot be a key.
type Other struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Values is written as {"%PHONE%":"…"} in the order given. Names must be
// Identifiers, as SetValues sees to.
type Values []Value

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, value := range v {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"%` + value.Name + `%":`)
		if err := e.Encode(value.Text); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// CardState is the card as creating and updating show it: no values, for a
// variable's name could spoil the reply for 1C (spec/onec.md 2.6).
type CardState struct {
	CardID     string `json:"cardId"`
	TemplateID string `json:"templateId"`
	Installed  bool   `json:"installed"`
}

// CardMade is the result of createcard.
type CardMade struct {
	CardID  string    `json:"cardId"`
	CardURL string    `json:"cardUrl"`
	Card    CardState `json:"card"`
}

// CardUpdated is the result of updatecard; 1C reads card.installed.
type CardUpdated struct {
	Card CardState `json:"card"`
}

// CardRef names a card and its page.
type CardRef struct {
	CardID  string `json:"cardId"`
	CardURL string `json:"cardUrl"`
}

// CardFound is the result of getcard.
type CardFound struct {
	Card Card `json:"card"`
}

// CardList is the result of getcards.
type CardList struct {
	Cards []Card `json:"cards"` // not nil
}

// CardPage is the result of getcardswithpagination.
type CardPage struct {
	Pages    int    `json:"pages"`
	Total    int    `json:"total"`
	Page     int    `json:"page"`     // from 1
	PrevPage *int   `json:"prevPage"` // null on the first
	NextPage *int   `json:"nextPage"` // null on the last
	Cards    []Card `json:"cards"`    // not nil
}

// Pages per call: spec/passteam.md 1.4.
const (
	PageSize        = 50  // what Passteam gives at most
	PageSizeClients = 500 // under the alias getclients, for clients of our own
)

// NewCardPage counts the pages of total cards. A page past the end is empty and
// has no next one.
func NewCardPage(cards []Card, page, limit, total int) CardPage {
	if cards == nil {
		cards = []Card{}
	}
	p := CardPage{Pages: (total + limit - 1) / limit, Total: total, Page: page, Cards: cards}
	if page > 1 {
		before := page - 1
		p.PrevPage = &before
	}
	if page < p.Pages {
		after := page + 1
		p.NextPage = &after
	}
	return p
}

// Variable is one variable of a template; Name has its per cent signs.
type Variable struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // string, number, date, phone, email, bool
	Unique   bool   `json:"unique"`
	Required bool   `json:"required"`
	Default  string `json:"default,omitempty"`
}

// Template is the result of gettemplate, and one of the list that gettemplates gives.
type Template struct {
	TemplateID string     `json:"templateId"`
	Name       string     `json:"name"`
	PassTypeID string     `json:"passTypeId"`
	Style      string     `json:"style"`
	Variables  []Variable `json:"variables"` // not nil
	CardsCount int        `json:"cardsCount"`
}

// TemplateIDs is the result of gettemplateids.
type TemplateIDs struct {
	Templates []TemplateName `json:"templates"` // not nil
}

// TemplateName is a template's id and name.
type TemplateName struct {
	TemplateID string `json:"templateId"`
	Name       string `json:"name"`
}

// TokenMade is the result of getatoken: one value under both names.
type TokenMade struct {
	Token       string  `json:"token"`
	AccessToken string  `json:"accessToken"`
	Expires     *string `json:"expires"` // by Stamp; null: never
}

// Uniqueness is the result of checkunique.
type Uniqueness struct {
	Unique    bool       `json:"unique"`
	Conflicts []Conflict `json:"conflicts"` // not nil
}

// Conflict names the card that has the value; Name has its per cent signs.
type Conflict struct {
	Name   string `json:"name"`
	CardID string `json:"cardId"`
}

// Queued is the result of distribute (true) and sendpush (how many).
type Queued struct {
	Queued any `json:"queued"`
}

// Deleted is the result of deletecards.
type Deleted struct {
	Deleted  []string `json:"deleted"`  // not nil
	NotFound []string `json:"notFound"` // not nil
}

// CardsUpdated is the result of updatecards.
type CardsUpdated struct {
	Updated []string      `json:"updated"` // not nil
	Errors  []CardFailure `json:"errors"`  // not nil
}

// CardFailure is why one card of several was not updated.
type CardFailure struct {
	CardID  string `json:"cardId"`
	Code    int    `json:"code"`
	Message string `json:"message"`
}
