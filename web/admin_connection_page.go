package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/connect"
	"styk/staff"
	"styk/store"
)

// adminConnectionPage sets one foreign system up; the form is drawn from what its
// kind says of itself.
type adminConnectionPage struct {
	adminFrame
	adminConnection
	New      bool
	KindName string
	Post     string // where the form goes
	Fields   []adminSetting
	Rest     int  // of them are folded away
	Unfold   bool // one of these is at fault
	Mapped   bool // it has a mapping
	Mapping  []adminMapRow
	Parallel string
	Usual    string // deliveries at once, when nobody says
	Disabled bool
	Manage   bool
	Steer    bool
	Faults   formFaults
	Check    *adminCheck
	Made     []adminMade // secrets that may be made anew here
}

// adminSetting is one field of the form.
type adminSetting struct {
	Name     string
	Label    string
	Help     string
	Type     connect.FieldType
	Value    string // never a secret
	Usual    string // the default, as it would be typed
	Secret   bool
	Kept     bool // a secret that is stored
	Required bool
	Options  []connect.Option
	Fault    string
	Deep     bool // it takes several lines
	Lines    int
	Rest     bool // it may stay folded away
	Opens    bool // the first of those
}

// adminMapRow says which field of theirs takes what of ours.
type adminMapRow struct{ Ours, Theirs, Usual string }

// adminCheck is how a test of the connection went.
type adminCheck struct {
	Good      bool
	Text      string
	Err       string // whole, for a programmer
	Took      string
	Exchanges []adminExchange
}

// adminMade is a secret that this side makes.
type adminMade struct{ Name, Label, Address string }

func (a *admin) kind(name string) (connect.Kind, bool) {
	kinds := a.Courier.Kinds()
	i := slices.IndexFunc(kinds, func(k connect.Kind) bool { return k.Name == name })
	if i < 0 {
		return connect.Kind{}, false
	}
	return kinds[i], true
}

func (a *admin) showNewConnection(v *visit) error {
	k, ok := a.kind(v.r.URL.Query().Get("kind"))
	if !ok {
		return v.redirect("/admin/connections#new", "")
	}
	t := &styk.Target{Kind: k.Name, Settings: map[string]any{}}
	if k.Name == mailKind {
		t.Name = styk.MailTarget
	}
	return a.connectionPage(v, http.StatusOK, k, t, true, nil, nil)
}

// mailKind is the sort of connection that letters go by; there is one, and its
// name is given.
const mailKind = "email"

func (a *admin) showConnection(v *visit) error {
	t, k, err := a.storedTarget(v)
	if err != nil {
		return err
	}
	return a.connectionPage(v, http.StatusOK, k, t, false, nil, nil)
}

// storedTarget loads the target of the address and its kind. Its secrets are in
// it: they go no further than a check.
func (a *admin) storedTarget(v *visit) (t *styk.Target, k connect.Kind, err error) {
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		t, err = tx.Target(v.r.PathValue("name"))
		return err
	})
	if err != nil {
		return nil, k, err
	}
	k, ok := a.kind(t.Kind)
	if !ok {
		return nil, k, styk.Failed(styk.NotFound, "")
	}
	return t, k, nil
}

// connectionPage shows t, stored or as a refused form had it.
func (a *admin) connectionPage(v *visit, status int, k connect.Kind, t *styk.Target, fresh bool, refused error, check *adminCheck) error {
	p := adminConnectionPage{New: fresh, KindName: k.Name, Post: "/admin/connections/new?kind=" + k.Name, Disabled: t.Disabled,
		Manage: v.may(staff.ManageConnections), Steer: v.may(staff.Steer), Faults: formFaultsOf(v.lang, refused), Check: check}
	p.Name, p.Kind = t.Name, k.Title
	title := k.Title
	var kept []string
	if !fresh {
		p.Post, title = connectionAddress(t.Name), t.Name
		err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
			old, err := tx.Target(t.Name)
			if err != nil {
				return err
			}
			kept = old.Secrets
			list, err := a.connections(v.lang, tx, []*styk.Target{old})
			if err == nil {
				p.adminConnection = list[0]
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	p.adminFrame = a.frame(v, "/admin/connections", title)
	p.Fields = settingFields(v.lang, k, t, kept, p.Faults)
	p.fold()
	p.mapRows(k, t)
	p.Usual = strconv.Itoa(cmp.Or(k.Parallel, 4))
	if t.Parallel > 0 {
		p.Parallel = strconv.Itoa(t.Parallel)
	}
	for _, f := range k.Fields {
		if f.Make != nil && !fresh {
			p.Made = append(p.Made, adminMade{f.Name, settingLabel(v.lang, f), p.Post + "/secret/" + f.Name})
		}
	}
	return a.show(v, status, "admin_connection.html", p)
}

// settingFields draws the settings; those that must be filled come first, as the
// kind has them.
func settingFields(lang string, k connect.Kind, t *styk.Target, kept []string, faults formFaults) (list []adminSetting) {
	for _, f := range k.Fields {
		s := adminSetting{Name: f.Name, Label: settingLabel(lang, f), Help: f.Help, Type: f.Type, Usual: f.Default, Secret: f.Secret,
			Kept: has(kept, f.Name), Required: f.Required, Options: f.Options, Fault: faults[f.Name],
			Deep: f.Type == connect.Tree || f.Type == connect.List}
		if lang == "en" {
			s.Help = ""
		}
		if !f.Secret {
			s.Value = f.Typed(t.Settings[f.Name])
		}
		if s.Lines = 1 + strings.Count(s.Value, "\n"); s.Deep {
			s.Lines = max(s.Lines, 2)
		}
		if f.Type == connect.Choice || f.Type == connect.Bool {
			s.Value = cmp.Or(s.Value, f.Default)
		}
		list = append(list, s)
	}
	return list
}

// alwaysShown is how many settings, in the kind's order, are never folded away.
const alwaysShown = 3

// fold puts what is optional and was left as usual behind the rest.
func (p *adminConnectionPage) fold() {
	var first, rest []adminSetting
	for i, s := range p.Fields {
		s.Rest = i >= alwaysShown && !s.Required && !s.Kept && (s.Value == "" || s.Value == s.Usual)
		if !s.Rest {
			first = append(first, s)
			continue
		}
		s.Opens = len(rest) == 0
		p.Unfold = p.Unfold || s.Fault != ""
		rest = append(rest, s)
	}
	p.Fields, p.Rest = append(first, rest...), len(rest)
}

// settingLabel names a setting; in English by its key, which YAML has too.
func settingLabel(lang string, f connect.Field) string {
	if lang != "en" {
		return f.Label
	}
	word := strings.ReplaceAll(f.Name, "_", " ")
	return strings.ToUpper(word[:1]) + word[1:]
}

const emptyMapRows = 2 // for what is to be added

func (p *adminConnectionPage) mapRows(k connect.Kind, t *styk.Target) {
	p.Mapped = k.Mapping != nil || len(t.Mapping) > 0
	if !p.Mapped {
		return
	}
	var names []string
	for ours := range t.Mapping {
		names = append(names, ours)
	}
	slices.Sort(names)
	for _, ours := range names {
		p.Mapping = append(p.Mapping, adminMapRow{ours, t.Mapping[ours], k.Mapping[ours]})
	}
	names = names[:0]
	for ours := range k.Mapping {
		if _, said := t.Mapping[ours]; !said {
			names = append(names, ours)
		}
	}
	slices.Sort(names)
	for _, ours := range names {
		p.Mapping = append(p.Mapping, adminMapRow{ours, "", k.Mapping[ours]})
	}
	for range emptyMapRows {
		p.Mapping = append(p.Mapping, adminMapRow{})
	}
}

// checkConnection makes the kind's real test with t as it stands.
func (a *admin) checkConnection(v *visit, t *styk.Target) (*adminCheck, error) {
	began := time.Now()
	exchanges, err := a.Courier.CheckSettings(v.r.Context(), t)
	c := &adminCheck{Good: err == nil, Took: took(v.lang, time.Since(began)), Text: choose(v.lang, "Связь есть, вход удался.", "Connected and logged in.")}
	if faults := formFaultsOf(v.lang, err); len(faults) > 0 {
		return nil, err
	}
	if err != nil {
		c.Text, c.Err = connect.Explain(err), err.Error()
	}
	for i := range exchanges {
		c.Exchanges = append(c.Exchanges, exchangePanel(v.lang, &exchanges[i]))
	}
	return c, nil
}
