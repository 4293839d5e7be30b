package passteam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"
)

// encode1C escapes as 1C's КодироватьСтроку does for URLs: a space is %20.
func encode1C(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// Every way of writing a request that the statements name and that loses
// nothing (spec/passteam.md 2.2).
var encoders = map[string]func(id string, values []Value) (body, contentType string){
	"form": func(id string, values []Value) (string, string) {
		return join(id, values, func(v Value) string { return url.QueryEscape("values[%"+v.Name+"%]") + "=" + url.QueryEscape(v.Text) }), formType
	},
	"form without per cents": func(id string, values []Value) (string, string) {
		return join(id, values, func(v Value) string { return url.QueryEscape("values["+v.Name+"]") + "=" + url.QueryEscape(v.Text) }), formType
	},
	"1C's own": func(id string, values []Value) (string, string) {
		return join(id, values, func(v Value) string { return encode1C("values[%"+v.Name+"%]") + "=" + encode1C(v.Text) }), formType
	},
	"id last": func(id string, values []Value) (string, string) {
		body := join("", values, func(v Value) string { return encode1C("values[%"+v.Name+"%]") + "=" + encode1C(v.Text) })
		return strings.TrimPrefix(body, "cardId=&") + "&cardId=" + id, formType
	},
	"raw brackets": func(id string, values []Value) (string, string) {
		return join(id, values, func(v Value) string {
			return "values[" + url.QueryEscape("%"+v.Name+"%") + "]=" + url.QueryEscape(v.Text)
		}), formType
	},
	"raw keys": func(id string, values []Value) (string, string) {
		return join(id, values, func(v Value) string { return "values[%" + v.Name + "%]=" + encode1C(v.Text) }), formType
	},
	"windows-1251 declared": func(id string, values []Value) (string, string) {
		body, contentType := join(id, values, func(v Value) string { return encode1C("values[%"+v.Name+"%]") + "=" + encode1C(v.Text) }), formType
		return body, contentType + "; charset=windows-1251"
	},
	"multipart": func(id string, values []Value) (string, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_ = w.WriteField("cardId", id)
		for _, v := range values {
			_ = w.WriteField("values[%"+v.Name+"%]", v.Text)
		}
		_ = w.Close()
		return b.String(), w.FormDataContentType()
	},
	"JSON": func(id string, values []Value) (string, string) {
		var b strings.Builder
		fmt.Fprintf(&b, `{"cardId":%q,"values":{`, id)
		for i, v := range values {
			name, _ := json.Marshal("%" + v.Name + "%")
			text, _ := json.Marshal(v.Text)
			b.WriteString(strings.Repeat(",", min(i, 1)) + string(name) + ":" + string(text))
		}
		return b.String() + "}}", "application/json"
	},
}

func join(id string, values []Value, write func(Value) string) string {
	pairs := []string{"cardId=" + id}
	for _, v := range values {
		pairs = append(pairs, write(v))
	}
	return strings.Join(pairs, "&")
}

// drawValues gives variables as templates may name them, with any text but NUL,
// which is deleted. Names are made of what a person types: a name of digits
// alone is a list to PHP, and per cents at its ends are not part of it.
func drawValues(t *rapid.T) []Value {
	name := rapid.StringMatching(`[A-Za-zА-Яа-яЁё_][A-Za-zА-Яа-яЁё_0-9 .№-]{0,12}[A-Za-zА-я0-9_]?`)
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[&=;+% а-яA-F0-9@"\[\]]{0,20}`),
		rapid.SampledFrom([]string{"", "100%", "%41", "a+b@ya.ru", "+7 (913) 123-45-67", `ООО "Рога & Копыта"`, "&values[%X%]=", "&cardId=1", " a ", "1\u00a0234,5", "{", "--b--\r\n", "=", "&"}),
	)
	var all []Value
	seen := map[string]bool{}
	for range rapid.IntRange(0, 6).Draw(t, "n") {
		v := Value{strings.TrimSpace(name.Draw(t, "name")), strings.ReplaceAll(text.Draw(t, "text"), "\x00", "")}
		if !seen[v.Name] {
			seen[v.Name] = true
			all = append(all, v)
		}
	}
	return all
}

// What is encoded is read back.
func TestEncodedIsReadBack(t *testing.T) {
	t.Parallel()
	for name, encode := range encoders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				values := drawValues(t)
				body, contentType := encode(card, values)
				for _, frame := range []string{"", "\ufeff"} {
					got, err := ParseBody([]byte(frame+body), contentType, MethodNamed(MethodUpdateCard))
					if err != nil {
						t.Fatalf("%q: %v", body, err)
					}
					if got.fields["cardId"] != card || !slices.Equal(got.Values, values) {
						t.Fatalf("%q\n got %q\nwant %q", body, got.Values, values)
					}
				}
			})
		})
	}
}

// What is not encoded is read back too, unless a value holds an ampersand and a
// parameter behind it, or is what an encoder could have made.
func TestRawIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := slices.DeleteFunc(drawValues(t), func(v Value) bool {
			decoded, broken := unescape(v.Text)
			return !broken && decoded != v.Text && escaped(v.Text) && utf8.ValidString(decoded) ||
				strings.Contains(v.Text, "&cardId=") || strings.Contains(v.Text, "&values[")
		})
		if len(values) == 0 {
			return
		}
		last := &values[len(values)-1] // line ends behind the body are cut off
		last.Text = strings.TrimRight(last.Text, "\r\n")
		body := join(card, values, func(v Value) string { return "values[%" + v.Name + "%]=" + v.Text })
		got, err := ParseBody([]byte(body), formType, MethodNamed(MethodUpdateCard))
		if err != nil || got.fields["cardId"] != card || !slices.Equal(got.Values, values) {
			t.Fatalf("%q: %v\n got %q\nwant %q", body, err, got.Values, values)
		}
		old, err := charmap.Windows1251.NewEncoder().String(body)
		if err != nil || utf8.ValidString(old) {
			return // has signs that windows-1251 lacks, or is ASCII
		}
		got, err = ParseBody([]byte(old), formType, MethodNamed(MethodUpdateCard))
		if err != nil || !slices.Equal(got.Values, values) {
			t.Fatalf("windows-1251 %q: %v\n got %q\nwant %q", body, err, got.Values, values)
		}
	})
}

// FuzzBody: no bytes panic, and what is read is text a database keeps, with no
// name twice.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		"templateId=5be&values[%CLIENT_NAME%]=ООО \"Рога & Копыта\"; филиал=2&values[%PHONE%]=",
		"\ufeffcardId=" + card + "&values[%PHONE%]=+79286646611&values[%BONUS%]=1\u00a0234,5",
		"values%5B%25NAME%25%5D=Ivan+P%26Co&templateId=5be", "values%255B%25A%25%255D=1", "values[%A%]=\xc8\xe2\xe0\xed",
		"cards[0][values][%A%]=1&cards[0][cardId]=x&cardIds[]=1", "values[]=1&values[0]=2&values[%%]", "&&=&%&%%5",
	} {
		f.Add([]byte(seed), formType)
	}
	f.Add([]byte(`{"cardId":1,"values":{"%A%":null,"B":[1],"":{}},"cards":[{"values":{"A":1}}]}`), "application/json")
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"values[%A%]\"\r\n\r\n1\r\n--b--"), "multipart/form-data; boundary=b")
	f.Add([]byte("values[%A%]=\xed\xc9\xd2"), formType+"; charset=koi8-r")
	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		for _, m := range Methods() {
			b, err := ParseBody(data, contentType, m)
			if err != nil {
				if failure := (*Failure)(nil); !errors.As(err, &failure) {
					t.Fatalf("%v is no Failure", err)
				}
				continue
			}
			for name, text := range b.fields {
				sound(t, name, text)
				if !slices.Contains(m.Fields, name) {
					t.Errorf("%s has no parameter %q", m.Name, name)
				}
			}
			soundValues(t, b.Values)
			for _, card := range b.Cards {
				sound(t, card.CardID, card.CardCode)
				soundValues(t, card.Values)
			}
			sound(t, b.CardIDs...)
		}
	})
}

func soundValues(t *testing.T, values []Value) {
	seen := map[string]bool{}
	for _, v := range values {
		sound(t, v.Name, v.Text)
		if v.Name == "" || seen[v.Name] || strings.Trim(v.Name, "%") != v.Name {
			t.Errorf("name %q", v.Name)
		}
		seen[v.Name] = true
	}
}

func sound(t *testing.T, texts ...string) {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Errorf("text %q", text)
		}
	}
}
