package web

import (
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminSearchPage shows what a search found everywhere, in groups.
type adminSearchPage struct {
	adminFrame
	Query  string
	Groups []adminSearchGroup
	Total  int
	Bits   bool // only what the box of the header shows
}

type adminSearchGroup struct {
	Name string
	Icon string
	Hits []adminSearchHit
	All  string // address of the list that has more, "" when it cannot search
}

// adminSearchHit is one line; ID names it for the arrows' keys.
type adminSearchHit struct {
	ID      string
	Address string
	Text    string
	Note    string
	Badge   string
	Tone    string
	exact   bool
}

// searchFound is how many hits of each kind are shown.
const searchFound = 6

// showSearch answers what is typed into the header's box: with ?bits for the
// script, with ?go by leading to the one record that was named exactly.
func (a *admin) showSearch(v *visit) error {
	q := v.r.URL.Query()
	p := adminSearchPage{Query: strings.TrimSpace(q.Get("q")), Bits: q.Has("bits")}
	if len(p.Query) > maxQuery {
		p.Query = strings.ToValidUTF8(p.Query[:maxQuery], "")
	}
	found := &store.Found{}
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.FindAll(p.Query, a.scope(v))
		return err
	})
	if err != nil {
		return err
	}
	p.Groups = a.searchGroups(v, p.Query, found)
	var only *adminSearchHit
	exact := 0
	for i := range p.Groups {
		for j := range p.Groups[i].Hits {
			h := &p.Groups[i].Hits[j]
			h.ID = "hit-" + strconv.Itoa(p.Total)
			if p.Total++; h.exact {
				exact++
			}
			if only == nil || h.exact && !only.exact {
				only = h
			}
		}
	}
	if q.Has("go") && only != nil && (p.Total == 1 || exact == 1) {
		return v.redirect(only.Address, "")
	}
	if p.Bits {
		p.Lang = v.lang
		return a.show(v, http.StatusOK, "search_bits", p)
	}
	p.adminFrame = a.frame(v, "", choose(v.lang, "Поиск", "Search"))
	p.Sought = p.Query
	return a.show(v, http.StatusOK, "admin_search.html", p)
}

// maxQuery is how much of what was typed is looked for, in bytes.
const maxQuery = 400

// scope is what the person may find: what he may open.
func (a *admin) scope(v *visit) store.Scope {
	return store.Scope{Customers: v.may(staff.SeeCustomers), Tickets: v.may(staff.SeeTickets), Files: v.may(staff.SeeTickets),
		Cards: a.Cards != nil && v.may(staff.SeeCards), Deliveries: v.may(staff.SeeDeliveries), Calls: v.may(staff.SeeAPILog), Limit: searchFound}
}

// sameText says whether a text is what was typed, whatever the grouping.
func sameText(typed string, texts ...string) bool {
	plain := func(s string) string { return strings.Join(styk.Words(s), "") }
	for _, t := range texts {
		if t != "" && plain(t) != "" && plain(t) == plain(typed) {
			return true
		}
	}
	return false
}

func (a *admin) searchGroups(v *visit, typed string, f *store.Found) (list []adminSearchGroup) {
	add := func(icon, ru, en, all string, hits []adminSearchHit) {
		if len(hits) > 0 {
			if len(hits) < searchFound {
				all = ""
			}
			list = append(list, adminSearchGroup{Name: choose(v.lang, ru, en), Icon: icon, Hits: hits, All: all})
		}
	}
	add("person", "Клиенты", "Customers", customersFound(typed), customerHits(typed, f.Customers))
	add("inbox", "Обращения", "Tickets", ticketsAddress(typed, "", 0), ticketHits(v.lang, typed, f.Tickets))
	add("card", "Карты", "Cards", cardsAddress(typed, "", "", 0), cardHits(v.lang, typed, f.Cards))
	add("file", "Файлы", "Files", filesAddress(typed, "", 0), fileHits(v.lang, typed, f.Files))
	add("route", "Доставки", "Deliveries", "", deliveryHits(v.lang, typed, f.Deliveries))
	add("log", "Журнал API", "API log", "", a.callHits(v.lang, f.Calls))
	return list
}

func customersFound(query string) string {
	return "/admin/customers" + strings.TrimPrefix(ticketsAddress(query, "", 0), "/admin/tickets")
}

func customerHits(typed string, found []store.CustomerFound) (hits []adminSearchHit) {
	phone := store.PhoneToken(typed)
	for _, c := range found {
		h := adminSearchHit{Address: address("customers", c.ID), Text: c.Name, Note: joined(c.Mobile, c.Email, c.Account),
			exact: sameText(typed, c.INN) || strings.EqualFold(typed, c.Email) || len(phone) >= 10 && phone == store.PhoneToken(c.Mobile)}
		if h.Text == "" {
			h.Text, h.Note = h.Note, ""
		}
		hits = append(hits, h)
	}
	return hits
}

func ticketHits(lang, typed string, found []store.TicketFound) (hits []adminSearchHit) {
	for _, t := range found {
		h := adminSearchHit{Address: address("tickets", t.ID), Text: t.Title, Note: joined(t.Number, t.Over, t.Customer),
			exact: sameText(typed, t.Number, t.Over)}
		h.Badge, h.Tone = statusWord(lang, t.Status)
		if h.Text == "" {
			h.Text = choose(lang, "Без темы", "No subject")
		}
		hits = append(hits, h)
	}
	return hits
}

func cardHits(lang, typed string, found []*styk.Card) (hits []adminSearchHit) {
	for _, c := range found {
		h := adminSearchHit{Address: cardAddress(c.Number), Text: c.Code, Note: shortNumber(c.Number),
			exact: sameText(typed, c.Code) || strings.Contains(strings.ToLower(typed), c.Number)}
		h.Badge, h.Tone = cardStateWord(lang, c)
		if h.Text == "" {
			h.Text, h.Note = h.Note, ""
		}
		hits = append(hits, h)
	}
	return hits
}

func fileHits(lang, typed string, found []*styk.Document) (hits []adminSearchHit) {
	for _, d := range found {
		h := adminSearchHit{Address: fileAddress(d.ID), Text: d.FileName, Note: d.Path,
			exact: strings.EqualFold(typed, d.FileName) || d.Path != "" && strings.Contains(typed, d.Path)}
		if h.Text == "" {
			h.Text = d.Title
		}
		if d.Placeholder {
			h.Badge, h.Tone = choose(lang, "Пустышка", "Stand-in"), "wait"
		}
		hits = append(hits, h)
	}
	return hits
}

func deliveryHits(lang, typed string, found []store.DeliveryFound) (hits []adminSearchHit) {
	for _, d := range found {
		h := adminSearchHit{Address: address("deliveries", d.ID), Text: d.Target, Note: joined(d.Ticket, d.Number), exact: strings.EqualFold(typed, d.UID)}
		if d.Ticket == "" {
			h.Text = joined(d.Target, subjectWord(lang, d.Subject))
		}
		h.Badge, h.Tone = stateWord(lang, d.State)
		hits = append(hits, h)
	}
	return hits
}

func (a *admin) callHits(lang string, found []*styk.APICall) (hits []adminSearchHit) {
	for _, c := range found {
		hits = append(hits, adminSearchHit{Address: address("calls", c.ID), Text: c.Operation, Note: joined(c.Who, a.moment(lang, c.At).Text)})
	}
	return hits
}

// joined puts texts side by side, empty ones left out.
func joined(texts ...string) string {
	var list []string
	for _, t := range texts {
		if t != "" {
			list = append(list, t)
		}
	}
	return strings.Join(list, " · ")
}
