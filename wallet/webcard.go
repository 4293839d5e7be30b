package wallet

import (
	"slices"

	"styk"
)

// WebCard is a card as its page shows it to whoever has the link: the first
// name, the balance and a masked phone of its holder, and nothing else that is
// his own.
type WebCard struct {
	Face
	Balance *Shown // taken out of the fields; nil: the template has none
}

// WebCard gives it in a language. A field that holds a birthday, an address of
// mail, a day or a free text of the holder is left out, and so is a caption that
// would say what the barcode hides.
func (l *Layout) WebCard(t *styk.CardTemplate, card *styk.Card, lang string) WebCard {
	open := openValues(t, card)
	fields := *l
	keep := func(list []Field) []Field {
		return slices.DeleteFunc(slices.Clone(list), func(f Field) bool { return hides(f.Label, open) || hides(f.Value, open) })
	}
	fields.Header, fields.Primary, fields.Secondary = keep(l.Header), keep(l.Primary), keep(l.Secondary)
	fields.Auxiliary, fields.Back = keep(l.Auxiliary), keep(l.Back)
	if hides(l.LogoText, open) {
		fields.LogoText = l.Organization
	}
	w := WebCard{Face: fields.Show(open, lang)}
	whole := l.Show(Values(t, card), lang) // the barcode is the card: it is what it is
	w.Barcode, w.Caption = whole.Barcode, whole.Caption
	if !sameFilled(l.Barcode.Value, open, t, card) || !sameFilled(l.Barcode.Caption, open, t, card) {
		w.Caption = ""
	}
	w.takeBalance(t, card, l.Strings[lang])
	return w
}

// takeBalance moves the balance out of the fields; a layout without it shows it
// all the same: it is what the holder looks for.
func (w *WebCard) takeBalance(t *styk.CardTemplate, card *styk.Card, words map[string]string) {
	v := t.Meant(styk.MeansBalance)
	if v == nil {
		return
	}
	for _, list := range []*[]Shown{&w.Header, &w.Primary, &w.Secondary, &w.Auxiliary} {
		at := slices.IndexFunc(*list, func(f Shown) bool { return slices.Contains(variablesOf(f.Value), v.Name) })
		if at >= 0 {
			found := (*list)[at]
			*list = slices.Delete(*list, at, at+1)
			w.Balance = &found
			return
		}
	}
	own := show([]Field{{Key: "styk.balance", Label: label(v), Value: "%" + v.Name + "%", Kind: Number, Empty: "0"}}, openValues(t, card), words, false)
	w.Balance = &own[0]
}

// openValues gives the values that a page with a link may show. What it has not
// is not shown at all.
func openValues(t *styk.CardTemplate, card *styk.Card) map[string]string {
	open := map[string]string{CodeVariable: card.Code, NumberVariable: card.Number, NewsVariable: card.Values[NewsVariable]}
	for i := range t.Variables {
		v := &t.Variables[i]
		normal, ok := v.Normal(card.Values[v.Name])
		switch meaning := v.Meaning(); {
		case meaning == styk.MeansName:
			open[v.Name] = FirstName(t, card)
		case meaning == styk.MeansPhone:
			open[v.Name] = maskPhone(normal, ok)
		case meaning == styk.MeansBalance, meaning == styk.MeansCode:
			open[v.Name] = normal
		case meaning == styk.MeansEmail, meaning == styk.MeansBirthday:
		case v.Type == styk.CardNumber, v.Type == styk.CardBool:
			if !ok { // a text in place of a number may be anything
				normal = ""
			}
			open[v.Name] = normal
		}
	}
	return open
}

func hides(text string, open map[string]string) bool {
	return slices.ContainsFunc(variablesOf(text), func(name string) bool {
		_, ok := open[name]
		return !ok
	})
}

// sameFilled tells whether a text reads the same to everybody.
func sameFilled(text string, open map[string]string, t *styk.CardTemplate, card *styk.Card) bool {
	return Fill(text, open) == Fill(text, Values(t, card))
}

// maskPhone leaves of a phone what its owner knows it by, in one piece.
func maskPhone(e164 string, ok bool) string {
	if !ok || len(e164) < 8 {
		return ""
	}
	end := e164[len(e164)-4:]
	if len(e164) == len("+79286646611") && e164[:2] == "+7" {
		return "+7\u00a0•••\u00a0•••\u2011" + end[:2] + "\u2011" + end[2:]
	}
	return "•••\u00a0" + end[:2] + "\u2011" + end[2:]
}
