package vtiger

import (
	"slices"
	"strings"
	"time"

	"styk"
	"styk/store"
)

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
		return compareTime(f.column, t)
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

// span is a second or a longer time, from its beginning to before its end.
type span struct{ from, to time.Time }

// compareTime compares moments, which the wire knows to the second and the
// store to the millisecond.
func compareTime(column string, t *Test) (store.Cond, error) {
	compare := func(op string, at time.Time) store.Cond {
		return store.Cond{Op: op, Field: column, Values: []string{at.Format(timeForm)}}
	}
	pattern := t.Op == OpLike || t.Op == OpNotLike
	var spans []span
	for _, value := range t.Values {
		if s, ok := spanOf(value, pattern); ok {
			spans = append(spans, s)
		} else if pattern {
			return never, styk.FieldError(styk.Invalid, t.Column, "pattern", "like takes a beginning of a time, cut after a whole part: 2026%, 2026-11%, 2026-11-21%")
		}
	}
	if len(spans) == 0 {
		return nothingMatches(t), nil
	}
	switch first := spans[0]; t.Op {
	case OpLess:
		return compare("<", first.from), nil
	case OpAtLeast:
		return compare(">=", first.from), nil
	case OpGreater:
		return compare(">=", first.to), nil
	case OpAtMost:
		return compare("<", first.to), nil
	}
	cond := store.Cond{Op: "or"}
	inner, from, to := "and", ">=", "<"
	if t.Op == OpUnequal || t.Op == OpNotIn || pattern && t.Op == OpNotLike {
		cond.Op, inner, from, to = "and", "or", "<", ">="
	}
	for _, s := range spans {
		cond.Args = append(cond.Args, store.Cond{Op: inner, Args: []store.Cond{compare(from, s.from), compare(to, s.to)}})
	}
	return cond, nil
}

// patternSteps are the whole parts after which a pattern of a time may be cut.
var patternSteps = []struct {
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

// spanOf gives the second that a value means, or of a pattern such as
// 2026-11-21% the whole time that it covers.
func spanOf(value string, pattern bool) (span, bool) {
	value = strings.TrimSpace(value)
	prefix, open := strings.CutSuffix(value, "%")
	if !pattern || !open {
		for _, layout := range []string{timeForm, dateForm, time.RFC3339} {
			if at, err := time.Parse(layout, value); err == nil {
				return span{at.UTC(), at.UTC().Add(time.Second)}, true
			}
		}
		return span{}, false
	}
	if prefix == "" {
		return span{time.Unix(0, 0).UTC(), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, true
	}
	for _, step := range patternSteps {
		if at, err := time.Parse(step.layout, strings.TrimRight(prefix, "-: ")); err == nil {
			return span{at, step.after(at)}, true
		}
	}
	return span{}, false
}
