package styk

import (
	"strconv"
	"time"
)

// Entity is what every record has, whatever its kind.
type Entity struct {
	ID         ID
	Owner      ID // user responsible
	Created    time.Time
	Modified   time.Time
	ModifiedBy ID
	Source     string    // where it came from: WEBSERVICE, Webform, IMPORT, or a free word
	Deleted    time.Time // zero: alive; deletion is soft and can be undone
	Warnings   []Warning // what is odd about the record, for a person to look at
	Extra      Extra     // further fields of the outside, by their foreign names
}

// Base gives the Entity itself, so that embedding it makes a Record.
func (e *Entity) Base() *Entity { return e }

// Extra holds fields that styk itself attaches no meaning to (a fax number, an
// installation's own cf_123), by the name under which they came.
type Extra map[string]string

// Warning is something odd that was stored all the same.
type Warning struct {
	Field string `json:"field"`
	Rule  string `json:"rule"` // inn, ogrn, percent, duplicate, …
	Text  string `json:"text,omitempty"`
	Other ID     `json:"other,omitempty"` // the other record of a duplicate
}

// Record is a noun with a number: contact, account, project, ticket, document,
// comment.
type Record interface {
	Base() *Entity
	Kind() Kind
	// Columns lists the fields in storage order, as pointers into the record.
	Columns() []Column
	// Label is the record's short name for people.
	Label() string
}

// Column is one field: its name in our vocabulary and a pointer to its value,
// one of *string, *int64, *bool, *ID, *Date, *Money, *YesNo.
type Column struct {
	Name  string
	Value any
}

// Text gives the value as text, "" for an empty one. Money is "20000.00",
// dates "2023-07-15", yes and no "да" and "нет".
func (c Column) Text() string {
	switch v := c.Value.(type) {
	case *string:
		return *v
	case *int64:
		return strconv.FormatInt(*v, 10)
	case *bool:
		if *v {
			return "1"
		}
		return "0"
	case *ID:
		if *v == 0 {
			return ""
		}
		return strconv.FormatInt(int64(*v), 10)
	case *Date:
		return string(*v)
	case *Money:
		return v.String()
	case *YesNo:
		return string(*v)
	}
	panic("styk: column " + c.Name + " has an unknown type")
}

// SetText parses text into the value. The fault, if any, is of the column's
// own name; a caller that knows another name for it replaces that.
func (c Column) SetText(text string) *Fault {
	switch v := c.Value.(type) {
	case *string:
		*v = text
	case *int64:
		n, err := parseCount(text)
		if err != nil {
			return &Fault{c.Name, "integer", short(text), "expected a whole number"}
		}
		*v = n
	case *bool:
		b, ok := parseBool(text)
		if !ok {
			return &Fault{c.Name, "boolean", short(text), "expected 0 or 1"}
		}
		*v = b
	case *ID:
		n, err := parseCount(text)
		if err != nil || n < 0 {
			return &Fault{c.Name, "reference", short(text), "expected a record number"}
		}
		*v = ID(n)
	case *Date:
		d, err := ParseDate(text)
		if err != nil {
			return &Fault{c.Name, "date", short(text), "expected YYYY-MM-DD"}
		}
		*v = d
	case *Money:
		m, err := ParseMoney(text)
		if err != nil {
			return &Fault{c.Name, "money", short(text), "expected roubles such as 20000 or 20000.50"}
		}
		*v = m
	case *YesNo:
		y, err := ParseYesNo(text)
		if err != nil {
			return &Fault{c.Name, "yesno", short(text), "expected да or нет"}
		}
		*v = y
	default:
		panic("styk: column " + c.Name + " has an unknown type")
	}
	return nil
}

// NewRecord gives an empty record of the kind, or nil for a kind that has no
// columns of its own (users).
func NewRecord(k Kind) Record {
	switch k {
	case KindContact:
		return &Contact{}
	case KindAccount:
		return &Account{}
	case KindProject:
		return &Project{}
	case KindTicket:
		return &Ticket{}
	case KindDocument:
		return &Document{}
	case KindComment:
		return &Comment{}
	}
	return nil
}

// RecordKinds lists the kinds that NewRecord knows, in a fixed order.
var RecordKinds = []Kind{KindContact, KindAccount, KindProject, KindTicket, KindDocument, KindComment}

func parseCount(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

func parseBool(text string) (bool, bool) {
	switch text {
	case "", "0", "false", "off", "нет":
		return false, true
	case "1", "true", "on", "да":
		return true, true
	}
	return false, false
}

// short cuts a value that is shown back in an error.
func short(text string) string {
	const limit = 80
	if r := []rune(text); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return text
}
