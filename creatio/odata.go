package creatio

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A Filter is a ready OData condition. Build it with Eq, Ge, Prefix, And and
// Or only: these escape what they are given, so a visitor's text cannot
// change the condition (spec/creatio.md 5 trap 17).
type Filter string

// Eq compares a column or a lookup's path ("Case/Id") with a text, a GUID, a
// time, a whole number or a truth value.
func Eq(path string, value any) Filter { return Filter(path + " eq " + literal(value)) }

// Ge is "not before", for times and numbers.
func Ge(path string, value any) Filter { return Filter(path + " ge " + literal(value)) }

// Prefix holds where the column begins with the text.
func Prefix(path, text string) Filter {
	return Filter("startswith(" + path + "," + literal(text) + ")")
}

// And joins conditions that must all hold; empty ones are left out.
func And(conditions ...Filter) Filter { return join(" and ", conditions) }

// Or joins conditions of which one must hold; empty ones are left out.
func Or(conditions ...Filter) Filter { return join(" or ", conditions) }

func join(word string, conditions []Filter) Filter {
	var parts []string
	for _, c := range conditions {
		if c != "" {
			parts = append(parts, string(c))
		}
	}
	if len(parts) < 2 {
		return Filter(strings.Join(parts, ""))
	}
	return Filter("(" + strings.Join(parts, word) + ")")
}

// literal writes a value as OData 4 wants it: text quoted with quotes
// doubled, GUIDs and dates bare, dates with their zone (spec/creatio.md 2.1).
func literal(value any) string {
	switch v := value.(type) {
	case uuid.UUID:
		return v.String()
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	panic("creatio: a filter of an unknown type") // programmers' mistake, met by the first test
}

// Query says which rows and columns to read. Select is never empty on the
// wire: reading all columns can time out (spec/creatio.md 2.1).
type Query struct {
	Select  []string
	Filter  Filter
	OrderBy string // "ModifiedOn desc"; "" = the server's order
	Top     int    // 0 = the server's page
	Skip    int
}

// encode gives the query string. Spaces are %20 and a plus sign is %2B: the
// server reads a bare plus as a space, which breaks phones.
func (q Query) encode() string {
	var b strings.Builder
	add := func(name, value string) {
		if value == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + escape(value))
	}
	add("$select", strings.Join(q.Select, ","))
	add("$filter", string(q.Filter))
	add("$orderby", q.OrderBy)
	if q.Top > 0 {
		add("$top", strconv.Itoa(q.Top))
	}
	if q.Skip > 0 {
		add("$skip", strconv.Itoa(q.Skip))
	}
	return b.String()
}

// escape percent-encodes for a query string, a space as %20.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// A Row is one record as the server gave it.
type Row map[string]any

// Text gives a column as text; absent, null and other types are "".
func (r Row) Text(column string) string {
	s, _ := r[column].(string)
	return s
}

// GUID gives a lookup or key. The zero GUID, which the server writes for an
// empty lookup, and anything that is no GUID are "none" (spec/creatio.md 2.2).
func (r Row) GUID(column string) uuid.UUID {
	id, err := uuid.Parse(r.Text(column))
	if err != nil {
		return uuid.Nil
	}
	return id
}

// Time gives a date column; the year 0001, the server's empty date, is the
// zero time, and so is anything unreadable.
func (r Row) Time(column string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, r.Text(column))
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t.UTC()
}

// Int gives a whole-number column, -1 when it is absent or something else.
func (r Row) Int(column string) int64 {
	switch v := r[column].(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
	case string: // IEEE754Compatible=true lets the server quote long numbers
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
	}
	return -1
}
