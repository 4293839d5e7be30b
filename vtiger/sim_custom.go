package vtiger

import (
	"maps"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"
)

// The seed's parameters (4); the names that it marks as required stand first.
var (
	simContactParams = []string{"firstname", "lastname", "birthday", "mobile", "inn",
		"secondname", "email", "tgid", "birthplace", "mailingstreet", "requisites", "code"}
	simAccountParams = []string{"accountname", "inn", "ogrn", "address", "email", "website", "phone"}
	simProjectParams = []string{"contactid", "offenderid", "agentid", "sms", "ip", "source", "region", "formid", "category",
		"direction", "agrprice", "subject", "agrdate", "startdate", "finishdate", "loss", "servicecost", "progress",
		"country", "hotel", "transport", "insurance", "other", "description", "independently", "claimdate", "returned"}
)

// Where the handlers put what stock has no field for (9).
var (
	simContactColumns = map[string]string{"secondname": "cf_901", "tgid": "cf_903", "birthplace": "cf_905",
		"inn": simContactINN, "requisites": "cf_909", "code": simContactCode}
	simAccountColumns = map[string]string{"address": "bill_street", "email": "email1", "inn": simAccountINN, "ogrn": "cf_923"}
	simProjectColumns = func() map[string]string {
		out := map[string]string{}
		for i, name := range simProjectParams {
			switch name {
			case "startdate", "description":
			case "contactid":
				out[name] = "linktoaccountscontacts"
			default:
				out[name] = "cf_" + simItoa(941+2*i)
			}
		}
		return out
	}()
)

// values reads a handler's parameters; the first absent one of the required is
// refused as stock's create would (c04).
func (c *simCall) values(params []string, required int, columns map[string]string) (map[string]string, *simError) {
	out := map[string]string{}
	for i, name := range params {
		v := strings.TrimSpace(c.params.given(name))
		if v == "" {
			if i < required {
				return nil, &simError{CodeMandatoryMissing, name + " does not have a value"}
			}
			continue
		}
		if column, ok := columns[name]; ok {
			name = column
		}
		out[name] = v
	}
	return out, nil
}

// customContact looks for the mobile as text, then creates or revises (9, c01,
// c02). What did not come is left as it was.
func (c *simCall) customContact(*simRequest) (any, *simError) {
	values, failure := c.values(simContactParams, 5, simContactColumns)
	if failure != nil {
		return nil, failure
	}
	return c.findOrMake("Contacts", "mobile", values)
}

// customAccount looks for the ИНН as text.
func (c *simCall) customAccount(*simRequest) (any, *simError) {
	values, failure := c.values(simAccountParams, 3, simAccountColumns)
	if failure != nil {
		return nil, failure
	}
	return c.findOrMake("Accounts", simAccountINN, values)
}

func (c *simCall) findOrMake(module, column string, values map[string]string) (any, *simError) {
	m := simModuleNamed(module)
	for _, r := range c.records {
		if r.module == module && !r.deleted && r.values[column] == values[column] {
			return strconv.FormatInt(r.number, 10), c.rewrite(r, values, false)
		}
	}
	values["assigned_user_id"] = "19x1"
	r, failure := c.insert(m, values)
	if failure != nil {
		return nil, failure
	}
	return strconv.FormatInt(r.number, 10), nil
}

// customProject always makes a new one (4).
func (c *simCall) customProject(*simRequest) (any, *simError) {
	values, failure := c.values(simProjectParams, 2, simProjectColumns)
	if failure != nil {
		return nil, failure
	}
	number, _ := strconv.ParseInt(values["linktoaccountscontacts"], 10, 64)
	if client := c.numbered(number); client == nil || client.module != "Contacts" {
		return nil, &simError{CodeAccessDenied, MsgDenied} // vtws_create fails on the id that the handler made
	}
	values["linktoaccountscontacts"] = "12x" + strconv.FormatInt(number, 10)
	values["projectname"] = "Обращение " + simItoa(c.numbers["PROJ"]+1)
	values["assigned_user_id"] = "19x1"
	r, failure := c.insert(simModuleNamed("Project"), values)
	if failure != nil {
		return nil, failure
	}
	return strconv.FormatInt(r.number, 10), nil
}

// customFiles matches ИНН and code together on one contact (4); the words of a
// miss begin with a blank, as the seed prints them.
func (c *simCall) customFiles(*simRequest) (any, *simError) {
	inn, code := c.params.given("inn"), c.params.given("sms")
	for name, v := range map[string]string{"inn": inn, "sms": code} {
		if v == "" {
			return nil, &simError{CodeMandatoryMissing, name + " does not have a value"}
		}
	}
	i := slices.IndexFunc(c.records, func(r *simRecord) bool {
		return r.module == "Contacts" && !r.deleted && r.values[simContactINN] == inn && r.values[simContactCode] == code
	})
	if i < 0 {
		return simMap{{"status", " failed"}, {"message", " Клиент с указанным СМС-кодом и ИНН не найден"}}, nil
	}
	files := []any{}
	for _, doc := range c.documentsOf(c.records[i].number) {
		for _, f := range c.order[doc.number] {
			files = append(files, simMap{{"title", doc.values["notes_title"]}, {"path", f.path}})
		}
	}
	return simMap{{"status", "ok"}, {"files", files}}, nil
}

// simForm is a web form of contacts (5).
type simForm struct {
	id        string
	returnURL string
	files     []simPair // part -> title, in order
}

var simForms = map[string]simForm{
	"0123456789abcdef0123456789abcdef": {id: "1", files: []simPair{
		{"file_1_1", "договор"}, {"file_1_2", "подтверждение оплаты"}, {"file_1_3", "Скриншот прогресса обучения/личного кабинета"},
	}},
	"fedcba9876543210fedcba9876543210": {id: "2", returnURL: "http://127.0.0.1:8095/thanks.html"}, // M91
}

// serveCapture is capture.php (5): it always makes a new contact, says neither
// a code nor the number, and answers as text/html.
func (c *simCall) serveCapture() {
	c.operation = "capture"
	req, ok := c.read()
	if !ok {
		c.page(500, "")
		return
	}
	if c.before() {
		return
	}
	merged := maps.Clone(req.query)
	maps.Copy(merged, req.body)
	form, known := simForms[merged["publicid"]]
	fault := ""
	if f := c.faultFor("webform", "capture"); f != nil {
		fault = f.Value
	}
	text := ""
	switch {
	case !known || fault == "absent":
		text = "Webform not found."
	case fault == "robot":
		text = "Please verify you are not a robot."
	default:
		text = c.capture(form, merged, req, fault == "file-lost")
	}
	if form.returnURL != "" { // the text goes out as it is (M92)
		c.status = 302
		mark := "?success=ok"
		if text != "" {
			mark = "?error=" + text
		}
		c.w.Header().Set("Location", form.returnURL+mark)
		c.page(302, "")
		return
	}
	body := simMap{{"success", true}, {"result", "ok"}}
	if text != "" {
		c.remark = text
		body = simMap{{"success", false}, {"error", simMap{{"message", text}}}} // M87–M89: no code
	}
	var b strings.Builder
	simJSON(&b, body)
	if name := merged["callback"]; name != "" { // M90
		c.answer("text/html; charset=UTF-8", "", []byte(name+"("+b.String()+")"))
		return
	}
	if text == "" && c.after([]byte(b.String())) {
		return
	}
	c.answer("text/html; charset=UTF-8", "", []byte(b.String()))
}

// capture gives the text of a refusal, "" when the contact was made.
func (c *simCall) capture(form simForm, merged simParams, req *simRequest, lost bool) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := simModuleNamed("Contacts")
	values := map[string]string{"source": "Webform", "assigned_user_id": "19x1"}
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		switch {
		case m.field(name) != nil:
			values[name] = merged[name]
		case name != "publicid" && name != "name" && name != "callback" && name != "__vtrftk" && name != "urlencodeenable" && name != "requestid":
			c.offendLocked("capture: field %s is unknown", name)
		}
	}
	r, failure := c.insert(m, values)
	if failure != nil {
		return failure.text
	}
	for _, part := range req.parts {
		if !slices.ContainsFunc(form.files, func(f simPair) bool { return f.name == part }) { // ignored (5)
			c.offendLocked("capture: file part %s is not declared", part)
		}
	}
	for _, declared := range form.files {
		i := slices.Index(req.parts, declared.name)
		if i < 0 {
			continue
		}
		if lost {
			return "Allowed files size exceeded. Allowed file size including all files is 50MB." // the record stays (5)
		}
		c.document(r, declared.value.(string), req.files[i])
	}
	return ""
}

// document makes a document of an uploaded file and hangs it on a record.
func (c *simCall) document(r *simRecord, title string, f *multipart.FileHeader) {
	doc, failure := c.insert(simModuleNamed("Documents"), map[string]string{
		"notes_title": title, "assigned_user_id": "19x1", "filelocationtype": "I", "filestatus": "1",
	})
	if failure != nil {
		return
	}
	c.store(doc, f)
	c.links = append(c.links, [2]int64{r.number, doc.number})
}
