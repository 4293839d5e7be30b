package web

import (
	"net/http"
	"time"

	"styk"
)

// halfCookieLife is a little longer than the code is waited for: the door says
// when it is too late.
const halfCookieLife = 15 * time.Minute

// adminCodePage asks for the code of the phone, after the password.
type adminCodePage struct {
	adminFrame
	Next     string
	Name     string
	Fault    string
	Recovery bool // a code for a lost phone was tried
}

// half gives who owes a code, and what the browser knows it by; nil when nobody
// does.
func (a *admin) half(v *visit) (u *styk.User, secret string, err error) {
	c, err := v.r.Cookie(halfCookie)
	if err != nil {
		return nil, "", nil
	}
	u, err = a.Staff.Half(v.r.Context(), c.Value)
	if styk.CodeOf(err) == styk.NotFound {
		return nil, "", nil
	}
	return u, c.Value, err
}

func (a *admin) showCode(v *visit) error {
	u, _, err := a.half(v)
	if err != nil {
		return err
	}
	next := safeNext(v.r.URL.Query().Get("next"))
	if u == nil {
		return a.codeTooLate(v, next)
	}
	return a.codePage(v, http.StatusOK, u, next, nil)
}

// codeTooLate sends somebody back to the password.
func (a *admin) codeTooLate(v *visit, next string) error {
	a.setCookie(v, halfCookie, "", 0)
	if v.session != nil {
		return v.redirect(next, "")
	}
	return v.redirect("/admin/login", "")
}

func (a *admin) codePage(v *visit, status int, u *styk.User, next string, refused error) error {
	p := adminCodePage{Next: next, Name: u.Name, Fault: faultOf(refused, "code"), Recovery: v.r.PostForm.Get("recovery") != ""}
	p.adminFrame = a.frame(v, "", choose(v.lang, "Код входа", "Login code"))
	p.Nav, p.Person = nil, ""
	switch {
	case styk.CodeOf(refused) == styk.TooMany:
		p.Fault = p.T(textOf(refused), manyTries)
	case refused != nil:
		p.Fault = p.T(p.Fault, "The code does not fit. Wait for the next one and check the clock of your phone")
	}
	if p.Recovery && styk.CodeOf(refused) == styk.Forbidden {
		p.Fault = p.T("Такого запасного кода нет, или он уже использован", "There is no such recovery code, or it was used before")
	}
	return a.show(v, status, "admin_code.html", p)
}

func (a *admin) enterCode(v *visit) error {
	form := v.r.PostForm
	next := safeNext(form.Get("next"))
	u, half, err := a.half(v)
	if err != nil {
		return err
	}
	if u == nil {
		return a.codeTooLate(v, next)
	}
	code := form.Get("recovery")
	if code == "" {
		code = form.Get("code")
	}
	secret, err := a.Staff.LoginCode(v.r.Context(), half, code, a.client(v.r))
	switch styk.CodeOf(err) {
	case styk.Forbidden:
		return a.codePage(v, http.StatusForbidden, u, next, err)
	case styk.TooMany:
		return a.codePage(v, http.StatusTooManyRequests, u, next, err)
	case styk.NotFound:
		return a.codeTooLate(v, next)
	}
	if err != nil {
		return err
	}
	a.setCookie(v, halfCookie, "", 0)
	a.letIn(v, secret)
	return v.redirect(next, "")
}
