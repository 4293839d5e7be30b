package main

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"styk/blob"
	"styk/wallet"
)

// metrics are the figures of a running styk.
type metrics struct {
	registry *prometheus.Registry
	took     *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	chores   *prometheus.CounterVec
	attempts attemptFigures
	pushes   *prometheus.CounterVec
	draining atomic.Bool
}

func newMetrics(h *house) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "styk_operation_seconds", Help: "How long operations of the web service took.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"operation"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "styk_operation_errors_total", Help: "Operations answered with an error, by its code.",
		}, []string{"operation", "code"}),
		chores: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "styk_chore_errors_total", Help: "Chores that ended with an error.",
		}, []string{"chore"}),
		attempts: newAttemptFigures(),
		pushes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "styk_card_pushes_total", Help: "Phones called about their cards, by what came of it.",
		}, []string{"verdict"}),
	}
	h.attempted = m.attempts.note
	h.cards.Called = func(verdict wallet.Verdict) { m.pushes.WithLabelValues(string(verdict)).Inc() }
	m.registry.MustRegister(m.pushes)
	m.registry.MustRegister(m.attempts.count, m.attempts.took)
	m.registry.MustRegister(m.took, m.refused, m.chores,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registerHouse(h)
	return m
}

func (m *metrics) registerHouse(h *house) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	count := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	count("styk_store_commits_total", "Groups of transactions written to disk (SQLite).",
		func() float64 { groups, _ := h.db.WriterStats(); return float64(groups) })
	count("styk_store_transactions_total", "Transactions inside those groups (SQLite).",
		func() float64 { _, all := h.db.WriterStats(); return float64(all) })
	if roomy, ok := h.blobs.(blob.Roomy); ok {
		gauge("styk_files_free_bytes", "Room left for files.", func() float64 {
			free, err := roomy.FreeSpace()
			if err != nil {
				return -1
			}
			return float64(free)
		})
	}
	gauge("styk_backup_last_success_timestamp_seconds", "When the last scheduled backup was written; 0: never.",
		func() float64 { return unixSeconds(h.vital.get().Backup) })
	gauge("styk_backup_last_restored_timestamp_seconds", "When a backup was last restored on trial and found whole; 0: never.",
		func() float64 { return unixSeconds(h.vital.get().Restored) })
	m.registry.MustRegister(newQueueFigures(h), newCardFigures(h))
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "styk_info",
		Help: "The version.", ConstLabels: prometheus.Labels{"version": version, "engine": h.db.Engine()}}, func() float64 { return 1 }))
}

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

// observe takes one operation of the web service; an unknown one has no name.
func (m *metrics) observe(operation, code string, took time.Duration) {
	if operation == "" {
		operation = "unknown"
	}
	m.took.WithLabelValues(operation).Observe(took.Seconds())
	if code != "" {
		m.refused.WithLabelValues(operation, code).Inc()
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
