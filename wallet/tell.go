package wallet

import (
	"encoding/json"
	"fmt"

	"styk"
	"styk/store"
)

// tell gives the template's targets a card's event to be delivered. Of several
// waiting updates only the newest goes.
func (c *Cards) tell(tx *store.Tx, t *styk.CardTemplate, card *styk.Card, event string, changed []string) error {
	if len(t.Targets) == 0 {
		return nil
	}
	e := styk.CardEvent{Event: event, Card: card.Number, Template: t.ID, Changed: changed, At: tx.Now()}
	for _, name := range t.Names(card) {
		f := styk.FieldValue{Name: name, Type: styk.CardString, Value: card.Values[name]}
		if v := t.Variable(name); v != nil {
			f.Type = v.Type
			f.Value, _ = v.Normal(f.Value)
		}
		e.Values = append(e.Values, f)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	for _, name := range t.Targets {
		target, err := tx.TargetNumber(name)
		if err != nil {
			return err
		}
		if target == 0 {
			continue
		}
		d := &styk.Delivery{Target: target, Subject: styk.SubjectCard, About: card.ID, Customer: fmt.Sprintf("card:%d", card.ID), Content: text}
		if event == styk.CardUpdated {
			d.Coalesce = fmt.Sprintf("card.updated:%d", card.ID)
		}
		if err := tx.Enqueue(d); err != nil {
			return err
		}
	}
	return nil
}
