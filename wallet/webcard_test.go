package wallet_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"styk"
	"styk/wallet"
)

// Whatever a template puts on its card, its page shows no surname, no whole
// phone, no mail, no birthday and no free text of the holder.
func TestWebCardHidesWhatIsPersonal(t *testing.T) {
	t.Parallel()
	template := &styk.CardTemplate{ID: guestTemplate, Name: "x", Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "BIRTHDAY", Type: styk.CardDate}, {Name: "PHONE", Type: styk.CardPhone},
		{Name: "EMAIL", Type: styk.CardEmail}, {Name: "BONUS", Type: styk.CardNumber}, {Name: "ADDRESS", Type: styk.CardString},
		{Name: "LEVEL", Type: styk.CardNumber}, {Name: "UNTIL", Type: styk.CardDate},
	}}
	card := &styk.Card{Number: strings.Repeat("a", 24), Code: "4600682000013", Values: map[string]string{
		"CLIENT_NAME": "Воскресенская Анна Павловна", "BIRTHDAY": "01.02.1990", "PHONE": "8 (928) 664-66-11", "EMAIL": "anna@firm.ru", "BONUS": "150",
		"ADDRESS": "Казань", "LEVEL": "золотой Казань", "UNTIL": "31.12.2027", "STRAY": "Казань",
	}}
	names := []string{"CLIENT_NAME", "BIRTHDAY", "PHONE", "EMAIL", "BONUS", "ADDRESS", "LEVEL", "UNTIL", "STRAY", "NEWS", "CARD_CODE", "CARD_NUMBER"}
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.Just("и "), rapid.Map(rapid.SampledFrom(names), func(n string) string { return "%" + n + "%" })), 0, 4).Draw(t, "parts"), "")
	})
	field := rapid.Custom(func(t *rapid.T) wallet.Field {
		return wallet.Field{
			Key: "k", Label: text.Draw(t, "label"), Value: text.Draw(t, "value"),
			Kind: rapid.SampledFrom([]wallet.Kind{wallet.Text, wallet.Number, wallet.Money, wallet.Day}).Draw(t, "kind"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		l := &wallet.Layout{
			Organization: "x", LogoText: text.Draw(t, "logo"), Header: rapid.SliceOfN(field, 0, 3).Draw(t, "header"),
			Primary: rapid.SliceOfN(field, 0, 1).Draw(t, "primary"), Auxiliary: rapid.SliceOfN(field, 0, 4).Draw(t, "auxiliary"),
			Back:    rapid.SliceOfN(field, 0, 5).Draw(t, "back"),
			Barcode: wallet.Barcode{Value: text.Draw(t, "code"), Caption: text.Draw(t, "caption")},
		}
		w := l.WebCard(template, card, "ru")
		shown := fmt.Sprintf("%s %s %+v", w.LogoText, w.Caption, [][]wallet.Shown{w.Header, w.Primary, w.Secondary, w.Auxiliary, w.Back})
		if w.Balance == nil {
			t.Fatal("no balance")
		}
		shown += w.Balance.Label + w.Balance.Text
		for _, secret := range []string{"Воскресенская", "Павловна", "664", "1990", "anna", "Казань", "2027"} {
			if strings.Contains(shown, secret) {
				t.Fatalf("%q is shown: %s", secret, shown)
			}
		}
	})
}

func TestWebCardKeepsWhatTheHolderLooksFor(t *testing.T) {
	t.Parallel()
	template := &styk.CardTemplate{ID: guestTemplate, Name: "x", Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "PHONE", Type: styk.CardPhone}, {Name: "BONUS", Type: styk.CardNumber},
	}}
	card := &styk.Card{Number: strings.Repeat("a", 24), Code: "4600682000013", Values: map[string]string{
		"CLIENT_NAME": "Воскресенская Анна", "PHONE": "8 (928) 664-66-11", "BONUS": "1 234,5", "NEWS": "Скидки",
	}}
	layout := wallet.DefaultLayout("Зерно")
	w := layout.WebCard(template, card, "en")
	if w.Balance == nil || w.Balance.Label != "Points" || w.Balance.Text != "1\u00a0234,5" || len(w.Header) != 0 {
		t.Errorf("balance %+v, header %+v", w.Balance, w.Header)
	}
	if w.Secondary[0].Text != "Анна" || w.Auxiliary[0].Text != "+7\u00a0•••\u00a0•••\u201166\u201111" || w.Back[0].Text != "Скидки" || w.Caption != card.Code {
		t.Errorf("got %+v", w)
	}
	for phone, want := range map[string]string{"": "—", "12": "—", "+375 29 123-45-67": "•••\u00a045\u201167"} {
		card.Values["PHONE"] = phone
		if got := layout.WebCard(template, card, "ru").Auxiliary[0].Text; got != want {
			t.Errorf("phone %q is %q, want %q", phone, got, want)
		}
	}
}

func TestAppIcons(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, c *wallet.Cards, _ *clock) {
		layout := wallet.DefaultLayout("Зерно")
		drawn := map[int][]byte{}
		for _, own := range []bool{false, true} {
			if own {
				var upload bytes.Buffer
				if err := png.Encode(&upload, image.NewGray(image.Rect(0, 0, 90, 60))); err != nil {
					t.Fatal(err)
				}
				if err := c.SavePicture(t.Context(), guestTemplate, wallet.Icon, upload.Bytes()); err != nil {
					t.Fatal(err)
				}
			}
			for _, side := range wallet.AppIconSides {
				data, err := c.AppIcon(t.Context(), guestTemplate, &layout, side)
				if err != nil {
					t.Fatal(err)
				}
				if cfg, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || cfg.Width != side || cfg.Height != side {
					t.Errorf("%d: %+v, %v", side, cfg, err)
				}
				if own && bytes.Equal(drawn[side], data) {
					t.Errorf("%d: the upload is not used", side)
				}
				drawn[side] = data
			}
		}
		if _, err := c.AppIcon(t.Context(), guestTemplate, &layout, 64); styk.CodeOf(err) != styk.NotFound {
			t.Errorf("got %v", err)
		}
	})
}
