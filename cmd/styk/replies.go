package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"styk"
	"styk/connect"
	"styk/notice"
	"styk/store"
)

// defaultAnswer is how much working time a customer may wait for an answer when
// the owner has set nothing.
const defaultAnswer = 4 * time.Hour

// overdue gives the time since when who waits now waits too long.
func (l *mailroom) overdue(now time.Time) time.Time {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.hours.Before(now, l.answer())
}

// waited gives how much working time a customer has waited, and how much he may.
func (l *mailroom) waited(since, now time.Time) (passed, limit time.Duration) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.hours.Worked(since, now), l.answer()
}

func (l *mailroom) answer() time.Duration {
	if l.mail.Answer > 0 {
		return time.Duration(l.mail.Answer)
	}
	return defaultAnswer
}

// replyMark is under which name it lies how far the mailbox was read.
const replyMark = "inbox"

// How long nothing is tried after a mailbox failed.
const (
	inboxLook  = 10 * time.Second // for settings that changed
	inboxPause = 15 * time.Second
	inboxMost  = 10 * time.Minute
)

// readReplies takes customers' letters out of the mailbox that mail: names, until
// ctx ends. Settings that change are followed within seconds.
func (h *house) readReplies(ctx context.Context) error {
	wait := time.Duration(0)
	for first := true; ; first = false {
		look := time.After(max(wait, inboxLook))
		if first {
			look = time.After(0)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look:
		}
		reader, version, err := h.inbox(ctx)
		if err == nil && reader == nil {
			wait = 0
			continue
		}
		began := h.now()
		if err == nil {
			err = h.readUntilChanged(ctx, reader, version)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err == nil || h.now().Sub(began) > inboxMost {
			wait = 0
		}
		if err != nil {
			wait = min(max(2*wait, inboxPause), inboxMost)
			h.log.Warn("replies", "op", "read", "err", err)
		}
	}
}

// inbox gives the mailbox that is set now, nil for none.
func (h *house) inbox(ctx context.Context) (r *notice.Reader, version int64, err error) {
	var t *styk.Target
	err = h.db.View(ctx, func(tx *store.Tx) (err error) {
		t, err = tx.Target(styk.MailTarget)
		return err
	})
	if styk.CodeOf(err) == styk.NotFound || err == nil && (t.Disabled || t.Settings["inbox"] == nil || t.Settings["inbox"] == "") {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	values, err := notice.Kind.Check(t.Settings)
	if err != nil {
		return nil, 0, err
	}
	r, err = notice.OpenInbox(connect.Settings{Target: t.Name, Values: values, Dial: connect.Guard{}.Dialer().DialContext, Now: h.now})
	if err != nil || r == nil {
		return nil, 0, err
	}
	r.Mark, r.Take = h.replyMark, h.takeReply
	return r, t.Version, nil
}

var errChanged = errors.New("the settings have changed")

// readUntilChanged reads until the mailbox fails or another one is set.
func (h *house) readUntilChanged(ctx context.Context, r *notice.Reader, version int64) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(inboxLook):
			}
			if now, v, err := h.inbox(ctx); err == nil && (now == nil || v != version) {
				stop(errChanged)
			}
		}
	}()
	err := r.Run(ctx)
	if errors.Is(context.Cause(ctx), errChanged) {
		err = nil
	}
	stop(nil)
	<-done
	if err != nil {
		return connect.NewMask(r.Secrets()...).Error(fmt.Errorf("mailbox of replies: %w", err))
	}
	return nil
}

func (h *house) replyMark(ctx context.Context) (m notice.Mark, err error) {
	err = h.db.View(ctx, func(tx *store.Tx) error { return loadMeta(tx, replyMark, &m) })
	return m, err
}

// takeReply stores one letter together with how far was read.
func (h *house) takeReply(ctx context.Context, raw []byte, behind notice.Mark) error {
	mark, err := json.Marshal(behind)
	if err != nil {
		return err
	}
	return h.intake.TakeLetter(ctx, notice.ReadLetter(raw), func(tx *store.Tx) error { return tx.SetMeta(replyMark, string(mark)) })
}
