package notice

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Mailbox is where customers' replies come: the YAML's mail.inbox. Nothing in it
// is changed: letters are read, never flagged, moved or deleted.
type Mailbox struct {
	Server
	Folder string
}

// ParseMailbox reads imaps://user:password@host:993/INBOX; imap:// means STARTTLS,
// but on this very machine. Its error is a *styk.Error about the field "inbox"
// and never repeats any part of text.
func ParseMailbox(text string) (Mailbox, error) {
	const want = "нужен адрес вида imaps://логин:пароль@host/INBOX; знаки / ? # % @ в пароле пишутся как %2F %3F %23 %25 %40"
	bad := func(why string) (Mailbox, error) { return Mailbox{}, fault("inbox", "url", why) }
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" || u.User == nil {
		return bad(want)
	}
	m := Mailbox{Server: Server{Host: u.Hostname(), Port: 143, User: u.User.Username()}, Folder: strings.Trim(u.Path, "/")}
	m.Password, _ = u.User.Password()
	switch u.Scheme {
	case "imap":
	case "imaps":
		m.TLS, m.Port = true, 993
	default:
		return bad(want)
	}
	if m.Folder == "" {
		m.Folder = "INBOX"
	}
	if m.Host == "" || strings.ContainsFunc(m.Host, notInHost) || m.User == "" || m.Password == "" {
		return bad(want)
	}
	if port := u.Port(); port != "" {
		if m.Port, err = strconv.Atoi(port); err != nil || m.Port < 1 || m.Port > 65535 {
			return bad("порт — число от 1 до 65535")
		}
	}
	if strings.ContainsAny(m.User+m.Password+m.Folder, "\x00\r\n") {
		return bad("в логине, пароле и папке не бывает перевода строки")
	}
	return m, nil
}

// String gives the mailbox without user and password, fit to be shown.
func (m Mailbox) String() string {
	scheme := "imap://"
	if m.TLS {
		scheme = "imaps://"
	}
	return scheme + m.address() + "/" + m.Folder
}

// Mark is how far a mailbox was read.
type Mark struct {
	Box      string `json:"box"` // which one: another begins anew
	Validity uint32 `json:"validity"`
	UID      uint32 `json:"uid"` // the last letter that was taken
}

// id names a mailbox without telling whose it is.
func (m Mailbox) id() string {
	sum := sha256.Sum256([]byte(m.String() + "\x00" + m.User))
	return hex.EncodeToString(sum[:8])
}

// Reader reads the new letters of a mailbox.
type Reader struct {
	Mailbox
	Roots *x509.CertPool // nil: the system's
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
	Now   func() time.Time
	// Ask is how long the server is waited for before it is asked again, since a
	// dead connection says nothing; 0: a minute.
	Ask time.Duration
	// Mark gives how far was read; the zero Mark: nothing yet.
	Mark func(ctx context.Context) (Mark, error)
	// Take stores a letter together with the mark behind it. After an error the
	// same letter comes again.
	Take func(ctx context.Context, raw []byte, behind Mark) error
}

const (
	// maxLetter is the largest letter that is read whole, in bytes; of a larger
	// one the beginning is.
	maxLetter = 32 << 20
	// firstDays is how old letters of a mailbox are that was never read before.
	firstDays = 3
	askTime   = time.Minute
	// imapPatience bounds one question to the server.
	imapPatience = 2 * time.Minute
)

var (
	errNoIMAPTLS = errors.New("the server offers no STARTTLS")
	errIMAPLogin = errors.New("the mailbox did not let us in")
)

// Check signs in and opens the mailbox.
func (r *Reader) Check(ctx context.Context) error {
	c, err := r.connect(ctx, nil)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.open(r.Folder)
	return err
}

// Run takes new letters as they come, until ctx ends or something fails: the
// caller begins again, later.
func (r *Reader) Run(ctx context.Context) error {
	news := make(chan struct{}, 1)
	c, err := r.connect(ctx, news)
	if err != nil {
		return err
	}
	defer c.close()
	validity, err := c.open(r.Folder)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		err := r.take(ctx, c, validity)
		if err == nil {
			err = c.wait(ctx, news, cmp.Or(r.Ask, askTime))
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return ctx.Err() // an end from outside breaks the connection too
}

// take brings in what is new, one letter after the other.
func (r *Reader) take(ctx context.Context, c *imapConn, validity uint32) error {
	mark, err := r.Mark(ctx)
	if err != nil {
		return err
	}
	criteria := &imap.SearchCriteria{}
	if mark.Box != r.id() || mark.Validity != validity {
		mark = Mark{Box: r.id(), Validity: validity}
		criteria.Since = r.Now().AddDate(0, 0, -firstDays)
	} else {
		criteria.UID = []imap.UIDSet{{{Start: imap.UID(mark.UID + 1), Stop: 0}}}
	}
	uids, err := c.search(criteria)
	if err != nil {
		return err
	}
	for _, uid := range uids {
		if uint32(uid) <= mark.UID { // "7:*" names the last one also when it is older
			continue
		}
		raw, found, err := c.fetch(uid)
		if err != nil {
			return err
		}
		mark.UID = uint32(uid)
		if !found {
			continue // it was deleted meanwhile
		}
		if err := r.Take(ctx, raw, mark); err != nil {
			return err
		}
	}
	return nil
}

// imapConn is one conversation with a server.
type imapConn struct {
	conn   net.Conn
	client *imapclient.Client
	stop   func() bool
	idle   bool // the server tells of new letters
}

// connect greets, encrypts and signs in; news hears of letters that come.
func (r *Reader) connect(ctx context.Context, news chan<- struct{}) (*imapConn, error) {
	dialCtx, cancel := context.WithTimeout(ctx, imapPatience)
	defer cancel()
	conn, err := r.Dial(dialCtx, "tcp", r.address())
	if err != nil {
		return nil, err
	}
	c := &imapConn{conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	c.hurry()
	if c.client, err = r.greet(dialCtx, conn, news); err != nil {
		c.close()
		return nil, err
	}
	if err := c.client.Login(r.User, r.Password).Wait(); err != nil {
		c.close()
		var refused *imap.Error
		if errors.As(err, &refused) {
			return nil, errIMAPLogin // its words may repeat what was sent
		}
		return nil, fmt.Errorf("log in to the mailbox: %w", err)
	}
	c.idle = c.client.Caps().Has(imap.CapIdle)
	return c, nil
}

func (r *Reader) greet(ctx context.Context, conn net.Conn, news chan<- struct{}) (*imapclient.Client, error) {
	secure := &tls.Config{ServerName: r.Host, RootCAs: r.Roots, MinVersion: tls.VersionTLS12}
	o := &imapclient.Options{TLSConfig: secure, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil && news != nil {
				select {
				case news <- struct{}{}:
				default:
				}
			}
		},
	}}
	switch {
	case r.TLS:
		sealed := tls.Client(conn, secure)
		if err := sealed.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		client := imapclient.New(sealed, o)
		return client, client.WaitGreeting()
	case isLoopback(r.Host):
		client := imapclient.New(conn, o)
		return client, client.WaitGreeting()
	}
	client, err := imapclient.NewStartTLS(conn, o)
	if err != nil {
		var refused *imap.Error
		if errors.As(err, &refused) {
			return nil, errNoIMAPTLS
		}
		return nil, err
	}
	return client, nil
}

// hurry gives the next question its time.
func (c *imapConn) hurry() { _ = c.conn.SetDeadline(time.Now().Add(imapPatience)) }

func (c *imapConn) close() {
	c.stop()
	_ = c.conn.Close()
	if c.client != nil {
		_ = c.client.Close() // waits for its reader
	}
}

func (c *imapConn) open(folder string) (validity uint32, err error) {
	c.hurry()
	box, err := c.client.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return 0, fmt.Errorf("open the mailbox: %w", err)
	}
	return box.UIDValidity, nil
}

func (c *imapConn) search(criteria *imap.SearchCriteria) ([]imap.UID, error) {
	c.hurry()
	found, err := c.client.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return nil, fmt.Errorf("look for letters: %w", err)
	}
	uids := found.AllUIDs()
	slices.Sort(uids)
	return uids, nil
}

func (c *imapConn) fetch(uid imap.UID) (raw []byte, found bool, err error) {
	c.hurry()
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: maxLetter}}
	command := c.client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
	for letter := command.Next(); letter != nil; letter = command.Next() {
		for item := letter.Next(); item != nil; item = letter.Next() {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || body.Literal == nil || found {
				continue
			}
			if raw, err = io.ReadAll(io.LimitReader(body.Literal, maxLetter)); err != nil {
				return nil, false, fmt.Errorf("fetch a letter: %w", err)
			}
			found = true
		}
	}
	if err := command.Close(); err != nil {
		return nil, false, fmt.Errorf("fetch a letter: %w", err)
	}
	return raw, found, nil
}

// wait returns when something may be new.
func (c *imapConn) wait(ctx context.Context, news <-chan struct{}, most time.Duration) error {
	c.hurry()
	if !c.idle {
		if err := pause(ctx, news, most); err != nil {
			return err
		}
		return c.client.Noop().Wait()
	}
	idle, err := c.client.Idle()
	if err != nil {
		return err
	}
	_ = c.conn.SetDeadline(time.Now().Add(most + imapPatience))
	if err := pause(ctx, news, most); err != nil {
		return err
	}
	if err := idle.Close(); err != nil {
		return err
	}
	return idle.Wait()
}

func pause(ctx context.Context, news <-chan struct{}, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
