package creatio

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

var simPath = regexp.MustCompile(`^([A-Za-z]+)(?:\(([0-9A-Fa-f-]{36})\))?(/Data)?$`)

// serveOData is chapter 2: GET list and row, POST row, PUT stream, $metadata.
func (s *Sim) serveOData(w *simAnswer, r *http.Request, path string) {
	if s.faultIs("odata-model", "rebuilding") {
		routingFault(w, r, path)
		return
	}
	if path == "$metadata" && r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusOK)
		s.writeModel(w)
		return
	}
	parts := simPath.FindStringSubmatch(path)
	if parts == nil {
		s.offend(w, http.StatusNotFound, "%s %s: not in the spec", r.Method, path)
		return
	}
	table := s.tables[parts[1]] // the map itself never changes
	if table == nil {
		routingFault(w, r, parts[1])
		return
	}
	if f := s.faultFor("permission", ""); f != nil && f.Value == table.name {
		odataFault(w, http.StatusForbidden, "Current user does not have permissions for object "+table.name)
		return
	}
	switch {
	case r.Method == http.MethodGet && parts[2] == "":
		s.serveList(w, r, table)
	case r.Method == http.MethodGet && parts[3] == "":
		s.serveRow(w, r, table, strings.ToLower(parts[2]))
	case r.Method == http.MethodPost && parts[2] == "":
		s.serveCreate(w, r, table)
	case r.Method == http.MethodPut && parts[3] != "":
		s.serveStream(w, r, table, strings.ToLower(parts[2]))
	default:
		s.offend(w, http.StatusMethodNotAllowed, "%s %s: not in the spec", r.Method, path)
	}
}

// faultIs tells whether a switch stands at value, and uses it if it does.
func (s *Sim) faultIs(name, value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.faults[name]; f == nil || f.Value != value {
		return false
	}
	return s.use(name, "") != nil
}

// simQuery reads the options of 2.1. $select must be there: reading all columns
// of a grown system times out.
func simQuery(t *simTable, r *http.Request, allowed ...string) (url.Values, []string, error) {
	q, err := queryOf(r)
	if err != nil {
		return nil, nil, err
	}
	for name := range q {
		if !slices.Contains(allowed, name) {
			return nil, nil, fmt.Errorf("option %s: not in the simulator", name)
		}
	}
	columns := strings.Split(q.Get("$select"), ",")
	for _, column := range columns {
		if _, known := t.columns[column]; !known {
			return nil, nil, fmt.Errorf("column by path %s not found in schema %s ($select is required)", column, t.name)
		}
	}
	return q, columns, nil
}

func (s *Sim) serveList(w *simAnswer, r *http.Request, t *simTable) {
	q, columns, err := simQuery(t, r, "$select", "$filter", "$orderby", "$top", "$skip", "$count")
	var cond *simCond
	if err == nil && q.Get("$filter") != "" {
		cond, err = parseSimFilter(t, q.Get("$filter"))
	}
	top, skip := 20000, 0 // 2.10
	for name, into := range map[string]*int{"$top": &top, "$skip": &skip} {
		if err == nil && q.Get(name) != "" {
			*into, err = strconv.Atoi(q.Get(name))
		}
	}
	var order []simOrder
	if err == nil {
		order, err = parseSimOrder(t, q.Get("$orderby"))
	}
	if err != nil {
		s.offend(w, http.StatusBadRequest, "%s: %v", t.name, err)
		return
	}
	s.mu.Lock()
	rows := t.pick(cond)
	sortSim(rows, order)
	all := len(rows)
	rows = rows[min(max(skip, 0), all):]
	rows = rows[:min(max(top, 0), len(rows))]
	shown := make([]map[string]any, 0, len(rows))
	for _, row := range rows {
		shown = append(shown, t.show(row, columns))
	}
	s.mu.Unlock()
	body := map[string]any{"@odata.context": "$metadata#" + t.name, "value": shown}
	if q.Get("$count") == "true" {
		body["@odata.count"] = all
	}
	writeSim(w, http.StatusOK, body)
}

type simOrder struct {
	column string
	down   bool
}

func parseSimOrder(t *simTable, text string) ([]simOrder, error) {
	var out []simOrder
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		if c, known := t.columns[words[0]]; !known || c.ref != "" || len(words) > 2 || len(words) == 2 && words[1] != "desc" && words[1] != "asc" {
			return nil, fmt.Errorf("$orderby %q: not in the schema", part)
		}
		out = append(out, simOrder{words[0], len(words) == 2 && words[1] == "desc"})
	}
	return out, nil
}

func sortSim(rows []simRow, order []simOrder) {
	slices.SortStableFunc(rows, func(a, b simRow) int {
		for _, o := range order {
			sign := strings.Compare(textOf(a[o.column]), textOf(b[o.column]))
			if at, isDate := a[o.column].(time.Time); isDate {
				other, _ := b[o.column].(time.Time)
				sign = at.Compare(other)
			}
			if o.down {
				sign = -sign
			}
			if sign != 0 {
				return sign
			}
		}
		return 0
	})
}

func (s *Sim) serveRow(w *simAnswer, r *http.Request, t *simTable, id string) {
	_, columns, err := simQuery(t, r, "$select")
	if err != nil {
		s.offend(w, http.StatusBadRequest, "%s: %v", t.name, err)
		return
	}
	s.mu.Lock()
	row := t.byID[id]
	var shown map[string]any
	if row != nil {
		s.numberLate(t, row)
		shown = t.show(row, columns)
	}
	s.mu.Unlock()
	if row == nil {
		w.note = "no such row"
		w.WriteHeader(http.StatusNotFound)
		return
	}
	shown["@odata.context"] = "$metadata#" + t.name + "/$entity"
	writeSim(w, http.StatusOK, shown)
}

func (s *Sim) serveCreate(w *simAnswer, r *http.Request, t *simTable) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var body map[string]any
	d := json.NewDecoder(io.LimitReader(r.Body, 8<<20))
	d.UseNumber()
	if err := d.Decode(&body); err != nil || kind != "application/json" {
		s.offend(w, http.StatusBadRequest, "create %s: want a JSON body", t.name)
		return
	}
	switch t.name { // 2.6: the history is the listener's; lookups are not the form's to fill
	case "Contact", "ContactCommunication", "Account", "Case", "SocialMessage", "PortalMessage", "CaseFile", "FeedFile", "PortalMessageFile":
	default:
		s.offend(w, http.StatusForbidden, "create %s: never by a caller", t.name)
		return
	}
	if _, own := body["Id"]; own && s.faultIs("own-id", "refused") {
		odataFault(w, http.StatusBadRequest, "Column Id cannot be set by the caller")
		return
	}
	s.mu.Lock()
	row, status, err := s.insert(t, body)
	var shown map[string]any
	if err == nil {
		shown = t.show(row, nil)
	}
	s.mu.Unlock()
	switch {
	case err != nil && status == simOffence:
		s.offend(w, http.StatusBadRequest, "create %s: %v", t.name, err)
		return
	case err != nil:
		odataFault(w, status, err.Error())
		return
	}
	if s.cutOff(w, r) {
		return
	}
	shown["@odata.context"] = "$metadata#" + t.name + "/$entity"
	w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"("+row["Id"].(string)+")")
	writeSim(w, http.StatusCreated, shown)
}

const simOffence = -1 // the caller broke the protocol, rather than met a record

// insert checks a row and saves it with what the server adds.
func (s *Sim) insert(t *simTable, body map[string]any) (simRow, int, error) {
	row := simRow{}
	for name, value := range body {
		c, known := t.columns[name]
		if !known && t.columns[name+"Id"].ref != "" {
			continue // 2.1: a navigation name in a body is silently ignored
		}
		if !known || c.kind == simStream {
			return nil, simOffence, fmt.Errorf("column %s not found", name)
		}
		v, err := simValue(c, value)
		if err != nil {
			return nil, simOffence, fmt.Errorf("%s: %w", name, err)
		}
		if ref := s.tables[c.ref]; v != nil && c.ref != "" && (ref == nil || ref.byID[v.(string)] == nil) {
			return nil, simOffence, fmt.Errorf("%s: FOREIGN KEY violation: no row %v in %s", name, v, c.ref)
		}
		if v != nil {
			row[name] = v
		}
	}
	for name, c := range t.columns {
		if c.required && textOf(row[name]) == "" {
			return nil, simOffence, fmt.Errorf("required column %s is missing", name)
		}
	}
	if row["Id"] == nil {
		row["Id"] = uuid.NewString()
	}
	if t.byID[row["Id"].(string)] != nil { // 2.2, 9: its status is not known, so both are played
		status := http.StatusBadRequest
		if s.platform == Framework {
			status = http.StatusInternalServerError
		}
		return nil, status, fmt.Errorf("violation of PRIMARY KEY constraint 'PK_%s_Id'. Cannot insert duplicate key", t.name)
	}
	now := s.now()
	row["CreatedOn"], row["ModifiedOn"] = now, now
	if status, err := s.before(t, row); err != nil {
		return nil, status, err
	}
	t.add(row)
	s.after(t, row)
	return row, 0, nil
}

// before is what entity handlers do to a row that is about to be saved.
func (s *Sim) before(t *simTable, row simRow) (int, error) {
	switch t.name {
	case "Case":
		if row["ContactId"] == nil && row["AccountId"] == nil { // the card's rule; over OData assumed (2.3)
			return simOffence, fmt.Errorf("a case needs a contact or an account")
		}
		if row["StatusId"] == nil {
			row["StatusId"] = "ae5f2f10-f46b-1410-fd9a-0050ba5d6c38"
		}
		return s.number(row)
	case "SocialMessage", "PortalMessage":
		if row["EntitySchemaUId"] != "117d32f9-8275-4534-8411-1c66115ce9cd" {
			return simOffence, fmt.Errorf("EntitySchemaUId is not the schema of Case")
		}
		if s.tables["Case"].byID[textOf(row["EntityId"])] == nil {
			return simOffence, fmt.Errorf("EntityId names no case: message before case")
		}
	}
	return 0, nil
}

// number fills Number before insert, only when it came empty (2.5).
func (s *Sim) number(row simRow) (int, error) {
	if textOf(row["Number"]) != "" {
		return 0, nil
	}
	position := "in-201"
	if s.faults["number"] != nil {
		position = s.use("number", "").Value
	}
	switch position {
	case "missing-setting":
		return http.StatusInternalServerError, fmt.Errorf("system setting CaseCodeMask is not found")
	case "late":
		row["late"] = 2 // reads until it is there
		return 0, nil
	case "duplicate":
		if s.lastCase == 0 {
			s.lastCase++
		}
	default:
		s.lastCase++
	}
	row["Number"] = fmt.Sprintf("SR%08d", s.lastCase)
	return 0, nil
}

// numberLate plays a process that numbers a case some time after the insert.
func (s *Sim) numberLate(t *simTable, row simRow) {
	left, waiting := row["late"].(int)
	if !waiting || t.name != "Case" {
		return
	}
	if left > 0 {
		row["late"] = left - 1
		return
	}
	delete(row, "late")
	s.lastCase++
	row["Number"] = fmt.Sprintf("SR%08d", s.lastCase)
	t.note("Number", row)
}

// after is the listener that copies messages into the case's history (2.6).
func (s *Sim) after(t *simTable, row simRow) {
	if t.name != "SocialMessage" && t.name != "PortalMessage" {
		return
	}
	s.tables["CaseMessageHistory"].add(simRow{
		"Id": uuid.NewString(), "CaseId": row["EntityId"], "RecordId": row["Id"], "Message": row["Message"],
		"CreatedOn": row["CreatedOn"], "ModifiedOn": row["ModifiedOn"],
	})
}

// serveStream is way B of 2.7: the bytes of a row that is already there.
func (s *Sim) serveStream(w *simAnswer, r *http.Request, t *simTable, id string) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if t.columns["Data"].kind != simStream || kind != "application/octet-stream" {
		s.offend(w, http.StatusBadRequest, "PUT %s/Data: not a stream, or not application/octet-stream", t.name)
		return
	}
	hash := sha256.New()
	size, err := io.Copy(hash, r.Body)
	if err != nil {
		return // the caller went away: nothing is kept
	}
	s.mu.Lock()
	row := t.byID[id]
	if row != nil {
		row["Size"] = size
		s.files[id] = &simFile{
			entity: t.name, parent: parentOf(t, row), name: textOf(row["Name"]),
			total: size, size: size, sum: hash.Sum(nil), complete: true,
		}
	}
	s.mu.Unlock()
	if row == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if s.cutOff(w, r) {
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func parentOf(t *simTable, row simRow) string {
	for _, column := range []string{"CaseId", "SocialMessageId", "PortalMessageId"} {
		if id := textOf(row[column]); id != "" && t.columns[column].ref != "" {
			return id
		}
	}
	return ""
}
