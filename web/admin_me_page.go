package web

import (
	"net/http"
	"strings"

	"styk"
)

// adminMePage is a person's own: the password, and where he is logged in.
type adminMePage struct {
	adminFrame
	Name          string // for logging in
	Sessions      []adminSession
	OldFault      string
	PasswordFault string
	Others        bool // he is logged in elsewhere too
	Codes         bool // he has a second factor
	CodesNeeded   bool // and his role asks for one
	CodesLeft     int  // recovery codes
	FewCodes      bool
}

type adminSession struct {
	ID      styk.ID
	Browser string
	Address string
	Seen    moment
	Here    bool
}

func (a *admin) showMe(v *visit) error { return a.mePage(v, http.StatusOK, nil) }

func (a *admin) mePage(v *visit, status int, refused error) error {
	p := adminMePage{Name: v.session.User.Name, OldFault: faultOf(refused, "old"), PasswordFault: faultOf(refused, "password")}
	p.adminFrame = a.frame(v, "/admin/me", choose(v.lang, "Мой вход", "My account"))
	if refused != nil && p.OldFault == "" && p.PasswordFault == "" {
		p.OldFault = textOf(refused)
	}
	list, err := a.Staff.Sessions(v.r.Context(), v.session.User.ID)
	if err != nil {
		return err
	}
	codes, err := a.Staff.Codes(v.r.Context(), v.session.User)
	if err != nil {
		return err
	}
	p.Codes, p.CodesNeeded, p.CodesLeft, p.FewCodes = codes.On, codes.Needed, codes.Left, codes.Left < 3
	p.Others = len(list) > 1
	for _, s := range list {
		p.Sessions = append(p.Sessions, adminSession{ID: s.ID, Browser: browserWord(v.lang, s.Agent), Address: s.Address,
			Seen: a.moment(v.lang, s.Seen), Here: s.ID == v.session.ID})
	}
	return a.show(v, status, "admin_me.html", p)
}

func (a *admin) changePassword(v *visit) error {
	form := v.r.PostForm
	err := a.Staff.ChangePassword(v.r.Context(), v.session, form.Get("old"), form.Get("password"), a.client(v.r))
	switch styk.CodeOf(err) {
	case styk.Invalid, styk.Forbidden:
		return a.mePage(v, http.StatusUnprocessableEntity, err)
	case styk.TooMany:
		return a.mePage(v, http.StatusTooManyRequests, err)
	}
	if err != nil {
		return err
	}
	return v.redirect("/admin/me", "password")
}

func (a *admin) endSession(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	if err := a.Staff.EndSession(v.r.Context(), v.session.User.ID, id); err != nil {
		return err
	}
	return v.redirect("/admin/me", "ended")
}

func (a *admin) endOtherSessions(v *visit) error {
	if err := a.Staff.EndOtherSessions(v.r.Context(), v.session); err != nil {
		return err
	}
	return v.redirect("/admin/me", "others")
}

// browserWord names the browser and the system of a User-Agent, roughly: enough
// for a person to know his own.
func browserWord(lang, agent string) string {
	find := func(list [][2]string) string {
		for _, pair := range list {
			if strings.Contains(agent, pair[0]) {
				return pair[1]
			}
		}
		return ""
	}
	browser := find([][2]string{{"YaBrowser", "Яндекс Браузер"}, {"Edg", "Edge"}, {"OPR", "Opera"}, {"Firefox", "Firefox"},
		{"Chrom", "Chrome"}, {"Safari", "Safari"}, {"curl", "curl"}})
	system := find([][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"},
		{"Mac OS", "macOS"}, {"Linux", "Linux"}})
	switch {
	case browser == "" && system == "":
		return choose(lang, "Неизвестный браузер", "Unknown browser")
	case browser == "" || system == "":
		return browser + system
	}
	return browser + ", " + system
}
