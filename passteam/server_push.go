package passteam

import (
	"encoding/json"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"styk"
	"styk/store"
	"styk/wallet"
)

// pushSlice is how many cards get a push's text in one transaction: others are
// let in between.
const pushSlice = 100

// sendPush puts a text on cards and calls their phones: on those that are named,
// or on all of a template that have the given values. Cards that have the text
// already are not counted, so a call that broke off may be repeated.
func (c *call) sendPush() (any, error) {
	r, err := c.body.SendPush()
	if err != nil {
		return nil, err
	}
	text := norm.NFC.String(r.Message)
	if utf8.RuneCountInString(text) > wallet.MaxValue {
		return nil, badRequest("Parameter (%s) is longer than %d characters.", FieldMessage, wallet.MaxValue)
	}
	var t *styk.CardTemplate
	if c.template = sameCase(r.TemplateID); c.template != "" {
		if !c.token.MayTouch(c.template) {
			return nil, c.noTemplate()
		}
		if t, err = c.s.Cards.Template(c, c.template); err != nil {
			return nil, err
		}
	}
	wanted := func(found *styk.Card) bool {
		return found.Deleted.IsZero() && (t == nil || found.Template == t.ID && hasValues(t, found, r.Values))
	}
	n := 0
	if len(r.CardIDs) > 0 {
		n, err = c.pushNamed(r.CardIDs, text, wanted)
	} else {
		n, err = c.pushTemplate(text, wanted)
	}
	if n > 0 && c.s.Cards.Wake != nil {
		c.s.Cards.Wake()
	}
	return Queued{n}, err
}

// hasValues tells whether a card has all these values, spelt in any way.
func hasValues(t *styk.CardTemplate, found *styk.Card, values []Value) bool {
	for _, want := range values {
		have, text := found.Values[want.Name], norm.NFC.String(strings.TrimSpace(want.Text))
		if v := t.Variable(want.Name); v != nil {
			have, _ = v.Normal(have)
			text, _ = v.Normal(text)
		}
		if !strings.EqualFold(have, text) {
			return false
		}
	}
	return true
}

func (c *call) pushNamed(ids []string, text string, wanted func(*styk.Card) bool) (n int, err error) {
	if len(ids) > maxCards {
		return 0, tooManyCards()
	}
	var numbers []string
	err = c.s.DB.View(c, func(tx *store.Tx) error {
		numbers = nil
		for _, id := range ids {
			found, err := tx.Card(sameCase(id))
			if styk.CodeOf(err) == styk.NotFound {
				continue
			}
			if err == nil {
				err = c.touches(found)
			}
			if err != nil {
				return err
			}
			if wanted(found) {
				numbers = append(numbers, found.Number)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(numbers) // two calls lock them in one order
	for slice := range slices.Chunk(slices.Compact(numbers), pushSlice) {
		some, err := c.pushTo(slice, text)
		if n += some; err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *call) pushTemplate(text string, wanted func(*styk.Card) bool) (n int, err error) {
	for before := styk.ID(0); ; {
		var slice []*styk.Card
		err := c.s.DB.View(c, func(tx *store.Tx) (err error) {
			slice, err = tx.Cards(store.CardQuery{Template: c.template, Before: before, Limit: pushSlice})
			return err
		})
		if err != nil || len(slice) == 0 {
			return n, err
		}
		before = slice[len(slice)-1].ID
		var numbers []string
		for _, found := range slice {
			if wanted(found) {
				numbers = append(numbers, found.Number)
			}
		}
		slices.Sort(numbers)
		some, err := c.pushTo(numbers, text)
		if n += some; err != nil {
			return n, err
		}
	}
}

// pushTo puts the text on some cards and gives on how many it was new.
func (c *call) pushTo(numbers []string, text string) (n int, err error) {
	if len(numbers) == 0 {
		return 0, nil
	}
	err = c.s.DB.Update(c, func(tx *store.Tx) error {
		n = 0
		for _, number := range numbers {
			_, changed, err := c.s.Cards.UpdateIn(tx, number, map[string]string{wallet.NewsVariable: text}, c.by)
			if err != nil && styk.CodeOf(err) != styk.NotFound { // deleted meanwhile
				return err
			}
			if changed {
				n++
			}
		}
		return nil
	})
	return n, err
}

// share sends somebody the link of a card.
func (c *call) share() (any, error) {
	r, err := c.body.Share()
	if err != nil {
		return nil, err
	}
	c.number = sameCase(r.CardID)
	found, t, err := c.s.Cards.Load(c, c.number)
	switch {
	case err != nil:
		return nil, err
	case !found.Deleted.IsZero():
		return nil, CardUnknown(c.number)
	case !c.token.MayTouch(found.Template):
		return nil, NoRight()
	case r.Channel == "sms":
		return nil, notSetUp("SMS cannot be sent from here: there is no gateway. Use the channel email, or send cardUrl yourself.")
	}
	to, err := mail.ParseAddress(r.To)
	if err != nil || len(to.Address) > 254 {
		return nil, badRequest("Parameter (%s) must be an e-mail address.", FieldTo)
	}
	letter, err := json.Marshal(styk.Notice{Type: styk.NoticeCard, To: to.Address, Target: styk.MailTarget, Card: found.Number, CardName: t.Name})
	if err != nil {
		return nil, err
	}
	err = c.s.DB.Update(c, func(tx *store.Tx) error {
		known, err := tx.RunningTargets([]string{styk.MailTarget})
		if err != nil {
			return err
		}
		if known[styk.MailTarget] == 0 {
			return notSetUp("Letters cannot be sent from here: no mail server is set up. Send cardUrl yourself.")
		}
		return tx.Enqueue(&styk.Delivery{
			Target: known[styk.MailTarget], Subject: styk.SubjectNotice, Content: letter,
			Coalesce: "card/" + found.Number + "/" + c.s.DB.KeyedHash("card letter", strings.ToLower(to.Address))[:16],
		})
	})
	if err != nil {
		return nil, err
	}
	if c.s.Cards.Wake != nil {
		c.s.Cards.Wake()
	}
	return Queued{true}, nil
}

func notSetUp(text string) *Failure {
	return &Failure{Code: http.StatusNotImplemented, Message: text}
}
