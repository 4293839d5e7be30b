package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"styk"
	"styk/staff"
)

// adminProgramPage makes or changes a user of the CRM service.
type adminProgramPage struct {
	adminFrame
	Tabs       []adminTab
	New        bool
	Address    string // where the form goes
	Name       string
	Scope      []adminTick // all operations, a site's, chosen ones
	Operations []adminTick
	Modules    []adminTick
	Networks   string // one a line
	Disabled   bool
	Seen       moment
	Created    moment
	Endpoint   string // where the program calls
	MayManage  bool
	Faults     formFaults
}

func (a *admin) showNewProgram(v *visit) error {
	return a.programPage(v, http.StatusOK, &styk.User{Operations: slices.Clone(a.Staff.Programs.Seed)}, "", nil)
}

func (a *admin) showProgram(v *visit) error {
	u, err := a.programOf(v)
	if err != nil {
		return err
	}
	return a.programPage(v, http.StatusOK, u, "", nil)
}

// programOf gives the program of the address.
func (a *admin) programOf(v *visit) (*styk.User, error) {
	id, err := v.number("id")
	if err != nil {
		return nil, err
	}
	list, err := a.Staff.ListPrograms(v.r.Context())
	for _, one := range list {
		if one.User.ID == id {
			return one.User, nil
		}
	}
	return nil, errors.Join(err, styk.Failed(styk.NotFound, ""))
}

// programPage shows u, of whom a refused form may have been read; scope is what
// that form chose.
func (a *admin) programPage(v *visit, status int, u *styk.User, scope string, refused error) error {
	known := a.Staff.Programs
	if scope == "" {
		switch {
		case len(u.Operations) == 0:
			scope = "all"
		case isSeed(known, u.Operations):
			scope = "seed"
		default:
			scope = "list"
		}
	}
	p := adminProgramPage{Tabs: a.staffTabs(v, "/admin/keys"), New: u.ID == 0, Address: "/admin/keys/programs/new", Name: u.Name,
		Networks: strings.Join(shortNetworks(u.Networks), "\n"), Disabled: u.Disabled, Created: a.moment(v.lang, u.Created),
		Endpoint: a.Base() + "/webservice.php", MayManage: v.may(staff.ManageKeys), Faults: formFaultsOf(v.lang, refused)}
	title := u.Name
	if p.New {
		title = choose(v.lang, "Новая программа", "New program")
	} else {
		p.Address = programAddress(u.ID)
	}
	p.adminFrame = a.frame(v, "/admin/staff", title)
	p.Scope = []adminTick{
		{"seed", p.T("Только то, что нужно сайту", "What a site needs"), strings.Join(known.Seed, ", "), scope == "seed"},
		{"list", p.T("Выбранные операции", "Chosen operations"), "", scope == "list"},
		{"all", p.T("Все операции", "All operations"), p.T("Чтение и изменение всего, что разрешено ниже", "To read and change all that is allowed below"), scope == "all"},
	}
	for _, name := range known.Operations {
		p.Operations = append(p.Operations, adminTick{Value: name, Text: name, Chosen: has(u.Operations, name)})
	}
	for _, name := range known.Modules {
		p.Modules = append(p.Modules, adminTick{Value: name, Text: name, Chosen: has(u.Modules, name)})
	}
	return a.show(v, status, "admin_keys_program.html", p)
}

// readProgram reads the form.
func (a *admin) readProgram(v *visit) (u *styk.User, scope string, err error) {
	form := v.r.PostForm
	u = &styk.User{Name: form.Get("name"), Modules: form["modules"], Networks: splitWords(form.Get("networks"))}
	switch scope = form.Get("scope"); scope {
	case "seed":
		u.Operations = slices.Clone(a.Staff.Programs.Seed)
	case "list":
		if u.Operations = form["operations"]; len(u.Operations) == 0 {
			return u, scope, styk.FieldError(styk.Invalid, "operations", "none", choose(v.lang, "Отметьте хотя бы одну операцию", "Tick at least one operation"))
		}
	case "all":
	default:
		return u, "seed", styk.FieldError(styk.Invalid, "operations", "scope", choose(v.lang, "Выберите, что можно", "Choose what is allowed"))
	}
	return u, scope, nil
}

func (a *admin) addProgram(v *visit) error {
	u, scope, err := a.readProgram(v)
	var key string
	if err == nil {
		key, err = a.Staff.AddProgram(v.r.Context(), v.session.User, u)
	}
	if refused := formFaultsOf(v.lang, err); len(refused) > 0 {
		u.ID = 0
		return a.programPage(v, http.StatusUnprocessableEntity, u, scope, err)
	}
	if err != nil {
		return err
	}
	return a.programKey(v, u, key)
}

func (a *admin) programKey(v *visit, u *styk.User, key string) error {
	return a.oncePage(v, "/admin/keys", adminOncePage{
		Head:  choose(v.lang, "Ключ для ", "The key of ") + u.Name,
		Sub:   choose(v.lang, "Скопируйте сейчас: больше его никто не увидит.", "Copy it now: nobody will see it again."),
		Label: choose(v.lang, "Ключ доступа", "Access key"), Secret: key, Back: programAddress(u.ID),
		Note: choose(v.lang, "Имя для входа: ", "Name to log in with: ") + u.Name + ". " + choose(v.lang, "Адрес: ", "Address: ") + a.Base() + "/webservice.php",
	})
}

func (a *admin) changeProgram(v *visit) error {
	kept, err := a.programOf(v)
	if err != nil {
		return err
	}
	u, scope, err := a.readProgram(v)
	u.ID, u.Name, u.Disabled, u.Created = kept.ID, kept.Name, kept.Disabled, kept.Created
	if err == nil {
		err = a.Staff.ChangeProgram(v.r.Context(), v.session.User, u)
	}
	if refused := formFaultsOf(v.lang, err); len(refused) > 0 {
		return a.programPage(v, http.StatusUnprocessableEntity, u, scope, err)
	}
	if err != nil {
		return err
	}
	return v.redirect(programAddress(u.ID), "saved")
}

func (a *admin) newProgramKey(v *visit) error {
	u, err := a.programOf(v)
	if err != nil {
		return err
	}
	key, err := a.Staff.NewKey(v.r.Context(), v.session.User, u.ID)
	if err != nil {
		return err
	}
	return a.programKey(v, u, key)
}

func (a *admin) disableProgram(v *visit) error {
	u, err := a.programOf(v)
	if err != nil {
		return err
	}
	if err := a.Staff.DisableProgram(v.r.Context(), v.session.User, u.ID); err != nil {
		return err
	}
	return v.redirect(programAddress(u.ID), "disabled")
}

func (a *admin) enableProgram(v *visit) error {
	u, err := a.programOf(v)
	if err != nil {
		return err
	}
	if err := a.Staff.EnableProgram(v.r.Context(), v.session.User, u.ID); err != nil {
		return err
	}
	return v.redirect(programAddress(u.ID), "enabled")
}
