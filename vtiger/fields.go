package vtiger

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"styk"
)

// module is one module of the wire: its fields under Vtiger's names and where
// each of them lies with us. The tables stand in fields_*.go.
type module struct {
	name, label, singular string
	kind                  styk.Kind // "": not a record of ours (Users, Groups, DocumentFolders)
	labelFields           string    // of describe
	idLabel               string    // label of the field id in describe
	isEntity              bool
	fields                []*field
	byName                map[string]*field // names and aliases
	keyed                 []string          // `"name":` of each of fields, ready for the wire
	rows                  func(*call) ([]Object, error)
}

// field is one row of the table between Vtiger's names and ours.
type field struct {
	name, label string
	aliases     []string // names of the seed, accepted on input and in queries
	is          string   // type of describe; "" is a plain string
	column      string   // in store's words; "" lies in Extra under name
	from        origin   // where the value lies, when column does not say it all
	prefix      string   // before the record's number: CON, ACC, …
	blank       string   // what stock shows for no value, "0" of a checkbox
	mandatory   bool
	locked      bool // set by the server: what comes is passed over
	ours        bool // unknown to stock: update leaves it when it is absent
	long        bool // up to maxText characters, not maxLine
	options     []string
	refers      []string // modules, of a reference
	fallback    string   // default of describe

	at  int    // of the column in Columns()
	ref string // the only module's "11x", "" when there are several
}

// origin says where a field's value lies.
type origin uint8

const (
	inColumn     origin = iota // or in a base column, by its name
	inExtra                    // Extra, under the foreign name
	ownNumber                  // prefix and the record's number
	ticketNumber               // the ticket's own, else as ownNumber
	baseOwner
	baseModifiedBy
	baseCreated
	baseModified
	baseSource
	clientLink   // a contact in its column, or an account in Extra
	anyRecord    // a column that names a record of any of several kinds
	negated      // the opposite of a flag
	fileLocation // I here, E elsewhere
	fileVersion  // as typed, else our count
	fileNumber   // the number under which files_retrieve gives the bytes
	folder       // the one folder
)

var baseOrigins = map[string]origin{
	"id": ownNumber, "owner_id": baseOwner, "modified_by": baseModifiedBy,
	"created": baseCreated, "modified": baseModified, "source": baseSource,
}

// Types of describe (spec/vtiger.md 3.4).
const (
	isString    = "string"
	isText      = "text"
	isPhone     = "phone"
	isEmail     = "email"
	isURL       = "url"
	isDate      = "date"
	isDateTime  = "datetime"
	isInteger   = "integer"
	isDouble    = "double"
	isCurrency  = "currency"
	isBoolean   = "boolean"
	isPicklist  = "picklist"
	isReference = "reference"
	isOwner     = "owner"
	isFile      = "file"
	isImage     = "image"
)

// defaultFolder is the one document folder.
const defaultFolder = "22x1"

// served lists the modules in stock's order of listtypes.
var served = []*module{
	accountsModule, contactsModule, documentsModule, ticketsModule, usersModule,
	projectsModule, commentsModule, groupsModule, foldersModule,
}

var (
	modulesByName = map[string]*module{} // by folded name
	modulesByKind = map[styk.Kind]*module{}
)

func init() {
	for _, m := range served {
		m.prepare()
		modulesByName[strings.ToLower(m.name)] = m
		if m.kind != "" {
			modulesByKind[m.kind] = m
		}
	}
	usersModule.rows, groupsModule.rows, foldersModule.rows = (*call).userRows, noRows, folderRows
}

// prepare fills in what follows from the table.
func (m *module) prepare() {
	m.byName = map[string]*field{}
	at := map[string]int{}
	if rec := styk.NewRecord(m.kind); rec != nil {
		for i, c := range rec.Columns() {
			at[c.Name] = i
		}
	}
	for _, f := range m.fields {
		m.prepareField(f, at)
		m.keyed = append(m.keyed, memberName(f.name))
		for _, name := range append([]string{f.name}, f.aliases...) {
			m.byName[name] = f
		}
	}
}

func (m *module) prepareField(f *field, at map[string]int) {
	if f.is == "" {
		f.is = isString
	}
	f.long = f.long || f.is == isText
	if base, ok := baseOrigins[f.column]; ok && f.from == inColumn {
		f.from = base
	}
	if f.from == inColumn && f.column == "" {
		f.from = inExtra
	}
	if len(f.refers) == 1 {
		f.ref = wsidPrefix(f.refers[0])
	}
	i, found := at[f.column]
	if f.at = i; !found && f.from == inColumn && m.kind != "" {
		panic("vtiger: " + m.name + "." + f.name + ": there is no column " + f.column)
	}
}

// memberName is a name as it stands before a value of a JSON object.
func memberName(name string) string { return string(appendString(nil, name)) + ":" }

// wsidPrefix is what stands before a record's number in the ids of a module.
func wsidPrefix(module string) string { return strconv.FormatInt(EntityNumber(module), 10) + "x" }

// wsid is a record's id on the wire.
func (m *module) wsid(id styk.ID) string {
	return WSID{Entity: EntityNumber(m.name), Record: id}.String()
}

// customName matches the fields that an installation adds to stock's. They lie
// in Extra and come and go under their own name.
var customName = regexp.MustCompile(`^cf_[0-9]{1,9}$`)

// find gives the field of a name; nil when the module has none. Every custom
// name is a field.
func (m *module) find(name string) *field {
	if f, ok := m.byName[name]; ok {
		return f
	}
	if m.kind != "" && customName.MatchString(name) {
		return &field{name: name, is: isString, from: inExtra, ours: true, long: true}
	}
	return nil
}

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
