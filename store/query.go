package store

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
)

// Cond is a condition of a Query: a comparison, or "and"/"or" over Args.
type Cond struct {
	Op     string // and, or, =, !=, <, >, <=, >=, in, not in, like, not like, null, not null
	Args   []Cond // of and, or
	Field  string // column name, base column, or "extra:" and a foreign name
	Values []string
}

// Query asks for living records of one kind.
type Query struct {
	Kind   styk.Kind
	Where  *Cond
	Order  []string // fields; empty: by number
	Desc   bool
	Offset int
	Limit  int
}

// ErrSlow: the query was still reading when its time was over.
var ErrSlow = errors.New("the query reads too many records")

// Select gives the records that q asks for. Text compares without case, as
// MySQL does; a value that cannot be of the field's type matches nothing. An
// unknown field is a styk.Invalid error naming it.
func (tx *Tx) Select(q Query) ([]styk.Record, error) {
	b := newQueryBuilder(tx.db.d, q)
	text, err := b.selectText("SELECT "+strings.Join(b.table.columns, ", "), true)
	if err != nil {
		return nil, err
	}
	var list []styk.Record
	err = tx.each(func(rows *sql.Rows) error {
		rec := styk.NewRecord(q.Kind)
		list = append(list, rec)
		return rows.Scan(dests(rec)...)
	}, text, b.args...)
	return list, b.slow(tx, err)
}

// Count gives how many living records match, whatever the limit.
func (tx *Tx) Count(q Query) (int64, error) {
	b := newQueryBuilder(tx.db.d, q)
	text, err := b.selectText("SELECT count(*)", false)
	if err != nil {
		return 0, err
	}
	var n int64
	err = tx.row(text, b.args...).Scan(&n)
	return n, b.slow(tx, err)
}

// slow tells a deadline of the caller from other errors.
func (b *queryBuilder) slow(tx *Tx, err error) error {
	if err != nil && tx.ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrSlow, err)
	}
	return err
}

// queryBuilder compiles a Query to one parameterised text.
type queryBuilder struct {
	q     Query
	table *table
	types map[string]any // column name → pointer of its type
	d     dialect
	args  []any
}

func newQueryBuilder(d dialect, q Query) *queryBuilder {
	b := &queryBuilder{d: d, q: q, table: tables[q.Kind], types: map[string]any{}}
	rec := styk.NewRecord(q.Kind)
	for _, c := range rec.Columns() {
		b.types[c.Name] = c.Value
	}
	e := rec.Base()
	for name, v := range map[string]any{"id": &e.ID, "owner_id": &e.Owner, "modified_by": &e.ModifiedBy,
		"source": &e.Source, "created": &e.Created, "modified": &e.Modified} {
		b.types[name] = v
	}
	return b
}

func (b *queryBuilder) arg(v any) string {
	b.args = append(b.args, v)
	return "$" + strconv.Itoa(len(b.args))
}

func (b *queryBuilder) selectText(head string, page bool) (string, error) {
	text := head + " FROM " + b.table.name + " WHERE deleted = 0"
	if b.q.Where != nil {
		where, err := b.cond(*b.q.Where)
		if err != nil {
			return "", err
		}
		text += " AND (" + where + ")"
	}
	if !page {
		return text, nil
	}
	order, err := b.order()
	if err != nil {
		return "", err
	}
	return text + order + " LIMIT " + b.arg(int64(b.q.Limit)) + " OFFSET " + b.arg(int64(b.q.Offset)), nil
}

func (b *queryBuilder) order() (string, error) {
	way := ""
	if b.q.Desc {
		way = " DESC"
	}
	var parts []string
	for _, f := range b.q.Order {
		col, kind, err := b.column(f)
		if err != nil {
			return "", err
		}
		if kind == textField {
			col = "fold(" + col + ")"
		}
		parts = append(parts, col+way)
	}
	if !slices.Contains(b.q.Order, "id") {
		parts = append(parts, "id"+way)
	}
	return " ORDER BY " + strings.Join(parts, ", "), nil
}

func (b *queryBuilder) cond(c Cond) (string, error) {
	if c.Op != "and" && c.Op != "or" {
		return b.compare(c)
	}
	parts := make([]string, 0, len(c.Args))
	for _, a := range c.Args {
		p, err := b.cond(a)
		if err != nil {
			return "", err
		}
		parts = append(parts, "("+p+")")
	}
	switch {
	case len(parts) == 0 && c.Op == "or":
		return "1 = 0", nil
	case len(parts) == 0:
		return "1 = 1", nil
	}
	return strings.Join(parts, " "+strings.ToUpper(c.Op)+" "), nil
}

type fieldType int

const (
	textField  fieldType = iota // compared folded
	exactField                  // dates and words of a fixed set
	numberField
)

// column gives the SQL of a field and how it compares.
func (b *queryBuilder) column(name string) (string, fieldType, error) {
	if foreign, ok := strings.CutPrefix(name, extraPrefix); ok && !strings.ContainsAny(foreign, `"\`) {
		return b.d.extra(b.arg(foreign)), textField, nil // the name is an argument, never text
	}
	switch b.types[name].(type) {
	case *string:
		return name, textField, nil
	case *styk.Date, *styk.YesNo:
		return name, exactField, nil
	case *int64, *bool, *styk.ID, *styk.Money, *time.Time:
		return name, numberField, nil
	}
	return "", 0, styk.FieldError(styk.Invalid, name, "unknown_field", "there is no such field")
}

// comparisons are the operators that take values.
var comparisons = []string{"=", "!=", "<", ">", "<=", ">=", "in", "not in", "like", "not like"}

// like writes a pattern match: % and _ are wild, a backslash takes that from
// them. PostgreSQL refuses a pattern whose last backslash stands alone.
func (b *queryBuilder) like(col, op, pattern string) string {
	if n := len(pattern) - len(strings.TrimRight(pattern, `\`)); n%2 == 1 {
		pattern += `\`
	}
	return col + " " + strings.ToUpper(op) + " " + b.arg(pattern) + ` ESCAPE '\'`
}

func (b *queryBuilder) compare(c Cond) (string, error) {
	col, kind, err := b.column(c.Field)
	if err != nil {
		return "", err
	}
	switch {
	case c.Op == "null" || c.Op == "not null":
		return b.null(c, col, kind), nil
	case !slices.Contains(comparisons, c.Op) || len(c.Values) == 0:
		return "", styk.FieldError(styk.Invalid, c.Field, "unknown_operator", "there is no comparison "+c.Op+" here")
	}
	if c.Op != "in" && c.Op != "not in" {
		c.Values = c.Values[:1]
	}
	if kind == textField {
		return b.compareText(c, col), nil
	}
	if c.Op == "like" || c.Op == "not like" {
		return b.like("CAST("+col+" AS TEXT)", c.Op, c.Values[0]), nil
	}
	var values []string
	for _, v := range c.Values {
		a, ok := b.value(c.Field, v)
		if ok {
			values = append(values, b.arg(a))
		}
	}
	return join(c.Op, col, values), nil
}

// join writes a comparison; without any value that could match, a negative one
// holds for all and a positive one for none.
func join(op, col string, values []string) string {
	negative := op == "!=" || op == "not in"
	switch {
	case len(values) == 0 && negative:
		return "1 = 1"
	case len(values) == 0:
		return "1 = 0"
	case op == "in" || op == "not in":
		return col + " " + strings.ToUpper(op) + " (" + strings.Join(values, ", ") + ")"
	case op == "!=":
		return col + " <> " + values[0]
	}
	return col + " " + op + " " + values[0]
}

func (b *queryBuilder) null(c Cond, col string, kind fieldType) string {
	empty := col + " IS NULL"
	switch kind {
	case textField, exactField:
		empty = col + " = ''"
	case numberField:
		if _, ref := b.types[c.Field].(*styk.ID); ref {
			empty = col + " = 0"
		}
	}
	if c.Op == "not null" {
		return "NOT (" + empty + ")"
	}
	return empty
}

// value parses text to what the column holds.
func (b *queryBuilder) value(field, text string) (any, bool) {
	switch b.types[field].(type) {
	case *styk.Date, *styk.YesNo:
		return text, true
	case *int64, *styk.ID:
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	case *bool:
		switch strings.ToLower(text) {
		case "1", "true", "yes", "on":
			return int64(1), true
		case "0", "false", "no", "off", "":
			return int64(0), true
		}
		return nil, false
	case *styk.Money:
		m, err := styk.ParseMoney(text)
		return m.Kopecks, err == nil && m.Set
	case *time.Time:
		for _, layout := range []string{time.DateTime, time.DateOnly, time.RFC3339} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UnixMilli(), true
			}
		}
	}
	return nil, false
}

// compareText compares folded text. Where the field stands in the search
// table, that narrows the rows first: the comparison itself has no index.
func (b *queryBuilder) compareText(c Cond, col string) string {
	var full string
	switch c.Op {
	case "like", "not like":
		full = b.like("fold("+col+")", c.Op, styk.Fold(c.Values[0]))
	default:
		folded := make([]string, len(c.Values))
		for i, v := range c.Values {
			folded[i] = b.arg(styk.Fold(v))
		}
		full = join(c.Op, "fold("+col+")", folded)
	}
	narrow := b.narrow(c)
	if narrow == "" {
		return full
	}
	return narrow + " AND " + full
}

// narrow gives "id IN (…)" over the search table, or "" when it cannot help.
func (b *queryBuilder) narrow(c Cond) string {
	var clause string
	switch c.Op {
	case "=", "in":
		found := make([]string, len(c.Values))
		for i, v := range c.Values {
			if found[i] = equalToken(b.q.Kind, c.Field, v); found[i] == "" {
				return ""
			}
		}
		for i, token := range found {
			found[i] = b.arg(token)
		}
		clause = "token IN (" + strings.Join(found, ", ") + ")"
	case "like":
		prefix := c.Values[0]
		if i := strings.IndexAny(prefix, `%_\`); i >= 0 {
			prefix = prefix[:i]
		}
		token, open := prefixToken(b.q.Kind, c.Field, prefix, len(prefix) < len(c.Values[0]))
		switch {
		case token == "":
			return ""
		case open:
			clause = "token >= " + b.arg(token) + " AND token < " + b.arg(token+"\U0010ffff")
		default:
			clause = "token = " + b.arg(token)
		}
	default:
		return ""
	}
	return "id IN (SELECT record_id FROM search WHERE kind = " + b.arg(string(b.q.Kind)) + " AND " + clause + ")"
}

// How a column stands in the search table.
var (
	wordColumns = map[styk.Kind][]string{
		styk.KindContact:  {"first_name", "second_name", "last_name"},
		styk.KindAccount:  {"name"},
		styk.KindProject:  {"name"},
		styk.KindTicket:   {"title"},
		styk.KindDocument: {"title", "file_name"},
	}
	exactColumns = map[styk.Kind][]string{
		styk.KindContact: {"email", "inn"},
		styk.KindAccount: {"email", "inn", "ogrn"},
	}
	phoneColumns = map[styk.Kind][]string{
		styk.KindContact: {"mobile", "phone"},
		styk.KindAccount: {"phone"},
	}
)

// equalToken gives a token that every record with this very value has.
func equalToken(kind styk.Kind, column, value string) string {
	var t tokens
	switch {
	case slices.Contains(wordColumns[kind], column):
		t.words(value)
		slices.SortFunc(t, func(a, b string) int { return len(b) - len(a) })
	case slices.Contains(exactColumns[kind], column):
		t.exact(value)
	case slices.Contains(phoneColumns[kind], column):
		t.add(PhoneToken(value))
	}
	if len(t) == 0 {
		return ""
	}
	return t[0]
}

// prefixToken gives a token for "begins with": open says that it is itself
// only a beginning.
func prefixToken(kind styk.Kind, column, prefix string, partial bool) (token string, open bool) {
	if !partial {
		return equalToken(kind, column, prefix), false
	}
	switch {
	case slices.Contains(wordColumns[kind], column):
		words := styk.Words(prefix)
		if len(words) == 0 {
			return "", false
		}
		var t tokens
		t.add(words[0])
		return t[0], len(words) == 1 // a later word shows that the first is whole
	case slices.Contains(exactColumns[kind], column):
		var t tokens
		if t.exact(prefix); len(t) > 0 {
			return t[0], true
		}
	}
	return "", false
}
