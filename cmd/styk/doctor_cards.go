package main

import (
	"context"
	"time"

	"styk"
	"styk/store"
)

// How long things of cards may rest before they are worth a word.
const (
	pushLate    = 10 * time.Minute
	tokenUnused = 90 * 24 * time.Hour
)

// cards: certificates of passes, phones that wait to be called, tokens that
// nobody uses.
func (d *doctor) cards(ctx context.Context) error {
	return d.h.db.View(ctx, func(tx *store.Tx) error {
		templates, err := tx.CardTemplates()
		if err != nil || len(templates) == 0 {
			return err
		}
		if err := d.passCertificates(tx, templates); err != nil {
			return err
		}
		queue, err := tx.PushQueue()
		if err != nil {
			return err
		}
		if over := late(queue, tx.Now()); over > pushLate {
			d.warn("styk card show NUMBER tells what Apple said", "%d phones wait to be called about their cards, the first for %v",
				queue.Waiting, over.Round(time.Minute))
		} else {
			d.well("%d phones to be called about their cards", queue.Waiting)
		}
		return d.cardTokens(tx)
	})
}

func (d *doctor) passCertificates(tx *store.Tx, templates []*styk.CardTemplate) error {
	all, err := tx.CardCertificates()
	if err != nil {
		return err
	}
	ends := map[string]time.Time{}
	for _, c := range all {
		ends[c.PassType] = c.Expires
	}
	for _, t := range templates {
		end, known := ends[t.PassType]
		switch left := daysLeft(end, tx.Now()); {
		case t.PassType == "":
			d.warn("styk card certificate FILE.p12, then pass_type in the template", "cards %s are signed for tests: no iPhone opens them; web cards work", t.Name)
		case !known:
			d.wrong("styk card certificate FILE.p12", "cards %s have no certificate for %s: their passes are not given out", t.Name, t.PassType)
		case !tx.Now().Before(end):
			d.wrong("make a new one for the same pass type and give it by styk card certificate", "the certificate of cards %s ended %s", t.Name, end.Format(time.DateOnly))
		case left <= 30:
			d.warn("make a new one for the same pass type and give it by styk card certificate", "the certificate of cards %s ends %s", t.Name, end.Format(time.DateOnly))
		default:
			d.well("the certificate of cards %s ends %s", t.Name, end.Format(time.DateOnly))
		}
	}
	return nil
}

func (d *doctor) cardTokens(tx *store.Tx) error {
	tokens, err := tx.CardTokens()
	if err != nil {
		return err
	}
	for _, t := range tokens {
		last := t.Seen
		if last.IsZero() {
			last = t.Created
		}
		if !t.Disabled && t.User == 0 && tx.Now().Sub(last) > tokenUnused {
			d.warn("styk token remove "+t.Name+", if nobody needs it", "nobody has used the token %s since %s", t.Name, last.Format(time.DateOnly))
		}
	}
	return nil
}
