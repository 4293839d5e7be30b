package web

import (
	"net/http"
	"net/url"
	"strings"

	"styk"
	"styk/staff"
)

// adminLoginPage asks who it is.
type adminLoginPage struct {
	adminFrame
	Name  string
	Next  string
	Fault string
}

func (a *admin) showLogin(v *visit) error {
	next := safeNext(v.r.URL.Query().Get("next"))
	if v.session != nil {
		return v.redirect(next, "")
	}
	return a.show(v, http.StatusOK, "admin_login.html", a.loginPage(v, next))
}

func (a *admin) loginPage(v *visit, next string) adminLoginPage {
	p := adminLoginPage{Next: next}
	p.adminFrame = a.frame(v, "", choose(v.lang, "Вход", "Log in"))
	return p
}

func (a *admin) login(v *visit) error {
	name, next := v.r.PostForm.Get("name"), safeNext(v.r.PostForm.Get("next"))
	entry, err := a.Staff.Login(v.r.Context(), name, v.r.PostForm.Get("password"), a.client(v.r))
	status := 0
	switch styk.CodeOf(err) {
	case styk.Forbidden:
		status = http.StatusForbidden
	case styk.TooMany:
		status = http.StatusTooManyRequests
	default:
		if err != nil {
			return err
		}
		return a.entered(v, entry, next, "")
	}
	p := a.loginPage(v, next)
	p.Name, p.Fault = name, textOf(err)
	if status == http.StatusForbidden {
		p.Fault = p.T(p.Fault, "The name or the password does not fit")
	} else {
		p.Fault = p.T(p.Fault, manyTries)
	}
	return a.show(v, status, "admin_login.html", p)
}

const manyTries = "Too many tries. Wait a quarter of an hour and try again"

// entered sends somebody on who gave the right password: to his work, or to the
// question for his code.
func (a *admin) entered(v *visit, e staff.Entry, next, said string) error {
	if e.Half {
		a.setCookie(v, halfCookie, e.Secret, halfCookieLife)
		return v.redirect("/admin/login/code?next="+url.QueryEscape(next), "")
	}
	a.letIn(v, e.Secret)
	return v.redirect(next, said)
}

// letIn gives the browser its session.
func (a *admin) letIn(v *visit, secret string) {
	a.setCookie(v, sessionCookie, secret, a.Staff.Life)
	a.setCookie(v, guestCookie, "", 0)
}

func (a *admin) logout(v *visit) error {
	if err := a.Staff.Logout(v.r.Context(), v.session); err != nil {
		return err
	}
	a.setCookie(v, sessionCookie, "", 0)
	v.w.Header().Set("Clear-Site-Data", `"cache"`)
	return v.redirect("/admin/login", "bye")
}

// safeNext lets nobody be sent elsewhere after the login.
func safeNext(next string) string {
	if strings.HasPrefix(next, "/admin/") && !strings.ContainsAny(next, "\\\r\n") && !strings.HasPrefix(next, "/admin/log") {
		return next
	}
	return "/admin/"
}
