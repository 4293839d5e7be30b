package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"styk"
	"styk/store"
)

// adminTicketsPage lists the requests of customers.
type adminTicketsPage struct {
	adminFrame
	Query   string
	Show    string // the chosen tab
	Tabs    []adminTab
	Rows    []adminTicketRow
	Older   string // address of the next page, "" at the end
	First   string // address of the first page, "" when this is it
	Nothing bool   // there is no ticket at all
	TryForm string // address of a form to send the first one by, "" for none
}

// adminTab is one of the ready filters above a list.
type adminTab struct {
	Address string
	Text    string
	Here    bool
	Count   string
}

type adminTicketRow struct {
	Address      string
	Number       string
	Foreign      string // numbers elsewhere
	Title        string
	Form         string
	Status       string
	Tone         string
	Customer     string
	Reach        string // phone or e-mail
	Created      moment
	Delivery     string // the worst state of its deliveries, "" for none
	DeliveryTone string
}

const pageSize = 40 // rows

// ticketTabs are the ready filters: word in the address, what it shows.
var ticketTabs = []struct{ word, ru, en string }{
	{"", "Все", "All"},
	{"open", "Открытые", "Open"},
	{"stuck", "Не доставлены", "Not delivered"},
	{"closed", "Закрытые", "Closed"},
}

func (a *admin) showTickets(v *visit) error {
	q := v.r.URL.Query()
	p := adminTicketsPage{Query: strings.TrimSpace(q.Get("q")), Show: q.Get("show")}
	p.adminFrame = a.frame(v, "/admin/tickets", choose(v.lang, "Обращения", "Tickets"))
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	f := store.TicketFilter{Query: p.Query, Before: styk.ID(max(before, 0)), Limit: pageSize + 1}
	switch p.Show {
	case "open":
		f.Open = true
	case "closed":
		f.Closed = true
	case "stuck":
		f.State = styk.NeedsHand
	default:
		p.Show = ""
	}
	for _, t := range ticketTabs {
		p.Tabs = append(p.Tabs, adminTab{Address: ticketsAddress(p.Query, t.word, 0), Text: p.T(t.ru, t.en), Here: t.word == p.Show})
	}
	var rows []*store.TicketRow
	var forms []*styk.Form
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if rows, err = tx.Tickets(f); err != nil || len(rows) > 0 {
			return err
		}
		forms, err = tx.Forms()
		return err
	})
	if err != nil {
		return err
	}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		p.Older = ticketsAddress(p.Query, p.Show, rows[pageSize-1].ID)
	}
	if f.Before != 0 {
		p.First = ticketsAddress(p.Query, p.Show, 0)
	}
	for _, r := range rows {
		p.Rows = append(p.Rows, a.ticketRow(v.lang, r))
	}
	p.Nothing = len(rows) == 0 && p.Query == "" && p.Show == "" && f.Before == 0
	for _, form := range forms {
		if !form.Disabled {
			p.TryForm = "/f/" + form.Name
			break
		}
	}
	return a.show(v, http.StatusOK, "admin_tickets.html", p)
}

// ticketsAddress keeps the filters in the address, so that a list can be sent to
// a colleague.
func ticketsAddress(query, show string, before styk.ID) string {
	q := url.Values{}
	if query != "" {
		q.Set("q", query)
	}
	if show != "" {
		q.Set("show", show)
	}
	if before != 0 {
		q.Set("before", strconv.FormatInt(int64(before), 10))
	}
	if len(q) == 0 {
		return "/admin/tickets"
	}
	return "/admin/tickets?" + q.Encode()
}

func address(list string, id styk.ID) string {
	return "/admin/" + list + "/" + strconv.FormatInt(int64(id), 10)
}

func (a *admin) ticketRow(lang string, r *store.TicketRow) adminTicketRow {
	row := adminTicketRow{Address: address("tickets", r.ID), Number: r.Number, Title: r.Title, Form: r.Form, Customer: r.Name,
		Reach: r.Mobile, Created: a.moment(lang, r.Created)}
	row.Status, row.Tone = statusWord(lang, r.Status)
	if row.Number == "" {
		row.Number = "№ " + strconv.FormatInt(int64(r.ID), 10)
	}
	if row.Title == "" {
		row.Title = choose(lang, "Без темы", "No subject")
	}
	if row.Customer == "" {
		row.Customer = r.Account
	}
	if row.Reach == "" {
		row.Reach = r.Email
	}
	if row.Customer == "" {
		row.Customer, row.Reach = row.Reach, ""
	}
	var foreign []string
	var worst styk.DeliveryState
	for _, d := range r.Deliveries {
		if d.Number != "" {
			foreign = append(foreign, d.Number)
		}
		worst = worse(worst, d.State)
	}
	row.Foreign = strings.Join(foreign, ", ")
	if worst != "" {
		row.Delivery, row.DeliveryTone = arrivalWord(lang, worst)
	}
	return row
}

// worse gives the state that a person must hear of first.
func worse(a, b styk.DeliveryState) styk.DeliveryState {
	rank := map[styk.DeliveryState]int{styk.Delivered: 1, styk.Leased: 2, styk.Due: 3, styk.NeedsHand: 4}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
