package api

import (
	"strconv"

	"styk"
	"styk/staff"
	"styk/store"
	"styk/wallet"
)

// actionTemplate notes a change of a card template.
const actionTemplate = "template.saved"

var templateOperations = []operation{
	{id: "listCardTemplates", method: "GET", path: "/card-templates", rights: []staff.Right{staff.SetUpCards, staff.SeeCards}, tag: "cards",
		says: words{"Шаблоны карт", "Card templates"}, answer: all[templateRow]{}, handle: (*call).listTemplates},
	{id: "getCardTemplate", method: "GET", path: "/card-templates/{template}", rights: []staff.Right{staff.SetUpCards, staff.SeeCards}, tag: "cards",
		says: words{"Прочитать шаблон с оформлением", "Read a template with its look"}, answer: cardTemplate{}, handle: (*call).getTemplate},
	{id: "saveCardTemplate", method: "PUT", path: "/card-templates/{template}", rights: []staff.Right{staff.SetUpCards}, tag: "cards",
		says:  words{"Записать шаблон", "Save a template"},
		about: "A new number makes a new template. Without a layout the stored look stays, or the default one is taken.",
		body:  templateSettings{}, answer: cardTemplate{}, match: true, handle: (*call).saveTemplate},
}

type templateRow struct {
	ID       string `json:"id" eg:"5be000000000000000000001"`
	Name     string `json:"name" eg:"Карта гостя"`
	Disabled bool   `json:"disabled" doc:"It takes no new cards."`
	Version  int64  `json:"version" eg:"1"`
}

func showTemplateRow(t *styk.CardTemplate) templateRow {
	return templateRow{t.ID, t.Name, t.Disabled, t.Version}
}

type cardTemplate struct {
	templateRow
	Adopt       bool                `json:"adopt" doc:"A second create for a taken phone gives the existing card."`
	UnknownCard string              `json:"unknown_card" doc:"create: an update of an unknown card makes it."`
	Targets     []string            `json:"targets" doc:"Those that hear of its cards."`
	PassType    string              `json:"pass_type" doc:"Of the Apple certificate; empty: the development one."`
	Variables   []styk.CardVariable `json:"variables" eg:"[{\"name\":\"PHONE\",\"type\":\"phone\",\"unique\":true,\"required\":true}]"`
	Layout      *wallet.Layout      `json:"layout,omitempty" doc:"Absent: the default look."`
}

func (c *call) listTemplates() (any, error) {
	var list []*styk.CardTemplate
	err := c.view(func(tx *store.Tx) (err error) {
		list, err = tx.CardTemplates()
		return err
	})
	return allOf(list, showTemplateRow), err
}

func (c *call) getTemplate() (any, error) {
	number, err := c.number("template")
	if err != nil {
		return nil, err
	}
	var t *styk.CardTemplate
	err = c.view(func(tx *store.Tx) (err error) {
		t, err = tx.CardTemplate(number)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.w.Header().Set("ETag", templateTag(t.Version))
	shown := cardTemplate{templateRow: showTemplateRow(t), Adopt: t.Adopt, UnknownCard: t.UnknownCard, Targets: append([]string{}, t.Targets...),
		PassType: t.PassType, Variables: append([]styk.CardVariable{}, t.Variables...)}
	if len(t.Layout) > 0 {
		shown.Layout, err = wallet.LayoutOf(t)
	}
	return shown, err
}

func templateTag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

type templateSettings struct {
	Name        string              `json:"name" eg:"Карта гостя"`
	Adopt       bool                `json:"adopt,omitempty"`
	UnknownCard string              `json:"unknown_card,omitempty"`
	Targets     []string            `json:"targets,omitempty"`
	PassType    string              `json:"pass_type,omitempty"`
	Disabled    bool                `json:"disabled,omitempty"`
	Variables   []styk.CardVariable `json:"variables" eg:"[{\"name\":\"PHONE\",\"type\":\"phone\",\"unique\":true,\"required\":true}]"`
	Layout      *wallet.Layout      `json:"layout" doc:"Absent: the look stays."`
}

func (c *call) saveTemplate() (any, error) {
	number, err := c.number("template")
	if err != nil {
		return nil, err
	}
	in := c.in.(*templateSettings)
	t := &styk.CardTemplate{ID: number, Name: in.Name, Adopt: in.Adopt, UnknownCard: in.UnknownCard, Targets: in.Targets, PassType: in.PassType,
		Disabled: in.Disabled, Variables: in.Variables}
	err = c.change(actionTemplate, 0, func(tx *store.Tx) error {
		version, err := tx.TemplateVersion(number)
		if err != nil {
			return err
		}
		if want := c.r.Header.Get("If-Match"); want != "" && want != "*" && want != templateTag(version) {
			return errChanged
		}
		_, err = c.s.Cards.SaveTemplateIn(tx, t, in.Layout)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.getTemplate()
}
