package web

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"

	"styk"
	"styk/wallet"
)

// TestCardInBrowser looks at the page of a card as an iPhone, an Android phone
// and a computer show it.
func TestCardInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	s := newCardSite(t)
	s.pictures()
	card, solo, gone := s.issue(), s.issue("PHONE", "+7 928 664-66-12"), s.issue("PHONE", "+7 928 664-66-13")
	long, short, codes := s.longCard(), s.plainCard(), t.TempDir()
	playAdmin(t, "testdata/card/card_test.js", "STYK="+s.url, "FOREIGN="+s.url, "CODES="+codes,
		"CARD="+card.Number, "LINK="+s.link(card.Number), "SOLO="+solo.Number, "SOLOLINK="+s.link(solo.Number),
		"GONE="+gone.Number, "GONELINK="+s.link(gone.Number), "LONG="+s.link(long), "SHORT="+s.link(short))
	for name, want := range map[string]string{
		"ean13 card": card.Code, "ean13 full": card.Code, "code128 card": s.card(long).Code, "code128 full": s.card(long).Code,
		"qr card": s.card(short).Code, "qr full": s.card(short).Code, "qr link": s.cards.URL(card.Number),
	} {
		if got := scan(t, filepath.Join(codes, name+".png")); got != want {
			t.Errorf("%s reads %q, want %q", name, got, want)
		}
	}
}

// scan reads a picture of a screen as a till does: with another library than the
// one that drew the code.
func scan(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Error(err) // the program was told to do only a part
		return ""
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	kind, _, _ := strings.Cut(filepath.Base(file), " ")
	reader := map[string]gozxing.Reader{"ean13": oned.NewEAN13Reader(), "code128": oned.NewCode128Reader(), "qr": qrcode.NewQRCodeReader()}[kind]
	result, err := reader.Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Errorf("%s: %v", filepath.Base(file), err)
		return ""
	}
	return result.GetText()
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
