package vtiger

import (
	"context"
	"slices"
	"strconv"
	"strings"
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

var (
	never  = store.Cond{Op: "or"}
	always = store.Cond{Op: "and"}
)

// condition compiles an expression whose columns it checks.
func (m *module) condition(e Expr) (store.Cond, error) {
	if t, ok := e.(*Test); ok {
		return m.test(t)
	}
	l := e.(*Logic)
	cond := store.Cond{Op: "and", Args: make([]store.Cond, len(l.Terms))}
	if l.Or {
		cond.Op = "or"
	}
	for i, term := range l.Terms {
		var err error
		if cond.Args[i], err = m.condition(term); err != nil {
			return cond, err
		}
	}
	return cond, nil
}

func (m *module) test(t *Test) (store.Cond, error) {
	if t.Column == "id" {
		return compareIDs("id", t)
	}
	f := m.find(t.Column)
	if f == nil {
		return never, &wireError{CodeAccessDenied, msgNoColumn(t.Column, false)}
	}
	switch f.from {
	case inColumn, anyRecord, baseOwner, baseModifiedBy:
		if f.is == isReference || f.is == isOwner {
			return compareIDs(f.column, t)
		}
	case inExtra:
		if f.is == isReference {
			return compareLinks(f, t)
		}
	case clientLink:
		return compareClient(f, t)
	case fileNumber:
		return compareIDs("id", t)
	case folder:
		return compareFolder(t)
	case ownNumber, ticketNumber:
		return compareNumber(f, t), nil
	case baseCreated, baseModified:
		return compareTime(f.column, t), nil
	case negated:
		return compareWords(f.column, t, map[string]string{"1": "0", "0": "1"}), nil
	case fileLocation:
		return compareWords(f.column, t, map[string]string{"i": "0", "e": "1"}), nil
	}
	return compareText(f, t), nil
}

// storeOp is a test's operator in the store's words.
func storeOp(op TestOp) string {
	switch op {
	case OpIsNull:
		return "null"
	case OpIsNotNull:
		return "not null"
	}
	return string(op)
}

// compareText compares what the store holds as it stands; what reads as "0"
// of a checkbox is kept as nothing.
func compareText(f *field, t *Test) store.Cond {
	cond := store.Cond{Op: storeOp(t.Op), Field: f.stored(), Values: t.Values}
	empties := f.is == isCurrency || f.is == isInteger && f.from == inColumn
	if empties && len(t.Values) == 1 && t.Values[0] == "" {
		switch t.Op {
		case OpEqual:
			return store.Cond{Op: "null", Field: cond.Field}
		case OpUnequal:
			return store.Cond{Op: "not null", Field: cond.Field}
		}
	}
	if f.blank != "" && slices.Contains(t.Values, f.blank) {
		cond.Values = slices.Clone(t.Values)
		for i, value := range cond.Values {
			if value == f.blank {
				cond.Values[i] = ""
			}
		}
	}
	return cond
}

// compareWords compares a flag that the wire calls by other words.
func compareWords(column string, t *Test, words map[string]string) store.Cond {
	cond := store.Cond{Op: storeOp(t.Op), Field: column}
	for _, value := range t.Values {
		if word, ok := words[strings.ToLower(value)]; ok {
			cond.Values = append(cond.Values, word)
		}
	}
	if len(cond.Values) == 0 {
		return nothingMatches(t)
	}
	return cond
}

// nothingMatches is a test none of whose values the field can have.
func nothingMatches(t *Test) store.Cond {
	switch t.Op {
	case OpUnequal, OpNotIn, OpNotLike, OpIsNotNull:
		return always
	}
	return never
}

// numberOf gives what stands behind the x of an id; "" means none, 0.
func numberOf(value string) (string, error) {
	if value == "" {
		return "0", nil
	}
	_, number, found := strings.Cut(value, "x")
	if !found {
		return "", &wireError{CodeInvalidID, MsgInvalidID}
	}
	return number, nil
}

// compareIDs compares record numbers, as stock does: the module before the x
// is not looked at.
func compareIDs(column string, t *Test) (store.Cond, error) {
	cond := store.Cond{Op: storeOp(t.Op), Field: column}
	for _, value := range t.Values {
		number, err := numberOf(value)
		if err != nil {
			return cond, err
		}
		cond.Values = append(cond.Values, number)
	}
	return cond, nil
}

// compareLinks compares references that lie in Extra, as whole ids.
func compareLinks(f *field, t *Test) (store.Cond, error) {
	for _, value := range t.Values {
		if _, err := numberOf(value); err != nil {
			return never, err
		}
	}
	return store.Cond{Op: storeOp(t.Op), Field: f.stored(), Values: t.Values}, nil
}

// compareClient compares the client of a project, a contact in its column or
// an account in Extra.
func compareClient(f *field, t *Test) (store.Cond, error) {
	contact, err := compareIDs(f.column, t)
	if err != nil {
		return never, err
	}
	account := store.Cond{Op: storeOp(t.Op), Field: "extra:" + f.name, Values: t.Values}
	cond := store.Cond{Op: "or", Args: []store.Cond{contact, account}}
	empty := t.Op == OpIsNull || t.Op == OpEqual && t.Values[0] == ""
	filled := t.Op == OpUnequal && t.Values[0] == ""
	if empty || t.Op == OpNotIn || t.Op == OpNotLike || t.Op == OpUnequal && !filled {
		cond.Op = "and"
	}
	return cond, nil
}

func compareFolder(t *Test) (store.Cond, error) {
	ours := slices.Contains(t.Values, defaultFolder)
	switch t.Op {
	case OpEqual, OpIn, OpLike, OpAtLeast, OpAtMost:
		if ours {
			return always, nil
		}
		return never, nil
	case OpUnequal, OpNotIn, OpNotLike:
		if ours {
			return never, nil
		}
		return always, nil
	}
	return nothingMatches(t), nil
}

// compareNumber compares CON5 and the like by the number in it; a ticket's own
// number as text.
func compareNumber(f *field, t *Test) store.Cond {
	cond := store.Cond{Op: storeOp(t.Op), Field: "id"}
	var own []string
	for _, value := range t.Values {
		if len(value) > len(f.prefix) && strings.EqualFold(value[:len(f.prefix)], f.prefix) {
			cond.Values = append(cond.Values, value[len(f.prefix):])
		} else {
			own = append(own, value)
		}
	}
	if f.from == ticketNumber && (len(own) > 0 || len(t.Values) == 0) {
		return store.Cond{Op: storeOp(t.Op), Field: f.column, Values: t.Values}
	}
	if len(cond.Values) == 0 {
		return nothingMatches(t)
	}
	return cond
}

// compareTime compares moments, which the wire knows to the second and the
// store to the millisecond.
func compareTime(column string, t *Test) store.Cond {
	compare := func(op string, at time.Time) store.Cond {
		return store.Cond{Op: op, Field: column, Values: []string{at.Format(timeForm)}}
	}
	within := func(from, to time.Time) store.Cond {
		return store.Cond{Op: "and", Args: []store.Cond{compare(">=", from), compare("<", to)}}
	}
	outside := func(from, to time.Time) store.Cond {
		return store.Cond{Op: "or", Args: []store.Cond{compare("<", from), compare(">=", to)}}
	}
	var ranges [][2]time.Time
	for _, value := range t.Values {
		if from, to, ok := momentOf(value, t.Op == OpLike || t.Op == OpNotLike); ok {
			ranges = append(ranges, [2]time.Time{from, to})
		}
	}
	if len(ranges) == 0 {
		return nothingMatches(t)
	}
	from, to := ranges[0][0], ranges[0][1]
	switch t.Op {
	case OpLess:
		return compare("<", from)
	case OpAtLeast:
		return compare(">=", from)
	case OpGreater:
		return compare(">=", to)
	case OpAtMost:
		return compare("<", to)
	}
	cond := store.Cond{Op: "or"}
	part := within
	if t.Op == OpUnequal || t.Op == OpNotIn || t.Op == OpNotLike {
		cond.Op, part = "and", outside
	}
	for _, r := range ranges {
		cond.Args = append(cond.Args, part(r[0], r[1]))
	}
	return cond
}

// momentOf gives the second that a value means, or of a pattern such as
// 2026-11-21% the whole time that it covers.
func momentOf(value string, pattern bool) (from, to time.Time, ok bool) {
	value = strings.TrimSpace(value)
	if !pattern {
		for _, layout := range []string{timeForm, dateForm, time.RFC3339} {
			if at, err := time.Parse(layout, value); err == nil {
				at = at.UTC()
				return at, at.Add(time.Second), true
			}
		}
		return from, to, false
	}
	prefix, found := strings.CutSuffix(value, "%")
	if !found {
		return momentOf(value, false)
	}
	steps := []struct {
		layout string
		after  func(time.Time) time.Time
	}{
		{timeForm, func(t time.Time) time.Time { return t.Add(time.Second) }},
		{"2006-01-02 15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
		{"2006-01-02 15", func(t time.Time) time.Time { return t.Add(time.Hour) }},
		{dateForm, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
		{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
		{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	}
	for _, step := range steps {
		if at, err := time.Parse(step.layout, strings.TrimRight(prefix, "-: ")); err == nil {
			return at, step.after(at), true
		}
	}
	return from, to, false
}
