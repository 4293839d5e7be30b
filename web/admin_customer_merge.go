package web

import (
	"net/http"
	"strings"

	"styk"
	"styk/intake"
	"styk/store"
)

// adminMergePage shows what a merge would do, before it is done.
type adminMergePage struct {
	adminFrame
	Address   string // of the winner
	Swap      string // the other way round
	Winner    string
	Loser     string
	LoserID   styk.ID
	Differing []adminMergeField
	Filled    []adminMergeField
	Same      []adminMergeField
	Moves     []adminLine
}

type adminMergeField struct {
	Name, Label, Has, Comes string
}

// cutTake reads the name of a choice between two values.
func cutTake(name string) (column string, ok bool) { return strings.CutPrefix(name, "take.") }

func (a *admin) showMerge(v *visit) error {
	winner, err := v.number("id")
	if err != nil {
		return err
	}
	loser, err := v.other(v.r.URL.Query().Get("with"))
	if err != nil {
		return err
	}
	var plan *intake.MergePlan
	firms := map[styk.ID]string{}
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if plan, err = intake.PlanMerge(tx, winner, loser); err != nil {
			return err
		}
		for _, c := range []*styk.Contact{plan.Winner, plan.Loser} {
			firm := &styk.Account{}
			if firm.ID = c.Account; firm.ID == 0 {
				continue
			}
			if err := tx.Load(firm); err != nil && styk.CodeOf(err) != styk.NotFound {
				return err
			}
			firms[c.Account] = firm.Name
		}
		return nil
	})
	if err != nil {
		return err
	}
	p := adminMergePage{Address: address("customers", winner), Swap: address("customers", loser) + "/merge?with=" + plainNumber(winner),
		Winner: customerPanel(v.lang, plan.Winner, "").Name, Loser: customerPanel(v.lang, plan.Loser, "").Name, LoserID: loser}
	p.adminFrame = a.frame(v, "/admin/customers", choose(v.lang, "Объединить клиентов", "Merge customers"))
	fields := func(list []intake.MergeField) (shown []adminMergeField) {
		for _, f := range list {
			s := adminMergeField{f.Column, contactWord(v.lang, f.Column), f.Has, f.Comes}
			if f.Column == "account_id" {
				s.Has, s.Comes = firms[plan.Winner.Account], firms[plan.Loser.Account]
			}
			shown = append(shown, s)
		}
		return shown
	}
	p.Differing, p.Filled, p.Same = fields(plan.Differing), fields(plan.Filled), fields(plan.Same)
	for _, part := range movedParts {
		if n := plan.Moved.Count(part.name); n > 0 {
			p.Moves = append(p.Moves, adminLine{choose(v.lang, part.ru, part.en), plainNumber(styk.ID(n))})
		}
	}
	if n := len(plan.Moved.Codes); n > 0 {
		p.Moves = append(p.Moves, adminLine{choose(v.lang, "Коды из SMS", "SMS codes"), plainNumber(styk.ID(n))})
	}
	return a.show(v, http.StatusOK, "admin_customer_merge.html", p)
}

// movedParts name what goes over.
var movedParts = []struct{ name, ru, en string }{
	{"ticket", "Обращения", "Tickets"}, {"project", "Проекты", "Projects"}, {"linked", "Файлы", "Files"}, {"submission", "Заявки с форм", "Form posts"},
	{"card", "Карты", "Cards"}, {"comment", "Заметки", "Notes"}, {"suggestion", "Значения с форм", "Values of forms"},
}

// contactWord names a column of a contact.
func contactWord(lang, name string) string {
	switch name {
	case "title":
		return choose(lang, "Должность", "Position")
	case "text":
		return choose(lang, "Описание", "Description")
	}
	return fieldWord(lang, name)
}
