package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"styk"
	"styk/journal"
	"styk/store"
	"styk/web"
)

// serving are the flags that serve and demo have in common.
type serving struct {
	folder
	Listen       string        `default:"127.0.0.1:8383" placeholder:"ADDRESS" help:"Address to listen on."`
	PublicURL    string        `placeholder:"URL" help:"Base of links given to people (from --listen)."`
	TrustedProxy []string      `default:"127.0.0.1/32,::1/128" placeholder:"CIDR" help:"Only from these are X-Forwarded-For and -Proto believed."`
	MetricsFrom  []string      `default:"127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7" placeholder:"CIDR" help:"Only these may read /metrics."`
	SessionIdle  time.Duration `default:"15m" help:"Life of an unused session of the web service."`
	KeepRequests time.Duration `default:"720h" placeholder:"TIME" help:"How long exact requests and answers of deliveries are kept."`
	MaskPersonal bool          `help:"Hide who the customer is in kept requests and answers."`
	PushService  string        `placeholder:"URL" help:"Where phones are called: another service than Apple's, such as styk sim apns."`
	PushTrust    string        `placeholder:"FILE" help:"Certificate in PEM that is believed there."`
	LogLevel     slog.Level    `default:"INFO" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat    string        `default:"text" enum:"text,json" help:"text or json."`
}

type serveCommand struct {
	serving
	Config     string   `placeholder:"FILE" help:"YAML as for styk apply, applied at every start."`
	TLSCert    []string `name:"tls-cert" placeholder:"FILE" help:"Certificate chain in PEM; several (RSA and EC) with commas."`
	TLSKey     []string `name:"tls-key" placeholder:"FILE" help:"Its private key; as many as certificates."`
	TLSDomain  []string `name:"tls-domain" placeholder:"DOMAIN" help:"Get certificates for these domains by ACME; needs --listen :443."`
	TLSEmail   string   `name:"tls-email" placeholder:"MAIL" help:"Address the ACME authority may write to."`
	TLSCA      string   `name:"tls-ca" placeholder:"URL" help:"Another ACME authority than Let's Encrypt."`
	BackupDir  string   `placeholder:"DIR" help:"Write a backup here every day, and try to restore it."`
	BackupAt   string   `default:"03:30" placeholder:"HH:MM" help:"When, in --timezone."`
	BackupKeep int      `default:"7" placeholder:"N" help:"How many to keep."`
}

// Help implements kong.HelpProvider.
func (*serveCommand) Help() string {
	return "SIGTERM ends it within 10 s, a second SIGTERM at once; nothing accepted is lost either way. SIGHUP reads the " +
		"certificates again. Examples:\n\n" +
		"  styk serve --data /var/lib/styk --config styk.yaml --backup-dir /var/backups/styk\n" +
		"  styk serve --listen :443 --tls-domain crm.firm.ru --tls-email admin@firm.ru"
}

func (c *serveCommand) run(ctx context.Context, sh *shell) error {
	if err := c.settle("./data"); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	at, err := parseClock(c.BackupAt)
	if err != nil {
		return err
	}
	s, err := c.open(ctx, sh, "serve")
	if err != nil {
		return err
	}
	defer s.close()
	if c.Config != "" {
		if err := s.applyConfig(ctx, c.Config); err != nil {
			return err
		}
	}
	if !loopback(c.Listen) {
		if err := s.refuseDemoKeys(ctx); err != nil {
			return err
		}
	}
	if s.tls, err = newTLS(c, s.h); err != nil {
		return err
	}
	if c.BackupDir != "" {
		s.backups = true
		s.chores = append(s.chores, s.scheduledBackups(c.BackupDir, at, c.BackupKeep))
	}
	return s.serve(ctx, sh)
}

func (c *serveCommand) check() error {
	switch {
	case len(c.TLSCert) != len(c.TLSKey):
		return wrongSetting("each certificate has its key: --tls-cert a.pem,b.pem --tls-key a.key,b.key",
			"--tls-cert and --tls-key: %d certificates and %d keys", len(c.TLSCert), len(c.TLSKey))
	case len(c.TLSCert) > 0 && len(c.TLSDomain) > 0:
		return wrongSetting("take one of the two", "--tls-cert and --tls-domain exclude each other")
	case c.BackupKeep < 1:
		return wrongSetting("", "--backup-keep: at least 1")
	}
	return nil
}

// check looks at the flags both commands have.
func (s *serving) check() error {
	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		return wrongSetting("an address is written 127.0.0.1:8383, or :8383 for all", "--listen: %q is no address", s.Listen)
	}
	if u, err := url.Parse(s.PublicURL); s.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return wrongSetting("such as https://crm.firm.ru", "--public-url: %q is no address", s.PublicURL)
	}
	for flag, list := range map[string][]string{"--trusted-proxy": s.TrustedProxy, "--metrics-from": s.MetricsFrom} {
		if _, err := prefixes(list); err != nil {
			return wrongSetting("networks are written 10.0.0.0/8, single addresses 10.1.2.3/32", "%s: %v", flag, err)
		}
	}
	if u, err := url.Parse(s.PushService); s.PushService != "" && (err != nil || u.Host == "" || u.Scheme != "https") {
		return wrongSetting("such as https://127.0.0.1:9005", "--push-service: %q is no address", s.PushService)
	}
	if s.KeepRequests < time.Hour {
		return wrongSetting("30 days are 720h", "--keep-requests: %v is less than 1h", s.KeepRequests)
	}
	if s.SessionIdle < time.Minute || s.SessionIdle > 24*time.Hour {
		return wrongSetting("the first document asks for 15m", "--session-idle: %v is not between 1m and 24h", s.SessionIdle)
	}
	return nil
}

// server is a running styk.
type server struct {
	*serving
	h       *house
	metrics *metrics
	journal *journal.Journal
	tls     *certificates // nil: plain HTTP
	chores  []chore
	backups bool // they are scheduled
	demo    bool
	sandbox *web.Sandbox // of the demo
	notes   []string     // printed at start
	started time.Time
	ready   chan struct{}
	address net.Addr // set when ready is closed
}

// open readies the folder for serving.
func (s *serving) open(ctx context.Context, sh *shell, purpose string) (*server, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	boundMemory()
	log := newLog(sh.err, s.LogFormat, s.LogLevel)
	h, err := openHouse(ctx, &s.folder, purpose, log)
	if errors.Is(err, errHeld) {
		return nil, fmt.Errorf("%w; every other command may be used beside it", err)
	}
	if err != nil {
		return nil, err
	}
	if s.PushService != "" {
		h.cards.PushService = strings.TrimSuffix(s.PushService, "/")
	}
	if s.PushTrust != "" {
		if h.cards.PushTrust, err = readTrust(s.PushTrust); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return &server{serving: s, h: h, metrics: newMetrics(h), started: h.now(), ready: make(chan struct{})}, nil
}

func (s *server) close() {
	if err := s.h.close(); err != nil {
		s.h.log.Error("closing the data folder", "err", err)
	}
}

// applyConfig applies a YAML file at start.
func (s *server) applyConfig(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return wrongSetting("", "--config: %v", err)
	}
	if line := lineWith(text, demoKey); line > 0 && !loopback(s.Listen) {
		return demoKeyError(s.Listen, fmt.Sprintf("%s:%d: the access key", file, line))
	}
	if line := lineWith(text, demoToken); line > 0 && !loopback(s.Listen) {
		return demoTokenError(s.Listen, fmt.Sprintf("%s:%d: the token", file, line))
	}
	p := &problems{file: file, pictures: picturesBeside(filepath.Dir(file), text)}
	changes, err := applyWith(ctx, s.h, p, text, false)
	if err != nil {
		return err
	}
	s.notes = append(s.notes, fmt.Sprintf("%s: %d changes", file, countChanges(changes)))
	return nil
}

// countChanges leaves out the lines that show keys: what a server prints ends
// in a log. Such a user gets a key by styk user key.
func countChanges(lines []string) (n int) {
	for _, line := range lines {
		if !strings.HasPrefix(line, " ") {
			n++
		}
	}
	return n
}

// lineWith gives the number of the first line that holds a word; 0 for none.
func lineWith(text []byte, word string) int {
	at := bytes.Index(text, []byte(word))
	if at < 0 {
		return 0
	}
	return 1 + bytes.Count(text[:at], []byte("\n"))
}

func demoKeyError(listen, what string) error {
	return wrongSetting("styk user key NAME gives a user another one; leave the published one out of the YAML file",
		"%s is that of the demo, which is published: --listen %s would let everybody in", what, listen)
}

func demoTokenError(listen, what string) error {
	return wrongSetting("styk token add NAME gives another one; styk token remove NAME takes the published one away",
		"%s is that of the demo, which is published: --listen %s would let everybody in", what, listen)
}

// refuseDemoKeys keeps what the whole world has read from being a way in.
func (s *server) refuseDemoKeys(ctx context.Context) error {
	return s.h.db.View(ctx, func(tx *store.Tx) error {
		users, err := tx.Users()
		if err != nil {
			return err
		}
		for _, u := range users {
			full, err := tx.User(u.ID)
			if err != nil {
				return err
			}
			if full.AccessKey == demoKey && !full.Disabled {
				return demoKeyError(s.Listen, "the access key of user "+u.Name)
			}
		}
		t, _, err := tx.CardToken(demoToken)
		if styk.CodeOf(err) == styk.NotFound {
			return nil
		}
		if err == nil {
			err = demoTokenError(s.Listen, "the text of token "+t.Name)
		}
		return err
	})
}

// loopback says whether an address can be reached from this machine alone.
func loopback(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// maxConnections bounds what strangers can make us hold open.
const maxConnections = 4096

// serve listens until ctx ends, then drains.
func (s *server) serve(ctx context.Context, sh *shell) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	s.address = listener.Addr()
	if err := s.invite(ctx); err != nil {
		listener.Close()
		return err
	}
	s.h.maskPersonal = s.MaskPersonal
	s.h.courier = s.h.newCourier(s.base())
	s.h.intake.Wake, s.h.intake.Rest = s.h.courier.Wake, s.h.courier.Rest
	s.h.cards.PublicURL, s.h.cards.Wake = s.base(), s.h.courier.Wake
	desk, err := openDesk(s.h)
	if err != nil {
		listener.Close()
		return err
	}
	s.h.serving = &served{serving: s.serving, demo: s.demo, encrypted: s.tls != nil, base: s.base()}
	if s.tls != nil {
		s.h.serving.certFiles = s.tls.certFiles
	}
	faces := s.httpServer(ctx)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return desk.run(ctx) })
	all.Go(func() error {
		onHangup(ctx, s.reloadTLS)
		return nil
	})
	all.Go(func() error { return s.runChores(ctx) })
	all.Go(func() error { return s.h.courier.Run(ctx) })
	all.Go(func() error { return s.callPhones(ctx) })
	all.Go(func() error { return s.h.readReplies(ctx) })
	all.Go(func() error { return s.keepCalls(ctx) })
	all.Go(func() error {
		err := s.accept(faces, netutil.LimitListener(listener, maxConnections))
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	all.Go(func() error {
		<-ctx.Done()
		return s.drain(faces)
	})
	s.greet(sh)
	close(s.ready)
	return all.Wait()
}

// reloadTLS reads the certificates again; what cannot be used changes nothing.
func (s *server) reloadTLS() {
	if s.tls == nil {
		return
	}
	if err := s.tls.reload(); err != nil {
		s.h.log.Error("certificate", "op", "reload", "err", err)
	}
}

func (s *server) accept(web *http.Server, listener net.Listener) error {
	if s.tls == nil {
		return web.Serve(listener)
	}
	web.TLSConfig = s.tls.config()
	return web.ServeTLS(listener, "", "")
}

// httpServer bounds how long a slow or silent sender is waited for; bodies have
// a bound of their own, see patient.
func (s *server) httpServer(ctx context.Context) *http.Server {
	return &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      15 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:          slog.NewLogLogger(s.h.log.Handler(), slog.LevelDebug),
	}
}

// drainTime leaves what follows (closing the store) within the 10 s promised.
const drainTime = 8 * time.Second

// courierGrace is what parcels under way have to finish; the courier ends with
// the HTTP server, side by side.
const courierGrace = 6 * time.Second

// drain answers what has begun and takes nothing new.
func (s *server) drain(web *http.Server) error {
	s.metrics.draining.Store(true)
	s.h.log.Info("ending: answering what has begun")
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := web.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.h.log.Warn("ending: some connections were cut")
		return web.Close()
	}
	return err
}

// greet says where to find what.
func (s *server) greet(sh *shell) {
	fmt.Fprintf(sh.out, "styk %s on %s\n%s\nkey %s (%s)\n", version, s.base(), s.h.describe(), fingerprint(s.h.key), s.h.keyPath())
	for _, line := range s.notes {
		fmt.Fprintln(sh.out, line)
	}
}

// base is the address that people are given.
func (s *server) base() string {
	if s.PublicURL != "" {
		return strings.TrimSuffix(s.PublicURL, "/")
	}
	scheme := "http://"
	if s.tls != nil {
		scheme = "https://"
	}
	return scheme + s.address.String()
}
