package courier

import (
	"sync"
	"time"
)

const (
	breakAfter  = 5                // failures in a row
	firstBreak  = 10 * time.Second // then doubled
	longestStop = 5 * time.Minute
)

// breaker spares a target that does not answer: after some failures in a row
// nothing is claimed for a while, then one delivery at a time as a probe. So a
// dead system costs one attempt per pause, and ten thousand that wait keep
// their places on the ladder.
type breaker struct {
	mu       sync.Mutex
	failures int // in a row
	opened   int // how often it opened in a row
	until    time.Time
	probing  bool
	since    time.Time // of the first failure in a row
}

// room gives how many of want deliveries may be begun now, and when to ask
// again if that is none.
func (b *breaker) room(now time.Time, want int) (n int, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case now.Before(b.until):
		return 0, b.until
	case b.failures < breakAfter:
		return want, time.Time{}
	case b.probing:
		return 0, time.Time{} // its end wakes the lane
	}
	return min(want, 1), time.Time{}
}

// began notes that n deliveries go out.
func (b *breaker) began(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > 0 && b.failures >= breakAfter {
		b.probing = true
	}
}

// answered notes that the target works, whatever it said of the parcel.
func (b *breaker) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.opened, b.probing, b.until, b.since = 0, 0, false, time.Time{}, time.Time{}
}

// failed notes that the target did not do its work.
func (b *breaker) failed(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures == 0 {
		b.since = now
	}
	b.failures++
	b.probing = false
	if b.failures < breakAfter || now.Before(b.until) {
		return
	}
	b.until = now.Add(jittered(min(firstBreak<<min(b.opened, 10), longestStop)))
	b.opened++
}

// gaveUp notes an attempt that tells nothing of the target.
func (b *breaker) gaveUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// rest keeps the target quiet until a time it asked for.
func (b *breaker) rest(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if until.After(b.until) {
		b.until = until
	}
}

// rests gives until when nothing is begun; it may lie in the past.
func (b *breaker) rests() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until
}

// down gives since when the target has been failing; zero while it works or has
// failed too seldom to say.
func (b *breaker) down() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return time.Time{}
	}
	return b.since
}
