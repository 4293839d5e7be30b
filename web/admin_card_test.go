package web

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/store"
	"styk/wallet"
)

func init() {
	emptyPages["admin_cards.html"], emptyPages["admin_card.html"], emptyPages["admin_card_face.html"] = adminCardsPage{}, adminCardPage{}, nil
	emptyPages["admin_templates.html"], emptyPages["admin_certificates.html"] = adminTemplatesPage{}, adminCertificatesPage{}
	emptyPages["admin_template.html"] = adminTemplatePage{Layout: &wallet.Layout{}}
}

const deskTemplate = "5be000000000000000000001"

// cardSamples are what fillCards made.
type cardSamples struct {
	number string // the card with everything
	bare   string // one with nothing but a balance
	gone   string // deleted
}

// fillCards makes a template with pictures, and cards in every state.
func (d *desk) fillCards() cardSamples {
	d.t.Helper()
	ctx := d.t.Context()
	t := &styk.CardTemplate{ID: deskTemplate, Name: "Карта гостя", Variables: firstTemplate("ru").Variables}
	layout, err := wallet.LayoutOf(t)
	if err == nil {
		layout.Organization, layout.LogoText, layout.Background, layout.LabelColor = "Кофейня «Лето»", "Лето", "#0b5d54", "#bfe3dd"
		_, err = d.cards.SaveTemplate(ctx, t, layout)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	for place, size := range map[wallet.Picture]image.Point{wallet.Logo: {300, 150}, wallet.Strip: {1125, 432}} {
		if err := d.cards.SavePicture(ctx, deskTemplate, place, samplePicture(size.X, size.Y)); err != nil {
			d.t.Fatal(err)
		}
	}
	issue := func(pairs ...string) string {
		values := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			values[pairs[i]] = pairs[i+1]
		}
		c, _, err := d.cards.Issue(ctx, wallet.New{Template: deskTemplate, Values: values, Source: "passteam", By: store.By{Origin: "passteam"}})
		if err != nil {
			d.t.Fatal(err)
		}
		return c.Number
	}
	var s cardSamples
	s.bare = issue("PHONE", "+7 900 000-00-01", "BONUS", "0")
	s.gone = issue("CLIENT_NAME", "Удалённый Пётр", "PHONE", "+7 900 000-00-02", "BONUS", "10")
	issue("CLIENT_NAME", "Абдрахманова-Константинопольская Гюльнара Сулеймановна", "PHONE", "+7 999 000-45-67", "BONUS", "1000000")
	s.number = issue("CLIENT_NAME", "Котова Мария Сергеевна", "PHONE", "+7 921 555-10-20", "EMAIL", "kotova@example.ru", "BIRTHDAY", "35 мая", "BONUS", "0", "SHOE", "38")
	for _, bonus := range []string{"500", "1 250,5", "7500", "7200"} {
		if _, _, err := d.cards.Update(ctx, s.number, map[string]string{"BONUS": bonus}, store.By{Origin: "passteam"}); err != nil {
			d.t.Fatal(err)
		}
	}
	d.phones(s.number)
	if _, _, err := d.cards.Update(ctx, s.number, map[string]string{"CLIENT_NAME": "Котова-Белая Мария Сергеевна"}, store.By{Origin: "admin"}); err != nil {
		d.t.Fatal(err)
	}
	if err := d.cards.Delete(ctx, s.gone, store.By{Origin: "passteam"}); err != nil {
		d.t.Fatal(err)
	}
	return s
}

// phones puts the card on an iPhone that has it new, on one that is called with
// the wrong certificate, and on a home screen.
func (d *desk) phones(number string) {
	d.t.Helper()
	for _, one := range []styk.CardDevice{
		{Device: "aaaa1111", Platform: styk.OnApple, PushToken: "ab12", Agent: "Wallet/1.0 CFNetwork/1490 Darwin/23"},
		{Device: "bbbb2222", Platform: styk.OnApple, PushToken: "cd34", Agent: "Wallet/1.0 CFNetwork/1400 Darwin/22"},
		{Device: "cccc3333", Platform: styk.OnWeb, Agent: "Android, Chrome"},
	} {
		if _, err := d.cards.Install(d.t.Context(), number, one); err != nil {
			d.t.Fatal(err)
		}
	}
	d.update(func(tx *store.Tx) error {
		if err := tx.CallPhones(1 << 40); err != nil {
			return err
		}
		return tx.LogCard("bbbb2222", "push stopped: 403 TopicDisallowed")
	})
}

// samplePicture is a PNG with something to see.
func samplePicture(w, h int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(200 * x / w), 140, uint8(90 + 100*y/h), 255})
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // a buffer takes all
	return b.Bytes()
}

// upload posts a form with a file, as a browser does.
func (b *browser) upload(path, field, name string, data []byte, pairs ...string) answered {
	b.desk.t.Helper()
	b.get("/admin/me")
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("_token", b.token) // a buffer takes all
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = w.WriteField(pairs[i], pairs[i+1])
	}
	if name != "" {
		part, _ := w.CreateFormFile(field, name)
		_, _ = part.Write(data)
	}
	_ = w.Close()
	return b.do(http.MethodPost, path, body.String(), "Content-Type", w.FormDataContentType())
}

// missing says what a page lacks of what it should show.
func missing(t *testing.T, page answered, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(page.body, text) {
			t.Errorf("the page (%d) lacks %q", page.status, text)
		}
	}
}

func TestNoCardsYet(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.person(styk.RoleOwner)
	missing(t, owner.get("/admin/cards"), "Здесь появятся карты", "Листинг для 1С", `href="/admin/templates"`)
	missing(t, owner.get("/admin/templates"), "Шаблонов пока нет", "/admin/templates/new")
	missing(t, owner.get("/admin/certificates"), "учебный сертификат", "openssl req")
	if a := d.person(styk.RoleOperator).get("/admin/cards"); strings.Contains(a.body, "/admin/templates") {
		t.Error("an operator is sent where he may not go")
	}
}

func TestCardsAreFoundAsPeopleRemember(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fillCards()
	b := d.person(styk.RoleOperator)
	var card *styk.Card
	d.update(func(tx *store.Tx) (err error) { card, err = tx.Card(s.number); return err })
	for _, q := range []string{"10-20", "+7 921 555 10 20", "котова", "Мария", "kotova@example.ru", card.Code, card.Code[9:], s.number, d.cards.URL(s.number)} {
		if a := b.get("/admin/cards?q=" + url.QueryEscape(q)); !strings.Contains(a.body, "/admin/cards/"+s.number) || strings.Contains(a.body, s.bare) {
			t.Errorf("%q does not find the card alone", q)
		}
	}
	missing(t, b.get("/admin/cards?q=zzz"), "Ничего не нашлось")
	missing(t, b.get("/admin/cards?q=000000000000000000000000"), "Ничего не нашлось")
	missing(t, b.get("/admin/cards"), "7\u00a0200", "1\u00a0000\u00a0000", "Котова-Белая", "На телефоне", "Не установлена")
	if a := b.get("/admin/cards?show=installed"); !strings.Contains(a.body, s.number) || strings.Contains(a.body, s.bare) {
		t.Error("installed ones are not told from others")
	}
	if a := b.get("/admin/cards?show=deleted"); !strings.Contains(a.body, s.gone) || strings.Contains(a.body, s.number) {
		t.Error("deleted ones are not told from others")
	}
	missing(t, b.get("/admin/cards?show=waiting&template="+deskTemplate), s.bare)
	missing(t, b.get("/admin/cards?template=5be000000000000000000009"), "В этом отборе сейчас пусто")
}

func TestCardListGoesOnByKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fillCards()
	for i := range 2*pageSize + 1 {
		values := map[string]string{"PHONE": fmt.Sprintf("+7 900 100-%02d-%02d", i/100, i%100), "CLIENT_NAME": fmt.Sprintf("Гость-%03d.", i)}
		if _, _, err := d.cards.Issue(t.Context(), wallet.New{Template: deskTemplate, Values: values, Source: "form"}); err != nil {
			t.Fatal(err)
		}
	}
	b := d.person(styk.RoleOwner)
	seen := map[string]bool{}
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	for path := "/admin/cards?show=waiting"; path != ""; {
		a := b.get(path)
		for _, name := range regexp.MustCompile(`Гость-\d+\.`).FindAllString(a.body, -1) {
			if seen[name] {
				t.Fatalf("%s stands on two pages", name)
			}
			seen[name] = true
		}
		path = ""
		if found := next.FindStringSubmatch(a.body); found != nil {
			path = strings.ReplaceAll(found[1], "&amp;", "&")
		}
	}
	if len(seen) != 2*pageSize+1 {
		t.Errorf("%d of %d were shown", len(seen), 2*pageSize+1)
	}
}

func TestCardPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fillCards()
	b := d.person(styk.RoleOperator)
	path := "/admin/cards/" + s.number
	page := b.get(path)
	missing(t, page, "Котова-Белая", d.cards.URL(s.number), "7\u00a0500", "−300", "&#43;6\u00a0249,5", "mailto:kotova@example.ru", "sms:&#43;79215551020",
		"Веб-карта", "не похоже на значение этого типа", "такой переменной в шаблоне нет", "403 TopicDisallowed", "<svg", "учебным сертификатом")
	missing(t, b.get("/admin/cards/"+s.bare), "ни на одном телефоне", "Баланс ещё не менялся")
	missing(t, b.get("/admin/cards/"+s.gone), "Карта удалена", "недействительной")
	if a := d.person(styk.RoleAuditor).get(path); strings.Contains(a.body, "/push\"") || !strings.Contains(a.body, "Котова-Белая") {
		t.Error("an auditor is offered what he may not do")
	}
	for _, wrong := range []string{"/admin/cards/zzz", "/admin/cards/000000000000000000000000"} {
		if a := b.get(wrong); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", wrong, a.status)
		}
	}
}

func TestCardIsChangedByHand(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fillCards()
	b := d.person(styk.RoleOperator)
	path := "/admin/cards/" + s.number
	value := func(name string) (text string) {
		d.update(func(tx *store.Tx) error {
			c, err := tx.Card(s.number)
			text = c.Values[name]
			return err
		})
		return text
	}
	// The balance on the page is old by now: it must not come back.
	a := b.send(path+"/values", "value.BONUS", "500", "was.BONUS", "500", "value.EMAIL", "new@example.ru", "was.EMAIL", "kotova@example.ru")
	if a.status != http.StatusSeeOther || value("BONUS") != "7200" || value("EMAIL") != "new@example.ru" {
		t.Errorf("%d: balance %s, mail %s", a.status, value("BONUS"), value("EMAIL"))
	}
	a = b.send(path+"/values", "value.PHONE", "+7 900 000-00-01", "was.PHONE", "+7 921 555-10-20", "value.EMAIL", "third@example.ru", "was.EMAIL", "new@example.ru")
	if a.status != http.StatusUnprocessableEntity || value("EMAIL") != "new@example.ru" {
		t.Errorf("a taken phone: %d, half of it was kept: %s", a.status, value("EMAIL"))
	}
	missing(t, a, "уже у другой карты", "/admin/cards/"+s.bare, `value="third@example.ru"`)
	a = b.send(path+"/values", "value.PHONE", " ", "was.PHONE", "+7 921 555-10-20")
	missing(t, a, "нужно значение")
	if a = b.send(path+"/values", "value.CLIENT_NAME", strings.Repeat("я", wallet.MaxValue+1), "was.CLIENT_NAME", ""); a.status != http.StatusUnprocessableEntity {
		t.Errorf("an endless name: %d", a.status)
	}
	if a = b.send(path+"/values", "value.BONUS", "7200", "was.BONUS", "7200"); !strings.HasSuffix(a.header.Get("Location"), "said=same") {
		t.Errorf("nothing changed: %s", a.header.Get("Location"))
	}
	missing(t, b.get(path), "operator-person")
}

func TestCardIsPushedAndDeleted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fillCards()
	b := d.person(styk.RoleOwner)
	path := "/admin/cards/" + s.number
	if a := b.send(path + "/call"); !strings.HasSuffix(a.header.Get("Location"), "said=called") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	if a := b.send("/admin/cards/" + s.bare + "/call"); !strings.HasSuffix(a.header.Get("Location"), "said=nophones") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	for text, wrong := range map[string]string{" ": "Напишите текст", strings.Repeat("ы", 301): "Длиннее 300"} {
		a := b.send(path+"/push", "text", text)
		missing(t, a, wrong)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%d", a.status)
		}
	}
	if a := b.send(path+"/push", "text", "В субботу двойные бонусы"); !strings.HasSuffix(a.header.Get("Location"), "said=pushed") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	missing(t, b.send(path+"/push", "text", "В субботу двойные бонусы"), "уже стоит на карте")
	missing(t, b.get(path), "В субботу двойные бонусы")
	if a := b.send(path + "/letter"); a.status != http.StatusConflict || !strings.Contains(a.body, "Письма не настроены") {
		t.Errorf("a letter without a mail server: %d", a.status)
	}
	d.update(func(tx *store.Tx) error {
		_, err := tx.SaveTarget(&styk.Target{Name: styk.MailTarget, Kind: "mail"}, nil)
		return err
	})
	missing(t, b.get(path), "Отправить письмом")
	if a := b.send(path + "/letter"); !strings.HasSuffix(a.header.Get("Location"), "said=letter") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	if a := b.send("/admin/cards/" + s.bare + "/letter"); a.status != http.StatusConflict || !strings.Contains(a.body, "нет адреса почты") {
		t.Errorf("a letter to nobody: %d", a.status)
	}
	d.update(func(tx *store.Tx) error {
		list, err := tx.Deliveries(store.DeliveryFilter{Limit: 5})
		if err == nil && (len(list) != 1 || list[0].Subject != styk.SubjectNotice) {
			t.Errorf("got %d deliveries", len(list))
		}
		return err
	})
	missing(t, b.send(path+"/delete"), "понимаете последствия")
	if a := b.send(path+"/delete", "sure", "1"); !strings.HasSuffix(a.header.Get("Location"), "said=card-deleted") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	for _, late := range []string{"/delete", "/push", "/call", "/values"} {
		if a := b.send(path+late, "sure", "1", "text", "Поздно"); a.status != http.StatusConflict {
			t.Errorf("%s of a deleted card: %d", late, a.status)
		}
	}
}

func TestTicketShowsTheCustomersCards(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.fill()
	d.fillCards()
	if _, _, err := d.cards.Issue(t.Context(), wallet.New{Template: deskTemplate, Source: "form",
		Values: map[string]string{"PHONE": "8 900 123 45 67", "BONUS": "310"}}); err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/admin/tickets/%d", s.ticket)
	missing(t, d.person(styk.RoleOperator).get(path), "/admin/cards/", "Карта гостя", "310")
}

// TestCardsInBrowser looks at every page about cards in a real Chromium, in both
// themes and three widths, and lets a person work.
func TestCardsInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	d := newDesk(t)
	d.person(styk.RoleOwner)
	env := []string{"STYK=" + d.url, "FOREIGN=" + d.url, "NAME=owner-person", "PASSWORD=" + deskPassword, "TEMPLATE=" + deskTemplate}
	playAdmin(t, "testdata/admin/cards_empty_test.js", env...)
	s := d.fillCards()
	d.update(func(tx *store.Tx) error {
		return tx.SaveCardCertificate(&store.CardCertificate{PassType: "pass.ru.leto.karta", Team: "AB12CD34EF", PEM: "-", Expires: tx.Now().Add(25 * 24 * time.Hour)})
	})
	playAdmin(t, "testdata/admin/cards_test.js", append(env, "CARD="+s.number, "BARE="+s.bare, "GONE="+s.gone)...)
}
