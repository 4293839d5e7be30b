package web

import (
	"html/template"
	"net/http"
	"net/url"

	"styk"
	"styk/wallet"
)

// adminCodesPage switches one's own second factor on and off.
type adminCodesPage struct {
	adminFrame
	On            bool
	Since         moment
	Left          int
	Needed        bool // the role asks for it
	Due           bool // and nothing else is open until it is done
	QR            template.HTML
	Open          template.URL // the same for an application on this device
	Secret        string       // for typing, in groups
	CodeFault     string
	RecoveryFault string
	OffFault      string
}

// adminRecoveryPage shows codes for a lost phone, this once.
type adminRecoveryPage struct {
	adminFrame
	Codes []string
	First bool // the second factor was just switched on
}

// issuer is how a phone names this place.
func (a *admin) issuer() string {
	u, err := url.Parse(a.Base())
	if err != nil || u.Host == "" {
		return "styk"
	}
	return "styk " + u.Host
}

func (a *admin) showCodes(v *visit) error { return a.codesPage(v, http.StatusOK, "", nil) }

// codesPage shows how it stands; refused is an error of one of its forms.
func (a *admin) codesPage(v *visit, status int, form string, refused error) error {
	codes, err := a.Staff.Codes(v.r.Context(), v.session.User)
	if err != nil {
		return err
	}
	p := adminCodesPage{On: codes.On, Since: a.moment(v.lang, codes.Since), Left: codes.Left, Needed: codes.Needed,
		Due: v.session.CodeDue && !codes.On}
	p.adminFrame = a.frame(v, "/admin/me", choose(v.lang, "Код с телефона", "Code of the phone"))
	if p.Due {
		p.Nav, p.Person = nil, ""
	}
	if !codes.On {
		secret, address, err := a.Staff.Enrolment(v.r.Context(), v.session.User, a.issuer())
		if err != nil {
			return err
		}
		if err := p.draw(secret, address); err != nil {
			return err
		}
	}
	if refused != nil {
		fault := p.T(faultOf(refused, "code"), "The code does not fit. Wait for the next one and check the clock of your phone")
		if styk.CodeOf(refused) == styk.TooMany {
			fault = p.T(textOf(refused), manyTries)
		}
		*map[string]*string{"": &p.CodeFault, "recovery": &p.RecoveryFault, "off": &p.OffFault}[form] = fault
	}
	return a.show(v, status, "admin_codes.html", p)
}

func (p *adminCodesPage) draw(secret, address string) error {
	qr, err := wallet.Encode(wallet.QR, address)
	if err != nil {
		return err
	}
	p.Open = template.URL(address) //nolint:gosec // made by us, opens an application
	p.QR = template.HTML(qr.SVG()) //nolint:gosec // drawn by us, holds numbers only
	for i := 0; i < len(secret); i += 4 {
		if i > 0 {
			p.Secret += " "
		}
		p.Secret += secret[i:min(i+4, len(secret))]
	}
	return nil
}

// answerCode shows the page again where a code was refused, and says whether.
func (a *admin) answerCode(v *visit, form string, err error) (bool, error) {
	switch styk.CodeOf(err) {
	case styk.Forbidden:
		return true, a.codesPage(v, http.StatusUnprocessableEntity, form, err)
	case styk.TooMany:
		return true, a.codesPage(v, http.StatusTooManyRequests, form, err)
	}
	return err != nil, err
}

func (a *admin) enrol(v *visit) error {
	codes, err := a.Staff.Enrol(v.r.Context(), v.session, v.r.PostForm.Get("code"))
	if done, err := a.answerCode(v, "", err); done {
		return err
	}
	v.session.CodeDue = false
	return a.recoveryPage(v, codes, true)
}

func (a *admin) newRecovery(v *visit) error {
	codes, err := a.Staff.NewRecovery(v.r.Context(), v.session.User, v.r.PostForm.Get("code"), a.client(v.r))
	if done, err := a.answerCode(v, "recovery", err); done {
		return err
	}
	return a.recoveryPage(v, codes, false)
}

func (a *admin) recoveryPage(v *visit, codes []string, first bool) error {
	p := adminRecoveryPage{Codes: codes, First: first}
	p.adminFrame = a.frame(v, "/admin/me", choose(v.lang, "Запасные коды", "Recovery codes"))
	return a.show(v, http.StatusOK, "admin_recovery.html", p)
}

func (a *admin) dropCodes(v *visit) error {
	err := a.Staff.DropCodes(v.r.Context(), v.session.User, v.r.PostForm.Get("code"), a.client(v.r))
	if done, err := a.answerCode(v, "off", err); done {
		return err
	}
	return v.redirect("/admin/me", "nocodes")
}
