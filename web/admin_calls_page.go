package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

// adminCallsPage is the journal of what programs asked of us: the CRM's web
// service, form capture, stored files, the card API.
type adminCallsPage struct {
	adminFrame
	Tabs    []adminTab
	Face    string
	Refused bool
	Who     string
	Query   string
	Rows    []adminCallRow
	Newest  string // id behind which live rows begin
	Live    string // address of newer rows; "" when the list is not at its head
	Older   string
	First   string
	Clear   string // address without the narrower filters
	Nothing bool   // nothing was ever called
	Base    string
}

type adminCallRow struct {
	ID        string
	Address   string
	Operation string
	Face      string
	Who       string
	From      string
	Code      string // of the refusal
	Status    string
	Tone      string
	Took      string
	When      moment
}

// callFaces are the doors in the order of use.
var callFaces = []struct{ face, ru, en string }{
	{"", "Все", "All"},
	{styk.FaceCRM, "CRM", "CRM"},
	{styk.FaceCards, "Карты (1С)", "Cards (1C)"},
	{styk.FaceCapture, "Формы CRM", "CRM forms"},
	{styk.FaceFiles, "Файлы", "Files"},
	{"api", "JSON API", "JSON API"},
}

func (a *admin) showCalls(v *visit) error {
	q := v.r.URL.Query()
	p := adminCallsPage{Face: q.Get("face"), Refused: q.Get("refused") != "", Who: q.Get("who"), Query: strings.TrimSpace(q.Get("q")), Base: a.Base()}
	p.adminFrame = a.frame(v, "/admin/calls", choose(v.lang, "Журнал API", "API log"))
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	filter := store.CallFilter{Face: p.Face, Who: p.Who, Refused: p.Refused, Text: p.Query, Before: styk.ID(max(before, 0)), Limit: pageSize + 1}
	list, err := a.calls(v, filter)
	if err != nil {
		return err
	}
	if len(list) > pageSize {
		list = list[:pageSize]
		p.Older = p.address("before", strconv.FormatInt(int64(list[pageSize-1].ID), 10))
	}
	p.Newest = "0"
	for _, c := range list {
		p.Rows = append(p.Rows, a.callRow(v.lang, c))
	}
	if filter.Before != 0 {
		p.First = p.address()
	} else {
		if len(list) > 0 {
			p.Newest = strconv.FormatInt(int64(list[0].ID), 10)
		}
		p.Live = "/admin/calls/rows" + strings.TrimPrefix(p.address(), "/admin/calls")
	}
	for _, f := range callFaces {
		other := p
		other.Face = f.face
		p.Tabs = append(p.Tabs, adminTab{Text: p.T(f.ru, f.en), Address: other.address(), Here: f.face == p.Face})
	}
	p.Clear = (&adminCallsPage{Face: p.Face}).address()
	p.Nothing = len(list) == 0 && p.address() == "/admin/calls" && before == 0
	return a.show(v, http.StatusOK, "admin_calls.html", p)
}

// address keeps the filters in the address, with more behind them.
func (p *adminCallsPage) address(more ...string) string {
	q := url.Values{}
	for name, value := range map[string]string{"face": p.Face, "who": p.Who, "q": p.Query} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if p.Refused {
		q.Set("refused", "1")
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return "/admin/calls"
	}
	return "/admin/calls?" + q.Encode()
}

// Toggle is the address with only the refused, or with all.
func (p adminCallsPage) Toggle() string {
	p.Refused = !p.Refused
	return p.address()
}

func (a *admin) calls(v *visit, f store.CallFilter) (list []*styk.APICall, err error) {
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.Calls(f)
		return err
	})
	return list, err
}

// newCallRows answers the live list: what came since, the newest first.
func (a *admin) newCallRows(v *visit) error {
	q := v.r.URL.Query()
	after, err := strconv.ParseInt(q.Get("after"), 10, 64)
	if err != nil || after < 0 {
		return styk.FieldError(styk.Invalid, "after", "number", "нужен номер вызова")
	}
	list, err := a.calls(v, store.CallFilter{
		Face: q.Get("face"), Who: q.Get("who"), Refused: q.Get("refused") != "", Text: strings.TrimSpace(q.Get("q")),
		After: styk.ID(after), Limit: pageSize,
	})
	if err != nil {
		return err
	}
	p := adminCallsPage{}
	p.Lang = v.lang
	for _, c := range list {
		p.Rows = append(p.Rows, a.callRow(v.lang, c))
	}
	return a.show(v, http.StatusOK, "call_rows", p)
}

func (a *admin) callRow(lang string, c *styk.APICall) adminCallRow {
	r := adminCallRow{
		ID: strconv.FormatInt(int64(c.ID), 10), Operation: c.Operation, Who: c.Who, From: c.Address, Code: c.Code,
		Status: strconv.Itoa(c.Status), Tone: "good", Took: took(lang, c.Took), When: a.moment(lang, c.At),
	}
	r.Address = "/admin/calls/" + r.ID
	if c.Code != "" || c.Status >= http.StatusBadRequest {
		r.Tone = "bad"
	}
	if r.Operation == "" {
		r.Operation = c.Method
	}
	for _, f := range callFaces {
		if f.face == c.Face {
			r.Face = choose(lang, f.ru, f.en)
		}
	}
	return r
}

// adminCallPage is one call with its bytes.
type adminCallPage struct {
	adminFrame
	Row     adminCallRow
	Method  string
	Path    string
	Hint    string
	Request adminBytes
	Answer  adminBytes
	Changed []adminCallChange
	Curl    string
	Gone    bool // its bytes were emptied
}

// adminCallChange is a record that the call's user changed while it ran.
type adminCallChange struct {
	Text    string
	Address string // "" when the person may not see it
}

// changeSlack is how much later than a call's end its changes may be stamped.
const changeSlack = 5 * time.Millisecond

func (a *admin) showCall(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	var c *styk.APICall
	var changes []store.Change
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if c, err = tx.Call(id); err != nil {
			return err
		}
		if c.User != 0 {
			changes, err = tx.ChangesOf(c.User, c.At, c.At.Add(c.Took+changeSlack), pageSize)
		}
		return err
	})
	if err != nil {
		return err
	}
	p := adminCallPage{Row: a.callRow(v.lang, c), Method: c.Method, Path: c.Path, Gone: c.Path == ""}
	p.adminFrame = a.frame(v, "/admin/calls", choose(v.lang, "Вызов", "Call")+" "+p.Row.Operation)
	p.Hint = callHint(v.lang, c)
	p.Request = bytesPanel(v.lang, c.Header, c.Request, c.RequestSize)
	p.Answer = bytesPanel(v.lang, nil, c.Answer, c.AnswerSize)
	p.Curl = curlOf(a.Base(), c)
	for _, one := range changes {
		line := adminCallChange{Text: calledChange(v.lang, one)}
		if one.Kind == styk.KindTicket && v.may(staff.SeeTickets) {
			line.Address = "/admin/tickets/" + strconv.FormatInt(int64(one.Record), 10)
		}
		p.Changed = append(p.Changed, line)
	}
	return a.show(v, http.StatusOK, "admin_call.html", p)
}

// callHints tell what usually lies behind a refusal.
var callHints = map[string][2]string{
	"INVALID_SESSIONID":        {"Сеанс закончился: после 15 минут тишины нужен новый getchallenge и login.", "The session has ended: after 15 silent minutes a new getchallenge and login are needed."},
	"AUTHENTICATION_REQUIRED":  {"Сеанс не передан или пуст. Проверьте имя переменной с sessionName: опечатка в PHP даёт пустую строку.", "No session came, or an empty one. Look at the variable with sessionName: a misspelt one is empty in PHP."},
	"INVALID_USER_CREDENTIALS": {"Имя или ключ не подошли. accessKey в login — это md5(токен + ключ), а не сам ключ.", "Name or key do not fit. The accessKey of login is md5(token + key), not the key."},
	"MANDATORY_FIELDS_MISSING": {"Не заполнены обязательные поля: они названы в ответе.", "Mandatory fields are missing: the answer names them."},
	"INVALID_VALUE":            {"Значение не того вида: в ответе названы поле и правило.", "A value breaks a rule: the answer names field and rule."},
	"UNKNOWN_OPERATION":        {"Такой операции нет. Частая причина: тело ушло не как application/x-www-form-urlencoded.", "There is no such operation. Often the body was not sent as application/x-www-form-urlencoded."},
	"ACCESS_DENIED":            {"Этому ключу операция, модуль или адрес не разрешены: см. «Сотрудники и ключи».", "This key may not use the operation, module or address: see People and keys."},
	"REFERENCE_INVALID":        {"Номер связанной записи не найден или он другого вида.", "The number of a related record names nothing, or another kind."},
	"401":                      {"Токен не подошёл. 1С шлёт его в заголовке Authorization без слова Bearer; проверьте, что он не обрезан.", "The token does not fit. 1C sends it bare in Authorization; look whether it was cut."},
	"404":                      {"Нет такого шаблона, карты или метода. Проверьте templateId и адрес хоста в коде 1С.", "No such template, card or method. Look at templateId and the host in 1C's code."},
	"409":                      {"Телефон уже привязан к другой карте: её номер есть в ответе. Чтобы 1С получала готовую карту, включите в шаблоне «Отдавать существующую».", "Another card has this phone: the answer names it. To give 1C that card, let the template adopt."},
	"429":                      {"Слишком часто: у токена есть предел вызовов в минуту.", "Too often: the token has a limit of calls per minute."},
	"500":                      {"Пустое уникальное поле: у клиента в 1С не заполнен телефон.", "A unique value is empty: the customer has no phone in 1C."},
}

func callHint(lang string, c *styk.APICall) string {
	if c.Code == "500" && !strings.Contains(c.Answer, "is unique and must be set") {
		return choose(lang, "Ошибка на нашей стороне: номер из ответа найдёт её в логе.", "Our own fault: the number in the answer finds it in the log.")
	}
	if h, ok := callHints[c.Code]; ok {
		return choose(lang, h[0], h[1])
	}
	return ""
}

// curlOf gives the call as a command, its secrets still masked.
func curlOf(base string, c *styk.APICall) string {
	if c.Path == "" || strings.HasPrefix(c.Request, "--") {
		return ""
	}
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	text := "curl -X " + c.Method + " " + quote(strings.TrimSuffix(base, "/")+c.Path)
	for _, name := range []string{"Content-Type", "Authorization"} {
		for _, value := range c.Header[name] {
			text += " -H " + quote(name+": "+value)
		}
	}
	if c.Request != "" {
		text += " --data-raw " + quote(c.Request)
	}
	return text
}

// changedKinds are what people call the records.
var changedKinds = map[styk.Kind][2]string{
	styk.KindContact: {"клиент", "customer"}, styk.KindAccount: {"организация", "firm"}, styk.KindProject: {"проект", "project"},
	styk.KindTicket: {"обращение", "ticket"}, styk.KindDocument: {"файл", "file"}, styk.KindComment: {"заметка", "note"},
	styk.KindUser: {"сотрудник", "user"},
}

// changeOps are what became of them.
var changeOps = map[string][2]string{
	"create": {"создано", "made"}, "update": {"изменено", "changed"}, "delete": {"удалено", "deleted"},
	"undelete": {"возвращено", "brought back"}, "link": {"связано", "linked"}, "unlink": {"отвязано", "unlinked"}, "erase": {"стёрто", "erased"},
}

func calledChange(lang string, c store.Change) string {
	kind, op := changedKinds[c.Kind], changeOps[c.Op]
	return choose(lang, kind[0], kind[1]) + " № " + strconv.FormatInt(int64(c.Record), 10) + ": " + choose(lang, op[0], op[1])
}
