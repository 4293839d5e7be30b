package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"styk"
	"styk/staff"
	"styk/store"
	"styk/wallet"
)

// What is noted of work on cards.
const (
	actionCardMade   = "card.made"
	actionCardChange = "card.changed"
	actionCardDelete = "card.deleted"
	actionCardPush   = "card.pushed"
)

var cardOperations = []operation{
	{id: "listCards", method: "GET", path: "/cards", rights: []staff.Right{staff.SeeCards}, tag: "cards",
		says: words{"Найти карты или перечислить их", "Find cards, or list them"},
		query: append([]param{
			{name: "q", kind: "string", text: "What a person would type: the tail of a phone, name, e-mail, barcode.", eg: "1234511"},
			{name: "template", kind: "string", text: "Only those of one template.", eg: "5be000000000000000000001"},
			{name: "customer", kind: "integer", text: "Only those of one customer.", eg: "17"},
			{name: "installed", kind: "boolean", text: "Only those on phones, or only the others.", eg: "true"},
			{name: "deleted", kind: "boolean", text: "Deleted ones instead of living.", eg: "true"},
		}, paged...), answer: page[cardRow]{}, handle: (*call).listCards},
	{id: "issueCard", method: "POST", path: "/cards", rights: []staff.Right{staff.ChangeCards}, tag: "cards",
		says:  words{"Выпустить карту", "Issue a card"},
		about: "Where the template adopts, a card with the same unique value is given the values and comes back with 200.",
		body:  cardNew{}, answer: card{}, status: http.StatusCreated, once: true, handle: (*call).issueCard},
	{id: "getCard", method: "GET", path: "/cards/{number}", rights: []staff.Right{staff.SeeCards}, tag: "cards",
		says: words{"Прочитать карту, живую или удалённую", "Read a card, alive or deleted"}, answer: card{}, handle: (*call).getCard},
	{id: "changeCard", method: "PATCH", path: "/cards/{number}", rights: []staff.Right{staff.ChangeCards}, tag: "cards",
		says:  words{"Изменить значения карты", "Change values of a card"},
		about: "Values that are not given stay. Phones that have the card are told.",
		body:  cardValues{}, answer: card{}, handle: (*call).changeCard},
	{id: "deleteCard", method: "DELETE", path: "/cards/{number}", rights: []staff.Right{staff.ChangeCards}, tag: "cards",
		says: words{"Удалить карту", "Delete a card"}, handle: (*call).deleteCard},
	{id: "getCardHistory", method: "GET", path: "/cards/{number}/history", rights: []staff.Right{staff.SeeCards}, tag: "cards",
		says: words{"История карты", "History of a card"}, query: paged, answer: page[change]{}, handle: (*call).cardHistory},
	{id: "listCardDevices", method: "GET", path: "/cards/{number}/devices", rights: []staff.Right{staff.SeeCards}, tag: "cards",
		says: words{"Телефоны с картой", "Phones that have the card"}, answer: all[device]{}, handle: (*call).listDevices},
	{id: "pushCard", method: "POST", path: "/cards/{number}/push", rights: []staff.Right{staff.ChangeCards}, tag: "cards",
		says:  words{"Позвать телефоны карты, с текстом или без", "Call the card's phones, with a text or without"},
		about: "A text stands on the card's back and shows on the lock screen.",
		body:  pushing{}, answer: pushed{}, handle: (*call).pushCard},
}

type cardRow struct {
	Number    string            `json:"number" eg:"5bea7e305abcfd6b708b4573"`
	Template  string            `json:"template" eg:"5be000000000000000000001"`
	Customer  styk.ID           `json:"customer,omitempty" eg:"17"`
	Code      string            `json:"code" doc:"Text of the barcode, where it is the card's own."`
	Values    map[string]string `json:"values" doc:"By variable, without per cent signs." eg:"{\"CLIENT_NAME\":\"Иван Иванов\",\"BONUS\":\"120\"}"`
	Revision  int64             `json:"revision" doc:"Raised by every change of what it shows." eg:"3"`
	Source    string            `json:"source" eg:"passteam"`
	Created   time.Time         `json:"created"`
	Modified  time.Time         `json:"modified"`
	Deleted   time.Time         `json:"deleted,omitzero" doc:"Absent: it is alive."`
	Installed time.Time         `json:"installed,omitzero" doc:"Absent: on no phone."`
	Warnings  []warning         `json:"warnings"`
}

func showCardRow(k *styk.Card) cardRow {
	values := k.Values
	if values == nil {
		values = map[string]string{}
	}
	return cardRow{k.Number, k.Template, k.Contact, k.Code, values, k.Revision, k.Source, k.Created, k.Modified, k.Deleted, k.Installed,
		showWarnings(k.Warnings)}
}

type card struct {
	cardRow
	URL string `json:"url" doc:"The card's page: a link for its holder." eg:"https://styk.firm.ru/c/5bea7e305abcfd6b708b4573-secret"`
}

func (c *call) showCard(k *styk.Card) card { return card{showCardRow(k), c.s.Cards.URL(k.Number)} }

// Bounds of a search: how many holders are looked at, how many cards found.
const (
	maxHolders = 100
	maxFound   = 512
)

func (c *call) listCards() (any, error) {
	q := store.CardQuery{Template: c.query["template"], Contact: c.query.id("customer"), Deleted: c.query["deleted"] == "true",
		Before: c.query.id("before"), Limit: c.limit() + 1}
	if text, given := c.query["installed"]; given {
		installed := text == "true"
		q.Installed = &installed
	}
	var list []*styk.Card
	err := c.view(func(tx *store.Tx) (err error) {
		if text := strings.TrimSpace(c.query["q"]); text != "" {
			if q.IDs, err = findCards(tx, text, q.Deleted); err != nil {
				return err
			}
		}
		list, err = tx.Cards(q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pageOf(c, list, func(k *styk.Card) int64 { return int64(k.ID) }, showCardRow), nil
}

// findCards gives the cards that a search finds, themselves or by their holder.
func findCards(tx *store.Tx, text string, deleted bool) ([]styk.ID, error) {
	hits, err := tx.Search(text, []styk.Kind{styk.KindContact, store.KindCard}, maxHolders)
	if err != nil {
		return nil, err
	}
	ids := []styk.ID{}
	for _, h := range hits {
		if h.Kind == store.KindCard {
			ids = append(ids, h.ID)
			continue
		}
		cards, err := tx.Cards(store.CardQuery{Contact: h.ID, Deleted: deleted, Limit: maxLimit})
		if err != nil {
			return nil, err
		}
		for _, k := range cards {
			ids = append(ids, k.ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids[max(0, len(ids)-maxFound):], nil
}

type cardNew struct {
	Template string            `json:"template" eg:"5be000000000000000000001"`
	Values   map[string]string `json:"values" doc:"By variable, without per cent signs." eg:"{\"CLIENT_NAME\":\"Иван Иванов\",\"PHONE\":\"+79491234511\"}"`
	Customer styk.ID           `json:"customer,omitempty" doc:"Whose it is; absent: found by the values."`
}

func (c *call) issueCard() (any, error) {
	in := c.in.(*cardNew)
	values, err := cleanCardValues(in.Values)
	if err != nil {
		return nil, err
	}
	var made *styk.Card
	adopted := false
	err = c.change(actionCardMade, in.Customer, func(tx *store.Tx) error {
		made, adopted = nil, true
		if in.Customer != 0 && tx.Load(contactOf(in.Customer)) != nil {
			return styk.FieldError(styk.Reference, "customer", "reference", "Такого клиента нет")
		}
		id, err := c.once(tx, string(c.body), func() (styk.ID, error) {
			var err error
			made, adopted, err = c.s.Cards.IssueIn(tx, wallet.New{Template: in.Template, Values: values, Contact: in.Customer, Source: origin, By: c.by()})
			if err != nil {
				return 0, err
			}
			return made.ID, nil
		})
		if err != nil || made != nil {
			return err
		}
		made, err = tx.CardByID(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.s.wake()
	if adopted {
		c.status = http.StatusOK
	}
	return c.showCard(made), nil
}

// origin is where cards that come through this door say they are from.
const origin = "api"

// wake tells the courier of events of cards.
func (s *Server) wake() {
	if s.Cards.Wake != nil {
		s.Cards.Wake()
	}
}

// cleanCardValues brings values into the form in which package wallet keeps
// them.
func cleanCardValues(values map[string]string) (map[string]string, error) {
	clean := map[string]string{}
	var faults []styk.Fault
	for name, text := range values {
		text = norm.NFC.String(strings.TrimSpace(text))
		if !styk.ValidVariable(name) {
			faults = append(faults, styk.Fault{Field: "values." + shown(name), Rule: "identifier", Text: "Имя переменной: буквы, цифры и _, без %"})
		}
		if len([]rune(text)) > wallet.MaxValue {
			faults = append(faults, styk.Fault{Field: "values." + shown(name), Rule: "length", Text: "Не длиннее 1000 знаков"})
		}
		clean[name] = text
	}
	if faults != nil {
		return nil, &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return clean, nil
}

// number reads a card's or template's number in the path; a wrong one names
// nothing.
func (c *call) number(name string) (string, error) {
	number := c.r.PathValue(name)
	if !styk.ValidCardNumber(number) {
		return "", styk.Failed(styk.NotFound, "Такой карты нет")
	}
	return number, nil
}

func (c *call) loadCard() (*styk.Card, error) {
	number, err := c.number("number")
	if err != nil {
		return nil, err
	}
	k, _, err := c.s.Cards.Load(c, number)
	return k, err
}

func (c *call) getCard() (any, error) {
	k, err := c.loadCard()
	if err != nil {
		return nil, err
	}
	return c.showCard(k), nil
}

type cardValues struct {
	Values map[string]string `json:"values" eg:"{\"BONUS\":\"140\"}"`
}

func (c *call) changeCard() (any, error) {
	before, err := c.loadCard()
	if err != nil {
		return nil, err
	}
	values, err := cleanCardValues(c.in.(*cardValues).Values)
	if err != nil {
		return nil, err
	}
	k, changed, err := c.s.Cards.Update(c, before.Number, values, c.by())
	if err != nil {
		return nil, err
	}
	if changed {
		err = c.note(actionCardChange, k.ID, 0)
	}
	return c.showCard(k), err
}

func (c *call) deleteCard() (any, error) {
	k, err := c.loadCard()
	if err != nil {
		return nil, err
	}
	if err := c.s.Cards.Delete(c, k.Number, c.by()); err != nil {
		return nil, err
	}
	return nil, c.note(actionCardDelete, k.ID, 0)
}

func (c *call) cardHistory() (any, error) {
	k, err := c.loadCard()
	if err != nil {
		return nil, err
	}
	var list []store.Change
	err = c.view(func(tx *store.Tx) (err error) {
		list, err = tx.CardHistory(k.ID, int64(c.query.id("before")), c.limit()+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pageOf(c, list, changeNumber, showChange), nil
}

type device struct {
	Platform string    `json:"platform" doc:"apple or web" eg:"apple"`
	Agent    string    `json:"agent" doc:"What the phone says of itself."`
	Created  time.Time `json:"created"`
	Seen     time.Time `json:"seen" doc:"Any call of the phone about this card."`
	PushDue  time.Time `json:"push_due,omitzero" doc:"When it is to be told of a change; absent: it knows."`
	Pushed   time.Time `json:"pushed,omitzero" doc:"The last push that the service took."`
	Verdict  string    `json:"verdict" doc:"Of the last push: pushed, pruned, later, stopped; empty: none yet."`
	Reason   string    `json:"reason" doc:"Apple's word for it."`
	Fetched  time.Time `json:"fetched,omitzero"`
	Revision int64     `json:"fetched_revision" doc:"Of the card, as the phone has it." eg:"3"`
}

func (c *call) listDevices() (any, error) {
	k, err := c.loadCard()
	if err != nil {
		return nil, err
	}
	var list []*styk.CardDevice
	err = c.view(func(tx *store.Tx) (err error) {
		list, err = tx.CardDevices(k.ID)
		return err
	})
	return allOf(list, func(d *styk.CardDevice) device {
		return device{d.Platform, d.Agent, d.Created, d.Seen, d.PushDue, d.Pushed, d.Verdict, d.Reason, d.Fetched, d.FetchedRevision}
	}), err
}

type pushing struct {
	Text string `json:"text,omitempty" doc:"Absent: the phones are called without a change." eg:"Завтра баллы удвоятся"`
}

type pushed struct {
	Phones int `json:"phones" doc:"How many are called." eg:"1"`
}

const maxPush = 500 // letters

func (c *call) pushCard() (any, error) {
	k, err := c.loadCard()
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(c.in.(*pushing).Text)
	if len([]rune(text)) > maxPush {
		return nil, styk.FieldError(styk.Invalid, "text", "length", "Не длиннее 500 знаков")
	}
	var phones int
	if text == "" {
		phones, err = c.s.Cards.Call(c, k.Number)
	} else {
		err = c.s.Cards.PushText(c, k.Number, text, c.by())
	}
	if err != nil {
		return nil, err
	}
	if err := c.note(actionCardPush, k.ID, 0); err != nil {
		return nil, err
	}
	if text == "" {
		return pushed{phones}, nil
	}
	err = c.view(func(tx *store.Tx) error {
		list, err := tx.CardDevices(k.ID)
		phones = len(list)
		return err
	})
	return pushed{phones}, err
}
