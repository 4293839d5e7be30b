package intake

import (
	"context"
	"time"

	"styk"
	"styk/store"
)

// overdueAtOnce is how many tickets one look takes in; more come with the next.
const overdueAtOnce = 500

// numbersTold is how many of them a letter names.
const numbersTold = 20

// TellOverdue writes to colleagues whose tickets have waited for an answer since
// before cutoff: each ticket once for each waiting, one letter for all of a look.
func (in *Intake) TellOverdue(ctx context.Context, cutoff time.Time) error {
	told := false
	err := in.DB.Update(ctx, func(tx *store.Tx) error {
		list, err := tx.Untold(cutoff, overdueAtOnce)
		if err != nil {
			return err
		}
		of := map[styk.ID][]string{}
		var owners []styk.ID
		for _, o := range list {
			if of[o.Owner] == nil {
				owners = append(owners, o.Owner)
			}
			of[o.Owner] = append(of[o.Owner], o.Number)
		}
		for _, owner := range owners {
			numbers := of[owner]
			n := styk.Notice{Type: styk.NoticeOverdue, Numbers: numbers[:min(len(numbers), numbersTold)], Waiting: int64(len(numbers))}
			if err := tellColleague(tx, owner, n, ""); err != nil {
				return err
			}
		}
		told = len(list) > 0
		return nil
	})
	if told && in.Wake != nil {
		in.Wake()
	}
	return err
}
