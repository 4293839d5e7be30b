package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// certificates are what HTTPS is served with: files of the owner's, or ones
// that are got by ACME.
type certificates struct {
	certFiles, keyFiles []string
	seen                atomic.Int64 // newest change of the files, Unix ns
	loaded              atomic.Pointer[[]tls.Certificate]
	acme                *tls.Config
}

// newTLS readies HTTPS; nil when it was not asked for.
func newTLS(c *serveCommand, h *house) (*certificates, error) {
	switch {
	case len(c.TLSCert) > 0:
		t := &certificates{certFiles: c.TLSCert, keyFiles: c.TLSKey}
		return t, t.reload()
	case len(c.TLSDomain) > 0:
		return acmeTLS(c, h)
	}
	return nil, nil //nolint:nilnil // plain HTTP is no mistake
}

// acmeTLS lets an authority sign certificates; they lie in DATA/acme.
func acmeTLS(c *serveCommand, h *house) (*certificates, error) {
	storage := &certmagic.FileStorage{Path: filepath.Join(h.Data, "acme")}
	var magic *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return magic, nil },
		Logger:           zap.NewNop(),
	})
	magic = certmagic.New(cache, certmagic.Config{Storage: storage, Logger: zap.NewNop(), OnEvent: func(_ context.Context, event string, data map[string]any) error {
		switch event {
		case "cert_failed":
			h.log.Error("certificate", "op", event, "err", data["error"])
		case "cert_obtained":
			h.log.Info("certificate", "op", event)
		}
		return nil
	}})
	authority := c.TLSCA
	if authority == "" {
		authority = certmagic.LetsEncryptProductionCA
	}
	magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA: authority, Email: c.TLSEmail, Agreed: true, DisableHTTPChallenge: true, Logger: zap.NewNop(),
	})}
	if err := magic.ManageAsync(context.Background(), c.TLSDomain); err != nil {
		return nil, fmt.Errorf("--tls-domain: %w", err)
	}
	config := magic.TLSConfig()
	config.NextProtos = append([]string{"h2", "http/1.1"}, config.NextProtos...)
	return &certificates{acme: config}, nil
}

// reload reads the files again when one of them has changed. A pair that cannot
// be used leaves the present one in place and is an error.
func (t *certificates) reload() error {
	if t.acme != nil {
		return nil
	}
	newest, err := newestChange(append(append([]string{}, t.certFiles...), t.keyFiles...))
	if err != nil {
		return wrongSetting("", "--tls-cert, --tls-key: %v", err)
	}
	if newest == t.seen.Load() {
		return nil
	}
	var all []tls.Certificate
	for i := range t.certFiles {
		cert, err := tls.LoadX509KeyPair(t.certFiles[i], t.keyFiles[i])
		if err != nil {
			return wrongSetting("the certificate and its key must be PEM and belong together", "--tls-cert %s: %v", t.certFiles[i], err)
		}
		all = append(all, cert)
	}
	t.loaded.Store(&all)
	t.seen.Store(newest)
	return nil
}

func newestChange(files []string) (newest int64, err error) {
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return 0, err
		}
		newest = max(newest, info.ModTime().UnixNano())
	}
	return newest, nil
}

// config is for one listener; it always serves what was loaded last.
func (t *certificates) config() *tls.Config {
	if t.acme != nil {
		return t.acme
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			all := *t.loaded.Load()
			for i := range all {
				if hello.SupportsCertificate(&all[i]) == nil {
					return &all[i], nil
				}
			}
			return &all[0], nil
		},
	}
}

// expiry is when the first of the certificates ends.
func expiry(files []string) (first time.Time, err error) {
	for _, name := range files {
		cert, err := leafOf(name)
		if err != nil {
			return first, err
		}
		if first.IsZero() || cert.NotAfter.Before(first) {
			first = cert.NotAfter
		}
	}
	return first, nil
}

func leafOf(file string) (*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New(file + " holds no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// onHangup calls do at every SIGHUP until ctx ends; systems without that signal
// never call it.
func onHangup(ctx context.Context, do func()) {
	if hangup == nil {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, hangup)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			do()
		}
	}
}
