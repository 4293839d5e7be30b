package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/store"
)

// bulkMost is how many tickets one action changes.
const bulkMost = 5000

// bulkSlice is how many of them one transaction does.
const bulkSlice = 200

// adminBulkGroup are the actions of one sort.
type adminBulkGroup struct {
	Text    string
	Actions []adminChoice
}

// bulkActions are what can be done with many tickets; a value is "what:to".
func bulkActions(lang string, users []*styk.User) []adminBulkGroup {
	status := adminBulkGroup{Text: choose(lang, "Состояние", "Status")}
	for _, s := range statuses {
		word, _ := statusWord(lang, s)
		status.Actions = append(status.Actions, adminChoice{Value: "status:" + s, Text: word})
	}
	owner := adminBulkGroup{Text: choose(lang, "Ответственный", "Assignee"),
		Actions: []adminChoice{{Value: "owner:0", Text: choose(lang, "Никто", "Nobody")}}}
	for _, u := range users {
		if mayAnswer(u) {
			owner.Actions = append(owner.Actions, adminChoice{Value: fmt.Sprintf("owner:%d", u.ID), Text: userName(u)})
		}
	}
	spam := adminBulkGroup{Text: choose(lang, "Спам", "Spam"), Actions: []adminChoice{
		{Value: "spam:1", Text: choose(lang, "Это спам", "Mark as spam")}, {Value: "spam:0", Text: choose(lang, "Не спам", "Not spam")}}}
	return []adminBulkGroup{status, owner, spam}
}

// adminBulkPage asks once more before many tickets change.
type adminBulkPage struct {
	adminFrame
	Group  string // what changes
	Action string // to what, in words
	Value  string
	Count  int64
	Words  string // the counted word
	More   bool   // more fit than one action changes
	All    bool
	IDs    []string
	UpTo   string
	Query  string
	Show   string
	Sample []adminTicketRow
	Back   string
}

// adminBulkUndo offers to take back what was just done to many.
type adminBulkUndo struct {
	Text   string
	Origin string
	After  string
	UpTo   string
}

// bulkChange is one action upon many tickets.
type bulkChange struct {
	filter store.TicketFilter // of all that fit; with UpTo
	ids    []styk.ID          // or these
	all    bool
	what   string
	to     string
	owner  styk.ID
}

const actionBulk = "ticket.bulk"

// bulk shows what an action would do and, once confirmed, does it.
func (a *admin) bulk(v *visit) error {
	form := v.r.PostForm
	users, err := a.users(v.r.Context())
	if err != nil {
		return err
	}
	group, action, ok := findBulk(v.lang, users, form.Get("action"))
	f, show := a.ticketFilter(v, form)
	c := &bulkChange{filter: f, all: form.Get("which") == "all"}
	c.what, c.to, _ = strings.Cut(form.Get("action"), ":")
	if owner, err := strconv.ParseInt(c.to, 10, 64); err == nil {
		c.owner = styk.ID(owner)
	}
	for _, text := range form["id"] {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 && len(c.ids) < bulkMost {
			c.ids = append(c.ids, styk.ID(id))
		}
	}
	upTo, _ := strconv.ParseInt(form.Get("upto"), 10, 64)
	c.filter.UpTo = styk.ID(max(upTo, 0))
	back := ticketsAddress(f.Query, show, 0)
	if !ok || !c.all && len(c.ids) == 0 {
		return v.redirect(back, "nothing")
	}
	if form.Get("confirm") == "1" {
		return a.doBulk(v, c, back)
	}
	p := adminBulkPage{Group: group, Action: action, Value: form.Get("action"), All: c.all, Query: f.Query, Show: show, Back: back}
	p.adminFrame = a.frame(v, "/admin/tickets", choose(v.lang, "Изменить обращения", "Change tickets"))
	if err := a.previewBulk(v, c, &p); err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "admin_tickets_bulk.html", p)
}

func (a *admin) users(ctx context.Context) (users []*styk.User, err error) {
	err = a.DB.View(ctx, func(tx *store.Tx) (err error) { users, err = tx.Users(); return err })
	return users, err
}

func findBulk(lang string, users []*styk.User, value string) (group, action string, ok bool) {
	for _, g := range bulkActions(lang, users) {
		for _, c := range g.Actions {
			if c.Value == value {
				return g.Text, c.Text, true
			}
		}
	}
	return "", "", false
}

// bulkSample is how many of the tickets are shown before.
const bulkSample = 5

func (a *admin) previewBulk(v *visit, c *bulkChange, p *adminBulkPage) error {
	p.Count = int64(len(c.ids))
	for _, id := range c.ids {
		p.IDs = append(p.IDs, strconv.FormatInt(int64(id), 10))
	}
	f := c.filter
	f.Limit = bulkSample
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		p.Sample = nil
		if c.all {
			n, err := tx.CountTickets(c.filter, bulkMost+1)
			if err != nil {
				return err
			}
			p.Count, p.More = min(n, bulkMost), n > bulkMost
		} else {
			f = store.TicketFilter{IDs: c.ids, Limit: bulkSample}
		}
		rows, err := tx.Tickets(f)
		for _, r := range rows {
			p.Sample = append(p.Sample, a.ticketRow(v.lang, r))
		}
		if len(rows) > 0 && c.all {
			p.UpTo = strconv.FormatInt(int64(rows[0].ID), 10)
		}
		return err
	})
	p.Words = plural(v.lang, p.Count, "обращение", "обращения", "обращений", "ticket", "tickets")
	return err
}

// doBulk changes the tickets, slice by slice, under an origin of its own, so that
// all of it can be found and taken back.
func (a *admin) doBulk(v *visit, c *bulkChange, back string) error {
	ids := c.ids
	var after, upTo int64
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if c.all {
			c.filter.Limit = bulkMost
			if ids, err = tx.TicketNumbers(c.filter); err != nil {
				return err
			}
		}
		after, err = tx.Tick()
		return err
	})
	if err != nil {
		return err
	}
	by := store.By{User: v.session.User.ID, Origin: bulkOrigin + strings.ToLower(rand.Text()[:10])}
	var changed int64
	for part := range slices.Chunk(ids, bulkSlice) {
		var n int64
		err := a.DB.Update(v.r.Context(), func(tx *store.Tx) (err error) {
			n, err = c.apply(tx, part, by)
			if err != nil || n == 0 {
				return err
			}
			if upTo, err = tx.Tick(); err != nil {
				return err
			}
			return tx.Audit(by.User, actionBulk, 0, n)
		})
		if err != nil {
			return err
		}
		changed += n
	}
	if changed == 0 {
		return v.redirect(back, "nothing")
	}
	q := url.Values{"done": {strconv.FormatInt(changed, 10)}, "batch": {fmt.Sprintf("%d-%d-%s", after, upTo, strings.TrimPrefix(by.Origin, bulkOrigin))}}
	separator := "?"
	if strings.Contains(back, "?") {
		separator = "&"
	}
	return v.redirect(back+separator+q.Encode(), "")
}

// bulkOrigin begins the origin of changes that were made to many at once.
const bulkOrigin = "bulk-"

func (c *bulkChange) apply(tx *store.Tx, ids []styk.ID, by store.By) (changed int64, err error) {
	for _, id := range ids {
		t := &styk.Ticket{}
		t.ID = id
		different, err := tx.Edit(t, by, func() error {
			switch c.what {
			case "status":
				t.Status = c.to
			case "owner":
				t.Owner = c.owner
			case "spam":
				t.Spam = c.to == "1"
			}
			return nil
		})
		if styk.CodeOf(err) == styk.NotFound {
			continue
		}
		if err != nil {
			return 0, err
		}
		if different {
			changed++
		}
	}
	return changed, nil
}

// bulkUndo reads from the address what was just done.
func bulkUndo(lang string, q url.Values) *adminBulkUndo {
	n, err := strconv.ParseInt(q.Get("done"), 10, 64)
	parts := strings.Split(q.Get("batch"), "-")
	if err != nil || n < 1 || len(parts) != 3 {
		return nil
	}
	words := plural(lang, n, "Изменено %d обращение.", "Изменено %d обращения.", "Изменено %d обращений.", "%d ticket was changed.", "%d tickets were changed.")
	return &adminBulkUndo{Text: fmt.Sprintf(words, n), After: parts[0], UpTo: parts[1], Origin: parts[2]}
}

// undoBulk takes back what one action did to many; what was changed again since
// stays.
func (a *admin) undoBulk(v *visit) error {
	form := v.r.PostForm
	after, _ := strconv.ParseInt(form.Get("after"), 10, 64)
	upTo, _ := strconv.ParseInt(form.Get("upto"), 10, 64)
	of := store.By{User: v.session.User.ID, Origin: bulkOrigin + form.Get("origin")}
	var ticks []int64
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		ticks, err = tx.TicksOf(of, after, upTo, bulkMost)
		return err
	})
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ticks, bulkSlice) {
		err := a.DB.Update(v.r.Context(), func(tx *store.Tx) error {
			for _, tick := range part {
				if err := tx.Undo(tick, v.by()); err != nil && styk.CodeOf(err) != styk.Conflict && styk.CodeOf(err) != styk.NotFound {
					return err
				}
			}
			return tx.Audit(v.session.User.ID, actionUndo, 0, int64(len(part)))
		})
		if err != nil {
			return err
		}
	}
	_, show := a.ticketFilter(v, form)
	return v.redirect(ticketsAddress(form.Get("q"), show, 0), "undone")
}
