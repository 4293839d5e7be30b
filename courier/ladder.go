package courier

import (
	"math/rand/v2"
	"time"
)

// ladder is how long after a failed attempt the next one begins; after its end
// the last step is repeated until patience is over.
var ladder = []time.Duration{
	2 * time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// patience is how long a delivery is tried before a person must look at it.
const patience = 7 * 24 * time.Hour

// Rung gives the pause after the failed attempt that began at rung (0: the
// first), without jitter.
func Rung(rung int) time.Duration { return ladder[min(max(rung, 0), len(ladder)-1)] }

// jittered moves a pause by up to a fifth either way, so that what failed
// together does not come back together.
func jittered(d time.Duration) time.Duration {
	return d*4/5 + time.Duration(rand.Int64N(int64(d)*2/5+1))
}
