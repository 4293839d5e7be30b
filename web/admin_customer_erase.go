package web

import (
	"net/http"
	"strings"

	"styk"
	"styk/store"
)

// adminKept is what stays of a person, or is not given to him, and why.
type adminKept struct{ Where, Holds, Why string }

// stayWords tell in Russian what the register keeps, by table; the register
// itself is English.
var stayWords = map[string]adminKept{
	"submission": {"Согласия", "Текст, версия, время и сетевой адрес каждого согласия", "доказательство согласия, пока возможны претензии"},
	"project":    {"Проекты", "Суммы и даты договора", "бухгалтерия обязана подтверждать свои цифры пять лет"},
	"delivery":   {"Доставки", "Номер карточки клиента", "голый номер, за которым больше ничего не стоит"},
}

func keptPanel(lang string) (list []adminKept) {
	for _, p := range store.KeptOf() {
		table, _, _ := strings.Cut(p.Columns, ":")
		k := adminKept{tableWord(lang, table), p.Holds, p.Why}
		if w, ok := stayWords[table]; ok && lang != "en" {
			k = w
		}
		list = append(list, k)
	}
	return list
}

func (a *admin) showErase(v *visit) error {
	p, id, err := a.personPage(v, choose(v.lang, "Удаление данных клиента", "Erasure of a customer’s data"))
	if err != nil {
		return err
	}
	var erased bool
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		erased, err = tx.Erased(id)
		return err
	})
	if err != nil {
		return err
	}
	if erased {
		return v.redirect("/admin/erasures", "")
	}
	return a.show(v, http.StatusOK, "admin_customer_erase.html", p)
}

// erase empties all that is kept of a person, after his number was typed.
func (a *admin) erase(v *visit) error {
	p, id, err := a.personPage(v, choose(v.lang, "Удаление данных клиента", "Erasure of a customer’s data"))
	if err != nil {
		return err
	}
	if strings.TrimSpace(v.r.PostForm.Get("number")) != p.Number {
		p.Wrong = true
		return a.show(v, http.StatusUnprocessableEntity, "admin_customer_erase.html", p)
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionErased, id, 0); err != nil {
		return err
	}
	return a.runErasure(v, id)
}

// runErasure erases, or goes on. One that cannot end now is no fault of the
// person: its record says that it is open.
func (a *admin) runErasure(v *visit, id styk.ID) error {
	if _, err := a.Intake.Erase(v.r.Context(), id, v.by()); err != nil {
		if styk.CodeOf(err) == styk.NotFound {
			return err
		}
		a.Log.Error("erasure", "op", "erase", "err", err)
		return v.redirect("/admin/erasures", "erasing")
	}
	return v.redirect("/admin/erasures", "erased")
}

func (a *admin) resumeErasure(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		_, err := tx.Erasure(id)
		return err
	})
	if err != nil {
		return err
	}
	return a.runErasure(v, id)
}

// adminErasuresPage lists whom one has erased: numbers only.
type adminErasuresPage struct {
	adminFrame
	Rows []adminErasure
	Kept []adminKept
}

type adminErasure struct {
	Number string
	Who    string
	Begun  moment
	Ended  moment
	Open   bool
	Resume string
	Counts []adminLine
}

const erasuresShown = 200

func (a *admin) showErasures(v *visit) error {
	p := adminErasuresPage{adminFrame: a.frame(v, "/admin/customers", choose(v.lang, "Удалённые данные", "Erased data")), Kept: keptPanel(v.lang)}
	users := map[styk.ID]string{}
	var list []*store.ErasureRecord
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if list, err = tx.Erasures(false, erasuresShown); err != nil {
			return err
		}
		all, err := tx.Users()
		for _, u := range all {
			users[u.ID] = u.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range list {
		p.Rows = append(p.Rows, adminErasure{Number: plainNumber(e.Contact), Who: users[e.User], Begun: a.moment(v.lang, e.Begun),
			Ended: a.moment(v.lang, e.Finished), Open: e.Finished.IsZero(), Resume: address("erasures", e.Contact) + "/resume",
			Counts: countLines(v.lang, e.Counts)})
	}
	return a.show(v, http.StatusOK, "admin_erasures.html", p)
}
