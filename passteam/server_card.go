package passteam

import (
	"strings"

	"styk"
	"styk/store"
	"styk/wallet"
)

// What one call may bring.
const (
	maxValues = 500  // variables of one card
	maxCards  = 1000 // cards that are named
)

// createCard makes a card (spec/passteam.md 1.5).
func (c *call) createCard() (any, error) {
	r, err := c.body.CreateCard()
	if err != nil {
		return nil, err
	}
	c.template = sameCase(r.TemplateID)
	values, err := texts(r.Values)
	if err != nil {
		return nil, err
	}
	if !c.token.MayTouch(c.template) {
		return nil, c.noTemplate()
	}
	made, _, err := c.s.Cards.Issue(c, wallet.New{Template: c.template, Values: values, Source: origin, By: c.by})
	if err != nil {
		return nil, err
	}
	return CardMade{made.Number, c.s.Cards.URL(made.Number), stateOf(made)}, nil
}

// updateCard changes values of a card (spec/passteam.md 1.6).
func (c *call) updateCard() (any, error) {
	r, err := c.body.UpdateCard()
	if err != nil {
		return nil, err
	}
	changed, err := c.change(r.CardID, r.Values)
	if err != nil {
		return nil, err
	}
	return CardUpdated{stateOf(changed)}, nil
}

// change gives one card other values, where the token may touch it.
func (c *call) change(id string, list []Value) (*styk.Card, error) {
	c.number = sameCase(id)
	values, err := texts(list)
	if err != nil {
		return nil, err
	}
	if len(c.token.Templates) > 0 {
		if err := c.mayChange(c.number); err != nil {
			return nil, err
		}
	}
	changed, _, err := c.s.Cards.Update(c, c.number, values, c.by)
	return changed, err
}

// mayChange refuses what a narrowed token may not touch: another template's
// card, and one that is not here where such a template would make it.
func (c *call) mayChange(number string) error {
	return c.s.DB.View(c, func(tx *store.Tx) error {
		found, err := tx.Card(number)
		if err == nil {
			return c.touches(found)
		}
		if styk.CodeOf(err) != styk.NotFound {
			return err
		}
		all, err := tx.CardTemplates()
		if err != nil {
			return err
		}
		for _, t := range all {
			if t.UnknownCard == styk.UnknownCreate && !c.token.MayTouch(t.ID) {
				return CardUnknown(number)
			}
		}
		return nil
	})
}

func (c *call) touches(found *styk.Card) error {
	if !c.token.MayTouch(found.Template) {
		return NoRight()
	}
	return nil
}

// noTemplate refuses a template that the token may not touch; one that is not
// there comes first (spec/passteam.md 1.3).
func (c *call) noTemplate() error {
	if _, err := c.s.Cards.Template(c, c.template); err != nil {
		return err
	}
	return NoRight()
}

// updateCards changes several cards, each by itself: what is wrong with one is
// told beside its id.
func (c *call) updateCards() (any, error) {
	r, err := c.body.UpdateCards()
	if err != nil {
		return nil, err
	}
	if len(r.Cards) > maxCards {
		return nil, tooManyCards()
	}
	c.template = sameCase(r.TemplateID)
	result := CardsUpdated{Updated: []string{}, Errors: []CardFailure{}}
	for _, one := range r.Cards {
		numbers, err := c.meant(one)
		for _, number := range numbers {
			if _, err = c.change(number, one.Values); err != nil {
				break
			}
			result.Updated = append(result.Updated, number)
		}
		if err != nil {
			if c.Err() != nil {
				return nil, err
			}
			f := c.refusal(err)
			result.Errors = append(result.Errors, CardFailure{c.number, f.Code, f.Message})
		}
	}
	return result, nil
}

// meant gives the cards that one entry of updatecards names: by id, by the text
// of the barcode, or by a unique variable among the values.
func (c *call) meant(one CardChange) (numbers []string, err error) {
	switch c.number = sameCase(one.CardID); {
	case c.number != "":
		return []string{c.number}, nil
	case c.template == "":
		return nil, ParameterMissing(FieldTemplateID)
	case !c.token.MayTouch(c.template):
		return nil, c.noTemplate()
	case one.CardCode == "":
		number, err := c.byVariable(one.Values)
		return []string{number}, err
	}
	err = c.s.DB.View(c, func(tx *store.Tx) error {
		numbers = nil
		list, err := tx.CardsByCode(c.template, strings.TrimSpace(one.CardCode), maxCards)
		for _, found := range list {
			numbers = append(numbers, found.Number)
		}
		return err
	})
	if err == nil && len(numbers) == 0 {
		err = &Failure{Code: CodeNotFound, Message: "No card has this code."}
	}
	return numbers, err
}

// byVariable finds the card of c.template that has the unique values among
// these.
func (c *call) byVariable(list []Value) (number string, err error) {
	t, err := c.s.Cards.Template(c, c.template)
	if err != nil {
		return "", err
	}
	unique := map[string]string{}
	for _, v := range list {
		if variable := t.Variable(v.Name); variable != nil && variable.Unique {
			unique[v.Name] = v.Text
		}
	}
	if len(unique) == 0 {
		return "", badRequest("Parameter (%s) must have a unique variable of the template.", FieldValues)
	}
	found, err := c.s.Cards.Free(c, c.template, unique, "")
	if err != nil {
		return "", err
	}
	for _, one := range found {
		if number != "" && number != one.Number {
			return "", badRequest("Parameter (%s) names different cards.", FieldValues)
		}
		number = one.Number
	}
	if number == "" {
		return "", &Failure{Code: CodeNotFound, Message: "No card has this value."}
	}
	return number, nil
}

// deleteCards ends cards for good: their passes become void.
func (c *call) deleteCards() (any, error) {
	ids, err := c.body.DeleteCards()
	if err != nil {
		return nil, err
	}
	if len(ids) > maxCards {
		return nil, tooManyCards()
	}
	if len(c.token.Templates) > 0 { // all or none
		err := c.s.DB.View(c, func(tx *store.Tx) error {
			for _, id := range ids {
				found, err := tx.Card(sameCase(id))
				if err == nil {
					err = c.touches(found)
				}
				if err != nil && styk.CodeOf(err) != styk.NotFound {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	result := Deleted{Deleted: []string{}, NotFound: []string{}}
	for _, id := range ids {
		switch err := c.s.Cards.Delete(c, sameCase(id), c.by); {
		case err == nil:
			result.Deleted = append(result.Deleted, sameCase(id))
		case styk.CodeOf(err) == styk.NotFound:
			result.NotFound = append(result.NotFound, quoted(id))
		default:
			return nil, err
		}
	}
	return result, nil
}

// checkUnique tells which values another card of the template has already.
func (c *call) checkUnique() (any, error) {
	r, err := c.body.CheckUnique()
	if err != nil {
		return nil, err
	}
	c.template = sameCase(r.TemplateID)
	values, err := texts(r.Values)
	if err != nil {
		return nil, err
	}
	if !c.token.MayTouch(c.template) {
		return nil, c.noTemplate()
	}
	taken, err := c.s.Cards.Free(c, c.template, values, sameCase(r.CardID))
	if err != nil {
		return nil, err
	}
	result := Uniqueness{Unique: len(taken) == 0, Conflicts: []Conflict{}}
	for _, one := range taken {
		result.Conflicts = append(result.Conflicts, Conflict{"%" + one.Variable + "%", one.Number})
	}
	return result, nil
}

// texts gives the values by name. The bounds are far above what any template
// has: they keep a slip from filling the database.
func texts(list []Value) (map[string]string, error) {
	if len(list) > maxValues {
		return nil, badRequest("Parameter (%s) has more than %d variables.", FieldValues, maxValues)
	}
	all := make(map[string]string, len(list))
	for _, v := range list {
		if len(v.Name) > 200 {
			return nil, badRequest("Parameter (%s) has a variable with too long a name.", FieldValues)
		}
		all[v.Name] = v.Text
	}
	return all, nil
}

func tooManyCards() *Failure { return badRequest("One call may name %d cards.", maxCards) }

// sameCase writes an id as it is stored.
func sameCase(id string) string { return strings.ToLower(strings.TrimSpace(id)) }

func stateOf(c *styk.Card) CardState {
	return CardState{c.Number, c.Template, !c.Installed.IsZero()}
}
