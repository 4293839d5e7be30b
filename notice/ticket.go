package notice

import (
	"context"
	"fmt"
	"net/mail"
	"strings"

	"styk/connect"
)

// fillTicket writes the whole form into the letter: what a CRM would get. The
// visitor's status link stays out: it is his alone. attach is how many bytes of
// files the letter may carry, -1: none.
func (l *letter) fillTicket(ctx context.Context, p *connect.Parcel, attach int64) error {
	t := p.Ticket
	l.subject = ticketSubject(t)
	var links []string
	var linked strings.Builder
	for _, f := range t.Files {
		if f.Size <= attach && attach >= 0 {
			e, err := enclose(ctx, f)
			if err != nil {
				return err
			}
			l.files, attach = append(l.files, e), attach-f.Size
			continue
		}
		fmt.Fprintf(&linked, "%s (%s)", fileName(f.Name), readableSize(f.Size))
		if f.URL != "" {
			linked.WriteString(":\n" + f.URL)
			links = append(links, f.URL)
		} else {
			p.Warn("Файл не поместился в письмо, и ссылки на него нет.")
		}
		linked.WriteString("\n")
	}
	var b strings.Builder
	body := t.MappedTo(bodyField)
	if body == "" { // a mapping without a body still must not lose the form
		body = t.Text()
	}
	fmt.Fprintf(&b, "Заявка\n%s\n\n%s\n", t.Number, crlfOff(body))
	if linked.Len() > 0 {
		b.WriteString("\nФайлы по ссылкам:\n" + linked.String())
	}
	if form := flatten(t.FormTitle); form != "" {
		fmt.Fprintf(&b, "\nФорма: %s\n", form)
	}
	l.text = b.String()
	l.html = htmlOf(l.text, t.Number, links)
	l.replyTo = replyTo(p)
	return nil
}

// replyTo lets the firm answer the visitor by its mail program's own button.
func replyTo(p *connect.Parcel) *mail.Address {
	c := p.Ticket.Contact
	if c.Email == "" {
		return nil
	}
	a, err := parseAddress(c.Email)
	if err != nil || !isASCII(a.Address) { // RFC 6532 headers need a server that takes them
		p.Warn("Кнопка «Ответить» не ответит посетителю: его адрес записан неверно или не латиницей.")
		return nil
	}
	a.Name = shorten(flatten(c.Name), 60)
	return a
}

func ticketSubject(t *connect.Ticket) string {
	subject := "Заявка " + t.Number
	if topic := flatten(t.MappedTo(subjectField)); topic != "" {
		subject += ": " + topic
	}
	return shorten(subject, 200)
}

// readableSize gives bytes as people read them.
func readableSize(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d МБ", n>>20)
	case n >= 1<<20:
		return strings.Replace(fmt.Sprintf("%.1f МБ", float64(n)/(1<<20)), ".", ",", 1)
	case n >= 1<<10:
		return fmt.Sprintf("%d КБ", n>>10)
	}
	return fmt.Sprintf("%d Б", n)
}
