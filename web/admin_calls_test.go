package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/store"
)

func init() {
	emptyPages["admin_calls.html"], emptyPages["admin_call.html"] = adminCallsPage{}, adminCallPage{}
}

// A 1C developer sees the body that was refused, and why; the list grows while
// he looks.
func TestDeveloperFindsTheRefusedCall(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.person(styk.RoleIntegrator)
	if page := b.get("/admin/calls").body; !strings.Contains(page, "Сюда ещё никто не обращался") || !strings.Contains(page, "operation=getchallenge") {
		t.Fatalf("an empty journal teaches: %s", page)
	}
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	call := func(face, operation, code string, status int, request, answer string) *styk.APICall {
		return &styk.APICall{At: now, Took: 3 * time.Millisecond, Face: face, Operation: operation, Code: code, Status: status, Who: "1c",
			Address: "10.0.0.7", Method: http.MethodPost, Path: "/oapi/v1/" + operation, Request: request, Answer: answer,
			RequestSize: int64(len(request)), AnswerSize: int64(len(answer)), Header: map[string][]string{"Authorization": {"•••"}}}
	}
	keep := func(calls ...*styk.APICall) {
		t.Helper()
		if err := d.db.Update(t.Context(), func(tx *store.Tx) error { return tx.KeepCalls(calls) }); err != nil {
			t.Fatal(err)
		}
	}
	keep(call(styk.FaceCards, "createcard", "409", 409, "templateId=5be&values[%PHONE%]=+7 928 <b>", `{"code":409}`),
		call(styk.FaceCRM, "query", "", 200, "query=select", `{"success":true}`))
	page := b.get("/admin/calls?face=cards&refused=1").body
	if !strings.Contains(page, "createcard") || strings.Contains(page, ">query<") || !strings.Contains(page, ">409<") {
		t.Errorf("the filter: %s", page)
	}
	if page := b.get("/admin/calls?q=%2B7+928").body; !strings.Contains(page, "createcard") || strings.Contains(page, ">query<") {
		t.Errorf("the search looks into the bodies: %s", page)
	}
	one := b.get("/admin/calls/1").body
	for _, want := range []string{"values[%PHONE%]=&#43;7 928 &lt;b&gt;", "Телефон уже привязан", "curl -X POST", "10.0.0.7"} {
		if !strings.Contains(one, want) {
			t.Errorf("%q is not on the page: %s", want, one)
		}
	}
	keep(call(styk.FaceCards, "updatecard", "", 200, "cardId=5be", `{"code":200}`))
	if rows := b.get("/admin/calls/rows?after=2").body; strings.Count(rows, "<tr") != 1 || !strings.Contains(rows, `data-id="3"`) {
		t.Errorf("the live rows: %s", rows)
	}
	for address, status := range map[string]int{"/admin/calls/rows?after=x": 400, "/admin/calls/99": 404, "/admin/calls?before=zz&face=%00": 200} {
		if a := b.get(address); a.status != status {
			t.Errorf("%s: %d", address, a.status)
		}
	}
}
