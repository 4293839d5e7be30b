package web

import (
	"html/template"
	"net/http"
	"net/url"

	"styk"
	"styk/staff"
	"styk/store"
	"styk/wallet"
)

// adminCardPage is one loyalty card: what its holder sees, what it holds, what
// became of its balance, and how its phones are.
type adminCardPage struct {
	adminFrame
	Address    string
	Number     string
	Code       string
	Holder     string
	Reach      string
	Template   string
	Setup      string // address of the template, "" when the person may not look there
	State      string
	Tone       string
	Created    moment
	Modified   moment
	DeletedAt  moment
	Source     string
	Revision   int64
	May        bool
	Alive      bool
	Face       adminFace
	Link       string
	QR         template.HTML
	Mail, SMS  template.URL // ready letters to the holder; "" for none
	Letter     bool         // styk itself can send the letter
	Values     []adminCardValue
	Warnings   []string // that stand at no value
	Fault      string   // of the values as a whole
	Message    string
	MessageBad string
	NoNews     bool // the layout does not show what is pushed
	SureBad    string
	Balance    string // what the balance is called
	Ledger     []adminLedgerLine
	Changes    []adminChange // of other values
	OlderMoves string
	Devices    []adminCardDevice
	NoSigner   string // why no pass can be made; "" when it can
	Develop    bool   // the pass is signed by the development certificate
	Log        []adminCardLog
}

// adminCardValue is one variable with its value.
type adminCardValue struct {
	ID       string // of the field on the page
	Name     string
	Label    string
	Text     string // as it is or was typed
	Was      string // as it was when the page was made
	Mode     string // of the keyboard
	Required bool
	Unique   bool
	Warnings []string
	Fault    string
	Taken    string // address of the card that has this value
}

// adminLedgerLine is one move of the balance.
type adminLedgerLine struct {
	When     moment
	Old, New string
	By       string // signed difference, "" where one of them is no number
	Tone     string
	Who      string
}

// adminCardDevice is one phone with what is known of the way to it.
type adminCardDevice struct {
	Name    string
	Agent   string
	Since   moment
	Seen    moment
	Tone    string
	State   string // the sum
	Steps   []adminFinding
	Version string
}

type adminFinding struct {
	Name, Tone, Text string
	When             moment
}

type adminCardLog struct {
	When moment
	Text string
}

// cardFacts is what the page is made of.
type cardFacts struct {
	card     *styk.Card
	template *styk.CardTemplate
	devices  []*styk.CardDevice
	history  []store.Change
	log      []store.CardLogLine
	users    map[styk.ID]string
	mailing  bool // letters are set up
}

// cardForm is what was typed and refused; nil fields were not posted.
type cardForm struct {
	values  url.Values
	message string
	err     error  // of the values
	said    string // what is wrong with the message
	sure    string // what is wrong with the deletion
}

const movesShown = 50

func (a *admin) showCard(v *visit) error {
	return a.cardPage(v, http.StatusOK, cardForm{})
}

func (a *admin) cardPage(v *visit, status int, typed cardForm) error {
	f, err := a.readCard(v)
	if err != nil {
		return err
	}
	layout, err := wallet.LayoutOf(f.template)
	if err != nil {
		return err
	}
	pictures, err := a.picturesOf(v.r.Context(), f.template.ID)
	if err != nil {
		return err
	}
	if !v.may(staff.SetUpCards) {
		pictures = nil // their address is not for everybody, and a card is known without them
	}
	p := a.newCardPage(v, f)
	p.Face = face(v.lang, f.template, layout, f.card, pictures)
	p.NoNews = !hasNews(layout)
	p.Values, p.Warnings = cardValues(v.lang, f, typed)
	if typed.err != nil {
		p.Fault = p.T("Значения не сохранены: проверьте отмеченное.", "The values were not saved: look at what is marked.")
	}
	p.Message, p.MessageBad, p.SureBad = typed.message, typed.said, typed.sure
	a.signerPanel(v, f, &p)
	a.ledger(v, f, &p)
	for _, d := range f.devices {
		p.Devices = append(p.Devices, a.devicePanel(v.lang, f, d, p.Develop))
	}
	for _, l := range f.log {
		p.Log = append(p.Log, adminCardLog{a.moment(v.lang, l.At), l.Text})
	}
	faceHeader(v.w.Header(), p.Face)
	return a.show(v, status, "admin_card.html", p)
}

func (a *admin) readCard(v *visit) (*cardFacts, error) {
	number := v.r.PathValue("number")
	if a.Cards == nil || !styk.ValidCardNumber(number) {
		return nil, errNoCards
	}
	f := &cardFacts{}
	before, _ := parseTick(v.r.URL.Query().Get("before"))
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		f.users, f.log = map[styk.ID]string{}, nil
		if f.card, err = tx.Card(number); err != nil {
			return err
		}
		if f.template, err = a.Cards.TemplateIn(tx, f.card.Template); err != nil {
			return err
		}
		if f.devices, err = tx.CardDevices(f.card.ID); err != nil {
			return err
		}
		if f.history, err = tx.CardHistory(f.card.ID, before, movesShown+1); err != nil {
			return err
		}
		if err := f.readLog(tx); err != nil {
			return err
		}
		mail, err := tx.RunningTargets([]string{styk.MailTarget})
		if err != nil {
			return err
		}
		f.mailing = mail[styk.MailTarget] != 0
		users, err := tx.Users()
		for _, u := range users {
			f.users[u.ID] = u.Name
		}
		return err
	})
	return f, err
}

// The lines of the phones' log that are looked through, and shown.
const (
	logRead  = 1000
	logShown = 12
)

// readLog takes the lines of the card's own phones.
func (f *cardFacts) readLog(tx *store.Tx) error {
	if len(f.devices) == 0 {
		return nil
	}
	lines, err := tx.CardLog(logRead)
	for _, l := range lines {
		for _, d := range f.devices {
			if l.Device == d.Device && l.Device != "" && len(f.log) < logShown {
				f.log = append(f.log, l)
			}
		}
	}
	return err
}

func (a *admin) newCardPage(v *visit, f *cardFacts) adminCardPage {
	c, t := f.card, f.template
	p := adminCardPage{Address: cardAddress(c.Number), Number: c.Number, Code: c.Code, Template: t.Name, Revision: c.Revision,
		Created: a.moment(v.lang, c.Created), Modified: a.moment(v.lang, c.Modified), DeletedAt: a.moment(v.lang, c.Deleted),
		Source: cardOrigin(v.lang, c.Source), Alive: c.Deleted.IsZero(), Link: a.Cards.URL(c.Number)}
	p.May = v.may(staff.ChangeCards) && p.Alive
	p.Holder, p.Reach = holderOf(t, c)
	if p.Holder == "" {
		p.Holder = choose(v.lang, "Карта без имени", "A card without a name")
	}
	p.adminFrame = a.frame(v, "/admin/cards", p.Holder)
	p.State, p.Tone = cardStateWord(v.lang, c)
	if v.may(staff.SetUpCards) {
		p.Setup = templateAddress(t.ID)
	}
	if qr, err := wallet.Encode(wallet.QR, p.Link); err == nil {
		p.QR = template.HTML(qr.SVG()) //nolint:gosec // drawn by us, holds no text
	}
	if p.May {
		p.letters(t, c)
		p.Letter = f.mailing && p.Mail != ""
	}
	return p
}

// letters are ready for the person's own mail program and phone.
func (p *adminCardPage) letters(t *styk.CardTemplate, c *styk.Card) {
	text := p.T("Ваша карта «", "Your card “") + t.Name + p.T("»: ", "”: ") + p.Link
	if mail := t.Value(c, styk.MeansEmail); mail != "" {
		subject := p.T("Ваша карта «", "Your card “") + t.Name + p.T("»", "”")
		p.Mail = template.URL("mailto:" + url.PathEscape(mail) + "?subject=" + url.PathEscape(subject) + "&body=" + url.PathEscape(text)) //nolint:gosec // escaped
	}
	if phone, ok := styk.ParsePhone(t.Value(c, styk.MeansPhone)); ok {
		p.SMS = template.URL("sms:" + string(phone) + "?&body=" + url.PathEscape(text)) //nolint:gosec // escaped
	}
}

// signerPanel finds out whether a pass can be made, and by which certificate.
func (a *admin) signerPanel(v *visit, f *cardFacts, p *adminCardPage) {
	signer, err := a.Cards.Signer(v.r.Context(), f.template.PassType)
	if err == nil {
		p.Develop = signer.Development() && a.Cards.PushService == ""
		err = signer.Check(a.Now())
	}
	if err != nil {
		if p.NoSigner = faultText(err); p.NoSigner == "" {
			a.Log.Error("admin page", "op", "certificate", "err", err)
			p.NoSigner = p.T("Сертификат не читается.", "The certificate cannot be read.")
		}
	}
}

// hasNews tells whether the layout shows what is pushed, and aloud.
func hasNews(l *wallet.Layout) bool {
	for _, part := range [][]wallet.Field{l.Header, l.Primary, l.Secondary, l.Auxiliary, l.Back} {
		for _, f := range part {
			if f.Change != "" && f.Value == "%"+wallet.NewsVariable+"%" {
				return true
			}
		}
	}
	return false
}
