package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"styk/staff"
)

// operation is one thing that the API does: a route with all that is said of it.
type operation struct {
	id     string // stands in the journal and in clients: never rename it
	method string
	path   string        // below Root
	rights []staff.Right // any one of them suffices; none: every living key
	tag    string
	says   words
	about  string // further sentences for the document; may be empty
	query  []param
	body   any  // a zero value of what the request holds; nil: nothing
	bytes  bool // the request holds a file
	answer any  // a zero value of what comes back; nil: nothing, fileBytes: a file
	status int  // of success; 0: 200, or 204 where nothing comes back
	once   bool // takes Idempotency-Key
	match  bool // takes If-Match
	handle func(*call) (any, error)
}

// words are a short sentence in both languages.
type words struct{ ru, en string }

// fileBytes stands for a file as an answer.
type fileBytes struct{}

func (o *operation) success() int {
	switch {
	case o.status != 0:
		return o.status
	case o.answer == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// scopes names what a key needs, parted by a word.
func (o *operation) scopes(word string) string {
	names := make([]string, len(o.rights))
	for i, right := range o.rights {
		names[i] = scopeOf(right)
	}
	return strings.Join(names, word)
}

// pathParams lists the names in the path's braces.
func (o *operation) pathParams() (names []string) {
	for part := range strings.SplitSeq(o.path, "/") {
		if strings.HasPrefix(part, "{") {
			names = append(names, strings.Trim(part, "{}"))
		}
	}
	return names
}

func (o *operation) answersFile() bool {
	return o.answer != nil && reflect.TypeOf(o.answer) == reflect.TypeFor[fileBytes]()
}

// subjects part the operations, in the order shown.
var subjects = []struct {
	tag string
	words
}{
	{"overview", words{"Обзор и поиск", "Overview and search"}},
	{"customers", words{"Клиенты", "Customers"}},
	{"tickets", words{"Обращения", "Tickets"}},
	{"files", words{"Файлы", "Files"}},
	{"deliveries", words{"Доставки", "Deliveries"}},
	{"targets", words{"Подключения", "Connections"}},
	{"forms", words{"Формы", "Forms"}},
	{"cards", words{"Карты", "Cards"}},
	{"calls", words{"Журнал вызовов", "Journal of calls"}},
	{"staff", words{"Сотрудники", "Staff"}},
	{"keys", words{"Ключи", "Keys"}},
}

// operations are all of them. A test walks through them with and without each
// scope.
var operations = slices.Concat(overviewOperations, customerOperations, personOperations, ticketOperations, fileOperations,
	deliveryOperations, targetOperations, formOperations, cardOperations, templateOperations, callOperations,
	staffOperations, keyOperations)

// oneOf makes a filter of a few words.
func oneOf(name, text string, enum ...string) param {
	return param{name: name, kind: "string", text: text, enum: enum, eg: enum[0]}
}
