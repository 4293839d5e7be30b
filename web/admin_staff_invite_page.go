package web

import (
	"errors"
	"net/http"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminInvitePage asks who is to come, and as what.
type adminInvitePage struct {
	adminFrame
	Tabs   []adminTab
	Name   string
	First  string
	Last   string
	Email  string
	Roles  []adminTick
	Mail   bool // letters are set up
	Faults formFaults
}

// formFaults are the texts under the fields of a form.
type formFaults map[string]string

// formFaultsOf reads them out of an error, in the person's language where it is
// known.
func formFaultsOf(lang string, err error) formFaults {
	var e *styk.Error
	if !errors.As(err, &e) {
		return nil
	}
	all := formFaults{}
	for _, f := range e.Faults {
		if all[f.Field] == "" {
			all[f.Field] = choose(lang, f.Text, englishFault(f))
		}
	}
	return all
}

// englishFault words a rule in English; the value, where there is one, stands in
// the Russian text between « » or quotes and is not repeated.
func englishFault(f styk.Fault) string {
	if text := englishRules[f.Field+" "+f.Rule]; text != "" {
		return text
	}
	if text := englishRules[f.Rule]; text != "" {
		return text
	}
	return f.Text
}

var englishRules = map[string]string{
	"name":             "A name is 1 to 64 characters without spaces",
	"name unique":      "This name is taken",
	"role":             "Choose a role",
	"role role":        "Choose a role that you may give",
	"last_owner":       "This is the last owner. Make somebody else an owner first",
	"email":            "Check the address: anna@firm.ru",
	"max_length":       "Too long",
	"networks network": "One of these is no address. Write 203.0.113.7 or 10.0.0.0/8",
	"range":            "A whole number from 1 to 100000; empty is the usual pace",
	"known":            "One of these is unknown",
}

func (a *admin) showInvite(v *visit) error {
	return a.invitePage(v, http.StatusOK, &store.Invitation{Role: styk.RoleOperator}, nil)
}

func (a *admin) invitePage(v *visit, status int, i *store.Invitation, refused error) error {
	p := adminInvitePage{Tabs: a.staffTabs(v, "/admin/staff"), Name: i.Name, First: i.FirstName, Last: i.LastName, Email: i.Email,
		Roles: roleChoices(v, i.Role), Faults: formFaultsOf(v.lang, refused)}
	p.adminFrame = a.frame(v, "/admin/staff", choose(v.lang, "Пригласить", "Invite"))
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		known, err := tx.RunningTargets([]string{styk.MailTarget})
		p.Mail = known[styk.MailTarget] != 0
		return err
	})
	if err != nil {
		return err
	}
	return a.show(v, status, "admin_staff_invite.html", p)
}

// roleChoices are the roles that the person may give, each with what it is for.
func roleChoices(v *visit, chosen styk.Role) (list []adminTick) {
	hints := map[styk.Role][2]string{
		styk.RoleOperator:   {"Обращения и клиенты: ответить, поправить, отправить снова", "Tickets and customers: answer, correct, send again"},
		styk.RoleIntegrator: {"Подключения и доставки, без списка клиентов", "Connections and deliveries, without the list of customers"},
		styk.RoleAdmin:      {"Всё, кроме владельцев, стирания людей и журнала действий", "All but owners, erasing people and the audit trail"},
		styk.RoleOwner:      {"Всё", "Everything"},
		styk.RoleAuditor:    {"Видит всё, ничего не меняет", "Sees all, changes nothing"},
	}
	for _, r := range staff.PeopleRoles() {
		if r == styk.RoleOwner && v.session.User.Role != styk.RoleOwner && chosen != r {
			continue
		}
		list = append(list, adminTick{Value: string(r), Text: roleWord(v.lang, r), Chosen: r == chosen,
			Hint: choose(v.lang, hints[r][0], hints[r][1])})
	}
	return list
}

func (a *admin) invite(v *visit) error {
	form := v.r.PostForm
	i := &store.Invitation{Name: form.Get("name"), FirstName: form.Get("first_name"), LastName: form.Get("last_name"),
		Email: form.Get("email"), Role: styk.Role(form.Get("role"))}
	secret, sent, err := a.Staff.Invite(v.r.Context(), v.session.User, i)
	switch styk.CodeOf(err) {
	case styk.Invalid, styk.Conflict:
		return a.invitePage(v, http.StatusUnprocessableEntity, i, err)
	}
	if err != nil {
		return err
	}
	return a.invited(v, secret, sent)
}

// invited says how the invitation goes on: by letter, or by a link that is shown
// this once.
func (a *admin) invited(v *visit, secret string, sent bool) error {
	if sent {
		return v.redirect("/admin/staff", "mailed")
	}
	return a.oncePage(v, "/admin/staff", adminOncePage{
		Head:  choose(v.lang, "Ссылка-приглашение", "The invitation's link"),
		Sub:   choose(v.lang, "Передайте её лично: показываем один раз.", "Hand it over yourself: it is shown once."),
		Label: choose(v.lang, "Ссылка", "Link"), Secret: a.linkURL(secret), Back: "/admin/staff",
		Note: choose(v.lang, "Действует трое суток и один раз. По ней человек придумает пароль.",
			"It works for three days, once. The person chooses a password there."),
	})
}

func (a *admin) renewInvitation(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	secret, sent, err := a.Staff.RenewInvitation(v.r.Context(), v.session.User, id)
	if err != nil {
		return err
	}
	return a.invited(v, secret, sent)
}

func (a *admin) dropInvitation(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	if err := a.Staff.DropInvitation(v.r.Context(), v.session.User, id); err != nil {
		return err
	}
	return v.redirect("/admin/staff", "uninvited")
}
