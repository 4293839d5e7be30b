package vtiger

import (
	"regexp"
	"strconv"
	"strings"

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
