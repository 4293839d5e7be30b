package vtiger

import (
	"slices"
	"strconv"
	"strings"

	"styk"
)

// queryFixed answers a query over a module whose few rows are not kept as
// records: users, groups, folders. They are compared here, without case.
func (c *call) queryFixed(sel *Select, m *module) (Value, error) {
	for _, name := range sel.OrderBy {
		if name != "id" && m.find(name) == nil {
			return nil, &wireError{CodeAccessDenied, msgNoColumn(name, false)}
		}
	}
	var fault error
	Tests(sel.Where, func(t *Test) {
		if t.Column != "id" && m.find(t.Column) == nil && fault == nil {
			fault = &wireError{CodeAccessDenied, msgNoColumn(t.Column, false)}
		}
	})
	if fault != nil {
		return nil, fault
	}
	rows, err := m.rows(c)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row Object) bool { return sel.Where != nil && !holds(sel.Where, row) })
	if sel.Count {
		return List{Object{{"count", Text(strconv.Itoa(len(rows)))}}}, nil
	}
	slices.SortStableFunc(rows, func(a, b Object) int { return sel.order(a, b) })
	list := List{}
	for _, row := range sel.page(rows, c.s.MaxRows) {
		list = append(list, sel.pick(row))
	}
	return list, nil
}

func (s *Select) order(a, b Object) int {
	for _, name := range s.OrderBy {
		if way := compareTexts(rowText(a, name), rowText(b, name)); way != 0 {
			if s.Desc {
				return -way
			}
			return way
		}
	}
	return 0
}

// page cuts the rows as limit and the cap say.
func (s *Select) page(rows []Object, most int) []Object {
	if s.Limit.Set {
		rows = rows[min(s.Limit.Offset, len(rows)):]
		most = min(most, s.Limit.Count)
	}
	return rows[:min(most, len(rows))]
}

// pick keeps the chosen columns, and the id.
func (s *Select) pick(row Object) Object {
	if s.All {
		return row
	}
	var picked Object
	for _, name := range s.Columns {
		picked.AddText(name, rowText(row, name))
	}
	if !slices.Contains(s.Columns, "id") {
		picked.AddText("id", rowText(row, "id"))
	}
	return picked
}

// holds tells whether a condition is true of a row.
func holds(e Expr, row Object) bool {
	switch e := e.(type) {
	case *Test:
		return e.holds(rowText(row, e.Column))
	case *Logic:
		for _, term := range e.Terms {
			if holds(term, row) == e.Or {
				return e.Or
			}
		}
		return !e.Or
	}
	return false
}

func (t *Test) holds(text string) bool {
	equal := func(value string) bool { return compareTexts(text, value) == 0 }
	switch t.Op {
	case OpIsNull:
		return text == ""
	case OpIsNotNull:
		return text != ""
	case OpIn:
		return slices.ContainsFunc(t.Values, equal)
	case OpNotIn:
		return !slices.ContainsFunc(t.Values, equal)
	case OpLike:
		return like(styk.Fold(text), styk.Fold(t.Values[0]))
	case OpNotLike:
		return !like(styk.Fold(text), styk.Fold(t.Values[0]))
	}
	way := compareTexts(text, t.Values[0])
	switch t.Op {
	case OpUnequal:
		return way != 0
	case OpLess:
		return way < 0
	case OpGreater:
		return way > 0
	case OpAtMost:
		return way <= 0
	case OpAtLeast:
		return way >= 0
	}
	return way == 0
}

// compareTexts orders texts without case, and ids by their numbers.
func compareTexts(a, b string) int {
	x, errX := ParseWSID(a)
	y, errY := ParseWSID(b)
	if errX == nil && errY == nil && x.Entity == y.Entity {
		return int(min(1, max(-1, x.Record-y.Record)))
	}
	return strings.Compare(styk.Fold(a), styk.Fold(b))
}

// like matches % and _.
func like(text, pattern string) bool {
	t, p := []rune(text), []rune(pattern)
	star, mark := -1, 0
	i, j := 0, 0
	for i < len(t) {
		switch {
		case j < len(p) && p[j] == '%':
			star, mark = j, i
			j++
		case j < len(p) && (p[j] == '_' || p[j] == t[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(p) && p[j] == '%' {
		j++
	}
	return j == len(p)
}
