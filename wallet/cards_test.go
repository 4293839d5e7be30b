package wallet_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/store"
	"styk/store/storetest"
	"styk/wallet"
)

const guestTemplate = "5be000000000000000000001"

// clock is moved by the test alone.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// eachDB runs a test with an empty card index on SQLite and on PostgreSQL.
func eachDB(t *testing.T, test func(t *testing.T, c *wallet.Cards, time *clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		open(t, filepath.Join(t.TempDir(), "styk.db"), test)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		open(t, storetest.Postgres(t), test)
	})
}

func open(t *testing.T, database string, test func(*testing.T, *wallet.Cards, *clock)) {
	t.Helper()
	at := &clock{}
	at.ms.Store(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).UnixMilli())
	db, err := store.Open(t.Context(), store.Options{Database: database, Key: []byte("0123456789abcdef0123456789abcdef"), Now: at.now, MaxConns: 16})
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(t.Context(), t.TempDir(), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &wallet.Cards{DB: db, Blobs: blobs, PublicURL: "http://127.0.0.1:8383", Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	t.Cleanup(func() {
		c.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	saveTemplate(t, c, nil)
	test(t, c, at)
}

func saveTemplate(t *testing.T, c *wallet.Cards, change func(*styk.CardTemplate)) {
	t.Helper()
	guest := &styk.CardTemplate{ID: guestTemplate, Name: "Карта гостя", Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "BIRTHDAY", Type: styk.CardDate},
		{Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true},
		{Name: "EMAIL", Type: styk.CardEmail}, {Name: "BONUS", Type: styk.CardNumber},
	}}
	if change != nil {
		change(guest)
	}
	if _, err := c.SaveTemplate(t.Context(), guest, nil); err != nil {
		t.Fatal(err)
	}
}

var by = store.By{Origin: "passteam"}

func guest(phone string) map[string]string {
	return map[string]string{"CLIENT_NAME": "Иванов Иван", "BIRTHDAY": "01.02.1990", "PHONE": phone, "EMAIL": "ivan@firm.ru", "BONUS": "1 234,5"}
}

func issue(t *testing.T, c *wallet.Cards, values map[string]string) *styk.Card {
	t.Helper()
	card, _, err := c.Issue(t.Context(), wallet.New{Template: guestTemplate, Values: values, Source: "passteam", By: by})
	if err != nil {
		t.Fatal(err)
	}
	return card
}

func TestCardIsIssuedForTheOneCustomer(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		known := &styk.Contact{LastName: "Иванов", FirstName: "Иван Иваныч", Mobile: "8 928 664 66 11"}
		if err := c.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.Insert(known, by) }); err != nil {
			t.Fatal(err)
		}
		card := issue(t, c, guest("+7 928 664-66-11"))
		if !styk.ValidCardNumber(card.Number) || card.Contact != known.ID || card.Revision != 1 || !wallet.ValidEAN13(card.Code) {
			t.Errorf("got %+v", card)
		}
		contact := &styk.Contact{Entity: styk.Entity{ID: known.ID}}
		if err := c.DB.View(t.Context(), func(tx *store.Tx) error { return tx.Load(contact) }); err != nil {
			t.Fatal(err)
		}
		if contact.FirstName != "Иван Иваныч" || contact.Email != "ivan@firm.ru" || contact.Birthday != "1990-02-01" {
			t.Errorf("a known contact keeps what it has and gets what it lacks: %+v", contact)
		}
	})
}

func TestUniqueValuesAreRequiredAndOne(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		first := issue(t, c, guest("+7 928 664-66-11"))
		var unset *wallet.Unset
		var taken *store.CardTaken
		for _, phone := range []string{"", " ", "12", "нет"} {
			_, _, err := c.Issue(t.Context(), wallet.New{Template: guestTemplate, Values: guest(phone)})
			if !errors.As(err, &unset) || unset.Variable != "PHONE" {
				t.Errorf("phone %q: %v", phone, err)
			}
		}
		_, _, err := c.Issue(t.Context(), wallet.New{Template: guestTemplate, Values: guest("8(928)6646611")})
		if !errors.As(err, &taken) || taken.Number != first.Number || taken.Variable != "PHONE" {
			t.Errorf("got %v", err)
		}
		second := issue(t, c, guest("+7 928 000-00-00"))
		if _, _, err := c.Update(t.Context(), second.Number, map[string]string{"PHONE": "9286646611", "BONUS": "5"}, by); !errors.As(err, &taken) {
			t.Errorf("got %v", err)
		}
		if _, _, err := c.Update(t.Context(), second.Number, map[string]string{"PHONE": ""}, by); !errors.As(err, &unset) {
			t.Errorf("got %v", err)
		}
		if err := c.Delete(t.Context(), first.Number, by); err != nil {
			t.Fatal(err)
		}
		if _, changed, err := c.Update(t.Context(), second.Number, map[string]string{"PHONE": "9286646611"}, by); err != nil || !changed {
			t.Errorf("a deleted card's phone is free: %v", err)
		}
		if got, err := c.Free(t.Context(), guestTemplate, guest("+79286646611"), ""); err != nil || len(got) != 1 || got[0].Number != second.Number {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestTwoHundredAtOnceMakeOneCard(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		var made, refused atomic.Int64
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				var taken *store.CardTaken
				switch _, _, err := c.Issue(t.Context(), wallet.New{Template: guestTemplate, Values: guest("+7 928 664-66-11")}); {
				case err == nil:
					made.Add(1)
				case errors.As(err, &taken):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made.Load() != 1 || refused.Load() != 199 {
			t.Errorf("made %d, refused %d", made.Load(), refused.Load())
		}
		var contacts int64
		err := c.DB.View(t.Context(), func(tx *store.Tx) (err error) {
			contacts, err = tx.Count(store.Query{Kind: styk.KindContact})
			return err
		})
		if err != nil || contacts != 1 {
			t.Errorf("%d contacts, %v", contacts, err)
		}
	})
}

func TestSameValuesChangeNothing(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, at *clock) {
		card := issue(t, c, guest("+7 928 664-66-11"))
		at.advance(time.Minute)
		same := map[string]string{"CLIENT_NAME": " Иванов Иван ", "PHONE": "8 928 664 66 11", "BONUS": "1\u00a0234.50", "BIRTHDAY": "1990-02-01", "OTHER": ""}
		got, changed, err := c.Update(t.Context(), card.Number, same, by)
		if err != nil || changed || got.Revision != 1 {
			t.Fatalf("changed %v, %+v, %v", changed, got, err)
		}
		for i, bonus := range []string{"1 300", "0", "-5"} {
			got, changed, err := c.Update(t.Context(), card.Number, map[string]string{"BONUS": bonus}, by)
			if err != nil || !changed || got.Revision != int64(i+2) {
				t.Fatalf("%s: changed %v, %+v, %v", bonus, changed, got, err)
			}
			if want := at.now().Add(time.Duration(i) * time.Second); !got.Shown.Equal(want) {
				t.Errorf("revision %d stands from %v, want %v: each second is told once", got.Revision, got.Shown, want)
			}
		}
		var history []store.Change
		if err := c.DB.View(t.Context(), func(tx *store.Tx) (err error) {
			history, err = tx.CardHistory(card.ID, 0, 10)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var balances []string
		for _, h := range history {
			balances = append(balances, h.Fields["BONUS"][0]+" → "+h.Fields["BONUS"][1])
		}
		if !slices.Equal(balances, []string{"0 → -5", "1 300 → 0", "1 234,5 → 1 300"}) {
			t.Errorf("got %q", balances)
		}
	})
}

func TestOddValuesAreKeptWithAWarning(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		values := guest("+7 928 664-66-11")
		values["BIRTHDAY"], values["BONUS"], values["COLOUR"] = "вчера", "много", "красный"
		card := issue(t, c, values)
		var fields []string
		for _, w := range card.Warnings {
			fields = append(fields, w.Field+" "+w.Rule)
		}
		if !slices.Equal(fields, []string{"BIRTHDAY date", "BONUS number", "COLOUR unknown"}) || card.Values["BONUS"] != "много" {
			t.Errorf("got %v %v", fields, card.Values)
		}
	})
}

func TestAdoptGivesTheOldCard(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		first := issue(t, c, guest("+7 928 664-66-11"))
		saveTemplate(t, c, func(g *styk.CardTemplate) { g.Adopt, g.UnknownCard = true, styk.UnknownCreate })
		values := guest("8 928 664-66-11")
		values["BONUS"] = "7"
		again, adopted, err := c.Issue(t.Context(), wallet.New{Template: guestTemplate, Values: values, By: by})
		if err != nil || !adopted || again.Number != first.Number || again.Values["BONUS"] != "7" {
			t.Errorf("got %+v, %v, %v", again, adopted, err)
		}
		const old = "5bea7e305abcfd6b708b4573"
		made, changed, err := c.Update(t.Context(), old, guest("+7 900 000-00-01"), by)
		if err != nil || !changed || made.Number != old {
			t.Errorf("a card of the old service is taken over: %+v, %v", made, err)
		}
		for _, number := range []string{"5bea7e305abcfd6b708b457", "", "ZZea7e305abcfd6b708b4573"} {
			if _, _, err := c.Update(t.Context(), number, guest("+7 900 000-00-02"), by); styk.CodeOf(err) != styk.NotFound {
				t.Errorf("%q: %v", number, err)
			}
		}
	})
}

func TestTemplateKeepsItsRuleOfUniqueness(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		issue(t, c, guest("+7 928 664-66-11"))
		bad := &styk.CardTemplate{ID: guestTemplate, Name: "Карта гостя", Variables: []styk.CardVariable{{Name: "PHONE", Type: styk.CardPhone}}}
		if _, err := c.SaveTemplate(t.Context(), bad, nil); styk.CodeOf(err) != styk.Conflict {
			t.Errorf("got %v", err)
		}
		for name, want := range map[string]string{"2NAME": "identifier", "1С-КОД": "identifier", "phone": "unique", "": "identifier"} {
			t2 := &styk.CardTemplate{ID: wallet.NewTemplateID(), Name: "x", Variables: []styk.CardVariable{{Name: "PHONE", Type: styk.CardPhone}, {Name: name, Type: styk.CardString}}}
			var e *styk.Error
			if err := wallet.CheckTemplate(t2, nil); !errors.As(err, &e) || e.Faults[0].Rule != want {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}

func TestLinkSecretIsTheCardsOwn(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		card := issue(t, c, guest("+7 928 664-66-11"))
		link := c.URL(card.Number)
		part := link[len("http://127.0.0.1:8383/c/"):]
		if number, ok := c.FromLink(part); !ok || number != card.Number || len(part) != 24+1+22 {
			t.Errorf("%s: %s, %v", link, number, ok)
		}
		for _, wrong := range []string{card.Number, card.Number + "-", part[:len(part)-1], part + "x", "x" + part, ""} {
			if _, ok := c.FromLink(wrong); ok {
				t.Errorf("%q is taken", wrong)
			}
		}
		if c.Token(card.Number) == part[25:] || !c.GoodToken(card.Number, c.Token(card.Number)) || c.GoodToken(card.Number, "") {
			t.Error("the phone's token is another secret")
		}
	})
}

// On PostgreSQL transactions commit in another order than they began; the phone
// that asks since its last number must see both changes.
func TestChangesCommittedInReverseOrderAreBothSeen(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		a, b := issue(t, c, guest("+7 928 664-66-11")), issue(t, c, guest("+7 928 664-66-12"))
		for _, card := range []*styk.Card{a, b} {
			if _, err := c.Install(t.Context(), card.Number, styk.CardDevice{Device: "phone", Platform: styk.OnApple, PushToken: "aa"}); err != nil {
				t.Fatal(err)
			}
		}
		_, tag, _, err := c.Changed(t.Context(), "phone", wallet.DevelopmentPassType, "")
		if err != nil {
			t.Fatal(err)
		}
		first, second := make(chan struct{}), make(chan error, 1)
		go func() {
			<-first
			_, _, err := c.Update(t.Context(), b.Number, map[string]string{"BONUS": "2"}, by)
			second <- err
		}()
		begun := false
		err = c.DB.Update(t.Context(), func(tx *store.Tx) error {
			if _, _, err := c.UpdateIn(tx, a.Number, map[string]string{"BONUS": "1"}, by); err != nil {
				return err
			}
			if !begun && tx.DB().Engine() == "postgres" { // the other one begins later and ends first
				begun = true
				close(first)
				if err := <-second; err != nil {
					return err
				}
				second <- nil
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !begun {
			close(first)
		}
		if err := <-second; err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for range 2 {
			numbers, next, known, err := c.Changed(t.Context(), "phone", wallet.DevelopmentPassType, tag)
			if err != nil || !known {
				t.Fatal(known, err)
			}
			for _, n := range numbers {
				seen[n] = true
			}
			tag = next
		}
		if len(seen) != 2 {
			t.Errorf("the phone saw %v", seen)
		}
	})
}

func BenchmarkIssue(b *testing.B) {
	db, err := store.Open(b.Context(), store.Options{Database: filepath.Join(b.TempDir(), "styk.db"), Key: []byte("0123456789abcdef0123456789abcdef")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	c := &wallet.Cards{DB: db, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	_, err = c.SaveTemplate(b.Context(), &styk.CardTemplate{ID: guestTemplate, Name: "x", Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true},
		{Name: "EMAIL", Type: styk.CardEmail}, {Name: "BONUS", Type: styk.CardNumber},
	}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	var n atomic.Int64
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			_, _, err := c.Issue(b.Context(), wallet.New{Template: guestTemplate, Source: "passteam", By: by, Values: map[string]string{
				"CLIENT_NAME": "Иванов Иван", "PHONE": fmt.Sprintf("+7900%07d", i), "EMAIL": fmt.Sprintf("a%d@firm.ru", i), "BONUS": "0",
			}})
			if err != nil {
				b.Error(err)
			}
		}
	})
}
