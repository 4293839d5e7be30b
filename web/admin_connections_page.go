package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminConnectionsPage shows every foreign system at a glance: what is red first.
type adminConnectionsPage struct {
	adminFrame
	Rows   []adminConnection
	Kinds  []adminTab // what may be connected
	Manage bool
	Head   string // all in one sentence
}

// adminConnection is one foreign system and how it does.
type adminConnection struct {
	Name      string
	Kind      string
	Tone      string // good, wait, bad, off
	State     string
	Why       string
	Address   string
	Paused    bool
	Off       bool
	Delivered moment // last success
	Pace      string // the middle one of the last attempts
	Waiting   string
	Oldest    string // how long the oldest waits
	Failed    string
	Stuck     string // address of those that failed
	Queue     string // address of all its deliveries
	Rests     moment // it does not answer; the next look is then
}

// connectionRank puts what needs a person first.
var connectionRank = map[string]int{"bad": 0, "wait": 1, "good": 2, "off": 3}

func (a *admin) showConnections(v *visit) error {
	p := adminConnectionsPage{Manage: v.may(staff.ManageConnections)}
	p.adminFrame = a.frame(v, "/admin/connections", choose(v.lang, "Подключения", "Connections"))
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		p.Rows = nil
		targets, err := tx.Targets()
		if err != nil {
			return err
		}
		p.Rows, err = a.connections(v.lang, tx, targets)
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(p.Rows, func(x, y adminConnection) int { return cmp.Compare(connectionRank[x.Tone], connectionRank[y.Tone]) })
	p.Head = connectionsWord(v.lang, p.Rows)
	p.Kinds = a.kindTabs()
	return a.show(v, http.StatusOK, "admin_connections.html", p)
}

// kindTabs are what a new connection may be; letters are set up with the rest of
// the mail.
func (a *admin) kindTabs() (list []adminTab) {
	for _, k := range a.Courier.Kinds() {
		list = append(list, adminTab{Address: "/admin/connections/new?kind=" + k.Name, Text: k.Title})
	}
	return list
}

func connectionsWord(lang string, rows []adminConnection) string {
	var bad, wait int64
	for _, r := range rows {
		switch r.Tone {
		case "bad":
			bad++
		case "wait":
			wait++
		}
	}
	switch {
	case bad > 0:
		return choose(lang, "Требуют внимания: ", "Need attention: ") + capped(bad+wait)
	case wait > 0:
		return choose(lang, "Стоят: ", "Standing: ") + capped(wait)
	case len(rows) > 0:
		return choose(lang, "Все работают", "All work")
	}
	return ""
}

// connections tells of each target how it does.
func (a *admin) connections(lang string, tx *store.Tx, targets []*styk.Target) ([]adminConnection, error) {
	states, err := tx.QueueStates()
	if err != nil {
		return nil, err
	}
	queues := map[styk.ID]store.QueueState{}
	for _, q := range states {
		queues[q.Target] = q
	}
	var list []adminConnection
	for _, t := range targets {
		c, err := a.connection(lang, tx, t, queues[t.ID])
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func (a *admin) connection(lang string, tx *store.Tx, t *styk.Target, q store.QueueState) (adminConnection, error) {
	c := adminConnection{Name: t.Name, Kind: a.kindTitle(t.Kind), Address: connectionAddress(t.Name), Paused: !t.Paused.IsZero(), Off: t.Disabled,
		Queue: deliveriesAddress("", t.Name, "", 0), Stuck: deliveriesAddress("failed", t.Name, "", 0)}
	last, err := tx.LastDelivered(t.ID)
	if err != nil {
		return c, err
	}
	pace, err := tx.AttemptPace(t.ID)
	if err != nil {
		return c, err
	}
	c.Delivered = a.moment(lang, last)
	if pace > 0 {
		c.Pace = took(lang, pace)
	}
	if q.Waiting+q.UnderWay > 0 {
		c.Waiting = strconv.FormatInt(q.Waiting+q.UnderWay, 10)
		c.Oldest = took(lang, max(a.now().Sub(q.Oldest), time.Second).Round(time.Second))
	}
	if q.Failed > 0 {
		c.Failed = strconv.FormatInt(q.Failed, 10)
	}
	a.judgeConnection(lang, t, q, &c)
	return c, nil
}

// slowQueue is how long the oldest delivery may wait before the lamp turns.
const slowQueue = 5 * time.Minute

// judgeConnection gives the lamp its colour and the colour its words.
func (a *admin) judgeConnection(lang string, t *styk.Target, q store.QueueState, c *adminConnection) {
	set := func(tone, ru, en string) { c.Tone, c.State = tone, choose(lang, ru, en) }
	rest := a.Courier.Rest(t.ID)
	switch {
	case t.Disabled:
		set("off", "Выключено", "Switched off")
	case c.Paused:
		set("wait", "На паузе", "Paused")
		c.Why = t.PausedWhy
	case rest.After(a.Now()):
		set("bad", "Не отвечает", "Does not answer")
		c.Rests = a.moment(lang, rest)
	case q.Failed > 0:
		set("bad", "Не всё доставлено", "Not all was delivered")
	case !q.Oldest.IsZero() && a.now().Sub(q.Oldest) > slowQueue:
		set("wait", "Очередь стоит", "The queue stands")
	default:
		set("good", "Работает", "Works")
	}
}

func connectionAddress(name string) string { return "/admin/connections/" + name }
