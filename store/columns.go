package store

import (
	"encoding/json"
	"fmt"
	"time"

	"styk"
)

// args gives the values of a record in the order of its table's columns.
func args(rec styk.Record) []any {
	e, columns := rec.Base(), rec.Columns()
	list := make([]any, 0, len(baseColumns)+len(columns))
	list = append(list, int64(e.ID), int64(e.Owner), ms(e.Created), ms(e.Modified), int64(e.ModifiedBy),
		e.Source, ms(e.Deleted), encodeWarnings(e.Warnings), encodeExtra(e.Extra))
	for _, c := range columns {
		list = append(list, arg(c.Value))
	}
	return list
}

// arg gives one value as the database takes it.
func arg(value any) any {
	switch v := value.(type) {
	case *string:
		return *v
	case *int64:
		return *v
	case *bool:
		if *v {
			return int64(1)
		}
		return int64(0)
	case *styk.ID:
		return int64(*v)
	case *styk.Date:
		return string(*v)
	case *styk.YesNo:
		return string(*v)
	case *styk.Money:
		if !v.Set {
			return nil
		}
		return v.Kopecks
	}
	panic(fmt.Sprintf("store: no column type for %T", value))
}

// dests gives the places that a row of the record's table is scanned into.
func dests(rec styk.Record) []any {
	e, columns := rec.Base(), rec.Columns()
	list := make([]any, 0, len(baseColumns)+len(columns))
	list = append(list, (*int64)(&e.ID), (*int64)(&e.Owner), msDest{&e.Created}, msDest{&e.Modified},
		(*int64)(&e.ModifiedBy), &e.Source, msDest{&e.Deleted}, warningsDest{&e.Warnings}, extraDest{&e.Extra})
	for _, c := range columns {
		list = append(list, dest(c.Value))
	}
	return list
}

func dest(value any) any {
	switch v := value.(type) {
	case *string, *int64:
		return v
	case *bool:
		return boolDest{v}
	case *styk.ID:
		return (*int64)(v)
	case *styk.Date:
		return (*string)(v)
	case *styk.YesNo:
		return (*string)(v)
	case *styk.Money:
		return moneyDest{v}
	}
	panic(fmt.Sprintf("store: no column type for %T", value))
}

type msDest struct{ t *time.Time }

// Scan implements sql.Scanner.
func (d msDest) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is %T", src)
	}
	*d.t = fromMS(n)
	return nil
}

type boolDest struct{ b *bool }

// Scan implements sql.Scanner.
func (d boolDest) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a flag is %T", src)
	}
	*d.b = n != 0
	return nil
}

type moneyDest struct{ m *styk.Money }

// Scan implements sql.Scanner.
func (d moneyDest) Scan(src any) error {
	switch n := src.(type) {
	case nil:
		*d.m = styk.Money{}
	case int64:
		*d.m = styk.Money{Kopecks: n, Set: true}
	default:
		return fmt.Errorf("a sum is %T", src)
	}
	return nil
}

type extraDest struct{ x *styk.Extra }

// Scan implements sql.Scanner.
func (d extraDest) Scan(src any) error { return scanJSON(src, d.x) }

type warningsDest struct{ w *[]styk.Warning }

// Scan implements sql.Scanner.
func (d warningsDest) Scan(src any) error { return scanJSON(src, d.w) }

// scanJSON reads a small structure; "" and "{}" leave it empty.
func scanJSON[T any](src any, into *T) error {
	var empty T
	*into = empty
	var raw []byte
	switch s := src.(type) {
	case string:
		raw = []byte(s)
	case []byte:
		raw = s
	default:
		return fmt.Errorf("a structure is %T", src)
	}
	if len(raw) == 0 || string(raw) == "{}" {
		return nil
	}
	return json.Unmarshal(raw, into)
}
