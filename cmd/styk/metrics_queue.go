package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"styk"
	"styk/store"
)

// queueFigures tell of deliveries. They are read from the database when somebody
// asks, so that they are right with several processes too.
type queueFigures struct {
	h      *house
	count  *prometheus.Desc
	oldest *prometheus.Desc
	causes *prometheus.Desc
	paused *prometheus.Desc
}

func newQueueFigures(h *house) *queueFigures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &queueFigures{
		h:      h,
		count:  desc("styk_deliveries", "Deliveries that are not done, by target and state.", "target", "state"),
		oldest: desc("styk_delivery_oldest_seconds", "Age of the oldest delivery that is on its way.", "target"),
		causes: desc("styk_deliveries_failed_by_cause", "Deliveries that wait for a person, by cause.", "target", "cause"),
		paused: desc("styk_target_paused", "1: the target was paused, by a person or by an error.", "target"),
	}
}

// Describe implements prometheus.Collector.
func (q *queueFigures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{q.count, q.oldest, q.causes, q.paused} {
		to <- d
	}
}

// maxCauses bounds how many causes become series.
const maxCauses = 50

// Collect implements prometheus.Collector.
func (q *queueFigures) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	var targets []*styk.Target
	var queues []store.QueueState
	var causes []store.CauseCount
	err := q.h.db.View(ctx, func(tx *store.Tx) (err error) {
		if targets, err = tx.Targets(); err != nil {
			return err
		}
		if queues, err = tx.QueueStates(); err != nil {
			return err
		}
		causes, err = tx.FailedByCause()
		return err
	})
	if err != nil {
		to <- prometheus.NewInvalidMetric(q.count, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, t := range targets {
		q.collectTarget(t, queues, gauge)
	}
	for _, c := range causes[:min(len(causes), maxCauses)] {
		gauge(q.causes, float64(c.Count), c.TargetName, c.Cause)
	}
}

func (q *queueFigures) collectTarget(t *styk.Target, queues []store.QueueState, gauge func(*prometheus.Desc, float64, ...string)) {
	state := store.QueueState{Target: t.ID}
	for _, one := range queues {
		if one.Target == t.ID {
			state = one
		}
	}
	gauge(q.count, float64(state.Waiting), t.Name, string(styk.Due))
	gauge(q.count, float64(state.UnderWay), t.Name, string(styk.Leased))
	gauge(q.count, float64(state.Failed), t.Name, string(styk.NeedsHand))
	age := 0.0
	if !state.Oldest.IsZero() {
		age = max(0, q.h.now().Sub(state.Oldest).Seconds())
	}
	gauge(q.oldest, age, t.Name)
	standing := 0.0
	if !t.Paused.IsZero() {
		standing = 1
	}
	gauge(q.paused, standing, t.Name)
}
