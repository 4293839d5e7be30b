// Package vtiger speaks the Vtiger web service from both ends: the server that
// existing clients of a Vtiger call, and the client that calls a real Vtiger.
//
// The files without a prefix hold what needs no database: the wire's words
// (wire.go), PHP's way of reading a request (params.go) and of writing JSON
// (json.go), the query language (vtql.go), the login challenge (challenge.go)
// and the client (client.go). The server stands in server*.go.
//
// The protocol is written down in spec/vtiger.md; section numbers in comments
// are of that file.
package vtiger

import (
	"strconv"
	"strings"
	"time"

	"styk"
)

// Operations, in the spelling of the registry; the wire ignores their case
// (spec/vtiger.md 1.1, 3.1, 4).
const (
	OpGetChallenge    = "getchallenge"
	OpLogin           = "login"
	OpExtendSession   = "extendsession"
	OpLogout          = "logout"
	OpListTypes       = "listtypes"
	OpDescribe        = "describe"
	OpCreate          = "create"
	OpRetrieve        = "retrieve"
	OpUpdate          = "update"
	OpRevise          = "revise"
	OpDelete          = "delete"
	OpQuery           = "query"
	OpSync            = "sync"
	OpRelatedTypes    = "relatedtypes"
	OpRetrieveRelated = "retrieve_related"
	OpQueryRelated    = "query_related"
	OpAddRelated      = "add_related"
	OpFilesRetrieve   = "files_retrieve"

	OpCreateContact = "CreateContact"
	OpCreateAccount = "CreateAccount"
	OpCreateProject = "CreateProject"
	OpGetFilesList  = "GetFilesList"
	OpPutFile       = "PutFile"
)

// readsQuery tells whether an operation is of the registered type GET: its own
// parameters stand in the query string. All others, the custom ones too, are
// POST (spec/vtiger.md 1.1, 3.1). The name may be in any case.
func readsQuery(operation string) bool {
	switch strings.ToLower(operation) {
	case OpGetChallenge, OpListTypes, OpDescribe, OpRetrieve, OpQuery, OpSync,
		OpRelatedTypes, OpRetrieveRelated, OpQueryRelated, OpFilesRetrieve:
		return true
	}
	return false
}

// Error codes of the wire, misspellings included (spec/vtiger.md 1.7).
const (
	CodeAuthenticationRequired = "AUTHENTICATION_REQUIRED"
	CodeAuthenticationFailure  = "AUTHENTICATION_FAILURE"
	CodeInvalidSession         = "INVALID_SESSIONID"
	CodeSessionExpired         = "SESSION_EXPIRED"
	CodeSessionIdle            = "SESSION_LEFT_IDLE"
	CodeInvalidToken           = "INVALID_AUTH_TOKEN"
	CodeAccessKeyUndefined     = "ACCESSKEY_UNDEFINED"
	CodeInvalidCredentials     = "INVALID_USER_CREDENTIALS"
	CodeAccessDenied           = "ACCESS_DENIED"
	CodeRecordNotFound         = "RECORD_NOT_FOUND"
	CodeInvalidID              = "INVALID_ID_ATTRIBUTE"
	CodeReferenceInvalid       = "REFERENCE_INVALID"
	CodeMandatoryMissing       = "MANDATORY_FIELDS_MISSING"
	CodeQuerySyntax            = "QUERY_SYNTAX_ERROR"
	CodeDatabaseQuery          = "DATABASE_QUERY_ERROR"
	CodeNotSupported           = "OPERATION_NOT_SUPPORTED"
	CodeUnknownOperation       = "UNKNOWN_OPERATION"
	CodeUnknownEntity          = "UNKOWN_ENTITY"
	CodeInternal               = "INTERNAL_SERVER_ERROR"
	CodeDuplicate              = "0" // stock sends the number zero, not a text

	// CodeInvalidValue is ours: stock has no word for a value that breaks a rule.
	CodeInvalidValue = "INVALID_VALUE"
)

// Messages that go with the codes, letter for letter (spec/vtiger.md 1.7, 2.5).
const (
	MsgAuthenticationRequired = "Authencation required"
	MsgAuthenticationFailure  = "Authencation Failed"
	MsgInvalidSession         = "Session Identifier provided is Invalid"
	MsgSessionExpired         = "Session has life span over please login again"
	MsgSessionIdle            = "Session has been invalidated to due lack activity"
	MsgInvalidToken           = "Specified token is invalid or expired"
	MsgAccessKeyUndefined     = "Access key for the user is undefined"
	MsgInvalidCredentials     = "Invalid username or password"
	MsgNoUsername             = "No username given"
	MsgUnknownUsername        = "username does not exists"
	MsgDenied                 = "Permission to perform the operation is denied"
	MsgDeniedWrite            = "Permission to write is denied"
	MsgDeniedRead             = "Permission to read is denied"
	MsgDeniedReadObject       = "Permission to read given object is denied"
	MsgDeniedDelete           = "Permission to delete is denied"
	MsgDeniedOwner            = "Cannot assign record to the given user"
	MsgRecordNotFound         = "Record you are trying to access is not found"
	MsgInvalidID              = "Id specified is incorrect"
	MsgMandatory              = "Mandatory field does not have a value"
	MsgQuerySyntax            = "There is an syntax error in query"
	MsgDatabase               = "Database error while performing requested operation"
	MsgUnknownOperation       = "Unknown operation requested"
	MsgUnknownEntity          = "Relation specified is incorrect"
	MsgInternal               = "Unknown Error while processing request"
	MsgDuplicate              = "Duplicate(s) detected!"
	MsgLoggedOut              = "successfull" // answer of logout and add_related
	MsgDeleted                = "successful"  // answer of delete
)

// msgDeniedName, msgDeniedID … are MsgDenied with what was asked for.
const (
	msgDeniedName  = MsgDenied + " for name : " // + module
	msgDeniedID    = MsgDenied + " for id"
	msgDeniedQuery = MsgDenied + " for query"
)

// msgNoValue is the text of a missing mandatory field.
func msgNoValue(field string) string { return field + " does not have a value" }

// msgBadReference is the text of a reference to a module that is not allowed.
func msgBadReference(field string) string { return "Invalid reference specified for " + field }

// msgNoColumn is the text of a column that the module does not have; in the
// select list stock writes dots inside quotes (spec/vtiger.md 3.5).
func msgNoColumn(column string, inSelect bool) string {
	if inSelect {
		return "Permission to access '." + column + ".' attribute denied."
	}
	return "Permission to access " + column + " attribute denied."
}

// Versions told at login (spec/vtiger.md 2.2).
const (
	APIVersion    = "0.22"
	VtigerVersion = "8.0.0"
)

// ChallengeLife is how long a challenge may be used. A shorter one sends a
// client whose clock runs ahead into endless logins (spec/vtiger.md 2.1).
const ChallengeLife = 300 * time.Second

// pageRows is the most rows that stock gives for one query (spec/vtiger.md 3.5).
const pageRows = 100

// Modules that we serve or import (spec/vtiger.md 3.3).
const (
	ModuleAccounts    = "Accounts"
	ModuleContacts    = "Contacts"
	ModuleDocuments   = "Documents"
	ModuleHelpDesk    = "HelpDesk"
	ModuleUsers       = "Users"
	ModuleGroups      = "Groups"
	ModuleFolders     = "DocumentFolders"
	ModuleProject     = "Project"
	ModuleModComments = "ModComments"
)

// entities are the module numbers of a fresh install. 1–23 are the same
// everywhere; 29 and 30 are ours to choose, a client reads idPrefix from
// describe (spec/vtiger.md 3.3).
var entities = map[string]int64{
	"Campaigns": 1, "Vendors": 2, "Faq": 3, "Quotes": 4, "PurchaseOrder": 5,
	"SalesOrder": 6, "Invoice": 7, "PriceBooks": 8, "Calendar": 9, "Leads": 10,
	ModuleAccounts: 11, ModuleContacts: 12, "Potentials": 13, "Products": 14,
	ModuleDocuments: 15, "Emails": 16, ModuleHelpDesk: 17, "Events": 18,
	ModuleUsers: 19, ModuleGroups: 20, "Currency": 21, ModuleFolders: 22,
	"CompanyDetails": 23, ModuleProject: 29, ModuleModComments: 30,
}

var modules = func() map[int64]string {
	names := make(map[int64]string, len(entities))
	for name, number := range entities {
		names[number] = name
	}
	return names
}()

// EntityNumber gives the number before the x in the ids of a module, or 0.
func EntityNumber(module string) int64 { return entities[module] }

// ModuleOf gives the module of an entity number, or "".
func ModuleOf(entity int64) string { return modules[entity] }

// WSID is a record id of the wire, such as 12x83859: the number of its module
// and the record's number, which is one line over all modules. Entity 0 means
// a bare number, as the custom operations use it (spec/vtiger.md 3.3).
type WSID struct {
	Entity int64
	Record styk.ID
}

// String writes the id as the wire has it.
func (id WSID) String() string {
	record := strconv.FormatInt(int64(id.Record), 10)
	if id.Entity == 0 {
		return record
	}
	return strconv.FormatInt(id.Entity, 10) + "x" + record
}

// IsZero tells whether id names nothing.
func (id WSID) IsZero() bool { return id == WSID{} }

// ParseWSID reads an id with its module, 12x83859. The error is a *styk.Error
// of code Reference.
func ParseWSID(text string) (WSID, error) {
	id, err := ParseRecordID(text)
	if err == nil && id.Entity == 0 {
		return WSID{}, wsidError("expected an id like 12x83859, the module's number is missing")
	}
	return id, err
}

// ParseRecordID reads an id with or without its module: 12x83859 or 83859.
func ParseRecordID(text string) (WSID, error) {
	before, after, found := strings.Cut(strings.TrimSpace(text), "x")
	if !found {
		before, after = "", before
	}
	var id WSID
	if found {
		entity, ok := parseNumber(before)
		if !ok {
			return WSID{}, wsidError("expected an id like 12x83859")
		}
		id.Entity = entity
	}
	record, ok := parseNumber(after)
	if !ok {
		return WSID{}, wsidError("expected an id like 12x83859")
	}
	id.Record = styk.ID(record)
	return id, nil
}

// parseNumber reads a positive decimal number written with digits only.
func parseNumber(text string) (int64, bool) {
	if text == "" || text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0
}

func wsidError(text string) error { return styk.FieldError(styk.Reference, "id", "wsid", text) }

// Text forms of values in a record: everything is text, null is ""
// (spec/vtiger.md 1.5, 3.4).
const (
	dateForm = "2006-01-02"
	timeForm = "2006-01-02 15:04:05" // UTC

)

// boolText is a truth value as records have it.
func boolText(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// timeText is a moment as records have it, in UTC; the zero time is "".
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeForm)
}

// StorageFolder gives the folder of a file stored at t, with a trailing slash:
// storage/2023/December/week4/. The week goes by the day of the month in t's
// own zone (spec/vtiger.md 6).
func StorageFolder(t time.Time) string {
	week := strconv.Itoa((t.Day()-1)/7 + 1)
	return "storage/" + t.Format("2006/January") + "/week" + week + "/"
}
