package passteam

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"styk/connect"
)

// calm is a client of the simulator whose waits take no time; it says what they
// would have been.
func calm(t *testing.T, s http.Handler) (*Client, func() []time.Duration) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	var mu sync.Mutex
	var waits []time.Duration
	now := time.Unix(1e9, 0)
	return &Client{
			URL: server.URL, Token: "passteam-secret", HTTP: server.Client(),
			now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
			sleep: func(ctx context.Context, d time.Duration) error {
				mu.Lock()
				defer mu.Unlock()
				if d > 0 {
					waits = append(waits, d)
					now = now.Add(d)
				}
				return ctx.Err()
			},
		}, func() []time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(waits)
		}
}

// sound asks that the client broke no rule.
func soundCaller(t *testing.T, s *Sim) {
	t.Helper()
	if broken := s.State().Broken; len(broken) > 0 {
		t.Errorf("broken rules: %q", broken)
	}
}

// An owner copies the cards of his template, whatever the service calls things.
func TestClientCopiesCards(t *testing.T) {
	t.Parallel()
	for _, faults := range [][]string{nil, {"shape=other"}, {"names=other"}, {"status=200"}, {"code=text"}, {"pages=uncounted"}, {"shape=other", "names=other", "status=200"}} {
		t.Run(strings.Join(faults, ","), func(t *testing.T) {
			t.Parallel()
			s := NewSim(SimCards(120))
			c, _ := calm(t, s)
			for _, text := range faults {
				f, err := ParseFault(text)
				if err == nil {
					err = s.Fault(f)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			templates, err := c.Templates(t.Context())
			if err != nil || len(templates) != 2 || templates[0].ID != SimGuestTemplate || templates[0].Name != "Карта гостя" {
				t.Fatalf("templates %+v, %v", templates, err)
			}
			template, err := c.Template(t.Context(), SimGuestTemplate)
			want := Variable{Name: "PHONE", Type: "phone", Unique: true, Required: true}
			if err != nil || template.ID != SimGuestTemplate || len(template.Variables) != 5 || template.Variables[2] != want {
				t.Fatalf("template %+v, %v", template, err)
			}
			var got []RemoteCard
			for p, err := range c.Pages(t.Context(), SimGuestTemplate, 1) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p.Cards...)
			}
			state := s.State()
			if len(got) != 120 {
				t.Fatalf("%d cards", len(got))
			}
			for i, c := range got {
				slices.SortFunc(c.Values, func(a, b Value) int { return strings.Compare(a.Name, b.Name) })
				values := state.Cards[i].Values
				if c.ID != state.Cards[i].CardID || c.Code != c.ID || c.TemplateID != SimGuestTemplate || !strings.HasSuffix(c.URL, c.ID) ||
					!slices.Equal(c.Values, []Value{{"BONUS", values["BONUS"]}, {"CLIENT_NAME", values["CLIENT_NAME"]}, {"PHONE", values["PHONE"]}}) {
					t.Fatalf("card %d is %+v", i, c)
				}
			}
			one, err := c.Card(t.Context(), got[7].ID)
			if err != nil || one.ID != got[7].ID {
				t.Errorf("card %+v, %v", one, err)
			}
			soundCaller(t, s)
		})
	}
}

// A restart goes on from the page that was stored.
func TestClientStartsInTheMiddle(t *testing.T) {
	t.Parallel()
	s := NewSim(SimCards(120))
	c, waits := calm(t, s)
	var pages []string
	for p, err := range c.Pages(t.Context(), SimGuestTemplate, 2) {
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, fmt.Sprint(p.Page, "/", p.Pages, " ", len(p.Cards), " of ", p.Total))
	}
	if !slices.Equal(pages, []string{"2/3 50 of 120", "3/3 20 of 120"}) {
		t.Errorf("pages %q", pages)
	}
	if got := waits(); !slices.Equal(got, []time.Duration{time.Second}) { // 60 a minute
		t.Errorf("waited %v", got)
	}
	for p, err := range c.Pages(t.Context(), SimDiscountTemplate, 1) {
		if err != nil || len(p.Cards) != 0 || !p.Last {
			t.Errorf("an empty template: %+v, %v", p, err)
		}
	}
	soundCaller(t, s)
}

// A service that ignores the page number must not be read for ever; one that
// gives longer pages than it says is read all the same.
func TestClientAgainstOddPages(t *testing.T) {
	t.Parallel()
	s := NewSim(SimCards(130))
	c, _ := calm(t, s)
	for mode, want := range map[string]string{"same": "50, Passteam отдаёт одну и ту же страницу карт на разные номера страниц", "too-long": "130, ", "shift": "128, "} {
		if err := s.Fault(SimFault{Name: "pages", Value: mode}); err != nil {
			t.Fatal(err)
		}
		if mode == "shift" {
			continue // last, for it deletes
		}
		if got := readAll(c); got != want {
			t.Errorf("%s: got %q, want %q", mode, got, want)
		}
	}
	_ = s.Fault(SimFault{Name: "pages", Value: "shift"})
	// Two cards slip over to a page already read: a second run finds them.
	if got := readAll(c); got != "128, " {
		t.Errorf("shift: %q", got)
	}
	soundCaller(t, s)
}

func readAll(c *Client) string {
	n := 0
	for p, err := range c.Pages(context.Background(), SimGuestTemplate, 1) {
		if err != nil {
			return fmt.Sprint(n, ", ", connect.Explain(err))
		}
		n += len(p.Cards)
	}
	return fmt.Sprint(n, ", ")
}

func TestClientTriesAgain(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"rate=429:2": "", "rate=503:1": "", "trouble=502:3": "", "trouble=500:1": "", "trouble=html:1": "", "trouble=empty:1": "", "trouble=cut:2": "", "cut=before:1": "", "cut=after:1": "",
		"trouble=502:4":    "Ошибка внутри Passteam (502). Повторите позже.",
		"trouble=redirect": "По этому адресу отвечает не Passteam, или он временно неисправен: вместо данных пришло что-то другое. Проверьте адрес.",
		"token=expired":    "Passteam не узнал токен (401): он неверен или истёк. Получите новый у менеджера Passteam.",
		"bearer=on":        "Passteam не узнал токен (401): он неверен или истёк. Получите новый у менеджера Passteam.",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := NewSim(SimCards(1))
			c, waits := calm(t, s)
			f, err := ParseFault(fault)
			if err == nil {
				err = s.Fault(f)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Page(t.Context(), SimGuestTemplate, 1)
			if got := connect.Explain(err); got != want {
				t.Errorf("got %q (%v), want %q", got, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v holds the token", err)
			}
			if f.Name == "rate" && !slices.Contains(waits(), 2*time.Second) {
				t.Errorf("waited %v, was asked for 2 s", waits())
			}
			soundCaller(t, s)
		})
	}
}

func TestClientWrites(t *testing.T) {
	t.Parallel()
	s := NewSim()
	c, _ := calm(t, s)
	ctx := t.Context()
	guest := []Value{{"CLIENT_NAME", `ООО "Рога & Копыта" 100%; +`}, {"PHONE", "+7 (913) 123-45-67"}, {"BONUS", "0"}}
	ref, err := c.CreateCard(ctx, SimGuestTemplate, guest)
	if err != nil || len(ref.CardID) != 24 || ref.CardURL == "" {
		t.Fatalf("%+v, %v", ref, err)
	}
	var refused *RemoteError
	if _, err = c.CreateCard(ctx, SimGuestTemplate, []Value{{"PHONE", "8 913 123 45 67"}}); !errors.As(err, &refused) || refused.Code != CodeTaken || Retryable(err) {
		t.Errorf("a taken phone: %v", err)
	}
	_, err = c.CreateCard(ctx, SimGuestTemplate, []Value{{"PHONE", ""}})
	if !errors.As(err, &refused) || Retryable(err) || connect.Explain(err) != "Passteam требует заполнить переменную PHONE: она уникальная и не может быть пустой." {
		t.Errorf("an empty phone: %v", err)
	} else if name, ok := refused.NotSet(); !ok || name != "PHONE" {
		t.Errorf("NotSet %q, %v", name, ok)
	}
	if installed, err := c.UpdateCard(ctx, ref.CardID, []Value{{"BONUS", "7500"}}); err != nil || installed {
		t.Errorf("update: %v, %v", installed, err)
	}
	if err := s.Install(ref.CardID, true); err != nil {
		t.Fatal(err)
	}
	if installed, err := c.UpdateCard(ctx, ref.CardID, nil); err != nil || !installed {
		t.Errorf("update: %v, %v", installed, err)
	}
	got := s.State().Cards[0].Values
	if got["CLIENT_NAME"] != guest[0].Text || got["PHONE"] != guest[1].Text || got["BONUS"] != "7500" {
		t.Errorf("kept %q", got)
	}
	if _, err := c.UpdateCard(ctx, "000000000000000000000000", nil); !errors.As(err, &refused) || refused.Code != CodeNotFound {
		t.Errorf("an unknown card: %v", err)
	}
	soundCaller(t, s)
	if _, err := c.UpdateCard(ctx, ref.CardID, []Value{{"TYPO", "1"}}); err == nil || len(s.State().Broken) != 1 {
		t.Errorf("an unknown variable: %v, broken %q", err, s.State().Broken)
	}
}

// A card whose answer was lost is not sent twice.
func TestClientCreatesOnce(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"cut=after:1", "commit-then=500:1", "commit-then=timeout:1"} {
		s := NewSim()
		c, _ := calm(t, s)
		c.Timeout = 200 * time.Millisecond
		f, _ := ParseFault(fault)
		if err := s.Fault(f); err != nil {
			t.Fatal(err)
		}
		_, err := c.CreateCard(t.Context(), SimGuestTemplate, []Value{{"PHONE", "79131234567"}})
		if state := s.State(); err == nil || !Retryable(err) || len(state.Cards) != 1 {
			t.Errorf("%s: %v, %d cards", fault, err, len(state.Cards))
		}
	}
}

func TestClientSendsTheTokenAsTold(t *testing.T) {
	t.Parallel()
	s := NewSim()
	c, _ := calm(t, s)
	if err := s.Fault(SimFault{Name: "bearer", Value: "on"}); err != nil {
		t.Fatal(err)
	}
	c.Bearer = true
	if _, err := c.Templates(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"": "https://getpass.passteam.ru/oapi/v1/x", "https://h": "https://h/oapi/v1/x", "https://h/": "https://h/oapi/v1/x", "http://h:1/oapi/v1/": "http://h:1/oapi/v1/x",
		"https://h/a/": "https://h/a/oapi/v1/x", "h": "", "ftp://h": "", "https://user:secret@h": "", "https://": "", "%": "",
	} {
		got, err := (&Client{URL: base}).address("x")
		if got != want || (err != nil) != (want == "") || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %q, %v, want %q", base, got, err, want)
		}
	}
}

// A cancelled call ends at once, also while it waits for its turn.
func TestClientIsCancelled(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(NewSim())
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c := &Client{URL: server.URL, Token: "passteam-secret", PerMinute: 1}
	if _, err := c.Templates(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := c.Templates(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// FuzzAnswer feeds what a server may send to every reader of the client.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"result":{"cards":[{"cardId":"a","values":{"%A%":"1"}}],"pages":2},"message":"OK","code":200,"error":false}`,
		`{"result":[{"_id":"a","fields":[{"label":"%A%","value":null}]}],"code":"200"}`,
		`{"result":{"template":{"_id":"t","variables":{"%A%":"string","%B%":{"unique":1}}}},"code":200}`,
		`{"code":500,"message":"Provided field (%PHONE%) is unique and must be set.","error":true}`,
		`{"result":{"meta":{"pages":1},"clients":[{"card":{"id":1}}]},"code":200}`, `{"result":null,"code":200}`, "<html>", "", "\ufeff{}", `{"code":{}}`,
	} {
		f.Add(200, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		result, err := readAnswer("x", &http.Response{StatusCode: status, Header: http.Header{}}, []byte(body))
		if err != nil {
			_, _ = Retryable(err), err.Error()
			if connect.Explain(err) == "" {
				t.Error("no words for it")
			}
			return
		}
		_, _ = readTemplates(result)
		_, _ = readTemplate(result)
		_, _ = readCard(unwrap(result, "card"), "t")
		page, err := readPage(result, "t", 1)
		for _, c := range page.Cards {
			if c.ID == "" && err == nil {
				t.Error("a card without an id")
			}
			for _, v := range c.Values {
				if v.Name == "" {
					t.Error("a value without a name")
				}
			}
		}
		if err == nil && !page.Last && len(page.Cards) == 0 {
			t.Error("an empty page that is not the last")
		}
	})
}
