package intake

import (
	"context"
	"time"

	"styk"
	"styk/store"
)

// Guessing of codes (contract 8).
const (
	codeWindow   = 15 * time.Minute
	missesFrom   = 5  // for one ИНН from one session or address
	missesOfINN  = 20 // for one ИНН from everywhere
	firstPenalty = 250 * time.Millisecond
	maxPenalty   = 8 * time.Second
)

// FilesByCode lists the files that a pair of ИНН and SMS code opens. found is
// false for an unknown pair, and also without looking when the ИНН was guessed
// at too often: then wait says how long the answer is to be held back. from are
// the session and the address of the caller.
func (in *Intake) FilesByCode(ctx context.Context, inn, code string, from ...string) (docs []*styk.Document, found bool, wait time.Duration, err error) {
	var misses int
	var since time.Time
	err = in.DB.View(ctx, func(tx *store.Tx) error {
		misses, since, err = codeMisses(tx, inn, from)
		if err == nil {
			docs, found, err = tx.DocumentsByCode(inn, code, since)
		}
		return err
	})
	if err != nil || found {
		return docs, found, 0, err
	}
	err = in.DB.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Missed(store.GuessCode, inn); err != nil {
			return err
		}
		for _, f := range from {
			if err := tx.Missed(store.GuessFrom, inn+" "+f); err != nil {
				return err
			}
		}
		return nil
	})
	if misses > 0 {
		wait = min(firstPenalty<<min(misses-1, 10), maxPenalty)
	}
	return nil, false, wait, err
}

// codeMisses says how far the guessing is over the limit (0: not yet) and
// since when: pairs stored before are not looked at any more, one stored after
// is (its owner has just been at the form).
func codeMisses(tx *store.Tx, inn string, from []string) (over int, since time.Time, err error) {
	n, last, err := tx.Misses(store.GuessCode, inn, codeWindow)
	if err != nil {
		return 0, time.Time{}, err
	}
	if n >= missesOfINN {
		over, since = n-missesOfINN+1, last
	}
	for _, f := range from {
		n, last, err := tx.Misses(store.GuessFrom, inn+" "+f, codeWindow)
		if err != nil {
			return 0, time.Time{}, err
		}
		if n >= missesFrom && n-missesFrom+1 > over {
			over, since = n-missesFrom+1, last
		}
	}
	return over, since, nil
}
