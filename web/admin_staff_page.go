package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminStaffPage lists who works here and who is invited.
type adminStaffPage struct {
	adminFrame
	Tabs        []adminTab
	People      []adminColleague
	Invitations []adminInvitation
	MayManage   bool
	MayRule     bool // say which roles need a second factor
	Rule        []adminTick
	RuleWords   string // the same, for who only reads it
}

// adminTick is one box to tick, or one of several to choose.
type adminTick struct {
	Value  string
	Text   string
	Hint   string
	Chosen bool
}

type adminColleague struct {
	Address string
	Name    string // in full, or the one he logs in with
	Login   string // when Name is another
	Role    string
	Seen    moment
	State   string // what is odd about him: never came, disabled
	Tone    string
	Code    bool
	You     bool
}

type adminInvitation struct {
	ID    styk.ID
	Name  string
	Email string
	Role  string
	Until moment
	Over  bool
	Mine  bool // may be renewed and taken back
}

// staffTabs join the pages about people, keys and deeds.
func (a *admin) staffTabs(v *visit, here string) (tabs []adminTab) {
	add := func(address, ru, en string) {
		tabs = append(tabs, adminTab{Address: address, Text: choose(v.lang, ru, en), Here: address == here})
	}
	add("/admin/staff", "Сотрудники", "People")
	add("/admin/keys", "Ключи", "Keys")
	if v.may(staff.SeeAudit) {
		add("/admin/audit", "Журнал действий", "Audit trail")
	}
	return tabs
}

func (a *admin) showStaff(v *visit) error {
	p := adminStaffPage{Tabs: a.staffTabs(v, "/admin/staff"), MayManage: v.may(staff.ManageStaff), MayRule: v.may(staff.OwnRules)}
	p.adminFrame = a.frame(v, "/admin/staff", choose(v.lang, "Сотрудники", "People"))
	people, err := a.Staff.Colleagues(v.r.Context())
	if err != nil {
		return err
	}
	for _, c := range people {
		p.People = append(p.People, a.colleague(v, c))
	}
	invitations, err := a.Staff.Invitations(v.r.Context())
	if err != nil {
		return err
	}
	for _, i := range invitations {
		p.Invitations = append(p.Invitations, a.invitation(v, i))
	}
	roles, err := a.Staff.CodeRoles(v.r.Context())
	if err != nil {
		return err
	}
	for _, r := range staff.PeopleRoles() {
		chosen := slices.Contains(roles, r)
		p.Rule = append(p.Rule, adminTick{Value: string(r), Text: roleWord(v.lang, r), Chosen: chosen})
		if chosen && p.RuleWords != "" {
			p.RuleWords += ", "
		}
		if chosen {
			p.RuleWords += roleWord(v.lang, r)
		}
	}
	return a.show(v, http.StatusOK, "admin_staff.html", p)
}

func colleagueName(u *styk.User) string {
	return (&styk.Contact{FirstName: u.FirstName, LastName: u.LastName}).Label()
}

func colleagueAddress(id styk.ID) string {
	return "/admin/staff/people/" + strconv.FormatInt(int64(id), 10)
}

func (a *admin) colleague(v *visit, c staff.Colleague) adminColleague {
	row := adminColleague{Address: colleagueAddress(c.User.ID), Name: c.User.Name, Role: roleWord(v.lang, c.User.Role),
		Seen: a.moment(v.lang, c.Seen), Code: c.Code, You: c.User.ID == v.session.User.ID}
	if full := colleagueName(c.User); full != "" {
		row.Name, row.Login = full, c.User.Name
	}
	switch {
	case c.User.Disabled:
		row.State, row.Tone = choose(v.lang, "доступ закрыт", "access closed"), "bad"
	case !c.Password:
		row.State, row.Tone = choose(v.lang, "ещё без пароля", "no password yet"), "wait"
	}
	return row
}

func (a *admin) invitation(v *visit, i *store.Invitation) adminInvitation {
	return adminInvitation{ID: i.ID, Name: i.Name, Email: i.Email, Role: roleWord(v.lang, i.Role), Until: a.moment(v.lang, i.Until),
		Over: !a.Now().Before(i.Until), Mine: v.may(staff.ManageStaff) && (i.Role != styk.RoleOwner || v.session.User.Role == styk.RoleOwner)}
}

func (a *admin) setCodeRule(v *visit) error {
	var roles []styk.Role
	for _, r := range v.r.PostForm["role"] {
		roles = append(roles, styk.Role(r))
	}
	if err := a.Staff.SetCodeRoles(v.r.Context(), v.session.User, roles); err != nil {
		return err
	}
	return v.redirect("/admin/staff", "ruled")
}

// adminOncePage shows a secret that nobody will see again.
type adminOncePage struct {
	adminFrame
	Tabs   []adminTab
	Head   string
	Sub    string
	Label  string // of the secret
	Secret string
	Note   string
	Back   string
}

func (a *admin) oncePage(v *visit, here string, p adminOncePage) error {
	p.adminFrame, p.Tabs = a.frame(v, "/admin/staff", p.Head), a.staffTabs(v, here)
	return a.show(v, http.StatusOK, "admin_once.html", p)
}

func (a *admin) linkURL(secret string) string {
	return a.Base() + "/admin/link/" + url.PathEscape(secret)
}
