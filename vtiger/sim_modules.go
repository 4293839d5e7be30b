package vtiger

import (
	"fmt"
	"strings"
)

// simField is a field of a simulated module.
type simField struct {
	name, label string
	kind        string // a type of describe (3.4); "" = string
	mandatory   bool
	locked      bool   // set by the CRM only
	blank       string // how "no value" reads: "0" for a checkbox
	refers      []string
}

type simModule struct {
	name, singular, prefix string // prefix of the own number: CON, ACC
	number                 string // the field that holds it
	label                  []string
	fields                 []simField
}

func (m *simModule) field(name string) *simField {
	for i := range m.fields {
		if m.fields[i].name == name {
			return &m.fields[i]
		}
	}
	return nil
}

// simFields reads a table of fields, one line each:
// "name Label" with marks before the name: ! mandatory, - locked; and after it
// :type, >Module for references.
func simFields(table string) []simField {
	var out []simField
	for line := range strings.Lines(table) {
		word, label, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" {
			continue
		}
		f := simField{label: label}
		if rest, ok := strings.CutPrefix(word, "!"); ok {
			word, f.mandatory = rest, true
		}
		if rest, ok := strings.CutPrefix(word, "-"); ok {
			word, f.locked = rest, true
		}
		word, refers, isReference := strings.Cut(word, ">")
		f.name, f.kind, _ = strings.Cut(word, ":")
		switch {
		case isReference:
			f.kind, f.refers = "reference", strings.Split(refers, ",")
		case f.kind == "boolean":
			f.blank = "0"
		case f.kind == "":
			f.kind = "string"
		}
		out = append(out, f)
	}
	return out
}

// The seed's fields that stock has not stand under custom names, as on a real
// installation; the numbers are this one's (9).
const (
	simContactINN, simContactCode = "cf_907", "cf_911"
	simAccountINN                 = "cf_921"
)

// simModules are the modules with records, fields as M27, M49, M50 show them.
var simModules = []*simModule{
	{name: "Accounts", singular: "Organization", prefix: "ACC", number: "account_no", label: []string{"accountname"}, fields: simFields(`
		!accountname Organization Name
		-account_no Organization Number
		phone:phone Primary Phone
		website:url Website
		fax Fax
		tickersymbol Ticker Symbol
		otherphone:phone Other Phone
		account_id>Accounts Member Of
		email1:email Primary Email
		employees:integer Employees
		email2:email Secondary Email
		ownership Ownership
		rating Rating
		industry Industry
		siccode SIC Code
		accounttype Type
		annual_revenue:currency Annual Revenue
		emailoptout:boolean Email Opt Out
		notify_owner:boolean Notify Owner
		!assigned_user_id:owner Assigned To
		-createdtime:datetime Created Time
		-modifiedtime:datetime Modified Time
		-modifiedby>Users Last Modified By
		-isconvertedfromlead:boolean Is Converted From Lead
		source Source
		starred:boolean starred
		tags tags
		bill_street:text Billing Address
		ship_street:text Shipping Address
		bill_city Billing City
		ship_city Shipping City
		bill_state Billing State
		ship_state Shipping State
		bill_code Billing Postal Code
		ship_code Shipping Postal Code
		bill_country Billing Country
		ship_country Shipping Country
		bill_pobox Billing Po Box
		ship_pobox Shipping Po Box
		description:text Description
		cf_921 ИНН
		cf_923 ОГРН`)},
	{name: "Contacts", singular: "Contact", prefix: "CON", number: "contact_no", label: []string{"firstname", "lastname"}, fields: simFields(`
		salutationtype Salutation
		firstname First Name
		-contact_no Contact Id
		phone:phone Office Phone
		!lastname Last Name
		mobile:phone Mobile Phone
		account_id>Accounts Organization Name
		homephone:phone Home Phone
		leadsource Lead Source
		otherphone:phone Other Phone
		title Title
		fax Fax
		department Department
		birthday:date Birthdate
		email:email Email
		contact_id>Contacts Reports To
		assistant Assistant
		secondaryemail:email Secondary Email
		assistantphone:phone Assistant Phone
		donotcall:boolean Do Not Call
		emailoptout:boolean Email Opt Out
		!assigned_user_id:owner Assigned To
		reference:boolean Reference
		notify_owner:boolean Notify Owner
		-createdtime:datetime Created Time
		-modifiedtime:datetime Modified Time
		-modifiedby>Users Last Modified By
		-isconvertedfromlead:boolean Is Converted From Lead
		source Source
		starred:boolean starred
		tags tags
		portal:boolean Portal User
		support_start_date:date Support Start Date
		support_end_date:date Support End Date
		mailingstreet:text Mailing Street
		otherstreet:text Other Street
		mailingcity Mailing City
		othercity Other City
		mailingstate Mailing State
		otherstate Other State
		mailingzip Mailing Zip
		otherzip Other Zip
		mailingcountry Mailing Country
		othercountry Other Country
		mailingpobox Mailing Po Box
		otherpobox Other Po Box
		description:text Description
		-imagename:image Contact Image
		cf_901 Отчество
		cf_903 Telegram ID
		cf_905 Место рождения
		cf_907 ИНН
		cf_909 Реквизиты
		cf_911 СМС код`)},
	{name: "Documents", singular: "Document", prefix: "DOC", number: "note_no", label: []string{"notes_title"}, fields: simFields(`
		!notes_title Title
		-createdtime:datetime Created Time
		-modifiedtime:datetime Modified Time
		filename:file File Name
		!assigned_user_id:owner Assigned To
		filetype File Type
		filesize:integer File Size
		filelocationtype Download Type
		fileversion Version
		filestatus:boolean Active
		filedownloadcount:integer Download Count
		folderid>DocumentFolders Folder Name
		-note_no Document No
		-modifiedby>Users Last Modified By
		notecontent:text Note
		source Source
		starred:boolean starred
		tags tags
		-imageattachmentids Attachments`)},
	{name: "Project", singular: "Project", prefix: "PROJ", number: "project_no", label: []string{"projectname"}, fields: simFields(`
		!projectname Project Name
		startdate:date Start Date
		targetenddate:date Target End Date
		actualenddate:date Actual End Date
		projectstatus Status
		projecttype Type
		linktoaccountscontacts>Accounts,Contacts Related to
		!assigned_user_id:owner Assigned To
		-project_no Project No
		targetbudget Target Budget
		projecturl:url Project Url
		projectpriority Priority
		progress Progress
		-createdtime:datetime Created Time
		-modifiedtime:datetime Modified Time
		-modifiedby>Users Last Modified By
		description:text description
		source Source
		starred:boolean starred
		tags tags
		-isconvertedfrompotential:boolean Is Converted From Opportunity
		potentialid Potential
		` + simProjectCustom)},
	{name: "Users", singular: "User", label: []string{"last_name"}, fields: simFields(`
		user_name User Name
		last_name Last Name`)},
}

// simProjectCustom gives the seed's fields of a project that stock has not.
var simProjectCustom = func() string {
	var b strings.Builder
	for i, name := range simProjectParams {
		switch name {
		case "contactid", "startdate", "description":
		default:
			fmt.Fprintf(&b, "cf_%d %s\n", 941+2*i, name)
		}
	}
	return b.String()
}()

func simModuleNamed(name string) *simModule {
	for _, m := range simModules {
		if m.name == name {
			return m
		}
	}
	return nil
}

// listTypes is 3.1 with the modules played here (M22, M24).
func (c *simCall) listTypes(*simRequest) (any, *simError) {
	var types []any
	var information simMap
	for _, m := range simModules {
		types = append(types, m.name)
		information.add(m.name, simMap{{"isEntity", m.name != "Users"}, {"label", m.name}, {"singular", m.singular}})
	}
	return simMap{{"types", types}, {"information", information}}, nil
}

// describe is 3.4.
func (c *simCall) describe(*simRequest) (any, *simError) {
	name := c.params.given("elementType")
	m := simModuleNamed(name)
	if m == nil {
		return nil, &simError{CodeAccessDenied, MsgDenied + " for name : " + name} // M26
	}
	var fields []any
	for _, f := range m.fields {
		kind := simMap{{"name", f.kind}}
		if f.refers != nil {
			var to []any
			for _, r := range f.refers {
				to = append(to, r)
			}
			kind = simMap{{"refersTo", to}, {"name", f.kind}}
		}
		fields = append(fields, simMap{
			{"name", f.name}, {"label", f.label}, {"mandatory", f.mandatory}, {"type", kind}, {"isunique", false},
			{"nullable", !f.mandatory}, {"editable", !f.locked}, {"default", ""},
		})
	}
	fields = append(fields, simMap{
		{"name", "id"}, {"label", strings.ToLower(m.singular) + "id"}, {"mandatory", false},
		{"type", simMap{{"name", "autogenerated"}}}, {"editable", false}, {"nullable", false}, {"default", ""},
	})
	return simMap{
		{"label", m.name}, {"name", m.name}, {"createable", true}, {"updateable", true}, {"deleteable", true},
		{"retrieveable", true}, {"fields", fields}, {"idPrefix", simItoa(int(entities[m.name]))}, {"isEntity", true},
		{"allowDuplicates", true}, {"labelFields", strings.Join(m.label, ",")},
	}, nil
}
