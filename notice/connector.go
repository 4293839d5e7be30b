package notice

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"styk/connect"
)

type connector struct {
	server     Server
	from       *mail.Address
	to         []*mail.Address
	attach     int64 // bytes of files in one letter
	encryption string
	auth       string
	helo       string
	roots      *x509.CertPool // nil: the system's
	timeout    time.Duration
	dial       func(ctx context.Context, network, address string) (net.Conn, error)
	now        func() time.Time
	mask       *connect.Mask
	inbox      *Reader // nil: nobody reads replies
}

// Check connects, encrypts, signs in, and sends nothing. It opens the mailbox of
// replies too.
func (c *connector) Check(ctx context.Context) error {
	s, err := c.dialSession(ctx)
	defer func() { s.close(err == nil) }()
	if err == nil && c.inbox != nil {
		if inbox := c.inbox.Check(ctx); inbox != nil {
			return c.mask.Error(connect.Because(fmt.Errorf("inbox: %w", inbox),
				"Письма уходят, но ящик с ответами клиентов не открывается."))
		}
	}
	return c.mask.Error(err)
}

// Deliver sends one letter to each addressee, each a step of its own: nobody
// sees the others, and one bad address does not hold back the rest.
//
// Nobody can look into a mailbox, so an unknown outcome (the whole letter was
// sent and no answer came) is sent again, under the same Message-ID: a second
// copy of a number does less harm than none. Mailboxes know the repetition.
func (c *connector) Deliver(ctx context.Context, p *connect.Parcel) error {
	to, err := c.addressees(p)
	if err != nil {
		return err
	}
	var refused error
	for _, a := range to {
		step := stepFor(a)
		_, err := p.Step(ctx, step, connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
			id := p.UUID(step) + "@" + domain(c.from)
			if p.Notice != nil && p.Notice.MessageID != "" {
				id = p.Notice.MessageID + "@" + domain(c.from)
			}
			return connect.Done{ID: "<" + id + ">"}, c.post(ctx, p, a, id)
		})
		switch {
		case err == nil:
		case connect.IsPermanent(err) && !connect.IsStop(err):
			refused = err // the others may still get theirs
		default:
			return c.mask.Error(err)
		}
	}
	return c.mask.Error(refused)
}

// stepFor names the step by the address, so that it stays the same when the
// list of addressees changes between two attempts.
func stepFor(a *mail.Address) string {
	sum := sha256.Sum256([]byte(strings.ToLower(a.Address)))
	return "mail." + hex.EncodeToString(sum[:4])
}

// addressees tells who gets the letter, each once.
func (c *connector) addressees(p *connect.Parcel) ([]*mail.Address, error) {
	var to []*mail.Address
	switch {
	case p.Ticket != nil:
		to = c.to
	case p.Notice != nil:
		for _, text := range p.Notice.To {
			a, err := parseAddress(text)
			if err != nil {
				p.Warn("Адрес пропущен: на него нельзя отправить письмо.")
				continue
			}
			to = append(to, a)
		}
	default:
		return nil, connect.Permanentf("a mailbox takes tickets and notices, not a %s", p.SubjectName())
	}
	seen := map[string]bool{}
	to = slices.DeleteFunc(slices.Clone(to), func(a *mail.Address) bool {
		double := seen[stepFor(a)]
		seen[stepFor(a)] = true
		return double
	})
	if len(to) == 0 {
		return nil, connect.Permanent(connect.Because(fmt.Errorf("%s: no addressee", p.SubjectName()),
			"Некому отправить письмо: адреса нет, или он записан неверно."))
	}
	return to, nil
}

// post sends p's letter to one addressee.
func (c *connector) post(ctx context.Context, p *connect.Parcel, to *mail.Address, id string) error {
	if p.DryRun {
		l, err := c.letter(ctx, p, to, id, c.attach)
		if err != nil {
			return err
		}
		raw, err := l.compose()
		if err != nil {
			return connect.Permanent(err)
		}
		c.record(p, l, &session{c: c, start: time.Now()}, connect.StepName(ctx), int64(len(raw)), connect.ErrDryRun)
		return connect.ErrDryRun
	}
	s, err := c.dialSession(ctx)
	if err != nil {
		s.close(false)
		c.record(p, nil, s, connect.StepName(ctx), 0, err)
		return err
	}
	l, raw, err := c.fit(ctx, p, to, id, s.sizeLimit())
	if err == nil {
		err = s.send(c.from.Address, to.Address, raw)
	}
	s.close(s.at != stageData && s.at != stageEnd || err == nil)
	c.record(p, l, s, connect.StepName(ctx), int64(len(raw)), err)
	return err
}

// fit composes a letter that the server will take: when it says that it takes
// less than we have, the files become links.
func (c *connector) fit(ctx context.Context, p *connect.Parcel, to *mail.Address, id string, limit int64) (*letter, []byte, error) {
	for _, attach := range []int64{c.attach, -1} {
		l, err := c.letter(ctx, p, to, id, attach)
		if err != nil {
			return nil, nil, err
		}
		raw, err := l.compose()
		if err != nil {
			return l, nil, connect.Permanent(err)
		}
		if limit == 0 || int64(len(raw)) <= limit {
			return l, raw, nil
		}
		if len(l.files) == 0 {
			break
		}
	}
	return nil, nil, connect.Permanent(connect.Because(fmt.Errorf("the server takes letters up to %d bytes", limit),
		"Письмо слишком велико для сервера, даже без файлов."))
}

// letter writes p's letter; attach is how many bytes of files it may carry, -1: none.
func (c *connector) letter(ctx context.Context, p *connect.Parcel, to *mail.Address, id string, attach int64) (*letter, error) {
	l := &letter{id: id, from: c.from, to: to, date: c.now()}
	if p.Ticket != nil {
		return l, l.fillTicket(ctx, p, attach)
	}
	n := p.Notice
	l.personal, l.references = n.Personal, c.named(n.References)
	l.subject, l.text, l.html = shorten(flatten(n.Subject), 200), n.Text, n.HTML
	if n.ReplyTo != "" {
		reply, err := parseAddress(n.ReplyTo)
		if err != nil || !isASCII(reply.Address) {
			p.Warn("Адрес для ответа пропущен: он записан неверно или не латиницей.")
			reply = nil
		}
		l.replyTo = reply
	}
	return l, nil
}

// named completes the Message-IDs of our own letters, and leaves out what cannot
// stand in a header.
func (c *connector) named(list []string) (ids []string) {
	for _, id := range list {
		if !strings.Contains(id, "@") {
			id += "@" + domain(c.from)
		}
		if len(id) < 250 && isASCII(id) && !strings.ContainsAny(id, " \t\r\n<>\x00") {
			ids = append(ids, id)
		}
	}
	return ids
}

// secretLink finds the part of a link that opens something.
var secretLink = regexp.MustCompile(`(https?://[^\s<>"]*?[/=-])[A-Za-z0-9_-]{16,}`)

// record keeps the conversation and the letter, without files and without the
// secrets of its links.
func (c *connector) record(p *connect.Parcel, l *letter, s *session, step string, size int64, err error) {
	x := connect.Exchange{
		Step: step, Method: "SMTP", URL: c.server.String(), DryRun: errors.Is(err, connect.ErrDryRun),
		RequestSize: size, AnswerBody: []byte(c.mask.Text(s.talk.text())), Start: s.start, Timing: s.timing,
	}
	x.AnswerSize = int64(len(x.AnswerBody))
	if l != nil {
		x.RequestHeader = http.Header{
			"Message-Id": {"<" + l.id + ">"}, "From": {readable(l.from)}, "To": {readable(l.to)}, "Subject": {l.subject},
		}
		var b strings.Builder
		b.WriteString(secretLink.ReplaceAllString(l.text, "$1•••"))
		for _, f := range l.files {
			fmt.Fprintf(&b, "\n[%s, %s, %d bytes, sha256 %x]", f.name, f.kind, len(f.content), sha256.Sum256(f.content))
		}
		x.RequestBody = []byte(c.mask.Text(shorten(b.String(), 16<<10)))
	}
	switch {
	case err == nil:
		x.Status = 250
	case !x.DryRun:
		x.Err, x.Status = c.mask.Text(err.Error()), statusOf(err)
	}
	p.Record(x)
}

func readable(a *mail.Address) string {
	if a.Name == "" {
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}
