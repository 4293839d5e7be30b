package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"styk"
	"styk/store"
	"styk/wallet"
)

type cardImportCommands struct {
	Passteam cardImportPassteamCommand `cmd:"" help:"Copy templates and cards of a Passteam account, card ids kept."`
	CSV      cardImportCSVCommand      `cmd:"" name:"csv" help:"Make cards of a table, as Excel saves it."`
}

// cardImport brings cards of elsewhere into one template. What is here already
// stays, unless update says otherwise.
type cardImport struct {
	h           *house
	template    *styk.CardTemplate
	dry, update bool

	made, same, updated, installed int
	odd                            []string // what differs, a line each
	more                           int      // lines that did not fit
	planned                        map[[2]string]bool
}

// oldCard is a card as it stood elsewhere.
type oldCard struct {
	Number    string // "": one is drawn
	Code      string // "": one is drawn, or it is among the values
	Values    map[string]string
	Installed bool
}

// maxOdd bounds the lines that are printed; the rest is counted.
const maxOdd = 200

func (c *cardImport) differs(format string, args ...any) {
	if len(c.odd) >= maxOdd {
		c.more++
		return
	}
	c.odd = append(c.odd, fmt.Sprintf(format, args...))
}

// take brings one card. A refusal that belongs to the card comes as *styk.Error.
func (c *cardImport) take(ctx context.Context, old oldCard) error {
	old.Number = strings.ToLower(strings.TrimSpace(old.Number))
	if old.Number != "" && !styk.ValidCardNumber(old.Number) {
		return styk.FieldError(styk.Invalid, "cardId", "hex", "нужны 24 знака 0–9 и a–f")
	}
	for name, text := range old.Values {
		old.Values[name] = norm.NFC.String(strings.TrimSpace(text))
	}
	if old.Installed {
		c.installed++
	}
	here, err := c.find(ctx, old)
	if err != nil {
		return err
	}
	if here != nil {
		return c.meet(ctx, old, here)
	}
	if err := c.check(ctx, old); err != nil {
		return err
	}
	c.made++
	if c.dry {
		return nil
	}
	return c.make(ctx, old)
}

// find gives the card that is here under the number, or for a card without one
// under its unique values; nil for none.
func (c *cardImport) find(ctx context.Context, old oldCard) (card *styk.Card, err error) {
	number := old.Number
	if number == "" {
		taken, err := c.free(ctx, old)
		if err != nil || len(taken) == 0 {
			return nil, err
		}
		number = taken[0].Number
	}
	err = c.h.db.View(ctx, func(tx *store.Tx) (err error) {
		card, err = tx.Card(number)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound {
		return nil, nil //nolint:nilnil // none is an answer here
	}
	return card, err
}

// free tells whose the unique values are; a template that is only planned has
// no cards.
func (c *cardImport) free(ctx context.Context, old oldCard) ([]*store.CardTaken, error) {
	taken, err := c.h.cards.Free(ctx, c.template.ID, old.Values, old.Number)
	if errors.Is(err, wallet.ErrNoTemplate) && c.dry {
		return nil, nil
	}
	return taken, err
}

// meet compares a card with the one that is here.
func (c *cardImport) meet(ctx context.Context, old oldCard, here *styk.Card) error {
	if here.Template != c.template.ID {
		c.differs("%s: the card is here, of another template (%s)", here.Number, here.Template)
		return nil
	}
	if !here.Deleted.IsZero() {
		c.differs("%s: it was deleted here and stays so", here.Number)
		return nil
	}
	changed := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(old.Values)) {
		was, is := old.Values[name], here.Values[name]
		if v := c.template.Variable(name); v != nil {
			was, _ = v.Normal(was)
			is, _ = v.Normal(is)
		}
		if was != is {
			changed[name] = old.Values[name]
		}
	}
	if len(changed) == 0 {
		c.same++
		return nil
	}
	if c.update {
		c.updated++
		if c.dry {
			return nil
		}
		_, _, err := c.h.cards.Update(ctx, here.Number, changed, byImport)
		return err
	}
	if old.Number == "" { // whether it is the same person's card, a person must say
		taken, err := c.free(ctx, old)
		if err != nil || len(taken) == 0 {
			return err
		}
		return takenBy(taken[0])
	}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		c.differs("%s: %s is %q there and %q here", here.Number, name, changed[name], here.Values[name])
	}
	return nil
}

// check tells what keeps the card from being made.
func (c *cardImport) check(ctx context.Context, old oldCard) error {
	taken, err := c.free(ctx, old)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		return takenBy(taken[0])
	}
	for i := range c.template.Variables {
		v := &c.template.Variables[i]
		if normal, _ := v.Normal(old.Values[v.Name]); v.Unique && v.Required && normal == "" {
			return styk.FieldError(styk.Missing, v.Name, "required", "нужно значение: по нему карты различаются")
		}
	}
	return c.plan(old)
}

func takenBy(t *store.CardTaken) error {
	return styk.FieldError(styk.Conflict, t.Variable, "unique", "значение занято картой "+t.Number)
}

// plan tells in a dry run what two cards of the source would both have.
func (c *cardImport) plan(old oldCard) error {
	if !c.dry {
		return nil
	}
	if c.planned == nil {
		c.planned = map[[2]string]bool{}
	}
	keys := [][2]string{}
	for i := range c.template.Variables {
		v := &c.template.Variables[i]
		if normal, _ := v.Normal(old.Values[v.Name]); v.Unique && normal != "" {
			keys = append(keys, [2]string{v.Name, styk.Fold(normal)})
		}
	}
	for _, k := range keys {
		if c.planned[k] {
			return styk.FieldError(styk.Conflict, k[0], "unique", "такое же значение стоит выше")
		}
	}
	for _, k := range keys {
		c.planned[k] = true
	}
	return nil
}

var byImport = store.By{Origin: "import"}

// make issues the card under its number, and notes how it stood elsewhere.
func (c *cardImport) make(ctx context.Context, old oldCard) error {
	return c.h.db.Update(ctx, func(tx *store.Tx) error {
		card, _, err := c.h.cards.IssueIn(tx, wallet.New{Template: c.template.ID, Number: old.Number, Values: maps.Clone(old.Values),
			Source: "import", By: byImport})
		if err != nil {
			return err
		}
		edit := store.CardEdit{Op: "update", By: byImport, Changes: map[string][2]string{}, OldCode: card.Code}
		if old.Code != "" && card.Code != old.Code && c.template.Meant(styk.MeansCode) == nil {
			edit.Changes["cardCode"] = [2]string{card.Code, old.Code}
			card.Code = old.Code
		}
		if old.Installed {
			edit.Changes["installed"] = [2]string{"", "true"} // over there: that pass knows nothing of us
		}
		if len(edit.Changes) == 0 {
			return nil
		}
		return tx.SaveCard(card, edit)
	})
}

// report says what was done and what differs.
func (c *cardImport) report(s *streams) {
	verb := "made"
	if c.dry {
		verb = "would be made"
	}
	s.printf("%s %s: %d %s, %d the same already", c.template.ID, c.template.Name, c.made, verb, c.same)
	if c.updated > 0 {
		s.printf(", %d brought to what they are there", c.updated)
	}
	s.printf("\n")
	if c.installed > 0 {
		s.printf("  %d of them were on a phone there: those passes belong to the other service; their holders need the new link once\n", c.installed)
	}
	for _, line := range c.odd {
		s.printf("  differs: %s\n", line)
	}
	if c.more > 0 {
		s.printf("  … and %d more\n", c.more)
	}
	if len(c.odd) == 0 {
		s.printf("  nothing differs\n")
	}
}

// refusal words why a card was not taken, in one line: field and rule first.
func refusal(err error) (text string, ok bool) {
	var wrong *styk.Error
	var unset *wallet.Unset
	var taken *store.CardTaken
	switch {
	case errors.As(err, &unset):
		return unset.Variable + ": required: нужно значение", true
	case errors.As(err, &taken):
		return refusal(takenBy(taken))
	case errors.As(err, &wrong):
		var parts []string
		for _, f := range wrong.Faults {
			parts = append(parts, f.Field+": "+f.Rule+": "+f.Text)
		}
		if parts == nil {
			parts = []string{wrong.Error()}
		}
		return strings.Join(parts, "; "), true
	}
	return "", false
}
