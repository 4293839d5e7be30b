package passteam

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// bucket lets a token make so many calls a minute, all at once if it likes: a
// document posted anew in 1C updates hundreds of cards in one go.
type bucket struct {
	mu   sync.Mutex
	left float64
	at   time.Time
}

// take takes one call out and gives how many whole ones are left, how long until
// it is full again and, without any left, how long until there is one.
func (b *bucket) take(now time.Time, perMinute int) (left int, full, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	most, pace := float64(perMinute), float64(perMinute)/float64(time.Minute)
	if b.at.IsZero() {
		b.left = most
	} else if gone := now.Sub(b.at); gone > 0 {
		b.left = min(most, b.left+float64(gone)*pace)
	}
	b.at = now
	if b.left < 1 {
		wait = time.Duration(math.Ceil((1 - b.left) / pace))
	} else {
		b.left--
	}
	return int(b.left), time.Duration((most - b.left) / pace), wait
}

// The headers that tell a caller his limit, canonical.
const (
	headerLimit     = "X-Ratelimit-Limit"     // calls a minute
	headerRemaining = "X-Ratelimit-Remaining" // calls that may follow at once
	headerReset     = "X-Ratelimit-Reset"     // seconds until all of them may
)

func tellLimit(h http.Header, perMinute, left int, full time.Duration) {
	h[headerLimit] = []string{strconv.Itoa(perMinute)}
	h[headerRemaining] = []string{strconv.Itoa(left)}
	h[headerReset] = []string{strconv.Itoa(int((full + time.Second - 1) / time.Second))}
}
