package notice

import (
	"text/template"
	"time"

	"styk/connect"
)

// The types of notices about cards. They are stored: never rename one.
const (
	TypeCardLink    = "card.link"
	TypeCertificate = "certificate.ends"
)

// CardLink brings the holder of a card its link again. Nothing of the card
// stands in it: a form chooses who gets the letter, not what it says.
type CardLink struct {
	To      string
	Firm    string
	URL     string // secret, the holder's own
	ReplyTo string
}

// Notice words it.
func (a CardLink) Notice(l Lang) connect.Notice {
	a.Firm = flatten(a.Firm)
	n := write(l, TypeCardLink, a, "", a.URL)
	n.To, n.ReplyTo = []string{a.To}, a.ReplyTo
	return n
}

// Certificate tells an owner that the certificate of his passes ends or has
// ended.
type Certificate struct {
	To       []string
	PassType string
	Ends     time.Time
	Days     int // left; 0: it has ended
	Zone     *time.Location
	URL      string // of the page where another is given; may be empty
}

// Notice words it.
func (a Certificate) Notice(l Lang) connect.Notice {
	a.PassType = flatten(a.PassType)
	n := write(l, TypeCertificate, a, "", a.URL)
	n.To = a.To
	return n
}

// When gives Ends for people.
func (a Certificate) When() string { return moment(a.Ends, a.Zone) }

var _ = template.Must(texts.Parse(cardTemplates))

const cardTemplates = `
{{define "card.link.ru"}}Ваша карта
Здравствуйте!

Вы просили карту{{with .Firm}} ({{.}}){{end}}. Она у вас уже есть, вот ссылка на неё. Ссылка только для вас:
{{.URL}}

Если вы ничего не просили, просто удалите это письмо: карта и бонусы остаются вашими.
{{with .Firm}}
{{.}}
{{end}}Письмо отправлено автоматически.{{end}}

{{define "card.link.en"}}Your card
Hello!

You asked for a card{{with .Firm}} ({{.}}){{end}}. You have one already, here is its link. The link is for you only:
{{.URL}}

If you asked for nothing, just delete this letter: card and points stay yours.
{{with .Firm}}
{{.}}
{{end}}This letter was sent automatically.{{end}}

{{define "certificate.ends.ru"}}{{if .Days}}Сертификат карт: {{plural .Days "остался" "осталось" "осталось"}} {{.Days}} {{plural .Days "день" "дня" "дней"}}{{else}}Сертификат карт: срок истёк{{end}}
{{if .Days}}Сертификат Apple для карт {{.PassType}} действует ещё {{.Days}} {{plural .Days "день" "дня" "дней"}}.{{else}}Срок сертификата Apple для карт {{.PassType}} истёк: новые карты в Apple Wallet не открываются, баланс в телефонах не обновляется. Веб-карты работают.{{end}}
{{with .When}}Срок действия: {{.}}{{end}}

Выпустите в кабинете Apple Developer новый Pass Type ID Certificate для того же {{.PassType}} и загрузите его: команда styk card certificate{{if .URL}} или страница
{{.URL}}{{else}}.{{end}}
Установленные карты останутся в телефонах.{{end}}

{{define "certificate.ends.en"}}{{if .Days}}The cards' certificate ends in {{.Days}} {{if eq .Days 1}}day{{else}}days{{end}}{{else}}The cards' certificate has ended{{end}}
{{if .Days}}Apple's certificate for the cards {{.PassType}} is good for {{.Days}} more {{if eq .Days 1}}day{{else}}days{{end}}.{{else}}Apple's certificate for the cards {{.PassType}} has ended: new cards do not open in Apple Wallet, balances on phones stay as they are. Web cards work.{{end}}
{{with .When}}Valid until: {{.}}{{end}}

Make a new Pass Type ID Certificate for the same {{.PassType}} in the Apple Developer account and give it to styk: by the command styk card certificate{{if .URL}} or on the page
{{.URL}}{{else}}.{{end}}
Installed cards stay on the phones.{{end}}
`
