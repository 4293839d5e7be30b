// Package notice sends letters: notices to people (a visitor's number, an
// owner's warning) and whole tickets to a mailbox that stands for a CRM. It
// holds the texts of the notices, the working hours they speak of, a real SMTP
// client as a connect.Kind, and a simulator of a mail server. It knows nothing
// of the store or of who asked for a letter. README.md tells the rest.
package notice

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	"styk"
	"styk/connect"
)

// Kind is the connector's description.
var Kind = connect.Kind{
	Name:  "email",
	Title: "Письмо (SMTP)",
	Fields: []connect.Field{
		{
			Name: "url", Label: "Почтовый сервер", Type: connect.Text, Required: true, Secret: true,
			Help: "smtp://логин:пароль@host:587 или smtps://…:465. Знаки / ? # % в пароле пишутся как %2F %3F %23 %25.",
		},
		{Name: "user", Label: "Логин", Type: connect.Text, Help: "Если он не в адресе."},
		{Name: "password", Label: "Пароль", Type: connect.Text, Secret: true, Help: "Если он не в адресе."},
		{
			Name: "from", Label: "От кого", Type: connect.Text, Required: true,
			Help: "Компания <no-reply@firm.ru>",
		},
		{
			Name: "to", Label: "Кому заявки", Type: connect.List,
			Help: "Адреса через запятую; каждый получит своё письмо. Для одних лишь уведомлений не нужно.",
		},
		{
			Name: "attach", Label: "Вкладывать файлы, всего до", Type: connect.Size, Default: "10MB",
			Help: "Что не поместилось, уйдёт ссылкой. 0 — всегда ссылкой.",
		},
		{
			Name: "inbox", Label: "Ящик с ответами клиентов", Type: connect.Text, Secret: true,
			Help: "imaps://логин:пароль@host/INBOX. Письма только читаются. Знаки / ? # % @ в пароле пишутся как %2F %3F %23 %25 %40.",
		},
		connect.LinkDays,
		{
			Name: "encryption", Label: "Шифрование для smtp://", Type: connect.Choice, Default: "auto",
			Help: "smtps:// шифрует всегда. Пароль без шифрования не уходит никогда, кроме как на эту же машину.",
			Options: []connect.Option{
				{Value: "auto", Label: "Обязательно (на эту же машину — без него)"},
				{Value: "required", Label: "Обязательно (STARTTLS)"},
				{Value: "offered", Label: "Если сервер предлагает"},
				{Value: "off", Label: "Нет"},
			},
		},
		{
			Name: "auth", Label: "Способ входа", Type: connect.Choice, Default: "auto",
			Options: []connect.Option{
				{Value: "auto", Label: "Какой предложит сервер"},
				{Value: "plain", Label: "PLAIN"}, {Value: "login", Label: "LOGIN"},
			},
		},
		{
			Name: "ca", Label: "Корневой сертификат компании", Type: connect.Text,
			Help: "PEM. Добавляется к известным системе.",
		},
		{Name: "helo", Label: "Как представляться (EHLO)", Type: connect.Text, Help: "По умолчанию — домен отправителя."},
		{Name: "timeout", Label: "Ждать каждого ответа", Type: connect.Duration, Default: "60s"},
	},
	Mapping: map[string]string{"topic": subjectField, "*": bodyField},
	New:     open,
}

// The foreign fields of a letter, for a target's mapping.
const (
	subjectField = "subject"
	bodyField    = "body"
)

// maxAttach bounds what one letter may carry, in bytes of the files themselves.
const maxAttach = 25 << 20

func open(s connect.Settings) (connect.Connector, error) {
	server, err := ParseServer(s.Text("url"))
	if err != nil {
		return nil, err
	}
	if user := s.Text("user"); user != "" {
		server.User = user
	}
	if password := s.Text("password"); password != "" {
		server.Password = password
	}
	c := &connector{
		server: server, attach: s.Size("attach"), encryption: s.Text("encryption"), auth: s.Text("auth"),
		helo: s.Text("helo"), timeout: s.Duration("timeout"), dial: s.Dial, now: s.Now,
		mask: connect.NewMask(server.Password, s.Text("url")),
	}
	if err := c.addresses(s); err != nil {
		return nil, err
	}
	return c, c.check(s)
}

// addresses reads who writes and to whom.
func (c *connector) addresses(s connect.Settings) error {
	from, err := parseAddresses(s.Text("from"))
	if err != nil || len(from) != 1 {
		return fault("from", "address", "нужен один адрес, например: Компания <no-reply@firm.ru>")
	}
	c.from = from[0]
	if c.helo == "" {
		c.helo = domain(c.from)
	}
	c.to, err = parseAddresses(joinAddresses(s.List("to")))
	if err != nil {
		return fault("to", "address", "нужны адреса через запятую, например: sales@firm.ru, Склад <stock@firm.ru>")
	}
	return nil
}

// check looks at what the types of the fields let pass.
func (c *connector) check(s connect.Settings) error {
	switch {
	case c.server.User == "" != (c.server.Password == ""):
		return fault("password", "required", "логин и пароль задаются вместе")
	case c.attach > maxAttach:
		return fault("attach", "size", fmt.Sprintf("не больше %d МБ: большие файлы уходят ссылкой", maxAttach>>20))
	case c.timeout < time.Second:
		return fault("timeout", "duration", "не меньше секунды")
	case strings.ContainsFunc(c.helo, notInHost):
		return fault("helo", "host", "нужно имя машины, например mail.firm.ru")
	}
	if pem := s.Text("ca"); pem != "" {
		roots, err := x509.SystemCertPool()
		if err != nil { // a machine without any: the company's own is enough
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM([]byte(pem)) {
			return fault("ca", "pem", "здесь нет сертификата в виде PEM")
		}
		c.roots = roots
	}
	if text := s.Text("inbox"); text != "" {
		box, err := ParseMailbox(text)
		if err != nil {
			return err
		}
		c.inbox = &Reader{Mailbox: box, Roots: c.roots, Dial: c.dial, Now: c.now}
		c.mask = connect.NewMask(c.server.Password, s.Text("url"), box.Password, text)
	}
	return nil
}

func fault(field, rule, text string) error { return styk.FieldError(styk.Invalid, field, rule, text) }

func notInHost(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`"<>@\/`, r)
}

func domain(a *mail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }

// isLoopback tells whether host is this machine by its very name, so that no
// resolver can lie about it.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
