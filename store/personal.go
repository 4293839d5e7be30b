package store

import "strings"

// Erasure says what becomes of a personal value when its person is erased.
type Erasure string

// The ways.
const (
	Blank  Erasure = "blank"  // the column is emptied; the row stays, others refer to it
	Remove Erasure = "remove" // the whole row goes
	Keep   Erasure = "keep"   // it stays, for the reason that stands beside it
)

// Personal describes columns of one table that hold the same kind of thing
// about a person.
type Personal struct {
	Columns string // names, parted by spaces
	Holds   string // what it tells, and of whom
	Export  string // part of the person's export in which it is given; "" when it is not
	Erase   Erasure
	Why     string // for what is kept, or not exported
}

// PersonalTable lists every column of a table: those with personal data and
// the plain ones.
type PersonalTable struct {
	Table    string
	Personal []Personal
	Plain    string // names, parted by spaces
}

// How a record's outer columns are handled, whatever its kind.
const plainBase = "id owner_id created modified modified_by source deleted "

var oddities = Personal{"warnings extra", "values that were odd, and fields of other systems with any content", "record", Blank, ""}

// PersonalTables is the register of personal data: every column of the schema
// stands in it, and a test compares it with the schema itself.
var PersonalTables = []PersonalTable{
	{"contact", []Personal{
		oddities,
		{"first_name second_name last_name", "the customer's name", "record", Blank, ""},
		{"mobile phone email telegram_id address", "where the customer is reached", "record", Blank, ""},
		{"birthday birthplace inn requisites title", "who the customer is before the law and at work", "record", Blank, ""},
		{"text", "remarks about the customer", "record", Blank, ""},
	}, plainBase + "account_id"},
	{"account", []Personal{
		oddities,
		{"name address inn ogrn", "of a sole trader: name, home and numbers", "record", Blank, ""},
		{"email phone website", "where the firm's people are reached", "record", Blank, ""},
		{"text", "remarks about the firm and its people", "record", Blank, ""},
	}, plainBase + "kpp"},
	{"project", []Personal{
		oddities,
		{"name subject other text", "the customer's case in words", "record", Blank, ""},
		{"ip", "address from which the customer wrote", "record", Blank, ""},
		{"country hotel transport insurance", "where the customer travelled and how", "record", Blank, ""},
		{"agr_price agr_date loss service_cost claim_date returned", "sums and days of the contract", "record", Keep,
			"accounting must prove its figures for five years"},
	}, plainBase + `contact_id offender_id agent_id region form_id category direction start_date finish_date progress
		independent status project_type target_end actual_end target_budget`},
	{"ticket", []Personal{
		oddities,
		{"title text solution", "the customer's request and the answer", "record", Blank, ""},
	}, plainBase + "number status priority severity category contact_id account_id spam first_answered answered replied told"},
	{"document", []Personal{
		oddities,
		{"title file_name text", "file names often bear the customer's name", "record", Blank, ""},
		{"path sum", "lead to the bytes of the customer's file", "file", Blank, ""},
	}, plainBase + "type size version placeholder external hidden folder_id disk_size disk_time"},
	{"document_version", []Personal{
		{"sum", "leads to earlier bytes of the customer's file", "file", Remove, ""},
	}, "document_id version size type created created_by origin"},
	{"comment", []Personal{
		oddities,
		{"text", "what was said to or about the customer", "record", Blank, ""},
	}, plainBase + "related_id parent_id"},
	{"app_user", []Personal{
		{"name folded first_name last_name email", "a colleague's name and address", "", Keep,
			"a user is a colleague, not a customer: the owner renames or disables him; the history names his number"},
		{"networks", "addresses from which a colleague works", "", Keep, "as above"},
		{"access_key", "a sealed secret", "", Keep, "opens nothing without the key file"},
	}, "id role operations modules reuse_challenge disabled created"},
	{"match_key", []Personal{
		{"key", "the customer's phone, ИНН or e-mail", "", Remove, "a copy of what the record's own export gives"},
	}, "kind record_id"},
	{"search", []Personal{
		{"token", "the customer's names, phones and numbers, word by word", "", Remove, "a copy of what the record's own export gives"},
	}, "kind record_id"},
	{"history", []Personal{
		{"changes", "old and new values of the customer's fields", "history", Blank, ""},
	}, "tick record_id kind op at user_id origin"},
	{"sms_code", []Personal{
		{"inn", "the customer's ИНН, for which a code was set", "code", Remove, ""},
		{"hash", "keyed hash of the customer's code", "", Remove, "cannot be read back, and would only help a guesser"},
	}, "contact_id submission_id verified created"},
	{"submission", []Personal{
		{"address", "network address of the visitor", "submission", Blank, ""},
		{"content", "all that the visitor wrote into a form", "submission", Blank, ""},
		{"fields", "the same of a site form, field by field", "submission", Blank, ""},
		{"agent page", "browser of the visitor, and where the form stood", "submission", Blank, ""},
		{"consents", "what the visitor agreed to, when and from where", "submission", Keep,
			"proof of the consent, as long as a claim may come"},
	}, "id form contact_id created uuid ticket_id title suspicion reasons"},
	{"delivery", []Personal{
		{"content cause", "the address of a letter to the visitor; the values of a card; what a foreign system said", "delivery", Blank, ""},
		{"customer coalesce_key", "number of the customer's record", "", Keep, "a bare number, empty of meaning once the record is"},
	}, `id uid target_id subject about_id state rank due_at since attempts rung lease lease_until number url created
		finished`},
	{"attempt", []Personal{
		{"err cause warnings", "errors of foreign systems may repeat what they were sent", "delivery", Blank, ""},
		{"exchanges", "the exact requests and answers about the customer", "delivery", Blank, ""},
	}, "delivery_id number started ended outcome"},
	{"message", []Personal{ // behind the deliveries, which are found by it
		{"text quoted subject", "what the customer and we wrote to each other", "message", Remove, ""},
		{"address name", "from where the customer writes", "message", Remove, ""},
		{"message_id", "name of the letter, often with the customer's host", "", Remove, "tells nothing beside the letter"},
	}, "id ticket_id direction kind at user_id delivery_id files settled"},
	{"suggestion", []Personal{
		{"value", "a value that a form brought for the customer", "submission", Remove, ""},
	}, "id record_id field submission_id state created"},
	{"guess", []Personal{
		{"subject", "ИНН or user name, with session or address, of a wrong guess", "", Keep, "goes by itself after a day, and guards the person"},
	}, "scope at id"},
	{"idempotency", []Personal{
		{"key hash", "hashes of a request's values", "", Remove, "cannot be read back; it goes by itself after seven days"},
	}, "scope record_id created"},

	{"card", []Personal{
		{"code", "number of the customer's card", "card", Blank, ""},
		{"content warnings", "the values on the customer's card: name, phone, birthday, balance", "card", Blank, ""},
	}, "id number template_id contact_id revision shown handed created modified deleted installed removed source"},
	{"card_key", []Personal{
		{"key", "the customer's phone or another unique value of his card", "", Remove, "a copy of what the card's own export gives"},
	}, "template_id variable card_id"},
	{"card_change", []Personal{
		{"changes", "earlier values of the customer's card", "card", Blank, ""},
	}, "card_id tick op at user_id origin"},
	{"card_device", []Personal{
		{"device push_token agent", "the customer's phone", "card", Remove, ""},
	}, `card_id platform created seen push_due push_tries pushed pushed_revision verdict reason asked fetched fetched_revision`},
	{"card_log", []Personal{
		{"device text", "what phones complain of; names a phone, not its owner", "", Remove, "goes by itself when newer lines come"},
	}, "id at"},

	{"api_call", []Personal{
		{"path header request answer", "what programs said of customers", "", Blank, "calls of programs are kept for some days, by nobody's name"},
		{"address", "of the program's machine", "", Keep, "names a server, not a customer"},
	}, "id at took face operation code status who user_id method request_size answer_size"},

	{"staff_session", []Personal{
		{"address agent", "from where and with what a colleague logs in", "", Remove, "a user is a colleague, not a customer; it goes with the session"},
	}, "id hash user_id created seen ended half"},
	{"staff_invitation", []Personal{
		{"name folded first_name last_name email", "who is invited to work here", "", Remove, "a colleague to be, not a customer; it goes when it is used, taken back or too old"},
	}, "id salt role by_id created until"},

	{"staff_password", nil, "user_id sealed changed"},
	{"staff_totp", nil, "user_id sealed used created confirmed"},
	{"staff_recovery", nil, "user_id hash"},
	{"staff_link", nil, "hash user_id created until"},
	{"audit", nil, "id at user_id action about_id amount"},
	{"card_template", nil, "id name definition layout version tick created changed"},
	{"card_image", nil, "template_id name sum size"},
	{"card_certificate", nil, "pass_type team sealed expires warned development created"},
	{"api_token", nil, "id name hash user_id templates always_200 per_minute created expires seen disabled"},
	{"api_key", nil, "id name hash scopes networks user_id per_minute created expires seen revoked"},
	{"erasure", nil, "id record_id user_id begun finished counts"},
	{"merged", nil, "record_id winner_id at user_id tick moved"},
	{"meta", nil, "name value"},
	{"tick", nil, "one n"},
	{"entity", nil, "id kind"},
	{"relation", nil, "record_id other_id created"},
	{"webform", nil, "publicid name definition"},
	{"form", nil, "name definition version"},
	{"form_version", nil, "name version definition created"},
	{"target", nil, "id name kind parallel settings secrets sealed mapping disabled paused paused_why version alarmed warned"},
	{"number_line", nil, "month drawn"},
	{"step", nil, "delivery_id name state foreign_id number url started ended"},
	{"submission_file", nil, "submission_id document_id field checked refused"},
	{"file_link", nil, "id document_id delivery_id salt days created until closed"},
	{"session", nil, "hash user_id nonce created seen ended"},
	{"import_state", nil, "source module last_id done"},
}

// names lists all columns of the table that are in the register.
func (t PersonalTable) names() []string {
	list := strings.Fields(t.Plain)
	for _, p := range t.Personal {
		list = append(list, strings.Fields(p.Columns)...)
	}
	return list
}
