package intake

import (
	"styk"
	"styk/store"
)

// cardScope keeps which card a submission brought, as long as keys live: the
// visitor's page shows its link for a week.
const cardScope = "form card"

// issueCard makes the card that the form promises. A suspicious post gets none:
// its ticket tells the operator, who can issue it.
func (in *Intake) issueCard(tx *store.Tx, form *styk.Form, s *styk.Submission) (number string, err error) {
	if form.Card == nil || in.IssueCard == nil || s.Suspicion > 0 {
		return "", nil
	}
	if number, err = in.IssueCard(tx, form, s); err != nil || number == "" {
		return "", err
	}
	card, err := tx.Card(number)
	if err != nil {
		return "", err
	}
	if _, err := tx.Once(cardScope, s.UUID, ""); err != nil {
		return "", err
	}
	return number, tx.Made(cardScope, s.UUID, card.ID)
}

// CardOf gives the number of the living card that a submission brought; "" for
// none, or when the link is shown no longer.
func CardOf(tx *store.Tx, s *styk.Submission) (number string, err error) {
	id, err := tx.WasMade(cardScope, s.UUID)
	if err != nil || id == 0 {
		return "", err
	}
	card, err := tx.CardByID(id)
	if styk.CodeOf(err) == styk.NotFound || err == nil && !card.Deleted.IsZero() {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return card.Number, nil
}
