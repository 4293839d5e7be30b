package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"styk"
	"styk/connect"
	"styk/notice"
	"styk/store"
)

// mailroom words the messages to people by what the owner has set. It holds a
// copy, since a message is worded inside a transaction; renew looks again.
type mailroom struct {
	zone    *time.Location
	cardURL func(number string) string
	invited func(styk.Notice) string // secret of an invitation's link

	mu    sync.RWMutex
	base  string // address that people are given
	owner []string
	firm  string
	mail  mailMore
	hours *notice.Calendar
}

// mailMore is what mail: of the YAML says beyond the target it makes.
type mailMore struct {
	ReplyTo string        `json:"reply_to,omitempty"`
	Silence styk.Duration `json:"silence,omitempty"` // of working time; 0: nobody is told
	Answer  styk.Duration `json:"answer,omitempty"`  // of working time; 0: defaultAnswer
}

// Under these names the settings lie in the database.
const (
	mailMeta  = "mail"
	hoursMeta = "hours"
)

func (l *mailroom) setBase(base string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.base = base
}

// renew reads what is set now.
func (l *mailroom) renew(ctx context.Context, db *store.DB) error {
	var owner []string
	var firm string
	var more mailMore
	var hours *notice.Calendar
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		owner, firm, more = nil, "", mailMore{}
		if hours, err = loadHours(tx); err != nil {
			return err
		}
		if err := loadMeta(tx, mailMeta, &more); err != nil {
			return err
		}
		t, err := tx.Target(styk.MailTarget)
		if styk.CodeOf(err) == styk.NotFound {
			return nil
		}
		if err == nil {
			owner, firm = wordsOf(t.Settings["to"]), firmOf(t)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read the settings of letters: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owner, l.firm, l.mail, l.hours = owner, firm, more, hours
	return nil
}

// loadMeta reads a setting that is kept as JSON; none leaves into as it is.
func loadMeta(tx *store.Tx, name string, into any) error {
	text, err := tx.Meta(name)
	if err != nil || text == "" {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}

func loadHours(tx *store.Tx) (*notice.Calendar, error) {
	var settings *notice.CalendarSettings
	if err := loadMeta(tx, hoursMeta, &settings); err != nil || settings == nil {
		return nil, err
	}
	return notice.ParseCalendar(*settings)
}

// wordsOf reads a list as it is stored: one text or several.
func wordsOf(v any) []string {
	switch v := v.(type) {
	case string:
		return slices.DeleteFunc(strings.Split(v, ","), func(s string) bool { return strings.TrimSpace(s) == "" })
	case []string:
		return v
	case []any:
		var list []string
		for _, one := range v {
			list = append(list, fmt.Sprint(one))
		}
		return list
	}
	return nil
}

// firmOf is the name that letters are signed with: that of their sender.
func firmOf(t *styk.Target) string {
	from, err := mail.ParseAddress(fmt.Sprint(t.Settings["from"]))
	if err != nil {
		return ""
	}
	return from.Name
}

// success words what a visitor reads after sending; "" is the fixed sentence.
func (l *mailroom) success(lang string, now time.Time) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.hours == nil {
		return ""
	}
	return l.hours.Sent(now, notice.Lang(lang))
}

// compose words one message.
func (l *mailroom) compose(n styk.Notice) connect.Notice {
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch n.Type {
	case styk.NoticeAccepted:
		return notice.Accepted{To: n.To, Firm: l.firm, Form: n.Form, Number: n.Number, CRMNumber: n.CRMNumber,
			Promise: l.hours.Promise(time.Now(), notice.Russian), StatusURL: n.StatusURL, ReplyTo: l.mail.ReplyTo}.Notice(notice.Russian)
	case styk.NoticeNumber:
		return notice.Numbered{To: n.To, Firm: l.firm, Number: n.Number, CRMNumber: n.CRMNumber, StatusURL: n.StatusURL,
			ReplyTo: l.mail.ReplyTo}.Notice(notice.Russian)
	case styk.NoticeRefused:
		return notice.Refused{To: n.To, Firm: l.firm, Number: n.Number, StatusURL: n.StatusURL, ReplyTo: l.mail.ReplyTo}.Notice(notice.Russian)
	case styk.NoticeUnchecked:
		return notice.Unchecked{To: l.owner, Target: n.Target, Since: n.Since, Zone: l.zone, URL: l.page("/admin/deliveries")}.Notice(notice.Russian)
	case styk.NoticeFailed:
		return notice.Failed{To: l.owner, Target: n.Target, Cause: n.Cause, Numbers: n.Numbers, Paused: n.Paused, Since: n.Since,
			Zone: l.zone, URL: l.page("/admin/deliveries?state=failed")}.Notice(notice.Russian)
	case styk.NoticeRecovered:
		return notice.Recovered{To: l.owner, Target: n.Target, Down: n.Down, Waiting: int(n.Waiting), Failed: int(n.Failed),
			URL: l.page("/admin/deliveries")}.Notice(notice.Russian)
	case styk.NoticeAnswer:
		return connect.Notice{Type: string(n.Type), To: []string{n.To}, Subject: n.Subject, Text: n.Text, ReplyTo: l.mail.ReplyTo, Personal: true}
	case styk.NoticeReply:
		return notice.Replied{To: l.colleague(n.To), Number: n.Number, URL: l.page(fmt.Sprintf("/admin/tickets/%d", n.Ticket))}.Notice(notice.Russian)
	case styk.NoticeOverdue:
		return notice.Overdue{To: l.colleague(n.To), Numbers: n.Numbers, Count: int(n.Waiting), URL: l.page("/admin/tickets?show=overdue")}.Notice(notice.Russian)
	case styk.NoticeCardLink:
		return notice.CardLink{To: n.To, Firm: l.firm, URL: l.cardURL(n.Card), ReplyTo: l.mail.ReplyTo}.Notice(notice.Russian)
	case styk.NoticeCard:
		return notice.CardSent{To: n.To, Firm: l.firm, Card: n.CardName, URL: l.cardURL(n.Card), ReplyTo: l.mail.ReplyTo}.Notice(notice.Russian)
	case styk.NoticeInvited:
		return notice.Invited{To: n.To, Firm: l.firm, URL: l.page(linkPath + l.invited(n)), Until: n.Until, Zone: l.zone}.Notice(notice.Russian)
	case styk.NoticeCertificate:
		return notice.Certificate{To: l.owner, PassType: n.PassType, Ends: n.Since, Days: n.Days, Zone: l.zone,
			URL: l.page("/admin/certificates")}.Notice(notice.Russian)
	case notice.TypeSilent:
		return notice.Silent{To: l.owner, Form: n.Form, Hours: int(n.Down.Hours()), Last: n.Since, Zone: l.zone}.Notice(notice.Russian)
	}
	return connect.Notice{Type: string(n.Type), To: l.owner}
}

// colleague is who hears of a ticket that waits: whose it is, else the owner.
func (l *mailroom) colleague(to string) []string {
	if to == "" {
		return l.owner
	}
	return []string{to}
}

func (l *mailroom) page(path string) string {
	if l.base == "" {
		return ""
	}
	return l.base + path
}

// quiet says how much working time has passed without a post after which the
// owner is told, and how much has passed.
func (l *mailroom) quiet(since, now time.Time) (limit, passed time.Duration) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return time.Duration(l.mail.Silence), l.hours.Worked(since, now)
}
