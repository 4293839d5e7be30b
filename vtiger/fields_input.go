package vtiger

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"styk"
)

// input is a record as it came: fields that are ours to set, checked one by one.
type input struct {
	m      *module
	values []inputValue
	came   map[*field]bool // with a value or without
	given  map[*field]bool // with a value
}

type inputValue struct {
	f    *field
	name string // as it was written, for faults
	text string
	ref  WSID // of references
}

// parse takes what came for a module. Unknown and locked fields are passed
// over, as stock does. The faults are of single values and all at once.
func (m *module) parse(fields Fields) (*input, []styk.Fault, []styk.Fault) {
	in := &input{m: m, came: map[*field]bool{}, given: map[*field]bool{}}
	var invalid, references []styk.Fault
	for i := range fields {
		f := m.find(fields[i].Name)
		if f == nil || f.locked {
			continue
		}
		v := inputValue{f: f, name: fields[i].Name, text: repairText(fields[i].Text)}
		in.came[f], in.given[f] = true, in.given[f] || v.text != ""
		if fault := v.check(m); fault != nil {
			fault.Field = v.name
			if fault.Rule == "reference" {
				references = append(references, *fault)
			} else {
				invalid = append(invalid, *fault)
			}
			continue
		}
		in.values = append(in.values, v)
	}
	return in, invalid, references
}

// check finds what is wrong with a value before any record is looked at.
func (v *inputValue) check(m *module) *styk.Fault {
	f := v.f
	if fault := v.tooLong(); fault != nil || v.text == "" {
		return fault
	}
	switch f.is {
	case isReference, isOwner:
		return v.parseReference()
	case isBoolean:
		on, ok := parseFlag(v.text)
		if !ok {
			return &styk.Fault{Rule: "boolean", Value: clip(v.text), Text: "expected 0 or 1"}
		}
		v.text = boolText(on)
		return nil
	}
	if f.from == inColumn {
		c := styk.NewRecord(m.kind).Columns()[f.at]
		return c.SetText(v.text)
	}
	return v.checkExtra()
}

func (v *inputValue) tooLong() *styk.Fault {
	limit := maxLine
	if v.f.long {
		limit = maxText
	}
	if len(v.text) <= limit || utf8.RuneCountInString(v.text) <= limit {
		return nil
	}
	return &styk.Fault{Rule: "max_length", Value: clip(v.text), Text: "longer than " + strconv.Itoa(limit) + " characters"}
}

// checkExtra checks a field to which we attach no meaning by its type alone.
func (v *inputValue) checkExtra() *styk.Fault {
	switch v.f.is {
	case isDate:
		d, err := styk.ParseDate(v.text)
		if err != nil {
			return &styk.Fault{Rule: "date", Value: clip(v.text), Text: "expected YYYY-MM-DD"}
		}
		v.text = string(d)
	case isInteger:
		if _, err := strconv.ParseInt(v.text, 10, 64); err != nil {
			return &styk.Fault{Rule: "integer", Value: clip(v.text), Text: "expected a whole number"}
		}
	case isDouble, isCurrency:
		if !decimal.MatchString(v.text) {
			return &styk.Fault{Rule: "decimal", Value: clip(v.text), Text: "expected a number such as 1200.50"}
		}
	}
	return nil
}

var decimal = regexp.MustCompile(`^-?[0-9]{1,20}(\.[0-9]{1,8})?$`)

// parseReference reads 11x83837, or a bare number, and looks whether the field
// may point to that module. The record itself is looked at in the transaction.
func (v *inputValue) parseReference() *styk.Fault {
	id, err := ParseRecordID(v.text)
	if err != nil {
		return &styk.Fault{Rule: "reference", Value: clip(v.text)}
	}
	v.ref = id
	if v.f.from == folder {
		if id.String() != defaultFolder && id.Entity != 0 {
			return &styk.Fault{Rule: "reference", Value: clip(v.text)}
		}
		return nil
	}
	if id.Entity == 0 {
		return nil
	}
	for _, name := range v.f.refers {
		if EntityNumber(name) == id.Entity {
			return nil
		}
	}
	return &styk.Fault{Rule: "reference", Value: clip(v.text)}
}

// maxExtra bounds all that one record holds without meaning to us, in bytes:
// custom names are without end.
const maxExtra = 1 << 20

func checkExtraSize(rec styk.Record) error {
	size := 0
	for name, text := range rec.Base().Extra {
		size += len(name) + len(text)
	}
	if size > maxExtra {
		return styk.FieldError(styk.TooLarge, "element", "max_bytes", "the record's further fields hold more than 1 MB")
	}
	return nil
}

// parseFlag reads a checkbox.
func parseFlag(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "1", "true", "on", "yes", "да":
		return true, true
	case "", "0", "false", "off", "no", "нет":
		return false, true
	}
	return false, false
}

// missing lists the mandatory fields without a value; all says that those that
// did not come count too. An absent owner is not missed: it is the caller,
// where stock refuses.
func (in *input) missing(all bool) []styk.Fault {
	var list []styk.Fault
	for _, f := range in.m.fields {
		if !f.mandatory || f.is == isOwner || in.given[f] || !all && !in.came[f] {
			continue
		}
		list = append(list, styk.Fault{Field: f.name, Rule: "required", Text: msgNoValue(f.name)})
	}
	return list
}

// apply sets the values on a record. References are known to be right.
func (in *input) apply(rec styk.Record) {
	cols := rec.Columns()
	for _, v := range in.values {
		v.set(rec, cols)
	}
}

// blank empties what stock's update empties: its own fields that did not come.
func (in *input) blank(rec styk.Record) {
	cols := rec.Columns()
	for _, f := range in.m.fields {
		if in.came[f] || f.locked || f.ours || f.is == isOwner || f.is == isFile || f.from == baseSource || f.from == fileLocation {
			continue
		}
		empty := inputValue{f: f}
		if f.from == negated {
			empty.text = "0"
		}
		empty.set(rec, cols)
	}
}

func (v *inputValue) set(rec styk.Record, cols []styk.Column) {
	e := rec.Base()
	switch v.f.from {
	case inColumn:
		if id, ok := cols[v.f.at].Value.(*styk.ID); ok {
			*id = v.ref.Record
			return
		}
		cols[v.f.at].SetText(v.text) // checked before
	case anyRecord:
		*cols[v.f.at].Value.(*styk.ID) = v.ref.Record
	case clientLink:
		contact := cols[v.f.at].Value.(*styk.ID)
		*contact = 0
		setExtra(e, v.f.name, "")
		if ModuleOf(v.ref.Entity) == ModuleAccounts {
			setExtra(e, v.f.name, v.ref.String())
			return
		}
		*contact = v.ref.Record
	case baseOwner:
		if v.text != "" {
			e.Owner = v.ref.Record
		}
	case baseSource:
		if v.text != "" {
			e.Source = v.text
		}
	case negated:
		*cols[v.f.at].Value.(*bool) = v.text != "1"
	case fileLocation:
		*cols[v.f.at].Value.(*bool) = strings.EqualFold(v.text, "E")
	case inExtra, fileVersion:
		v.setExtra(e)
	}
}

func (v *inputValue) setExtra(e *styk.Entity) {
	switch {
	case v.f.is == isReference && v.text != "":
		setExtra(e, v.f.name, v.ref.String())
	case v.text == v.f.blank:
		setExtra(e, v.f.name, "")
	default:
		setExtra(e, v.f.name, v.text)
	}
}

func setExtra(e *styk.Entity, name, text string) {
	if text == "" {
		delete(e.Extra, name)
		return
	}
	if e.Extra == nil {
		e.Extra = styk.Extra{}
	}
	e.Extra[name] = text
}
