package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// oldVtiger plays a Vtiger 8.0 from which a company moves: rows as recorded
// from one (testdata/vtiger8.json), pages of 100, the closing semicolon
// required, ids with the module's number, files_retrieve broken as it is there.
type oldVtiger struct {
	t       *testing.T
	rows    map[string][]map[string]string // by module, in order of ids
	related map[string][]string            // ids of documents, by record id
	files   map[string][]byte              // by attachment id; nil answers 500 as 8.0 does
	queries atomic.Int64
	breakAt int64 // the query that finds a broken server; 0: none
}

var oldPrefixes = map[string]string{"Accounts": "11", "Contacts": "12", "Documents": "15", "HelpDesk": "17", "Users": "19", "Project": "29", "ModComments": "31"}

func newOldVtiger(t *testing.T) *oldVtiger {
	t.Helper()
	text, err := os.ReadFile("testdata/vtiger8.json")
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]map[string]string{}
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	v := &oldVtiger{t: t, rows: map[string][]map[string]string{}, related: map[string][]string{}}
	add := func(module string, n int, values map[string]string) string {
		row := maps.Clone(recorded[module])
		if row == nil {
			row = map[string]string{"assigned_user_id": "19x1", "createdtime": "2023-12-25 10:00:00", "modifiedtime": "2023-12-26 10:00:00"}
		}
		row["id"] = oldPrefixes[module] + "x" + strconv.Itoa(n)
		maps.Copy(row, values)
		v.rows[module] = append(v.rows[module], row)
		return row["id"]
	}
	add("Users", 1, map[string]string{"user_name": "admin"})
	add("Users", 5, map[string]string{"user_name": "Manager"})
	offender := add("Accounts", 84675, map[string]string{"accountname": "ООО &quot;Три бобра&quot;", "cf_901": "7707083893"})
	for i := range 150 { // two pages
		id := add("Contacts", 83000+2*i, map[string]string{"lastname": fmt.Sprintf("Петров%d", i), "mobile": benchPhone(i), "cf_853": fmt.Sprintf("%012d", i),
			"account_id": offender, "assigned_user_id": "19x5", "cf_860": "VIP", "createdtime": "2023-12-25 21:12:12"})
		if i < 3 {
			doc := add("Documents", 90000+i, map[string]string{"notes_title": demoTitles[i], "filename": "договор № 1.pdf", "filelocationtype": "I",
				"filestatus": "1", "imageattachmentids": "15x" + strconv.Itoa(90100+i), "note_no": "DOC1"})
			v.related[id] = []string{doc}
		}
	}
	add("Documents", 90050, map[string]string{"notes_title": "ссылка", "filename": "https://example.ru/x", "filelocationtype": "E", "filestatus": "1"})
	add("Project", 95000, map[string]string{"projectname": "Дело 1", "linktoaccountscontacts": "12x83000"})
	add("HelpDesk", 95001, map[string]string{"ticket_title": "Чек", "ticket_no": "TT9", "ticketstatus": "Open", "contact_id": "12x83002", "parent_id": offender})
	add("ModComments", 95002, map[string]string{"commentcontent": "звонили", "related_to": "29x95000"})
	return v
}

func (v *oldVtiger) start() string {
	server := httptest.NewServer(v)
	v.t.Cleanup(server.Close)
	return server.URL
}

// ServeHTTP implements http.Handler.
func (v *oldVtiger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/webservice.php" {
		http.NotFound(w, r)
		return
	}
	_ = r.ParseForm()
	operation := r.Form.Get("operation")
	if operation != "getchallenge" && operation != "login" && r.Form.Get("sessionName") != "5c5c7bcf6b02092c9afa9" {
		answerError(w, "AUTHENTICATION_REQUIRED", "Authencation required")
		return
	}
	switch operation {
	case "getchallenge":
		answer(w, map[string]any{"token": "6b02092c6e7bf", "serverTime": 1795295532, "expireTime": 1795295832})
	case "login":
		if r.Form.Get("accessKey") != "05339e0cbfd32de9bacf67e24bd6f72a" && len(r.Form.Get("accessKey")) != 32 {
			answerError(w, "INVALID_USER_CREDENTIALS", "Invalid username or password")
			return
		}
		answer(w, map[string]any{"sessionName": "5c5c7bcf6b02092c9afa9", "userId": "19x1", "version": "0.22", "vtigerVersion": "8.0.0"})
	case "listtypes":
		answer(w, map[string]any{"types": append(slices.Sorted(maps.Keys(oldPrefixes)), "Leads"), "information": map[string]any{}})
	case "describe":
		v.describe(w, r.Form.Get("elementType"))
	case "query":
		v.query(w, r.Form.Get("query"))
	case "retrieve_related":
		v.retrieveRelated(w, r.Form.Get("id"))
	case "files_retrieve":
		v.filesRetrieve(w, r.Form.Get("id"))
	default:
		v.t.Errorf("nobody expected %s", operation)
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (v *oldVtiger) describe(w http.ResponseWriter, module string) {
	fields := []map[string]any{}
	for _, label := range [][2]string{{"cf_853", "ИНН"}, {"cf_860", "Категория"}, {"cf_901", "ИНН"}} {
		if len(v.rows[module]) > 0 && v.rows[module][0][label[0]] != "" {
			fields = append(fields, map[string]any{"name": label[0], "label": label[1], "type": map[string]any{"name": "string"}})
		}
	}
	answer(w, map[string]any{"name": module, "label": module, "fields": fields, "idPrefix": oldPrefixes[module]})
}

var oldQuery = regexp.MustCompile(`(?i)^select (.+?) from (\w+)(?: where id > '\d+x(\d+)'(?: and id > '\d+x(\d+)')?)?(?: order by id)?(?: limit (\d+))? ?;$`)

func (v *oldVtiger) query(w http.ResponseWriter, text string) {
	m := oldQuery.FindStringSubmatch(text)
	if m == nil {
		v.t.Errorf("stock would not take %q", text)
		answerError(w, "QUERY_SYNTAX_ERROR", "There is an syntax error in query")
		return
	}
	if strings.Contains(m[1], "count") {
		answer(w, []map[string]string{{"count": strconv.Itoa(len(v.rows[m[2]]))}})
		return
	}
	if n := v.queries.Add(1); n == v.breakAt {
		w.WriteHeader(http.StatusInternalServerError) // as PHP dies: no word
		return
	}
	first, _ := strconv.Atoi(m[3])
	second, _ := strconv.Atoi(m[4])
	after := max(first, second)
	limit, _ := strconv.Atoi(m[5])
	if limit == 0 || limit > 100 {
		limit = 100
	}
	page := []map[string]string{}
	for _, row := range v.rows[m[2]] {
		_, number, _ := strings.Cut(row["id"], "x")
		if n, _ := strconv.Atoi(number); n > after && len(page) < limit {
			page = append(page, row)
		}
	}
	answer(w, page)
}

func (v *oldVtiger) retrieveRelated(w http.ResponseWriter, id string) {
	list := []map[string]string{}
	for _, doc := range v.related[id] {
		list = append(list, map[string]string{"id": doc})
	}
	answer(w, list)
}

func (v *oldVtiger) filesRetrieve(w http.ResponseWriter, id string) {
	content, ok := v.files[id]
	if !ok {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer(w, []map[string]any{{"fileid": id, "filename": "x.pdf", "filetype": "application/pdf", "filesize": len(content),
		"filecontents": base64.StdEncoding.EncodeToString(content)}})
}

func answer(w http.ResponseWriter, result any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		Success bool `json:"success"`
		Result  any  `json:"result"`
	}{true, result})
}

func answerError(w http.ResponseWriter, code, message string) {
	fmt.Fprintf(w, `{"success":false,"error":{"message":%q,"code":%q}}`, message, code)
}
