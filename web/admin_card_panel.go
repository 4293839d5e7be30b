package web

import (
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/store"
	"styk/wallet"
)

func parseTick(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

// cardValues gives the fields of the values' form: the template's variables in
// their order, then what the card holds besides.
func cardValues(lang string, f *cardFacts, typed cardForm) (list []adminCardValue, other []string) {
	names := make([]string, 0, len(f.template.Variables))
	for _, v := range f.template.Variables {
		names = append(names, v.Name)
	}
	for _, name := range f.template.Names(f.card) {
		if f.template.Variable(name) == nil && name != wallet.NewsVariable {
			names = append(names, name)
		}
	}
	at := map[string]*adminCardValue{}
	list = make([]adminCardValue, len(names))
	for i, name := range names {
		list[i] = cardValue(lang, f, name, "value-"+strconv.Itoa(i))
		if typed.values != nil {
			list[i].Text, list[i].Was = typed.values.Get("value."+name), typed.values.Get("was."+name)
		}
		at[name] = &list[i]
	}
	for _, w := range f.card.Warnings {
		if v := at[w.Field]; v != nil {
			v.Warnings = append(v.Warnings, w.Text)
		} else {
			other = append(other, w.Field+": "+w.Text)
		}
	}
	markValues(lang, at, typed.err)
	return list, other
}

func cardValue(lang string, f *cardFacts, name, id string) adminCardValue {
	text := f.card.Values[name]
	c := adminCardValue{ID: id, Name: name, Label: name, Text: text, Was: text, Mode: "text"}
	v := f.template.Variable(name)
	if v == nil {
		return c
	}
	c.Required, c.Unique = v.Required, v.Unique
	if w, ok := meaningWords[v.Meaning()]; ok {
		c.Label = choose(lang, w[0], w[1])
	}
	switch v.Type {
	case styk.CardPhone:
		c.Mode = "tel"
	case styk.CardEmail:
		c.Mode = "email"
	case styk.CardNumber:
		c.Mode = "decimal"
	}
	return c
}

// meaningWords name what a variable means.
var meaningWords = map[string][2]string{
	styk.MeansName: {"Имя", "Name"}, styk.MeansPhone: {"Телефон", "Phone"}, styk.MeansEmail: {"E-mail", "E-mail"},
	styk.MeansBirthday: {"День рождения", "Birthday"}, styk.MeansBalance: {"Баланс", "Balance"}, styk.MeansCode: {"Текст штрихкода", "Text of the barcode"},
	styk.MeansNone: {"Ничего особенного", "Nothing special"},
}

// markValues puts a refusal to the value that it is about.
func markValues(lang string, at map[string]*adminCardValue, err error) {
	var taken *store.CardTaken
	if errors.As(err, &taken) {
		if v := at[taken.Variable]; v != nil {
			v.Fault = choose(lang, "Это значение уже у другой карты.", "Another card has this value already.")
			v.Taken = cardAddress(taken.Number)
		}
		return
	}
	var e *styk.Error
	if errors.As(err, &e) {
		for _, fault := range e.Faults {
			if v := at[fault.Field]; v != nil {
				v.Fault = fault.Text
			}
		}
	}
}

// faultText gives all that an error says to a person.
func faultText(err error) string {
	var e *styk.Error
	if !errors.As(err, &e) {
		return ""
	}
	texts := notEmpty(e.Text)
	for _, f := range e.Faults {
		texts = append(texts, f.Text)
	}
	return strings.Join(texts, " ")
}

// ledger tells the moves of the balance, and apart from them all other changes.
func (a *admin) ledger(v *visit, f *cardFacts, p *adminCardPage) {
	history := f.history
	if len(history) > movesShown {
		history = history[:movesShown]
		p.OlderMoves = p.Address + "?before=" + strconv.FormatInt(history[movesShown-1].Tick, 10) + "#moves"
	}
	name := ""
	if b := f.template.Meant(styk.MeansBalance); b != nil {
		name, p.Balance = b.Name, b.Name
	}
	for _, c := range history {
		who := strings.Join(notEmpty(f.users[c.User], cardOrigin(v.lang, c.Origin)), ", ")
		if pair, ok := c.Fields[name]; ok {
			p.Ledger = append(p.Ledger, ledgerLine(pair, a.moment(v.lang, c.At), who))
		}
		change := adminChange{When: a.moment(v.lang, c.At), Who: who, What: cardChangeWord(v.lang, c.Op)}
		for _, n := range sortedNames(c.Fields) {
			if n != name {
				change.Fields = append(change.Fields, adminFieldChange{valueName(v.lang, f.template, n), c.Fields[n][0], c.Fields[n][1]})
			}
		}
		if len(change.Fields) > 0 || c.Op != "update" {
			p.Changes = append(p.Changes, change)
		}
	}
	if p.OlderMoves == "" {
		p.Changes = append(p.Changes, adminChange{When: p.Created, Who: p.Source, What: p.T("Карта выпущена", "Card issued")})
	}
}

func valueName(lang string, t *styk.CardTemplate, name string) string {
	if name == wallet.NewsVariable {
		return choose(lang, "Сообщение", "Message")
	}
	if v := t.Variable(name); v != nil {
		if w, ok := meaningWords[v.Meaning()]; ok {
			return choose(lang, w[0], w[1])
		}
	}
	return name
}

func sortedNames(fields map[string][2]string) []string {
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func ledgerLine(pair [2]string, when moment, who string) adminLedgerLine {
	l := adminLedgerLine{When: when, Old: shownNumber(pair[0]), New: shownNumber(pair[1]), Who: who}
	before, ok := styk.ParseDecimal(pair[0])
	after, fits := styk.ParseDecimal(pair[1])
	if !ok || !fits || after == "" {
		return l
	}
	if before == "" {
		before = "0"
	}
	x, okX := new(big.Rat).SetString(before)
	y, okY := new(big.Rat).SetString(after)
	if !okX || !okY {
		return l
	}
	d := new(big.Rat).Sub(y, x)
	l.By = shownNumber(d.FloatString(6))
	switch d.Sign() {
	case 1:
		l.By, l.Tone = "+"+l.By, "good"
	case -1:
		l.Tone = "bad"
	}
	return l
}

func cardChangeWord(lang, op string) string {
	switch op {
	case "update":
		return choose(lang, "Карта изменена", "Card changed")
	case "delete":
		return choose(lang, "Карта удалена", "Card deleted")
	case "erase":
		return choose(lang, "Данные стёрты", "Data erased")
	}
	return op
}

// cardOrigin says through what a card or a change came.
func cardOrigin(lang, origin string) string {
	switch origin {
	case "passteam":
		return choose(lang, "1С", "1C")
	case "admin":
		return choose(lang, "админка", "admin pages")
	}
	return originWord(lang, origin)
}

// stepNames name the steps of a diagnosis.
var stepNames = map[wallet.Step][2]string{
	wallet.StepRegistered: {"Зарегистрирован", "Registered"}, wallet.StepPushed: {"Push", "Push"},
	wallet.StepAsked: {"Спросил, что нового", "Asked what is new"}, wallet.StepFetched: {"Скачал карту", "Fetched the card"},
}

func (a *admin) devicePanel(lang string, f *cardFacts, d *styk.CardDevice, development bool) adminCardDevice {
	p := adminCardDevice{Agent: d.Agent, Since: a.moment(lang, d.Created), Seen: a.moment(lang, d.Seen)}
	p.Name = choose(lang, "iPhone, Apple Wallet", "iPhone, Apple Wallet")
	if d.Platform == styk.OnWeb {
		p.Name = choose(lang, "Веб-карта", "Web card")
	}
	for i, found := range wallet.Diagnose(f.card, d, a.Now(), development) {
		if i == 0 {
			p.Tone, p.State = string(found.Tone), choose(lang, found.Text, found.Words)
			continue
		}
		name := stepNames[found.Step]
		p.Steps = append(p.Steps, adminFinding{choose(lang, name[0], name[1]), string(found.Tone), choose(lang, found.Text, found.Words), a.moment(lang, found.At)})
	}
	if d.FetchedRevision > 0 {
		p.Version = strconv.FormatInt(d.FetchedRevision, 10)
	}
	return p
}
