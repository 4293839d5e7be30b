package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/store"
)

// adminAuditPage tells who did what, the newest first.
type adminAuditPage struct {
	adminFrame
	Tabs  []adminTab
	Rows  []adminDeed
	Older string
	First string
}

type adminDeed struct {
	At    moment
	Who   string
	Text  string
	About string // what it was done to
	Link  string // its page; may be empty
	Tone  string
}

const auditPageSize = 50

func (a *admin) showAudit(v *visit) error {
	before, _ := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64)
	p := adminAuditPage{Tabs: a.staffTabs(v, "/admin/audit")}
	p.adminFrame = a.frame(v, "/admin/staff", choose(v.lang, "Журнал действий", "Audit trail"))
	var trail []store.AuditEntry
	names := map[styk.ID]string{}
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		users, err := tx.Users()
		if err != nil {
			return err
		}
		for _, u := range users {
			names[u.ID] = u.Name
		}
		trail, err = tx.AuditTrail(styk.ID(max(before, 0)), auditPageSize+1)
		return err
	})
	if err != nil {
		return err
	}
	if len(trail) > auditPageSize {
		trail = trail[:auditPageSize]
		p.Older = "/admin/audit?before=" + strconv.FormatInt(int64(trail[auditPageSize-1].ID), 10)
	}
	if before > 0 {
		p.First = "/admin/audit"
	}
	for _, e := range trail {
		p.Rows = append(p.Rows, a.deed(v.lang, e, names))
	}
	return a.show(v, http.StatusOK, "admin_audit.html", p)
}

// deed words one entry. An action without words is shown as it is kept.
func (a *admin) deed(lang string, e store.AuditEntry, names map[styk.ID]string) adminDeed {
	w, known := actionWords[e.Action]
	d := adminDeed{At: a.moment(lang, e.At), Who: names[e.User], Text: choose(lang, w.ru, w.en)}
	if !known {
		d.Text = e.Action
	}
	switch {
	case e.User == 0 && (e.Action == "login.missed" || e.Action == "code.missed"):
		d.Who = choose(lang, "неизвестный", "unknown")
	case e.User == 0:
		d.Who = choose(lang, "система", "system")
	case d.Who == "":
		d.Who = fmt.Sprintf("№ %d", e.User)
	}
	if strings.HasSuffix(e.Action, ".missed") {
		d.Tone = "bad"
	}
	number := fmt.Sprintf("№ %d", e.About)
	switch {
	case w.about == "user" && e.About != 0 && e.About != e.User:
		d.About, d.Link = names[e.About], colleagueAddress(e.About)
		if strings.HasPrefix(e.Action, "program.") || e.Action == "key.made" {
			d.Link = programAddress(e.About)
		}
	case w.about == "token":
		d.About, d.Link = number, tokenAddress(e.About)
	case w.about == "ticket":
		d.About, d.Link = number, fmt.Sprintf("/admin/tickets/%d", e.About)
	case w.about == "delivery":
		d.About, d.Link = number, fmt.Sprintf("/admin/deliveries/%d", e.About)
	case w.about == "customer":
		d.About, d.Link = number, fmt.Sprintf("/admin/customers/%d", e.About)
	case w.about == "record":
		d.About = number
	case w.about == "amount":
		d.About = strconv.FormatInt(e.Amount, 10)
	case !known && e.About != 0:
		d.About = number
	}
	if !known && e.Amount != 0 {
		d.About = strings.TrimSpace(d.About + " × " + strconv.FormatInt(e.Amount, 10))
	}
	return d
}
