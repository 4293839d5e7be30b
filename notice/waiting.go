package notice

import (
	"text/template"

	"styk/connect"
)

// These types are stored: never rename them.
const (
	TypeReply   = "ticket.reply"
	TypeOverdue = "ticket.overdue"
)

// Replied tells a colleague that the customer of his ticket wrote.
type Replied struct {
	To     []string
	Number string
	URL    string // of the ticket
}

// Notice words it. What the customer wrote stays where it is read with rights.
func (a Replied) Notice(l Lang) connect.Notice {
	n := write(l, TypeReply, a, a.Number, a.URL)
	n.To = a.To
	return n
}

// Overdue tells a colleague of tickets that wait too long for an answer.
type Overdue struct {
	To      []string
	Numbers []string // at most some of them
	Count   int      // of all
	URL     string   // of the list
}

// Notice words it.
func (a Overdue) Notice(l Lang) connect.Notice {
	n := write(l, TypeOverdue, a, "", a.URL)
	n.To = a.To
	return n
}

// More says how many are not named.
func (a Overdue) More() int { return a.Count - len(a.Numbers) }

var _ = template.Must(texts.Parse(waitingTemplates))

const waitingTemplates = `
{{define "ticket.reply.ru"}}Клиент ответил: {{.Number}}
По обращению пришло письмо от клиента:

{{.Number}}
{{with .URL}}
Прочитать и ответить:
{{.}}{{end}}{{end}}

{{define "ticket.reply.en"}}The customer replied: {{.Number}}
A letter of the customer has come for the ticket:

{{.Number}}
{{with .URL}}
Read it and answer:
{{.}}{{end}}{{end}}

{{define "ticket.overdue.ru"}}{{plural .Count "Ждёт" "Ждут" "Ждут"}} ответа дольше положенного: {{.Count}} {{plural .Count "обращение" "обращения" "обращений"}}
{{plural .Count "Это обращение ждёт" "Эти обращения ждут" "Эти обращения ждут"}} ответа дольше, чем вы обещаете:
{{range .Numbers}}
{{.}}{{end}}{{if .More}}
и ещё {{.More}}{{end}}
{{with .URL}}
Весь список:
{{.}}{{end}}{{end}}

{{define "ticket.overdue.en"}}{{.Count}} {{if eq .Count 1}}ticket waits{{else}}tickets wait{{end}} too long for an answer
{{if eq .Count 1}}This ticket waits{{else}}These tickets wait{{end}} longer than you promise:
{{range .Numbers}}
{{.}}{{end}}{{if .More}}
and {{.More}} more{{end}}
{{with .URL}}
The whole list:
{{.}}{{end}}{{end}}
`
