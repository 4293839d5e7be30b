package web

import (
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/staff"
)

// adminTokenPage makes or changes a token of the card API.
type adminTokenPage struct {
	adminFrame
	Tabs      []adminTab
	New       bool
	Address   string // where the form goes
	Name      string
	Templates []adminTick
	PerMinute string
	Always200 bool
	Disabled  bool
	State     string
	Tone      string
	Seen      moment
	Created   moment
	Endpoint  string
	MayManage bool
	Faults    formFaults
}

func (a *admin) showNewToken(v *visit) error {
	return a.tokenPage(v, http.StatusOK, &styk.CardToken{}, "", nil)
}

func (a *admin) showToken(v *visit) error {
	t, err := a.tokenOf(v)
	if err != nil {
		return err
	}
	return a.tokenPage(v, http.StatusOK, t, "", nil)
}

func (a *admin) tokenOf(v *visit) (*styk.CardToken, error) {
	id, err := v.number("id")
	if err != nil {
		return nil, err
	}
	return a.Staff.CardToken(v.r.Context(), id)
}

// tokenPage shows t, of which a refused form may have been read; pace is what
// that form said.
func (a *admin) tokenPage(v *visit, status int, t *styk.CardToken, pace string, refused error) error {
	_, templates, err := a.Staff.Tokens(v.r.Context())
	if err != nil {
		return err
	}
	p := adminTokenPage{Tabs: a.staffTabs(v, "/admin/keys"), New: t.ID == 0, Address: "/admin/keys/tokens/new", Name: t.Name,
		PerMinute: pace, Always200: t.Always200, Disabled: t.Disabled, Seen: a.moment(v.lang, t.Seen), Created: a.moment(v.lang, t.Created),
		Endpoint: a.Base() + "/oapi/v1/", MayManage: v.may(staff.ManageKeys), Faults: formFaultsOf(v.lang, refused)}
	p.State, p.Tone = a.tokenState(v.lang, t)
	if pace == "" && t.PerMinute > 0 {
		p.PerMinute = strconv.Itoa(t.PerMinute)
	}
	title := t.Name
	if p.New {
		title = choose(v.lang, "Новый токен", "New token")
	} else {
		p.Address = tokenAddress(t.ID)
	}
	p.adminFrame = a.frame(v, "/admin/staff", title)
	for _, known := range templates {
		p.Templates = append(p.Templates, adminTick{Value: known.ID, Text: known.Name, Chosen: has(t.Templates, known.ID)})
	}
	return a.show(v, status, "admin_keys_token.html", p)
}

// readToken reads the form; pace is what stood in the field, for showing again.
func readToken(v *visit) (t *styk.CardToken, pace string) {
	form := v.r.PostForm
	t = &styk.CardToken{Name: strings.TrimSpace(form.Get("name")), Templates: form["templates"], Always200: form.Get("always_200") != ""}
	if pace = strings.TrimSpace(form.Get("per_minute")); pace != "" {
		n, err := strconv.Atoi(pace)
		if err != nil || n == 0 {
			n = -1 // refused by the rule
		}
		t.PerMinute = n
	}
	return t, pace
}

func (a *admin) addToken(v *visit) error {
	t, pace := readToken(v)
	secret, err := a.Staff.AddToken(v.r.Context(), v.session.User, t)
	if refused := formFaultsOf(v.lang, err); len(refused) > 0 {
		t.ID = 0
		return a.tokenPage(v, http.StatusUnprocessableEntity, t, pace, err)
	}
	if err != nil {
		return err
	}
	return a.tokenText(v, t, secret)
}

func (a *admin) tokenText(v *visit, t *styk.CardToken, secret string) error {
	return a.oncePage(v, "/admin/keys", adminOncePage{
		Head:  choose(v.lang, "Токен ", "Token ") + t.Name,
		Sub:   choose(v.lang, "Скопируйте сейчас: больше его никто не увидит.", "Copy it now: nobody will see it again."),
		Label: choose(v.lang, "Токен", "Token"), Secret: secret, Back: tokenAddress(t.ID),
		Note: choose(v.lang, "Передаётся в заголовке Authorization. Адрес: ", "It goes into the header Authorization. Address: ") + a.Base() + "/oapi/v1/",
	})
}

func (a *admin) changeToken(v *visit) error {
	kept, err := a.tokenOf(v)
	if err != nil {
		return err
	}
	t, pace := readToken(v)
	t.ID, t.Name, t.Disabled, t.Created, t.Seen, t.Expires = kept.ID, kept.Name, kept.Disabled, kept.Created, kept.Seen, kept.Expires
	err = a.Staff.ChangeToken(v.r.Context(), v.session.User, t)
	if refused := formFaultsOf(v.lang, err); len(refused) > 0 {
		return a.tokenPage(v, http.StatusUnprocessableEntity, t, pace, err)
	}
	if err != nil {
		return err
	}
	return v.redirect(tokenAddress(t.ID), "saved")
}

func (a *admin) renewToken(v *visit) error {
	t, err := a.tokenOf(v)
	if err != nil {
		return err
	}
	secret, err := a.Staff.RenewToken(v.r.Context(), v.session.User, t.ID)
	if err != nil {
		return err
	}
	return a.tokenText(v, t, secret)
}

func (a *admin) revokeToken(v *visit) error {
	t, err := a.tokenOf(v)
	if err != nil {
		return err
	}
	if err := a.Staff.RevokeToken(v.r.Context(), v.session.User, t.ID); err != nil {
		return err
	}
	return v.redirect(tokenAddress(t.ID), "revoked")
}

func (a *admin) restoreToken(v *visit) error {
	t, err := a.tokenOf(v)
	if err != nil {
		return err
	}
	if err := a.Staff.RestoreToken(v.r.Context(), v.session.User, t.ID); err != nil {
		return err
	}
	return v.redirect(tokenAddress(t.ID), "enabled")
}
