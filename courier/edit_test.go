package courier_test

import (
	"path/filepath"
	"testing"

	"styk"
	"styk/connect"
	"styk/store"
)

// TestEditedDeliveryCarriesOtherValues: what a person mended goes to this target
// alone, and what the visitor sent is kept as it came.
func TestEditedDeliveryCarriesOtherValues(t *testing.T) {
	t.Parallel()
	h := newHouse(t, filepath.Join(t.TempDir(), "styk.db"))
	seen := make(chan string, 8)
	h.world.setFault(func(step string, after bool, p *connect.Parcel) error {
		if step != "case" || after {
			return nil
		}
		seen <- p.Ticket.Topic
		if p.Ticket.Topic == "Касса" {
			return connect.Permanentf("no such topic")
		}
		return nil
	})
	c, _ := h.start(h.db)
	a := h.post(map[string]string{"topic": "Касса"})
	h.await("a refusal", func() bool { return h.delivery(a, 0).State == styk.NeedsHand })
	d := h.delivery(a, 0)
	h.must(c.EditAndRetry(t.Context(), d.ID, map[string]string{"topic": "Кассы", "no_such_field": "x"}))
	h.await("the delivery", func() bool { return h.delivery(a, 0).State == styk.Delivered })
	if first, second := <-seen, <-seen; first != "Касса" || second != "Кассы" {
		t.Errorf("carried %q, then %q", first, second)
	}
	h.must(h.db.View(t.Context(), func(tx *store.Tx) error {
		s, err := tx.Post(d.About)
		if err == nil && s.Value("topic") != "Касса" {
			t.Errorf("the visitor's own word is %q now", s.Value("topic"))
		}
		return err
	}))
	if err := c.EditAndRetry(t.Context(), d.ID, map[string]string{"topic": "x"}); styk.CodeOf(err) != styk.Conflict {
		t.Errorf("a delivered one: %v", err)
	}
	if n, err := c.RetryAll(t.Context(), []styk.ID{d.ID, 999999}); n != 0 || err != nil {
		t.Errorf("%d sent again, %v", n, err)
	}
}
