package web

import (
	"crypto/sha1" //nolint:gosec // what Apple's manifest is made of
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"image/color"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"styk"
	"styk/store"
	"styk/wallet"
)

// need skips a test whose outside tool is not here; where everything must run
// that is a failure.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED: no %s", tool)
	}
}

func TestCardPageShowsNothingElseOfItsHolder(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue("NEWS", "Сегодня вдвое больше бонусов")
	for _, path := range []string{"", "?lang=en", "/state", "/manifest.webmanifest"} {
		a := s.do("GET", s.link(card.Number)+path, "")
		if a.status != 200 {
			t.Fatalf("%s: %d", path, a.status)
		}
		for _, secret := range []string{"Воскресенская", "Павловна", "9286646611", "664-66", "66466", "1990", "anna@", "Казань", s.cards.Token(card.Number)} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		if path == "/manifest.webmanifest" {
			continue
		}
		for _, want := range []string{"Анна", "1\u00a0234,5", "66\u201111", "вдвое больше"} {
			if !strings.Contains(a.body, want) {
				t.Errorf("%s: no %q", path, want)
			}
		}
	}
}

// A shop whose tills scan the phone's number shows it in the bars, and nowhere else.
func TestPhoneInTheBarcodeHasNoCaption(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	l := wallet.DefaultLayout("Зерно")
	l.Barcode = wallet.Barcode{Symbol: wallet.QR, Value: "%PHONE%", Caption: "Тел. %PHONE%"}
	s.template(nil, &l)
	card := s.issue()
	page := s.do("GET", s.link(card.Number), "").body
	if regexp.MustCompile(`664\D?66\D?11`).MatchString(page) || !strings.Contains(page, "<svg") {
		t.Error("the phone stands on the page, or there is no code")
	}
}

func TestLinksThatShowNoCard(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card, gone := s.issue(), s.issue("PHONE", "+7 928 664-66-12")
	if err := s.cards.Delete(t.Context(), gone.Number, store.By{Origin: "test"}); err != nil {
		t.Fatal(err)
	}
	good := s.link(card.Number)
	unknown := "/c/" + strings.Repeat("0", 24) + "-" + strings.Repeat("a", 22)
	first := s.do("GET", unknown, "").body
	for _, path := range []string{
		unknown, good + "x", good[:len(good)-1], "/c/" + card.Number, "/c/" + card.Number + "-", strings.TrimPrefix(s.cards.URL(strings.Repeat("0", 24)), s.url),
		"/c/" + gone.Number + good[27:], "/c/x.pkpass", good + "x.pkpass", unknown + "/state", unknown + "/sw.js", good + "/nothing", good + "/icon-64.png", good + "/logo.png",
	} {
		a := s.do("GET", path, "")
		if a.status != 404 || a.body != first {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, part := range []string{"", ".pkpass", "/state", "/manifest.webmanifest"} {
		if a := s.do("GET", s.link(gone.Number)+part, ""); a.status != 410 || !strings.Contains(a.body, "больше не действует") {
			t.Errorf("%s of a deleted card: %d", part, a.status)
		}
	}
	if a := s.do("POST", s.link(gone.Number)+"/installed", `{"device":"0123456789abcdef"}`); a.status != 410 {
		t.Errorf("installed: %d", a.status)
	}
	if a := s.do("GET", good+"/", ""); a.status != 303 || a.header.Get("Location") != good {
		t.Errorf("a slash behind: %d to %s", a.status, a.header.Get("Location"))
	}
}

func TestEverythingOfACardIsClosed(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	for _, path := range []string{"", ".pkpass", "/state", "/manifest.webmanifest", "/sw.js", "/icon-192.png", "/nothing"} {
		h := s.do("GET", s.link(card.Number)+path, "").header
		if h.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(h.Get("X-Robots-Tag"), "noindex") || !regexp.MustCompile("private|no-store").MatchString(h.Get("Cache-Control")) ||
			h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
	page := s.do("GET", s.link(card.Number), "")
	style := regexp.MustCompile(`<style>(.*)</style>`).FindStringSubmatch(page.body)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if !strings.Contains(page.header.Get("Content-Security-Policy"), "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Error("the page's style is another than its header allows")
	}
	if found := regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//|\sstyle=|\son[a-z]+=`).FindString(page.body); found != "" {
		t.Errorf("the page holds %q", found)
	}
	if w := s.do("GET", s.link(card.Number)+"/sw.js", ""); w.header.Get("Service-Worker-Allowed") != s.link(card.Number) {
		t.Errorf("the worker may rule %q", w.header.Get("Service-Worker-Allowed"))
	}
}

func TestColoursCanBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ ground, ink, label wallet.Colour }{
		{"#ffffff", "#ffffff", "#eeeeee"}, {"#000000", "#111111", ""}, {"#808080", "#7f7f7f", "#818181"}, {"", "", ""}, {"#ff0000", "#00ff00", "#0000ff"},
	} {
		look := &cardLook{}
		look.colours(&wallet.Layout{Background: c.ground, Foreground: c.ink, LabelColor: c.label})
		ground, ink, label := wallet.Colour(look.ground), wallet.Colour(look.ink), wallet.Colour(look.label)
		for _, letters := range []wallet.Colour{ink, label} {
			if k := contrast(ground.RGB(color.NRGBA{}), letters.RGB(color.NRGBA{})); k < 4 { // middle grey has no better
				t.Errorf("%v: %s on %s has %.1f", c, letters, ground, k)
			}
		}
	}
}

func TestStateIsToldOnlyWhenItChanged(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	path := s.link(card.Number) + "/state"
	first := s.do("GET", path, "")
	tag := first.header.Get("ETag")
	if a := s.do("GET", path, "", "If-None-Match", tag); a.status != 304 || tag == "" {
		t.Errorf("%d, tag %q", a.status, tag)
	}
	s.update(card.Number, "BONUS", "7")
	second := s.do("GET", path, "", "If-None-Match", tag)
	var before, after cardState
	if err := json.Unmarshal([]byte(first.body), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(second.body), &after); err != nil {
		t.Fatal(err)
	}
	if second.status != 200 || after.Texts["bonus"] != "7" || after.Look != before.Look || after.Revision != before.Revision+1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	s.update(card.Number, "BONUS", "8")
	l := wallet.DefaultLayout("Другое")
	s.template(nil, &l)
	if err := json.Unmarshal([]byte(s.do("GET", path, "").body), &after); err != nil || after.Look == before.Look {
		t.Errorf("a new look is not seen: %+v", after)
	}
}

func TestWebCardIsInstalled(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	card := s.issue()
	path := s.link(card.Number) + "/installed"
	for _, bad := range []string{"", "{", `{}`, `{"device":"short"}`, `{"device":"` + strings.Repeat("a", 65) + `"}`, `{"device":"../../../../etc/passwd"}`, strings.Repeat(" ", 2000)} {
		if a := s.do("POST", path, bad); a.status != 400 {
			t.Errorf("%q: %d", bad, a.status)
		}
	}
	if !s.card(card.Number).Installed.IsZero() {
		t.Fatal("installed by nothing")
	}
	for range 2 {
		if a := s.do("POST", path, `{"device":"0123456789abcdef"}`); a.status != 204 {
			t.Errorf("got %d", a.status)
		}
	}
	if s.card(card.Number).Installed.IsZero() {
		t.Error("not installed")
	}
	if a := s.do("POST", path, `{"device":"0123456789abcdeff"}`, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); a.status != 403 {
		t.Errorf("from another site: %d", a.status)
	}
	// Apple's call lists no web card.
	if a := s.do("GET", "/wallet/v1/devices/web:0123456789abcdef/registrations/"+wallet.DevelopmentPassType, ""); a.status != 404 {
		t.Errorf("got %d", a.status)
	}
}

func TestPassIsWhatWalletTakes(t *testing.T) {
	t.Parallel()
	need(t, "openssl")
	need(t, "unzip")
	s := newCardSite(t)
	s.pictures()
	card := s.issue()
	a := s.do("GET", s.link(card.Number)+".pkpass", "")
	if a.status != 200 || a.header.Get("Content-Type") != wallet.PassMIME || a.header.Get("Content-Disposition") != `attachment; filename="card-`+card.Number[:6]+`.pkpass"` {
		t.Fatalf("%d %v", a.status, a.header)
	}
	dir := t.TempDir()
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	signer, err := s.cards.Signer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	chain := signer.Chain()
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[len(chain)-1].Raw})
	for name, data := range map[string][]byte{"card.pkpass": []byte(a.body), "root.pem": root} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("unzip", "-q", "card.pkpass", "-d", "pass")
	run("openssl", "smime", "-verify", "-binary", "-inform", "DER", "-in", "pass/signature", "-content", "pass/manifest.json",
		"-CAfile", "root.pem", "-purpose", "any", "-out", "verified")
	unzipped := unpack(t, a.body)
	var manifest map[string]string
	if err := json.Unmarshal(unzipped["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	delete(unzipped, "manifest.json")
	delete(unzipped, "signature")
	for name := range unzipped {
		data, err := os.ReadFile(filepath.Join(dir, "pass", name))
		sum := sha1.Sum(data) //nolint:gosec // what Apple's manifest is made of
		if err != nil || manifest[name] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %v, the manifest says %s", name, err, manifest[name])
		}
	}
	if len(manifest) != len(unzipped) || unzipped["strip@3x.png"] == nil {
		t.Errorf("the manifest names %d files of %d", len(manifest), len(unzipped))
	}
}

// A template whose certificate is missing still has a card.
func TestCardWithoutCertificate(t *testing.T) {
	t.Parallel()
	s := newCardSite(t)
	s.template(func(t *styk.CardTemplate) { t.PassType = "pass.com.shop.card" }, nil)
	card := s.issue()
	page := s.do("GET", s.link(card.Number), "", "User-Agent", "iPhone")
	if page.status != 200 || strings.Contains(page.body, "Apple Wallet") || !strings.Contains(page.body, "1\u00a0234,5") {
		t.Errorf("%d", page.status)
	}
	if a := s.do("GET", s.link(card.Number)+".pkpass", ""); a.status != 503 || !strings.Contains(a.body, "не подписать") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWithoutCardsThereAreNone(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/c/x", "/c/x.pkpass", "/wallet/v1/log", "/wallet/v1/devices/a/registrations/b"} {
		if w := get(t, pages(false), path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestCardTextsAreInBothLanguages(t *testing.T) {
	t.Parallel()
	for key, text := range cardTexts["ru"] {
		if cardTexts["en"][key] == "" || text == "" {
			t.Errorf("%s is missing", key)
		}
	}
	if len(cardTexts["ru"]) != len(cardTexts["en"]) {
		t.Error("one language has more")
	}
	used := regexp.MustCompile(`T "([a-z_]+)"`)
	body, err := files.ReadFile("templates/card_page.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range used.FindAllStringSubmatch(string(body), -1) {
		if cardTexts["ru"][m[1]] == "" {
			t.Errorf("the page says %q", m[1])
		}
	}
}

func TestCardPageInAllItsShapes(t *testing.T) {
	t.Parallel()
	texts := []shownText{{Key: "a", Label: "А", Text: "б"}, {Key: "b"}}
	for _, page := range []*cardPage{
		{cardWords: cardWords{"ru"}},
		{cardWords: cardWords{"en"}, Link: "/c/x", Logo: "/l", Strip: "/s", LogoText: "Л", Balance: &texts[0], Fields: texts, Back: texts,
			Barcode: "<svg></svg>", Caption: "1", Wide: true, Square: true, Bars: true, Apple: true, Development: true, QR: "<svg></svg>", Device: "iphone"},
	} {
		var b strings.Builder
		if err := templates.ExecuteTemplate(&b, "card_page.html", page); err != nil || !strings.HasSuffix(strings.TrimSpace(b.String()), "</html>") {
			t.Errorf("%v: %s", err, b.String())
		}
	}
	if !slices.Contains(wallet.AppIconSides, 512) {
		t.Error("no browser installs a page without an icon of 512")
	}
}
