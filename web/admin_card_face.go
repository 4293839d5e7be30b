package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"styk"
	"styk/store"
	"styk/wallet"
)

// adminFace is a card drawn as an iPhone shows it, and as its page does.
type adminFace struct {
	Lang              string
	Card, Ink, Label  string // colours, "#1f2a44"
	Organization      string
	Logo, Strip, Icon string // addresses; "" for none
	LogoText          string
	Header            []wallet.Shown
	Primary           []wallet.Shown
	Rows              []wallet.Shown // the second and third line: Wallet puts them into one
	Back              []wallet.Shown
	Code              template.HTML // drawn
	Square            bool
	Caption           string
	Void              bool
	Notice            string // how a change shows on the lock screen; "" for not at all
	Web               adminWebFace
}

// adminWebFace is the same on the card's page, which shows less of the holder.
type adminWebFace struct {
	Ground, Ink, Label string // that can be read on each other
	Balance            *wallet.Shown
	Size               string
	Fields             []wallet.Shown
	Code               template.HTML
	Square             bool
	Caption            string
}

// T chooses between the languages.
func (f adminFace) T(ru, en string) string { return choose(f.Lang, ru, en) }

// face draws a card. pictures are the template's, by their place.
func face(lang string, t *styk.CardTemplate, layout *wallet.Layout, card *styk.Card, pictures map[string]string) adminFace {
	shown := layout.Show(wallet.Values(t, card), lang)
	web := layout.WebCard(t, card, lang)
	look := &cardLook{}
	look.colours(layout)
	f := adminFace{
		Lang: lang, Card: cmp.Or(string(layout.Background), look.ground), Ink: cmp.Or(string(layout.Foreground), look.ink),
		Label: cmp.Or(string(layout.LabelColor), look.label), Organization: layout.Organization,
		Logo: pictures["logo"], Strip: pictures["strip"], Icon: pictures["icon"], LogoText: shown.LogoText,
		Header: shown.Header, Primary: shown.Primary, Rows: slices.Concat(shown.Secondary, shown.Auxiliary), Back: withText(shown.Back),
		Caption: shown.Caption, Void: !card.Deleted.IsZero(), Notice: noticeOf(slices.Concat(shown.Header, shown.Primary, shown.Secondary, shown.Auxiliary)),
		Web: adminWebFace{Ground: look.ground, Ink: look.ink, Label: look.label, Balance: web.Balance,
			Fields: withText(slices.Concat(web.Header, web.Primary, web.Secondary, web.Auxiliary)), Caption: web.Caption},
	}
	if code := shown.Barcode; code != nil {
		if code.Symbol == wallet.EAN13 { // Wallet draws no EAN-13
			if plain, err := wallet.Encode(wallet.Code128, code.Text); err == nil {
				code = plain
			}
		}
		f.Code, f.Square = template.HTML(code.SVG()), squareCode(code) //nolint:gosec // drawn by us, holds digits only
	}
	if code := web.Barcode; code != nil {
		f.Web.Code, f.Web.Square = template.HTML(code.SVG()), squareCode(code) //nolint:gosec // drawn by us, holds digits only
	}
	if f.Web.Balance != nil {
		f.Web.Size = balanceSize(f.Web.Balance.Text)
	}
	return f
}

func squareCode(c *wallet.Code) bool { return c.Symbol == wallet.QR || c.Symbol == wallet.Aztec }

// withText drops fields that have nothing to show.
func withText(list []wallet.Shown) []wallet.Shown {
	return slices.DeleteFunc(slices.Clone(list), func(s wallet.Shown) bool { return s.Text == "" })
}

// noticeOf is what the lock screen would say of the first field that speaks.
func noticeOf(list []wallet.Shown) string {
	for _, s := range list {
		if s.Change != "" {
			return strings.Replace(s.Change, "%@", s.Text, 1)
		}
	}
	return ""
}

// Style holds the colours alone; faceHeader lets it through.
func (f adminFace) Style() template.HTML {
	return template.HTML("<style>" + f.rule() + "</style>") //nolint:gosec // colours that were parsed
}

func (f adminFace) rule() string {
	return ".pass{--card:" + safeColour(f.Card) + ";--on-card:" + safeColour(f.Ink) + ";--card-label:" + safeColour(f.Label) + "}" +
		".webcard{--card:" + safeColour(f.Web.Ground) + ";--on-card:" + safeColour(f.Web.Ink) + ";--card-label:" + safeColour(f.Web.Label) + "}"
}

// safeColour lets nothing but a colour into the style.
func safeColour(colour string) string {
	if len(colour) == 7 && colour[0] == '#' && strings.Trim(colour[1:], "0123456789abcdefABCDEF") == "" {
		return colour
	}
	return "#1f2a44"
}

// faceHeader allows the page the style of one face, and its script to ask for
// another preview.
func faceHeader(h http.Header, f adminFace) {
	sum := sha256.Sum256([]byte(f.rule()))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; "+
		"script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
}

// picturesOf gives the addresses of a template's pictures by their place.
func (a *admin) picturesOf(ctx context.Context, id string) (map[string]string, error) {
	found := map[string]string{"icon": templateAddress(id) + "/picture/icon@2x.png"} // there is always one
	err := a.DB.View(ctx, func(tx *store.Tx) error {
		list, err := tx.CardImages(id)
		for _, f := range list {
			if place, ok := strings.CutSuffix(f.Name, "@2x.png"); ok {
				found[place] = templateAddress(id) + "/picture/" + f.Name + "?v=" + f.Sum[:min(8, len(f.Sum))]
			}
		}
		return err
	})
	return found, err
}
