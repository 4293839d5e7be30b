package notice

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"text/template"
	"time"

	"styk/connect"
)

// Lang is the language of a text; any other value than English is Russian.
type Lang string

// The languages.
const (
	Russian Lang = "ru"
	English Lang = "en"
)

// The types of notices. They are stored: never rename one.
const (
	TypeAccepted  = "ticket.accepted"
	TypeNumber    = "ticket.number"
	TypeFailed    = "target.failed"
	TypeRecovered = "target.recovered"
	TypeSilent    = "form.silent"
	TypeRefused   = "file.refused"
	TypeUnchecked = "scanner.silent"
)

// Accepted tells a visitor that the ticket is taken, and its number.
type Accepted struct {
	To        string // the visitor's address
	Firm      string // signature; may be empty
	Form      string // title; may be empty
	Number    string // ours
	CRMNumber string // shown first when it is there already
	Promise   string // see Calendar.Promise
	StatusURL string // secret, the visitor's own; may be empty
	ReplyTo   string // where an answer goes; may be empty
}

// Notice words it.
func (a Accepted) Notice(l Lang) connect.Notice {
	a.Form, a.Firm = flatten(a.Form), flatten(a.Firm)
	n := write(l, TypeAccepted, a, cmp.Or(a.CRMNumber, a.Number), a.StatusURL)
	n.To, n.ReplyTo = []string{a.To}, a.ReplyTo
	return n
}

// Numbered tells a visitor the CRM's number when it came after the answer.
type Numbered struct {
	To        string
	Firm      string
	Number    string // ours, that the visitor knows
	CRMNumber string
	StatusURL string
	ReplyTo   string
}

// Notice words it.
func (a Numbered) Notice(l Lang) connect.Notice {
	a.Firm = flatten(a.Firm)
	n := write(l, TypeNumber, a, a.CRMNumber, a.StatusURL)
	n.To, n.ReplyTo = []string{a.To}, a.ReplyTo
	return n
}

// Refused tells a visitor that a file did not pass its check. It does not name
// the file: whoever fills in a form chooses both the name and the address.
type Refused struct {
	To        string
	Firm      string
	Number    string // ours
	StatusURL string
	ReplyTo   string
}

// Notice words it.
func (a Refused) Notice(l Lang) connect.Notice {
	a.Firm = flatten(a.Firm)
	n := write(l, TypeRefused, a, a.Number, a.StatusURL)
	n.To, n.ReplyTo = []string{a.To}, a.ReplyTo
	return n
}

// Unchecked tells an owner that deliveries wait because no scanner answers.
type Unchecked struct {
	To     []string
	Target string
	Since  time.Time
	Zone   *time.Location // of Since; nil: UTC
	URL    string
}

// Notice words it.
func (a Unchecked) Notice(l Lang) connect.Notice {
	a.Target = flatten(a.Target)
	n := write(l, TypeUnchecked, a, "", a.URL)
	n.To = a.To
	return n
}

// When gives Since for people.
func (a Unchecked) When() string { return moment(a.Since, a.Zone) }

// Failed tells an owner that deliveries to a target wait for a person. It names
// tickets by number and nobody by name.
type Failed struct {
	To      []string
	Target  string
	Cause   string   // connect.Explain
	Numbers []string // tickets; the first five are named
	Paused  bool     // the whole target stands, not these alone
	Since   time.Time
	Zone    *time.Location // of Since; nil: UTC
	URL     string         // of the page with these deliveries; may be empty
}

// Notice words it.
func (a Failed) Notice(l Lang) connect.Notice {
	a.Target, a.Cause = flatten(a.Target), flatten(a.Cause)
	n := write(l, TypeFailed, a, "", a.URL)
	n.To = a.To
	return n
}

// Named gives the numbers that are told.
func (a Failed) Named() string { return strings.Join(a.Numbers[:min(5, len(a.Numbers))], ", ") }

// More counts the numbers that are not told.
func (a Failed) More() int { return max(0, len(a.Numbers)-5) }

// When gives Since for people.
func (a Failed) When() string { return moment(a.Since, a.Zone) }

// Recovered tells an owner that a target works again.
type Recovered struct {
	To      []string
	Target  string
	Down    time.Duration // how long it did not
	Waiting int           // deliveries that are on their way now
	Failed  int           // deliveries that still wait for a person
	URL     string
}

// Notice words it.
func (a Recovered) Notice(l Lang) connect.Notice {
	a.Target = flatten(a.Target)
	n := write(l, TypeRecovered, a, "", a.URL)
	n.To = a.To
	return n
}

// Silent tells an owner that nothing came through a form for some time.
type Silent struct {
	To    []string
	Form  string    // title
	Hours int       // how long
	Last  time.Time // the last that came; zero: none ever
	Zone  *time.Location
	URL   string // of the form's page; may be empty
}

// Notice words it.
func (a Silent) Notice(l Lang) connect.Notice {
	a.Form = flatten(a.Form)
	n := write(l, TypeSilent, a, "", a.URL)
	n.To = a.To
	return n
}

// When gives Last for people.
func (a Silent) When() string { return moment(a.Last, a.Zone) }

// write fills the templates of a type: the first line is the subject.
func write(l Lang, kind string, data any, strong, link string) connect.Notice {
	if l != English {
		l = Russian
	}
	var b bytes.Buffer
	if err := texts.ExecuteTemplate(&b, kind+"."+string(l), data); err != nil {
		panic("notice: " + err.Error()) // a test fills every template
	}
	subject, text, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	text = strings.TrimSpace(text) + "\n"
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	var links []string
	if link != "" {
		links = []string{link}
	}
	return connect.Notice{Type: kind, Subject: flatten(subject), Text: text, HTML: htmlOf(text, strong, links)}
}

func moment(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	if zone == nil {
		zone = time.UTC
	}
	text := t.In(zone).Format("02.01.2006 15:04 MST")
	return strings.TrimSuffix(text, " MSK")
}

// duration gives a span for people, to the minute.
func duration(d time.Duration, hour, minute string) string {
	d = max(d.Round(time.Minute), time.Minute)
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h == 0:
		return fmt.Sprintf("%d %s", m, minute)
	case m == 0:
		return fmt.Sprintf("%d %s", h, hour)
	}
	return fmt.Sprintf("%d %s %d %s", h, hour, m, minute)
}

// plural chooses the Russian form for n: 1 заявка, 2 заявки, 5 заявок.
func plural(n int, one, few, many string) string {
	switch {
	case n%10 == 1 && n%100 != 11:
		return one
	case n%10 >= 2 && n%10 <= 4 && (n%100 < 12 || n%100 > 14):
		return few
	}
	return many
}

var texts = template.Must(template.New("").Option("missingkey=error").Funcs(template.FuncMap{
	"plural": plural, "duration": duration,
}).Parse(templates))

const templates = `
{{define "ticket.accepted.ru"}}Заявка {{or .CRMNumber .Number}} принята
Здравствуйте!

Ваша заявка {{with .Form}}«{{.}}» {{end}}отправлена.{{with .Promise}} {{.}}.{{end}}

Номер заявки:
{{or .CRMNumber .Number}}
{{if .CRMNumber}}Номер на сайте: {{.Number}}{{end}}
{{with .StatusURL}}
Что с ней сейчас — на этой странице. Ссылка только для вас:
{{.}}
{{end}}
{{with .Firm}}{{.}}
{{end}}Письмо отправлено автоматически.{{end}}

{{define "ticket.accepted.en"}}Request {{or .CRMNumber .Number}} accepted
Hello!

Your request {{with .Form}}"{{.}}" {{end}}has been sent.{{with .Promise}} {{.}}.{{end}}

Request number:
{{or .CRMNumber .Number}}
{{if .CRMNumber}}Number on the site: {{.Number}}{{end}}
{{with .StatusURL}}
Its state is on this page. The link is for you only:
{{.}}
{{end}}
{{with .Firm}}{{.}}
{{end}}This letter was sent automatically.{{end}}

{{define "ticket.number.ru"}}Заявка {{.Number}}: присвоен номер {{.CRMNumber}}
Здравствуйте!

Вашей заявке {{.Number}} присвоен номер
{{.CRMNumber}}

Называйте его, когда обращаетесь к нам; прежний номер тоже действует.
{{with .StatusURL}}
Что с ней сейчас — на этой странице. Ссылка только для вас:
{{.}}
{{end}}
{{with .Firm}}{{.}}
{{end}}Письмо отправлено автоматически.{{end}}

{{define "ticket.number.en"}}Request {{.Number}}: its number is {{.CRMNumber}}
Hello!

Your request {{.Number}} has got the number
{{.CRMNumber}}

Please quote it when you contact us; the earlier number remains valid.
{{with .StatusURL}}
Its state is on this page. The link is for you only:
{{.}}
{{end}}
{{with .Firm}}{{.}}
{{end}}This letter was sent automatically.{{end}}

{{define "file.refused.ru"}}Заявка {{.Number}}: файл не прошёл проверку
Здравствуйте!

Файл, приложенный к вашей заявке, не прошёл проверку на вирусы, поэтому сотрудники его не получат. Сама заявка принята, повторять её не нужно.

Номер заявки:
{{.Number}}

Проверьте файл и пришлите другой{{if .ReplyTo}}: ответом на это письмо или новой заявкой{{else}} новой заявкой{{end}}.
{{with .StatusURL}}
Что с заявкой сейчас — на этой странице. Ссылка только для вас:
{{.}}
{{end}}
{{with .Firm}}{{.}}
{{end}}Письмо отправлено автоматически.{{end}}

{{define "file.refused.en"}}Request {{.Number}}: a file did not pass its check
Hello!

A file that came with your request did not pass the virus check, so nobody will receive it. The request itself is accepted, there is no need to repeat it.

Request number:
{{.Number}}

Please check the file and send another one {{if .ReplyTo}}in reply to this letter or with a new request{{else}}with a new request{{end}}.
{{with .StatusURL}}
The state of the request is on this page. The link is for you only:
{{.}}
{{end}}
{{with .Firm}}{{.}}
{{end}}This letter was sent automatically.{{end}}

{{define "scanner.silent.ru"}}Антивирус не отвечает: заявки с файлами ждут
Антивирус не отвечает, поэтому файлы некому проверить. Заявки с файлами в «{{.Target}}» пока не уходят, остальные уходят как обычно.
{{with .When}}С какого времени: {{.}}{{end}}

Проверьте, что антивирус запущен и доступен. Заявки сохранены и уйдут сами{{if .URL}}:
{{.URL}}{{else}}.{{end}}{{end}}

{{define "scanner.silent.en"}}The virus scanner does not answer: requests with files wait
The virus scanner does not answer, so nobody checks files. Requests with files do not go to "{{.Target}}" for now, the others go as usual.
{{with .When}}Since: {{.}}{{end}}

Please see that the scanner runs and can be reached. The requests are kept and will go by themselves{{if .URL}}:
{{.URL}}{{else}}.{{end}}{{end}}

{{define "target.failed.ru"}}«{{.Target}}»: доставка ждёт вашего решения
{{if .Paused}}Доставка в «{{.Target}}» остановлена, пока вы не поправите настройки.{{else}}Доставка в «{{.Target}}» не удалась и сама больше не повторится.{{end}}

Причина: {{.Cause}}
{{with .Named}}Заявки: {{.}}{{end}}{{if .More}} и ещё {{.More}}{{end}}
{{with .When}}С какого времени: {{.}}{{end}}

Заявки сохранены. Когда причина устранена, отправьте их снова{{if .URL}}:
{{.URL}}{{else}}.{{end}}{{end}}

{{define "target.failed.en"}}"{{.Target}}": a delivery waits for your decision
{{if .Paused}}Delivery to "{{.Target}}" is paused until you mend its settings.{{else}}Delivery to "{{.Target}}" has failed and will not be tried again by itself.{{end}}

Cause: {{.Cause}}
{{with .Named}}Requests: {{.}}{{end}}{{if .More}} and {{.More}} more{{end}}
{{with .When}}Since: {{.}}{{end}}

The requests are kept. When the cause is gone, send them again{{if .URL}}:
{{.URL}}{{else}}.{{end}}{{end}}

{{define "target.recovered.ru"}}«{{.Target}}»: доставка снова работает
Доставка в «{{.Target}}» снова работает. Перерыв: {{duration .Down "ч" "мин"}}.
{{if .Waiting}}Сейчас уходит из очереди: {{.Waiting}} {{plural .Waiting "доставка" "доставки" "доставок"}}.{{end}}
{{if .Failed}}Ждут вашего решения: {{.Failed}} {{plural .Failed "доставка" "доставки" "доставок"}}.{{end}}
{{with .URL}}
{{.}}{{end}}{{end}}

{{define "target.recovered.en"}}"{{.Target}}": delivery works again
Delivery to "{{.Target}}" works again. It was down for {{duration .Down "h" "min"}}.
{{if .Waiting}}Leaving the queue now: {{.Waiting}}.{{end}}
{{if .Failed}}Waiting for your decision: {{.Failed}}.{{end}}
{{with .URL}}
{{.}}{{end}}{{end}}

{{define "form.silent.ru"}}«{{.Form}}»: {{.Hours}} {{plural .Hours "час" "часа" "часов"}} нет заявок
Через форму «{{.Form}}» уже {{.Hours}} {{plural .Hours "час" "часа" "часов"}} ничего не приходит.
{{with .When}}Последняя заявка: {{.}}{{end}}

Проверьте, что форма на сайте открывается и отправляется{{if .URL}}:
{{.URL}}{{else}}.{{end}}{{end}}

{{define "form.silent.en"}}"{{.Form}}": no requests for {{.Hours}} h
Nothing has come through the form "{{.Form}}" for {{.Hours}} h.
{{with .When}}The last request: {{.}}{{end}}

Please check that the form on the site opens and can be sent{{if .URL}}:
{{.URL}}{{else}}.{{end}}{{end}}
`
