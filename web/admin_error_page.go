package web

import (
	"crypto/rand"
	"net/http"

	"styk"
)

// adminErrorPage says what went wrong and where to go on.
type adminErrorPage struct {
	adminFrame
	Status int
	Head   string
	Text   string
	Quote  string // of an error of ours: what to tell the administrator
	Again  string // address to go on from
}

// fail turns an error into a page.
func (a *admin) fail(v *visit, err error) {
	p := adminErrorPage{Again: "/admin/"}
	p.adminFrame = a.frame(v, "", "")
	switch code := styk.CodeOf(err); {
	case err == errStale:
		p.Status, p.Head = http.StatusForbidden, p.T("Страница устарела", "The page is stale")
		p.Text = p.T("Вы вошли заново или вышли в другой вкладке, поэтому ничего не сделано. Откройте страницу ещё раз и повторите.",
			"You logged in again or out in another tab, so nothing was done. Open the page once more and repeat.")
	case code == styk.NotFound:
		p.Status, p.Head = http.StatusNotFound, p.T("Здесь ничего нет", "There is nothing here")
		p.Text = p.T("Запись удалена, или в адресе опечатка.", "The record was deleted, or there is a slip in the address.")
	case code == styk.Forbidden:
		p.Status, p.Head = http.StatusForbidden, p.T("Это не для вашей роли", "Your role may not do this")
		p.Text = p.T("Если это ваша работа, попросите владельца сменить вам роль.", "If this is your work, ask the owner for another role.")
	case code == styk.Conflict:
		p.Status, p.Head, p.Text = http.StatusConflict, p.T("Уже не получится", "Too late for that"), textOf(err)
		if p.Text == "" {
			p.Text = p.T("Запись тем временем изменилась. Откройте её снова и посмотрите.", "The record has changed meanwhile. Open it again and look.")
		}
	case code != "":
		p.Status, p.Head, p.Text = http.StatusBadRequest, p.T("Так не получится", "That does not work"), textOf(err)
	default:
		p.Quote = rand.Text()[:8]
		p.Status, p.Head = http.StatusInternalServerError, p.T("У нас что-то сломалось", "Something broke on our side")
		p.Text = p.T("Попробуйте ещё раз. Если не поможет, назовите администратору код", "Try again. If it does not help, tell the administrator the code")
		a.Log.Error("admin page", "op", v.r.Pattern, "quote", p.Quote, "err", err)
	}
	p.Title = p.Head
	if err := a.show(v, p.Status, "admin_error.html", p); err != nil {
		http.Error(v.w, "the page could not be made", http.StatusInternalServerError)
	}
}
