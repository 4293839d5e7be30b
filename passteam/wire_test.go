package passteam

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMethodNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"createcard": MethodCreateCard, "CreateCard": MethodCreateCard, "updateCard": MethodUpdateCard, "getATOKEN": MethodGetToken,
		"getCardsWithPagination": MethodCardsByPage, "getclients": MethodCardsByPage, "gettemplatesids": MethodTemplateIDs,
		"getTemplateInfo": MethodTemplate, "getTemplates": MethodTemplates, "getClient": MethodCard, "getCards": MethodCards,
		"checkvariables": MethodCheckUnique, "sendCard": MethodShare, "deleteCard": MethodDeleteCards, "updateCards": MethodUpdateCards, "sendPush": MethodSendPush,
	} {
		if m := MethodNamed(name); m == nil || m.Name != want {
			t.Errorf("%s: got %v, want %s", name, m, want)
		}
	}
	for _, name := range []string{"", "addpurchase", "create card", "createcard/"} {
		if m := MethodNamed(name); m != nil {
			t.Errorf("%q is %s", name, m.Name)
		}
	}
	for _, m := range Methods() {
		for _, name := range append([]string{m.Name}, m.Aliases...) {
			if name != strings.ToLower(name) {
				t.Errorf("%s cannot be called", name)
			}
		}
		if m.Public != (m.Name == MethodGetToken) {
			t.Errorf("%s answers without a token", m.Name)
		}
	}
}

func TestInPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/oapi/v1/createcard": "createcard", "//oapi/v1/createcard": "createcard", "/oapi/v1/createcard/": "createcard", "/OAPI//V1///UpdateCard//": "UpdateCard",
		"/oapi/v1/": "", "/oapi": "", "/oapi/v2/createcard": "", "/oapi/v1/a/b": "", "/": "", "/x/oapi/v1/createcard": "",
	} {
		got, known := InPath(path)
		if known != (want != "") || known && got != want {
			t.Errorf("%s: got %q, %v, want %q", path, got, known, want)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"abc": "abc", "Bearer abc": "abc", "bearer  abc ": "abc", " abc ": "abc", "": "", "Bearer": "", "Bearer ": "", "a b": "a b",
	} {
		if got := Token(http.Header{"Authorization": {header}}); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}

// Texts that 1C or a public client compares or that the contract gives.
func TestTexts(t *testing.T) {
	t.Parallel()
	table := []struct {
		f    *Failure
		want string
	}{
		{NotSet("PHONE"), `{"result":{},"message":"Provided field (PHONE) is unique and must be set.","code":500,"error":true}`},
		{NotSet("EMAIL"), `{"result":{},"message":"Provided field (EMAIL) is unique and must be set.","code":500,"error":true}`},
		{ParameterMissing(FieldTemplateID), `{"result":{},"message":"Parameter (templateId) is required.","code":400,"error":true}`},
		{Taken("PHONE", card, "https://host/c/x"), `{"result":{"cardId":"5bea7e305abcfd6b708b4573","cardUrl":"https://host/c/x"},"message":"Provided field (PHONE) is unique and already belongs to another card.","code":409,"error":true}`},
		{CardUnknown(""), `{"result":{},"message":"Card () is not found.","code":404,"error":true}`},
		{MethodUnknown("a%\"<b>"), `{"result":{},"message":"Method (a\u0025\"<b>) is not found.","code":404,"error":true}`},
	}
	for _, row := range table {
		got, err := row.f.Answer().JSON()
		if err != nil || string(got) != row.want {
			t.Errorf("got %s, %v\nwant %s", got, err, row.want)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		answer    Answer
		always200 bool
		status    int
	}{
		{Done(nil), false, 200}, {Slow(1500 * time.Millisecond).Answer(), false, 429}, {Slow(0).Answer(), true, 200}, {NotSet("PHONE").Answer(), false, 500}, {TokenRefused().Answer(), true, 200},
	} {
		w := httptest.NewRecorder()
		if err := Write(w, row.answer, row.always200); err != nil {
			t.Fatal(err)
		}
		if w.Code != row.status || w.Header().Get("Content-Type") != "application/json; charset=utf-8" || w.Header().Get("Content-Length") == "" {
			t.Errorf("got %d %v, want %d", w.Code, w.Header(), row.status)
		}
		if err := Survives1C(w.Body.Bytes()); err != nil {
			t.Errorf("%s: %v", w.Body, err)
		}
		if wait := w.Header().Get("Retry-After"); (wait != "") != (row.answer.Code == 429) || row.answer.wait > 0 && wait != "2" {
			t.Errorf("Retry-After %q", wait)
		}
	}
}

// Every answer that can be made survives 1C, whatever the texts in it.
func TestAnswersSurvive1C(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return rapid.String().Draw(t, name) }
		shown := Card{CardID: card, CardCode: text("code"), TemplateID: "t", CardURL: "https://h/c/" + card}
		var values []Value
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			values = append(values, Value{rapid.OneOf(rapid.String(), rapid.StringMatching(`[ABabАа_1]{1,2}`)).Draw(t, "name"), text("value")})
		}
		shown.SetValues(values)
		expires := text("expires")
		for _, result := range []any{
			nil, CardMade{card, shown.CardURL, CardState{card, "t", true}}, CardUpdated{}, CardFound{shown}, CardList{[]Card{shown}},
			NewCardPage([]Card{shown}, 2, 1, 3), NewCardPage(nil, 1, 50, 0), []Template{{Name: text("template"), Variables: []Variable{{Name: "%A%", Default: text("default")}}}},
			TemplateIDs{[]TemplateName{{"t", text("name")}}}, TokenMade{Expires: &expires}, TokenMade{}, Uniqueness{false, []Conflict{{"%PHONE%", card}}},
			Queued{true}, Queued{5}, Deleted{[]string{text("id")}, []string{}}, CardsUpdated{[]string{}, []CardFailure{{text("id"), 404, text("message")}}},
		} {
			answer := Done(result)
			answer.Message = text("message")
			body, err := answer.JSON()
			if err == nil {
				err = Survives1C(body)
			}
			if err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			// What 1C reads is what was meant, per cent signs and all.
			var got, stripped struct{ Message string }
			_ = json.Unmarshal(body, &got)
			_ = json.Unmarshal([]byte(strings.ReplaceAll(string(body), "%", "")), &stripped)
			if got != stripped || got.Message != strings.ToValidUTF8(answer.Message, "\ufffd") {
				t.Fatalf("message %q became %q and for 1C %q", answer.Message, got.Message, stripped.Message)
			}
		}
		if n := len(shown.Values) + len(shown.OtherValues); n != len(values) {
			t.Fatalf("%d of %d values shown", n, len(values))
		}
	})
}

func TestSurvives1CRefuses(t *testing.T) {
	t.Parallel()
	envelope := func(result string) string { return `{"result":` + result + `,"message":"OK","code":200,"error":false}` }
	for _, body := range []string{
		"", "<html>", "\ufeff" + envelope("{}"), envelope("{}") + "x", envelope("{}") + "{}", envelope("null"), envelope("false"), envelope(`"x"`),
		`{"result":{},"message":"OK","code":"200","error":false}`, `{"result":{},"message":"OK","code":200,"error":true}`, `{"result":{},"message":null,"code":500,"error":true}`,
		`{"result":{},"code":500,"error":true}`, `{"result":{},"message":"OK","code":200.5,"error":false}`, `[]`, `{"success":true}`,
		envelope(`{"card-url":1}`), envelope(`{"2x":1}`), envelope(`{"":1}`), envelope(`{"%2A%":1}`), envelope(`{"№":1}`), envelope(`{"a b":1}`),
		envelope(`{"A":1,"a":2}`), envelope(`{"%A%":1,"A":2}`), envelope(`{"Имя":1,"ИМЯ":2}`), envelope(`[{"x":{"A":1,"A":2}}]`),
		envelope(`{"note":"100%"}`), envelope(`{"cardUrl":"https://h/%D0"}`), envelope(`{"cardUrl":"https://h/\u0025"}`), envelope(`{"cardId":1}`),
		envelope(`{"card":{"installed":1}}`), envelope(`{"card":{"installed":null}}`), envelope("{\"a\":\"\xff\"}"), envelope(`{"a":`), envelope(`{"a"`),
	} {
		if Survives1C([]byte(body)) == nil {
			t.Errorf("%s passes", body)
		}
	}
	for _, body := range []string{envelope("{}"), envelope("[]"), envelope("true"), envelope(`{"%PHONE%":"100\u0025","%_CODE%":1,"Имя":null}`)} {
		if err := Survives1C([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestCardShown(t *testing.T) {
	t.Parallel()
	c := Card{CardID: card, TemplateID: "t", CardURL: "u", CreatedAt: Stamp(time.Unix(0, 0)), UpdatedAt: Stamp(time.Date(2026, 11, 21, 13, 15, 0, 5, time.FixedZone("", 3*3600)))}
	c.SetValues([]Value{{"PHONE", "+7 <&>"}, {"1С-КОД", "5"}, {"phone", "x"}})
	got, err := json.Marshal(c)
	want := `{"cardId":"` + card + `","cardCode":"","templateId":"t","cardUrl":"u","installed":false,"createdAt":"1970-01-01T00:00:00Z","updatedAt":"2026-11-21T10:15:00Z",` +
		`"devices":{"apple":0,"google":0,"web":0},"values":{"%PHONE%":"+7 \u003c\u0026\u003e"},"otherValues":[{"name":"1С-КОД","value":"5"},{"name":"phone","value":"x"}]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	if Stamp(time.Time{}) != "" {
		t.Error("no time has a stamp")
	}
}

func TestCardPages(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ page, limit, total, pages, prev, next int }{
		{1, 50, 0, 0, 0, 0}, {1, 50, 50, 1, 0, 0}, {1, 50, 51, 2, 0, 2}, {2, 50, 51, 2, 1, 0}, {2, 2, 6, 3, 1, 3}, {9, 2, 6, 3, 8, 0},
	} {
		p := NewCardPage(nil, row.page, row.limit, row.total)
		number := func(n *int) int {
			if n == nil {
				return 0
			}
			return *n
		}
		if p.Pages != row.pages || number(p.PrevPage) != row.prev || number(p.NextPage) != row.next || p.Cards == nil {
			t.Errorf("%+v: got %+v", row, p)
		}
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	read := func(method, form string) *Body {
		b, err := ParseBody([]byte(form), formType, MethodNamed(method))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"createcard", second(read(MethodCreateCard, "values[%A%]=1").CreateCard()), "Parameter (templateId) is required."},
		{"createcard blank", second(read(MethodCreateCard, "templateId= ").CreateCard()), "Parameter (templateId) is required."},
		{"updatecard", second(read(MethodUpdateCard, "values[%A%]=1").UpdateCard()), "Parameter (cardId) is required."},
		{"updatecard empty", second(read(MethodUpdateCard, "cardId=&values[%A%]=1").UpdateCard()), ""},
		{"updatecards", second(read(MethodUpdateCards, "templateId=t").UpdateCards()), "Parameter (cards) is required."},
		{"updatecards one", second(read(MethodUpdateCards, "templateId=t&cardCode=5&values[A]=1").UpdateCards()), ""},
		{"getcard", second(read(MethodCard, "templateId=t").FindCard()), "Parameter (cardId) is required."},
		{"getcard by phone", second(read(MethodCard, "templateId=t&values[%PHONE%]=1").FindCard()), ""},
		{"page", second(read(MethodCardsByPage, "templateId=t&page=0").ListCards(PageSize)), "Parameter (page) must be a whole number from 1."},
		{"limit", second(read(MethodCardsByPage, "templateId=t&limit=x").ListCards(PageSize)), "Parameter (limit) must be a whole number from 1."},
		{"template", second(read(MethodTemplate, "").TemplateID()), "Parameter (templateId) is required."},
		{"token", second(read(MethodGetToken, "password=x").Credentials()), "Parameter (nickname) is required."},
		{"password", second(read(MethodGetToken, "login=x").Credentials()), "Parameter (password) is required."},
		{"unique", second(read(MethodCheckUnique, "templateId=t").CheckUnique()), "Parameter (values) is required."},
		{"share to", second(read(MethodShare, "cardId=c&channel=sms").Share()), "Parameter (to) is required."},
		{"share by", second(read(MethodShare, "cardId=c&channel=fax&to=5").Share()), "Parameter (channel) must be sms or email."},
		{"share", second(read(MethodShare, "cardId=c&channel=SMS&to=5").Share()), ""},
		{"delete", second(read(MethodDeleteCards, "").DeleteCards()), "Parameter (cardId) is required."},
		{"push", second(read(MethodSendPush, "message=x").SendPush()), "Parameter (templateId) is required."},
		{"push text", second(read(MethodSendPush, "templateId=x").SendPush()), "Parameter (message) is required."},
		{"push", second(read(MethodSendPush, "message=x&cardId=c").SendPush()), ""},
	} {
		var f *Failure
		switch {
		case row.want == "" && row.err != nil:
			t.Errorf("%s: %v", row.name, row.err)
		case row.want != "" && (!errors.As(row.err, &f) || f.Code != 400 || f.Message != row.want):
			t.Errorf("%s: got %v, want %q", row.name, row.err, row.want)
		}
	}
	if list, err := read(MethodCardsByPage, "templateId=t&page=3&limit=900").ListCards(PageSize); err != nil || list != (ListCards{"t", 3, 50}) {
		t.Errorf("got %+v, %v", list, err)
	}
	if who, err := read(MethodGetToken, "email=a@b.ru&password= x ").Credentials(); err != nil || who != (Credentials{"a@b.ru", " x "}) {
		t.Errorf("got %+v, %v", who, err)
	}
}

func second[T any](_ T, err error) error { return err }

// FuzzSurvives1C: the checker never panics, and what it passes 1C can parse.
func FuzzSurvives1C(f *testing.F) {
	f.Add([]byte(`{"result":{"card":{"installed":true}},"message":"OK","code":200,"error":false}`))
	f.Add([]byte(`{"result":[{"%A%":"\u0025\"\\"}],"message":"","code":404,"error":true}`))
	f.Add([]byte(`{"a":"\`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if Survives1C(body) != nil {
			return
		}
		stripped := strings.ReplaceAll(string(body), "%", "")
		var v struct {
			Code    int
			Message string
			Result  json.RawMessage
			Error   bool
		}
		if err := json.Unmarshal([]byte(stripped), &v); err != nil || v.Error == (v.Code == 200) {
			t.Errorf("%s: %v", body, err)
		}
	})
}
