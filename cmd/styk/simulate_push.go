package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"styk/wallet"
)

// servePushes plays Apple's push service; ready, which may be nil, is called
// once it can be called, with what its callers must trust.
func servePushes(sim *wallet.APNsSim, ready func(*x509.CertPool)) func(context.Context, net.Listener) error {
	return func(ctx context.Context, l net.Listener) error { return sim.Serve(ctx, l, ready) }
}

// serveTrusted serves, and writes the certificate that callers must trust.
func (c *simCommand) serveTrusted(sim *wallet.APNsSim) func(context.Context, net.Listener) error {
	if c.Trust == "" {
		return servePushes(sim, nil)
	}
	return func(ctx context.Context, l net.Listener) error {
		all, ctx := errgroup.WithContext(ctx)
		ready := make(chan struct{})
		all.Go(func() error { return sim.Serve(ctx, l, func(*x509.CertPool) { close(ready) }) })
		all.Go(func() error {
			select {
			case <-ctx.Done():
				return nil
			case <-ready:
				return writeTrust(ctx, l.Addr().String(), c.Trust)
			}
		})
		return all.Wait()
	}
}

// writeTrust asks a simulator of this machine for its certificate.
func writeTrust(ctx context.Context, address, file string) error {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it is what we want to know
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("--trust: %w", err)
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return errors.New("--trust: no TLS")
	}
	chain := secure.ConnectionState().PeerCertificates
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[len(chain)-1].Raw})
	return os.WriteFile(file, text, 0o600)
}

// readTrust reads what --push-trust names.
func readTrust(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, wrongSetting("", "--push-trust: %v", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, wrongSetting("styk sim apns --trust FILE writes one", "--push-trust: %s holds no certificate in PEM", file)
	}
	return roots, nil
}

// demoPhones plays Apple's push service; the sample phones are invented, so any
// token is one. known is closed when the cards know where it is.
func demoPhones(h *house, known chan<- struct{}) func(context.Context, net.Listener) error {
	return func(ctx context.Context, l net.Listener) error {
		once := sync.OnceFunc(func() { close(known) })
		defer once()
		return servePushes(wallet.NewAPNsSim(wallet.SimAnyDevice()), func(roots *x509.CertPool) {
			h.cards.PushService, h.cards.PushTrust = "https://"+l.Addr().String(), roots
			once()
		})(ctx, l)
	}
}
