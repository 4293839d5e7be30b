package web

import (
	"image/color"
	"os"
	"os/exec"
	"strings"
	"testing"

	"styk"
	"styk/wallet"
)

// TestCardInBrowser looks at the page of a card as an iPhone, an Android phone
// and a computer show it.
func TestCardInBrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: browser tests in short mode")
	}
	if os.Getenv("STYK_TEST_NODE_MODULES") == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("STYK_TEST_NODE_MODULES is not set")
		}
		t.Skip("SKIPPED: no npm packages, set STYK_TEST_NODE_MODULES (scripts/npm brings them)")
	}
	for _, tool := range []string{"node", "chromium"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skipf("SKIPPED: no %s", tool)
		}
	}
	s := newCardSite(t)
	s.pictures()
	card, solo, gone := s.issue(), s.issue("PHONE", "+7 928 664-66-12"), s.issue("PHONE", "+7 928 664-66-13")
	playAdmin(t, "testdata/card/card_test.js", "STYK="+s.url, "FOREIGN="+s.url,
		"CARD="+card.Number, "LINK="+s.link(card.Number), "SOLO="+solo.Number, "SOLOLINK="+s.link(solo.Number),
		"GONE="+gone.Number, "GONELINK="+s.link(gone.Number), "LONG="+s.link(s.longCard()), "SHORT="+s.link(s.plainCard()))
}

// pictures gives the template a logo, a strip and an icon.
func (s *cardSite) pictures() {
	s.t.Helper()
	cream, brown := color.NRGBA{0xd9, 0xa0, 0x66, 255}, color.NRGBA{0x5a, 0x30, 0x1a, 255}
	for place, upload := range map[wallet.Picture][]byte{
		wallet.Strip: picture(1125, 432, cream, brown, false), wallet.Icon: picture(512, 512, brown, cream, true),
	} {
		if err := s.cards.SavePicture(s.t.Context(), guestTemplate, place, upload); err != nil {
			s.t.Fatal(err)
		}
	}
}

// longCard has everything long: a name, a balance, a code in bars.
func (s *cardSite) longCard() string {
	return s.other("5be000000000000000000002", wallet.Layout{
		Organization: "Торговый дом «Электрооборудование и кабельная продукция»", Description: "Карта",
		LogoText:   "Торговый дом «Электрооборудование и кабельная продукция»",
		Background: "#f4f1ea", Foreground: "#222222", LabelColor: "#efefef",
		Header:    []wallet.Field{{Key: "bonus", Label: "Накопленные бонусные рубли", Value: "%BONUS%", Kind: wallet.Money}},
		Secondary: []wallet.Field{{Key: "name", Label: "Клиент", Value: "%CLIENT_NAME%"}, {Key: "phone", Label: "Телефон", Value: "%PHONE%"}},
		Barcode:   wallet.Barcode{Symbol: wallet.Code128, Value: "%CARD_CODE%"},
	}, map[string]string{"CLIENT_NAME": "Константинопольская-Вознесенская Александра", "PHONE": "+79280000001", "BONUS": "1000000000,55", "_CODE": "CARD-0123456789-ABCDEF"})
}

// plainCard has next to nothing.
func (s *cardSite) plainCard() string {
	return s.other("5be000000000000000000003", wallet.Layout{
		Organization: "Зерно", Description: "Карта", LogoText: "Зерно", Background: "#0b6e63", Foreground: "#ffffff", LabelColor: "#c9ebe6",
		Primary: []wallet.Field{{Key: "bonus", Label: "Бонусы", Value: "%BONUS%", Kind: wallet.Number, Empty: "0"}},
		Barcode: wallet.Barcode{Symbol: wallet.QR, Value: "%CARD_CODE%"},
	}, map[string]string{"CLIENT_NAME": "", "PHONE": "+79280000002", "BONUS": "", "_CODE": "7"})
}

func (s *cardSite) other(id string, layout wallet.Layout, values map[string]string) string {
	s.t.Helper()
	t := &styk.CardTemplate{ID: id, Name: strings.TrimSpace(layout.Organization), Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true},
		{Name: "BONUS", Type: styk.CardNumber}, {Name: "_CODE", Type: styk.CardString},
	}}
	if _, err := s.cards.SaveTemplate(s.t.Context(), t, &layout); err != nil {
		s.t.Fatal(err)
	}
	card, _, err := s.cards.Issue(s.t.Context(), wallet.New{Template: id, Values: values, Source: "passteam"})
	if err != nil {
		s.t.Fatal(err)
	}
	return card.Number
}
