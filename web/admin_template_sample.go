package web

import (
	"image/color"
	"strings"

	"styk"
	"styk/wallet"
)

// sampleKinds are the cards that a template is looked at with: layouts break at
// long names and large numbers, not at "Anna".
var sampleKinds = []struct{ word, ru, en string }{
	{"usual", "Обычная", "Usual"}, {"long", "Длинные тексты", "Long texts"}, {"zero", "Ноль", "Zero"},
	{"million", "1 000 000", "1,000,000"}, {"empty", "Пустая", "Empty"},
}

// sampleNumber is a card that cannot exist.
const sampleCardNumber = "000000000000000000000042"

const (
	longName = "Абдрахманова-Константинопольская Гюльнара Сулеймановна"
	longText = "Очень длинное значение, которое не помещается в строку и показывает, где оно обрежется"
)

// sampleCard is a made-up card of the template.
func sampleCard(t *styk.CardTemplate, kind string) *styk.Card {
	c := &styk.Card{Number: sampleCardNumber, Template: t.ID, Code: sampleCode(), Values: map[string]string{}}
	for i := range t.Variables {
		v := &t.Variables[i]
		c.Values[v.Name] = sampleValue(v, kind)
	}
	if v := t.Meant(styk.MeansCode); v != nil {
		c.Code = c.Values[v.Name]
	}
	return c
}

func sampleValue(v *styk.CardVariable, kind string) string {
	if kind == "empty" {
		return v.Default
	}
	long := kind == "long"
	switch v.Meaning() {
	case styk.MeansName:
		return choose2(long, longName, "Котова Мария Сергеевна")
	case styk.MeansPhone:
		return "+7 900 123-45-67"
	case styk.MeansEmail:
		return choose2(long, "gulnara.abdrakhmanova@long-company-name.example.ru", "maria@example.ru")
	case styk.MeansBirthday:
		return "05.03.1990"
	case styk.MeansCode:
		return sampleCode()
	}
	switch v.Type {
	case styk.CardNumber:
		switch {
		case kind == "zero":
			return "0"
		case kind == "million":
			return "1000000"
		case long:
			return "1234567.89"
		case v.Meaning() == styk.MeansBalance:
			return "1250"
		}
		return "5"
	case styk.CardDate:
		return "31.12.2026"
	case styk.CardBool:
		return "да"
	}
	switch {
	case long:
		return longText
	case v.Default != "":
		return v.Default
	case strings.Contains(strings.ToUpper(v.Name), "NUMBER"):
		return "000042"
	}
	return "Пример"
}

// sampleCode is an EAN-13 of the range that shops give out themselves.
func sampleCode() string {
	const digits = "290000000042"
	check, _ := wallet.EANDigit(digits)
	return digits + string(rune(check))
}

// pale tells whether the card's letters are hard to read on its ground.
func pale(l *wallet.Layout) bool {
	ground := l.Background.RGB(color.NRGBA{0x1f, 0x2a, 0x44, 255})
	white := color.NRGBA{255, 255, 255, 255}
	return contrast(ground, l.Foreground.RGB(white)) < readable || contrast(ground, l.LabelColor.RGB(l.Foreground.RGB(white))) < readable
}
