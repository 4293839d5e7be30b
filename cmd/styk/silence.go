package main

import (
	"context"
	"encoding/json"
	"time"

	"styk"
	"styk/notice"
	"styk/store"
)

// silence remembers how long each form has been quiet.
type silence struct {
	Ticket styk.ID              `json:"ticket"` // the newest that was seen
	Last   map[string]time.Time `json:"last"`   // of a form's posts, by its title; else when it was first looked at
	Came   map[string]bool      `json:"came"`   // something came through it at all
	Told   map[string]bool      `json:"told"`   // the owner knows
}

const silenceMeta = "silence"

// watchSilence tells the owner of forms through which nothing came for the time
// that he has set, once for each silence.
func (h *house) watchSilence(ctx context.Context) error {
	if limit, _ := h.letters.quiet(h.now(), h.now()); limit <= 0 {
		return nil
	}
	return h.db.Update(ctx, func(tx *store.Tx) error {
		s := silence{Last: map[string]time.Time{}, Came: map[string]bool{}, Told: map[string]bool{}}
		if err := loadMeta(tx, silenceMeta, &s); err != nil {
			return err
		}
		if err := s.look(tx); err != nil {
			return err
		}
		forms, err := tx.Forms()
		if err != nil {
			return err
		}
		for _, f := range forms {
			if f.Disabled {
				continue
			}
			if err := h.tellSilence(tx, &s, f.Title); err != nil {
				return err
			}
		}
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		return tx.SetMeta(silenceMeta, string(text))
	})
}

// look takes in what came since the last look, at most some pages of it: older
// posts say nothing about now.
func (s *silence) look(tx *store.Tx) error {
	newest := s.Ticket
	filter := store.TicketFilter{Limit: 200}
	for range 5 {
		rows, err := tx.Tickets(filter)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.ID <= s.Ticket {
				s.Ticket = newest
				return nil
			}
			newest = max(newest, r.ID)
			if r.Form != "" && r.Created.After(s.Last[r.Form]) {
				s.Last[r.Form], s.Came[r.Form] = r.Created, true
				delete(s.Told, r.Form)
			}
		}
		if len(rows) < filter.Limit {
			break
		}
		filter.Before = rows[len(rows)-1].ID
	}
	s.Ticket = newest
	return nil
}

func (h *house) tellSilence(tx *store.Tx, s *silence, form string) error {
	since, seen := s.Last[form]
	if !seen {
		s.Last[form] = tx.Now()
		return nil
	}
	limit, passed := h.letters.quiet(since, tx.Now())
	if s.Told[form] || passed < limit {
		return nil
	}
	mail, err := tx.RunningTargets([]string{styk.MailTarget})
	if err != nil || mail[styk.MailTarget] == 0 {
		return err
	}
	s.Told[form] = true
	n := styk.Notice{Type: notice.TypeSilent, Target: styk.MailTarget, Form: form, Down: tx.Now().Sub(since)}
	if s.Came[form] {
		n.Since = since
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return tx.Enqueue(&styk.Delivery{Target: mail[styk.MailTarget], Subject: styk.SubjectNotice, Content: text, Coalesce: "silent/" + form})
}
