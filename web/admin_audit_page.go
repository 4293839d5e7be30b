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

// actionWords tell what was done, and to what kind of thing.
var actionWords = map[string]struct{ ru, en, about string }{
	"login":              {"вошёл", "logged in", ""},
	"login.missed":       {"ошибся паролем", "gave a wrong password", ""},
	"logout":             {"вышел", "logged out", ""},
	"password.set":       {"сменил пароль", "set a password", "user"},
	"link.made":          {"сделал ссылку для пароля", "made a link for a password", "user"},
	"session.ended":      {"завершил сеанс", "ended a session", ""},
	"session.all_ended":  {"завершил сеансы", "ended sessions", "user"},
	"code.missed":        {"ошибся кодом", "gave a wrong code", ""},
	"code.on":            {"включил вход по коду", "switched codes on", "user"},
	"code.off":           {"снял вход по коду", "switched codes off", "user"},
	"code.rule":          {"изменил правило о втором шаге входа", "changed the rule about the second factor", ""},
	"recovery.used":      {"вошёл по запасному коду, осталось", "used a recovery code, left", "amount"},
	"recovery.made":      {"сделал новые запасные коды", "made new recovery codes", "user"},
	"invitation.made":    {"пригласил сотрудника", "invited a colleague", ""},
	"invitation.dropped": {"отозвал приглашение", "took an invitation back", ""},
	"invitation.used":    {"пришёл по приглашению", "came by an invitation", ""},
	"user.role":          {"сменил роль", "changed a role", "user"},
	"user.changed":       {"изменил данные сотрудника", "changed a colleague's details", "user"},
	"user.disabled":      {"закрыл доступ", "closed access", "user"},
	"user.enabled":       {"открыл доступ", "opened access", "user"},
	"program.made":       {"завёл программу", "added a program", "user"},
	"program.changed":    {"изменил права программы", "changed a program's rights", "user"},
	"key.made":           {"сменил ключ", "changed a key", "user"},
	"token.made":         {"сделал токен карт", "made a card token", "token"},
	"token.changed":      {"изменил токен карт", "changed a card token", "token"},
	"token.renewed":      {"сменил текст токена", "changed a token's text", "token"},
	"token.revoked":      {"отозвал токен карт", "revoked a card token", "token"},
	"token.restored":     {"вернул токен карт", "restored a card token", "token"},
	"target.pause":       {"поставил подключение на паузу", "paused a target", ""},
	"target.resume":      {"снял паузу", "resumed a target", ""},
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
