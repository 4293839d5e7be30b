package web

import (
	"net/http"

	"styk"
)

// adminLinkPage sets a password by a one-time link.
type adminLinkPage struct {
	adminFrame
	First         bool // makes the first owner: he chooses his name
	Dead          bool // the link was used or is too old
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
	u, err := a.Staff.OpenLink(v.r.Context(), v.r.PathValue("secret"))
	switch {
	case styk.CodeOf(err) == styk.NotFound:
		p.Dead, status = true, http.StatusGone
	case err != nil:
		return err
	case u.ID == 0:
		p.First = true
	default:
		p.Name = u.Name
	}
	return a.show(v, status, "admin_link.html", p)
}

func (a *admin) useLink(v *visit) error {
	form := v.r.PostForm
	secret, err := a.Staff.UseLink(v.r.Context(), v.r.PathValue("secret"), form.Get("name"), form.Get("password"), a.client(v.r))
	switch styk.CodeOf(err) {
	case styk.Invalid, styk.Conflict:
		return a.linkPage(v, http.StatusUnprocessableEntity, err)
	case styk.NotFound:
		return a.linkPage(v, http.StatusGone, nil)
	}
	if err != nil {
		return err
	}
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	a.letIn(v, secret)
	return v.redirect("/admin/tickets", "welcome")
}
