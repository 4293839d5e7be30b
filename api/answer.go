package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"styk"
)

// statusClientGone is what the journal notes where nobody waits any more.
const statusClientGone = 499

// failure is a refusal as it is written.
type failure struct {
	status  int
	wait    time.Duration
	Code    string  `json:"code" doc:"Machine word: unauthorized, forbidden, not_found, invalid, conflict …" eg:"invalid"`
	Message string  `json:"message" doc:"A sentence for a person, in Russian." eg:"Так записать нельзя"`
	Faults  []fault `json:"faults" doc:"Every broken rule, by field; may be empty."`
}

// fault is one broken rule.
type fault struct {
	Field string `json:"field" doc:"As the caller wrote it; of a nested one with dots." eg:"status"`
	Rule  string `json:"rule" doc:"Machine word: required, unknown, type, choice, date …" eg:"choice"`
	Text  string `json:"text" doc:"A sentence for a person." eg:"Возможны Open, In Progress, Wait For Response, Closed"`
}

// problem is the body of every refusal.
type problem struct {
	Error failure `json:"error"`
}

// Error implements error.
func (f *failure) Error() string { return "api: " + f.Code }

func (f *failure) write(w http.ResponseWriter) {
	if f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((f.wait+time.Second-1)/time.Second)))
	}
	body := problem{*f}
	if body.Error.Faults == nil {
		body.Error.Faults = []fault{}
	}
	writeJSON(w, f.status, body)
}

// statuses are HTTP's words for our codes.
var statuses = map[styk.Code]int{
	styk.Missing: http.StatusUnprocessableEntity, styk.Invalid: http.StatusUnprocessableEntity, styk.Reference: http.StatusUnprocessableEntity,
	styk.NotFound: http.StatusNotFound, styk.Conflict: http.StatusConflict, styk.Forbidden: http.StatusForbidden,
	styk.TooLarge: http.StatusRequestEntityTooLarge, styk.TooMany: http.StatusTooManyRequests, styk.Full: http.StatusInsufficientStorage,
}

// sentences speak where an error has no text of its own.
var sentences = map[styk.Code]string{
	styk.Missing: "Не хватает значения", styk.Invalid: "Так записать нельзя", styk.Reference: "Указано то, чего нет",
	styk.NotFound: "Такой записи нет", styk.Conflict: "Этому мешает то, что уже есть", styk.Forbidden: "Этого ключу нельзя",
	styk.TooLarge: "Слишком много", styk.TooMany: "Слишком часто", styk.Full: "На диске нет места: ничего не записано",
}

// mistake words one of our errors.
func mistake(e *styk.Error) *failure {
	f := &failure{status: statuses[e.Code], Code: string(e.Code), Message: e.Text}
	for _, one := range e.Faults {
		if one.Field == "requestid" {
			one.Field = "Idempotency-Key"
		}
		f.Faults = append(f.Faults, fault{one.Field, one.Rule, one.Text})
	}
	if f.status == 0 {
		f.status = http.StatusUnprocessableEntity
	}
	switch {
	case f.Message != "":
	case len(f.Faults) == 1 && f.Faults[0].Text != "":
		f.Message = f.Faults[0].Text
	default:
		f.Message = sentences[e.Code]
	}
	if e.Hint != "" {
		f.Message += ". " + e.Hint
	}
	return f
}

// write answers a call that was done.
func (c *call) write(result any) {
	status := c.status
	if status == 0 {
		status = c.op.success()
	}
	if result == nil {
		c.w.WriteHeader(status)
		return
	}
	if l, ok := result.(interface{ nextPage() string }); ok && l.nextPage() != "" {
		c.w.Header().Set("Link", "<"+l.nextPage()+`>; rel="next"`)
	}
	writeJSON(c.w, status, result)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil { // our own types: a test writes them all
		status, b = http.StatusInternalServerError, *bytes.NewBufferString(`{"error":{"code":"internal","message":"","faults":[]}}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

// page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items" doc:"Newest first."`
	Next  string `json:"next,omitempty" doc:"Address of the next page; absent on the last one." eg:"/api/v1/tickets?before=4711"`
}

func (p page[T]) nextPage() string { return p.Next }

// pageOf cuts rows that were read one beyond the limit, and makes the address of
// the next page from the last row's number.
func pageOf[R, T any](c *call, rows []R, number func(R) int64, show func(R) T) page[T] {
	p := page[T]{Items: []T{}}
	limit := c.limit()
	for i, row := range rows {
		if i == limit {
			q := c.r.URL.Query()
			q.Set("before", strconv.FormatInt(number(rows[i-1]), 10))
			p.Next = c.r.URL.Path + "?" + q.Encode()
			break
		}
		p.Items = append(p.Items, show(row))
	}
	return p
}

// all is a list that is given whole.
type all[T any] struct {
	Items []T `json:"items"`
}

func allOf[R, T any](rows []R, show func(R) T) all[T] {
	list := all[T]{Items: make([]T, 0, len(rows))}
	for _, row := range rows {
		list.Items = append(list.Items, show(row))
	}
	return list
}
