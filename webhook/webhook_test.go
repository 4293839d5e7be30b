package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"styk"
	"styk/connect"
	"styk/connect/connecttest"
	"styk/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret    = "whsec_c3R5ay13ZWJob29rLWV4YW1wbGUta2V5LTAx"
	oldSecret = "whsec_c3R5ay13ZWJob29rLWVhcmxpZXIta2V5LTAw"
)

// verified lets pass only what the official library accepts.
func verified(t *testing.T, next http.Handler) http.Handler {
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func suite(inline string) connecttest.Case {
	return connecttest.Case{
		Kind: webhook.Kind,
		New: func(t *testing.T) *connecttest.Sim {
			sim := webhook.NewSim(secret)
			settings := func(key string) func(string) map[string]any {
				return func(url string) map[string]any {
					return map[string]any{"url": url + "/hook", "secret": key, "inline": inline}
				}
			}
			return &connecttest.Sim{
				Handler:  verified(t, sim),
				Settings: settings(secret),
				Wrong:    settings(oldSecret),
				Records:  func(n string) int { return len(sim.Tickets(n)) },
				Number:   func(n string) string { return sim.Tickets(n)[0].Number },
				Files: func(n string) []connecttest.File {
					var out []connecttest.File
					for _, f := range sim.Files(n) {
						out = append(out, connecttest.File{Name: f.Name, Size: f.Size, SHA256: f.SHA256})
					}
					return out
				},
			}
		},
	}
}

func TestConnector(t *testing.T) {
	t.Parallel()
	t.Run("links", func(t *testing.T) { t.Parallel(); connecttest.Run(t, suite("0")) })
	t.Run("inline", func(t *testing.T) { t.Parallel(); connecttest.Run(t, suite("64KB")) })
}

// open makes a connector to handler and a way to deliver to it.
func open(t *testing.T, h http.Handler, values map[string]any) (connect.Connector, *http.Client) {
	t.Helper()
	server := httptest.NewServer(h)
	base := connect.Guard{}.NewBase()
	t.Cleanup(func() { base.CloseIdleConnections(); server.Close() })
	client := (&connect.Transport{Base: base}).Client()
	all := map[string]any{"url": server.URL, "secret": secret}
	for k, v := range values {
		all[k] = v
	}
	c, err := webhook.Kind.Open(connect.Settings{Values: all, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	return c, client
}

func deliver(t *testing.T, c connect.Connector, client *http.Client, p *connect.Parcel) (*connect.Memory, error) {
	t.Helper()
	m := &connect.Memory{}
	return m, c.Deliver(t.Context(), p.Bind(m.Effects(client)))
}

// During a rotation both the old and the new holder accept.
func TestRotation(t *testing.T) {
	t.Parallel()
	for _, known := range []string{secret, oldSecret} {
		sim := webhook.NewSim(known)
		c, client := open(t, sim, map[string]any{"secret": []any{secret, oldSecret}})
		if _, err := deliver(t, c, client, connecttest.Parcel(1)); err != nil {
			t.Error(err)
		}
	}
}

// The schema is what README.md promises: a changed golden file is a broken promise.
func TestPayload(t *testing.T) {
	t.Parallel()
	sim := webhook.NewSim(secret)
	c, client := open(t, sim, nil)
	p := connecttest.Parcel(42)
	if _, err := deliver(t, c, client, p); err != nil {
		t.Fatal(err)
	}
	golden(t, "ticket.json", sim.Tickets(p.Ticket.Number)[0].Body)

	var body []byte
	c, client = open(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
	}), nil)
	card := &connect.Parcel{ID: "c1", Card: &connect.CardEvent{
		Event: "card.updated", Card: "5bea7e305abcfd6b708b4573", Template: "5be000000000000000000001",
		URL:     "https://styk.firm.ru/c/5bea7e305abcfd6b708b4573-x",
		Values:  []connect.Value{{Name: "BONUS", Label: "Бонусы", Type: "number", Value: "120.50"}},
		Changed: []string{"BONUS"}, At: time.Date(2026, 11, 21, 9, 30, 0, 0, time.FixedZone("MSK", 3*3600)),
	}}
	m, err := deliver(t, c, client, card)
	if err != nil || m.Done["event"].ID != card.UUID("event") || m.Number() != "" {
		t.Fatalf("got %v, %v", m.Done, err)
	}
	golden(t, "card.json", body)
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, body      string
		status          int
		stop, permanent bool
		id, number      string
		cause           string
	}{
		{"number as text", `{"id":"r-1","number":"SR-1","url":"http://x/1"}`, 201, false, false, "r-1", "SR-1", ""},
		{"number as number", `{"id":17,"number":12345678901234567890}`, 200, false, false, "17", "12345678901234567890", ""},
		{"no JSON", `OK`, 200, false, false, "", "", ""},
		{"odd JSON", `{"number":{"a":1}}`, 200, false, false, "", "", ""},
		{"gone", ``, 410, true, true, "", "", "закрыл адрес"},
		{"not our secret", ``, 401, false, true, "", "", "подпись"},
		{"no such thing", `no route "x"`, 404, false, true, "", "", "404"},
		{"moved", ``, 307, false, true, "", "", "другой адрес"},
	}
	for _, a := range cases {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			c, client := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(a.status)
				_, _ = io.WriteString(w, a.body)
			}), nil)
			p := connecttest.Parcel(1)
			m, err := deliver(t, c, client, p)
			if connect.IsStop(err) != a.stop || connect.IsPermanent(err) != a.permanent {
				t.Errorf("got %v", err)
			}
			if a.cause != "" {
				if got := connect.Explain(err); !strings.Contains(got, a.cause) {
					t.Errorf("got cause %q", got)
				}
				return
			}
			id := a.id
			if id == "" {
				id = p.UUID("event")
			}
			if got := m.Done["event"]; got.ID != id || got.Number != a.number {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	bad := []map[string]any{
		{"secret": "c3R5ay13ZWJob29rLWV4YW1wbGUta2V5LTAx"},
		{"secret": "whsec_short"},
		{"secret": "whsec_AAAA"},
		{"secret": ""},
		{"url": "ftp://x"},
		{"inline": "1GB"},
	}
	for _, values := range bad {
		all := map[string]any{"url": "http://127.0.0.1:1", "secret": secret}
		for k, v := range values {
			all[k] = v
		}
		_, err := webhook.Kind.Open(connect.Settings{Values: all})
		var e *styk.Error
		if !errors.As(err, &e) || e.Code != styk.Invalid {
			t.Errorf("%v: got %v", values, err)
		}
		if err != nil && strings.Contains(err.Error(), "c3R5ay13ZW") {
			t.Errorf("the secret stands in %v", err)
		}
	}
}

func TestOtherSubjectsAreRefused(t *testing.T) {
	t.Parallel()
	c, client := open(t, webhook.NewSim(secret), nil)
	_, err := deliver(t, c, client, &connect.Parcel{ID: "n", Notice: &connect.Notice{}})
	if !connect.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestCheckPings(t *testing.T) {
	t.Parallel()
	sim := webhook.NewSim(secret)
	c, _ := open(t, sim, map[string]any{"authorization": "Bearer abcdef"})
	if err := c.Check(context.Background()); err != nil || sim.Pings() != 1 {
		t.Errorf("got %v, %d pings", err, sim.Pings())
	}
}

// A receiver may answer anything.
func FuzzReceipt(f *testing.F) {
	f.Add(200, []byte(`{"number":"A-1"}`))
	f.Add(200, []byte(`{"id":1e999,"number":null}`))
	f.Add(200, []byte("\xef\xbb\xbf{}"))
	f.Add(302, []byte("<html>"))
	f.Add(200, []byte(strings.Repeat("[", 20_000)))
	rt := &canned{}
	c, err := webhook.Kind.Open(connect.Settings{Values: map[string]any{"url": "http://sim", "secret": secret}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		rt.status, rt.body = 200+(status&0x3ff)%400, body
		m := &connect.Memory{}
		p := connecttest.Parcel(1).Bind(m.Effects(&http.Client{Transport: rt, CheckRedirect: connect.NoRedirect}))
		err := c.Deliver(t.Context(), p)
		if (err == nil) != (rt.status < 300) {
			t.Errorf("HTTP %d gave %v", rt.status, err)
		}
		if n := m.Number(); len(n) > 100 {
			t.Errorf("published %q", n)
		}
	})
}

type canned struct {
	status int
	body   []byte
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Header: http.Header{}, Request: r, Body: io.NopCloser(bytes.NewReader(c.body)),
	}, nil
}

func indent(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}
