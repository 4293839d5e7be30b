package api

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/internal/httpstory"
	"styk/store"
)

// The stories are what a program's author would do with curl, on both engines.
func TestStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/story/*.http")
	ok(t, err)
	if len(files) == 0 {
		t.Fatal("no stories")
	}
	t.Run("all", func(t *testing.T) {
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				eachEngine(t, func(t *testing.T, w *world) { httpstory.Serve(t, file, w, w.vars) })
			})
		}
	})
	for i := range operations {
		if _, was := done.Load(operations[i].id); !was {
			t.Errorf("%s is done in no story", operations[i].id)
		}
	}
}

// address fills a path in: with what is there, or with what is not.
func address(o *operation, there bool) string {
	path := o.path
	for _, name := range o.pathParams() {
		value := map[string]string{"id": "1", "value": "1", "session": "1", "number": guests, "template": guests, "name": "crm"}[name]
		if !there {
			value = map[string]string{"id": "999999", "value": "999999", "session": "999999", "number": strings.Repeat("f", 24),
				"template": strings.Repeat("f", 24), "name": "nobody"}[name]
		}
		path = strings.Replace(path, "{"+name+"}", value, 1)
	}
	return path
}

func exampleBody(o *operation) string {
	switch {
	case o.bytes:
		return "%PDF-1.4"
	case o.body == nil:
		return ""
	}
	b, _ := json.Marshal(exampleOf(reflect.TypeOf(o.body), 0))
	return string(b)
}

// Every route is closed without a key and without each of its scopes, and opens
// with any one of them.
func TestEveryRouteAsksForItsScope(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		for i := range operations {
			o := &operations[i]
			path, body := address(o, false), exampleBody(o)
			w.ask("", o.method, path, body).want(t, http.StatusUnauthorized)
			w.ask("styk_wrong", o.method, path, body).want(t, http.StatusUnauthorized)
			w.clock.advance(time.Minute) // wrong keys are held back
			var without []string
			for _, s := range Scopes {
				if !slices.Contains(o.rights, s.Right) {
					without = append(without, s.Name)
				}
			}
			if len(o.rights) > 0 {
				a := w.ask(w.key(store.APIKey{Scopes: without, User: w.owner.ID}), o.method, path, body).want(t, http.StatusForbidden)
				if !strings.Contains(a.body, scopeOf(o.rights[0])) {
					t.Errorf("%s does not say what it needs: %s", o.id, a.body)
				}
			}
			for _, right := range o.rights {
				a := w.ask(w.key(store.APIKey{Scopes: []string{scopeOf(right)}, User: w.owner.ID}), o.method, path, body)
				if o.id == "makeKey" && a.fault("scopes") == "scope" {
					continue // it asks for more than the key itself has
				}
				if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || a.status >= 500 {
					t.Errorf("%s with %s: %d %s", o.id, scopeOf(right), a.status, a.body)
				}
			}
		}
		if strings.Contains(w.log.String(), "went wrong") {
			t.Error(w.log.String())
		}
	})
}

// Nothing is found where nothing is, and no path answers with anything but JSON.
func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	for i := range operations {
		o := &operations[i]
		if o.method == http.MethodGet && len(o.pathParams()) > 0 && o.id != "planMerge" {
			w.ask(w.vars["key"], o.method, address(o, false), "").want(t, http.StatusNotFound)
			for _, odd := range []string{"0", "-1", "01", "1e3", "9223372036854775808", "%00", "a%2Fb", "'"} {
				path := strings.Replace(address(o, false), "999999", odd, 1)
				if a := w.ask(w.vars["key"], o.method, path, ""); a.status != http.StatusNotFound {
					t.Errorf("%s: got %d", path, a.status)
				}
			}
		}
	}
	a := w.ask("", "GET", "/nothing", "").want(t, http.StatusNotFound)
	if a.json["error"] == nil {
		t.Errorf("no JSON: %s", a.body)
	}
	a = w.ask("", "DELETE", "/tickets", "").want(t, http.StatusMethodNotAllowed)
	if a.header.Get("Allow") == "" || a.json["error"] == nil {
		t.Errorf("Allow %q, %s", a.header.Get("Allow"), a.body)
	}
}

// A key lives until it is revoked, expires, or its person leaves; it opens only
// from where it may come.
func TestKeys(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		all := ScopeNames()
		passing := w.key(store.APIKey{Scopes: all, Expires: w.clock.Now().Add(time.Hour)})
		w.ask(passing, "GET", "/me", "").want(t, http.StatusOK)
		w.clock.advance(2 * time.Hour)
		w.ask(passing, "GET", "/me", "").want(t, http.StatusUnauthorized)

		near := w.key(store.APIKey{Scopes: all, Networks: []string{"10.0.0.0/8"}})
		w.ask(near, "GET", "/me", "").want(t, http.StatusOK)
		far := w.key(store.APIKey{Scopes: all, Networks: []string{"192.0.2.0/24", "2001:db8::/32"}})
		w.ask(far, "GET", "/me", "").want(t, http.StatusUnauthorized)

		// A person's role bounds his keys, whatever their scopes.
		operator := &styk.User{Name: "vera", Role: styk.RoleOperator}
		w.update(func(tx *store.Tx) error { return tx.SaveUser(operator) })
		vera := w.key(store.APIKey{Scopes: all, User: operator.ID})
		w.ask(vera, "GET", "/tickets", "").want(t, http.StatusOK)
		w.ask(vera, "GET", "/keys", "").want(t, http.StatusForbidden)
		w.update(func(tx *store.Tx) error {
			operator.Disabled = true
			return tx.SaveUser(operator)
		})
		w.ask(vera, "GET", "/tickets", "").want(t, http.StatusUnauthorized)

		// A key gives no more than it has.
		maker := w.key(store.APIKey{Name: "maker", Scopes: []string{"keys:write", "tickets:read"}, Networks: []string{"10.0.0.7/32"}})
		if a := w.ask(maker, "POST", "/keys", `{"name":"more","scopes":["tickets:read","audit:read"]}`).want(t, http.StatusForbidden); a.fault("scopes") != "scope" {
			t.Error(a.body)
		}
		a := w.ask(maker, "POST", "/keys", `{"name":"less","scopes":["tickets:read"],"expires":"2027-01-01T00:00:00Z"}`).want(t, http.StatusCreated)
		less := a.json["secret"].(string)
		if networks := a.json["networks"].([]any); len(networks) != 1 || networks[0] != "10.0.0.7/32" {
			t.Errorf("it may come from %v", networks)
		}
		w.ask(less, "GET", "/tickets", "").want(t, http.StatusOK)
		w.ask(maker, "POST", "/keys", `{"name":"less","scopes":["tickets:read"]}`).want(t, http.StatusConflict)
		w.ask(maker, "DELETE", "/keys/"+number(styk.ID(a.json["id"].(float64))), "").want(t, http.StatusNoContent)
		w.ask(less, "GET", "/tickets", "").want(t, http.StatusUnauthorized)
		if list := w.ask(maker, "GET", "/keys", "").want(t, http.StatusOK); strings.Contains(list.body, less) || !strings.Contains(list.body, `"revoked"`) {
			t.Error(list.body)
		}
	})
}

// A key has a pace of its own, and wrong keys are held back by address.
func TestPaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	slow := w.key(store.APIKey{Scopes: ScopeNames(), PerMinute: 2})
	for range 2 {
		w.ask(slow, "GET", "/me", "").want(t, http.StatusOK)
	}
	a := w.ask(slow, "GET", "/me", "").want(t, http.StatusTooManyRequests)
	if a.header.Get("Retry-After") != "30" || a.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("it is told %v", a.header)
	}
	w.clock.advance(30 * time.Second)
	w.ask(slow, "GET", "/me", "").want(t, http.StatusOK)

	for range wrongPerMinute {
		w.ask("styk_wrong", "GET", "/me", "").want(t, http.StatusUnauthorized)
	}
	w.ask("styk_wrong", "GET", "/me", "").want(t, http.StatusTooManyRequests)
	w.clock.advance(time.Minute)
	w.ask(slow, "GET", "/me", "").want(t, http.StatusOK)
}

// The same Idempotency-Key makes one record, and refuses other values.
func TestCreatesOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		key := w.vars["key"]
		for path, bodies := range map[string][2]string{
			"/customers":       {`{"last_name":"Петров","mobile":"+79160000001"}`, `{"last_name":"Сидоров","mobile":"+79160000002"}`},
			"/cards":           {`{"template":"` + guests + `","values":{"PHONE":"+79160000003"}}`, `{"template":"` + guests + `","values":{"PHONE":"+79160000004"}}`},
			"/tickets/1/notes": {`{"text":"раз"}`, `{"text":"два"}`},
		} {
			if strings.HasPrefix(path, "/tickets") {
				list := w.ask(key, "GET", "/tickets", "").json["items"].([]any)
				path = "/tickets/" + number(styk.ID(list[0].(map[string]any)["id"].(float64))) + "/notes"
			}
			first := w.ask(key, "POST", path, bodies[0], "Idempotency-Key", "one").want(t, http.StatusCreated)
			again := w.ask(key, "POST", path, bodies[0], "Idempotency-Key", "one")
			if again.status >= 300 || first.json["id"] != again.json["id"] || first.json["number"] != again.json["number"] {
				t.Errorf("%s: %s then %s", path, first.body, again.body)
			}
			other := w.ask(key, "POST", path, bodies[1], "Idempotency-Key", "one").want(t, http.StatusConflict)
			if other.fault("Idempotency-Key") != "reused" {
				t.Error(other.body)
			}
			w.ask(key, "POST", path, bodies[1], "Idempotency-Key", "two\x01").want(t, http.StatusUnprocessableEntity)
		}
	})
}

// Lists go on by the address that they give, and end.
func TestListsGoOn(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		for _, list := range []string{"/tickets", "/customers", "/deliveries", "/calls", "/audit", "/cards"} {
			for _, phone := range []string{"+79170000001", "+79170000002"} {
				w.ask(w.vars["key"], "POST", "/cards", `{"template":"`+guests+`","values":{"PHONE":"`+phone+`"}}`)
			}
			seen := 0
			for path := list + "?limit=1"; path != ""; seen++ {
				a := w.ask(w.vars["key"], "GET", path, "").want(t, http.StatusOK)
				if n := len(a.json["items"].([]any)); n > 1 || seen > 50 {
					t.Fatalf("%s: %d at once, page %d", path, n, seen)
				}
				next, _ := a.json["next"].(string)
				if (next != "") != strings.Contains(a.header.Get("Link"), "next") {
					t.Errorf("%s: next %q, Link %q", path, next, a.header.Get("Link"))
				}
				path = strings.TrimPrefix(next, Root)
			}
			if seen < 2 && list != "/calls" {
				t.Errorf("%s: %d pages", list, seen)
			}
		}
	})
}

// Nothing personal and no key is logged, whatever is asked.
func TestNothingPersonalIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	key := w.vars["key"]
	w.ask(key, "GET", "/customers?q=9491234511", "")
	w.ask(key, "POST", "/customers", `{"last_name":"Канарейкин","mobile":"+79161112233"}`)
	w.ask(key, "POST", "/customers", `{"last_name":"Канарейкин","birthday":"вчера"}`)
	for _, never := range []string{"9491234511", "Канарейкин", "9161112233", key, "вчера"} {
		if strings.Contains(w.log.String(), never) {
			t.Errorf("the log holds %q", never)
		}
	}
}

// A body that is too large, of another type, or unwanted is refused.
func TestBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	key := w.vars["key"]
	w.ask(key, "POST", "/customers", `{"text":"`+strings.Repeat("а", maxBody)+`"}`).want(t, http.StatusRequestEntityTooLarge)
	w.ask(key, "POST", "/customers", `a=b`, "Content-Type", "application/x-www-form-urlencoded").want(t, http.StatusUnsupportedMediaType)
	w.ask(key, "GET", "/customers", `{}`).want(t, http.StatusBadRequest)
	w.ask(key, "GET", "/customers?name=x", "").want(t, http.StatusUnprocessableEntity)
	if a := w.ask(key, "GET", "/tickets?status=opne&limit=500", ""); a.fault("status") != "choice" || a.fault("limit") != "integer" {
		t.Error(a.body)
	}
	w.ask(key, "POST", "/customers", `{"birthday":"вчера","last_name":"И"}`).want(t, http.StatusUnprocessableEntity)
	big := strings.Repeat("x", 2<<20)
	customer := w.ask(key, "GET", "/customers", "").json["items"].([]any)[0].(map[string]any)
	w.ask(key, "POST", "/customers/"+number(styk.ID(customer["id"].(float64)))+"/files?name=a.txt", big).want(t, http.StatusRequestEntityTooLarge)
}

// The page and the document are for everybody; they load nothing from elsewhere.
func TestPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	for _, lang := range []string{"ru", "en"} {
		a := w.ask("", "GET", "/?lang="+lang, "").want(t, http.StatusOK)
		for i := range operations {
			if !strings.Contains(a.body, "</b> "+operations[i].path+"<") {
				t.Errorf("%s is not on the page", operations[i].id)
			}
		}
		if strings.Contains(a.body, "//") && strings.Contains(a.body, "http") {
			t.Error("the page names another host")
		}
	}
	a := w.ask("", "GET", "/openapi.json", "").want(t, http.StatusOK)
	w.ask("", "GET", "/openapi.json", "", "If-None-Match", a.header.Get("ETag")).want(t, http.StatusNotModified)
	w.ask("", "GET", "/style.css", "").want(t, http.StatusOK)
	w.ask("", "GET", "", "").want(t, http.StatusPermanentRedirect)
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	list, err := CheckNetworks([]string{"10.0.0.7", "192.168.1.9/24", "2001:db8::1"})
	ok(t, err)
	if want := []string{"10.0.0.7/32", "192.168.1.0/24", "2001:db8::1/128"}; !slices.Equal(list, want) {
		t.Errorf("got %q", list)
	}
	if _, err := CheckNetworks([]string{"10.0.0"}); styk.CodeOf(err) != styk.Invalid {
		t.Errorf("got %v", err)
	}
	if within(list, netip.MustParseAddr("10.0.0.8")) || !within(list, netip.MustParseAddr("::ffff:10.0.0.7")) {
		t.Error("a wrong address is within, or a right one is not")
	}
}
