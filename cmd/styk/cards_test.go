package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"styk"
	"styk/intake"
	"styk/passteam"
	"styk/store"
	"styk/wallet"
	"styk/webhook"
)

// post1C sends a body as 1C's СтрШаблон makes it, nothing escaped.
func post1C(t *testing.T, base, method, body string) (answer struct {
	Code    int
	Message string
	Result  struct {
		CardID, CardURL string
		Card            struct{ Installed bool }
	}
}) {
	t.Helper()
	r, _ := http.NewRequest(http.MethodPost, base+"/oapi/v1/"+method, strings.NewReader(body))
	r.Header.Set("Authorization", "till-token-till-token")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte("%"), nil), &answer); err != nil {
		t.Fatalf("%s: %d %s", method, resp.StatusCode, text)
	}
	return answer
}

// TestOldCardsMove: a company with 500 cards at Passteam copies them, in a run
// that is cut and one that goes on, changes the host in 1C, and all that 1C
// keeps of its cards goes on working.
func TestOldCardsMove(t *testing.T) {
	t.Parallel()
	sim := passteam.NewSim(passteam.SimCards(500))
	ctx, cut := context.WithCancel(t.Context())
	pages := atomic.Int64{}
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(strings.ToLower(r.URL.Path), "getcardswithpagination") && pages.Add(1) == 15 { // ten of them in the dry run
			cut()
		}
		sim.ServeHTTP(w, r)
	}))
	defer there.Close()
	old := sim.State().Cards
	if err := sim.Install(old[3].CardID, true); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "d")
	args := []string{"card", "import", "passteam", "--url", there.URL, "--token", "passteam-secret", "--per-minute", "60000",
		"--template", passteam.SimGuestTemplate, "--data", data}
	if out := mustStyk(t, append(args, "--dry-run")...); !strings.Contains(out, "500 would be made") {
		t.Errorf("dry run: %s", out)
	}
	h := openTestHouse(t, &folder{Data: data})
	err := (&cardImportPassteamCommand{URL: there.URL, Token: "passteam-secret", PerMinute: 60000,
		Template: []string{passteam.SimGuestTemplate}}).work(ctx, h, &streams{out: io.Discard, err: io.Discard})
	if err == nil {
		t.Error("the import was not cut")
	}
	h.close()
	if out := mustStyk(t, args...); !strings.Contains(out, "continuing behind page 4") || !strings.Contains(out, "nothing differs") {
		t.Errorf("import: %s", out)
	}
	if out := mustStyk(t, args...); !strings.Contains(out, "0 made, 500 the same already") || !strings.Contains(out, "1 of them were on a phone") {
		t.Errorf("again: %s", out)
	}
	mustStyk(t, "token", "add", "till", "--token", "till-token-till-token", "--data", data)
	base, end := runHere(t, "serve", "--data", data)
	defer end()
	for _, card := range []passteam.SimCardState{old[0], old[3], old[499]} {
		phone := card.Values["PHONE"]
		body := fmt.Sprintf("cardId=%s&values[%%CLIENT_NAME%%]=%s&values[%%BIRTHDAY%%]=&values[%%PHONE%%]=%s&values[%%EMAIL%%]=&values[%%BONUS%%]=1 234,5",
			card.CardID, `ООО "Рога & Копыта"`, phone)
		if got := post1C(t, base, "updatecard", body); got.Code != 200 || got.Result.Card.Installed {
			t.Errorf("update of %s: %+v", card.CardID, got)
		}
		again := fmt.Sprintf("templateId=%s&values[%%CLIENT_NAME%%]=Другой&values[%%PHONE%%]=%s&values[%%BONUS%%]=0", card.TemplateID, phone)
		if got := post1C(t, base, "createcard", again); got.Code != 409 || got.Result.CardID != card.CardID {
			t.Errorf("create with a taken phone: %+v", got)
		}
	}
	fresh := "templateId=" + passteam.SimGuestTemplate + "&values[%CLIENT_NAME%]=Новый&values[%PHONE%]=+7 999 000-11-22&values[%BONUS%]=0"
	got := post1C(t, base, "createcard", fresh)
	if got.Code != 200 || !styk.ValidCardNumber(got.Result.CardID) || !strings.HasPrefix(got.Result.CardURL, base+"/c/") {
		t.Errorf("create: %+v", got)
	}
	if out := mustStyk(t, append(args, "--dry-run")...); !strings.Contains(out, "differs: "+old[0].CardID+": BONUS is") {
		t.Errorf("it does not tell what differs: %s", out)
	}
	if broken := sim.State().Broken; len(broken) > 0 {
		t.Errorf("broken rules: %v", broken)
	}
}

const cardHooks = "whsec_dGVzdCB0ZXN0IHRlc3QgdGVzdCB0ZXN0IHRlc3Q="

// TestCardEventsReachAWebhook: events are signed, a burst of balances goes once
// and as the last one, and those of one card keep their order.
func TestCardEventsReachAWebhook(t *testing.T) {
	t.Parallel()
	sim := webhook.NewSim(cardHooks)
	var mu sync.Mutex
	var came []map[string]any
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		sim.ServeHTTP(answer, r)
		if answer.Code/100 == 2 {
			event := map[string]any{}
			_ = json.Unmarshal(body, &event)
			mu.Lock()
			came = append(came, event)
			mu.Unlock()
		}
		w.WriteHeader(answer.Code)
	}))
	defer there.Close()
	h := openTestHouse(t, &folder{Data: filepath.Join(t.TempDir(), "d")})
	defer h.close()
	yaml := fmt.Sprintf(`targets:
  - {name: site, kind: webhook, settings: {url: %q, secret: %q}}
card_templates:
  - id: 5be000000000000000000001
    name: Карта гостя
    targets: [site]
    variables: [{name: PHONE, type: phone, unique: true, required: true}, {name: BONUS, type: number}]
`, there.URL, cardHooks)
	if _, err := applyYAML(t.Context(), h, "f.yaml", []byte(yaml), false); err != nil {
		t.Fatal(err)
	}
	h.cards.PublicURL = "https://cards.firm.ru"
	h.courier = h.newCourier(h.cards.PublicURL)
	card, _, err := h.cards.Issue(t.Context(), wallet.New{Template: "5be000000000000000000001", Values: map[string]string{"PHONE": "+79286646611", "BONUS": "0"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, _, err := h.cards.Update(t.Context(), card.Number, map[string]string{"BONUS": fmt.Sprint(1 + i)}, store.By{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.courier.Run(ctx) }()
	defer func() { stop(); <-ended }()
	await := func(n int) []map[string]any {
		t.Helper()
		for range 500 {
			mu.Lock()
			got := slices.Clone(came)
			mu.Unlock()
			if len(got) >= n {
				return got
			}
			h.courier.Wake()
			time.Sleep(10 * time.Millisecond) // the courier has a rhythm of its own
		}
		t.Fatalf("%d events came: %v", len(came), came)
		return nil
	}
	got := await(2)
	if got[0]["type"] != "card.created" || got[1]["type"] != "card.updated" || len(got) != 2 {
		t.Fatalf("came %v", got)
	}
	if text := fmt.Sprint(got[1]["data"]); !strings.Contains(text, "value:20") || !strings.Contains(text, h.cards.URL(card.Number)) {
		t.Errorf("the update says %s", text)
	}
	if _, err := h.cards.Install(t.Context(), card.Number, styk.CardDevice{Device: "a", Platform: styk.OnWeb}); err != nil {
		t.Fatal(err)
	}
	if err := h.cards.Delete(t.Context(), card.Number, store.By{}); err != nil {
		t.Fatal(err)
	}
	got = await(4)
	if got[2]["type"] != "card.installed" || got[3]["type"] != "card.deleted" {
		t.Errorf("came %v", got[2:])
	}
}

const formCardYAML = `card_templates:
  - id: 5be000000000000000000001
    name: Карта гостя
    variables: [{name: CLIENT_NAME, type: string}, {name: PHONE, type: phone, unique: true, required: true}, {name: EMAIL, type: email}]
forms:
  - name: club
    title: Клуб
    card: {template: 5be000000000000000000001, fields: {name: CLIENT_NAME, phone: PHONE, email: EMAIL}}
    fields:
      - {name: name, label: Имя, type: text}
      - {name: phone, label: Телефон, type: phone, required: true}
      - {name: email, label: E-mail, type: email}
`

// TestFormIssuesACard: a new phone gets the card's link; a phone that has a card
// gets neither link nor hint, and its holder a letter at the address that is
// kept, once a day.
func TestFormIssuesACard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := filepath.Join(t.TempDir(), "d")
	text, err := os.ReadFile(w.yaml)
	if err != nil {
		t.Fatal(err)
	}
	h := openTestHouse(t, &folder{Data: data})
	defer h.close()
	yaml := strings.Replace(string(text), "forms:\n", "", 1)
	yaml = strings.Replace(yaml, "  - name: feedback", formCardYAML+"  - name: feedback", 1)
	if _, err := applyYAML(t.Context(), h, "f.yaml", []byte(yaml), false); err != nil {
		t.Fatal(err)
	}
	var form *styk.Form
	if err := h.db.View(t.Context(), func(tx *store.Tx) (err error) { form, err = tx.Form("club"); return err }); err != nil {
		t.Fatal(err)
	}
	post := func(key, name, phone, email string) *intake.Accepted {
		t.Helper()
		a, err := h.intake.Accept(t.Context(), form, intake.FormPost{HeaderKey: key, Address: "192.0.2." + fmt.Sprint(len(key)),
			Values: map[string]string{"name": name, "phone": phone, "email": email}})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	anna := post("1", "Анна Иванова", "+7 928 664-66-11", "anna@example.ru")
	if !styk.ValidCardNumber(anna.Card) {
		t.Fatalf("got %+v", anna)
	}
	if again := post("1", "Анна Иванова", "+7 928 664-66-11", "anna@example.ru"); again.Card != anna.Card || again.Number != anna.Number {
		t.Errorf("a repeated post got %+v, first %+v", again, anna)
	}
	for _, key := range []string{"22", "333"} {
		if thief := post(key, "Вор", "8 (928) 664 66 11", "thief@example.ru"); thief.Card != "" {
			t.Errorf("a stranger got the card %s", thief.Card)
		}
	}
	checkCards(t, h, anna.Card)
	w.carried(t, h)
	link := regexp.QuoteMeta(h.cards.URL(anna.Card))
	w.letter(t, "anna@example.ru", link)
	letters := 0
	for _, m := range w.mail.State().Letters {
		if regexp.MustCompile(link).MatchString(m.Text) {
			letters++
			if m.To != "anna@example.ru" || strings.Contains(m.Text, "Вор") {
				t.Errorf("the link went to %s: %s", m.To, m.Text)
			}
		}
	}
	if letters != 1 {
		t.Errorf("%d letters bear the link", letters)
	}
}

// checkCards wants exactly one card, with the first holder's name.
func checkCards(t *testing.T, h *house, number string) {
	t.Helper()
	err := h.db.View(t.Context(), func(tx *store.Tx) error {
		cards, err := tx.Cards(store.CardQuery{Limit: 10})
		if len(cards) != 1 || cards[0].Number != number || cards[0].Values["CLIENT_NAME"] != "Анна Иванова" {
			t.Errorf("the cards are %+v", cards)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOwnerHearsOfCertificates: one letter for each stage before the end.
func TestOwnerHearsOfCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, err := os.ReadFile(w.yaml)
	if err != nil {
		t.Fatal(err)
	}
	h := openTestHouse(t, &folder{Data: filepath.Join(t.TempDir(), "d")})
	defer h.close()
	if _, err := applyYAML(t.Context(), h, "f.yaml", text, false); err != nil {
		t.Fatal(err)
	}
	now := h.db.Now()
	h.db.Now = func() time.Time { return now }
	ends := now.AddDate(0, 0, 61)
	err = h.db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.SaveCardCertificate(&store.CardCertificate{PassType: "pass.ru.firm.card", Team: "A", PEM: "x", Expires: ends})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		left int // days
		want int // letters by then
	}{{61, 0}, {60, 1}, {59, 1}, {30, 2}, {7, 3}, {6, 3}, {0, 4}, {-5, 4}} {
		now = ends.AddDate(0, 0, -step.left)
		for range 2 {
			if err := h.watchCertificates(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.carried(t, h)
		letters := 0
		for _, m := range w.mail.State().Letters {
			if strings.Contains(m.Text, "pass.ru.firm.card") {
				letters++
			}
		}
		if letters != step.want {
			t.Fatalf("%d days before the end: %d letters, want %d", step.left, letters, step.want)
		}
	}
}
