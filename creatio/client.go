package creatio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"styk/connect"
)

// Config says where a Creatio or BPMSoft site is and who signs in.
type Config struct {
	URL            string // base address, with an application path if there is one; a trailing /0 is dropped
	Prefix         string // PrefixAuto, PrefixNone or PrefixFramework
	User, Password string

	// IdentityURL set: OAuth client credentials instead of user and password.
	IdentityURL, ClientID, ClientSecret string

	SessionIdle time.Duration // the CRM's UserSessionTimeout; 0 = 60 minutes
	ChunkSize   int64         // bytes per upload request; 0 = 1 MiB
	Now         func() time.Time
}

// What Config.Prefix may be.
const (
	PrefixAuto      = ""     // found by trying, remembered
	PrefixNone      = "none" // Creatio .NET, BPMSoft on .NET
	PrefixFramework = "0"    // Creatio .NET Framework, BPMSoft on Framework
)

// OAuth tells whether tokens are used instead of a session.
func (c Config) OAuth() bool { return c.IdentityURL != "" }

const (
	callTimeout = 100 * time.Second // a cold application pool needs more than 30 s: spec/creatio.md 2.10
	answerLimit = 64 << 20          // bytes; $metadata of a grown system has tens of millions
)

// Client speaks to one site. It holds the session, which all goroutines
// share; the way out is lent per use by Via.
type Client struct {
	cfg            Config
	base, identity string

	signing chan struct{} // held by the one who signs in
	probing chan struct{} // held by the one who looks for the prefix

	mu          sync.Mutex
	session     *session
	generations uint64
	rejected    int       // logins refused in a row
	used        time.Time // last use of the session
	prefix      *string   // nil: not known yet
	noFileAPI   bool      // the site answered 404 to FileApiService
	ownIDsOff   bool      // the site refused identifiers that we chose
}

// NewClient checks the configuration; it calls nobody.
func NewClient(cfg Config) (*Client, error) {
	base, err := siteURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	identity := ""
	if cfg.OAuth() {
		if identity, err = siteURL(cfg.IdentityURL); err != nil {
			return nil, fmt.Errorf("identity_url: %w", err)
		}
	}
	if cfg.SessionIdle == 0 {
		cfg.SessionIdle = time.Hour
	}
	if cfg.ChunkSize == 0 {
		cfg.ChunkSize = 1 << 20
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Client{
		cfg: cfg, base: base, identity: identity,
		signing: make(chan struct{}, 1), probing: make(chan struct{}, 1),
	}
	switch cfg.Prefix {
	case PrefixAuto:
	case PrefixNone:
		c.prefix = new(string)
	case PrefixFramework:
		p := "/0"
		c.prefix = &p
	default:
		return nil, fmt.Errorf("prefix %q: want none or 0", cfg.Prefix)
	}
	return c, nil
}

// siteURL tidies a base address. People copy it from the browser, with the /0
// of a .NET Framework site; the login lives above that.
func siteURL(text string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return "", errors.New("not an address") // the parser's error would quote a password in it
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return "", errors.New("want http://host or https://host, without user and password in it")
	}
	path := strings.TrimRight(u.Path, "/")
	path = strings.TrimRight(strings.TrimSuffix(path, "/0"), "/")
	return u.Scheme + "://" + u.Host + path, nil
}

// Conn is the client with a way out: one attempt's recorded HTTP client.
type Conn struct {
	c   *Client
	out *http.Client
}

// Via lends the client a way out. Redirects are never followed and cookies
// never kept by it: both are the session's business.
func (c *Client) Via(out *http.Client) *Conn {
	own := *out
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Conn{c: c, out: &own}
}

// Forgive lets a login be tried again after two rejections: a person asked.
func (c *Client) Forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rejected = 0
}

// body gives a request's bytes from the start each time it is opened, since a
// request may be repeated after a new login.
type body struct {
	open func() (io.ReadCloser, error)
	size int64
}

func bytesBody(b []byte) *body {
	return &body{size: int64(len(b)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

// send makes one request and reads the answer whole. Its error means that
// nobody answered; it names no query, which holds visitors' phones and e-mails.
func (c *Client) send(ctx context.Context, out *http.Client, method, address string, h http.Header, b *body) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return answer{}, err
	}
	r.Header = h
	if b != nil {
		if r.Body, err = b.open(); err != nil {
			return answer{}, err
		}
		r.ContentLength = b.size
		r.GetBody = b.open
		if b.size == 0 {
			_ = r.Body.Close()
			r.Body = http.NoBody
		}
	}
	resp, err := out.Do(r)
	if err != nil {
		var told *url.Error
		if errors.As(err, &told) {
			err = told.Err
		}
		return answer{}, fmt.Errorf("%s %s: %w", method, r.URL.Path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	return answer{resp.StatusCode, resp.Header, data}, nil
}

// request is one call below the prefix.
type request struct {
	op     string // what we are doing, for errors
	method string
	path   string // "/odata/Contact"
	query  string
	header http.Header
	body   *body
}

var errSessionLost = errors.New("the session ends as soon as it is made")

// call makes a request with the shared session; a dead session is renewed and
// the request repeated once. That is safe for writes too: what is refused at
// the gate never reached the records (spec/creatio.md 1.6).
func (n *Conn) call(ctx context.Context, r request) (answer, error) {
	prefix, err := n.prefix(ctx)
	if err != nil {
		return answer{}, err
	}
	return n.callAt(ctx, prefix, r)
}

func (n *Conn) callAt(ctx context.Context, prefix string, r request) (answer, error) {
	s, fresh, err := n.c.current(ctx, n.out)
	for err == nil {
		var a answer
		if a, err = n.attempt(ctx, s, prefix, r); err != nil {
			break
		}
		switch a.classify() {
		case judged:
			return a, nil
		case strayed:
			return answer{}, connect.Stop(fmt.Errorf("%s: %w", r.op, strayedError(a)))
		case forbidden:
			if fresh {
				return a, connect.Permanent(fmt.Errorf("%s: %w", r.op, statusError(a)))
			}
		case expired:
			if fresh {
				return answer{}, fmt.Errorf("%s: %w", r.op, errSessionLost)
			}
		}
		s, err = n.c.renew(ctx, n.out, s.generation)
		fresh = true
	}
	return answer{}, fmt.Errorf("%s: %w", r.op, err)
}

// strayedError names an answer that is not the CRM's.
func strayedError(a answer) error {
	if a.status >= 300 {
		return &connect.StatusError{Status: a.status, Location: a.header.Get("Location")}
	}
	return fmt.Errorf("%w: HTTP %d: %s", connect.ErrAnswer, a.status, connect.FirstWords(a.body))
}

// attempt sends the request once under the session s.
func (n *Conn) attempt(ctx context.Context, s *session, prefix string, r request) (answer, error) {
	h := r.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if h.Get("Accept") == "" {
		h.Set("Accept", "application/json")
	}
	s.sign(h)
	address := n.c.base + prefix + r.path
	if r.query != "" {
		address += "?" + r.query
	}
	a, err := n.c.send(ctx, n.out, r.method, address, h, r.body)
	if err != nil {
		return a, err
	}
	n.c.keep(s, a)
	return a, nil
}

// keep remembers the use and the cookies of an answer, unless a newer session
// has come meanwhile: its cookies must not mix with older ones.
func (c *Client) keep(s *session, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil && c.session.generation == s.generation {
		now := c.cfg.Now()
		c.session, c.used = c.session.with(a.header, now), now
	}
}

// prefix gives "" or "/0", looking once (spec/creatio.md 1.7).
func (n *Conn) prefix(ctx context.Context) (string, error) {
	known := func() *string {
		n.c.mu.Lock()
		defer n.c.mu.Unlock()
		return n.c.prefix
	}
	if p := known(); p != nil {
		return *p, nil
	}
	select {
	case n.c.probing <- struct{}{}:
		defer func() { <-n.c.probing }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if p := known(); p != nil {
		return *p, nil
	}
	found, err := n.probe(ctx)
	if err != nil {
		return "", err
	}
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	n.c.prefix = &found
	return found, nil
}

// forgetPrefix makes the next call look again: sites move from .NET Framework
// to .NET.
func (c *Client) forgetPrefix() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg.Prefix == PrefixAuto {
		c.prefix = nil
	}
}

func (n *Conn) probe(ctx context.Context) (string, error) {
	var last answer
	var odd error // what the first address said, when it was no plain 404
	for _, prefix := range []string{"", "/0"} {
		a, err := n.callAt(ctx, prefix, request{
			op: "find the API", method: http.MethodGet, path: odataPath + "CaseStatus",
			query: Query{Select: []string{"Id"}, Top: 1}.encode(),
		})
		switch {
		case a.status == http.StatusForbidden: // no right to this entity, but it is there
			return prefix, nil
		case prefix == "" && (errors.Is(err, errSessionLost) || connect.IsStop(err) && n.c.alive()):
			odd = err // a Framework site may send strangers to its front page
			continue
		case err != nil:
			return "", err
		case a.status == http.StatusOK:
			return prefix, nil
		case a.status != http.StatusNotFound:
			return "", n.c.refused("find the API", a)
		}
		if last.status == 0 || routing(a.body) {
			last = a
		}
	}
	if odd != nil {
		return "", odd
	}
	if routing(last.body) {
		return "", fmt.Errorf("find the API: the CRM is rebuilding its data model: %s", reason(last.body))
	}
	return "", because(errors.New("find the API: no OData, with /0 or without"),
		"По этому адресу нет OData, ни с /0, ни без. Проверьте адрес CRM и включён ли OData.")
}

// alive tells whether somebody is signed in: then a Stop was about an address.
func (c *Client) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session != nil && c.rejected == 0
}
