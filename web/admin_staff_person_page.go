package web

import (
	"net/http"

	"styk"
	"styk/staff"
)

// adminColleaguePage is one person who works here: role, sessions, second
// factor.
type adminColleaguePage struct {
	adminFrame
	Tabs     []adminTab
	Who      adminColleague
	ID       styk.ID
	First    string
	Last     string
	Email    string
	Roles    []adminTick
	Created  moment
	Sessions []adminSession
	Disabled bool
	Password bool
	Manages  bool // may change him
	MayReset bool // may take his second factor away
	You      bool
	Faults   formFaults
}

func (a *admin) showColleague(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	return a.colleaguePage(v, http.StatusOK, id, nil, nil)
}

// colleaguePage shows him; want is what was typed and refused.
func (a *admin) colleaguePage(v *visit, status int, id styk.ID, want *styk.User, refused error) error {
	c, sessions, err := a.Staff.Colleague(v.r.Context(), id)
	if err != nil {
		return err
	}
	u := c.User
	if want == nil {
		want = u
	}
	p := adminColleaguePage{Tabs: a.staffTabs(v, "/admin/staff"), Who: a.colleague(v, c), ID: id, First: want.FirstName, Last: want.LastName,
		Email: want.Email, Roles: roleChoices(v, want.Role), Created: a.moment(v.lang, u.Created), Disabled: u.Disabled,
		Password: c.Password, Manages: staff.Manages(v.session.User, u), You: u.ID == v.session.User.ID, Faults: formFaultsOf(v.lang, refused)}
	p.MayReset = p.Manages && c.Code && v.may(staff.OwnRules)
	p.adminFrame = a.frame(v, "/admin/staff", p.Who.Name)
	for _, s := range sessions {
		p.Sessions = append(p.Sessions, adminSession{ID: s.ID, Browser: browserWord(v.lang, s.Agent), Address: s.Address,
			Seen: a.moment(v.lang, s.Seen), Here: s.ID == v.session.ID})
	}
	return a.show(v, status, "admin_staff_person.html", p)
}

func (a *admin) changeColleague(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	form := v.r.PostForm
	want := &styk.User{ID: id, Role: styk.Role(form.Get("role")), FirstName: form.Get("first_name"), LastName: form.Get("last_name"), Email: form.Get("email")}
	err = a.Staff.ChangeColleague(v.r.Context(), v.session.User, want)
	if refused := formFaultsOf(v.lang, err); len(refused) > 0 {
		return a.colleaguePage(v, http.StatusUnprocessableEntity, id, want, err)
	}
	if err != nil {
		return err
	}
	return v.redirect(colleagueAddress(id), "saved")
}

// onColleague does something to the person of the address and says so.
func (a *admin) onColleague(v *visit, said string, do func(id styk.ID) error) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	err = do(id)
	if refused := formFaultsOf(v.lang, err); len(refused) > 0 {
		return a.colleaguePage(v, http.StatusUnprocessableEntity, id, nil, err)
	}
	if err != nil {
		return err
	}
	return v.redirect(colleagueAddress(id), said)
}

func (a *admin) disableColleague(v *visit) error {
	return a.onColleague(v, "disabled", func(id styk.ID) error { return a.Staff.Disable(v.r.Context(), v.session.User, id) })
}

func (a *admin) enableColleague(v *visit) error {
	return a.onColleague(v, "enabled", func(id styk.ID) error { return a.Staff.Enable(v.r.Context(), v.session.User, id) })
}

func (a *admin) resetCodes(v *visit) error {
	return a.onColleague(v, "reset", func(id styk.ID) error { return a.Staff.ResetCodes(v.r.Context(), v.session.User, id) })
}

// endColleagueSessions ends the session of the address, or all.
func (a *admin) endColleagueSessions(v *visit) error {
	session, said := styk.ID(0), "others"
	if v.r.PathValue("session") != "" {
		one, err := v.number("session")
		if err != nil {
			return err
		}
		session, said = one, "ended"
	}
	return a.onColleague(v, said, func(id styk.ID) error {
		return a.Staff.EndSessionOf(v.r.Context(), v.session.User, id, session)
	})
}

func (a *admin) linkColleague(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	secret, err := a.Staff.LinkFor(v.r.Context(), v.session.User, id)
	if err != nil {
		return err
	}
	return a.oncePage(v, "/admin/staff", adminOncePage{
		Head:  choose(v.lang, "Ссылка для пароля", "A link for the password"),
		Sub:   choose(v.lang, "Передайте её лично: показываем один раз.", "Hand it over yourself: it is shown once."),
		Label: choose(v.lang, "Ссылка", "Link"), Secret: a.linkURL(secret), Back: colleagueAddress(id),
		Note: choose(v.lang, "Действует сутки и один раз. Старый пароль работает, пока не придуман новый.",
			"It works for a day, once. The old password works until there is a new one."),
	})
}
