package wallet

import (
	"fmt"
	"slices"

	"styk"
)

// layoutFor is the look that a template has until somebody edits it: the balance
// beside the name of the card, who holds it, and what else there is room for.
func layoutFor(t *styk.CardTemplate) Layout {
	l := DefaultLayout(t.Name)
	l.Header, l.Secondary, l.Auxiliary = nil, nil, nil
	var rest []Field
	for i := range t.Variables {
		v := &t.Variables[i]
		f := Field{Key: fmt.Sprintf("v%d", i+1), Label: label(v), Value: "%" + v.Name + "%", Empty: "—"}
		switch v.Type {
		case styk.CardNumber:
			f.Kind = Number
		case styk.CardDate:
			f.Kind = Day
		}
		switch v.Meaning() {
		case styk.MeansBalance:
			f.Key, f.Empty, f.Change = "balance", "0", f.Label+": %@"
			l.Header = append(l.Header, f)
		case styk.MeansName:
			l.Secondary = append(l.Secondary, f)
		case styk.MeansCode, styk.MeansBirthday, styk.MeansEmail:
			// the barcode shows the one; the others the holder knows himself
		default:
			rest = append(rest, f)
		}
	}
	if len(l.Header) > 1 {
		rest, l.Header = slices.Concat(l.Header[1:], rest), l.Header[:1]
	}
	room := 4 - len(l.Secondary)
	if len(l.Secondary) > 1 {
		room, l.Secondary = 3, l.Secondary[:1]
	}
	l.Auxiliary = rest[:min(len(rest), room)]
	return l
}

// labels are what people call the variables of 1C's listings.
var labels = map[string]string{
	"CLIENT_NAME": "Клиент", "PHONE": "Телефон", "BONUS": "Бонусы", "BALANCE": "Баланс", "DISCOUNT": "Скидка, %",
	"NUMBERCARD": "Номер карты", "EMAIL": "E-mail", "BIRTHDAY": "День рождения",
}

var meaningLabels = map[string]string{
	styk.MeansName: "Клиент", styk.MeansPhone: "Телефон", styk.MeansBalance: "Бонусы", styk.MeansEmail: "E-mail",
}

func label(v *styk.CardVariable) string {
	if text := labels[v.Name]; text != "" {
		return text
	}
	if text := meaningLabels[v.Meaning()]; text != "" {
		return text
	}
	return v.Name
}
