package creatio

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// simCond is a parsed $filter (2.1): eq ne gt ge lt le, and or not, contains
// startswith endswith; no "in".
type simCond struct {
	op          string // "and" "or" "not", a comparison, or a function
	left, right *simCond
	column      string // flat column that the path means
	value       any
}

var simToken = regexp.MustCompile(`^(?:'(?:[^']|'')*'|\(|\)|,|[^\s(),']+)`)

// simTokens takes a filter apart; a stray quote is an error, as it is there.
func simTokens(text string) ([]string, error) {
	var out []string
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		token := simToken.FindString(text)
		if token == "" {
			return nil, errors.New("filter: unterminated string literal")
		}
		out = append(out, token)
		text = text[len(token):]
	}
	return out, nil
}

type simParser struct {
	table  *simTable
	tokens []string
}

func parseSimFilter(t *simTable, text string) (*simCond, error) {
	tokens, err := simTokens(text)
	if err != nil {
		return nil, err
	}
	p := &simParser{t, tokens}
	cond, err := p.either()
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("filter: syntax error at %q", p.tokens[0])
	}
	return cond, err
}

func (p *simParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	return token
}

func (p *simParser) take(token string) bool {
	if len(p.tokens) == 0 || p.tokens[0] != token {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *simParser) either() (*simCond, error) { return p.chain("or", p.both) }
func (p *simParser) both() (*simCond, error)   { return p.chain("and", p.single) }

func (p *simParser) chain(word string, inner func() (*simCond, error)) (*simCond, error) {
	left, err := inner()
	for err == nil && p.take(word) {
		var right *simCond
		if right, err = inner(); err == nil {
			left = &simCond{op: word, left: left, right: right}
		}
	}
	return left, err
}

func (p *simParser) single() (*simCond, error) {
	switch {
	case p.take("not"):
		inner, err := p.single()
		return &simCond{op: "not", left: inner}, err
	case p.take("("):
		inner, err := p.either()
		if err == nil && !p.take(")") {
			err = errors.New("filter: ')' expected")
		}
		return inner, err
	}
	first := p.next()
	switch first {
	case "contains", "startswith", "endswith":
		return p.function(first)
	}
	op := p.next()
	if !slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le"}, op) {
		return nil, fmt.Errorf("filter: operator %q is not supported", op)
	}
	return p.compare(op, first, p.next())
}

func (p *simParser) function(name string) (*simCond, error) {
	if !p.take("(") {
		return nil, errors.New("filter: '(' expected")
	}
	path := p.next()
	if !p.take(",") {
		return nil, errors.New("filter: ',' expected")
	}
	cond, err := p.compare(name, path, p.next())
	if err == nil && !p.take(")") {
		err = errors.New("filter: ')' expected")
	}
	return cond, err
}

// compare checks path and literal: a lookup is reached by its path only, its
// flat name is "not found in the schema" (2.1).
func (p *simParser) compare(op, path, text string) (*simCond, error) {
	column := path
	if lookup, last, dotted := strings.Cut(path, "/"); dotted {
		if last != "Id" { // joins by other columns are there, but no caller here needs them
			return nil, fmt.Errorf("filter: path %q is not in the simulator", path)
		}
		column = lookup + "Id"
		if p.table.columns[column].ref == "" {
			return nil, fmt.Errorf("column by path %s not found in schema %s", path, p.table.name)
		}
	} else if c, known := p.table.columns[column]; !known || c.ref != "" {
		return nil, fmt.Errorf("column by path %s not found in schema %s", path, p.table.name)
	}
	kind := p.table.columns[column].kind
	value, err := simLiteral(kind, text)
	return &simCond{op: op, column: column, value: value}, err
}

func simLiteral(kind simKind, text string) (any, error) {
	quoted := strings.HasPrefix(text, "'")
	switch {
	case kind == simText && quoted:
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'"), nil
	case kind == simGUID && !quoted:
		if id, err := uuid.Parse(text); err == nil && len(text) == 36 {
			return id.String(), nil
		}
	case kind == simDate && !quoted:
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at, nil
		}
	case kind == simBool && (text == "true" || text == "false"):
		return text == "true", nil
	}
	return nil, fmt.Errorf("filter: literal %s does not fit %s", text, kind)
}

// holds evaluates the condition on a row.
func (c *simCond) holds(r simRow) bool {
	switch c.op {
	case "and":
		return c.left.holds(r) && c.right.holds(r)
	case "or":
		return c.left.holds(r) || c.right.holds(r)
	case "not":
		return !c.left.holds(r)
	}
	if at, isDate := c.value.(time.Time); isDate {
		have, _ := r[c.column].(time.Time)
		return ordered(c.op, have.Compare(at))
	}
	if want, isBool := c.value.(bool); isBool {
		return (r[c.column] == want) == (c.op == "eq")
	}
	have, want := textOf(r[c.column]), textOf(c.value)
	if want == zeroGUID { // 2.2: it means "none"
		want = ""
	}
	switch c.op {
	case "contains":
		return strings.Contains(have, want)
	case "startswith":
		return strings.HasPrefix(have, want)
	case "endswith":
		return strings.HasSuffix(have, want)
	}
	return ordered(c.op, cmp.Compare(have, want))
}

func ordered(op string, sign int) bool {
	switch op {
	case "eq":
		return sign == 0
	case "ne":
		return sign != 0
	case "gt":
		return sign > 0
	case "ge":
		return sign >= 0
	case "lt":
		return sign < 0
	}
	return sign <= 0
}

// candidates narrows the rows by the index; false: all must be looked at.
func (c *simCond) candidates(t *simTable) ([]simRow, bool) {
	switch c.op {
	case "eq":
		want, isText := c.value.(string)
		col := t.columns[c.column]
		if !isText || want == "" || want == zeroGUID || col.kind == simText && col.longest == 0 {
			return nil, false
		}
		return t.index[c.column][want], true
	case "and":
		if rows, ok := c.left.candidates(t); ok {
			return rows, true
		}
		return c.right.candidates(t)
	case "or":
		left, ok := c.left.candidates(t)
		right, also := c.right.candidates(t)
		return append(slices.Clip(left), right...), ok && also
	}
	return nil, false
}

// pick gives the rows that a condition holds for, each once, oldest first.
func (t *simTable) pick(c *simCond) []simRow {
	if c == nil {
		return slices.Clone(t.rows)
	}
	rows, narrowed := c.candidates(t)
	if !narrowed {
		rows = t.rows
	}
	var out []simRow
	seen := map[string]bool{}
	for _, r := range rows {
		if id := textOf(r["Id"]); !seen[id] && c.holds(r) {
			seen[id] = true
			out = append(out, r)
		}
	}
	return out
}
