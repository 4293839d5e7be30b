package vtiger

import (
	"strings"
	"unicode/utf8"

	"styk"
)

// seedField is one parameter of a custom operation: its name in the seed and
// the column of ours that takes it. A column "" is taken apart by the operation.
type seedField struct {
	name, column string
	required     bool
}

var contactSeed = []seedField{
	{"firstname", "first_name", true},
	{"secondname", "second_name", false},
	{"lastname", "last_name", true},
	{"mobile", "mobile", true},
	{"email", "email", false},
	{"tgid", "telegram_id", false},
	{"birthday", "birthday", true},
	{"birthplace", "birthplace", false},
	{"mailingstreet", "address", false},
	{"inn", "inn", true},
	{"requisites", "requisites", false},
	{"code", "", false},
}

var accountSeed = []seedField{
	{"accountname", "name", true},
	{"address", "address", false},
	{"email", "email", false},
	{"website", "website", false},
	{"phone", "phone", false},
	{"inn", "inn", true},
	{"ogrn", "ogrn", true},
}

var projectSeed = []seedField{
	{"contactid", "contact_id", true},
	{"offenderid", "offender_id", true},
	{"agentid", "agent_id", false},
	{"sms", "", false},
	{"ip", "ip", false},
	{"source", "", false},
	{"region", "region", false},
	{"formid", "form_id", false},
	{"category", "category", false},
	{"direction", "direction", false},
	{"agrprice", "agr_price", false},
	{"subject", "subject", false},
	{"agrdate", "agr_date", false},
	{"startdate", "start_date", false},
	{"finishdate", "finish_date", false},
	{"loss", "loss", false},
	{"servicecost", "service_cost", false},
	{"progress", "progress", false},
	{"country", "country", false},
	{"hotel", "hotel", false},
	{"transport", "transport", false},
	{"insurance", "insurance", false},
	{"other", "other", false},
	{"description", "text", false},
	{"independently", "independent", false},
	{"claimdate", "claim_date", false},
	{"returned", "returned", false},
}

// Lengths of text, in characters; stock cuts silently, we refuse aloud.
const (
	maxLine = 255
	maxText = 64 << 10
)

// longColumns may hold a text rather than a line.
var longColumns = map[string]bool{"text": true, "requisites": true, "address": true, "birthplace": true, "other": true, "subject": true, "solution": true}

// readSeed reads the parameters of a custom operation into rec and gives those
// that have no column. All faults come at once, missing ones first (contract
// 3); only name may be absent: a falsy text is "not given" for what is
// required, but "0" is a value elsewhere (a sum, a per cent).
func readSeed(p *Params, list []seedField, rec styk.Record) (rest map[string]string, err error) {
	columns := map[string]styk.Column{}
	for _, c := range rec.Columns() {
		columns[c.Name] = c
	}
	rest = map[string]string{}
	var missing, invalid []styk.Fault
	for _, f := range list {
		if p.IsArray(f.name) {
			invalid = append(invalid, styk.Fault{Field: f.name, Rule: "text", Text: "expected one text, not a list"})
			continue
		}
		text, _ := p.Text(f.name)
		text = strings.TrimSpace(repairText(text))
		switch {
		case f.required && falsy(text):
			missing = append(missing, styk.Fault{Field: f.name, Rule: "required", Text: "does not have a value"})
		case text == "":
		case f.column == "":
			rest[f.name] = text
		default:
			if fault := setColumn(columns[f.column], f.name, text); fault != nil {
				invalid = append(invalid, *fault)
			}
		}
	}
	switch {
	case missing != nil:
		return nil, &styk.Error{Code: styk.Missing, Faults: missing}
	case invalid != nil:
		return nil, &styk.Error{Code: invalidCode(invalid), Faults: invalid}
	}
	return rest, nil
}

// invalidCode tells a call whose only fault is a malformed id.
func invalidCode(faults []styk.Fault) styk.Code {
	for _, f := range faults {
		if f.Rule != "reference" {
			return styk.Invalid
		}
	}
	return styk.Reference
}

// setColumn parses a value as the wire has it. References come as 83834 or as
// 12x83834, whose module must be the right one.
func setColumn(c styk.Column, name, text string) *styk.Fault {
	if id, ok := c.Value.(*styk.ID); ok {
		ref, err := ParseRecordID(text)
		if err != nil || ref.Entity != 0 && !fitsReference(c.Name, ref.Entity) {
			return &styk.Fault{Field: name, Rule: "reference", Value: text, Text: "expected the id of " + referenceWord(c.Name)}
		}
		*id = ref.Record
		return nil
	}
	limit := maxLine
	if longColumns[c.Name] {
		limit = maxText
	}
	if utf8.RuneCountInString(text) > limit {
		return &styk.Fault{Field: name, Rule: "max_length", Text: "longer than the limit"}
	}
	fault := c.SetText(text)
	if fault != nil {
		fault.Field = name
	}
	return fault
}

func fitsReference(column string, entity int64) bool {
	if column == "contact_id" {
		return entity == EntityNumber(ModuleContacts)
	}
	return entity == EntityNumber(ModuleAccounts)
}

func referenceWord(column string) string {
	if column == "contact_id" {
		return "a contact, 83834 or 12x83834"
	}
	return "an account, 84675 or 11x84675"
}
