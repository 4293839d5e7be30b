package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestDemoTimes: in order, within the span, and in working hours, whenever the
// demo is started first.
func TestDemoTimes(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("MSK", 3*60*60)
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "now"), 0)
		n := rapid.IntRange(1, 60).Draw(t, "n")
		list := demoTimes(rand.New(rand.NewPCG(1, uint64(n))), zone, now.Add(-demoWeek), now, n)
		if len(list) != n || !slices.IsSortedFunc(list, time.Time.Compare) {
			t.Fatalf("%v", list)
		}
		for _, at := range list {
			local := at.In(zone)
			rest := local.Weekday() == time.Saturday || local.Weekday() == time.Sunday
			if rest || local.Hour() < demoOpens || local.Hour() >= demoCloses || at.After(now) || now.Sub(at) > demoWeek {
				t.Fatalf("%v, started %v", local, now.In(zone))
			}
		}
	})
}
