package notice

import (
	"text/template"

	"styk/connect"
)

// TypeCardSent is stored: never rename it.
const TypeCardSent = "card.sent"

// CardSent brings somebody the card that a till has made for him. Of the holder
// nothing stands in it: whoever typed the address may have mistyped it.
type CardSent struct {
	To      string
	Firm    string
	Card    string // what the card is called; may be empty
	URL     string // secret, the holder's own
	ReplyTo string
}

// Notice words it.
func (a CardSent) Notice(l Lang) connect.Notice {
	a.Firm, a.Card = flatten(a.Firm), flatten(a.Card)
	n := write(l, TypeCardSent, a, "", a.URL)
	n.To, n.ReplyTo = []string{a.To}, a.ReplyTo
	return n
}

var _ = template.Must(texts.Parse(cardSentTemplates))

const cardSentTemplates = `
{{define "card.sent.ru"}}{{with .Card}}Ваша карта «{{.}}»{{else}}Ваша карта{{end}}
Здравствуйте!

Вот ваша карта{{with .Firm}} ({{.}}){{end}}. Откройте ссылку на телефоне и добавьте карту в Wallet или на экран: баланс будет обновляться сам. Ссылка только для вас:
{{.URL}}
{{with .Firm}}
{{.}}
{{end}}Письмо отправлено автоматически.{{end}}

{{define "card.sent.en"}}{{with .Card}}Your card "{{.}}"{{else}}Your card{{end}}
Hello!

Here is your card{{with .Firm}} ({{.}}){{end}}. Open the link on your phone and add the card to Wallet or to the home screen: its balance will keep itself up to date. The link is for you only:
{{.URL}}
{{with .Firm}}
{{.}}
{{end}}This letter was sent automatically.{{end}}
`
