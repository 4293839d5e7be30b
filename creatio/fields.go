package creatio

import (
	"strings"

	"github.com/google/uuid"

	"styk/connect"
)

// Kind is the connector as the courier and the settings page know it.
var Kind = connect.Kind{
	Name:  "creatio",
	Title: "Creatio / BPMSoft",

	Parallel: 2,
	Fields: []connect.Field{
		{Name: "url", Label: "Адрес CRM", Type: connect.URL, Required: true,
			Help: "Как в строке браузера, например https://crm.firm.ru; /0 в конце не нужен."},
		{Name: "user", Label: "Пользователь", Type: connect.Text,
			Help: "Отдельный пользователь с доступом к OData и правами на контакты, контрагентов, обращения, их файлы и ленту."},
		{Name: "password", Label: "Пароль", Type: connect.Text, Secret: true},
		{Name: "identity_url", Label: "Адрес службы OAuth", Type: connect.URL,
			Help: "Вместо пользователя и пароля. В облаке: https://имя-is.creatio.com."},
		{Name: "client_id", Label: "OAuth: client id", Type: connect.Text},
		{Name: "client_secret", Label: "OAuth: client secret", Type: connect.Text, Secret: true},
		{Name: "prefix", Label: "Платформа", Type: connect.Choice, Default: "auto", Options: []connect.Option{
			{Value: "auto", Label: "определить самим"},
			{Value: PrefixNone, Label: ".NET (без /0)"},
			{Value: PrefixFramework, Label: ".NET Framework (с /0)"},
		}},
		{Name: "session_idle", Label: "Жизнь сессии без дела", Type: connect.Duration, Default: "60m",
			Help: "Системная настройка UserSessionTimeout."},
		{Name: "external_id_column", Label: "Колонка обращения для нашего номера", Type: connect.Text,
			Help: "Текстовая колонка, например UsrExternalId; пусто — номер не пишется."},
		{Name: "files", Label: "Куда класть файлы", Type: connect.Choice, Default: filesCase, Options: []connect.Option{
			{Value: filesCase, Label: "к обращению"},
			{Value: filesMessage, Label: "к сообщению"},
			{Value: filesLink, Label: "ссылкой"},
		}},
		{Name: "max_file", Label: "Файл не больше", Type: connect.Size, Default: "10MB",
			Help: "Системная настройка MaxFileSize; больший станет ссылкой."},
		connect.LinkDays,
		{Name: "message", Label: "Сообщение", Type: connect.Choice, Default: messageFeed, Options: []connect.Option{
			{Value: messageFeed, Label: "в ленту обращения"},
			{Value: messagePortal, Label: "как сообщение портала"},
		}},
		{Name: "partner", Label: "Партнёр обращения", Type: connect.Tree,
			Help: "{column: AccountId} — контрагент контакта; или {code|name|id: …, column: UsrPartnerId}."},
		{Name: "account_from", Label: "Поле формы с названием организации", Type: connect.Text, Default: "company"},
		{Name: "account_inn_column", Label: "Колонка ИНН контрагента", Type: connect.Text, Help: "Например UsrINN; пусто — поиск по названию."},
		{Name: "contact_inn_column", Label: "Колонка ИНН контакта", Type: connect.Text},
		{Name: "status", Label: "Состояние нового обращения", Type: connect.Text, Help: "По названию в справочнике; пусто — как решит CRM."},
		{Name: "origin", Label: "Происхождение", Type: connect.Text},
		{Name: "priority", Label: "Приоритет", Type: connect.Text},
		{Name: "category", Label: "Категория", Type: connect.Text},
		{Name: "columns", Label: "Постоянные значения", Type: connect.Tree,
			Help: "{case: {UsrSource: сайт}, contact: {…}, account: {…}}."},
		{Name: "own_ids", Label: "Идентификаторы записей", Type: connect.Choice, Default: "auto", Options: []connect.Option{
			{Value: "auto", Label: "выбираем мы, если CRM позволяет"},
			{Value: "never", Label: "выбирает CRM (нужна колонка для нашего номера)"},
		}},
	},
	Mapping: map[string]string{
		"service": "ServiceItem.Name",
		"topic":   colSubject,
		"message": toMessage,
		"*":       colSymptoms,
	},
	New: New,
}

// What the choice settings may be.
const (
	filesCase, filesMessage, filesLink = "case", "message", "link"
	messageFeed, messagePortal         = "feed", "portal"
)

// Their names for our nouns: entities and columns of spec/creatio.md 2.3.
const (
	entContact       = "Contact"
	entCommunication = "ContactCommunication"
	entAccount       = "Account"
	entCase          = "Case"
	entFeed          = "SocialMessage"
	entPortal        = "PortalMessage"
	entCaseFile      = "CaseFile"
	entFeedFile      = "FeedFile"
	entPortalFile    = "PortalMessageFile"

	colSubject  = "Subject"
	colSymptoms = "Symptoms"

	toMessage = "message" // in a mapping: the text of the message step
)

// caseLookups names the schema behind a lookup column of Case where the two
// differ; any other column is looked up in the schema of its own name.
var caseLookups = map[string]string{
	"Status":   "CaseStatus",
	"Origin":   "CaseOrigin",
	"Priority": "CasePriority",
	"Category": "CaseCategory",
	"Partner":  entAccount,
	"Owner":    entContact,
	"Group":    "SysAdminUnit",
}

// caseSchema is the UId of the Case schema, which a message names (2.4, 2.6).
var caseSchema = uuid.MustParse("117d32f9-8275-4534-8411-1c66115ce9cd")

// textLimit is the length of Subject and Name unless $metadata was read and
// says otherwise (spec/creatio.md 5 trap 18).
const textLimit = 250

// space is the name space of contacts' and accounts' identifiers, which do not
// belong to one ticket: two tickets of one new visitor must choose the same.
var space = uuid.MustParse("c5b0a1e2-6a0f-5c38-9a55-2f0b7d1c4e86")

func idFor(entity, key string) uuid.UUID { return uuid.NewSHA1(space, []byte(entity+"/"+key)) }

// foreign is one right-hand side of a mapping taken apart.
type foreign struct {
	source string // as the mapping has it
	entity string // entCase, or entContact and entAccount: set when one is created
	column string
	lookup string // schema to find the value in; "" = the text itself
	by     string // its column
}

// parseForeign reads "Subject", "ServiceItem.Name", "Contact.JobTitle".
func parseForeign(text string) foreign {
	first, rest, dotted := strings.Cut(text, ".")
	switch {
	case !dotted:
		return foreign{source: text, entity: entCase, column: text}
	case first == entContact || first == entAccount:
		return foreign{source: text, entity: first, column: rest}
	}
	lookup := first
	if schema, ok := caseLookups[first]; ok {
		lookup = schema
	}
	return foreign{source: text, entity: entCase, column: first + "Id", lookup: lookup, by: rest}
}
