package vtiger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"styk"
)

func TestJSONAsPHPWritesIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value Value
		want  string
	}{
		{Text(""), `""`},
		{Text(`a/b "c" \ <&>'`), `"a\/b \"c\" \\ <&>'"`},
		{Text("\b\f\n\r\t\x00\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\""},
		{Text("Ёж 😀\u2028\U0010ffff"), `"\u0401\u0436 \ud83d\ude00\u2028\udbff\udfff"`},
		{Text("a\xffb\xd0"), `"a\ufffdb\ufffd"`},
		{Text("\xed\xa0\x80"), `"\ufffd\ufffd\ufffd"`}, // a surrogate in UTF-8 is none
		{Int(-1795295532), "-1795295532"},
		{Bool(true), "true"},
		{Null{}, "null"},
		{nil, "null"},
		{List{}, "[]"},
		{List(nil), "[]"},
		{Object{}, "[]"},
		{Texts([]string{"a", "b"}), `["a","b"]`},
		{Object{{"б", Object{{"x", Int(1)}, {"y", nil}}}, {"l", List{Text("a"), Bool(false)}}, {"r", Raw("{}")}}, `{"\u0431":{"x":1,"y":null},"l":["a",false],"r":{}}`},
	} {
		if got := string(appendValue(nil, c.value)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	t.Parallel()
	if got, want := string(appendSuccess(nil, Text("83859"))), `{"success":true,"result":"83859"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got := string(appendFailure(nil, CodeMandatoryMissing, msgNoValue("inn"), Object{{"fields", Texts([]string{"inn"})}}))
	if want := `{"success":false,"error":{"message":"inn does not have a value","code":"MANDATORY_FIELDS_MISSING","fields":["inn"]}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Every valid text comes out as PHP writes it and as Go reads it.
func TestJSONTextsAgreeWithPHP(t *testing.T) {
	t.Parallel()
	texts := []string{"", "й", "/", "\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"}
	for c := range rune(0x500) {
		texts = append(texts, "a"+string(c))
	}
	gen := rapid.String()
	for seed := range 300 {
		texts = append(texts, gen.Example(seed))
	}
	var in bytes.Buffer
	var want []string
	for _, text := range texts {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(text)) + "\n")
		want = append(want, string(appendString(nil, text)))
	}
	out := php(t, `while (($l = fgets(STDIN)) !== false) echo json_encode(base64_decode(trim($l))), "\n";`, in.Bytes())
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(got) != len(want) {
		t.Fatalf("php answered %d lines of %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q: php writes %s, we %s", texts[i], got[i], want[i])
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, text := range []string{"", "a/b", "\xff", "й😀", "\"\\\x00\x7f"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out := appendString(nil, text)
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if utf8.ValidString(text) && back != text {
			t.Fatalf("%q came back as %q", text, back)
		}
		for _, c := range out {
			if c < ' ' || c >= utf8.RuneSelf {
				t.Fatalf("a raw byte %#x in %s", c, out)
			}
		}
	})
}

func TestElement(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Fields{
		`{"firstname":"Василий","n":12.50,"yes":true,"no":false,"none":null}`: {
			{Name: "firstname", Text: "Василий"}, {Name: "n", Text: "12.50"}, {Name: "yes", Text: "1"}, {Name: "no", Text: "0"}, {Name: "none", Null: true}},
		" \n{ } ":                            nil,
		"[]":                                 nil, // PHP's empty map
		"\ufeff{\"a\":\"\\u0431\"}":          {{Name: "a", Text: "б"}},
		`{"a":"1","b":"2","a":"3"}`:          {{Name: "a", Text: "3"}, {Name: "b", Text: "2"}},
		`%7B%22a%22%3A%22%2B7+949%22%7D`:     {{Name: "a", Text: "+7 949"}},
		`{"big":123456789012345678901234e9}`: {{Name: "big", Text: "123456789012345678901234e9"}},
		`{"":"x"}`:                           {{Name: "", Text: "x"}},
	} {
		got, err := decodeElement(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if len(got) != len(want) {
			t.Errorf("%s: got %v, want %v", in, got, want)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: got %v, want %v", in, got[i], want[i])
			}
		}
	}
}

func TestElementErrors(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		code styk.Code
		text string
	}{
		"":                              {styk.Missing, "element: element does not have a value"},
		"  ":                            {styk.Missing, "element does not have a value"},
		`{"firstname":`:                 {styk.Invalid, "malformed JSON at byte 13"},
		`{"a":"b",}`:                    {styk.Invalid, "malformed JSON at byte 10"},
		`{"a":"b"} x`:                   {styk.Invalid, "malformed JSON at byte 11"},
		`{'a':'b'}`:                     {styk.Invalid, "malformed JSON at byte 2"},
		"{\"a\":\"\n\"}":                {styk.Invalid, "malformed JSON"},
		`"abc"`:                         {styk.Invalid, "expected an object"},
		`12`:                            {styk.Invalid, "expected an object"},
		`["a"]`:                         {styk.Invalid, "got a list"},
		`{"a":["b"],"c":1,"d":{"e":1}}`: {styk.Invalid, "a: a: expected text, got a list; d: d: expected text, got an object"},
		"{" + strings.Repeat(`"a":{"b":[`, 20000): {styk.Invalid, "malformed JSON"},
	} {
		_, err := decodeElement(in)
		if styk.CodeOf(err) != want.code || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%.40s: got %v, want %s: %s", in, err, want.code, want.text)
		}
	}
}

func TestElementHasAnEnd(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range maxElementFields + 1 {
		b.WriteString(`,"f` + string(Int(i).appendJSON(nil)) + `":1`)
	}
	if _, err := decodeElement("{" + b.String()[1:] + "}"); styk.CodeOf(err) != styk.TooLarge {
		t.Errorf("got %v", err)
	}
}

// What we write as element we read again.
func TestElementRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfDistinct(rapid.Custom(func(t *rapid.T) Field {
			return Field{Name: rapid.String().Draw(t, "name"), Text: rapid.String().Draw(t, "text")}
		}), func(f Field) string { return f.Name }).Draw(t, "fields")
		got, err := decodeElement(encodeElement(fields))
		if err != nil || len(got) != len(fields) {
			t.Fatalf("%v, %v", got, err)
		}
		for i := range fields {
			if got[i] != fields[i] {
				t.Fatalf("%v, want %v", got[i], fields[i])
			}
		}
	})
}

func FuzzElement(f *testing.F) {
	for _, text := range []string{`{"a":"b"}`, `{"a":[1,{"b":2}],"c":null}`, "[]", "%7B%7D", `{"a":1e9,"a":true}`, "\ufeff{}", `"x"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := decodeElement(text)
		if err != nil && styk.CodeOf(err) == "" {
			t.Fatalf("not a mistake that can be told: %v", err)
		}
		for _, field := range fields {
			if !utf8.ValidString(field.Text) {
				t.Fatalf("%v", field)
			}
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	names := strings.Fields("salutationtype firstname contact_no phone lastname mobile account_id homephone leadsource otherphone title fax department birthday email assigned_user_id createdtime modifiedtime mailingstreet id label")
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		record := make(Object, 0, len(names))
		for _, name := range names {
			record.AddText(name, "Пупкинидзе 12x3/4")
		}
		buf = appendSuccess(buf[:0], record)
	}
}
