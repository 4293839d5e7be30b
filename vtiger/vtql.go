package vtiger

import (
	"strconv"
	"strings"
)

// Limits of one query; stock knows only its parser's stack.
const (
	maxQueryBytes = 64 << 10
	maxQueryDepth = 50   // nested parentheses
	maxQueryTests = 200  // conditions
	maxQueryIn    = 1000 // values of one IN
)

// Select is a parsed query (spec/vtiger.md 3.5). Names are as written: whether
// the module and its columns exist is the caller's to check.
type Select struct {
	All     bool     // select *
	Count   bool     // select count(*)
	Columns []string // when neither All nor Count
	Module  string
	Where   Expr // nil: every record
	OrderBy []string
	Desc    bool // one direction for the whole OrderBy
	Limit   Limit
}

// Limit is limit COUNT or limit OFFSET, COUNT; Set is false when there was none.
type Limit struct {
	Offset, Count int
	Set           bool
}

// Expr is a condition: *Logic or *Test.
type Expr interface {
	write(b *strings.Builder)
}

// Logic joins two or more conditions by one operator. A Logic never holds one
// of its own operator: a chain is flat.
type Logic struct {
	Or    bool // false: and
	Terms []Expr
}

// Test compares one column. Values is empty for OpIsNull and OpNotNull, has one
// or more for OpIn and OpNotIn, else exactly one.
type Test struct {
	Column string
	Op     TestOp
	Values []string
}

// TestOp is the operator of a Test, in the spelling that String prints.
type TestOp string

// The operators. Those from OpNotLike on are ours, beyond stock's grammar.
const (
	OpEqual     TestOp = "="
	OpUnequal   TestOp = "!=" // also read as <>
	OpLess      TestOp = "<"
	OpGreater   TestOp = ">"
	OpAtMost    TestOp = "<="
	OpAtLeast   TestOp = ">="
	OpIn        TestOp = "in"
	OpLike      TestOp = "like"
	OpNotLike   TestOp = "not like"
	OpNotIn     TestOp = "not in"
	OpIsNull    TestOp = "is null"
	OpIsNotNull TestOp = "is not null"
)

// String writes the query so that parseVTQL reads the same again, and stock too
// as long as it holds nothing that is ours alone.
func (s *Select) String() string {
	var b strings.Builder
	b.WriteString("select ")
	switch {
	case s.Count:
		b.WriteString("count(*)")
	case s.All:
		b.WriteString("*")
	default:
		b.WriteString(strings.Join(s.Columns, ", "))
	}
	b.WriteString(" from " + s.Module)
	if s.Where != nil {
		b.WriteString(" where ")
		s.Where.write(&b)
	}
	if len(s.OrderBy) > 0 {
		b.WriteString(" order by " + strings.Join(s.OrderBy, ", "))
		if s.Desc {
			b.WriteString(" desc")
		}
	}
	if s.Limit.Set {
		b.WriteString(" limit ")
		if s.Limit.Offset > 0 {
			b.WriteString(strconv.Itoa(s.Limit.Offset) + ", ")
		}
		b.WriteString(strconv.Itoa(s.Limit.Count))
	}
	b.WriteByte(';')
	return b.String()
}

// write puts parentheses only where the order of binding asks for them.
func (l *Logic) write(b *strings.Builder) {
	word := " and "
	if l.Or {
		word = " or "
	}
	for i, term := range l.Terms {
		if i > 0 {
			b.WriteString(word)
		}
		if inner, ok := term.(*Logic); ok && inner.Or {
			b.WriteByte('(')
			inner.write(b)
			b.WriteByte(')')
			continue
		}
		term.write(b)
	}
}

func (t *Test) write(b *strings.Builder) {
	b.WriteString(t.Column + " " + string(t.Op))
	switch t.Op {
	case OpIsNull, OpIsNotNull:
	case OpIn, OpNotIn:
		b.WriteString(" (")
		for i, value := range t.Values {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quoteVTQL(value))
		}
		b.WriteByte(')')
	default:
		b.WriteString(" " + quoteVTQL(t.Values[0]))
	}
}

// quoteVTQL writes a value as a literal: only ' is doubled, a backslash is
// itself.
func quoteVTQL(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// Tests goes over all tests below an expression, from left to right; nil has none.
func Tests(e Expr, visit func(*Test)) {
	switch e := e.(type) {
	case *Test:
		visit(e)
	case *Logic:
		for _, term := range e.Terms {
			Tests(term, visit)
		}
	}
}
