package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/staff"
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
	CSV     string // address of the same list as a file
	May     bool   // change tickets
	Bulk    []adminBulkGroup
	All     string // how many fit the filter
	Undo    *adminBulkUndo
}

// adminTab is one of the ready filters above a list.
type adminTab struct {
	Address string
	Text    string
	Here    bool
	Count   string
}

type adminTicketRow struct {
	ID           string
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
	Owner        string // who answers for it, "" for nobody
	Waits        string // how long the customer has waited, "" when he does not
	WaitsTone    string
	Spam         string // "" for no suspicion
	Delivery     string // the worst state of its deliveries, "" for none
	DeliveryTone string
}

const pageSize = 40 // rows

// ticketTabs are the ready filters: word in the address, what it shows, whether
// it is counted.
var ticketTabs = []struct {
	word, ru, en string
	counted      bool
}{
	{"", "Все", "All", false},
	{"mine", "Мои", "Mine", true},
	{"new", "Новые", "New", true},
	{"free", "Без ответственного", "Unassigned", true},
	{"overdue", "Просроченные", "Overdue", true},
	{"open", "Открытые", "Open", false},
	{"stuck", "Не доставлены", "Not delivered", false},
	{"closed", "Закрытые", "Closed", false},
	{"spam", "Спам", "Spam", true},
}

// tabsCount is how far the tabs count.
const tabsCount = 100

// ticketFilter reads the filter out of an address; an unknown tab shows all.
func (a *admin) ticketFilter(v *visit, q url.Values) (f store.TicketFilter, show string) {
	f, show = store.TicketFilter{Query: strings.TrimSpace(q.Get("q"))}, q.Get("show")
	switch show {
	case "mine":
		f.Owner = v.session.User.ID
	case "new":
		f.New = true
	case "free":
		f.Free = true
	case "overdue":
		f.Overdue = a.overdue()
	case "open":
		f.Open = true
	case "closed":
		f.Closed = true
	case "stuck":
		f.State = styk.NeedsHand
	case "spam":
		f.Spam = true
	default:
		show = ""
	}
	return f, show
}

// ticketsFound is what the page is made of, read in one view.
type ticketsFound struct {
	rows   []*store.TicketRow
	forms  []*styk.Form
	users  []*styk.User
	counts map[string]int64
	lost   int64
	all    int64
}

func (a *admin) findTickets(v *visit, f store.TicketFilter) (found *ticketsFound, err error) {
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		found = &ticketsFound{counts: map[string]int64{}}
		if found.rows, err = tx.Tickets(f); err != nil {
			return err
		}
		if found.users, err = tx.Users(); err != nil {
			return err
		}
		for _, t := range ticketTabs {
			if !t.counted {
				continue
			}
			tab, _ := a.ticketFilter(v, url.Values{"show": {t.word}})
			if found.counts[t.word], err = tx.CountTickets(tab, tabsCount); err != nil {
				return err
			}
		}
		if found.lost, err = tx.CountLost(tabsCount); err != nil || len(found.rows) == 0 {
			if err == nil {
				found.forms, err = tx.Forms()
			}
			return err
		}
		if v.may(staff.ChangeTickets) {
			whole := f
			whole.Before = 0
			found.all, err = tx.CountTickets(whole, bulkMost+1)
		}
		return err
	})
	return found, err
}

func (a *admin) showTickets(v *visit) error {
	q := v.r.URL.Query()
	f, show := a.ticketFilter(v, q)
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	f.Before, f.Limit = styk.ID(max(before, 0)), pageSize+1
	found, err := a.findTickets(v, f)
	if err != nil {
		return err
	}
	p := adminTicketsPage{Query: f.Query, Show: show, May: v.may(staff.ChangeTickets), CSV: csvAddress(f.Query, show)}
	p.adminFrame = a.frame(v, "/admin/tickets", choose(v.lang, "Обращения", "Tickets"))
	a.ticketTabs(&p, found)
	rows := found.rows
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		p.Older = ticketsAddress(p.Query, p.Show, rows[pageSize-1].ID)
	}
	if f.Before != 0 {
		p.First = ticketsAddress(p.Query, p.Show, 0)
	}
	names := userNames(found.users)
	for _, r := range rows {
		row := a.ticketRow(v.lang, r)
		row.Owner = names[r.Owner]
		p.Rows = append(p.Rows, row)
	}
	p.Nothing = len(rows) == 0 && p.Query == "" && p.Show == "" && f.Before == 0
	for _, form := range found.forms {
		if !form.Disabled {
			p.TryForm = "/f/" + form.Name
			break
		}
	}
	if p.May && len(rows) > 0 {
		p.Bulk, p.All = bulkActions(v.lang, found.users), cappedAt(found.all, bulkMost)
	}
	p.Undo = bulkUndo(v.lang, q)
	if q.Get("part") == "rows" {
		return a.show(v, http.StatusOK, "tickets_found", p)
	}
	return a.show(v, http.StatusOK, "admin_tickets.html", p)
}

func (a *admin) ticketTabs(p *adminTicketsPage, found *ticketsFound) {
	for _, t := range ticketTabs {
		tab := adminTab{Address: ticketsAddress(p.Query, t.word, 0), Text: p.T(t.ru, t.en), Here: t.word == p.Show}
		if n := found.counts[t.word]; n > 0 {
			tab.Count = cappedAt(n, tabsCount-1)
		}
		p.Tabs = append(p.Tabs, tab)
	}
	if found.lost > 0 {
		p.Tabs = append(p.Tabs, adminTab{Address: "/admin/mail", Text: p.T("Письма", "Letters"),
			Count: cappedAt(found.lost, tabsCount-1)})
	}
}

func cappedAt(n, most int64) string {
	if n > most {
		return strconv.FormatInt(most, 10) + "+"
	}
	return strconv.FormatInt(n, 10)
}

// ticketsAddress keeps the filters in the address, so that a list can be sent to
// a colleague.
func ticketsAddress(query, show string, before styk.ID) string {
	return "/admin/tickets" + ticketsFilterText(query, show, before)
}

func csvAddress(query, show string) string {
	return "/admin/tickets/csv" + ticketsFilterText(query, show, 0)
}

func ticketsFilterText(query, show string, before styk.ID) string {
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
		return ""
	}
	return "?" + q.Encode()
}

func address(list string, id styk.ID) string {
	return "/admin/" + list + "/" + strconv.FormatInt(int64(id), 10)
}

func (a *admin) ticketRow(lang string, r *store.TicketRow) adminTicketRow {
	row := adminTicketRow{ID: strconv.FormatInt(int64(r.ID), 10), Address: address("tickets", r.ID), Number: r.Number, Title: r.Title,
		Form: r.Form, Customer: r.Name, Reach: r.Mobile, Created: a.moment(lang, r.Created)}
	row.Status, row.Tone = statusWord(lang, r.Status)
	row.Waits, row.WaitsTone = a.waits(lang, r.Waits)
	switch {
	case r.Spam:
		row.Spam = choose(lang, "спам", "spam")
	case r.Suspicion > 0:
		row.Spam = choose(lang, "похоже на спам", "looks like spam")
	}
	if row.Number == "" {
		row.Number = "№ " + row.ID
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

// answerTime is how long a customer may wait where nobody says otherwise.
const answerTime = 4 * time.Hour

// waitsShown is how long a customer waits before it is worth a word.
const waitsShown = 15 * time.Minute

// overdue is the time since when who waits now waits too long.
func (a *admin) overdue() time.Time {
	if a.Overdue == nil {
		return a.now().Add(-answerTime)
	}
	return a.Overdue(a.now())
}

// waits words how long a customer has waited; red when it is too long, yellow
// when three quarters of the time are gone.
func (a *admin) waits(lang string, since time.Time) (text, tone string) {
	if since.IsZero() {
		return "", ""
	}
	passed, limit := a.now().Sub(since), answerTime
	if a.Waited != nil {
		passed, limit = a.Waited(since, a.now())
	}
	switch {
	case passed >= limit:
		tone = "bad"
	case 4*passed >= 3*limit:
		tone = "wait"
	}
	if tone == "" && a.now().Sub(since) < waitsShown {
		return "", ""
	}
	return choose(lang, "ждёт ", "waits ") + length(lang, max(a.now().Sub(since), time.Minute)), tone
}

// userNames are people by number, as colleagues call them; programs are not
// there.
func userNames(users []*styk.User) map[styk.ID]string {
	names := map[styk.ID]string{}
	for _, u := range users {
		if u.Role != styk.RoleAPI {
			names[u.ID] = userName(u)
		}
	}
	return names
}

func userName(u *styk.User) string {
	if full := (&styk.Contact{FirstName: u.FirstName, LastName: u.LastName}).Label(); full != "" {
		return full
	}
	return u.Name
}

// mayAnswer says whether tickets can be given to somebody.
func mayAnswer(u *styk.User) bool { return !u.Disabled && staff.May(u.Role, staff.ChangeTickets) }
