package vtiger

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// simRecord is a stored record; values are texts under stock's names.
type simRecord struct {
	number  int64
	module  string
	values  map[string]string
	deleted bool
}

func (r *simRecord) wsid() string {
	return simItoa(int(entities[r.module])) + "x" + strconv.FormatInt(r.number, 10)
}

// simEscape plays what stock does to a stored text with HTML in it (M48).
func simEscape(text string) string {
	if !strings.Contains(text, "<") || !strings.Contains(text, ">") {
		return text
	}
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(text)
}

var simLabelEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#039;")

// show gives a record as read: every field as text, then the id; or the columns
// in the order of the query (1.5, M59, M60).
func (r *simRecord) show(columns []string) simMap {
	m := simModuleNamed(r.module)
	var out simMap
	if columns == nil {
		for _, f := range m.fields {
			out.add(f.name, r.text(f))
		}
		out.add("id", r.wsid())
		return out
	}
	for _, name := range columns {
		if name == "id" {
			out.add(name, r.wsid())
		} else if f := m.field(name); f != nil {
			out.add(name, r.text(*f))
		}
	}
	if !slices.Contains(columns, "id") { // always there (3.5)
		out.add("id", r.wsid())
	}
	return out
}

func (r *simRecord) text(f simField) string {
	if v := simEscape(r.values[f.name]); v != "" {
		return v
	}
	return f.blank
}

func (r *simRecord) whole() simMap {
	m := simModuleNamed(r.module)
	var words []string
	for _, name := range m.label {
		if v := r.values[name]; v != "" {
			words = append(words, v)
		}
	}
	out := r.show(nil)
	out.add("label", simLabelEscape.Replace(strings.Join(words, " ")))
	return out
}

// find reads an id: an unknown prefix, no x, a missing or deleted record, and a
// prefix of another module have each their own refusal (M52–M58, M79, M81).
func (c *simCall) find(id string) (*simRecord, *simError) {
	before, after, found := strings.Cut(id, "x")
	entity, err := strconv.ParseInt(before, 10, 64)
	switch {
	case id == "" || err != nil:
		return nil, &simError{CodeAccessDenied, MsgDenied + " for id"}
	case !found:
		return nil, &simError{CodeAccessDenied, MsgDenied}
	case modules[entity] == "":
		return nil, &simError{CodeAccessDenied, MsgDenied + " for id"}
	}
	number, _ := strconv.ParseInt(after, 10, 64)
	r := c.numbered(number)
	switch {
	case r == nil:
		return nil, &simError{CodeAccessDenied, MsgDenied}
	case entities[r.module] != entity:
		return nil, &simError{CodeInvalidID, MsgInvalidID}
	}
	return r, nil
}

func (c *simCall) numbered(number int64) *simRecord {
	i, found := slices.BinarySearchFunc(c.records, number, func(r *simRecord, n int64) int { return int(r.number - n) })
	if !found || c.records[i].deleted {
		return nil
	}
	return c.records[i]
}

// element decodes the parameter: malformed JSON is an empty record (M35), a
// text kills PHP (M36), a nested value does so, too.
func (c *simCall) element() (map[string]string, *simError) {
	var value any
	d := json.NewDecoder(strings.NewReader(c.params["element"]))
	d.UseNumber()
	if d.Decode(&value) != nil {
		return map[string]string{}, nil
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, &simError{code: simDead}
	}
	out := map[string]string{}
	for name, v := range members {
		switch v := v.(type) {
		case string:
			out[name] = v
		case json.Number:
			out[name] = v.String()
		case bool:
			out[name] = map[bool]string{true: "1", false: "0"}[v]
		case nil:
			out[name] = ""
		default:
			return nil, &simError{code: simDead}
		}
	}
	return out, nil
}

// create is 3.1 and M27–M48.
func (c *simCall) create(req *simRequest) (any, *simError) {
	m := simModuleNamed(c.params.given("elementType"))
	if m == nil || m.name == "Users" {
		return nil, &simError{CodeAccessDenied, MsgDenied} // M34, M38
	}
	values, failure := c.element()
	if failure != nil {
		return nil, failure
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if m.field(name) == nil { // dropped (M43), but who sends them?
			c.offendLocked("create %s: field %s is unknown", m.name, name)
		}
	}
	r, failure := c.insert(m, values)
	if failure != nil {
		return nil, failure
	}
	if m.name == "Documents" {
		c.attach(r, req) // 3.6
	}
	return r.whole(), nil
}

// insert is vtws_create.
func (c *simCall) insert(m *simModule, values map[string]string) (*simRecord, *simError) {
	clean, failure := c.clean(m, values)
	if failure != nil {
		return nil, failure
	}
	for _, f := range m.fields {
		if f.mandatory && clean[f.name] == "" {
			return nil, &simError{CodeMandatoryMissing, f.name + " does not have a value"} // M29–M31
		}
	}
	c.last++
	c.numbers[m.prefix]++
	now := c.now().UTC().Format(time.DateTime)
	clean[m.number] = m.prefix + simItoa(c.numbers[m.prefix])
	clean["createdtime"], clean["modifiedtime"], clean["modifiedby"] = now, now, "19x1"
	if clean["source"] == "" {
		clean["source"] = "WEBSERVICE"
	}
	r := &simRecord{number: c.last, module: m.name, values: clean}
	c.records = append(c.records, r)
	return r, nil
}

// clean checks values as stock does, which is little (M44–M47).
func (c *simCall) clean(m *simModule, values map[string]string) (map[string]string, *simError) {
	out := map[string]string{}
	for _, f := range m.fields {
		v, came := values[f.name]
		if !came || f.locked {
			continue
		}
		if v == "" {
			out[f.name] = ""
			continue
		}
		switch f.kind {
		case "date":
			if _, err := time.Parse(time.DateOnly, v); err != nil {
				return nil, &simError{CodeInternal, MsgInternal} // M44
			}
		case "owner":
			if v == "1" { // M33
				v = "19x1"
			}
			if v != "19x1" {
				return nil, &simError{simPlainText, "Sorry! Attempt to access restricted file."} // M32
			}
		case "reference":
			before, after, _ := strings.Cut(v, "x")
			entity, _ := strconv.ParseInt(before, 10, 64)
			if !slices.Contains(f.refers, modules[entity]) {
				return nil, &simError{CodeReferenceInvalid, "Invalid reference specified for " + f.name} // M46
			}
			if number, _ := strconv.ParseInt(after, 10, 64); f.refers[0] != "DocumentFolders" && c.numbered(number) == nil {
				v = "" // M47
			}
		}
		out[f.name] = v
	}
	return out, nil
}

func (c *simCall) retrieve(*simRequest) (any, *simError) {
	r, failure := c.find(c.params.given("id"))
	if failure != nil {
		return nil, failure
	}
	return r.whole(), nil
}

// update wants every mandatory field and blanks what is missing (3.1, 10.5).
func (c *simCall) update(*simRequest) (any, *simError) { return c.change(true) }

func (c *simCall) revise(*simRequest) (any, *simError) { return c.change(false) }

func (c *simCall) change(all bool) (any, *simError) {
	values, failure := c.element()
	if failure != nil {
		return nil, failure
	}
	r, failure := c.find(values["id"])
	if failure == nil {
		failure = c.rewrite(r, values, all)
	}
	if failure != nil {
		return nil, failure
	}
	return r.whole(), nil
}

func (c *simCall) rewrite(r *simRecord, values map[string]string, all bool) *simError {
	m := simModuleNamed(r.module)
	clean, failure := c.clean(m, values)
	if failure != nil {
		return failure
	}
	for _, f := range m.fields {
		v, came := clean[f.name]
		if f.mandatory && v == "" && (came || all) {
			return &simError{CodeMandatoryMissing, f.name + " does not have a value"} // M76, M80
		}
		if came || all && !f.locked {
			r.values[f.name] = v
		}
	}
	r.values["modifiedtime"] = c.now().UTC().Format(time.DateTime)
	return nil
}

// remove is delete, which is soft (3.1, M82–M84).
func (c *simCall) remove(*simRequest) (any, *simError) {
	r, failure := c.find(c.params.given("id"))
	if failure != nil {
		return nil, failure
	}
	r.deleted = true
	return simMap{{"status", MsgDeleted}}, nil
}

// addRelated says success also when nothing was linked (3.1, 10.10).
func (c *simCall) addRelated(*simRequest) (any, *simError) {
	source, failure := c.find(c.params.given("sourceRecordId"))
	if failure != nil {
		return nil, failure
	}
	related, failure := c.find(c.params.given("relatedRecordId"))
	if failure != nil {
		return nil, failure
	}
	fits := c.params.given("relationIdLabel") == "Documents" && related.module == "Documents" && source.module != "Documents"
	link := [2]int64{source.number, related.number}
	if fits && c.use("link", c.operation) == nil && !slices.Contains(c.links, link) {
		c.links = append(c.links, link)
	}
	return simMap{{"message", MsgLoggedOut}}, nil
}

// retrieveRelated is 3.1; only documents can be related here.
func (c *simCall) retrieveRelated(*simRequest) (any, *simError) {
	r, failure := c.find(c.params.given("id"))
	if failure != nil {
		return nil, failure
	}
	if c.params.given("relatedType") != "Documents" || c.params.given("relatedLabel") != "Documents" {
		return nil, &simError{CodeUnknownEntity, MsgUnknownEntity}
	}
	list := []any{}
	for _, doc := range c.documentsOf(r.number) {
		if len(list) < pageRows {
			list = append(list, doc.whole())
		}
	}
	return list, nil
}

func (c *simCall) documentsOf(record int64) []*simRecord {
	var out []*simRecord
	for _, link := range c.links {
		if doc := c.numbered(link[1]); link[0] == record && doc != nil {
			out = append(out, doc)
		}
	}
	return out
}
