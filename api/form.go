package api

import (
	"styk"
	"styk/store"
)

var formOperations = []operation{
	{id: "listForms", method: "GET", path: "/forms", tag: "forms", says: words{"Формы сайта", "Forms of the site"}, answer: all[formRow]{},
		handle: (*call).listForms},
	{id: "getForm", method: "GET", path: "/forms/{name}", tag: "forms", says: words{"Прочитать форму с полями", "Read a form with its fields"},
		answer: form{}, handle: (*call).getForm},
}

type formRow struct {
	Name     string   `json:"name" eg:"feedback"`
	Title    string   `json:"title" eg:"Обратная связь"`
	Targets  []string `json:"targets" eg:"crm"`
	Disabled bool     `json:"disabled"`
	Version  int64    `json:"version" doc:"Counts the changes." eg:"1"`
}

func showFormRow(f *styk.Form) formRow {
	return formRow{f.Name, f.Title, append([]string{}, f.Targets...), f.Disabled, f.Version}
}

type form struct {
	formRow
	After   string            `json:"after" doc:"reload, reset or an address; empty: reload."`
	Wait    string            `json:"wait" doc:"How long an answer may wait for the CRM's number." eg:"4s"`
	Fields  []styk.FormField  `json:"fields"`
	Texts   map[string]string `json:"texts"`
	Theme   map[string]string `json:"theme"`
	Origins []string          `json:"origins"`
	Card    *styk.FormCard    `json:"card,omitempty" doc:"The loyalty card that it issues."`
}

func (c *call) forms() (list []*styk.Form, err error) {
	err = c.view(func(tx *store.Tx) (err error) {
		list, err = tx.Forms()
		return err
	})
	return list, err
}

func (c *call) listForms() (any, error) {
	list, err := c.forms()
	return allOf(list, showFormRow), err
}

func (c *call) getForm() (any, error) {
	list, err := c.forms()
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if f.Name != c.r.PathValue("name") {
			continue
		}
		shown := form{formRow: showFormRow(f), After: f.After, Wait: f.WaitFor().String(), Fields: append([]styk.FormField{}, f.Fields...),
			Texts: map[string]string{}, Theme: map[string]string{}, Origins: append([]string{}, f.Origins...), Card: f.Card}
		for name, text := range f.Texts {
			shown.Texts[name] = text
		}
		for name, text := range f.Theme {
			shown.Theme[name] = text
		}
		return shown, nil
	}
	return nil, styk.Failed(styk.NotFound, "Такой формы нет")
}
