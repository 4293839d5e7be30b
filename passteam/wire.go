// Package passteam speaks the Passteam loyalty card protocol, version 1, by
// which 1C issues and updates cards: the tolerant reader of its requests, the
// answers that 1C can read, a client of a real Passteam and a simulator of one.
// It must not know how cards are stored or shown. Statements: docs/spec/passteam.md
// for the protocol, docs/spec/onec.md for 1C's side.
package passteam

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Root is where the methods of every version lie.
const Root = "/oapi"

// Version is the one version there is.
const Version = "v1"

// MaxBody bounds a request: spec/passteam.md 2.2.
const MaxBody = 1 << 20 // bytes

// The methods, by the name used in logs and in Method.Name.
const (
	MethodGetToken    = "getatoken"
	MethodTemplateIDs = "gettemplateids"
	MethodTemplate    = "gettemplate"
	MethodTemplates   = "gettemplates" // deprecated, still called
	MethodCreateCard  = "createcard"
	MethodUpdateCard  = "updatecard"
	MethodUpdateCards = "updatecards" // deprecated
	MethodCard        = "getcard"
	MethodCards       = "getcards" // deprecated
	MethodCardsByPage = "getcardswithpagination"
	MethodCheckUnique = "checkunique"
	MethodShare       = "distribute"
	MethodDeleteCards = "deletecards"
	MethodSendPush    = "sendpush"
)

// Parameters as they are written on the wire.
const (
	FieldTemplateID = "templateId"
	FieldCardID     = "cardId"
	FieldCardCode   = "cardCode"
	FieldValues     = "values"
	FieldCards      = "cards"
	FieldCardIDs    = "cardIds"
	FieldPage       = "page"
	FieldLimit      = "limit"
	FieldPassTypeID = "passTypeId"
	FieldNickname   = "nickname"
	FieldLogin      = "login"
	FieldEmail      = "email"
	FieldPassword   = "password"
	FieldChannel    = "channel"
	FieldTo         = "to"
	FieldMessage    = "message"
)

// Codes of an answer (spec/passteam.md 1.3).
const (
	CodeOK         = 200
	CodeBadRequest = 400
	CodeBadToken   = 401
	CodeNoRight    = 403
	CodeNotFound   = 404
	CodeNotPost    = 405
	CodeTaken      = 409 // a unique variable's value belongs to another card
	CodeTooLarge   = 413
	CodeTooMany    = 429
	CodeNotSet     = 500 // a unique and required variable is empty; also trouble of ours
)

// Method is one entry of the registry.
type Method struct {
	Name       string
	Aliases    []string // other names it is called by, lower case
	Fields     []string // parameters it knows besides variables and lists of cards
	Public     bool     // answers without a token
	Deprecated bool
}

// methods is the one registry. Paths that no page documents are ours; a name
// learned from somebody with an account is one word more here
// (spec/passteam.md 1.4). Purchases and goods are left out.
var methods = []*Method{
	{Name: MethodGetToken, Aliases: []string{"gettoken"}, Public: true, Fields: []string{FieldNickname, FieldLogin, FieldEmail, FieldPassword}},
	{Name: MethodTemplateIDs, Aliases: []string{"gettemplatesids"}},
	{Name: MethodTemplate, Aliases: []string{"gettemplateinfo"}, Fields: []string{FieldTemplateID}},
	{Name: MethodTemplates, Aliases: []string{"gettemplatesinfo"}, Fields: []string{FieldPassTypeID}, Deprecated: true},
	{Name: MethodCreateCard, Aliases: []string{"createclient"}, Fields: []string{FieldTemplateID, FieldCardID}},
	{Name: MethodUpdateCard, Aliases: []string{"updateclient"}, Fields: []string{FieldCardID, FieldTemplateID}},
	{Name: MethodUpdateCards, Fields: []string{FieldTemplateID, FieldCardID, FieldCardCode}, Deprecated: true},
	{Name: MethodCard, Aliases: []string{"getclient", "getcardinfo", "getclientinfo"}, Fields: []string{FieldCardID, FieldTemplateID}},
	{Name: MethodCards, Fields: []string{FieldTemplateID}, Deprecated: true},
	{Name: MethodCardsByPage, Aliases: []string{"getclients", "getclientswithpagination"}, Fields: []string{FieldTemplateID, FieldPage, FieldLimit}},
	{Name: MethodCheckUnique, Aliases: []string{"checkvariables", "checkuniqueness"}, Fields: []string{FieldTemplateID, FieldCardID}},
	{Name: MethodShare, Aliases: []string{"sendcard"}, Fields: []string{FieldCardID, FieldChannel, FieldTo}},
	{Name: MethodDeleteCards, Aliases: []string{"deletecard"}, Fields: []string{FieldCardID}},
	{Name: MethodSendPush, Aliases: []string{"sendpushes"}, Fields: []string{FieldMessage, FieldTemplateID, FieldCardID}},
}

var methodByName = indexMethods(methods)

func indexMethods(all []*Method) map[string]*Method {
	index := map[string]*Method{}
	for _, m := range all {
		for _, name := range append([]string{m.Name}, m.Aliases...) {
			if index[name] != nil {
				panic("passteam: two methods are called " + name)
			}
			index[name] = m
		}
	}
	return index
}

// MethodNamed gives the method of that name or alias in any case, nil for none.
// The registry is shared: do not write to it.
func MethodNamed(name string) *Method { return methodByName[strings.ToLower(name)] }

// Methods gives every method, for a table of routes.
func Methods() []*Method { return slices.Clone(methods) }

// InPath gives the method's name in a request path such as
// "//oapi/v1/CreateCard/". known is false for a path that is not of this API or
// of another version; name is then what stood in its place. Doubled and trailing
// slashes are no difference, since 1C does not follow redirects
// (spec/onec.md 2.5).
func InPath(path string) (name string, known bool) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(parts) == 3 && strings.EqualFold("/"+parts[0], Root) && strings.EqualFold(parts[1], Version) {
		return parts[2], true
	}
	return strings.Join(parts, "/"), false
}

// Token gives the token of a request: bare in Authorization, as 1C sends it, or
// after the word Bearer. "" is none.
func Token(h http.Header) string {
	text := strings.TrimSpace(h.Get("Authorization"))
	if word, rest, found := strings.Cut(text, " "); found && strings.EqualFold(word, "Bearer") {
		return strings.TrimSpace(rest)
	}
	if strings.EqualFold(text, "Bearer") {
		return ""
	}
	return text
}

// Stamp writes a moment as answers hold it, in UTC to the second; "" for the
// zero time.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
