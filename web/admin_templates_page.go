package web

import (
	"net/http"
	"strconv"

	"styk"
	"styk/store"
	"styk/wallet"
)

// adminTemplatesPage lists the templates of cards.
type adminTemplatesPage struct {
	adminFrame
	Rows []adminTemplateRow
}

type adminTemplateRow struct {
	Address   string
	Name      string
	ID        string
	Issued    int
	Installed int
	Cards     string // address of its cards
	Off       bool
	Develop   bool // its passes are signed by the development certificate
	Face      string
	Variables string
	Ground    string
}

func templateAddress(id string) string { return "/admin/templates/" + id }

func (a *admin) showTemplates(v *visit) error {
	if a.Cards == nil {
		return errNoCards
	}
	p := adminTemplatesPage{adminFrame: a.frame(v, "/admin/templates", choose(v.lang, "Шаблоны карт", "Card templates"))}
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		p.Rows = nil
		list, err := tx.CardTemplates()
		for _, t := range list {
			if err != nil {
				return err
			}
			row := templateRow(v.lang, t)
			if row.Issued, err = tx.CountCards(t.ID); err == nil {
				row.Installed, err = tx.CardsOnPhones(t.ID)
			}
			p.Rows = append(p.Rows, row)
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "admin_templates.html", p)
}

func templateRow(lang string, t *styk.CardTemplate) adminTemplateRow {
	n := len(t.Variables)
	row := adminTemplateRow{Address: templateAddress(t.ID), Name: t.Name, ID: t.ID, Cards: cardsAddress("", "", t.ID, 0), Off: t.Disabled,
		Develop:   t.PassType == "" || t.PassType == wallet.DevelopmentPassType,
		Variables: strconv.Itoa(n) + " " + plural(lang, int64(n), "переменная", "переменные", "переменных", "variable", "variables")}
	if l, err := wallet.LayoutOf(t); err == nil {
		row.Ground = safeColour(string(l.Background))
	}
	return row
}
