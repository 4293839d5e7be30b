package creatio

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// simKind is the type of a simulated column.
type simKind string

const (
	simText   simKind = "Edm.String"
	simGUID   simKind = "Edm.Guid"
	simDate   simKind = "Edm.DateTimeOffset"
	simBool   simKind = "Edm.Boolean"
	simInt    simKind = "Edm.Int32"
	simStream simKind = "Edm.Stream"
)

// simColumn is one column; ref names the entity that a lookup points to.
type simColumn struct {
	kind     simKind
	ref      string
	longest  int // runes; 0 = no limit
	required bool
}

const zeroGUID = "00000000-0000-0000-0000-000000000000"

// simColumns are the entities of 2.3, 2.6 and 2.7 in a short notation: "Name"
// is a text of 250, "Name:500" of 500, "Name:0" without limit, "Name!" must not
// be empty, "XId>Entity" is a lookup, "#", "@", "?", "%" mark GUIDs, dates,
// truths and whole numbers. The Usr columns are a customer's own.
var simColumns = map[string]string{
	"Contact":              "Name! Surname GivenName MiddleName AccountId>Account Email Phone MobilePhone JobTitle TypeId>ContactType Notes:0 UsrINN:12",
	"ContactCommunication": "ContactId>Contact CommunicationTypeId>CommunicationType Number SearchNumber",
	"Account":              "Name! AlternativeName Code:50 Phone Web TypeId>AccountType OwnershipId>AccountOwnership PrimaryContactId>Contact Notes:0 UsrINN:12",
	"Case": "Number:50 RegisteredOn@ Subject:500 Symptoms:0 Notes:0 ContactId>Contact AccountId>Account StatusId>CaseStatus " +
		"PriorityId>CasePriority OriginId>CaseOrigin CategoryId>CaseCategory ServiceItemId>ServiceItem ServicePactId>ServicePact " +
		"SupportLevelId>SupportLevel GroupId>SysAdminUnit OwnerId>Contact ConfItemId>ConfItem ResponseDate@ SolutionDate@ Solution:0 " +
		"SatisfactionLevelId>SatisfactionLevel ParentCaseId>Case ParentActivityId>Activity ClosureCodeId>ClosureCode " +
		"UsrExternalId:50 UsrPartnerId>Account UsrSource:50",
	"CaseStatus": "Name!", "CaseOrigin": "Name!", "CasePriority": "Name!", "CaseCategory": "Name!", "ServiceItem": "Name!",
	"SocialMessage":      "EntitySchemaUId# EntityId# Message:0!",
	"PortalMessage":      "EntitySchemaUId# EntityId# Message:0! TypeId>PortalMessageType FromPortal? HideOnPortal? IsNotPublished?",
	"CaseMessageHistory": "CaseId>Case MessageNotifierId>MessageNotifier RecordId# Message:0 HasAttachment?",
	"MessageNotifier":    "Name!",
	"FileType":           "Name!",
	"CaseFile":           "Name! CaseId>Case TypeId>FileType Size% Data*",
	"FeedFile":           "Name! SocialMessageId>SocialMessage TypeId>FileType Size% Data*",
	"PortalMessageFile":  "Name! PortalMessageId>PortalMessage TypeId>FileType Size% Data*",
}

// simTable holds the rows of one entity with an index per text or GUID value.
type simTable struct {
	name    string
	columns map[string]simColumn
	rows    []simRow
	byID    map[string]simRow
	index   map[string]map[string][]simRow // column -> value -> rows that have or had it
}

// simRow maps columns to string (texts, GUIDs), time.Time, bool, int64.
type simRow map[string]any

func simTables() map[string]*simTable {
	tables := map[string]*simTable{}
	for name, text := range simColumns {
		t := &simTable{name: name, columns: map[string]simColumn{}, byID: map[string]simRow{}, index: map[string]map[string][]simRow{}}
		for _, word := range strings.Fields("Id# CreatedOn@ ModifiedOn@ " + text) {
			column, c := parseSimColumn(word)
			t.columns[column] = c
		}
		tables[name] = t
	}
	return tables
}

func parseSimColumn(word string) (string, simColumn) {
	word, required := strings.CutSuffix(word, "!")
	c := simColumn{kind: simText, longest: 250, required: required}
	if name, ref, found := strings.Cut(word, ">"); found {
		return name, simColumn{kind: simGUID, ref: ref}
	}
	if name, length, found := strings.Cut(word, ":"); found {
		_, _ = fmt.Sscan(length, &c.longest)
		return name, c
	}
	kinds := map[byte]simKind{'#': simGUID, '@': simDate, '?': simBool, '%': simInt, '*': simStream}
	if kind, marked := kinds[word[len(word)-1]]; marked {
		return word[:len(word)-1], simColumn{kind: kind}
	}
	return word, c
}

// add puts a row in; the caller has checked it.
func (t *simTable) add(r simRow) {
	t.rows = append(t.rows, r)
	t.byID[r["Id"].(string)] = r
	for column := range r {
		t.note(column, r)
	}
}

// note keeps the index true after a change; stale entries are harmless, since
// a filter is always evaluated on the rows themselves.
func (t *simTable) note(column string, r simRow) {
	value, ok := r[column].(string)
	if !ok || t.columns[column].longest == 0 && t.columns[column].kind == simText {
		return
	}
	if t.index[column] == nil {
		t.index[column] = map[string][]simRow{}
	}
	t.index[column][value] = append(t.index[column][value], r)
}

// show gives a row as the server prints it (2.2): empty lookups are the zero
// GUID, empty dates the year 1, dates with seven digits. nil shows all columns.
func (t *simTable) show(r simRow, columns []string) map[string]any {
	if columns == nil {
		columns = sortedKeys(t.columns)
	}
	out := map[string]any{}
	for _, column := range columns {
		value := r[column]
		switch t.columns[column].kind {
		case simText:
			value = cmp.Or(textOf(value), "")
		case simGUID:
			value = cmp.Or(textOf(value), zeroGUID)
		case simDate:
			at, _ := value.(time.Time)
			value = at.UTC().Format("2006-01-02T15:04:05.0000000Z")
			if at.IsZero() {
				value = "0001-01-01T00:00:00Z"
			}
		case simBool:
			value = value == true
		case simInt:
			if value == nil {
				value = int64(0)
			}
		case simStream:
			out[column+"@odata.mediaReadLink"] = t.name + "(" + textOf(r["Id"]) + ")/" + column
			continue
		}
		out[column] = value
	}
	return out
}

func textOf(v any) string { s, _ := v.(string); return s }

// simValue reads one JSON value of a body for a column.
func simValue(c simColumn, v any) (any, error) {
	text, isText := v.(string)
	switch {
	case v == nil:
		return nil, nil //nolint:nilnil // an empty value
	case c.kind == simText && isText:
		if c.longest > 0 && len([]rune(text)) > c.longest {
			return nil, fmt.Errorf("value is longer than %d", c.longest)
		}
		return text, nil
	case c.kind == simGUID && isText:
		id, err := uuid.Parse(text)
		if err != nil || len(text) != 36 {
			return nil, fmt.Errorf("%q is no GUID", text)
		}
		if id == uuid.Nil {
			return nil, nil //nolint:nilnil // the zero GUID is "none"
		}
		return id.String(), nil
	case c.kind == simDate && isText:
		at, err := time.Parse(time.RFC3339Nano, text) // a date without a zone is refused: 2.1
		if err != nil {
			return nil, fmt.Errorf("%q is no date with a zone", text)
		}
		return at.UTC(), nil
	case c.kind == simBool:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case c.kind == simInt:
		if n, ok := v.(json.Number); ok {
			return n.Int64()
		}
	}
	return nil, fmt.Errorf("%v does not fit %s", v, c.kind)
}

// seed puts in what a site is shipped with (2.4) and what the examples need.
func (s *Sim) seed() {
	shipped := map[string][][2]string{
		"CaseStatus": {
			{"New", "ae5f2f10-f46b-1410-fd9a-0050ba5d6c38"}, {"In progress", "7e9f1204-f46b-1410-fb9a-0050ba5d6c38"},
			{"Closed", "3e7f420c-f46b-1410-fc9a-0050ba5d6c38"},
		},
		"CaseCategory":    {{"Incident", "1b0bc159-150a-e111-a31b-00155d04c01d"}},
		"CaseOrigin":      {{"E-mail", "7f9e1f1e-f46b-1410-3492-0050ba5d6c38"}, {"Сайт", ""}},
		"CasePriority":    {{"Medium", "d9bd322c-f46b-1410-ee8c-0050ba5d6c38"}},
		"FileType":        {{"File", "529bc2f8-0ee0-df11-971b-001d60e938c6"}, {"Link", "539bc2f8-0ee0-df11-971b-001d60e938c6"}},
		"MessageNotifier": {{"Portal", "0c61da8a-7a29-42c0-9877-08d5fef15f28"}},
		"ServiceItem":     {{"АТОЛ Онлайн", ""}, {"Кассы", ""}},
	}
	for entity, rows := range shipped {
		for _, row := range rows {
			s.Put(entity, map[string]any{"Name": row[0], "Id": cmp.Or(row[1], seedID(entity+row[0]))})
		}
	}
	s.Put("Account", map[string]any{"Id": seedID("partner"), "Name": "ООО «Партнёр»", "Code": "PARTNER-1"})
}

func seedID(of string) string {
	sum := sha256.Sum256([]byte(of))
	id, _ := uuid.FromBytes(sum[:16])
	return id.String()
}

// Put adds a row past the protocol, as an operator of the CRM would; values are
// texts, GUIDs as texts, times. It panics on what the schema does not know and
// gives the row's Id.
func (s *Sim) Put(entity string, values map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[entity]
	row := simRow{"Id": uuid.NewString(), "CreatedOn": s.now(), "ModifiedOn": s.now()}
	for column, value := range values {
		if _, known := t.columns[column]; !known {
			panic("creatio sim: no column " + entity + "." + column)
		}
		row[column] = value
	}
	t.add(row)
	return row["Id"].(string)
}

// writeModel gives the schema as OData describes it.
func (s *Sim) writeModel(w io.Writer) {
	_, _ = io.WriteString(w, xml.Header+`<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>`+
		`<Schema Namespace="Terrasoft.Configuration.OData" xmlns="http://docs.oasis-open.org/odata/ns/edm">`)
	for _, name := range sortedKeys(s.tables) {
		_, _ = fmt.Fprintf(w, `<EntityType Name=%q><Key><PropertyRef Name="Id"/></Key>`, name)
		columns := s.tables[name].columns
		for _, column := range slices.Sorted(slices.Values(sortedKeys(columns))) {
			c := columns[column]
			limit := ""
			if c.longest > 0 && c.kind == simText {
				limit = fmt.Sprintf(` MaxLength="%d"`, c.longest)
			}
			_, _ = fmt.Fprintf(w, `<Property Name=%q Type=%q%s/>`, column, c.kind, limit)
		}
		_, _ = io.WriteString(w, `</EntityType>`)
	}
	_, _ = io.WriteString(w, `</Schema></edmx:DataServices></edmx:Edmx>`)
}
