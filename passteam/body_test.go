package passteam

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

const formType = "application/x-www-form-urlencoded"

// want is what a body must be read as: parameters, variables, code of a refusal.
type want struct {
	fields map[string]string
	values []Value
	code   int
}

func check(t *testing.T, body, contentType, method string, w want) *Body {
	t.Helper()
	got, err := ParseBody([]byte(body), contentType, MethodNamed(method))
	if w.code != 0 {
		var f *Failure
		if !errors.As(err, &f) || f.Code != w.code {
			t.Errorf("%q: got error %v, want code %d", body, err, w.code)
		}
		return nil
	}
	if err != nil {
		t.Errorf("%q: %v", body, err)
		return nil
	}
	for name, text := range w.fields {
		if got.fields[name] != text {
			t.Errorf("%q: %s = %q, want %q", body, name, got.fields[name], text)
		}
	}
	if len(got.fields) != len(w.fields) || !slices.Equal(got.Values, w.values) {
		t.Errorf("%q:\n got %q %q\nwant %q %q", body, got.fields, got.Values, w.fields, w.values)
	}
	return got
}

const card = "5bea7e305abcfd6b708b4573"

// The table of spec/passteam.md 2.2.
func TestBodyTable(t *testing.T) {
	t.Parallel()
	inTemplate, inCard := map[string]string{"templateId": "5be"}, map[string]string{"cardId": "5be"}
	seedCard := map[string]string{"cardId": card}
	t1 := "templateId=5be&values[%CLIENT_NAME%]=Иванов Иван&values[%BIRTHDAY%]=01.02.1990&values[%PHONE%]=+7 928 664-66-11&values[%EMAIL%]=a+b@ya.ru&values[%BONUS%]=1 234,5"
	t1Values := []Value{{"CLIENT_NAME", "Иванов Иван"}, {"BIRTHDAY", "01.02.1990"}, {"PHONE", "+7 928 664-66-11"}, {"EMAIL", "a+b@ya.ru"}, {"BONUS", "1 234,5"}}
	cp1251, err := charmap.Windows1251.NewEncoder().String(t1)
	if err != nil {
		t.Fatal(err)
	}
	table := []struct {
		name, body, method string
		want               want
	}{
		{"T1", t1, MethodCreateCard, want{fields: inTemplate, values: t1Values}},
		{"T2", "cardId=" + card + "&values[%BALANCE%]=7500&values[%CARD%]=100%&values[%DISCOUNT%]=5", MethodUpdateCard,
			want{fields: seedCard, values: []Value{{"BALANCE", "7500"}, {"CARD", "100%"}, {"DISCOUNT", "5"}}}},
		{"T3", "cardId=" + card + "&values%5B%25BALANCE%25%5D=7500&values%5B%25_CODE%25%5D=3006880536055&values%5B%25NUMBERCARD%25%5D=3006880536055&values%5B%25DISCOUNT%25%5D=5", MethodUpdateCard,
			want{fields: seedCard, values: []Value{{"BALANCE", "7500"}, {"_CODE", "3006880536055"}, {"NUMBERCARD", "3006880536055"}, {"DISCOUNT", "5"}}}},
		{"T4", `templateId=5be&values[%CLIENT_NAME%]=ООО "Рога & Копыта"; филиал=2&values[%PHONE%]=`, MethodCreateCard,
			want{fields: inTemplate, values: []Value{{"CLIENT_NAME", `ООО "Рога & Копыта"; филиал=2`}, {"PHONE", ""}}}},
		{"T5", "templateId=5be&values[%25BALANCE%25]=7500&values[%25NAME%25]=Ivan+Petrov", MethodCreateCard,
			want{fields: inTemplate, values: []Value{{"BALANCE", "7500"}, {"NAME", "Ivan Petrov"}}}},
		{"T6", "\xef\xbb\xbfcardId=" + card + "&values[%PHONE%]=+79286646611&values[%BONUS%]=1\u00a0234,5", MethodUpdateCard,
			want{fields: seedCard, values: []Value{{"PHONE", "+79286646611"}, {"BONUS", "1\u00a0234,5"}}}},
		{"T7", cp1251, MethodCreateCard, want{fields: inTemplate, values: t1Values}},
		{"T8", "cardId=5be&values[%NOTE%]=a=b&c=d 100%&values[%BONUS%]=0", MethodUpdateCard,
			want{fields: inCard, values: []Value{{"NOTE", "a=b&c=d 100%"}, {"BONUS", "0"}}}},
		{"T9", "cardId=5be&values[%NAME%]=%D0%98%D0%B2%D0%B0%D0%BD%20A%2BB&values[%BONUS%]=0", MethodUpdateCard,
			want{fields: inCard, values: []Value{{"NAME", "Иван A+B"}, {"BONUS", "0"}}}},
		{"T10", "values%5B%25NAME%25%5D=Ivan+P%26Co&templateId=5be", MethodCreateCard,
			want{fields: inTemplate, values: []Value{{"NAME", "Ivan P&Co"}}}},
		{"T11", "cardId=5be&values[%ADDRESS%]=Омск,\r\nЛенина 1&values[%BONUS%]=0", MethodUpdateCard,
			want{fields: inCard, values: []Value{{"ADDRESS", "Омск,\r\nЛенина 1"}, {"BONUS", "0"}}}},
		{"T12 without per cents", "cardId=5be&values[PHONE]=+79286646611", MethodUpdateCard,
			want{fields: inCard, values: []Value{{"PHONE", " 79286646611"}}}},
		{"T12 JSON", `{"cardId":"5be","values":{"%PHONE%":"+79286646611","BONUS":1234.50,"%VIP%":true,"%NOTE%":null}}`, MethodUpdateCard,
			want{fields: inCard, values: []Value{{"PHONE", "+79286646611"}, {"BONUS", "1234.50"}, {"VIP", "true"}, {"NOTE", ""}}}},
		{"T13 variable", "cardId=5be&values[%NOTE%]=смотри &values[%X%]=5", MethodUpdateCard,
			want{fields: inCard, values: []Value{{"NOTE", "смотри "}, {"X", "5"}}}},
		{"T13 cardId", "cardId=1&values[%NOTE%]=смотри &cardId=5be", MethodUpdateCard,
			want{fields: inCard, values: []Value{{"NOTE", "смотри "}}}},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := check(t, row.body, formType, row.method, row.want)
			if row.name == "T6" && !slices.Equal(got.Mended, []string{MendedBOM, MendedRaw}) {
				t.Errorf("mended %q", got.Mended)
			}
		})
	}
	multipart := "--b\r\nContent-Disposition: form-data; name=\"cardId\"\r\n\r\n5be\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"values[%BALANCE%]\"\r\n\r\n100%25+\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"values%5B%25PHONE%25%5D\"\r\n\r\n+79286646611\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\n\xff\xfe\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"values[%ИМЯ%]\"\r\n\r\nИван\r\nПётр\r\n--b--\r\n"
	got := check(t, multipart, `multipart/form-data; boundary=b`, MethodUpdateCard,
		want{fields: inCard, values: []Value{{"BALANCE", "100%25+"}, {"PHONE", "+79286646611"}, {"ИМЯ", "Иван\r\nПётр"}}})
	if !slices.Equal(got.Mended, []string{MendedFile}) {
		t.Errorf("mended %q", got.Mended)
	}
}

// The captures of spec/onec.md 2.2, whole.
func TestBodyCaptures(t *testing.T) {
	t.Parallel()
	const template = "5b0000000000000000000001"
	create := func(name, birthday, phone, email, bonus string) string {
		return "templateId=" + template + "&values[%CLIENT_NAME%]=" + name + "&values[%BIRTHDAY%]=" + birthday +
			"&values[%PHONE%]=" + phone + "&values[%EMAIL%]=" + email + "&values[%BONUS%]=" + bonus
	}
	update := func(body string) string { return strings.Replace(body, "templateId="+template, "cardId="+card, 1) }
	escapedKeys := func(body string) string {
		return strings.NewReplacer("[%", "%5B%25", "%]", "%25%5D").Replace(body)
	}
	five := func(v ...string) (all []Value) {
		for i, name := range []string{"CLIENT_NAME", "BIRTHDAY", "PHONE", "EMAIL", "BONUS"} {
			all = append(all, Value{name, v[i]})
		}
		return all
	}
	maria := []string{"Иванова Мария Петровна", "05.03.1990", "+7 (913) 123-45-67", "maria@example.org", "0"}
	roga := []string{`ООО "Рога & Копыта" 100%`, "", "+7 (383) 222-11-00", "info@roga.example", "0"}
	nobody := []string{"", "", "", "", "0"}
	with := func(v []string, bonus string) []string { return append(slices.Clone(v[:4]), bonus) }
	call := func(v []string) string { return create(v[0], v[1], v[2], v[3], v[4]) }
	table := []struct {
		name, body, method string
		values             []string
	}{
		{"create, person", call(maria), MethodCreateCard, maria},
		{"create, company", call(roga), MethodCreateCard, roga},
		{"create, no owner", call(nobody), MethodCreateCard, nobody},
		{"update", update(call(with(maria, "7500"))), MethodUpdateCard, with(maria, "7500")},
		{"update, ru loc.", update(call(with(maria, "1\u00a0234,5"))), MethodUpdateCard, with(maria, "1\u00a0234,5")},
		{"update, escaped", escapedKeys(update(call(with(maria, "7500")))), MethodUpdateCard, with(maria, "7500")},
		{"update, escaped, company", escapedKeys(update(call(roga))), MethodUpdateCard, roga},
		{"create, digits only", call([]string{"", "", "79131234567", "", "0"}), MethodCreateCard, []string{"", "", "79131234567", "", "0"}},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			fields := map[string]string{FieldTemplateID: template}
			if row.method == MethodUpdateCard {
				fields = map[string]string{FieldCardID: card}
			}
			for _, frame := range []string{"%s", "\xef\xbb\xbf%s", "%s\r\n"} {
				check(t, strings.Replace(frame, "%s", row.body, 1), formType, row.method, want{fields: fields, values: five(row.values...)})
			}
		})
	}
	// The bytes given in hex, as they begin.
	start := "\x74\x65\x6d\x70\x6c\x61\x74\x65\x49\x64\x3d" + template + "&\x76\x61\x6c\x75\x65\x73\x5b\x25\x43\x4c\x49\x45\x4e\x54\x5f\x4e\x41\x4d\x45\x25\x5d\x3d"
	if !strings.HasPrefix(call(maria), start) {
		t.Errorf("the capture does not begin with %q", start)
	}
	// The register's handler calls for cards that have no id yet.
	check(t, "cardId=&values[%BONUS%]=5", formType, MethodUpdateCard, want{fields: map[string]string{"cardId": ""}, values: []Value{{"BONUS", "5"}}})
}

func TestBodyCorners(t *testing.T) {
	t.Parallel()
	id := map[string]string{"cardId": "5be"}
	table := []struct {
		name, body, contentType string
		want                    want
	}{
		{"nothing", "", "", want{}},
		{"no Content-Type", "cardId=5be", "", want{fields: id}},
		{"name in any case", "CARDID=5be&VALUES[%A%]=1", formType, want{fields: id, values: []Value{{"A", "1"}}}},
		{"last wins, first place", "cardId=1&values[%A%]=1&values[%B%]=2&values[%A%]=3&cardId=5be", formType, want{fields: id, values: []Value{{"A", "3"}, {"B", "2"}}}},
		{"unknown parameter after an id", "cardId=5be&foo=1&values[%A%]=Иван", formType, want{fields: id, values: []Value{{"A", "Иван"}}}},
		{"keys escaped, plus kept beside Cyrillic", "cardId=5be&values%5B%25PHONE%25%5D=+79131234567&values%5B%25EMAIL%25%5D=a+b@ya.ru&values%5B%25N%25%5D=Ян", formType,
			want{fields: id, values: []Value{{"PHONE", "+79131234567"}, {"EMAIL", "a+b@ya.ru"}, {"N", "Ян"}}}},
		{"keys escaped, raw @ keeps its plus", "cardId=5be&values%5B%25EMAIL%25%5D=a+b@ya.ru", formType, want{fields: id, values: []Value{{"EMAIL", "a+b@ya.ru"}}}},
		{"escaped twice", "cardId=5be&values%255B%2525BALANCE%2525%255D=1", formType, want{fields: id, values: []Value{{"BALANCE", "1"}}}},
		{"brackets before per cents", "cardId=5be&values%255B%25BALANCE%25%255D=1", formType, want{fields: id, values: []Value{{"BALANCE", "1"}}}},
		{"half a name", "cardId=5be&values[%BALANCE]=1&values[CARD%]=2", formType, want{fields: id, values: []Value{{"BALANCE", "1"}, {"CARD", "2"}}}},
		{"Cyrillic name", "cardId=5be&values[%ФИО%]=Ян&values%5B%25%D0%90%25%5D=1", formType, want{fields: id, values: []Value{{"ФИО", "Ян"}, {"А", "1"}}}},
		{"broken escapes", "cardId=5be&values%5B%25A%25%5D=100%&values%5B%25B%25%5D=%zz+1&values%5B%25C%25%5D=%FF", formType,
			want{fields: id, values: []Value{{"A", "100%"}, {"B", "%zz+1"}, {"C", "%FF"}}}},
		{"declared charset, escaped", "cardId=5be&values%5B%25A%25%5D=%CC%E8%F0", formType + "; charset=windows-1251", want{fields: id, values: []Value{{"A", "Мир"}}}},
		{"declared charset, raw", "cardId=5be&values[%A%]=\xed\xc9\xd2", formType + "; charset=KOI8-R", want{fields: id, values: []Value{{"A", "Мир"}}}},
		{"declared charset is wrong", "cardId=5be&values[%A%]=Мир", formType + "; charset=windows-1251", want{fields: id, values: []Value{{"A", "Мир"}}}},
		{"NUL", "cardId=5be&values[%A%]=a\x00b\x00\x00", formType, want{fields: id, values: []Value{{"A", "ab"}}}},
		{"escaped NUL", "cardId=5be&values%5BA%5D=a%00b", formType, want{fields: id, values: []Value{{"A", "ab"}}}},
		{"JSON under a form's type", " {\"cardId\":\"5be\",\"values\":[]}\n", formType, want{fields: id}},
		{"form under JSON's type", "cardId=5be&values[A]=1", "application/json", want{fields: id, values: []Value{{"A", "1"}}}},
		{"JSON with a form's keys", `{"cardId":"5be","values[%A%]":"x","foo":{"a":[[[[1]]]]}}`, "application/json", want{fields: id, values: []Value{{"A", "x"}}}},
		{"JSON half a surrogate", `{"cardId":"5be","values":{"A":"\ud800"}}`, "application/json", want{fields: id, values: []Value{{"A", "\ufffd"}}}},
		{"PHP list", "cardId=5be&values[]=1", formType, want{code: 400}},
		{"numbered", "cardId=5be&values[0]=1", formType, want{code: 400}},
		{"numbered, escaped", "cardId=5be&values%5B0%5D=1", formType, want{code: 400}},
		{"no name", "cardId=5be&values[%%]=1", formType, want{code: 400}},
		{"nested", "cardId=5be&values[A][B]=1", formType, want{code: 400}},
		{"JSON list", `{"cardId":"5be","values":["a"]}`, "application/json", want{code: 400}},
		{"JSON nested", `{"cardId":"5be","values":{"A":{"b":1}}}`, "application/json", want{code: 400}},
		{"JSON object for an id", `{"cardId":{"a":1}}`, "application/json", want{code: 400}},
		{"JSON cut", `{"cardId":"5be"`, "application/json", want{code: 400}},
		{"JSON and more", `{"cardId":"5be"} x`, "application/json", want{code: 400}},
		{"multipart without boundary", "x", "multipart/form-data", want{code: 400}},
		{"multipart cut", "--b\r\nContent-Disposition: form-data; name=\"cardId\"\r\n\r\n5b", "multipart/form-data; boundary=b", want{code: 400}},
		{"too large", "cardId=" + strings.Repeat("x", MaxBody), formType, want{code: 413}},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			check(t, row.body, row.contentType, MethodUpdateCard, row.want)
		})
	}
}

func TestBodyLists(t *testing.T) {
	t.Parallel()
	wantCards := []CardChange{{CardID: "a", Values: []Value{{"BALANCE", "1"}, {"N", "Рога & Ко"}}}, {CardCode: "77", Values: []Value{{"CARD", "2"}}}}
	for _, body := range []string{
		"templateId=t&cards[0][cardId]=a&cards[0][values][%BALANCE%]=1&cards[0][values][%N%]=Рога & Ко&cards[1][cardCode]=77&cards[1][values][%CARD%]=2",
		"templateId=t&cards%5B0%5D%5BcardId%5D=a&cards%5B0%5D%5Bvalues%5D%5B%25BALANCE%25%5D=1&cards%5B0%5D%5Bvalues%5D%5B%25N%25%5D=%D0%A0%D0%BE%D0%B3%D0%B0+%26+%D0%9A%D0%BE" +
			"&cards%5B1%5D%5BcardCode%5D=77&cards%5B1%5D%5Bvalues%5D%5B%25CARD%25%5D=2",
		`{"templateId":"t","cards":[{"cardId":"a","values":{"%BALANCE%":1,"N":"Рога & Ко"}},{"cardCode":77,"values":{"%CARD%":"2"}}]}`,
	} {
		b, err := ParseBody([]byte(body), "", MethodNamed(MethodUpdateCards))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		got, err := b.UpdateCards()
		if err != nil || got.TemplateID != "t" || !slices.EqualFunc(got.Cards, wantCards, func(x, y CardChange) bool {
			return x.CardID == y.CardID && x.CardCode == y.CardCode && slices.Equal(x.Values, y.Values)
		}) {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{
		"cardIds[]=a&cardIds[]=b&cardIds[]=a", "cardIds[0]=a&cardIds[1]=b", "cardIds=a, b", "cardId=a&cardIds%5B%5D=b", `{"cardIds":["a","b"]}`, `{"cardId":"a","cardIds":"b"}`,
	} {
		b, err := ParseBody([]byte(body), "", MethodNamed(MethodDeleteCards))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got, err := b.DeleteCards(); err != nil || !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("%s: got %q, %v", body, got, err)
		}
	}
}

func TestReadBody(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/oapi/v1/updatecard?cardId=query", strings.NewReader("cardId=5be"))
	b, err := ReadBody(r, MethodNamed(MethodUpdateCard))
	if err != nil || b.fields["cardId"] != "5be" {
		t.Fatalf("got %+v, %v", b, err)
	}
	var f *Failure
	for _, reader := range []http.HandlerFunc{
		func(_ http.ResponseWriter, r *http.Request) { _, err = ReadBody(r, MethodNamed(MethodUpdateCard)) },
		func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 100)
			_, err = ReadBody(r, MethodNamed(MethodUpdateCard))
		},
	} {
		reader(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", MaxBody+1))))
		if !errors.As(err, &f) || f.Code != CodeTooLarge {
			t.Errorf("got %v, want 413", err)
		}
	}
}

// A megabyte of what makes the reader look ahead is read in one pass.
func TestBodyOfAmpersands(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"&", "&=", "&values[", "&values[%A", "&values[%A%]", "values[%A%]=я&", "&cards[", "%", "[%", "&values%5B"} {
		body := "values[%A%]=я&" + strings.Repeat(piece, (MaxBody-40)/len(piece))
		if _, err := ParseBody([]byte(body), formType, MethodNamed(MethodUpdateCard)); err != nil {
			t.Errorf("%q: %v", piece, err)
		}
	}
}
