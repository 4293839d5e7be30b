package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/wallet"
)

// installRate bounds how often one address may say that it has put a card on its
// home screen.
var installRate = Rate{Burst: 60, Every: 10 * time.Second}

// cardPages are the pages of loyalty cards. Whoever has a card's link may see
// it: it shows the first name, the balance and a masked phone of its holder.
type cardPages struct {
	cards    *wallet.Cards
	remote   func(*http.Request) netip.Addr
	log      *slog.Logger
	installs *throttle
	looks    *cardLooks
}

func newCardPages(o Options) *cardPages {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	p := &cardPages{cards: o.Cards, remote: o.Remote, log: o.Log, installs: newThrottle(installRate, now), looks: &cardLooks{cards: o.Cards}}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p
}

func (p *cardPages) routes(mux *http.ServeMux) {
	mine := http.NewServeMux()
	mine.HandleFunc("GET /c/{link}", p.open(p.page))
	mine.HandleFunc("GET /c/{link}/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.TrimSuffix(r.URL.EscapedPath(), "/"), http.StatusSeeOther)
	})
	mine.HandleFunc("GET /c/{link}/state", p.open(p.state))
	mine.HandleFunc("GET /c/{link}/manifest.webmanifest", p.open(p.manifest))
	mine.HandleFunc("GET /c/{link}/sw.js", p.open(p.worker))
	mine.HandleFunc("GET /c/{link}/{picture}", p.open(p.picture))
	mine.HandleFunc("POST /c/{link}/installed", p.open(p.installed))
	mux.Handle("/c/", http.NewCrossOriginProtection().Handler(mine))
}

// openCard is a card whose link was right.
type openCard struct {
	link   string // "/c/{card}-{secret}"
	lang   string
	card   *styk.Card
	t      *styk.CardTemplate
	layout *wallet.Layout
}

// open answers links that lead nowhere; the rest goes to show.
func (p *cardPages) open(show func(http.ResponseWriter, *http.Request, *openCard)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		cardHeaders(w.Header(), "")
		part, wantsPass := strings.CutSuffix(r.PathValue("link"), ".pkpass")
		o := &openCard{link: "/c/" + part, lang: language(w, r)}
		number, ok := p.cards.FromLink(part)
		var err error
		if ok {
			o.card, o.t, err = p.cards.Load(r.Context(), number)
			ok = styk.CodeOf(err) != styk.NotFound
		}
		if ok && err == nil {
			o.layout, err = wallet.LayoutOf(o.t)
		}
		switch {
		case !ok:
			sayOfCard(w, o.lang, http.StatusNotFound)
		case err != nil:
			p.fail(w, o, "card", err)
		case !o.card.Deleted.IsZero():
			sayOfCard(w, o.lang, http.StatusGone)
		case wantsPass:
			p.pass(w, r, o)
		default:
			show(w, r, o)
		}
	}
}

// cardHeaders close what browsers leave open. hash is of the page's own style,
// which holds the template's colours.
func cardHeaders(h http.Header, hash string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'"+hash+"; img-src 'self'; connect-src 'self'; "+
		"manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	h.Set("Cache-Control", "private, no-store")
}

func (p *cardPages) fail(w http.ResponseWriter, o *openCard, op string, err error) {
	p.log.Error("card page", "op", op, "card", o.card, "err", err)
	sayOfCard(w, o.lang, http.StatusInternalServerError)
}

// sayOfCard is the page of a link that shows no card.
func sayOfCard(w http.ResponseWriter, lang string, status int) {
	words := cardWords{lang}
	page := sayPage{speech: speak(nil, lang), Theme: "auto", Title: words.T("failed"), Text: words.T("failed_text")}
	switch status {
	case http.StatusNotFound:
		page.Title, page.Text = words.T("unknown"), words.T("unknown_text")
	case http.StatusGone:
		page.Title, page.Text = words.T("gone"), words.T("gone_text")
	}
	renderStatus(w, status, "say_page.html", page)
}

// pass gives the card for Apple Wallet.
func (p *cardPages) pass(w http.ResponseWriter, r *http.Request, o *openCard) {
	printed, err := p.cards.Pass(r.Context(), o.card.Number)
	if styk.CodeOf(err) == styk.Invalid {
		p.log.Warn("card page", "op", "pass", "card", o.card, "err", err)
		words := cardWords{o.lang}
		renderStatus(w, http.StatusServiceUnavailable, "say_page.html",
			sayPage{speech: speak(nil, o.lang), Theme: "auto", Title: words.T("no_pass"), Text: words.T("no_pass_text")})
		return
	}
	if err != nil {
		p.fail(w, o, "pass", err)
		return
	}
	if r.Method == http.MethodGet {
		if err := p.cards.Handed(r.Context(), printed); err != nil { // the phone would not hear of a change that comes right now
			p.fail(w, o, "handed", err)
			return
		}
	}
	w.Header().Set("Content-Disposition", `attachment; filename="card-`+o.card.Number[:6]+`.pkpass"`)
	writePass(w, r, printed)
}

func writePass(w http.ResponseWriter, r *http.Request, p *wallet.Printed) {
	w.Header().Set("Content-Type", wallet.PassMIME)
	w.Header().Set("Content-Length", strconv.Itoa(len(p.Data)))
	w.Header().Set("Last-Modified", p.Modified.UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(p.Data)
	}
}

// cardPage is what card_page.html shows.
type cardPage struct {
	cardWords
	Link, Title   string
	Organization  string
	Revision      int64
	Look          string // when it differs from the state's the page is loaded anew
	At            string
	Device        string // iphone, android, desktop
	Style         template.HTML
	Ground        string
	Logo, Strip   string // addresses; "" for none
	LogoText      string
	Icon          string
	Manifest      string
	Balance       *shownText
	Fields        []shownText
	Back          []shownText
	Barcode       template.HTML
	Caption       string
	Wide, Square  bool
	Bars          bool // and nothing but: their height says nothing
	Apple         bool // there is a certificate
	Development   bool
	QR            template.HTML
	CSS, Script   string
	Other, OtherL string
}

// shownText is one value by which the script finds it again.
type shownText struct {
	Key, Label, Text, Size string
}

func (p *cardPages) page(w http.ResponseWriter, r *http.Request, o *openCard) {
	look, err := p.looks.of(r.Context(), o.t, o.layout)
	if err != nil {
		p.fail(w, o, "pictures", err)
		return
	}
	shown := o.layout.WebCard(o.t, o.card, o.lang)
	version := "?v=" + strconv.FormatInt(o.t.Version, 10)
	page := &cardPage{
		cardWords: cardWords{o.lang}, Link: o.link, Title: o.layout.Organization, Organization: o.layout.Organization,
		Revision: o.card.Revision, Look: lookOf(o, shown), At: p.cards.DB.Now().UTC().Format(time.RFC3339), Device: deviceOf(r.UserAgent()),
		Ground: look.ground, LogoText: shown.LogoText, Icon: o.link + "/icon-180.png" + version, Manifest: o.link + "/manifest.webmanifest" + version,
		Fields: textsOf(shown.Header, shown.Primary, shown.Secondary, shown.Auxiliary), Back: textsOf(shown.Back), Caption: shown.Caption,
		CSS: versioned("card.css"), Script: versioned("card.js"),
		Other: o.link + "?lang=" + choose(o.lang, "en", "ru"), OtherL: choose(o.lang, "en", "ru"),
	}
	if look.files["logo@3x.png"] != nil {
		page.Logo = o.link + "/logo.png" + version
	}
	if look.files["strip@3x.png"] != nil {
		page.Strip = o.link + "/strip.png" + version
	}
	if shown.Balance != nil {
		page.Balance = &textsOf([]wallet.Shown{*shown.Balance})[0]
	}
	if code := shown.Barcode; code != nil {
		page.Barcode = template.HTML(code.SVG()) //nolint:gosec // drawn by us, holds digits only
		page.Square = code.Symbol == wallet.QR || code.Symbol == wallet.Aztec
		page.Bars = code.Symbol == wallet.EAN13 || code.Symbol == wallet.Code128
		page.Wide = page.Bars && svgWidth(code.SVG()) > wideModules
	}
	if qr, err := wallet.Encode(wallet.QR, p.cards.URL(o.card.Number)); err == nil {
		page.QR = template.HTML(qr.SVG()) //nolint:gosec // drawn by us, holds digits only
	}
	page.Apple, page.Development = p.applePass(r, o)
	style := look.style()
	sum := sha256.Sum256([]byte(style))
	page.Style = template.HTML("<style>" + style + "</style>") //nolint:gosec // colours that were parsed and written anew
	cardHeaders(w.Header(), " 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	w.Header().Set("Vary", "User-Agent, Cookie")
	render(w, "card_page.html", page)
}

// applePass tells whether there is a certificate to sign with, and whether it is
// the one that no real iPhone accepts.
func (p *cardPages) applePass(r *http.Request, o *openCard) (ok, development bool) {
	signer, err := p.cards.Signer(r.Context(), o.t.PassType)
	if err != nil || signer.Check(p.cards.DB.Now()) != nil {
		return false, false
	}
	return true, signer.Development()
}

// deviceOf tells what a browser runs on. An iPad says that it is a Mac: the
// script knows better.
func deviceOf(agent string) string {
	switch {
	case strings.Contains(agent, "iPhone"), strings.Contains(agent, "iPad"), strings.Contains(agent, "iPod"):
		return "iphone"
	case strings.Contains(agent, "Android"):
		return "android"
	}
	return "desktop"
}

func textsOf(lists ...[]wallet.Shown) []shownText {
	var all []shownText
	for _, list := range lists {
		for _, s := range list {
			all = append(all, shownText{Key: s.Key, Label: s.Label, Text: s.Text, Size: balanceSize(s.Text)})
		}
	}
	return all
}

// balanceSize says in what size a balance fits a narrow phone's card.
func balanceSize(text string) string {
	switch n := len([]rune(text)); {
	case n > 16:
		return "s"
	case n > 9:
		return "m"
	}
	return "l"
}

// wideModules is from how many modules on a code is turned to fill an upright
// screen: its bars would be too thin across.
const wideModules = 170

var viewBox = regexp.MustCompile(`viewBox="0 0 ([0-9]+) `)

func svgWidth(svg string) int {
	m := viewBox.FindStringSubmatch(svg)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// cardState is what changes on a card while its page is open.
type cardState struct {
	Revision int64             `json:"revision"`
	Look     string            `json:"look"`
	At       string            `json:"at"`
	Texts    map[string]string `json:"texts"`
}

// lookOf names everything of the page that the script does not change in place.
func lookOf(o *openCard, shown wallet.WebCard) string {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, o.t.Version, o.lang, shown.Caption, shown.Balance != nil)
	if shown.Barcode != nil {
		_, _ = io.WriteString(h, shown.Barcode.SVG())
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (p *cardPages) state(w http.ResponseWriter, r *http.Request, o *openCard) {
	tag := fmt.Sprintf(`"%d-%d-%s"`, o.card.Revision, o.t.Version, o.lang)
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	shown := o.layout.WebCard(o.t, o.card, o.lang)
	s := cardState{Revision: o.card.Revision, Look: lookOf(o, shown), At: p.cards.DB.Now().UTC().Format(time.RFC3339), Texts: map[string]string{}}
	lists := [][]wallet.Shown{shown.Header, shown.Primary, shown.Secondary, shown.Auxiliary, shown.Back}
	if shown.Balance != nil {
		lists = append(lists, []wallet.Shown{*shown.Balance})
	}
	for _, f := range textsOf(lists...) {
		s.Texts[f.Key] = f.Text
	}
	writeJSON(w, http.StatusOK, s)
}

var webDevice = regexp.MustCompile(`^[A-Za-z0-9-]{16,64}$`)

// installed notes that the page was put on a home screen, or was opened from
// there: so a web card counts as installed.
func (p *cardPages) installed(w http.ResponseWriter, r *http.Request, o *openCard) {
	var from netip.Addr
	if p.remote != nil {
		from = p.remote(r)
	}
	if wait := p.installs.wait(from); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	var body struct {
		Device string `json:"device"`
	}
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body) != nil || !webDevice.MatchString(body.Device) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	// The colon keeps it apart from the names that phones call themselves.
	d := styk.CardDevice{Device: "web:" + body.Device, Platform: styk.OnWeb, Agent: deviceOf(r.UserAgent())}
	switch _, err := p.cards.Install(r.Context(), o.card.Number, d); {
	case styk.CodeOf(err) == styk.TooMany:
		w.WriteHeader(http.StatusTooManyRequests)
	case styk.CodeOf(err) == styk.NotFound:
		w.WriteHeader(http.StatusGone)
	case err != nil:
		p.log.Error("card page", "op", "installed", "card", o.card, "err", err)
		w.WriteHeader(http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
