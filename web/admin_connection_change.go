package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/connect"
	"styk/store"
)

// What is noted of people's work on connections.
const (
	actionConnect = "target.made"
	actionSetUp   = "target.changed"
	actionTest    = "target.checked"
	actionSecret  = "target.secret"
)

func (a *admin) addConnection(v *visit) error {
	k, ok := a.kind(v.r.URL.Query().Get("kind"))
	if !ok {
		return styk.Failed(styk.NotFound, "")
	}
	t, err := readConnection(v.r.PostForm, k, nil)
	t.Name = strings.TrimSpace(v.r.PostForm.Get("name"))
	if k.Name == mailKind {
		t.Name = styk.MailTarget
	}
	if err == nil {
		err = a.nameFree(v, t)
	}
	return a.takeConnection(v, k, t, true, err)
}

func (a *admin) nameFree(v *visit, t *styk.Target) error {
	return a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		_, err := tx.Target(t.Name)
		if err == nil {
			return styk.FieldError(styk.Invalid, "name", "taken", "подключение с таким именем уже есть")
		}
		if styk.CodeOf(err) == styk.NotFound {
			return nil
		}
		return err
	})
}

func (a *admin) changeConnection(v *visit) error {
	old, k, err := a.storedTarget(v)
	if err != nil {
		return err
	}
	t, err := readConnection(v.r.PostForm, k, old)
	t.Name = old.Name
	return a.takeConnection(v, k, t, false, err)
}

// takeConnection checks or saves what was typed; refused is what is already known
// to be wrong with it.
func (a *admin) takeConnection(v *visit, k connect.Kind, t *styk.Target, fresh bool, refused error) error {
	var check *adminCheck
	err := refused
	switch {
	case err != nil:
	case v.r.PostForm.Get("do") == "check":
		if check, err = a.checkConnection(v, t); err == nil {
			if err := a.noteTarget(v, actionTest, t.Name, fresh); err != nil {
				return err
			}
			return a.connectionPage(v, http.StatusOK, k, t, fresh, nil, check)
		}
	default:
		var changed bool
		if changed, err = a.Courier.SaveTarget(v.r.Context(), t); err == nil {
			return a.connectionSaved(v, t, fresh, changed)
		}
	}
	if len(formFaultsOf(v.lang, err)) > 0 {
		return a.connectionPage(v, http.StatusUnprocessableEntity, k, t, fresh, err, nil)
	}
	var known *styk.Error
	if err != nil && !errors.As(err, &known) { // of the connector: it says in words what it cannot do with the settings
		return a.connectionPage(v, http.StatusUnprocessableEntity, k, t, fresh, nil, &adminCheck{Text: connect.Explain(err), Err: err.Error()})
	}
	return err
}

func (a *admin) connectionSaved(v *visit, t *styk.Target, fresh, changed bool) error {
	action, said := actionSetUp, "saved"
	if fresh {
		action = actionConnect
	}
	if !changed {
		return v.redirect(connectionAddress(t.Name), "same")
	}
	if err := a.noteTarget(v, action, t.Name, false); err != nil {
		return err
	}
	return v.redirect(connectionAddress(t.Name), said)
}

// noteTarget writes down who did what to a target; one that is not stored has no
// number.
func (a *admin) noteTarget(v *visit, action, name string, fresh bool) error {
	return a.DB.Update(v.r.Context(), func(tx *store.Tx) error {
		id := styk.ID(0)
		if !fresh {
			t, err := tx.Target(name)
			if err != nil {
				return err
			}
			id = t.ID
		}
		return tx.Audit(v.session.User.ID, action, id, 0)
	})
}

// readConnection reads the form. A secret that was left empty keeps its value,
// but goes to no other place than it was given for.
func readConnection(form url.Values, k connect.Kind, old *styk.Target) (*styk.Target, error) {
	t := &styk.Target{Kind: k.Name, Settings: map[string]any{}, Mapping: map[string]string{}, Disabled: form.Get("disabled") != ""}
	var faults []styk.Fault
	fault := func(field, rule, text string) {
		faults = append(faults, styk.Fault{Field: field, Rule: rule, Text: text})
	}
	for _, f := range k.Fields {
		v, err := f.ReadTyped(form.Get("set." + f.Name))
		if err != nil {
			fault(f.Name, string(f.Type), err.Error())
			continue
		}
		if f.Type == connect.Bool && v == nil { // a tick that is not there is sent as nothing
			v = false
		}
		if v != nil && (f.Secret || fmt.Sprint(v) != cmp.Or(f.Default, "false")) {
			t.Settings[f.Name] = v
		}
	}
	moved := old != nil && movedAway(k, old, t)
	for _, f := range k.Fields {
		if !f.Secret || old == nil || t.Settings[f.Name] != nil || old.Settings[f.Name] == nil {
			continue
		}
		if moved {
			fault(f.Name, "retype", "адрес ведёт к другому узлу: введите заново, сохранённое туда не уйдёт")
			continue
		}
		t.Settings[f.Name] = old.Settings[f.Name]
	}
	if text := strings.TrimSpace(form.Get("parallel")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = -1 // refused by the rule
		}
		t.Parallel = n
	}
	theirs := form["theirs"]
	for i, ours := range form["ours"] {
		if ours = strings.TrimSpace(ours); i < len(theirs) && ours != "" && strings.TrimSpace(theirs[i]) != "" {
			t.Mapping[ours] = strings.TrimSpace(theirs[i])
		}
	}
	if faults != nil {
		return t, &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return t, nil
}

// movedAway says whether an address of the target leads to another host than it
// did.
func movedAway(k connect.Kind, old, t *styk.Target) bool {
	return slices.ContainsFunc(k.Fields, func(f connect.Field) bool {
		if f.Type != connect.URL || old.Settings[f.Name] == nil {
			return false
		}
		was, err := url.Parse(f.Typed(old.Settings[f.Name]))
		now, err2 := url.Parse(f.Typed(t.Settings[f.Name]))
		return err != nil || err2 != nil || was.Scheme != now.Scheme || was.Host != now.Host
	})
}

// renewSecret makes a secret of this side anew and shows it once. The other side
// has to be told: where several are taken, the old one stays second, and goes when
// the form is saved without it.
func (a *admin) renewSecret(v *visit) error {
	t, k, err := a.storedTarget(v)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(k.Fields, func(f connect.Field) bool { return f.Name == v.r.PathValue("field") && f.Make != nil })
	if i < 0 {
		return styk.Failed(styk.NotFound, "")
	}
	f, secret := k.Fields[i], k.Fields[i].Make()
	note := choose(v.lang, "Прежний больше не действует.", "The earlier one no longer holds.")
	stored := f.Typed(t.Settings[f.Name])
	t.Settings[f.Name] = secret
	if f.Type == connect.List {
		list := []any{secret}
		if words := strings.Fields(stored); len(words) > 0 {
			list = append(list, words[0])
			note = choose(v.lang, "Подписываем обоими, новым и прежним: замените его у получателя, потом смените ещё раз — прежний уйдёт.",
				"Both sign, the new and the earlier one: change it at the receiver, then renew again and the earlier one goes.")
		}
		t.Settings[f.Name] = list
	}
	if _, err := a.Courier.SaveTarget(v.r.Context(), t); err != nil {
		return err
	}
	if err := a.noteTarget(v, actionSecret, t.Name, false); err != nil {
		return err
	}
	p := adminOncePage{Head: settingLabel(v.lang, f) + ": " + t.Name, Label: settingLabel(v.lang, f), Secret: secret, Back: connectionAddress(t.Name),
		Sub: choose(v.lang, "Скопируйте сейчас: больше его никто не увидит.", "Copy it now: nobody will see it again."), Note: note}
	p.adminFrame = a.frame(v, "/admin/connections", p.Head)
	return a.show(v, http.StatusOK, "admin_once.html", p)
}
