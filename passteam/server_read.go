package passteam

import (
	"slices"

	"styk"
	"styk/store"
	"styk/wallet"
)

// mostCards bounds getcards, which knows no pages: more are refused, never left
// out in silence.
const mostCards = 5000

// callClients is the alias under which our own clients take larger pages
// (spec/passteam.md 1.4).
const callClients = "getclients"

// storeCard is what Apple calls a loyalty card.
const storeCard = "storeCard"

// oneCard shows a card, found by its id or by a unique variable.
func (c *call) oneCard() (any, error) {
	r, err := c.body.FindCard()
	if err != nil {
		return nil, err
	}
	c.number, c.template = sameCase(r.CardID), sameCase(r.TemplateID)
	if c.number == "" && c.template != "" && len(r.Values) > 0 {
		if !c.token.MayTouch(c.template) {
			return nil, c.noTemplate()
		}
		if c.number, err = c.byVariable(r.Values); err != nil {
			return nil, err
		}
	}
	var shown Card
	err = c.s.DB.View(c, func(tx *store.Tx) error {
		found, err := tx.Card(c.number)
		if err != nil {
			return err
		}
		if err := c.touches(found); err != nil {
			return err
		}
		if !found.Deleted.IsZero() {
			return CardUnknown(c.number)
		}
		t, err := c.s.Cards.TemplateIn(tx, found.Template)
		if err != nil {
			return err
		}
		shown, err = c.shown(tx, t, found)
		return err
	})
	if err != nil {
		return nil, err
	}
	return CardFound{shown}, nil
}

// allCards shows the cards of a template, all at once.
func (c *call) allCards() (any, error) {
	id, err := c.body.TemplateID()
	if err != nil {
		return nil, err
	}
	list, total, err := c.page(id, 0, mostCards)
	if err != nil {
		return nil, err
	}
	if total > mostCards {
		return nil, badRequest("The template has %d cards: ask getCardsWithPagination.", total)
	}
	return CardList{list}, nil
}

// cardsByPage shows a page of a template's cards.
func (c *call) cardsByPage() (any, error) {
	most := PageSize
	if c.name == callClients {
		most = PageSizeClients
	}
	r, err := c.body.ListCards(most)
	if err != nil {
		return nil, err
	}
	list, total, err := c.page(r.TemplateID, (r.Page-1)*r.Limit, r.Limit)
	if err != nil {
		return nil, err
	}
	return NewCardPage(list, r.Page, r.Limit, total), nil
}

// page reads cards of a template in the order of their making, and how many it
// has.
func (c *call) page(template string, offset, limit int) (list []Card, total int, err error) {
	c.template = sameCase(template)
	if !c.token.MayTouch(c.template) {
		return nil, 0, c.noTemplate()
	}
	err = c.s.DB.View(c, func(tx *store.Tx) error {
		list = []Card{}
		t, err := c.s.Cards.TemplateIn(tx, c.template)
		if err != nil {
			return err
		}
		if total, err = tx.CountCards(c.template); err != nil || offset >= total {
			return err
		}
		found, err := tx.CardPage(c.template, offset, limit)
		if err != nil {
			return err
		}
		for _, one := range found {
			shown, err := c.shown(tx, t, one)
			if err != nil {
				return err
			}
			list = append(list, shown)
		}
		return nil
	})
	return list, total, err
}

// shown is a card as the reading methods show it.
func (c *call) shown(tx *store.Tx, t *styk.CardTemplate, one *styk.Card) (Card, error) {
	shown := Card{
		CardID: one.Number, CardCode: one.Code, TemplateID: one.Template, CardURL: c.s.Cards.URL(one.Number),
		Installed: !one.Installed.IsZero(), InstalledAt: Stamp(one.Installed), UninstalledAt: Stamp(one.Removed),
		CreatedAt: Stamp(one.Created), UpdatedAt: Stamp(one.Modified),
	}
	var values []Value
	for _, name := range t.Names(one) {
		if name != wallet.NewsVariable || t.Variable(name) != nil { // a push's text is none of the caller's values
			values = append(values, Value{name, one.Values[name]})
		}
	}
	shown.SetValues(values)
	if !shown.Installed {
		return shown, nil
	}
	devices, err := tx.CardDevices(one.ID)
	for _, d := range devices {
		switch d.Platform {
		case styk.OnApple:
			shown.Devices.Apple++
		case styk.OnWeb:
			shown.Devices.Web++
		}
	}
	return shown, err
}

// templateIDs lists the templates that the token may touch.
func (c *call) templateIDs() (any, error) {
	var result TemplateIDs
	err := c.s.DB.View(c, func(tx *store.Tx) error {
		result.Templates = []TemplateName{}
		all, err := c.visible(tx)
		for _, t := range all {
			result.Templates = append(result.Templates, TemplateName{t.ID, t.Name})
		}
		return err
	})
	return result, err
}

// oneTemplate shows a template with its variables.
func (c *call) oneTemplate() (any, error) {
	id, err := c.body.TemplateID()
	if err != nil {
		return nil, err
	}
	if c.template = sameCase(id); !c.token.MayTouch(c.template) {
		return nil, c.noTemplate()
	}
	var shown Template
	err = c.s.DB.View(c, func(tx *store.Tx) error {
		t, err := c.s.Cards.TemplateIn(tx, c.template)
		if err != nil {
			return err
		}
		shown, err = c.shownTemplate(tx, t)
		return err
	})
	return shown, err
}

// allTemplates shows all of them, or those of one kind of pass.
func (c *call) allTemplates() (any, error) {
	kind := c.body.PassTypeID()
	var result []Template
	err := c.s.DB.View(c, func(tx *store.Tx) error {
		result = []Template{}
		all, err := c.visible(tx)
		if err != nil {
			return err
		}
		for _, t := range all {
			if kind != "" && kind != c.s.Cards.PassTypeOf(t) {
				continue
			}
			shown, err := c.shownTemplate(tx, t)
			if err != nil {
				return err
			}
			result = append(result, shown)
		}
		return nil
	})
	return result, err
}

// visible lists the templates that the token may touch.
func (c *call) visible(tx *store.Tx) ([]*styk.CardTemplate, error) {
	all, err := tx.CardTemplates()
	return slices.DeleteFunc(all, func(t *styk.CardTemplate) bool { return !c.token.MayTouch(t.ID) }), err
}

func (c *call) shownTemplate(tx *store.Tx, t *styk.CardTemplate) (Template, error) {
	shown := Template{TemplateID: t.ID, Name: t.Name, PassTypeID: c.s.Cards.PassTypeOf(t), Style: storeCard, Variables: []Variable{}}
	for _, v := range t.Variables {
		shown.Variables = append(shown.Variables, Variable{"%" + v.Name + "%", v.Type, v.Unique, v.Required, v.Default})
	}
	var err error
	shown.CardsCount, err = tx.CountCards(t.ID)
	return shown, err
}
