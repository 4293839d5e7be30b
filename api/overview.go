package api

import (
	"strings"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

var overviewOperations = []operation{
	{id: "getMe", method: "GET", path: "/me", tag: "overview", says: words{"Что это за ключ", "What this key is"}, answer: key{}, handle: (*call).getMe},
	{id: "getOverview", method: "GET", path: "/overview", tag: "overview", says: words{"Что ждёт человека и что в очередях", "What waits for a person, and the queues"},
		about: "Holds only what the key may read.", answer: overview{}, handle: (*call).getOverview},
	{id: "search", method: "GET", path: "/search", tag: "overview", says: words{"Искать всюду", "Search everywhere"},
		about: "Finds only kinds that the key may read.",
		query: []param{{name: "q", kind: "string", text: "The tail of a phone, a number in any grouping, ИНН, card, name with е or ё.", eg: "1234511"},
			{name: "limit", kind: "integer", text: "How many at most, 1 to 200; 50 without it.", eg: "20"}},
		answer: all[hit]{}, handle: (*call).search},
}

func (c *call) getMe() (any, error) { return showKey(c.key), nil }

type overview struct {
	At      time.Time   `json:"at"`
	Version string      `json:"version" doc:"Of the program." eg:"1.0.0"`
	Failed  *int64      `json:"failed,omitempty" doc:"Deliveries that wait for a person." eg:"0"`
	Waiting *int64      `json:"waiting,omitempty" doc:"Deliveries that wait for their time." eg:"3"`
	Paused  *int        `json:"paused,omitempty" doc:"Targets that stand." eg:"0"`
	Oldest  time.Time   `json:"oldest,omitzero" doc:"When the oldest waiting delivery was made."`
	Courier *bool       `json:"courier,omitempty" doc:"Deliveries are being carried." eg:"true"`
	Newest  []ticketRow `json:"newest_open,omitempty" doc:"The newest open tickets, at most ten."`
}

func (c *call) getOverview() (any, error) {
	shown := overview{At: c.s.DB.Now().UTC(), Version: c.s.Version}
	if c.may(staff.SeeDeliveries) {
		if err := shown.queues(c); err != nil {
			return nil, err
		}
	}
	if c.may(staff.SeeTickets) {
		c.query = query{"status": "open", "limit": "10"}
		newest, err := c.listTickets()
		if err != nil {
			return nil, err
		}
		shown.Newest = newest.(page[ticketRow]).Items
	}
	return shown, nil
}

// queues counts what is not delivered yet.
func (o *overview) queues(c *call) error {
	list, queues, err := c.targets()
	if err != nil {
		return err
	}
	var failed, waiting int64
	paused, running := 0, c.s.Courier.QueueRunning()
	for _, q := range queues {
		failed, waiting = failed+q.Failed, waiting+q.Waiting
		if !q.Oldest.IsZero() && (o.Oldest.IsZero() || q.Oldest.Before(o.Oldest)) {
			o.Oldest = q.Oldest
		}
	}
	for _, t := range list {
		if !t.Paused.IsZero() {
			paused++
		}
	}
	o.Failed, o.Waiting, o.Paused, o.Courier = &failed, &waiting, &paused, &running
	return nil
}

type hit struct {
	Kind   string  `json:"kind" enum:"ticket,contact,card"`
	ID     styk.ID `json:"id,omitempty" doc:"Of a ticket or a customer." eg:"17"`
	Number string  `json:"number,omitempty" doc:"Of a ticket or a card."`
	Label  string  `json:"label" eg:"Иван Иванов"`
}

func (c *call) search() (any, error) {
	var kinds []styk.Kind
	for _, k := range []struct {
		kind  styk.Kind
		right staff.Right
	}{{styk.KindTicket, staff.SeeTickets}, {styk.KindContact, staff.SeeCustomers}, {store.KindCard, staff.SeeCards}} {
		if c.may(k.right) {
			kinds = append(kinds, k.kind)
		}
	}
	list := all[hit]{Items: []hit{}}
	text := strings.TrimSpace(c.query["q"])
	if text == "" {
		return nil, styk.FieldError(styk.Missing, "q", "required", "Что искать?")
	}
	if len(kinds) == 0 {
		return list, nil
	}
	err := c.view(func(tx *store.Tx) error {
		list.Items = []hit{}
		hits, err := tx.Search(text, kinds, c.limit())
		if err != nil {
			return err
		}
		for _, h := range hits {
			shown, err := showHit(tx, h)
			if styk.CodeOf(err) == styk.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			list.Items = append(list.Items, shown)
		}
		return nil
	})
	return list, err
}

func showHit(tx *store.Tx, h store.Hit) (hit, error) {
	switch h.Kind {
	case store.KindCard:
		k, err := tx.CardByID(h.ID)
		if err != nil {
			return hit{}, err
		}
		return hit{Kind: string(h.Kind), Number: k.Number, Label: k.Code}, nil
	case styk.KindTicket:
		t := ticketOf(h.ID)
		err := tx.Load(t)
		return hit{string(h.Kind), h.ID, t.Number, t.Label()}, err
	}
	contact := contactOf(h.ID)
	err := tx.Load(contact)
	return hit{Kind: string(h.Kind), ID: h.ID, Label: contact.Label()}, err
}
