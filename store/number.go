package store

import (
	"context"
	"sync"

	"styk"
)

// numberBlock is how many ticket numbers a process draws at once: gaps are
// allowed, doubles are not (contract 13).
const numberBlock = 100

// Numbers gives ticket numbers out of blocks drawn from the database. The zero
// value is ready; one serves all goroutines of a process.
type Numbers struct {
	mu    sync.Mutex
	month string
	next  int64
	last  int64
}

// Next gives the next number of Moscow's present month. It asks the database
// once in a hundred times.
func (n *Numbers) Next(ctx context.Context, db *DB) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	month := styk.TicketMonth(db.Now())
	if n.month != month || n.next > n.last {
		var last int64
		err := db.Update(ctx, func(tx *Tx) error {
			return tx.row(`INSERT INTO number_line (month, drawn) VALUES ($1, $2)
				ON CONFLICT (month) DO UPDATE SET drawn = number_line.drawn + excluded.drawn RETURNING drawn`,
				month, int64(numberBlock)).Scan(&last)
		})
		if err != nil {
			return "", err
		}
		n.month, n.next, n.last = month, last-numberBlock+1, last
	}
	number := styk.TicketNumber(month, n.next)
	n.next++
	return number, nil
}
