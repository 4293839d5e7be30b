package web

import (
	"strconv"
	"time"

	"styk"
	"styk/store"
)

// What is noted of people's work on links.
const (
	actionLinkClosed = "link.closed"
	actionLinkOpened = "link.opened"
)

// adminFileLink is one secret address of a file, without the secret.
type adminFileLink struct {
	ID    styk.ID
	Where string // in which system it lies
	State string
	Tone  string
	Until moment // when it ends or ended; empty for never, or when a person closed it
	Open  bool
}

// readFiles reads where links to the documents lie, and what a check found.
func (f *ticketFacts) readFiles(tx *store.Tx) error {
	f.links, f.checks = map[styk.ID][]*store.FileLink{}, map[styk.ID]styk.FileCheck{}
	how, err := tx.Scanning()
	if err != nil {
		return err
	}
	f.scanning = how.On()
	for _, d := range f.documents {
		if f.links[d.ID], err = tx.FileLinks(d.ID); err != nil {
			return err
		}
	}
	for _, s := range f.submissions {
		checks, err := tx.FileChecks(s.ID)
		if err != nil {
			return err
		}
		for id, c := range checks {
			f.checks[id] = c
		}
	}
	return nil
}

// checkWord says what is to be known of a file's check; "" when nothing is.
func (f *ticketFacts) checkWord(lang string, d *styk.Document) (word, tone string) {
	c, came := f.checks[d.ID]
	switch {
	case !came:
		return "", ""
	case c.Refused != "":
		return choose(lang, "Не прошёл проверку: ", "Refused by the check: ") + c.Refused, "bad"
	case !c.Checked.IsZero():
		return choose(lang, "Проверен", "Checked"), "good"
	case f.scanning && f.underWay():
		return choose(lang, "Проверяем файл…", "Checking the file…"), "wait"
	case f.scanning:
		return choose(lang, "Не проверялся", "Not checked"), "wait"
	}
	return "", ""
}

// underWay says whether something of the ticket is still to be sent.
func (f *ticketFacts) underWay() bool {
	for _, d := range f.deliveries {
		if d.State == styk.Due || d.State == styk.Leased {
			return true
		}
	}
	return false
}

func (a *admin) linkPanel(lang string, links []*store.FileLink, now time.Time) (list []adminFileLink) {
	for _, l := range links {
		p := adminFileLink{ID: l.ID, Where: choose(lang, "Ссылка в ", "Link in ") + l.Target, Open: l.Opens(now)}
		if l.Target == "" {
			p.Where = choose(lang, "Ссылка из прежних отправок", "Link of earlier deliveries")
		}
		switch {
		case !l.Closed.IsZero():
			p.State, p.Tone = choose(lang, "закрыта", "closed"), ""
		case !p.Open:
			p.State, p.Tone, p.Until = choose(lang, "срок вышел", "ended"), "", a.moment(lang, l.Until)
		default:
			p.State, p.Tone, p.Until = choose(lang, "открыта", "open"), "good", a.moment(lang, l.Until)
		}
		list = append(list, p)
	}
	return list
}

// steerLink closes a link to a file of the ticket, or opens it again under the
// address that it had.
func (a *admin) steerLink(v *visit) error {
	number, _ := strconv.ParseInt(v.r.PostForm.Get("link"), 10, 64)
	action, said, do := actionLinkClosed, "closed", (*store.Tx).CloseLink
	if v.r.PostForm.Get("answer") == "open" {
		action, said, do = actionLinkOpened, "opened", (*store.Tx).ReopenLink
	}
	return a.change(v, action, said, func(tx *store.Tx, t *styk.Ticket) error {
		l, err := tx.FileLink(styk.ID(number))
		if err != nil {
			return err
		}
		documents, err := tx.DocumentsOf(t.ID)
		if err != nil {
			return err
		}
		for _, d := range documents {
			if d.ID == l.Document {
				return do(tx, l.ID)
			}
		}
		return styk.Failed(styk.NotFound, "")
	})
}
