package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/staff"
	"styk/store"
	"styk/wallet"
)

// adminCardsPage lists loyalty cards.
type adminCardsPage struct {
	adminFrame
	Query     string
	Show      string // the chosen tab
	Template  string // the chosen one, "" for all
	Templates []adminChoice
	Tabs      []adminTab
	Rows      []adminCardRow
	Older     string
	First     string
	Nothing   bool   // there is no card at all
	Bare      bool   // nor a template
	Listing   string // address of what makes the first card, "" when the person may not look there
}

type adminCardRow struct {
	Address  string
	Code     string // what the till reads, or the number's beginning
	Template string
	Holder   string
	Reach    string
	Balance  string
	Unit     string // what the balance is called
	State    string
	Tone     string
	Updated  moment
}

// cardTabs are the ready filters: word in the address, what it shows.
var cardTabs = []struct{ word, ru, en string }{
	{"", "Все", "All"},
	{"installed", "На телефонах", "On phones"},
	{"waiting", "Не установлены", "Not installed"},
	{"deleted", "Удалённые", "Deleted"},
}

// errNoCards: the program runs without loyalty cards.
var errNoCards = styk.Failed(styk.NotFound, "")

func (a *admin) showCards(v *visit) error {
	if a.Cards == nil {
		return errNoCards
	}
	q := v.r.URL.Query()
	p := adminCardsPage{Query: strings.TrimSpace(q.Get("q")), Show: q.Get("show"), Template: q.Get("template")}
	p.adminFrame = a.frame(v, "/admin/cards", choose(v.lang, "Карты", "Cards"))
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	filter := store.CardQuery{Template: p.Template, Before: styk.ID(max(before, 0)), Limit: pageSize + 1}
	switch yes, no := true, false; p.Show {
	case "installed":
		filter.Installed = &yes
	case "waiting":
		filter.Installed = &no
	case "deleted":
		filter.Deleted = true
	default:
		p.Show = ""
	}
	for _, t := range cardTabs {
		p.Tabs = append(p.Tabs, adminTab{Address: cardsAddress(p.Query, t.word, p.Template, 0), Text: p.T(t.ru, t.en), Here: t.word == p.Show})
	}
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		p.Rows, p.Templates, p.Older = nil, nil, ""
		return a.readCards(v, tx, &p, filter)
	})
	if err != nil {
		return err
	}
	if filter.Before != 0 {
		p.First = cardsAddress(p.Query, p.Show, p.Template, 0)
	}
	p.Nothing = len(p.Rows) == 0 && p.Query == "" && p.Show == "" && p.Template == "" && filter.Before == 0
	return a.show(v, http.StatusOK, "admin_cards.html", p)
}

func (a *admin) readCards(v *visit, tx *store.Tx, p *adminCardsPage, filter store.CardQuery) (err error) {
	templates, err := tx.CardTemplates()
	if err != nil {
		return err
	}
	named := map[string]*styk.CardTemplate{}
	for _, t := range templates {
		named[t.ID] = t
		p.Templates = append(p.Templates, adminChoice{t.ID, t.Name, t.ID == p.Template})
	}
	p.Bare = len(templates) == 0
	if v.may(staff.SetUpCards) {
		p.Listing = "/admin/templates"
		if len(templates) > 0 {
			p.Listing = templateAddress(templates[0].ID) + "#listing"
		}
	}
	if p.Query != "" {
		if filter.IDs, err = findCards(tx, p.Query, filter.Deleted); err != nil {
			return err
		}
	}
	cards, err := tx.Cards(filter)
	if err != nil {
		return err
	}
	if len(cards) > pageSize {
		cards = cards[:pageSize]
		p.Older = cardsAddress(p.Query, p.Show, p.Template, cards[pageSize-1].ID)
	}
	for _, c := range cards {
		if t := named[c.Template]; t != nil {
			p.Rows = append(p.Rows, a.cardRow(v.lang, c, t))
		}
	}
	return nil
}

// The bounds of a search: who finds more must say more.
const (
	holdersFound = 100
	cardsFound   = 400
)

// cardNumberIn finds a card's number in what was typed or pasted, a link too.
var cardNumberIn = regexp.MustCompile(`[0-9a-fA-F]{24}`)

// findCards finds cards by number, barcode, link, or what is remembered of the
// holder; never nil.
func findCards(tx *store.Tx, text string, deleted bool) ([]styk.ID, error) {
	ids := []styk.ID{}
	if number := cardNumberIn.FindString(text); number != "" {
		card, err := tx.Card(strings.ToLower(number))
		if styk.CodeOf(err) == styk.NotFound {
			return ids, nil
		}
		if err != nil {
			return nil, err
		}
		return append(ids, card.ID), nil
	}
	hits, err := tx.Search(text, []styk.Kind{styk.KindContact, store.KindCard}, holdersFound)
	if err != nil {
		return nil, err
	}
	for _, h := range hits {
		if h.Kind == store.KindCard {
			ids = append(ids, h.ID)
			continue
		}
		cards, err := tx.Cards(store.CardQuery{Contact: h.ID, Deleted: deleted, Limit: pageSize})
		if err != nil {
			return nil, err
		}
		for _, c := range cards {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return ids[max(0, len(ids)-cardsFound):], nil
}

// cardsAddress keeps the filters in the address.
func cardsAddress(query, show, template string, before styk.ID) string {
	q := url.Values{}
	for name, value := range map[string]string{"q": query, "show": show, "template": template} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if before != 0 {
		q.Set("before", strconv.FormatInt(int64(before), 10))
	}
	if len(q) == 0 {
		return "/admin/cards"
	}
	return "/admin/cards?" + q.Encode()
}

func cardAddress(number string) string { return "/admin/cards/" + number }

func (a *admin) cardRow(lang string, c *styk.Card, t *styk.CardTemplate) adminCardRow {
	row := adminCardRow{Address: cardAddress(c.Number), Code: c.Code, Template: t.Name, Updated: a.moment(lang, c.Modified)}
	if row.Code == "" {
		row.Code = shortNumber(c.Number)
	}
	row.Holder, row.Reach = holderOf(t, c)
	row.State, row.Tone = cardStateWord(lang, c)
	if v := t.Meant(styk.MeansBalance); v != nil {
		row.Balance, row.Unit = shownNumber(c.Values[v.Name]), v.Name
		if row.Balance == "" {
			row.Balance = "0"
		}
	}
	return row
}

// shortNumber is enough of a card's number to tell it from others.
func shortNumber(number string) string { return number[:6] + "…" + number[len(number)-4:] }

// holderOf gives what the card says of its holder: a name, and how to reach him.
func holderOf(t *styk.CardTemplate, c *styk.Card) (name, reach string) {
	if v := t.Meant(styk.MeansName); v != nil {
		name = c.Values[v.Name]
	}
	for _, meaning := range []string{styk.MeansPhone, styk.MeansEmail} {
		if v := t.Meant(meaning); v != nil && reach == "" {
			reach = c.Values[v.Name]
		}
	}
	if name == "" {
		name, reach = reach, ""
	}
	return name, reach
}

// cardStateWord says where a card is, with the tone it is shown in.
func cardStateWord(lang string, c *styk.Card) (word, tone string) {
	switch {
	case !c.Deleted.IsZero():
		return choose(lang, "Удалена", "Deleted"), "bad"
	case !c.Installed.IsZero():
		return choose(lang, "На телефоне", "On a phone"), "good"
	case !c.Removed.IsZero():
		return choose(lang, "Убрана с телефона", "Taken off the phone"), "wait"
	}
	return choose(lang, "Не установлена", "Not installed"), ""
}

// shownNumber writes a number as a card shows it, "1 234,5"; other texts stay.
func shownNumber(text string) string {
	if n, ok := styk.ParseDecimal(text); ok {
		text = n
	}
	l := wallet.Layout{Header: []wallet.Field{{Value: "%N%", Kind: wallet.Number}}}
	return l.Show(map[string]string{"N": text}, "ru").Header[0].Text
}
