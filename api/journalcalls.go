package api

import (
	"time"

	"styk"
	"styk/staff"
	"styk/store"
)

var callOperations = []operation{
	{id: "listCalls", method: "GET", path: "/calls", rights: []staff.Right{staff.SeeAPILog}, tag: "calls",
		says: words{"Вызовы программ, последние сначала", "Calls of programs, the newest first"},
		query: append([]param{
			oneOf("face", "Only those of one door.", styk.FaceCRM, styk.FaceCapture, styk.FaceFiles, styk.FaceCards, FaceAPI),
			{name: "operation", kind: "string", text: "Only those of one operation.", eg: "CreateContact"},
			{name: "who", kind: "string", text: "Only those of one user, token or key.", eg: "api"},
			{name: "refused", kind: "boolean", text: "Only those that were refused.", eg: "true"},
			{name: "q", kind: "string", text: "Only those with this in the request, the answer or the path.", eg: "9491234511"},
			{name: "after", kind: "integer", text: "Only those that came after this one: for a live list.", eg: "4711"},
		}, paged...), answer: page[apiCallRow]{}, handle: (*call).listCalls},
	{id: "getCall", method: "GET", path: "/calls/{id}", rights: []staff.Right{staff.SeeAPILog}, tag: "calls",
		says: words{"Вызов с запросом и ответом", "A call with its request and answer"}, answer: apiCall{}, handle: (*call).getCall},
}

// FaceAPI is the word for this API in the journal of calls.
const FaceAPI = "api"

type apiCallRow struct {
	ID        styk.ID   `json:"id" eg:"4711"`
	At        time.Time `json:"at"`
	Took      int64     `json:"took_us" doc:"Microseconds." eg:"1800"`
	Face      string    `json:"face" doc:"crm, capture, files, cards, api" eg:"crm"`
	Operation string    `json:"operation" doc:"Empty when it was not understood." eg:"CreateContact"`
	Code      string    `json:"code" doc:"Of the refusal; empty: it was done."`
	Status    int       `json:"status" eg:"200"`
	Who       string    `json:"who" doc:"Name of the user, token or key." eg:"api"`
	Address   string    `json:"address" eg:"10.0.0.7"`
	Method    string    `json:"method" eg:"POST"`
	Path      string    `json:"path" eg:"/webservice.php"`
}

func showCall(k *styk.APICall) apiCallRow {
	return apiCallRow{k.ID, k.At, k.Took.Microseconds(), k.Face, k.Operation, k.Code, k.Status, k.Who, k.Address, k.Method, k.Path}
}

func (c *call) listCalls() (any, error) {
	f := store.CallFilter{Face: c.query["face"], Operation: c.query["operation"], Who: c.query["who"], Refused: c.query["refused"] == "true",
		Text: c.query["q"], Before: c.query.id("before"), After: c.query.id("after"), Limit: c.limit() + 1}
	var list []*styk.APICall
	err := c.view(func(tx *store.Tx) (err error) {
		list, err = tx.Calls(f)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pageOf(c, list, func(k *styk.APICall) int64 { return int64(k.ID) }, showCall), nil
}

type apiCall struct {
	apiCallRow
	Header      map[string][]string `json:"header" doc:"Secrets masked." eg:"{\"Content-Type\":[\"application/json\"]}"`
	Request     string              `json:"request" doc:"Secrets masked, long ones cut."`
	RequestSize int64               `json:"request_size" doc:"Bytes that came." eg:"0"`
	Answer      string              `json:"answer"`
	AnswerSize  int64               `json:"answer_size" eg:"0"`
}

func (c *call) getCall() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var k *styk.APICall
	err = c.view(func(tx *store.Tx) (err error) {
		k, err = tx.Call(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	header := k.Header
	if header == nil {
		header = map[string][]string{}
	}
	return apiCall{showCall(k), header, k.Request, k.RequestSize, k.Answer, k.AnswerSize}, nil
}
