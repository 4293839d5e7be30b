package wallet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"styk"
	"styk/store"
)

// Install notes that a card is on a phone, or is there still; the first phone of
// a card is an event. fresh: the phone did not have it. d.Card is filled in.
// styk.NotFound for an unknown or deleted card.
func (c *Cards) Install(ctx context.Context, number string, d styk.CardDevice) (fresh bool, err error) {
	err = c.DB.Update(ctx, func(tx *store.Tx) error {
		card, err := tx.LockCard(number)
		if err != nil {
			return err
		}
		if !card.Deleted.IsZero() {
			return styk.Failed(styk.NotFound, "the card is deleted")
		}
		d.Card = card.ID
		if err := roomFor(tx, &d); err != nil {
			return err
		}
		first := false
		if fresh, first, err = tx.InstallCard(&d); err != nil || !first {
			return err
		}
		return c.tellAbout(tx, card, styk.CardInstalled)
	})
	if err == nil {
		c.wake()
	}
	return fresh, err
}

// maxDevices bounds the phones of one card: nobody has more, and whoever has its
// link or token could name any number.
const maxDevices = 50

// roomFor fails with styk.TooMany when a card is on all the phones that it may be.
func roomFor(tx *store.Tx, d *styk.CardDevice) error {
	list, err := tx.CardDevices(d.Card)
	if err != nil || len(list) < maxDevices || slices.ContainsFunc(list, func(one *styk.CardDevice) bool { return one.Device == d.Device }) {
		return err
	}
	return styk.Failed(styk.TooMany, "the card is on too many phones")
}

// Uninstall notes that a phone no longer has the card; leaving the last phone is
// an event. A phone that did not have it is no error.
func (c *Cards) Uninstall(ctx context.Context, number, device string) error {
	err := c.DB.Update(ctx, func(tx *store.Tx) error {
		card, err := tx.LockCard(number)
		if err != nil {
			return err
		}
		_, last, err := tx.RemoveCard(card.ID, device)
		if err != nil || !last {
			return err
		}
		return c.tellAbout(tx, card, styk.CardUninstalled)
	})
	if err == nil {
		c.wake()
	}
	return err
}

func (c *Cards) tellAbout(tx *store.Tx, card *styk.Card, event string) error {
	t, err := c.TemplateIn(tx, card.Template)
	if err != nil {
		return err
	}
	return c.tell(tx, t, card, event, nil)
}

// Changed lists the cards of a pass type on a phone that changed after the tag
// that it was told last ("": all), with the new tag. known is false for a phone
// that has none. Tags are numbers of the counter of changes, never times: two
// changes within one second are two (spec/passteam.md 3.5).
func (c *Cards) Changed(ctx context.Context, device, passType, tag string) (numbers []string, next string, known bool, err error) {
	since, err := strconv.ParseInt(tag, 10, 64)
	if err != nil {
		since = -1
	}
	last := int64(0)
	var all []string
	err = c.DB.View(ctx, func(tx *store.Tx) error {
		list, err := tx.ChangedOnDevice(device)
		if err != nil {
			return err
		}
		for _, one := range list {
			t, err := c.TemplateIn(tx, one.Template)
			if err != nil {
				return err
			}
			if passTypeOf(t) != passType {
				continue
			}
			known = true
			last = max(last, one.Tick)
			all = append(all, one.Number)
			if one.Tick > since {
				numbers = append(numbers, one.Number)
			}
		}
		return nil
	})
	if since > last { // told by a database that has since been put back: the counter will pass there again
		numbers = all
	}
	if err != nil || !known {
		return nil, "", false, err
	}
	// What it asked is worth a write, but not a failure of its answer.
	if err := c.DB.Update(ctx, func(tx *store.Tx) error { return tx.NoteAsked(device) }); err != nil && c.Log != nil {
		c.Log.Warn("a phone's question was not noted", "err", err)
	}
	return numbers, strconv.FormatInt(last, 10), true, nil
}

func passTypeOf(t *styk.CardTemplate) string {
	if t.PassType == "" {
		return DevelopmentPassType
	}
	return t.PassType
}

// PassTypeOf gives the pass type of a card's template.
func (c *Cards) PassTypeOf(t *styk.CardTemplate) string { return passTypeOf(t) }

// fetchedGrain is how exactly the time of a fetch is known: phones ask more
// often than anybody looks.
const fetchedGrain = time.Hour

// Fetched notes which revision a phone fetched by Apple's call. It writes only
// what was not known.
func (c *Cards) Fetched(ctx context.Context, p *Printed) error {
	news := false
	err := c.DB.View(ctx, func(tx *store.Tx) error {
		list, err := tx.CardDevices(p.Card.ID)
		news = slices.ContainsFunc(list, func(d *styk.CardDevice) bool {
			return d.Platform == styk.OnApple && (d.FetchedRevision < p.Revision || tx.Now().Sub(d.Fetched) > fetchedGrain)
		})
		return err
	})
	if err != nil || !news {
		return err
	}
	return c.DB.Update(ctx, func(tx *store.Tx) error { return tx.NoteFetched(p.Card.ID, p.Revision) })
}

// Handed notes that the card's page gave out its pass.
func (c *Cards) Handed(ctx context.Context, p *Printed) error {
	return c.DB.Update(ctx, func(tx *store.Tx) error { return tx.NoteHanded(p.Card.ID, p.Revision) })
}

// webCardLife is how long an installed web card counts without being opened:
// nobody tells when it is thrown away.
const webCardLife = 180 * 24 * time.Hour

// Sweep forgets installed web cards that nobody has opened for half a year.
func (c *Cards) Sweep(ctx context.Context) error {
	for {
		var silent []*styk.CardDevice
		err := c.DB.Update(ctx, func(tx *store.Tx) (err error) {
			silent, err = tx.SilentWebCards(tx.Now().Add(-webCardLife), callPhonesSlice)
			if err != nil {
				return err
			}
			for _, d := range silent {
				_, last, err := tx.RemoveCard(d.Card, d.Device)
				if err != nil {
					return err
				}
				if !last {
					continue
				}
				card, err := tx.CardByID(d.Card)
				if err != nil {
					return err
				}
				if err := c.tellAbout(tx, card, styk.CardUninstalled); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(silent) < callPhonesSlice {
			return err
		}
	}
}

// PushText puts a text on the back of a card and calls its phones: it shows on
// the lock screen. styk.NotFound when the card is not there.
func (c *Cards) PushText(ctx context.Context, number, text string, by store.By) error {
	if text == "" {
		return styk.FieldError(styk.Missing, "message", "required", "нужен текст")
	}
	_, _, err := c.Update(ctx, number, map[string]string{NewsVariable: text}, by)
	if err != nil {
		return fmt.Errorf("push a text: %w", err)
	}
	return nil
}

// Call calls a card's phones without a change: a test of the way to them. It
// gives how many there are.
func (c *Cards) Call(ctx context.Context, number string) (phones int, err error) {
	err = c.DB.Update(ctx, func(tx *store.Tx) error {
		card, err := tx.LockCard(number)
		if err != nil {
			return err
		}
		list, err := tx.CardDevices(card.ID)
		if err != nil {
			return err
		}
		phones = 0
		for _, d := range list {
			if d.PushToken != "" {
				phones++
			}
		}
		return tx.CallPhones(card.ID)
	})
	if err == nil {
		c.wake()
	}
	return phones, err
}
