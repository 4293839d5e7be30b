package web

import (
	"net/http"
	"net/url"
	"strconv"

	"styk"
	"styk/store"
	"styk/wallet"
)

// adminTemplatePage is the editor of one template.
type adminTemplatePage struct {
	adminFrame
	Address     string
	New         bool
	ID          string
	Version     int64 // that the form was made of
	Name        string
	Adopt       bool
	Unknown     bool
	Disabled    bool
	Targets     []adminChoice
	Passes      []adminChoice // pass types with a certificate
	Variables   []adminVariable
	Types       []adminChoice
	Meanings    []adminChoice
	Layout      *wallet.Layout
	Parts       []adminPlace
	Kinds       []adminChoice
	Aligns      []adminChoice
	Symbols     []adminChoice
	Names       []string // of what may stand between per cent signs
	Pictures    []adminPicture
	Samples     []adminChoice
	Face        adminFace
	Faults      []adminFault // all of them, in the order of the page
	Unplaced    []string     // of these, those that stand at no field
	Pale        bool         // the letters are hard to read
	Lines       []string     // for a listing that is in 1C already
	Listing     string
	Issued      int
	PictureBad  string // why the upload was refused
	PictureSpot string // of which
}

type adminVariable struct {
	At       string // prefix of its fields' names, "var.0."
	N        int
	Name     string
	Type     string
	Means    string
	Default  string
	Unique   bool
	Required bool
	Faults   map[string]string // by field
}

// adminPlace is one place on the card for fields.
type adminPlace struct {
	Word, Title, Hint string
	Fields            []adminField
	More              bool // there is room
	Fault             string
}

type adminField struct {
	At       string // "field.header.0."
	N        int
	Part     string
	Field    wallet.Field
	LabelEn  string
	ChangeEn string
	Faults   map[string]string
	Open     bool // the less common settings hold something
}

type adminPicture struct {
	Place, Title, Hint, Address string
	Own                         bool
	Fault                       string
}

// adminFault leads from the summary to the field.
type adminFault struct{ Anchor, Text string }

// newTemplateID stands in the address of a template that is not stored yet.
const newTemplateID = "new"

// What may be posted, in bytes.
const (
	maxTemplateForm = 2 << 20
	maxPictureForm  = wallet.UploadLimit + 64<<10
)

// cardPlaces are the places on a card, with how many fields they hold.
var cardPlaces = []struct {
	word           string
	room           int
	ru, en         string
	hintRu, hintEn string
}{
	{"header", 3, "Вверху справа", "Top right", "Видно, даже когда карта лежит в стопке: место для баланса.", "Seen even when the card lies in the pile: the place for the balance."},
	{"primary", 1, "Крупно, поверх полосы", "Large, over the strip", "Одно поле. Чаще всего не нужно.", "One field. Mostly not needed."},
	{"secondary", 4, "Строка под полосой", "Line below the strip", "Вместе с дополнительными помещается четыре поля.", "Four fields fit, the additional ones included."},
	{"auxiliary", 4, "Дополнительные", "Additional", "", ""},
	{"back", 100, "Оборот", "Back", "Правила, контакты, новости: места сколько угодно.", "Rules, contacts, news: as much as you like."},
}

// placeOf gives the fields of a place.
func placeOf(l *wallet.Layout, word string) *[]wallet.Field {
	switch word {
	case "header":
		return &l.Header
	case "primary":
		return &l.Primary
	case "secondary":
		return &l.Secondary
	case "auxiliary":
		return &l.Auxiliary
	case "back":
		return &l.Back
	}
	return nil
}

// templateDraft is a template as it is stored, or as it was typed.
type templateDraft struct {
	t        *styk.CardTemplate
	layout   *wallet.Layout
	version  int64
	sample   string
	err      error
	picture  error // of an upload
	spot     string
	isStored bool
}

func (a *admin) showTemplate(v *visit) error {
	d, err := a.storedDraft(v)
	if err != nil {
		return err
	}
	return a.templatePage(v, http.StatusOK, d)
}

// storedDraft gives the template of the address, or what a new one begins with.
func (a *admin) storedDraft(v *visit) (*templateDraft, error) {
	id := v.r.PathValue("id")
	switch {
	case a.Cards == nil:
		return nil, errNoCards
	case id == newTemplateID:
		t := firstTemplate(v.lang)
		layout := wallet.DefaultLayout(t.Name)
		return &templateDraft{t: t, layout: &layout}, nil
	case !styk.ValidCardNumber(id):
		return nil, errNoCards
	}
	t, err := a.Cards.Template(v.r.Context(), id)
	if err != nil {
		return nil, err
	}
	layout, err := wallet.LayoutOf(t)
	if err != nil {
		return nil, err
	}
	return &templateDraft{t: t, layout: layout, version: t.Version, isStored: true}, nil
}

// firstTemplate holds the variables of the usual 1C listing.
func firstTemplate(lang string) *styk.CardTemplate {
	return &styk.CardTemplate{Name: choose(lang, "Карта гостя", "Guest card"), Variables: []styk.CardVariable{
		{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "BIRTHDAY", Type: styk.CardDate, Means: styk.MeansBirthday},
		{Name: "PHONE", Type: styk.CardPhone, Unique: true, Required: true}, {Name: "EMAIL", Type: styk.CardEmail},
		{Name: "BONUS", Type: styk.CardNumber, Default: "0"},
	}}
}

func (a *admin) templatePage(v *visit, status int, d *templateDraft) error {
	p := adminTemplatePage{New: !d.isStored, ID: d.t.ID, Version: d.version, Name: d.t.Name, Adopt: d.t.Adopt,
		Unknown: d.t.UnknownCard == styk.UnknownCreate, Disabled: d.t.Disabled, Layout: d.layout, PictureBad: faultText(d.picture), PictureSpot: d.spot}
	title := d.t.Name
	if p.New {
		title, p.ID = choose(v.lang, "Новый шаблон", "New template"), newTemplateID
	}
	p.Address = templateAddress(p.ID)
	p.adminFrame = a.frame(v, "/admin/templates", title)
	p.choices(d)
	if err := a.readTemplate(v, d, &p); err != nil {
		return err
	}
	faults := &placedFaults{err: d.err}
	p.Variables = variableRows(d.t, faults)
	p.Parts = partRows(v.lang, d.layout, faults)
	p.Faults, p.Unplaced = faults.rest()
	pictures := map[string]string{}
	if d.isStored {
		var err error
		if pictures, err = a.picturesOf(v.r.Context(), d.t.ID); err != nil {
			return err
		}
		p.Lines, p.Listing = wallet.ListingLines(d.t), wallet.Listing(d.t, a.Base())
		p.Pictures = pictureRows(v.lang, pictures, &p)
	}
	p.Face = face(v.lang, d.t, d.layout, sampleCard(d.t, d.sample), pictures)
	p.Pale = pale(d.layout)
	faceHeader(v.w.Header(), p.Face)
	return a.show(v, status, "admin_template.html", p)
}

// readTemplate fills in what stands beside the template in the store.
func (a *admin) readTemplate(v *visit, d *templateDraft, p *adminTemplatePage) error {
	return a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		p.Targets, p.Passes = nil, []adminChoice{{"", p.T("учебный: видно всё, но настоящий iPhone карту не примет", "development: all can be seen, but no real iPhone takes the card"), d.t.PassType == ""}}
		chosen := map[string]bool{}
		for _, name := range d.t.Targets {
			chosen[name] = true
		}
		targets, err := tx.Targets()
		if err != nil {
			return err
		}
		for _, t := range targets {
			if t.Kind == "webhook" || chosen[t.Name] {
				p.Targets = append(p.Targets, adminChoice{t.Name, t.Name, chosen[t.Name]})
			}
		}
		certificates, err := tx.CardCertificates()
		if err != nil {
			return err
		}
		known := d.t.PassType == ""
		for _, c := range certificates {
			if !c.Development {
				p.Passes = append(p.Passes, adminChoice{c.PassType, c.PassType, c.PassType == d.t.PassType})
				known = known || c.PassType == d.t.PassType
			}
		}
		if !known {
			p.Passes = append(p.Passes, adminChoice{d.t.PassType, d.t.PassType + p.T(" (сертификат не загружен)", " (no certificate)"), true})
		}
		if d.isStored {
			p.Issued, err = tx.CountCards(d.t.ID)
		}
		return err
	})
}

// choices are the lists to choose from.
func (p *adminTemplatePage) choices(d *templateDraft) {
	for _, c := range [][3]string{{styk.CardString, "текст", "text"}, {styk.CardPhone, "телефон", "phone"}, {styk.CardNumber, "число", "number"},
		{styk.CardDate, "дата", "date"}, {styk.CardEmail, "e-mail", "e-mail"}, {styk.CardBool, "да или нет", "yes or no"}} {
		p.Types = append(p.Types, adminChoice{Value: c[0], Text: p.T(c[1], c[2])})
	}
	p.Meanings = []adminChoice{{Text: p.T("по типу и имени", "by type and name")}}
	for _, m := range styk.CardMeanings {
		w := meaningWords[m]
		p.Meanings = append(p.Meanings, adminChoice{Value: m, Text: p.T(w[0], w[1])})
	}
	for _, c := range [][3]string{{string(wallet.Text), "текст", "text"}, {string(wallet.Number), "число", "number"}, {string(wallet.Money), "рубли", "roubles"},
		{string(wallet.Day), "дата", "date"}} {
		p.Kinds = append(p.Kinds, adminChoice{Value: c[0], Text: p.T(c[1], c[2])})
	}
	for _, c := range [][3]string{{"", "как решит телефон", "as the phone has it"}, {string(wallet.Left), "слева", "left"}, {string(wallet.Centre), "по центру", "centre"},
		{string(wallet.Right), "справа", "right"}} {
		p.Aligns = append(p.Aligns, adminChoice{Value: c[0], Text: p.T(c[1], c[2])})
	}
	symbol := d.layout.Barcode.Symbol
	if symbol == "" {
		symbol = wallet.EAN13
	}
	for _, s := range wallet.Symbols {
		p.Symbols = append(p.Symbols, adminChoice{string(s), symbolNames[s], s == symbol})
	}
	for _, v := range d.t.Variables {
		if v.Name != "" {
			p.Names = append(p.Names, v.Name)
		}
	}
	p.Names = append(p.Names, wallet.CodeVariable, wallet.NumberVariable, wallet.NewsVariable)
	for _, s := range sampleKinds {
		p.Samples = append(p.Samples, adminChoice{s.word, p.T(s.ru, s.en), s.word == d.sample || d.sample == "" && s.word == sampleKinds[0].word})
	}
}

var symbolNames = map[wallet.Symbol]string{wallet.EAN13: "EAN-13", wallet.Code128: "Code 128", wallet.QR: "QR", wallet.PDF417: "PDF417", wallet.Aztec: "Aztec"}

func variableRows(t *styk.CardTemplate, faults *placedFaults) (rows []adminVariable) {
	for i, v := range t.Variables {
		at := "var." + strconv.Itoa(i) + "."
		row := adminVariable{At: at, N: i, Name: v.Name, Type: v.Type, Means: v.Means, Default: v.Default, Unique: v.Unique, Required: v.Required,
			Faults: map[string]string{}}
		for _, f := range [][2]string{{"", "name"}, {".type", "type"}, {".means", "means"}, {".default", "default"}} {
			row.Faults[f[1]] = faults.take("variables."+v.Name+f[0], at+f[1])
		}
		rows = append(rows, row)
	}
	return rows
}

func partRows(lang string, l *wallet.Layout, faults *placedFaults) (rows []adminPlace) {
	english := l.Strings["en"]
	for _, place := range cardPlaces {
		fields := *placeOf(l, place.word)
		row := adminPlace{Word: place.word, Title: choose(lang, place.ru, place.en), Hint: choose(lang, place.hintRu, place.hintEn),
			More: len(fields) < place.room, Fault: faults.take(place.word, "part-"+place.word)}
		for i, f := range fields {
			n := strconv.Itoa(i)
			at := "field." + place.word + "." + n + "."
			one := adminField{At: at, N: i, Part: place.word, Field: f, LabelEn: english[f.Label], ChangeEn: english[f.Change], Faults: map[string]string{}}
			for _, name := range []string{"key", "label", "value", "empty", "change", "kind", "align"} {
				one.Faults[name] = faults.take(place.word+"["+n+"]."+name, at+name)
				one.Open = one.Open || one.Faults[name] != "" && name != "label" && name != "value"
			}
			row.Fields = append(row.Fields, one)
		}
		rows = append(rows, row)
	}
	return rows
}

// Fault gives the text at a field of the page that is not one of a row.
func (p adminTemplatePage) Fault(anchor string) string {
	for _, f := range p.Faults {
		if f.Anchor == anchor {
			return f.Text
		}
	}
	return ""
}

// adminTextField is a field of the editor that stands there once.
type adminTextField struct{ ID, Label, Value, Hint, Fault string }

// Field gives it for the template.
func (p adminTemplatePage) Field(id, label, value, hint string) adminTextField {
	return adminTextField{id, label, value, hint, p.Fault(id)}
}

func pictureRows(lang string, pictures map[string]string, p *adminTemplatePage) (rows []adminPicture) {
	for _, place := range []struct {
		p                      wallet.Picture
		ru, en, hintRu, hintEn string
	}{
		{wallet.Logo, "Логотип", "Logo", "Слева вверху, до 160×50 точек. Лучше PNG с прозрачным фоном, от 480×150.", "Top left, to 160×50 points. Best a transparent PNG from 480×150 on."},
		{wallet.Strip, "Полоса", "Strip", "Картинка во всю ширину, 375×144 точки; лишнее по краям обрежется. От 1125×432.", "A picture over the whole width, 375×144 points; the edges are cut. From 1125×432 on."},
		{wallet.Icon, "Значок", "Icon", "На экране блокировки, 29×29 точек. Без своего рисуется карточка в цветах шаблона.", "On the lock screen, 29×29 points. Without one a card in the template’s colours is drawn."},
	} {
		row := adminPicture{Place: string(place.p), Title: choose(lang, place.ru, place.en), Hint: choose(lang, place.hintRu, place.hintEn),
			Address: pictures[string(place.p)]}
		u, err := url.Parse(row.Address)
		row.Own = err == nil && u.Query().Has("v")
		if p.PictureSpot == row.Place {
			row.Fault = p.PictureBad
		}
		rows = append(rows, row)
	}
	return rows
}
