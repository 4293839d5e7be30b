package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminCustomersPage lists customers.
type adminCustomersPage struct {
	adminFrame
	Query   string
	Show    string // the chosen tab
	Tabs    []adminTab
	Rows    []adminCustomerRow
	Older   string // address of the next page, "" at the end
	First   string // address of the first page, "" when this is it
	Nothing bool   // there is no customer at all
}

type adminCustomerRow struct {
	ID      styk.ID
	Address string
	Name    string
	Account string
	Phone   string
	Mail    string
	INN     string
	Double  bool // may be somebody else too
	Odd     string
	Created moment
}

const showDoubles = "doubles"

func (a *admin) showCustomers(v *visit) error {
	q := v.r.URL.Query()
	p := adminCustomersPage{Query: strings.TrimSpace(q.Get("q")), Show: q.Get("show")}
	p.adminFrame = a.frame(v, "/admin/customers", choose(v.lang, "Клиенты", "Customers"))
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	f := store.CustomerFilter{Query: p.Query, Flagged: p.Show == showDoubles, Before: styk.ID(max(before, 0)), Limit: pageSize + 1}
	if !f.Flagged {
		p.Show = ""
	}
	for _, t := range []struct{ word, ru, en string }{{"", "Все", "All"}, {showDoubles, "Возможные двойники", "Possible doubles"}} {
		p.Tabs = append(p.Tabs, adminTab{Address: customersAddress(p.Query, t.word, 0), Text: p.T(t.ru, t.en), Here: t.word == p.Show})
	}
	if v.may(staff.ErasePerson) {
		p.Tabs = append(p.Tabs, adminTab{Address: "/admin/erasures", Text: p.T("Удалённые данные", "Erased data")})
	}
	var rows []*store.CustomerRow
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.Customers(f)
		return err
	})
	if err != nil {
		return err
	}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		p.Older = customersAddress(p.Query, p.Show, rows[pageSize-1].ID)
	}
	if f.Before != 0 {
		p.First = customersAddress(p.Query, p.Show, 0)
	}
	for _, r := range rows {
		p.Rows = append(p.Rows, a.customerRow(v.lang, r))
	}
	p.Nothing = len(rows) == 0 && p.Query == "" && p.Show == "" && f.Before == 0
	return a.show(v, http.StatusOK, "admin_customers.html", p)
}

func customersAddress(query, show string, before styk.ID) string {
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
		return "/admin/customers"
	}
	return "/admin/customers?" + q.Encode()
}

func (a *admin) customerRow(lang string, r *store.CustomerRow) adminCustomerRow {
	row := adminCustomerRow{ID: r.ID, Address: address("customers", r.ID), Name: r.Name, Account: r.Account, Phone: r.Mobile, Mail: r.Email,
		INN: r.INN, Created: a.moment(lang, r.Created)}
	if row.Name == "" {
		row.Name = choose(lang, "Имя не указано", "No name given")
	}
	row.Double = slices.ContainsFunc(r.Warnings, isDouble)
	for _, w := range r.Warnings {
		if !isDouble(w) && w.Field == "inn" {
			row.Odd = w.Text
		}
	}
	return row
}

func isDouble(w styk.Warning) bool { return w.Rule == "duplicate" }
