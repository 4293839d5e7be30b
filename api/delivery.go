package api

import (
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// What is noted of steering deliveries, in the words of the people's pages.
const (
	actionRetry  = "delivery.retry"
	actionReplay = "delivery.replay"
	actionPause  = "target.pause"
	actionResume = "target.resume"
)

// replayFilter are the filters of what is sent again.
var replayFilter = []param{
	{name: "target", kind: "string", text: "Only those to one target.", eg: "crm"},
	{name: "cause", kind: "string", text: "Only those of one cause, as listed under causes.", eg: "CRM не отвечает"},
	{name: "since", kind: "date-time", text: "Only those that failed since.", eg: "2026-11-21T00:00:00Z"},
}

var deliveryOperations = []operation{
	{id: "listDeliveries", method: "GET", path: "/deliveries", rights: []staff.Right{staff.SeeDeliveries}, tag: "deliveries",
		says:   words{"Перечислить доставки", "List deliveries"},
		query:  append(append([]param{oneOf("state", "Only those in a state.", "failed", "due", "leased", "done")}, replayFilter...), paged...),
		answer: page[deliveryRow]{}, handle: (*call).listDeliveries},
	{id: "listCauses", method: "GET", path: "/deliveries/causes", rights: []staff.Right{staff.SeeDeliveries}, tag: "deliveries",
		says: words{"Что ждёт человека, по причинам", "What waits for a person, by cause"}, answer: all[cause]{}, handle: (*call).listCauses},
	{id: "countReplay", method: "GET", path: "/deliveries/replay", rights: []staff.Right{staff.Steer}, tag: "deliveries",
		says: words{"Сколько доставок ушло бы снова", "How many deliveries would be sent again"}, query: replayFilter, answer: counted{}, handle: (*call).countReplay},
	{id: "replay", method: "POST", path: "/deliveries/replay", rights: []staff.Right{staff.Steer}, tag: "deliveries",
		says:  words{"Отправить снова всё, что подходит", "Send again all that fits"},
		about: "With expect nothing is sent when the count differs.",
		body:  replaying{}, answer: counted{}, handle: (*call).replay},
	{id: "getDelivery", method: "GET", path: "/deliveries/{id}", rights: []staff.Right{staff.SeeDeliveries}, tag: "deliveries",
		says: words{"Прочитать доставку с шагами, запросами и ответами", "Read a delivery with its steps, requests and answers"}, answer: delivery{},
		handle: (*call).getDelivery},
	{id: "retryDelivery", method: "POST", path: "/deliveries/{id}/retry", rights: []staff.Right{staff.SendAgain}, tag: "deliveries",
		says: words{"Отправить доставку снова", "Send a delivery again"}, answer: deliveryState{}, handle: (*call).retryDelivery},
}

type deliveryRow struct {
	ID       styk.ID   `json:"id" eg:"99"`
	Target   string    `json:"target" eg:"crm"`
	Subject  string    `json:"subject" enum:"ticket,card,upstream,notice"`
	State    string    `json:"state" enum:"due,leased,done,failed"`
	Ticket   styk.ID   `json:"ticket,omitempty" eg:"4711"`
	TicketNo string    `json:"ticket_number" eg:"2611-0042-7"`
	Form     string    `json:"form" doc:"Title of the form." eg:"Обратная связь"`
	Cause    string    `json:"cause" doc:"Of the last failure, in Russian."`
	Attempts int       `json:"attempts" eg:"1"`
	Number   string    `json:"number" doc:"What the foreign system called it." eg:"SR-00000042"`
	URL      string    `json:"url"`
	Due      time.Time `json:"due" doc:"When it is tried next."`
	Created  time.Time `json:"created"`
	Finished time.Time `json:"finished,omitzero" doc:"Absent until it is done or failed."`
}

func showDeliveryRow(r *store.DeliveryRow) deliveryRow {
	return deliveryRow{r.ID, r.TargetName, string(r.Subject), string(r.State), r.Ticket, r.TicketNumber, r.Form, r.Cause, r.Attempts,
		r.Number, r.URL, r.Due, r.Created, r.Finished}
}

// filter reads the filters of deliveries; names of targets become numbers.
func (c *call) filter(tx *store.Tx, target, cause string, since time.Time) (store.DeliveryFilter, error) {
	f := store.DeliveryFilter{Cause: cause, Since: since}
	if target == "" {
		return f, nil
	}
	t, err := tx.Target(target)
	if styk.CodeOf(err) == styk.NotFound {
		return f, styk.FieldError(styk.Reference, "target", "reference", "Такого подключения нет")
	}
	if err == nil {
		f.Target = t.ID
	}
	return f, err
}

func (c *call) listDeliveries() (any, error) {
	var rows []*store.DeliveryRow
	err := c.view(func(tx *store.Tx) error {
		f, err := c.filter(tx, c.query["target"], c.query["cause"], c.query.time("since"))
		if err != nil {
			return err
		}
		f.State, f.Before, f.Limit = styk.DeliveryState(c.query["state"]), c.query.id("before"), c.limit()+1
		rows, err = tx.Deliveries(f)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pageOf(c, rows, func(r *store.DeliveryRow) int64 { return int64(r.ID) }, showDeliveryRow), nil
}

type cause struct {
	Target string `json:"target" eg:"crm"`
	Cause  string `json:"cause" eg:"CRM не отвечает"`
	Count  int64  `json:"count" eg:"312"`
}

func (c *call) listCauses() (any, error) {
	var list []store.CauseCount
	err := c.view(func(tx *store.Tx) (err error) {
		list, err = tx.FailedByCause()
		return err
	})
	return allOf(list, func(k store.CauseCount) cause { return cause{k.TargetName, k.Cause, k.Count} }), err
}

type counted struct {
	Count  int64 `json:"count" eg:"312"`
	Capped bool  `json:"capped,omitempty" doc:"There are more: counting stopped there."`
}

const countUpTo = 100_000 // deliveries

func (c *call) countFor(target, cause string, since time.Time) (n counted, about styk.ID, err error) {
	err = c.view(func(tx *store.Tx) error {
		f, err := c.filter(tx, target, cause, since)
		if err != nil {
			return err
		}
		about = f.Target
		n.Count, err = tx.CountToReplay(f, countUpTo)
		n.Capped = n.Count >= countUpTo
		return err
	})
	return n, about, err
}

func (c *call) countReplay() (any, error) {
	n, _, err := c.countFor(c.query["target"], c.query["cause"], c.query.time("since"))
	return n, err
}

type replaying struct {
	Target string    `json:"target,omitempty" doc:"Absent: to every target." eg:"crm"`
	Cause  string    `json:"cause,omitempty" doc:"Absent: of every cause."`
	Since  time.Time `json:"since,omitzero" doc:"Absent: whenever they failed."`
	Expect *int64    `json:"expect" doc:"What was counted: another count sends nothing."`
}

func (c *call) replay() (any, error) {
	in := c.in.(*replaying)
	n, about, err := c.countFor(in.Target, in.Cause, in.Since)
	if err != nil {
		return nil, err
	}
	if in.Expect != nil && *in.Expect != n.Count {
		return nil, styk.FieldError(styk.Conflict, "expect", "changed", "Их теперь другое число: пересчитайте")
	}
	sent, err := c.s.Courier.Replay(c, in.Target, in.Cause, in.Since)
	if err != nil {
		return nil, err
	}
	return counted{Count: int64(sent)}, c.note(actionReplay, about, int64(sent))
}

type delivery struct {
	deliveryRow
	UID   string    `json:"uid" doc:"Known outside." eg:"6d3c2a52-0000-4000-8000-000000000000"`
	Steps []step    `json:"steps"`
	Tries []attempt `json:"tries" doc:"The newest first, secrets masked, long bodies cut."`
}

type step struct {
	Name    string    `json:"name" eg:"case"`
	Done    bool      `json:"done" doc:"false: begun, the outcome may be unknown." eg:"true"`
	Foreign string    `json:"foreign" doc:"The id over there."`
	Number  string    `json:"number" eg:"SR-00000042"`
	URL     string    `json:"url"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
}

type attempt struct {
	Number    int             `json:"number" eg:"1"`
	Started   time.Time       `json:"started"`
	Ended     time.Time       `json:"ended,omitzero"`
	Outcome   string          `json:"outcome" doc:"done, retry, failed, stopped, interrupted, lost" eg:"done"`
	Error     string          `json:"error" doc:"For a technician."`
	Cause     string          `json:"cause" doc:"One sentence in Russian."`
	Warnings  []string        `json:"warnings"`
	Exchanges []styk.Exchange `json:"exchanges" doc:"Requests and answers in their order."`
}

func (c *call) getDelivery() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var shown delivery
	err = c.view(func(tx *store.Tx) error {
		rows, err := tx.Deliveries(store.DeliveryFilter{Before: id + 1, Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) == 0 || rows[0].ID != id {
			return styk.Failed(styk.NotFound, "Такой доставки нет")
		}
		shown = delivery{showDeliveryRow(rows[0]), rows[0].UID, []step{}, []attempt{}}
		steps, err := tx.Steps(id)
		if err != nil {
			return err
		}
		for _, s := range steps {
			shown.Steps = append(shown.Steps, step{s.Name, s.Done, s.Foreign, s.Number, s.URL, s.Started, s.Ended})
		}
		attempts, err := tx.Attempts(id)
		for _, a := range attempts {
			shown.Tries = append(shown.Tries, attempt{a.Number, a.Started, a.Ended, string(a.Outcome), a.Err, a.Cause,
				append([]string{}, a.Warnings...), append([]styk.Exchange{}, a.Exchanges...)})
		}
		return err
	})
	return shown, err
}

type deliveryState struct {
	ID    styk.ID   `json:"id" eg:"99"`
	State string    `json:"state" enum:"due,leased,done,failed"`
	Due   time.Time `json:"due"`
}

func (c *call) retryDelivery() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	if err := c.s.Courier.Retry(c, id); err != nil {
		return nil, err
	}
	if err := c.note(actionRetry, id, 0); err != nil {
		return nil, err
	}
	var d *styk.Delivery
	err = c.view(func(tx *store.Tx) (err error) {
		d, err = tx.Delivery(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return deliveryState{d.ID, string(d.State), d.Due}, nil
}
