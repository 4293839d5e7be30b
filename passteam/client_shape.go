package passteam

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// No page tells how Passteam names the fields of most answers
// (spec/passteam.md 1.4, 8), so they are found under any of the usual names.

// member is one member of a JSON object, in its place.
type member struct {
	name string // as written
	raw  json.RawMessage
}

// object is a JSON object in order.
type object []member

func readObject(raw json.RawMessage) object {
	d := json.NewDecoder(bytes.NewReader(raw))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	var o object
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return o
		}
		name, _ := token.(string)
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return o
		}
		o = append(o, member{name, value})
	}
	return o
}

// plainName makes one of cardId, card_id, "Card-ID".
var plainName = strings.NewReplacer("_", "", "-", "", " ", "", ".", "")

// find gives the member under the first of names that is there.
func (o object) find(names ...string) (json.RawMessage, bool) {
	for _, name := range names {
		for _, m := range o {
			if strings.EqualFold(plainName.Replace(m.name), name) {
				return m.raw, true
			}
		}
	}
	return nil, false
}

func (o object) text(names ...string) string {
	raw, _ := o.find(names...)
	if string(raw) == "null" {
		return ""
	}
	return scalarOf(raw)
}

func (o object) number(names ...string) int {
	n, _ := strconv.Atoi(o.text(names...))
	return n
}

func (o object) truth(names ...string) bool {
	switch strings.ToLower(o.text(names...)) {
	case "true", "1", "yes", "да":
		return true
	}
	return false
}

// itemsOf gives the items of an array, or of the array under one of names.
func itemsOf(raw json.RawMessage, names ...string) (items []json.RawMessage, ok bool) {
	if json.Unmarshal(raw, &items) == nil && items != nil {
		return items, true
	}
	inner, found := readObject(raw).find(names...)
	if !found || json.Unmarshal(inner, &items) != nil {
		return nil, false
	}
	return items, true
}

// unwrap gives what stands under one of names, or the whole.
func unwrap(raw json.RawMessage, names ...string) json.RawMessage {
	if inner, found := readObject(raw).find(names...); found && len(inner) > 0 && inner[0] == '{' {
		return inner
	}
	return raw
}

func readTemplates(result json.RawMessage) ([]RemoteTemplate, error) {
	items, ok := itemsOf(result, "templates", "items", "list", "data")
	if !ok {
		return nil, shapeless(MethodTemplates, "no list of templates")
	}
	all := []RemoteTemplate{}
	for _, item := range items {
		t, err := readTemplate(item)
		if id := scalarOf(item); id != "" { // bare ids
			t, err = RemoteTemplate{ID: id}, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

func readTemplate(result json.RawMessage) (RemoteTemplate, error) {
	o := readObject(unwrap(result, "template"))
	if len(o) == 0 {
		return RemoteTemplate{}, shapeless(MethodTemplate, "no template")
	}
	t := RemoteTemplate{
		ID: o.text("templateid", "id"), Name: o.text("name", "title", "templatename"),
		PassTypeID: o.text("passtypeid", "passtypeidentifier"), Style: o.text("style", "passstyle"), Cards: o.number("cardscount", "clientscount", "cardcount"),
	}
	raw, _ := o.find("variables", "fields", "values")
	t.Variables = readVariables(raw)
	return t, nil
}

// readVariables takes a list of objects or names, or an object of names.
func readVariables(raw json.RawMessage) []Variable {
	var all []Variable
	if items, ok := itemsOf(raw); ok {
		for _, item := range items {
			o := readObject(item)
			name := o.text("name", "variable", "key", "id")
			if o == nil {
				name = scalarOf(item)
			}
			all = append(all, readVariable(name, o))
		}
	}
	for _, m := range readObject(raw) {
		v := readVariable(m.name, readObject(m.raw))
		if kind := scalarOf(m.raw); v.Type == "" && kind != "" && strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz") == "" {
			v.Type = kind
		}
		all = append(all, v)
	}
	return slices.DeleteFunc(all, func(v Variable) bool { return v.Name == "" })
}

func readVariable(name string, o object) Variable {
	return Variable{
		Name: strings.Trim(name, "%"), Type: strings.ToLower(o.text("type", "kind")),
		Unique: o.truth("unique", "isunique"), Required: o.truth("required", "isrequired"), Default: o.text("default", "defaultvalue"),
	}
}

func readCard(raw json.RawMessage, templateID string) (RemoteCard, error) {
	o := readObject(raw)
	c := RemoteCard{
		ID: o.text("cardid", "id"), Code: o.text("cardcode", "code", "barcode"), TemplateID: o.text("templateid", "template"),
		URL: o.text("cardurl", "url", "link"), Installed: o.truth("installed", "isinstalled"),
	}
	if c.ID == "" {
		return c, shapeless(MethodCard, "a card without an id")
	}
	if c.TemplateID == "" {
		c.TemplateID = templateID
	}
	c.CreatedAt, _ = time.Parse(time.RFC3339, o.text("createdat", "created", "createdate"))
	for _, names := range [][]string{{"values", "variables", "fields"}, {"othervalues"}} {
		values, _ := o.find(names...)
		c.Values = append(c.Values, readValues(values)...)
	}
	return c, nil
}

// readValues takes {"%A%":"x"} or [{"name":"%A%","value":"x"}].
func readValues(raw json.RawMessage) []Value {
	var all []Value
	take := func(name string, value json.RawMessage) {
		if name = strings.Trim(name, "%"); name != "" {
			text := ""
			if string(value) != "null" {
				text = strings.ReplaceAll(scalarOf(value), "\x00", "")
			}
			all = append(all, Value{name, text})
		}
	}
	if items, ok := itemsOf(raw); ok {
		for _, item := range items {
			o := readObject(item)
			value, _ := o.find("value", "text", "val")
			take(o.text("name", "variable", "key", "label"), value)
		}
	}
	for _, m := range readObject(raw) {
		take(m.name, m.raw)
	}
	return all
}

func readPage(result json.RawMessage, templateID string, page int) (RemotePage, error) {
	items, ok := itemsOf(result, "cards", "clients", "items", "list", "data", "passes")
	if !ok {
		return RemotePage{}, shapeless("getCardsWithPagination", "no list of cards")
	}
	o := readObject(result)
	for _, name := range []string{"meta", "pagination", "paging"} {
		inner, _ := o.find(name)
		o = append(o, readObject(inner)...)
	}
	p := RemotePage{
		Page: page, Pages: o.number("pages", "pagescount", "countpages", "totalpages", "pagestotal", "pagecount", "lastpage"),
		Total: o.number("total", "count", "totalcount", "cardscount", "clientscount", "totalcards", "totalclients"),
	}
	for _, item := range items {
		c, err := readCard(unwrap(item, "card", "client"), templateID)
		if err != nil {
			return p, err
		}
		p.Cards = append(p.Cards, c)
	}
	next, told := o.find("nextpage", "next")
	switch text := scalarOf(next); {
	case len(items) == 0:
		p.Last = true
	case told:
		p.Last = text == "null" || text == "" || text == "0" || text == "false"
	case p.Pages > 0:
		p.Last = page >= p.Pages
	default:
		p.Last = len(items) < PageSize
	}
	return p, nil
}
