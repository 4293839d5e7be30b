package passteam

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// byHand calls the simulator with no code of the client.
func byHand(s *Sim, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Authorization", "passteam-secret")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// What the statements do not list is an error, never a 200.
func TestSimIsStrict(t *testing.T) {
	t.Parallel()
	s := NewSim(SimCards(1))
	id := s.State().Cards[0].CardID
	for _, row := range []struct {
		name, path, body string
		headers          []string
		status           int
		offence          bool
	}{
		{"raw names", "/oapi/v1/updatecard", "cardId=" + id + "&values[%BONUS%]=1", nil, 400, true},
		{"raw text", "/oapi/v1/updatecard", "cardId=" + id + "&values%5B%25CLIENT_NAME%25%5D=Иван", nil, 400, true},
		{"JSON", "/oapi/v1/updatecard", `{"cardId":"` + id + `"}`, []string{"Content-Type", "application/json"}, 400, true},
		{"a number", "/oapi/v1/updatecard", "cardId=" + id + "&values%5B0%5D=1", nil, 400, true},
		{"twice", "/oapi/v1/updatecard", "cardId=" + id + "&cardId=" + id, nil, 400, true},
		{"foreign parameter", "/oapi/v1/createcard", "templateId=" + SimGuestTemplate + "&page=1", nil, 400, true},
		{"page 0", "/oapi/v1/getCardsWithPagination", "templateId=" + SimGuestTemplate + "&page=0", nil, 400, true},
		{"unknown method", "/oapi/v1/addpurchase", "", nil, 404, true},
		{"version 2", "/oapi/v2/createcard", "", nil, 404, true},
		{"double slash", "//oapi/v1/createcard", "", nil, 404, true},
		{"no token", "/oapi/v1/gettemplates", "", []string{"Authorization", ""}, 401, false},
		{"Bearer", "/oapi/v1/gettemplates", "", []string{"Authorization", "Bearer passteam-secret"}, 401, false},
		{"unknown template", "/oapi/v1/createcard", "templateId=x", nil, 404, false},
		{"no body", "/oapi/v1/gettemplates", "", []string{"Content-Type", ""}, 200, false},
		{"any case", "/oapi/v1/UpdateCard", "cardId=" + id + "&values%5B%25BONUS%25%5D=5", nil, 200, false},
		{"token for a name", "/oapi/v1/getatoken", "nickname=shop&password=secret", []string{"Authorization", ""}, 200, false},
		{"wrong password", "/oapi/v1/getatoken", "nickname=shop&password=x", nil, 401, false},
		{"unique", "/oapi/v1/checkunique", "templateId=" + SimGuestTemplate + "&values%5B%25PHONE%25%5D=8+913+0000000", nil, 200, false},
		{"share", "/oapi/v1/distribute", "cardId=" + id + "&channel=sms&to=79130000000", nil, 200, false},
		{"share by fax", "/oapi/v1/distribute", "cardId=" + id + "&channel=fax&to=1", nil, 400, true},
		{"push", "/oapi/v1/sendpush", "message=hi&cardIds%5B%5D=" + id, nil, 200, false},
		{"all cards", "/oapi/v1/getcards", "templateId=" + SimGuestTemplate, nil, 200, false},
		{"delete", "/oapi/v1/deletecard", "cardId=" + id, nil, 200, false},
		{"deleted", "/oapi/v1/getcard", "cardId=" + id, nil, 404, false},
	} {
		before := len(s.State().Broken)
		w := byHand(s, row.path, row.body, row.headers...)
		if w.Code != row.status || (len(s.State().Broken) > before) != row.offence {
			t.Errorf("%s: got %d %s, want %d; broken %q", row.name, w.Code, w.Body, row.status, s.State().Broken[before:])
		}
		if row.name == "unique" && !strings.Contains(w.Body.String(), id) {
			t.Errorf("unique: %s", w.Body)
		}
	}
	get := httptest.NewRecorder()
	s.ServeHTTP(get, httptest.NewRequest("GET", "/oapi/v1/gettemplates", nil))
	if get.Code != 405 {
		t.Errorf("GET: %d", get.Code)
	}
	state := s.State()
	if state.Cards[0].Pushes[0] != "hi" || state.Cards[0].Values["BONUS"] != "5" || !state.Cards[0].Deleted || state.Calls != len(state.Log) {
		t.Errorf("state %+v", state)
	}
}

// The simulator is driven over HTTP too.
func TestSimIsDriven(t *testing.T) {
	t.Parallel()
	s := NewSim(SimToken("t"), SimLogin("n", "p"), SimClock(func() time.Time { return time.Unix(1e9, 0) }), SimCards(2))
	s.AddTemplate(SimTemplate{ID: "x", Name: "X"})
	post := func(body string) *httptest.ResponseRecorder { return byHand(s, "/_sim/fault", body) }
	if w := post(`[{"name":"trouble","value":"502","times":1,"method":"createcard"},{"name":"status","value":"200"}]`); w.Code != 200 || !strings.Contains(w.Body.String(), `"trouble"`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, want := range []int{502, 404} { // the codes; the status stays 200
		w := byHand(s, "/oapi/v1/createcard", "templateId=none", "Authorization", "t")
		var e struct{ Code int }
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code != want || w.Code != 200 {
			t.Errorf("got %d %s, want code %d", w.Code, w.Body, want)
		}
	}
	for _, body := range []string{`{"name":"x"}`, `{"name":"rate","value":"1"}`, `{"name":"latency","value":"soon"}`, `[`, `5`} {
		if w := post(body); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
	if w := post(`{"name":"calm"}`); w.Code != 200 || w.Body.String() != "{}" {
		t.Errorf("calm: %d %s", w.Code, w.Body)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/_sim/state", nil))
	var state SimState
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil || len(state.Cards) != 2 || len(state.Templates) != 3 || state.Calls != 2 {
		t.Errorf("state %s, %v", w.Body, err)
	}
	if err := s.Install("none", true); err == nil {
		t.Error("a card that is not there was installed")
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]SimFault{
		"trouble=502:3": {Name: "trouble", Value: "502", Times: 3}, "latency=1ms": {Name: "latency", Value: "1ms"}, "cut=after": {Name: "cut", Value: "after"},
	} {
		if got, err := ParseFault(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x=1", "rate=429:0", "rate=429:x", "rate", "latency="} {
		if f, err := ParseFault(text); err == nil {
			t.Errorf("%q is %+v", text, f)
		}
	}
	for name, positions := range SimSwitches() {
		for _, p := range positions {
			if err := (SimFault{Name: name, Value: p}).check(); err != nil {
				t.Error(err)
			}
		}
	}
}

// The simulator's own reader of what callers send.
func FuzzSimForm(f *testing.F) {
	for _, seed := range []string{"cardId=1&values%5B%25A%25%5D=x", "values[%A%]=1", "cardIds%5B%5D=1&cardIds%5B%5D=2", "a=%zz", "&&", "values%5B%5D=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := NewSim(SimCards(1))
		for method := range simMethods {
			if w := byHand(s, "/oapi/v1/"+method, body); !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s answers %s", method, w.Body)
			}
		}
	})
}
