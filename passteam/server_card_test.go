package passteam

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// Contract 18: of two hundred tills that make a card for one phone at once, one
// makes it and the others learn which it is.
func TestContract18_OnePhoneOneCard(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		var wait sync.WaitGroup
		answers := make([]told, 200)
		spelt := []string{"+7 (928) 664-66-11", "8 928 6646611", "79286646611", "9286646611"}
		for i := range answers {
			wait.Go(func() { answers[i] = b.ask(t, "createcard", guestBody(spelt[i%len(spelt)])) })
		}
		wait.Wait()
		count, ids := map[int]int{}, map[string]int{}
		for _, a := range answers {
			count[a.Code]++
			ids[a.Result.CardID+" "+a.Result.CardURL]++
		}
		if count[200] != 1 || count[409] != 199 || len(ids) != 1 {
			t.Errorf("got %v with %d cards", count, len(ids))
		}
	})
}

// The same update again changes nothing: no revision, no push, no history.
func TestIdenticalUpdatesAreNoChange(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		id := b.ask(t, "createcard", guestBody("+79286646611")).Result.CardID
		load := func() *styk.Card {
			found, _, err := b.Cards.Load(t.Context(), id)
			ok(t, err)
			return found
		}
		before := load()
		b.clock.advance(time.Hour)
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				for _, phone := range []string{"+79286646611", "8 (928) 664-66-11"} {
					body := strings.Replace(guestBody(phone), "templateId="+guests, "cardId="+id, 1)
					if a := b.ask(t, "updatecard", strings.Replace(body, "%BONUS%]=0", "%BONUS%]=0,0", 1)); a.Code != 200 {
						t.Errorf("got %s", a.body)
					}
				}
			})
		}
		wait.Wait()
		if after := load(); after.Revision != before.Revision || !after.Modified.Equal(before.Modified) {
			t.Errorf("revision %d became %d", before.Revision, after.Revision)
		}
		b.ask(t, "updatecard", "cardId="+id+"&values[%BONUS%]=1")
		if after := load(); after.Revision != before.Revision+1 {
			t.Errorf("a change: revision %d became %d", before.Revision, after.Revision)
		}
	})
}

// installed is what 1C writes into its attribute: true while a phone has the
// card (contract 20).
func TestContract20_Installed(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	installed := func(want bool, where string) {
		t.Helper()
		a := b.ask(t, "updatecard", "cardId="+card+"&values[%DISCOUNT%]=3")
		if a.Result.Card.Installed != want || !strings.Contains(a.body, fmt.Sprintf(`"installed":%v`, want)) {
			t.Errorf("%s: got %s", where, a.body)
		}
	}
	installed(false, "made")
	for _, d := range []styk.CardDevice{{Device: "phone", Platform: styk.OnApple, PushToken: "ab"}, {Device: "browser", Platform: styk.OnWeb}} {
		_, err := b.Cards.Install(t.Context(), card, d)
		ok(t, err)
	}
	installed(true, "on two phones")
	if a := b.ask(t, "getcard", "cardId="+card); !strings.Contains(a.body, `"devices":{"apple":1,"google":0,"web":1}`) {
		t.Errorf("got %s", a.body)
	}
	ok(t, b.Cards.Uninstall(t.Context(), card, "phone"))
	ok(t, b.Cards.Uninstall(t.Context(), card, "browser"))
	installed(false, "taken away")
	if a := b.ask(t, "getcard", "cardId="+card); !strings.Contains(a.body, `"uninstalledAt":"2026`) {
		t.Errorf("got %s", a.body)
	}
}

// A template that adopts answers 1C's repeated create with the card that is
// there; one that knows unknown cards makes them, but not for a token that may
// not touch it.
func TestTemplatesThatForgive(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	guest, err := b.Cards.Template(t.Context(), guests)
	ok(t, err)
	kind := *guest
	kind.Adopt, kind.UnknownCard = true, styk.UnknownCreate
	_, err = b.Cards.SaveTemplate(t.Context(), &kind, nil)
	ok(t, err)
	first := b.ask(t, "createcard", guestBody("+79286646611"))
	again := b.ask(t, "createcard", guestBody("89286646611"))
	if again.Code != 200 || again.Result.CardID != first.Result.CardID {
		t.Errorf("adopted: got %s", again.body)
	}
	const moved = "aaaaaaaaaaaaaaaaaaaaaaaa"
	body := "cardId=" + moved + "&values[%PHONE%]=+79286646612&values[%BONUS%]=5"
	if a := b.ask(t, "updatecard", body, "Authorization", "narrow-token"); a.Code != 404 {
		t.Errorf("by another template's token: got %s", a.body)
	}
	if a := b.ask(t, "updatecard", body); a.Code != 200 || a.Result.Card.CardID != moved {
		t.Errorf("got %s", a.body)
	}
}

// A narrowed token reads, changes and deletes nothing of another template.
func TestNarrowTokens(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	id := b.ask(t, "createcard", guestBody("+79286646611")).Result.CardID
	for method, body := range map[string]string{
		"getcard": "cardId=" + id, "updatecard": "cardId=" + id + "&values[%BONUS%]=9", "deletecards": "cardIds[]=" + card + "&cardIds[]=" + id,
		"sendpush": "cardId=" + id + "&message=hi", "distribute": "cardId=" + id + "&channel=email&to=a@b.ru",
		"getcards": "templateId=" + guests, "getcardswithpagination": "templateId=" + guests, "gettemplate": "templateId=" + guests,
		"checkunique": "templateId=" + guests + "&values[%PHONE%]=+79286646611", "createcard": guestBody("+79286646612"),
	} {
		if a := b.ask(t, method, body, "Authorization", "narrow-token"); a.Code != 403 || strings.Contains(a.body, "Иванов") {
			t.Errorf("%s: got %s", method, a.body)
		}
	}
	if a := b.ask(t, "getcard", "templateId="+guests+"&values[%PHONE%]=+79286646611", "Authorization", "narrow-token"); a.Code != 403 {
		t.Errorf("getcard by phone: got %s", a.body)
	}
	a := b.ask(t, "updatecards", "cards[0][cardId]="+id+"&cards[0][values][%BONUS%]=9", "Authorization", "narrow-token")
	if len(a.Result.Updated) != 0 || !strings.Contains(a.body, `"code":403`) {
		t.Errorf("updatecards: got %s", a.body)
	}
	found, _, err := b.Cards.Load(t.Context(), card)
	ok(t, err)
	if !found.Deleted.IsZero() {
		t.Error("deletecards deleted one of two")
	}
}

// Where letters can be sent, the card's link goes to the courier: the letter
// waits without any secret in it.
func TestCardsAreSentByMail(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	woken := 0
	b.Cards.Wake = func() { woken++ }
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.SaveTarget(&styk.Target{Name: styk.MailTarget, Kind: "email"}, nil)
		return err
	}))
	for _, to := range []string{"anna@firm.ru", "Anna <ANNA@firm.ru>", "boris@firm.ru"} {
		if a := b.ask(t, "sendcard", "cardId="+card+"&channel=email&to="+to); a.Code != 200 || a.Result.Queued != true {
			t.Fatalf("%s: got %s", to, a.body)
		}
	}
	var letters []styk.Delivery
	ok(t, b.db.View(t.Context(), func(tx *store.Tx) error {
		letters = nil
		rows, err := tx.Deliveries(store.DeliveryFilter{Limit: 10})
		for _, r := range rows {
			letters = append(letters, r.Delivery)
		}
		return err
	}))
	if len(letters) != 2 || woken != 3 {
		t.Errorf("got %d letters, woken %d times", len(letters), woken)
	}
	for _, letter := range letters {
		if !strings.Contains(string(letter.Content), card) || strings.Contains(string(letter.Content), "/c/") {
			t.Errorf("got %s", letter.Content)
		}
	}
	for _, bad := range []string{"nobody", "a@b.ru, c@d.ru", "@", "a b@c.ru"} {
		if a := b.ask(t, "sendcard", "cardId="+card+"&channel=email&to="+bad); a.Code != 400 {
			t.Errorf("%q: got %s", bad, a.body)
		}
	}
}

// A push to a template larger than one slice reaches every card once.
func TestPushInSlices(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		var wait sync.WaitGroup
		for i := range 130 {
			wait.Go(func() { b.ask(t, "createcard", guestBody(fmt.Sprintf("+7928%07d", i))) })
		}
		wait.Wait()
		for _, want := range []float64{130, 0} {
			if a := b.ask(t, "sendpush", "templateId="+guests+"&message=Скидка 10%"); a.Result.Queued != want {
				t.Errorf("got %s, want %v", a.body, want)
			}
		}
	})
}

// Real PHP does what the document's 1C code does.
func TestPHPAs1C(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("php")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("php is not installed")
		}
		t.Skip("SKIPPED: php is not installed")
	}
	b := newBench(t, "sqlite")
	server := httptest.NewServer(b)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "testdata/php/1c.php", server.URL, demoText, guests).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Our client of a real Passteam understands our server.
func TestOwnClient(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	c, _ := calm(t, b)
	c.Token = demoText
	made, err := c.CreateCard(t.Context(), guests, []Value{{"CLIENT_NAME", `ООО "Рога & Копыта" 100%`}, {"PHONE", "+7 928 664-66-11"}})
	if err != nil || !strings.Contains(made.CardURL, made.CardID) {
		t.Fatalf("got %+v %v", made, err)
	}
	if _, err := c.UpdateCard(t.Context(), made.CardID, []Value{{"BONUS", "1 234,5"}}); err != nil {
		t.Error(err)
	}
	templates, err := c.Templates(t.Context())
	if err != nil || len(templates) != 3 {
		t.Errorf("got %d templates, %v", len(templates), err)
	}
}

// Contract 24: whatever happens, nothing of a holder, no token and no key
// reaches the log.
func TestContract24_NoPersonalDataInTheLog(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	body := "templateId=" + guests + "&values[%CLIENT_NAME%]=Каренина Анна&values[%PHONE%]=+7 921 555 44 33&values[%EMAIL%]=anna@example.ru&values[%SECRET%]=424242&odd=1"
	id := b.ask(t, "createcard", body).Result.CardID
	b.ask(t, "createcard", body)
	url := b.ask(t, "getcard", "cardId="+id).Result.Card.CardURL
	b.ask(t, "updatecard", "cardId="+id+"&values[%PHONE%]=")
	b.ask(t, "getatoken", "nickname=api&password=GuessedKey0001")
	own := b.ask(t, "getatoken", "nickname=api&password="+demoKey).Result.Token
	b.ask(t, "sendcard", "cardId="+id+"&channel=email&to=anna@example.ru")
	b.ask(t, "sendpush", "cardId="+id+"&message=Каренина")
	b.Remote = nil // the next call breaks in the middle
	b.ask(t, "getatoken", "nickname=api&password=GuessedKey0001")
	ok(t, b.db.Close())
	b.ask(t, "createcard", body)
	text := b.log.String()
	if !strings.Contains(text, "a call went wrong") || !strings.Contains(text, "panic") {
		t.Errorf("trouble was not logged:\n%s", text)
	}
	for _, secret := range []string{"Каренина", "555", "anna@", "424242", demoKey, "GuessedKey", demoText, own, url} {
		if secret == "" || strings.Contains(text, secret) {
			t.Errorf("the log holds %q:\n%s", secret, text)
		}
	}
}
