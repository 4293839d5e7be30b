package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminDeliveriesPage shows what is on its way to which system, and what stands.
type adminDeliveriesPage struct {
	adminFrame
	Targets   []adminTarget
	Causes    []adminCause
	Tabs      []adminTab
	State     string
	Target    string // the chosen one, "" for all
	Cause     string // likewise
	AllCauses string // address without the chosen cause and target
	Rows      []adminDeliveryRow
	Older     string
	First     string
	Steer     bool
	Nothing   bool   // nothing was ever sent
	Again     bool   // rows may be chosen to be sent again
	All       string // address of sending all that fit, where they all failed
	Here      string // this list
}

// adminTarget is one foreign system with what waits for it.
type adminTarget struct {
	Name    string
	Kind    string
	Paused  bool
	Since   moment
	Why     string
	Off     bool // disabled in the settings
	Waiting string
	Failed  string
	Moving  string
	Address string // of its deliveries
	Stuck   string // of those that need a person
}

// adminCause is many failures of one cause.
type adminCause struct {
	Text    string
	Target  string
	Count   int64
	Word    string // доставка, доставки, доставок
	First   moment
	Last    moment
	Address string
	Replay  string
}

type adminDeliveryRow struct {
	ID      string
	Pick    bool // it may be sent again
	Address string
	Ticket  string
	Form    string
	Target  string
	State   string
	Tone    string
	Cause   string
	Number  string // over there
	Tries   string
	When    moment
	Next    bool // When is the next try
	Queued  bool // it goes as soon as its turn comes
}

// deliveryTabs are the states in the order of urgency.
var deliveryTabs = []struct {
	word    string
	state   styk.DeliveryState
	ru, en  string
	counted bool
}{
	{"", "", "Все", "All", false},
	{"failed", styk.NeedsHand, "Нужно решение", "Need a person", true},
	{"due", styk.Due, "Ждут", "Waiting", true},
	{"leased", styk.Leased, "В пути", "On their way", true},
	{"done", styk.Delivered, "Доставлены", "Delivered", false},
}

func (a *admin) showDeliveries(v *visit) error {
	q := v.r.URL.Query()
	p := adminDeliveriesPage{State: q.Get("state"), Target: q.Get("target"), Cause: q.Get("cause"), Steer: v.may(staff.Steer)}
	p.adminFrame = a.frame(v, "/admin/deliveries", choose(v.lang, "Доставки", "Deliveries"))
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	filter := store.DeliveryFilter{Cause: p.Cause, Before: styk.ID(max(before, 0)), Limit: pageSize + 1}
	for _, t := range deliveryTabs {
		if t.word == p.State {
			filter.State = t.state
		}
	}
	if filter.State == "" {
		p.State = ""
	}
	var rows []*store.DeliveryRow
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		p.Targets, p.Causes, p.Tabs = nil, nil, nil
		if filter.Target, err = a.readTargets(v, tx, &p); err != nil {
			return err
		}
		if err := a.readCauses(v, tx, &p); err != nil {
			return err
		}
		if err := countTabs(v, tx, &p, filter.Target); err != nil {
			return err
		}
		rows, err = tx.Deliveries(filter)
		return err
	})
	if err != nil {
		return err
	}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		p.Older = deliveriesAddress(p.State, p.Target, p.Cause, rows[pageSize-1].ID)
	}
	if filter.Before != 0 {
		p.First = deliveriesAddress(p.State, p.Target, p.Cause, 0)
	}
	for _, r := range rows {
		p.Rows = append(p.Rows, a.deliveryRow(v.lang, r))
	}
	p.Here = deliveriesAddress(p.State, p.Target, p.Cause, filter.Before)
	p.mayPick(v)
	p.AllCauses = deliveriesAddress(p.State, "", "", 0)
	p.Nothing = len(rows) == 0 && p.State == "" && p.Target == "" && p.Cause == "" && filter.Before == 0
	return a.show(v, http.StatusOK, "admin_deliveries.html", p)
}

// mayPick says which rows may be chosen, and how to choose all that fit.
func (p *adminDeliveriesPage) mayPick(v *visit) {
	for i := range p.Rows {
		r := &p.Rows[i]
		r.Pick = r.Pick && v.may(staff.SendAgain)
		p.Again = p.Again || r.Pick
	}
	if p.Again && p.Steer && (p.State == "failed" || p.Cause != "") {
		p.All = replayAddress(p.Target, p.Cause)
	}
}

// deliveriesAddress keeps the filters in the address.
func deliveriesAddress(state, target, cause string, before styk.ID) string {
	q := url.Values{}
	for name, value := range map[string]string{"state": state, "target": target, "cause": cause} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if before != 0 {
		q.Set("before", strconv.FormatInt(int64(before), 10))
	}
	if len(q) == 0 {
		return "/admin/deliveries"
	}
	return "/admin/deliveries?" + q.Encode()
}

// readTargets lists the targets with their queues and gives the number of the
// chosen one.
func (a *admin) readTargets(v *visit, tx *store.Tx, p *adminDeliveriesPage) (chosen styk.ID, err error) {
	targets, err := tx.Targets()
	if err != nil {
		return 0, err
	}
	for _, t := range targets {
		row := adminTarget{Name: t.Name, Kind: a.kindTitle(t.Kind), Paused: !t.Paused.IsZero(), Since: a.moment(v.lang, t.Paused),
			Why: t.PausedWhy, Off: t.Disabled, Address: deliveriesAddress("", t.Name, "", 0), Stuck: deliveriesAddress("failed", t.Name, "", 0)}
		for _, c := range []struct {
			state styk.DeliveryState
			into  *string
		}{{styk.Due, &row.Waiting}, {styk.NeedsHand, &row.Failed}, {styk.Leased, &row.Moving}} {
			n, err := tx.CountDeliveries(c.state, t.ID, countUpTo)
			if err != nil {
				return 0, err
			}
			if n > 0 {
				*c.into = capped(n)
			}
		}
		p.Targets = append(p.Targets, row)
		if t.Name == p.Target {
			chosen = t.ID
		}
	}
	if chosen == 0 && p.Target != "" {
		return 0, styk.Failed(styk.NotFound, "")
	}
	return chosen, nil
}

func (a *admin) kindTitle(name string) string {
	for _, k := range a.Courier.Kinds() {
		if k.Name == name {
			return k.Title
		}
	}
	return name
}

// readCauses folds what stands into its causes: people mend causes, not rows.
func (a *admin) readCauses(v *visit, tx *store.Tx, p *adminDeliveriesPage) error {
	if p.State != "" && p.State != "failed" {
		return nil
	}
	causes, err := tx.FailedByCause()
	for _, c := range causes {
		if p.Target != "" && c.TargetName != p.Target || p.Cause != "" && c.Cause != p.Cause {
			continue
		}
		p.Causes = append(p.Causes, adminCause{Text: c.Cause, Target: c.TargetName, Count: c.Count,
			Word:  plural(v.lang, c.Count, "доставка", "доставки", "доставок", "delivery", "deliveries"),
			First: a.moment(v.lang, c.First), Last: a.moment(v.lang, c.Last),
			Address: deliveriesAddress("failed", c.TargetName, c.Cause, 0),
			Replay:  replayAddress(c.TargetName, c.Cause)})
	}
	return err
}

func replayAddress(target, cause string) string {
	return "/admin/replay?" + url.Values{"target": {target}, "cause": {cause}}.Encode()
}

func countTabs(v *visit, tx *store.Tx, p *adminDeliveriesPage, target styk.ID) error {
	for _, t := range deliveryTabs {
		tab := adminTab{Address: deliveriesAddress(t.word, p.Target, "", 0), Text: p.T(t.ru, t.en), Here: t.word == p.State}
		if t.counted {
			n, err := tx.CountDeliveries(t.state, target, countUpTo)
			if err != nil {
				return err
			}
			if n > 0 {
				tab.Count = capped(n)
			}
		}
		p.Tabs = append(p.Tabs, tab)
	}
	return nil
}

func (a *admin) deliveryRow(lang string, r *store.DeliveryRow) adminDeliveryRow {
	row := adminDeliveryRow{Address: address("deliveries", r.ID), Ticket: r.TicketNumber, Form: r.Form, Target: r.TargetName,
		Number: r.Number, ID: strconv.FormatInt(int64(r.ID), 10)}
	row.Pick = r.State == styk.NeedsHand || r.State == styk.Due && r.Due.After(a.Now())
	if r.Attempts > 0 {
		row.Tries = triesWord(lang, r.Attempts)
	}
	row.State, row.Tone = stateWord(lang, r.State)
	if row.Ticket == "" {
		row.Ticket = subjectWord(lang, r.Subject)
	}
	var at time.Time
	switch r.State {
	case styk.Due:
		at, row.Cause = r.Due, r.Cause
		row.Queued = !r.Due.After(a.Now())
		row.Next = !row.Queued && r.Attempts > 0
	case styk.NeedsHand:
		at, row.Cause = r.Finished, r.Cause
	case styk.Delivered:
		at = r.Finished
	default:
		at = r.Created
	}
	row.When = a.moment(lang, at)
	return row
}

func triesWord(lang string, n int) string {
	return strconv.Itoa(n) + " " + plural(lang, int64(n), "попытка", "попытки", "попыток", "attempt", "attempts")
}

func subjectWord(lang string, s styk.Subject) string {
	switch s {
	case styk.SubjectTicket:
		return choose(lang, "Обращение", "Ticket")
	case styk.SubjectCard, styk.SubjectUpstream:
		return choose(lang, "Карта", "Card")
	case styk.SubjectNotice:
		return choose(lang, "Письмо", "Message")
	}
	return string(s)
}

// What is noted of people's work on deliveries.
const (
	actionRetry  = "delivery.retry"
	actionReplay = "delivery.replay"
	actionPause  = "target.pause"
	actionResume = "target.resume"
)

func (a *admin) pause(v *visit) error {
	why := "Паузу включил человек: " + v.session.User.Name
	return a.steer(v, actionPause, "paused", func(target string) error { return a.Courier.Pause(v.r.Context(), target, why) })
}

func (a *admin) resume(v *visit) error {
	return a.steer(v, actionResume, "resumed", func(target string) error { return a.Courier.Resume(v.r.Context(), target) })
}

func (a *admin) steer(v *visit, action, said string, do func(target string) error) error {
	name := v.r.PathValue("name")
	if err := do(name); err != nil {
		return err
	}
	err := a.DB.Update(v.r.Context(), func(tx *store.Tx) error {
		t, err := tx.Target(name)
		if err != nil {
			return err
		}
		return tx.Audit(v.session.User.ID, action, t.ID, 0)
	})
	if err != nil {
		return err
	}
	if v.r.PostForm.Get("back") == "connection" {
		return v.redirect(connectionAddress(name), said)
	}
	return v.redirect("/admin/deliveries", said)
}
