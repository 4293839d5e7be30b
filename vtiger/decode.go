package vtiger

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"styk"
)

// Origin tells how another installation differs from ours when its records are
// read.
type Origin struct {
	// ModuleOf gives the module of an entity number there: from 24 on they
	// depend on the order of installing (spec/vtiger.md 3.3).
	ModuleOf func(entity int64) string
	// Zone is of createdtime and modifiedtime; nil is UTC, as in stock.
	Zone *time.Location
}

// extraName is what may be a name in Extra.
var extraName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// Decode makes a record of ours of one that another Vtiger gave: number, times
// and references are kept, fields without a place go into Extra. A value that
// breaks a rule of ours goes there too, with a warning on the record: nothing
// is lost and nothing refused. The owner is left to the caller, users have
// other numbers here; so are a document's bytes. An error means that the module
// is not one of ours.
func Decode(module string, values Record, from Origin) (styk.Record, error) {
	m := modulesByName[strings.ToLower(module)]
	if m == nil || m.kind == "" {
		return nil, fmt.Errorf("decode %s: there is no such module of records", module)
	}
	rec := styk.NewRecord(m.kind)
	e := rec.Base()
	e.ID = values.ID().Record
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if text := repairText(values[name]); text != "" && name != "id" && name != "label" {
			from.decode(m, rec, name, text)
		}
	}
	return rec, nil
}

func (from Origin) decode(m *module, rec styk.Record, name, text string) {
	e := rec.Base()
	f := m.find(name)
	if f == nil {
		if extraName.MatchString(name) {
			setExtra(e, name, text)
		}
		return
	}
	switch {
	case f.is == isOwner:
	case f.from == baseCreated:
		e.Created = from.time(text)
	case f.from == baseModified:
		e.Modified = from.time(text)
	case f.from == ticketNumber:
		rec.(*styk.Ticket).Number = text
	case f.from == ownNumber:
		setExtra(e, name, text) // CON12 of there: ours follows the record's number
	case !f.locked:
		v := inputValue{f: f, name: name, text: text}
		if f.is == isReference {
			v.text = from.reference(text)
		}
		if fault := v.check(m); fault != nil {
			setExtra(e, name, text)
			e.Warnings = append(e.Warnings, styk.Warning{Field: name, Rule: fault.Rule, Text: fault.Text})
			return
		}
		v.set(rec, rec.Columns())
	}
}

// reference writes an id of there with our number of its module.
func (from Origin) reference(text string) string {
	id, err := ParseWSID(text)
	if err != nil || from.ModuleOf == nil {
		return text
	}
	if ours := EntityNumber(from.ModuleOf(id.Entity)); ours != 0 {
		id.Entity = ours
		return id.String()
	}
	return text
}

func (from Origin) time(text string) time.Time {
	zone := from.Zone
	if zone == nil {
		zone = time.UTC
	}
	t, err := time.ParseInLocation(time.DateTime, text, zone)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
