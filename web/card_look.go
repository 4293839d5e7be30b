package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"styk"
	"styk/wallet"
)

// cardLooks keeps the pictures and colours of templates, each as its last
// version has them.
type cardLooks struct {
	cards *wallet.Cards

	mu  sync.Mutex
	all map[string]*cardLook // by template
}

// cardLook is what the pages of one template have in common. It is never
// changed but for icons.
type cardLook struct {
	version            int64
	files              map[string][]byte
	ground, ink, label string // colours that can be read on each other
	icons              sync.Map
}

func (l *cardLooks) of(ctx context.Context, t *styk.CardTemplate, layout *wallet.Layout) (*cardLook, error) {
	l.mu.Lock()
	kept := l.all[t.ID]
	l.mu.Unlock()
	if kept != nil && kept.version == t.Version {
		return kept, nil
	}
	images, err := l.cards.Images(ctx, t.ID, layout)
	if err != nil {
		return nil, err
	}
	made := &cardLook{version: t.Version, files: images.Files()}
	made.colours(layout)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string]*cardLook{}
	}
	l.all[t.ID] = made
	return made, nil
}

// icon gives the picture for home screens, drawn once.
func (l *cardLooks) icon(ctx context.Context, o *openCard, look *cardLook, side int) ([]byte, error) {
	if kept, ok := look.icons.Load(side); ok {
		data, _ := kept.([]byte)
		return data, nil
	}
	data, err := l.cards.AppIcon(ctx, o.t.ID, o.layout, side)
	if err == nil {
		look.icons.Store(side, data)
	}
	return data, err
}

// readable is the least contrast of a text that everybody can read.
const readable = 4.5

// colours takes the template's, but never letters that cannot be told from their
// ground.
func (look *cardLook) colours(layout *wallet.Layout) {
	ground := layout.Background.RGB(color.NRGBA{0x1f, 0x2a, 0x44, 255})
	ink := readableOn(ground, layout.Foreground.RGB(color.NRGBA{255, 255, 255, 255}))
	label := readableOn(ground, layout.LabelColor.RGB(ink))
	look.ground, look.ink, look.label = hexOf(ground), hexOf(ink), hexOf(label)
}

func readableOn(ground, letters color.NRGBA) color.NRGBA {
	if contrast(ground, letters) >= readable {
		return letters
	}
	white, black := color.NRGBA{255, 255, 255, 255}, color.NRGBA{0x11, 0x11, 0x11, 255}
	if contrast(ground, white) >= contrast(ground, black) {
		return white
	}
	return black
}

// contrast is that of WCAG, 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func hexOf(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// style is the page's own: nothing but colours, which were parsed.
func (look *cardLook) style() string {
	return ":root{--card:" + look.ground + ";--on-card:" + look.ink + ";--card-label:" + look.label + "}"
}

// versioned is the address of a built-in file by its content, so that a page
// kept on a phone finds the one it was made with.
func versioned(name string) string {
	return "/static/" + name + "?v=" + strings.Trim(tags["static/"+name], `"`)
}

// pictures of a card's page, by the last part of their path.
var pictures = map[string]string{"logo.png": "logo@3x.png", "strip.png": "strip@3x.png"}

func (p *cardPages) picture(w http.ResponseWriter, r *http.Request, o *openCard) {
	look, err := p.looks.of(r.Context(), o.t, o.layout)
	if err != nil {
		p.fail(w, o, "pictures", err)
		return
	}
	name := r.PathValue("picture")
	data := look.files[pictures[name]]
	if side, ok := strings.CutPrefix(strings.TrimSuffix(name, ".png"), "icon-"); ok {
		n, _ := strconv.Atoi(side)
		if data, err = p.looks.icon(r.Context(), o, look, n); err != nil && styk.CodeOf(err) != styk.NotFound {
			p.fail(w, o, "icon", err)
			return
		}
	}
	if data == nil {
		sayOfCard(w, o.lang, http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Cache-Control", "private, max-age=86400")
	h.Set("ETag", fmt.Sprintf(`"%d"`, look.version))
	http.ServeContent(w, r, "", o.t.Changed, bytes.NewReader(data))
}

type webManifest struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	ShortName  string         `json:"short_name"`
	Start      string         `json:"start_url"`
	Scope      string         `json:"scope"`
	Display    string         `json:"display"`
	Lang       string         `json:"lang"`
	Background string         `json:"background_color"`
	Theme      string         `json:"theme_color"`
	Icons      []manifestIcon `json:"icons"`
}

type manifestIcon struct {
	Src   string `json:"src"`
	Sizes string `json:"sizes"`
	Type  string `json:"type"`
}

// manifest lets the page be put on a home screen, each card as an app of its own.
func (p *cardPages) manifest(w http.ResponseWriter, r *http.Request, o *openCard) {
	look, err := p.looks.of(r.Context(), o.t, o.layout)
	if err != nil {
		p.fail(w, o, "pictures", err)
		return
	}
	m := webManifest{
		ID: o.link, Name: o.layout.Organization, ShortName: cut(o.layout.Organization, 60), Start: o.link, Scope: o.link,
		Display: "standalone", Lang: o.lang, Background: look.ground, Theme: look.ground,
	}
	for _, side := range wallet.AppIconSides {
		m.Icons = append(m.Icons, manifestIcon{
			Src: fmt.Sprintf("%s/icon-%d.png?v=%d", o.link, side, o.t.Version), Sizes: fmt.Sprintf("%dx%d", side, side), Type: "image/png",
		})
	}
	body, err := json.Marshal(m)
	if err != nil {
		p.fail(w, o, "manifest", err)
		return
	}
	w.Header().Set("Content-Type", "application/manifest+json; charset=utf-8")
	_, _ = w.Write(body)
}

// worker gives the script that keeps the card for times without a network. It
// may rule the page alone, not other cards.
func (p *cardPages) worker(w http.ResponseWriter, _ *http.Request, o *openCard) {
	body, err := files.ReadFile("static/card_worker.js")
	if err != nil {
		p.fail(w, o, "worker", err)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Service-Worker-Allowed", o.link)
	w.Header().Set("Cache-Control", "private, no-cache")
	_, _ = w.Write(body)
}
