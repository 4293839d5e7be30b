package web

import (
	"net/http"

	"styk"
)

// adminLinkPage sets a password by a one-time link.
type adminLinkPage struct {
	adminFrame
	First         bool   // makes the first owner: he chooses his name
	Invited       bool   // makes a colleague
	Work          string // as what
	Held          string // too many links were tried from here
	Dead          bool   // the link was used or is too old
	Name          string
	NameFault     string
	PasswordFault string
}

func (a *admin) showLink(v *visit) error { return a.linkPage(v, http.StatusOK, nil) }

func (a *admin) linkPage(v *visit, status int, refused error) error {
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	v.w.Header().Set("X-Robots-Tag", "noindex")
	p := adminLinkPage{Name: v.r.PostForm.Get("name"), NameFault: faultOf(refused, "name"), PasswordFault: faultOf(refused, "password")}
	p.adminFrame = a.frame(v, "", choose(v.lang, "Пароль", "Password"))
	p.Nav, p.Person = nil, "" // whoever is logged in here: this is about the link's person
	o, err := a.Staff.OpenLink(v.r.Context(), v.r.PathValue("secret"), a.client(v.r))
	switch {
	case styk.CodeOf(err) == styk.NotFound:
		p.Dead, status = true, http.StatusGone
	case styk.CodeOf(err) == styk.TooMany:
		p.Held, status = p.T(textOf(err), manyTries), http.StatusTooManyRequests
	case err != nil:
		return err
	case o.First:
		p.First = true
	default:
		p.Name, p.Invited, p.Work = o.User.Name, o.Invited, roleWord(v.lang, o.User.Role)
	}
	return a.show(v, status, "admin_link.html", p)
}

func (a *admin) useLink(v *visit) error {
	form := v.r.PostForm
	entry, err := a.Staff.UseLink(v.r.Context(), v.r.PathValue("secret"), form.Get("name"), form.Get("password"), a.client(v.r))
	switch styk.CodeOf(err) {
	case styk.Invalid, styk.Conflict:
		return a.linkPage(v, http.StatusUnprocessableEntity, err)
	case styk.NotFound, styk.TooMany:
		return a.linkPage(v, http.StatusGone, nil)
	}
	if err != nil {
		return err
	}
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	return a.entered(v, entry, "/admin/", "welcome")
}
