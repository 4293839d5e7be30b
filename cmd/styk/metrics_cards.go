package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"styk/store"
)

// cardFigures tell of cards and their phones, read from the database when
// somebody asks.
type cardFigures struct {
	h       *house
	cards   *prometheus.Desc
	phones  *prometheus.Desc
	waiting *prometheus.Desc
	oldest  *prometheus.Desc
}

func newCardFigures(h *house) *cardFigures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &cardFigures{
		h:       h,
		cards:   desc("styk_cards", "Living cards, by template and whether they are on a phone.", "template", "installed"),
		phones:  desc("styk_card_phones", "Cards on phones that can be called, by how the last push ended.", "verdict"),
		waiting: desc("styk_card_pushes_waiting", "Phones that are to be called about a card."),
		oldest:  desc("styk_card_push_late_seconds", "How long the first of them is overdue."),
	}
}

// Describe implements prometheus.Collector.
func (c *cardFigures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.cards, c.phones, c.waiting, c.oldest} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *cardFigures) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	err := c.h.db.View(ctx, func(tx *store.Tx) error {
		templates, err := tx.CardTemplates()
		if err != nil {
			return err
		}
		for _, t := range templates {
			all, err := tx.CountCards(t.ID)
			if err != nil {
				return err
			}
			installed, err := tx.CardsOnPhones(t.ID)
			if err != nil {
				return err
			}
			gauge(c.cards, float64(installed), t.ID, "yes")
			gauge(c.cards, float64(all-installed), t.ID, "no")
		}
		verdicts, err := tx.PhonesByVerdict()
		if err != nil {
			return err
		}
		for verdict, n := range verdicts {
			if verdict == "" {
				verdict = "none"
			}
			gauge(c.phones, float64(n), verdict)
		}
		queue, err := tx.PushQueue()
		gauge(c.waiting, float64(queue.Waiting))
		gauge(c.oldest, late(queue, tx.Now()).Seconds())
		return err
	})
	if err != nil {
		to <- prometheus.NewInvalidMetric(c.cards, err)
	}
}

// late tells how long the first push is overdue.
func late(q store.PushQueue, now time.Time) time.Duration {
	if q.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(q.Oldest))
}
