package notice

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Serve answers on l until ctx ends, and closes l. One port speaks all that a
// mail server and a simulator speak, told apart by who speaks first: TLS at once
// (smtps), HTTP for /_sim, or SMTP for a caller who waits for the greeting.
func (s *Sim) Serve(ctx context.Context, l net.Listener) error {
	h := newSimHouse(s)
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var rooms sync.WaitGroup
	for _, serve := range []func() error{
		func() error { return h.open.Serve(h.openDoor) },
		func() error { return h.sealed.Serve(h.sealedDoor) },
		func() error { return h.web.Serve(h.webDoor) },
	} {
		rooms.Go(func() { _ = serve() }) // they end when the house is left
	}
	var callers sync.WaitGroup
	for {
		conn, err := l.Accept()
		if err != nil {
			callers.Wait()
			h.leave()
			rooms.Wait()
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		callers.Go(func() { h.lead(ctx, conn) })
	}
}

// simHouse is one running simulator.
type simHouse struct {
	sim                           *Sim
	open, sealed                  *smtp.Server // with STARTTLS; without, or within TLS already
	web                           *http.Server
	openDoor, sealedDoor, webDoor *door
	ended                         chan struct{}

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newSimHouse(s *Sim) *simHouse {
	h := &simHouse{
		sim: s, openDoor: newDoor(), sealedDoor: newDoor(), webDoor: newDoor(), ended: make(chan struct{}),
		conns: map[net.Conn]bool{},
		web:   &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)},
	}
	backend := smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		h.wait()
		if err := s.refuse("hello"); err != nil {
			return nil, err
		}
		return &simSession{sim: s, house: h, conn: c}, nil
	})
	server := func() *smtp.Server {
		sv := smtp.NewServer(backend)
		sv.Domain, sv.MaxMessageBytes, sv.MaxLineLength = "sim.example", s.maxSize, 2000
		sv.AllowInsecureAuth, sv.EnableSMTPUTF8 = true, true
		sv.ReadTimeout, sv.WriteTimeout = time.Minute, time.Minute
		sv.ErrorLog = log.New(io.Discard, "", 0)
		return sv
	}
	h.open, h.sealed = server(), server()
	h.open.TLSConfig = s.tlsConfig()
	return h
}

func (s *Sim) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if s.use("bad-cert") != nil {
				return &s.bad, nil
			}
			return &s.good, nil
		},
	}
}

// lead brings a caller to the right door.
func (h *simHouse) lead(ctx context.Context, conn net.Conn) {
	h.mu.Lock()
	h.conns[conn] = true
	h.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	r := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(h.sim.patience))
	first, err := r.Peek(1)
	_ = conn.SetReadDeadline(time.Time{})
	known := &spokenConn{conn, r, h}
	var slow net.Error
	switch {
	case errors.As(err, &slow) && slow.Timeout():
		if h.sim.use("no-starttls") != nil {
			h.sealedDoor.let(known)
			return
		}
		h.openDoor.let(known)
	case err != nil:
		_ = known.Close()
	case first[0] == 0x16: // a TLS handshake
		h.sealedDoor.let(tls.Server(known, h.sim.tlsConfig()))
	default:
		h.webDoor.let(known)
	}
}

// leave ends every conversation and waits for it.
func (h *simHouse) leave() {
	close(h.ended)
	h.mu.Lock()
	for c := range h.conns {
		_ = c.Close()
	}
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = h.open.Shutdown(ctx)
	_ = h.sealed.Shutdown(ctx)
	_ = h.web.Shutdown(ctx)
	for _, d := range []*door{h.openDoor, h.sealedDoor, h.webDoor} {
		_ = d.Close() // a server that had not begun to listen does not close it
	}
}

// wait is the fault "slow".
func (h *simHouse) wait() {
	f := h.sim.use("slow")
	if f == nil {
		return
	}
	d, err := time.ParseDuration(f.Value)
	if err != nil {
		d = 2 * time.Second
	}
	select {
	case <-time.After(d):
	case <-h.ended:
	}
}

// spokenConn is a connection whose first bytes were looked at.
type spokenConn struct {
	net.Conn
	r     *bufio.Reader
	house *simHouse
}

// Close implements net.Conn.
func (c *spokenConn) Close() error {
	c.house.mu.Lock()
	defer c.house.mu.Unlock()
	delete(c.house.conns, c.Conn)
	return c.Conn.Close()
}

// Read implements net.Conn.
func (c *spokenConn) Read(b []byte) (int, error) { return c.r.Read(b) }

// door is a listener that is handed its connections.
type door struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newDoor() *door { return &door{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (d *door) let(c net.Conn) {
	select {
	case d.conns <- c:
	case <-d.closed:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *door) Close() error { d.once.Do(func() { close(d.closed) }); return nil }

// Addr implements net.Listener.
func (d *door) Addr() net.Addr { return &net.TCPAddr{} }

// simCertificate makes a certificate that signs itself.
func simCertificate(host string, until time.Time) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("notice.NewSim: " + err.Error())
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host},
		NotBefore: until.AddDate(-11, 0, 0), NotAfter: until, DNSNames: []string{host},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if host == "localhost" {
		about.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		panic("notice.NewSim: " + err.Error())
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
