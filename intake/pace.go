package intake

import (
	"fmt"
	"time"

	"styk"
	"styk/store"
)

// The pace of one customer: that many posts in that time are a person's; what
// comes beyond looks like a program that has got hold of somebody's number.
const (
	paceOf   = 6
	paceTime = time.Hour
	tooFast  = 60 // points of suspicion, as many as a sign that no person gives
)

// weighPace marks a post that is one too many of its customer, whom the phone
// names, else ИНН or e-mail, whatever address and form it came by. It stays a
// post like any other; but no letter goes out for it (docs/decisions.md), so
// that nobody's mailbox is filled through a form. The count is the database's:
// several processes and a restart do not blur it, a repeated post is not counted
// twice.
func weighPace(tx *store.Tx, s *styk.Submission) error {
	at, err := tx.PostBefore(s.Contact, paceOf)
	if err != nil || at.IsZero() || tx.Now().Sub(at) >= paceTime {
		return err
	}
	s.Suspicion += tooFast
	s.Reasons = append(s.Reasons[:len(s.Reasons):len(s.Reasons)], fmt.Sprintf("больше %d заявок за час от одного клиента", paceOf))
	return nil
}
