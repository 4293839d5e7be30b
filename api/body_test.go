package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"styk"
)

func mistakeOf(t *testing.T, err error) *styk.Error {
	t.Helper()
	var e *styk.Error
	if !errors.As(err, &e) {
		t.Fatalf("no mistake: %v", err)
	}
	return e
}

type sample struct {
	Name  string            `json:"name"`
	Tags  []string          `json:"tags,omitempty" enum:"a,b"`
	Count *int64            `json:"count"`
	Inner *inner            `json:"inner"`
	Map   map[string]string `json:"map,omitempty"`
}

type inner struct {
	Text string `json:"text"`
}

func TestBodiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"name":"a"}`: "",
		`{"name":"a","tags":["a","b"],"count":3,"inner":{"text":"x"},"map":{"k":"v"}}`: "",
		`{"name":"a","tgas":[]}`:   "tgas unknown",
		`{"Name":"a"}`:             "Name unknown",
		`{}`:                       "name required",
		`{"name":"a","name":"b"}`:  "name once",
		`{"name":null}`:            "name null",
		`{"name":1}`:               "name type",
		`{"name":"a","count":1.5}`: "count type",
		`{"name":"a","count":99999999999999999999}`:  "count type",
		`{"name":"a","tags":["c"]}`:                  "tags[0] choice",
		`{"name":"a","inner":{"text":"x","more":1}}`: "inner.more unknown",
		`{"name":"a","inner":{}}`:                    "inner.text required",
		`{"name":"a\u0000b"}`:                        "name text",
		`{"name":"a","map":{"k":1}}`:                 "map type",
		`[]`:                                         "malformed",
		`{"name":"a"} {}`:                            "malformed",
		`{"name":"a"`:                                "malformed",
		``:                                           "malformed",
		"{\"name\":\"\xff\"}":                        "malformed",
		strings.Repeat(`{"map":`, 30):                "malformed",
		`{"name":"a","map":` + strings.Repeat(`[`, 9): "malformed",
	} {
		var into sample
		err := decode([]byte(body), &into)
		got := ""
		var f *failure
		var e *styk.Error
		switch {
		case errors.As(err, &f):
			got = f.Code
		case errors.As(err, &e):
			got = e.Faults[0].Field + " " + e.Faults[0].Rule
		case err != nil:
			got = err.Error()
		}
		if want != got && !(want == "map type" && strings.HasSuffix(got, " type")) && !(body == "[]" && got != "") {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

// Whatever comes, a body is either refused in words or is the value that JSON
// gives, and an answer never holds anything but UTF-8.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"name":"Иван"}`, `{"name":"a","tags":["b"],"count":7}`, `{"first_name":"А","account_id":3}`, `{"a":`, `null`, `"\ud800"`,
		`{"values":{"PHONE":"+7"},"template":"5be000000000000000000001"}`, "{\"name\":\"\\u0000\"}", `{"since":"2026-11-21T12:00:00Z","expect":1e3}`} {
		f.Add([]byte(seed))
	}
	bodies := []any{sample{}}
	for i := range operations {
		if operations[i].body != nil {
			bodies = append(bodies, operations[i].body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, b := range bodies {
			into := reflect.New(reflect.TypeOf(b)).Interface()
			err := decode(body, into)
			var bad *failure
			var e *styk.Error
			switch {
			case err == nil:
				if out, err := json.Marshal(into); err != nil || strings.Contains(string(out), `\u0000`) && !strings.Contains(string(out), `\\u0000`) {
					t.Errorf("%T took %q: %v", b, body, err)
				}
			case errors.As(err, &bad):
			case errors.As(err, &e):
				for _, one := range e.Faults {
					if !utf8.ValidString(one.Field) || len(one.Field) > 4000 {
						t.Errorf("%T: fault of %q", b, one.Field)
					}
				}
			default:
				t.Errorf("%T: %v", b, err)
			}
		}
	})
}

// Whatever stands behind the question mark, it is refused in words or every
// value that is taken fits its parameter.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "q=1234511&limit=20", "limit=0", "limit=201", "before=-1", "before=0x10", "status=open&status=closed", "%zz", "q=%00", "q=%ff",
		"since=2026-11-21T12:00:00Z", "since=yesterday", "installed=maybe", ";", "a=b&&", "before=9223372036854775808"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for i := range operations {
			op := &operations[i]
			q, err := readQuery(op, raw)
			if err != nil {
				continue
			}
			for name, value := range q {
				if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
					t.Errorf("%s took %s=%q", op.id, name, value)
				}
			}
			if n := q.id("limit"); n < 0 || n > maxLimit {
				t.Errorf("%s took limit %d", op.id, n)
			}
		}
	})
}
