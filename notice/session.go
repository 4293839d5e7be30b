package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"styk/connect"
)

// stage says how far a conversation came; it decides what a failure means.
type stage string

const (
	stageConnect  stage = "connect"
	stageGreeting stage = "greeting"
	stageTLS      stage = "starttls"
	stageAuth     stage = "auth"
	stageFrom     stage = "mail from"
	stageTo       stage = "rcpt to"
	stageData     stage = "data"
	stageEnd      stage = "end of data" // all was sent: the server may have taken it
)

// endPatience is how long a server may think over a whole letter (its scanners
// do): giving up early would send it twice.
const endPatience = 5 * time.Minute

// session is one conversation with the mail server.
type session struct {
	c      *connector
	ctx    context.Context //nolint:containedctx // a session lives for one call
	wire   *wire
	smtp   *smtp.Client
	stop   func() bool
	at     stage
	talk   transcript
	timing connect.Timing
	start  time.Time
}

// dialSession connects, encrypts and signs in. The session must be closed, also
// when there is an error.
func (c *connector) dialSession(ctx context.Context) (*session, error) {
	s := &session{c: c, ctx: ctx, at: stageConnect, start: time.Now()}
	dialCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.dial(dialCtx, "tcp", c.server.address())
	if err != nil {
		return s, s.fail(err)
	}
	s.timing.Connect = time.Since(s.start)
	s.wire = &wire{Conn: conn, patience: c.timeout}
	s.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err := s.greet(); err != nil {
		return s, s.fail(err)
	}
	if err := s.encrypt(); err != nil {
		return s, s.fail(err)
	}
	s.at = stageAuth
	return s, s.fail(s.signIn())
}

// greet hears the greeting and says EHLO.
func (s *session) greet() error {
	s.at = stageGreeting
	var conn net.Conn = s.wire
	if s.c.server.TLS {
		began := time.Now()
		secure := tls.Client(s.wire, s.c.tlsConfig())
		if err := secure.HandshakeContext(s.ctx); err != nil {
			return err
		}
		s.timing.TLS, conn = time.Since(began), secure
	}
	client, err := smtp.NewClient(conn, s.c.server.Host)
	if err != nil {
		return err
	}
	client.SetLogger(&s.talk)
	client.SetDebugLog(true)
	s.smtp = client
	return client.Hello(s.c.helo)
}

func (c *connector) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.server.Host, RootCAs: c.roots, MinVersion: tls.VersionTLS12}
}

// encrypt begins STARTTLS where the settings ask for it.
func (s *session) encrypt() error {
	s.at = stageTLS
	want := s.c.encryption
	if want == "auto" {
		want = "required"
		if isLoopback(s.c.server.Host) {
			want = "off"
		}
	}
	if s.c.server.TLS || want == "off" {
		return nil
	}
	offered, _ := s.smtp.Extension("STARTTLS")
	if !offered && want == "required" {
		return errNoStartTLS
	}
	if !offered {
		return nil
	}
	began := time.Now()
	err := s.smtp.StartTLS(s.c.tlsConfig())
	s.timing.TLS = time.Since(began)
	return err
}

var (
	errNoStartTLS = errors.New("the server offers no STARTTLS")
	errNoUTF8     = errors.New("the server offers no SMTPUTF8")
	errNoAuth     = errors.New("the server offers no way to sign in that we know")
)

// signIn uses PLAIN, else LOGIN. Both refuse to send a password in the clear to
// another machine.
func (s *session) signIn() error {
	server := s.c.server
	if server.User == "" {
		return nil
	}
	_, offered := s.smtp.Extension("AUTH")
	known := strings.Fields(strings.ToUpper(offered))
	for _, way := range []string{"PLAIN", "LOGIN"} {
		if s.c.auth != "auto" && !strings.EqualFold(s.c.auth, way) || !slices.Contains(known, way) {
			continue
		}
		if way == "PLAIN" {
			return s.smtp.Auth(smtp.PlainAuth("", server.User, server.Password, server.Host, false))
		}
		return s.smtp.Auth(smtp.LoginAuth(server.User, server.Password, server.Host, false))
	}
	return errNoAuth
}

// sizeLimit is the largest letter the server takes, in bytes; 0: it does not say.
func (s *session) sizeLimit() int64 {
	_, text := s.smtp.Extension("SIZE")
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// send hands one letter over. No error means that the server answers for it now.
func (s *session) send(from, to string, raw []byte) error {
	// Announced where it is not needed, SMTPUTF8 makes the next server refuse.
	plain := isASCII(from) && isASCII(to)
	s.smtp.SkipSMTPUTF8(plain)
	s.at = stageFrom
	if takes, _ := s.smtp.Extension("SMTPUTF8"); !takes && !plain {
		return connect.Permanent(s.fail(errNoUTF8))
	}
	if err := s.smtp.Mail("<" + from + ">"); err != nil {
		return s.fail(err)
	}
	s.at = stageTo
	if err := s.smtp.Rcpt("<" + to + ">"); err != nil {
		return s.fail(err)
	}
	s.at = stageData
	w, err := s.smtp.Data()
	if err != nil {
		return s.fail(err)
	}
	if _, err := w.Write(raw); err != nil {
		return s.fail(err) // no final dot was sent: the server drops what it has
	}
	s.at = stageEnd
	s.wire.setPatience(max(s.c.timeout, endPatience))
	began := time.Now()
	err = w.Close()
	s.timing.Wait = time.Since(began)
	if d, ok := w.(*smtp.DataCloser); ok && err == nil {
		s.talk.add("S: 250 " + d.ServerResponse())
	}
	return s.fail(err)
}

// close says goodbye where that is still polite, and ends the connection.
func (s *session) close(polite bool) {
	if s.wire == nil {
		return
	}
	if polite && s.smtp != nil && s.ctx.Err() == nil {
		s.wire.setPatience(min(s.c.timeout, 2*time.Second))
		_ = s.smtp.Quit() // the letter is theirs already
	}
	s.stop()
	_ = s.wire.Close()
	s.timing.Total = time.Since(s.start)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}
