package courier_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"styk"
	"styk/store"
)

// The life of a delivery as a model: whatever people, couriers and crashes do,
// the store agrees with it, makes only the moves of the table, and obeys none
// but the holder of the lease.
func TestStatesHold(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir()+"/styk.db")
	var target *styk.Target
	h.must(h.db.View(t.Context(), func(tx *store.Tx) (err error) { target, err = tx.Target("crm"); return err }))
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		first := styk.Delivery{Target: target.ID, Subject: styk.SubjectTicket}
		if err := h.db.Update(ctx, func(tx *store.Tx) error { return tx.Enqueue(&first) }); err != nil {
			t.Fatal(err)
		}
		model := struct {
			state    styk.DeliveryState
			attempts int
		}{styk.Due, 0}
		var holder *styk.Delivery    // who may write
		var zombies []*styk.Delivery // who may not any more
		look := func() *styk.Delivery {
			var d *styk.Delivery
			if err := h.db.View(ctx, func(tx *store.Tx) (err error) { d, err = tx.Delivery(first.ID); return err }); err != nil {
				t.Fatal(err)
			}
			return d
		}
		finish := func(d *styk.Delivery, to styk.DeliveryState) error {
			return h.db.Update(ctx, func(tx *store.Tx) error {
				d.State, d.Due = to, tx.Now()
				return tx.EndAttempt(d, &styk.Attempt{Number: d.Attempts, Outcome: styk.AttemptRetry})
			})
		}
		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				var list []*styk.Delivery
				err := h.db.Update(ctx, func(tx *store.Tx) (err error) {
					list, err = tx.ClaimDeliveries(store.Claim{Target: target.ID, Owner: "x", Life: time.Minute, Limit: 1})
					return err
				})
				if err != nil || len(list) != map[bool]int{true: 1}[model.state == styk.Due] {
					t.Fatalf("%s: claimed %d, %v", model.state, len(list), err)
				}
				if len(list) == 1 {
					holder = list[0]
					model.state = styk.Leased
					model.attempts++
				}
			},
			"end": func(t *rapid.T) {
				to := rapid.SampledFrom([]styk.DeliveryState{styk.Due, styk.Delivered, styk.NeedsHand}).Draw(t, "to")
				if holder == nil {
					t.Skip()
				}
				if err := finish(holder, to); err != nil {
					t.Fatal(err)
				}
				model.state = to
				zombies, holder = append(zombies, holder), nil
			},
			"lease runs out": func(t *rapid.T) {
				h.clock.move(2 * time.Minute)
				if err := h.db.Update(ctx, func(tx *store.Tx) error { _, err := tx.ReturnLeases(false, 10); return err }); err != nil {
					t.Fatal(err)
				}
				if holder != nil {
					model.state = styk.Due
					zombies, holder = append(zombies, holder), nil
				}
			},
			"person": func(t *rapid.T) {
				err := h.db.Update(ctx, func(tx *store.Tx) error { _, err := tx.SendAgain(first.ID); return err })
				if may := model.state == styk.Due || model.state == styk.NeedsHand; may != (err == nil) {
					t.Fatalf("%s: sent again: %v", model.state, err)
				}
				if err == nil {
					model.state = styk.Due
				}
			},
			"zombie": func(t *rapid.T) {
				if len(zombies) == 0 {
					t.Skip()
				}
				z := *rapid.SampledFrom(zombies).Draw(t, "zombie")
				if err := finish(&z, styk.Delivered); !errors.Is(err, store.ErrLeaseLost) {
					t.Fatalf("a zombie wrote: %v", err)
				}
			},
			"": func(t *rapid.T) {
				if d := look(); d.State != model.state || d.Attempts != model.attempts {
					t.Fatalf("stored %s after %d attempts, want %s after %d", d.State, d.Attempts, model.state, model.attempts)
				}
			},
		})
		if holder != nil { // leave nothing for the next round to claim
			_ = finish(holder, styk.Delivered)
		}
		if look().State == styk.Due {
			_ = h.db.Update(ctx, func(tx *store.Tx) error {
				list, err := tx.ClaimDeliveries(store.Claim{Target: target.ID, Owner: "x", Life: time.Minute, Limit: 1})
				if err != nil || len(list) == 0 {
					return err
				}
				list[0].State = styk.Delivered
				return tx.EndAttempt(list[0], &styk.Attempt{Number: list[0].Attempts, Outcome: styk.AttemptDone})
			})
		}
	})
}

func TestMovesOfADelivery(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"due→leased": true, "leased→done": true, "leased→failed": true, "leased→due": true, "failed→due": true}
	for _, from := range styk.DeliveryStates {
		for _, to := range styk.DeliveryStates {
			if move := string(from) + "→" + string(to); from.CanBecome(to) != allowed[move] {
				t.Errorf("%s: allowed is %v", move, from.CanBecome(to))
			}
		}
	}
}
