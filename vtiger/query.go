package vtiger

import (
	"context"
	"slices"
	"strconv"
	"time"

	"styk"
	"styk/store"
)

// queryTime is how long one query may read; what is slower finds no index.
const queryTime = 5 * time.Second

// query runs VTQL (spec/vtiger.md 3.5).
func (c *call) query() (Value, error) {
	text, err := c.given("query")
	if err != nil {
		return nil, err
	}
	sel, m, err := c.parse(text)
	if err != nil {
		return nil, err
	}
	return c.answer(sel, m, nil)
}

// parse reads a query and finds its module.
func (c *call) parse(text string) (*Select, *module, error) {
	if text == "" {
		return nil, nil, &wireError{CodeAccessDenied, msgDeniedQuery}
	}
	sel, err := parseVTQL(text)
	if err != nil {
		return nil, nil, queryFault(err)
	}
	m, err := c.moduleNamed(sel.Module, msgDeniedName+sel.Module)
	return sel, m, err
}

// queryFault gives a syntax error the code it has in stock.
func queryFault(err error) error {
	ours, ok := err.(*styk.Error)
	if !ok || len(ours.Faults) != 1 {
		return err
	}
	switch fault := ours.Faults[0]; fault.Rule {
	case ruleNoModule:
		return &wireError{CodeAccessDenied, msgDeniedQuery}
	case ruleSyntax:
		return &wireError{CodeQuerySyntax, fault.Text}
	}
	return err
}

// answer answers one query; also is a further condition that holds for all rows.
func (c *call) answer(sel *Select, m *module, also *store.Cond) (Value, error) {
	columns, err := m.choose(sel)
	if err != nil {
		return nil, err
	}
	if m.kind == "" {
		return c.queryFixed(sel, m)
	}
	q, err := m.compile(sel, c.s.MaxRows)
	if err != nil {
		return nil, err
	}
	if also != nil {
		q.Where = both(q.Where, also)
	}
	ctx, cancel := context.WithTimeout(c, queryTime)
	defer cancel()
	var list List
	err = c.s.DB.View(ctx, func(tx *store.Tx) error {
		if sel.Count {
			n, err := tx.Count(q)
			list = List{Object{{"count", Text(strconv.FormatInt(n, 10))}}}
			return err
		}
		recs, err := tx.Select(q)
		if err != nil {
			return err
		}
		list, err = newRows(tx, recs, columns)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func both(a, b *store.Cond) *store.Cond {
	if a == nil {
		return b
	}
	return &store.Cond{Op: "and", Args: []store.Cond{*a, *b}}
}

// choose checks the select list; nil stands for all fields. The id always
// comes along, at the end when it was not asked for.
func (m *module) choose(sel *Select) ([]chosen, error) {
	if sel.All || sel.Count {
		return nil, nil
	}
	list := make([]chosen, 0, len(sel.Columns)+1)
	seen := map[string]bool{}
	for _, name := range append(slices.Clone(sel.Columns), "id") {
		if seen[name] {
			continue
		}
		seen[name] = true
		column := chosen{key: memberName(name)}
		if name != "id" {
			if column.f = m.find(name); column.f == nil {
				return nil, &wireError{CodeAccessDenied, msgNoColumn(name, true)}
			}
		}
		list = append(list, column)
	}
	return list, nil
}

// compile turns a query into one of the store's; mostRows caps it.
func (m *module) compile(sel *Select, mostRows int) (store.Query, error) {
	q := store.Query{Kind: m.kind, Desc: sel.Desc, Limit: mostRows}
	if sel.Limit.Set {
		q.Offset, q.Limit = sel.Limit.Offset, min(sel.Limit.Count, mostRows)
	}
	if sel.Where != nil {
		where, err := m.condition(sel.Where)
		if err != nil {
			return q, err
		}
		q.Where = &where
	}
	for _, name := range sel.OrderBy {
		if name == "id" {
			q.Order = append(q.Order, "id")
			continue
		}
		f := m.find(name)
		if f == nil {
			return q, &wireError{CodeAccessDenied, msgNoColumn(name, false)}
		}
		if column := f.stored(); column != "" {
			q.Order = append(q.Order, column)
		}
	}
	return q, nil
}

// stored is the store's name of a field; "" for one that is the same in every
// record.
func (f *field) stored() string {
	switch f.from {
	case inExtra:
		return "extra:" + f.name
	case fileNumber:
		return "id"
	case folder:
		return ""
	}
	return f.column
}
