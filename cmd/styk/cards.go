package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"styk"
	"styk/store"
	"styk/wallet"
)

// callPhones calls phones about changed cards until ctx ends.
func (s *server) callPhones(ctx context.Context) error {
	defer s.h.cards.Close()
	if err := s.h.cards.Push(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

// phonesAtOnce is how many cards' phones one transaction marks.
const phonesAtOnce = 500

// callPhonesOf makes the phones of a template's cards be called: its look is
// another one.
func (h *house) callPhonesOf(ctx context.Context, template string) error {
	for after := styk.ID(0); ; {
		err := h.db.Update(ctx, func(tx *store.Tx) (err error) {
			after, err = tx.CallTemplatePhones(template, after, phonesAtOnce)
			return err
		})
		if err != nil || after == 0 {
			return err
		}
	}
}

// watchCertificates warns the owner before the certificates of passes end, once
// for each stage.
func (h *house) watchCertificates(ctx context.Context) error {
	return h.db.Update(ctx, func(tx *store.Tx) error {
		certificates, err := tx.CardCertificates()
		if err != nil {
			return err
		}
		for _, c := range certificates {
			if c.Development {
				continue
			}
			if err := warnOfEnd(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func warnOfEnd(tx *store.Tx, c *store.CardCertificate) error {
	stage := expiryStage(c.Expires, tx.Now())
	if stage < 0 || c.Warned >= 0 && c.Warned <= stage {
		return nil
	}
	mail, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil || mail[styk.MailTarget] == 0 {
		return err // it is told when letters are set up
	}
	text, err := json.Marshal(styk.Notice{Type: styk.NoticeCertificate, Target: styk.MailTarget, PassType: c.PassType,
		Since: c.Expires, Days: max(0, daysLeft(c.Expires, tx.Now()))})
	if err != nil {
		return err
	}
	if err := tx.NoteCertificateWarned(c.PassType, stage); err != nil {
		return err
	}
	return tx.Enqueue(&styk.Delivery{Target: mail[styk.MailTarget], Subject: styk.SubjectNotice, Content: text,
		Coalesce: "certificate/" + c.PassType})
}

// expiryStage gives the warning that is due, -1 while there is nothing to say.
func expiryStage(end, now time.Time) int {
	stage := -1
	for _, days := range slices.Backward(slices.Sorted(slices.Values(wallet.ExpiryStages))) {
		if !now.Before(end.AddDate(0, 0, -days)) {
			stage = days
		}
	}
	return stage
}

// daysLeft counts begun days: the last one is a day too.
func daysLeft(end, now time.Time) int {
	left := end.Sub(now)
	if left <= 0 {
		return int(left / (24 * time.Hour))
	}
	return int((left + 24*time.Hour - 1) / (24 * time.Hour))
}

// leftWords says how long a certificate is good.
func leftWords(end, now time.Time) string {
	switch days := daysLeft(end, now); {
	case !now.Before(end):
		return fmt.Sprintf("ended %d days ago", -days)
	case days == 1:
		return "its last day"
	default:
		return fmt.Sprintf("%d days left", days)
	}
}
