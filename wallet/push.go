package wallet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"styk"
	"styk/store"
)

const (
	pushesAtOnce = 200                    // claimed together
	pushLife     = 2 * time.Minute        // of a claim whose process died
	pushLook     = 300 * time.Millisecond // between looks, which cost nothing
	pushParallel = 32                     // on the one connection
)

// pushLadder are the pauses after pushes that did not go through; the last one
// repeats.
var pushLadder = []time.Duration{
	10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour,
}

// Push calls phones about changed cards until ctx ends. Which are to be called
// stands in the store: nothing is lost with the process, and several processes
// share the work.
func (c *Cards) Push(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		due, err := c.anyPush(ctx)
		if due && err == nil {
			_, err = c.PushDue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			c.Log.Error("pushes", "err", err)
		}
		if due && err == nil {
			timer.Reset(0)
		} else {
			timer.Reset(pushLook)
		}
	}
}

// anyPush tells whether a push is due.
func (c *Cards) anyPush(ctx context.Context) (due bool, err error) {
	err = c.DB.View(ctx, func(tx *store.Tx) error {
		at, ok, err := tx.NextPush()
		due = ok && !at.After(tx.Now())
		return err
	})
	return due, err
}

// call is one push: a phone, and what of its cards it is about.
type call struct {
	token    string
	passType string
	due      []store.DuePush
}

// PushDue makes the calls that are due now, each phone once, and gives how many
// cards they were about.
func (c *Cards) PushDue(ctx context.Context) (n int, err error) {
	calls := map[[2]string]*call{}
	err = c.DB.Update(ctx, func(tx *store.Tx) error {
		clear(calls)
		due, err := tx.ClaimPushes(pushesAtOnce, pushLife)
		n = len(due)
		if err != nil {
			return err
		}
		for _, p := range due {
			t, err := c.TemplateIn(tx, p.Template)
			if err != nil {
				return err
			}
			key := [2]string{p.Token, passTypeOf(t)}
			if calls[key] == nil {
				calls[key] = &call{token: p.Token, passType: key[1]}
			}
			calls[key].due = append(calls[key].due, p)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, pushParallel)
	for _, one := range calls {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := c.push(ctx, one); err != nil && ctx.Err() == nil {
				c.Log.Warn("a push's end was not noted", "err", err)
			}
		})
	}
	wg.Wait()
	return n, nil
}

func (c *Cards) push(ctx context.Context, one *call) error {
	service, err := c.pushService(ctx, one.passType)
	r := PushResult{Verdict: Stopped, Reason: "NoCertificate"}
	switch {
	case err != nil && styk.CodeOf(err) == "":
		return err
	case err == nil && service == nil:
		r.Reason = "DevelopmentCertificate"
	case err == nil:
		r = service.Push(ctx, one.token)
	}
	if ctx.Err() != nil {
		return ctx.Err() // the claim ends by itself
	}
	if c.Called != nil {
		c.Called(r.Verdict)
	}
	return c.DB.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return c.pushEnded(tx, one, r) })
}

// pushEnded stores how a call ended.
func (c *Cards) pushEnded(tx *store.Tx, one *call, r PushResult) error {
	if r.Verdict == Pruned {
		return c.prune(tx, one, r)
	}
	for _, p := range one.due {
		end := store.PushEnd{Verdict: string(r.Verdict), Reason: r.Reason}
		switch {
		case r.Verdict == Pushed:
		case r.Reason == "DevelopmentCertificate", r.Reason == "NoCertificate":
			// Nothing would change by trying again: a new certificate brings a new look.
		default:
			end.Again = tx.Now().Add(max(r.After, pushLadder[min(p.PushTries, len(pushLadder)-1)]))
		}
		if err := tx.PushDone(p, end); err != nil {
			return err
		}
	}
	if r.Verdict == Stopped || r.Verdict == Later && one.due[0].PushTries > 1 {
		return tx.LogCard(one.due[0].Device, fmt.Sprintf("push %s: %d %s", r.Verdict, r.Status, r.Reason))
	}
	return nil
}

// prune forgets a phone that is no more.
func (c *Cards) prune(tx *store.Tx, one *call, r PushResult) error {
	gone, err := tx.PruneToken(one.token, r.Since)
	if err != nil {
		return err
	}
	for _, id := range gone {
		card, err := tx.CardByID(id)
		if err != nil {
			return err
		}
		if err := c.tellAbout(tx, card, styk.CardUninstalled); err != nil {
			return err
		}
	}
	if err := tx.LogCard(one.due[0].Device, fmt.Sprintf("push %s: %d %s", r.Verdict, r.Status, r.Reason)); err != nil {
		return err
	}
	for _, p := range one.due { // registered anew since: it is called later, if that was not said of the new token
		if err := tx.PushDone(p, store.PushEnd{Verdict: string(r.Verdict), Reason: r.Reason}); err != nil {
			return err
		}
	}
	return nil
}

// pushService gives the client of a pass type's certificate; nil for a
// certificate of ours while pushes go to Apple.
func (c *Cards) pushService(ctx context.Context, passType string) (*APNs, error) {
	signer, err := c.Signer(ctx, passType)
	if err != nil || signer.Development() && c.PushService == "" {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.pushers[signer]; a != nil {
		return a, nil
	}
	var options []APNsOption
	if c.PushService != "" {
		options = append(options, APNsAt(c.PushService, c.PushTrust))
	}
	for old, a := range c.pushers { // the certificate was replaced
		if old.PassType == passType {
			a.Close()
			delete(c.pushers, old)
		}
	}
	if c.pushers == nil {
		c.pushers = map[*Signer]*APNs{}
	}
	c.pushers[signer] = NewAPNs(signer, options...)
	return c.pushers[signer], nil
}

// Close lets the connections to the push service go.
func (c *Cards) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s, a := range c.pushers {
		a.Close()
		delete(c.pushers, s)
	}
}
