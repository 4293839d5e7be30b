package notice

import (
	"text/template"
	"time"

	"styk/connect"
)

// TypeInvited is stored: never rename it.
const TypeInvited = "staff.invited"

// Invited brings somebody the link by which he becomes a colleague.
type Invited struct {
	To    string
	Firm  string
	URL   string // secret, his own
	Until time.Time
	Zone  *time.Location
}

// Notice words it.
func (a Invited) Notice(l Lang) connect.Notice {
	a.Firm = flatten(a.Firm)
	n := write(l, TypeInvited, a, "", a.URL)
	n.To = []string{a.To}
	return n
}

// When gives Until for people.
func (a Invited) When() string { return moment(a.Until, a.Zone) }

var _ = template.Must(texts.Parse(invitedTemplates))

const invitedTemplates = `
{{define "staff.invited.ru"}}Вас приглашают работать{{with .Firm}} ({{.}}){{end}}
Здравствуйте!

Для вас открыт вход в styk{{with .Firm}} ({{.}}){{end}}. Откройте ссылку и придумайте пароль. Она действует один раз, до {{.When}}, и только для вас:
{{.URL}}

Если вы не знаете, о чём это, просто удалите письмо: без пароля ничего не произойдёт.{{end}}

{{define "staff.invited.en"}}You are invited to work{{with .Firm}} ({{.}}){{end}}
Hello!

A door to styk is open for you{{with .Firm}} ({{.}}){{end}}. Open the link and choose a password. It works once, until {{.When}}, and for you only:
{{.URL}}

If you do not know what this is about, delete the letter: without a password nothing happens.{{end}}
`
