package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"styk"
	"styk/store"
	"styk/wallet"
)

var inputInPage = regexp.MustCompile(`<(?:input|select|textarea)[^>]* name="([^"]+)"[^>]*?(?: value="([^"]*)")?[^>]*?(checked)?>`)

// editorPairs reads the editor's form out of a page, as a browser would send it.
func editorPairs(t *testing.T, page string) url.Values {
	t.Helper()
	_, form, found := strings.Cut(page, `<form id="editor"`)
	form, _, _ = strings.Cut(form, "</form>")
	if !found {
		t.Fatalf("there is no editor in %.300s", page)
	}
	v := url.Values{}
	for _, m := range inputInPage.FindAllStringSubmatch(form, -1) {
		if strings.Contains(m[0], `type="checkbox"`) && !strings.Contains(m[0], " checked") {
			continue
		}
		v.Set(m[1], plainText.Replace(m[2]))
	}
	for _, m := range regexp.MustCompile(`(?s)<select[^>]* name="([^"]+)".*?</select>`).FindAllStringSubmatch(form, -1) {
		v.Set(m[1], "")
		if chosen := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(m[0]); chosen != nil {
			v.Set(m[1], chosen[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>`).FindAllStringSubmatch(form, -1) {
		v.Set(m[1], plainText.Replace(m[2]))
	}
	return v
}

var plainText = strings.NewReplacer("&amp;", "&", "&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&#43;", "+")

// sendForm posts values that were read from a page.
func (b *browser) sendForm(path string, v url.Values) answered {
	b.desk.t.Helper()
	b.get("/admin/me")
	v.Set("_token", b.token)
	return b.do(http.MethodPost, path, v.Encode())
}

func TestTemplateIsMadeAndEdited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.update(func(tx *store.Tx) error {
		_, err := tx.SaveTarget(&styk.Target{Name: "hook", Kind: "webhook"}, nil)
		return err
	})
	b := d.person(styk.RoleIntegrator)
	form := editorPairs(t, b.get("/admin/templates/new").body)
	form.Set("name", "Клуб «Лето»")
	form.Set("organization", "Лето & Ко")
	form.Set("target", "hook")
	form.Set("adopt", "on")
	a := b.sendForm("/admin/templates/new", form)
	path, _, _ := strings.Cut(a.header.Get("Location"), "?")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(path, "/admin/templates/") {
		t.Fatalf("%d %s\n%s", a.status, path, a.body)
	}
	id := strings.TrimPrefix(path, "/admin/templates/")
	page := b.get(path)
	missing(t, page, "Клуб «Лето»", "values[%%PHONE%%]=%4", "СтыкОтправитьКарту", id)
	form = editorPairs(t, page.body)
	before, err := d.cards.Template(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if a := b.sendForm(path, form); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	after, err := d.cards.Template(t.Context(), id)
	if err != nil || after.Version != before.Version || !after.Adopt || after.Targets[0] != "hook" {
		t.Errorf("saved as it was, it is another: %+v %v", after, err)
	}
	layout, err := wallet.LayoutOf(after)
	if err != nil || layout.Strings["en"]["Бонусы"] != "Points" || layout.Header[0].Change != "Бонусы: %@" || layout.Barcode.Value != "%CARD_CODE%" {
		t.Errorf("the look lost something: %+v %v", layout, err)
	}
	form.Set("field.header.0.label_en", "Coins")
	if a := b.sendForm(path, form); a.status != http.StatusSeeOther {
		t.Fatalf("%d", a.status)
	}
	missing(t, b.sendForm(path, form), "шаблон изменили") // the version is old by now
	after, _ = d.cards.Template(t.Context(), id)
	if layout, _ = wallet.LayoutOf(after); layout.Strings["en"]["Бонусы"] != "Coins" {
		t.Errorf("the translation: %v", layout.Strings)
	}
	listing := b.get(path + "/listing")
	if !strings.HasPrefix(listing.body, "\ufeff//") || !strings.Contains(listing.header.Get("Content-Disposition"), ".bsl") {
		t.Errorf("the listing: %v", listing.header)
	}
}

func TestTemplateRowsComeAndGoWithoutScripts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fillCards()
	b := d.person(styk.RoleOwner)
	path := "/admin/templates/" + deskTemplate
	form := editorPairs(t, b.get(path).body)
	form.Set("name", "Ещё не сохранено")
	for _, step := range []struct{ do, has, hasNot string }{
		{"add:var", `name="var.5.name"`, ""},
		{"drop:var:1", "", "BIRTHDAY\" spellcheck"},
		{"up:var:1", `name="var.0.name" value="PHONE"`, ""},
		{"add:primary", `name="field.primary.0.value"`, "drop:primary:1"},
		{"drop:header:0", "", `name="field.header.0.value"`},
		{"drop:nonsense", "Ещё не сохранено", ""},
	} {
		form.Set("do", step.do)
		a := b.sendForm(path, form)
		if a.status != http.StatusOK || !strings.Contains(a.body, step.has) || step.hasNot != "" && strings.Contains(a.body, step.hasNot) {
			t.Errorf("%s: %d", step.do, a.status)
		}
		if form = editorPairs(t, a.body); form.Get("name") != "Ещё не сохранено" {
			t.Fatalf("%s lost what was typed: %v", step.do, form)
		}
	}
	stored, err := d.cards.Template(t.Context(), deskTemplate)
	if err != nil || stored.Name != "Карта гостя" || len(stored.Variables) != 5 {
		t.Errorf("something was stored: %+v %v", stored, err)
	}
}

func TestTemplateFaultsStandAtTheirFields(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fillCards()
	b := d.person(styk.RoleOwner)
	path := "/admin/templates/" + deskTemplate
	before, err := d.cards.Template(t.Context(), deskTemplate)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]struct{ field, value, says, anchor string }{
		"no name":             {"name", " ", "нужно название", `href="#name"`},
		"a name for 1C":       {"var.1.name", "1-й день", "1С прочтёт только имя", `href="#var.1.name"`},
		"twice":               {"var.1.name", "phone", "имя повторяется", `href="#var.2.name"`},
		"an unknown type":     {"var.1.type", "clock", "возможны", `href="#var.1.type"`},
		"a default":           {"var.4.default", "много", "не того типа", `href="#var.4.default"`},
		"no organization":     {"organization", "", "заполните это поле", `href="#organization"`},
		"a notice without %@": {"field.header.0.change", "Бонусы", "%@", `href="#field.header.0.change"`},
		"a colour":            {"background", "red", "цвет пишется так", `href="#background"`},
		"a barcode":           {"symbol", "rune", "нет такого штрихкода", `href="#symbol"`},
		"a lost variable":     {"field.header.0.value", "%BONUSES%", "такой переменной в шаблоне нет", "%BONUSES%"},
		"a certificate":       {"pass_type", "pass.none", "не загружен сертификат", "pass.none"},
		"other unique ones":   {"var.2.unique", "", "больше не меняется", "выпущено карт"},
		"an unknown target":   {"target", "nowhere", "нет такой цели", "nowhere"},
	} {
		form := editorPairs(t, b.get(path).body)
		form.Set(bad.field, bad.value)
		if bad.value == "" && strings.HasSuffix(bad.field, ".unique") {
			form.Del(bad.field)
		}
		a := b.sendForm(path, form)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d", name, a.status)
		}
		missing(t, a, bad.says, bad.anchor)
	}
	after, err := d.cards.Template(t.Context(), deskTemplate)
	if err != nil || len(after.Variables) != len(before.Variables) || after.Name != before.Name {
		t.Errorf("half of it was stored: %+v", after)
	}
}

func TestTemplatePreview(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fillCards()
	b := d.person(styk.RoleOwner)
	form := editorPairs(t, b.get("/admin/templates/"+deskTemplate).body)
	form.Set("background", "#112233")
	form.Set("logo_text", "Ещё <не> сохранено")
	for sample, want := range map[string]string{"usual": "1\u00a0250", "million": "1\u00a0000\u00a0000", "zero": ">0<", "long": "Константинопольская", "empty": "Бонусы"} {
		form.Set("sample", sample)
		a := b.sendForm("/admin/templates/"+deskTemplate+"/preview", form)
		missing(t, a, want, `data-card="#112233"`, "Ещё &lt;не&gt; сохранено", "/picture/logo@2x.png")
		if strings.Contains(a.body, "<html") {
			t.Error("a preview is a whole page")
		}
	}
	form.Set("background", "#112233}body{display:none")
	form.Set("do", "preview")
	a := b.sendForm("/admin/templates/"+deskTemplate, form)
	if strings.Contains(a.body, "<style>.pass{--card:#112233}") {
		t.Error("a colour broke out of the style")
	}
	missing(t, b.sendForm("/admin/templates/new/preview", editorPairs(t, b.get("/admin/templates/new").body)), "Карта гостя")
}

func TestTemplatePictures(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fillCards()
	b := d.person(styk.RoleOwner)
	path := "/admin/templates/" + deskTemplate
	for name, bad := range map[string]struct {
		data []byte
		says string
	}{"no picture": {[]byte("%PDF-1.4"), "Это не картинка"}, "too wide": {samplePicture(8300, 2), "слишком велика"}, "empty": {nil, "Выберите файл"}} {
		a := b.upload(path+"/picture", "picture", "a.png", bad.data, "place", "icon")
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, a.status)
		}
		missing(t, a, bad.says)
	}
	if a := b.upload(path+"/picture", "picture", "a.png", samplePicture(300, 300), "place", "icon"); !strings.Contains(a.header.Get("Location"), "said=picture") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	a := b.get(path + "/picture/icon@2x.png")
	if a.status != http.StatusOK || !strings.HasPrefix(a.body, "\x89PNG") || a.header.Get("Content-Type") != "image/png" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := b.upload(path+"/picture", "", "", nil, "place", "icon", "do", "remove"); !strings.Contains(a.header.Get("Location"), "said=no-picture") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	if a := b.upload(path+"/picture", "picture", "a.png", samplePicture(9, 9), "place", "moon"); a.status != http.StatusNotFound {
		t.Errorf("a place that no card has: %d", a.status)
	}
	if a := b.upload(path+"/picture", "picture", "a.png", make([]byte, maxPictureForm), "place", "icon"); a.status != http.StatusBadRequest {
		t.Errorf("an endless upload: %d", a.status)
	}
	for _, missingPath := range []string{"/picture/moon.png", "/picture/logo@9x.png"} {
		if a := b.get(path + missingPath); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", missingPath, a.status)
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fillCards()
	b := d.person(styk.RoleIntegrator)
	const path = "/admin/certificates"
	for name, bad := range map[string]struct{ file, says string }{
		"nothing": {"", "Выберите файл"}, "a picture": {string(samplePicture(4, 4)), "Это не сертификат"},
		"a request": {"-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n", "запрос на сертификат"},
	} {
		a := b.upload(path, "file", "a.p12", []byte(bad.file), "pass_type", "pass.ru.leto.karta")
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, a.status)
		}
		missing(t, a, bad.says, `value="pass.ru.leto.karta"`)
	}
	signer, err := wallet.DevelopmentSigner("pass.ru.leto.karta", "AB12CD34EF", d.db.Now())
	if err != nil {
		t.Fatal(err)
	}
	pack, err := signer.Pack()
	if err != nil {
		t.Fatal(err)
	}
	missing(t, b.upload(path, "file", "a.pem", pack, "pass_type", "pass.ru.other"), "Сертификат выпущен для pass.ru.leto.karta")
	if a := b.upload(path, "file", "a.pem", pack); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	page := b.get(path)
	missing(t, page, "pass.ru.leto.karta", "учебный, сделан программой")
	if strings.Contains(page.body, "PRIVATE KEY") {
		t.Error("the key is shown")
	}
}
