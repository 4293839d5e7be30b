package main

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"styk"
)

// attemptFigures count the attempts of this process: how often which target was
// tried, and why it went wrong. note may be called by many goroutines.
type attemptFigures struct {
	count *prometheus.CounterVec
	took  *prometheus.HistogramVec
	named *namedCauses
}

func newAttemptFigures() attemptFigures {
	return attemptFigures{
		count: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "styk_delivery_attempts_total",
			Help: "Attempts to deliver, by target, outcome and cause in plain words (empty: none).",
		}, []string{"target", "outcome", "cause"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "styk_delivery_attempt_seconds", Help: "How long attempts to deliver took.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"target", "outcome"}),
		named: &namedCauses{seen: map[[2]string]bool{}},
	}
}

func (f attemptFigures) note(target string, outcome styk.AttemptOutcome, cause string, took time.Duration) {
	f.count.WithLabelValues(target, string(outcome), f.named.name(target, cause)).Inc()
	f.took.WithLabelValues(target, string(outcome)).Observe(took.Seconds())
}

// namedCauses bounds how many causes become series: a foreign system may word
// each error anew.
type namedCauses struct {
	mu   sync.Mutex
	seen map[[2]string]bool
}

// otherCause stands for those beyond maxCauses.
const otherCause = "other"

func (n *namedCauses) name(target, cause string) string {
	if cause == "" {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	key := [2]string{target, cause}
	if !n.seen[key] && len(n.seen) >= maxCauses {
		return otherCause
	}
	n.seen[key] = true
	return cause
}
