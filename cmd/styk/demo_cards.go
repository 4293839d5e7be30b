package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"styk"
	"styk/courier"
	"styk/store"
	"styk/wallet"
)

// The cards of the demo. The one with a number of its own is that of the third
// document.
const (
	demoGuests    = "5be000000000000000000001"
	demoDiscounts = "5be000000000000000000002"
	demoCard      = "5bea7e305abcfd6b708b4573"
	demoCode      = "3006880536055"
	demoCarded    = "demo_cards" // marks a folder whose cards are complete
	demoHolders   = 40
)

func demoTemplates() []*styk.CardTemplate {
	return []*styk.CardTemplate{
		{ID: demoGuests, Name: "Карта гостя", Variables: []styk.CardVariable{
			{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "BIRTHDAY", Type: styk.CardDate},
			{Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true},
			{Name: "EMAIL", Type: styk.CardEmail}, {Name: "BONUS", Type: styk.CardNumber},
		}},
		{ID: demoDiscounts, Name: "Скидочная карта", Variables: []styk.CardVariable{
			{Name: "BALANCE", Type: styk.CardNumber}, {Name: "_CODE", Type: styk.CardString},
			{Name: "NUMBERCARD", Type: styk.CardString}, {Name: "DISCOUNT", Type: styk.CardNumber},
		}},
	}
}

// issueDemo makes templates, token and cards, whose balances moved in the last
// two weeks. A start that was cut goes on with the same numbers.
func issueDemo(ctx context.Context, h *house, base string) error {
	var done string
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		done, err = tx.Meta(demoCarded)
		return err
	})
	if err != nil || done != "" {
		return err
	}
	for _, t := range demoTemplates() {
		if _, err := h.cards.SaveTemplate(ctx, t, nil); err != nil {
			return err
		}
	}
	err = h.db.Update(ctx, func(tx *store.Tx) error { return tx.SaveCardToken(&styk.CardToken{Name: "1c"}, demoToken) })
	if err != nil {
		return err
	}
	events, err := demoCardEvents(ctx, h)
	if err != nil {
		return err
	}
	err = h.replayDemo(ctx, base, func(past *pastClock, _ *courier.Courier) error {
		for _, e := range events {
			past.set(e.at)
			if err := e.do(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.db.Update(ctx, func(tx *store.Tx) error { return tx.SetMeta(demoCarded, "1") })
}

// demoEvent is one thing that happened to a card.
type demoEvent struct {
	at time.Time
	do func() error
}

var byTill = store.By{Origin: "passteam"}

// demoCardEvents gives the past of all cards, in order.
func demoCardEvents(ctx context.Context, h *house) ([]demoEvent, error) {
	holders, err := demoContacts(ctx, h)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(7, 8))
	now := h.now()
	var events []demoEvent
	for i, at := range demoTimes(random, h.zone, now.Add(-2*demoWeek), now.Add(-24*time.Hour), len(holders)) {
		c := holders[i]
		number := fmt.Sprintf("5be00000%016x", random.Uint64())
		values := map[string]string{"CLIENT_NAME": strings.TrimSpace(c.LastName + " " + c.FirstName), "PHONE": c.Mobile, "EMAIL": c.Email,
			"BIRTHDAY": c.Birthday.Russian(), "BONUS": "0"}
		events = append(events, h.demoIssue(ctx, at, demoGuests, number, values))
		events = append(events, h.demoBalances(ctx, random, at, now, number, "BONUS")...)
		if i%3 != 2 {
			events = append(events, h.demoInstall(ctx, at.Add(10*time.Minute), number, i%3 == 1))
		}
	}
	at := now.Add(-demoWeek)
	events = append(events, h.demoIssue(ctx, at, demoDiscounts, demoCard,
		map[string]string{"BALANCE": "7500", "_CODE": demoCode, "NUMBERCARD": demoCode, "DISCOUNT": "5"}),
		h.demoInstall(ctx, at.Add(time.Hour), demoCard, false))
	slices.SortStableFunc(events, func(a, b demoEvent) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	return events, nil
}

// demoContacts are the customers who have a card: the demo's own.
func demoContacts(ctx context.Context, h *house) (list []*styk.Contact, err error) {
	err = h.db.View(ctx, func(tx *store.Tx) error {
		list = nil
		all, err := tx.Select(store.Query{Kind: styk.KindContact, Limit: 2 * demoHolders})
		for _, rec := range all {
			if c, ok := rec.(*styk.Contact); ok && c.Mobile != "" && len(list) < demoHolders {
				list = append(list, c)
			}
		}
		return err
	})
	return list, err
}

func (h *house) demoIssue(ctx context.Context, at time.Time, template, number string, values map[string]string) demoEvent {
	return demoEvent{at, func() error {
		_, _, err := h.cards.Issue(ctx, wallet.New{Template: template, Number: number, Values: values, Source: byTill.Origin, By: byTill})
		if styk.CodeOf(err) == styk.Conflict {
			return nil // an earlier start made it and was cut
		}
		return err
	}}
}

// demoBalances are purchases: points come and go.
func (h *house) demoBalances(ctx context.Context, random *rand.Rand, from, to time.Time, number, variable string) (events []demoEvent) {
	balance := 0
	for range random.IntN(6) {
		balance = max(0, balance+50*random.IntN(30)-300*random.IntN(2))
		text := fmt.Sprint(balance)
		at := from.Add(time.Hour + time.Duration(random.Int64N(int64(to.Sub(from)-time.Hour))))
		events = append(events, demoEvent{at, func() error {
			_, _, err := h.cards.Update(ctx, number, map[string]string{variable: text}, byTill)
			return err
		}})
	}
	return events
}

// demoInstall puts a card on an invented iPhone, or as a web card on a phone.
func (h *house) demoInstall(ctx context.Context, at time.Time, number string, web bool) demoEvent {
	d := styk.CardDevice{Device: number + "-phone", Platform: styk.OnApple, PushToken: hex.EncodeToString([]byte(number + "phone123")), Agent: "iPhone"}
	if web {
		d = styk.CardDevice{Device: number + "-web", Platform: styk.OnWeb, Agent: "Android"}
	}
	return demoEvent{at, func() error {
		_, err := h.cards.Install(ctx, number, d)
		return err
	}}
}

func (w *demoWorld) cardNotes(h *house, base string) []string {
	return []string{
		"",
		"Cards, as 1C makes them, and their phones (Apple's push service is played here):",
		"  card API      " + base + "/oapi/v1/createcard   token " + demoToken + ", template " + demoGuests,
		"  a card        " + h.cards.URL(demoCard),
		"  a form        " + base + "/f/" + demoClub + "   gives its visitor a card",
		"  pushes        https://" + w.push + "/_sim/state",
		"  try it        curl -H 'Authorization: " + demoToken + "' -d 'cardId=" + demoCard + "&values[%BALANCE%]=7600' " + base + "/oapi/v1/updatecard",
	}
}
