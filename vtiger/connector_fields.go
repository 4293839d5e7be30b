package vtiger

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"styk"
	"styk/connect"
)

// Whose field a right-hand side of the mapping names: contact.birthday,
// account.ogrn, agent.inn; without a dot, of the project.
const (
	ofContact = "contact"
	ofAccount = "account" // the offender of the seed
	ofAgent   = "agent"   // its intermediary
	ofProject = "project"
)

// required are what the seed's operations refuse to do without.
var required = map[string][]string{
	ofContact: {"firstname", "lastname", "birthday", "mobile", "inn"},
	ofAccount: {"accountname", "inn", "ogrn"},
	ofAgent:   {"accountname", "inn", "ogrn"},
}

// known are the names that the operations take (spec/vtiger.md 4, the seed's
// tables).
var known = map[string][]string{
	ofContact: {"firstname", "secondname", "lastname", "mobile", "email", "tgid", "birthday", "birthplace", "mailingstreet", "inn", "requisites", "code"},
	ofAccount: {"accountname", "address", "email", "website", "phone", "inn", "ogrn"},
	ofAgent:   {"accountname", "address", "email", "website", "phone", "inn", "ogrn"},
	ofProject: {"sms", "ip", "source", "region", "formid", "category", "direction", "agrprice", "subject", "agrdate", "startdate",
		"finishdate", "loss", "servicecost", "progress", "country", "hotel", "transport", "insurance", "other", "description",
		"independently", "claimdate", "returned"},
}

// longFields may hold a text, the others a line.
var longFields = []string{"description", "other", "subject", "requisites", "mailingstreet", "birthplace", "address"}

// cells are the parameters of one operation.
type cells map[string]string

// mapped gives the values that the mapping sends to one of the records.
func (j *job) mapped(of string) cells {
	out := cells{}
	for _, to := range j.ticket.Mapping {
		group, name, dotted := strings.Cut(to, ".")
		if !dotted {
			group, name = ofProject, to
		}
		if group == of {
			out.set(name, j.ticket.MappedTo(to))
		}
	}
	return out
}

// checkMapping refuses names that no operation takes: stock would drop them
// without a word.
func checkMapping(mapping map[string]string) error {
	for _, to := range slices.Sorted(maps.Values(mapping)) {
		group, name, dotted := strings.Cut(to, ".")
		if !dotted {
			group, name = ofProject, to
		}
		if to != "" && !slices.Contains(known[group], name) {
			return connect.Because(connect.Permanentf("mapping: %q is no field of the operations", to),
				"В соответствии полей указано поле, которого у операций CRM нет.")
		}
	}
	return nil
}

// set keeps a value that is not empty, made fit to be stored.
func (c cells) set(name, value string) {
	value = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(value, "\ufffd"), "\x00", ""))
	if value == "" {
		return
	}
	if !slices.Contains(longFields, name) {
		value = cut(strings.Join(strings.Fields(value), " "), 250)
	}
	c[name] = value
}

func cut(text string, runes int) string {
	if utf8.RuneCountInString(text) <= runes {
		return text
	}
	return string([]rune(text)[:runes])
}

// fill adds stand-ins for what is empty.
func (c cells) fill(from map[string]string) {
	for name, value := range from {
		if c[name] == "" {
			c.set(name, value)
		}
	}
}

// lacking gives the required names without a value; a lone 0 counts as none
// (spec/vtiger.md 1.3).
func (c cells) lacking(of string) []string {
	return slices.DeleteFunc(slices.Clone(required[of]), func(name string) bool { return c[name] != "" && c[name] != "0" })
}

func lacks(of string, names []string) error {
	return connect.Because(connect.Permanentf("%s: no value for %s", of, strings.Join(names, ", ")),
		"CRM требует поля, которых в обращении нет: "+of+"."+strings.Join(names, ", "+of+".")+". Сопоставьте их с полями формы или задайте в defaults.")
}

// contactCells are what the form says of the visitor, without stand-ins.
func (j *job) contactCells() cells {
	who, out := j.ticket.Contact, cells{}
	first, last := who.First, who.Last
	if first == "" && last == "" {
		first, last, _ = strings.Cut(strings.TrimSpace(who.Name), " ")
	}
	for name, value := range map[string]string{
		"firstname": first, "lastname": last, "secondname": who.Middle,
		"mobile": who.Phone, "email": who.Email, "inn": who.INN,
	} {
		out.set(name, value)
	}
	for name, value := range j.mapped(ofContact) {
		out[name] = value
	}
	if p, ok := styk.ParsePhone(out["mobile"]); ok {
		out["mobile"] = string(p) // one spelling, since a plain handler compares texts (9)
	}
	return out
}

// accountCells are what the form says of the counterparty, without stand-ins.
func (j *job) accountCells() cells {
	out := cells{}
	out.set("accountname", j.ticket.Contact.Company)
	if out["accountname"] != "" {
		out.set("inn", j.ticket.Contact.INN)
	}
	for name, value := range j.mapped(ofAccount) {
		out[name] = value
	}
	return out
}

// numberMark stands before our number in a description.
const numberMark = "Номер на сайте: "

// projectCells are the project, with our number in it, by which it is found
// again.
func (j *job) projectCells() cells {
	out := j.mapped(ofProject)
	out.fill(j.t.defaults[ofProject])
	var below []string
	for _, f := range j.links {
		below = append(below, "Файл "+f.Name+": "+f.URL)
	}
	field := j.t.set.Text("number_field")
	if field == fieldDescription {
		below = append(below, numberMark+j.ticket.Number)
	} else {
		out.set(field, j.ticket.Number)
	}
	text := cut(out[fieldDescription], 60_000)
	out.set(fieldDescription, text+"\n\n"+strings.Join(below, "\n"))
	return out
}

// carries tells whether a project found by a query is this ticket's.
func (j *job) carries(value string) bool {
	if j.t.set.Text("number_column") != fieldDescription || j.t.set.Text("number_field") != fieldDescription {
		return strings.TrimSpace(value) == j.ticket.Number
	}
	return strings.HasSuffix(strings.TrimSpace(value), numberMark+j.ticket.Number)
}
