package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminFormPosts is what came by one form lately.
type adminFormPosts struct {
	Rows  []adminFormPost
	Days  []adminFormDay
	Total string // in these days
	Spam  string // share of what looked like spam among the newest
	Sites []string
}

type adminFormPost struct {
	Address string // of its ticket
	Title   string
	From    string // host of the page
	Odd     bool   // looked like spam
	When    moment
}

type adminFormDay struct {
	Text  string
	Count int64
	High  int // of the bar, in tenths
}

// How much of a form's posts is looked at.
const (
	postsShown  = 10
	postsLooked = 200
	postDays    = 14
)

// readFormPosts reads the newest posts of a form, for who may see tickets: what
// it is called here is what customers wrote.
func (a *admin) readFormPosts(v *visit, form *styk.Form) (*adminFormPosts, error) {
	if !v.may(staff.SeeTickets) {
		return nil, nil
	}
	now := a.now()
	from := time.Date(now.Year(), now.Month(), now.Day()-postDays+1, 0, 0, 0, 0, now.Location())
	var posts []*styk.Submission
	var days []store.DayCount
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if posts, err = tx.PostsOf(form.Name, postsLooked); err != nil {
			return err
		}
		days, err = tx.PostsByDay(from)
		return err
	})
	if err != nil {
		return nil, err
	}
	p := &adminFormPosts{}
	p.countDays(form.Name, from, days)
	odd := 0
	for i, s := range posts {
		host := pageHost(s.Page)
		if host != "" && !slices.Contains(p.Sites, host) && len(p.Sites) < 5 {
			p.Sites = append(p.Sites, host)
		}
		if s.Suspicion > 0 {
			odd++
		}
		if i < postsShown {
			p.Rows = append(p.Rows, adminFormPost{Address: address("tickets", s.Ticket), Title: s.Title, From: host, Odd: s.Suspicion > 0,
				When: a.moment(v.lang, s.Created)})
		}
	}
	if len(posts) > 0 {
		p.Spam = strconv.Itoa((100*odd+len(posts)/2)/len(posts)) + " %"
	}
	return p, nil
}

// countDays makes a bar of each day, the highest ten tenths high.
func (p *adminFormPosts) countDays(form string, from time.Time, days []store.DayCount) {
	var all, most int64
	p.Days = make([]adminFormDay, postDays)
	for i := range p.Days {
		p.Days[i].Text = from.AddDate(0, 0, i).Format("02.01")
	}
	for _, d := range days {
		if d.Form == form && d.Day >= 0 && d.Day < postDays {
			p.Days[d.Day].Count = d.Posts
			all, most = all+d.Posts, max(most, d.Posts)
		}
	}
	for i := range p.Days {
		if n := p.Days[i].Count; n > 0 {
			p.Days[i].High = int(max(1, n*10/most))
		}
	}
	p.Total = strconv.FormatInt(all, 10)
}

// pageHost is the site of the page on which a form was filled in, "" when it is
// not known.
func pageHost(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return ""
	}
	return u.Host
}
