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
	mu      sync.Mutex
	now     block
	ahead   block // what follows, when it is drawn in time
	drawing bool  // by whoever took the middle of now
}

// block is a run of numbers of one month, next to last.
type block struct {
	month      string
	next, last int64
}

func (b *block) has(month string) bool { return b.month == month && b.next <= b.last }

// Next gives the next number of Moscow's present month. It asks the database
// once in a hundred times, and while it does the others go on with what is left.
func (n *Numbers) Next(ctx context.Context, db *DB) (string, error) {
	month := styk.TicketMonth(db.Now())
	number, half, err := n.take(ctx, db, month)
	if half {
		ahead, err := draw(ctx, db, month)
		n.mu.Lock()
		if n.drawing = false; err == nil { // else whoever needs it meets the error
			n.ahead = ahead
		}
		n.mu.Unlock()
	}
	return number, err
}

// take takes a number; half says that its block is half empty and the caller
// draws the one ahead.
func (n *Numbers) take(ctx context.Context, db *DB, month string) (number string, half bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.now.has(month) {
		n.now, n.ahead = n.ahead, block{}
	}
	if !n.now.has(month) {
		if n.now, err = draw(ctx, db, month); err != nil {
			return "", false, err
		}
	}
	number = styk.TicketNumber(month, n.now.next)
	n.now.next++
	half = !n.drawing && !n.ahead.has(month) && n.now.last-n.now.next < numberBlock/2
	n.drawing = n.drawing || half
	return number, half, nil
}

func draw(ctx context.Context, db *DB, month string) (block, error) {
	var last int64
	err := db.Update(ctx, func(tx *Tx) error {
		return tx.row(`INSERT INTO number_line (month, drawn) VALUES ($1, $2)
			ON CONFLICT (month) DO UPDATE SET drawn = number_line.drawn + excluded.drawn RETURNING drawn`,
			month, int64(numberBlock)).Scan(&last)
	})
	return block{month, last - numberBlock + 1, last}, err
}
