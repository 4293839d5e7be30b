package wallet

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"styk"
)

// Signer is the certificate of one pass type with its key: it signs passes and
// opens the way to Apple's push service. Many goroutines may use one; it is
// never changed.
type Signer struct {
	PassType string // "pass.com.shop.card"
	Team     string // Apple's id of the developer, 10 characters

	leaf, issuer *x509.Certificate
	root         *x509.Certificate // nil where the files did not hold it
	key          *rsa.PrivateKey
}

// developmentOrg is who issues certificates of DevelopmentSigner.
const developmentOrg = "styk development"

// Development tells whether the certificate is one of ours, which no real
// Wallet accepts.
func (s *Signer) Development() bool {
	return slices.Contains(s.leaf.Issuer.Organization, developmentOrg)
}

// Expires is the end of the certificate, or of the one that issued it when
// that comes first.
func (s *Signer) Expires() time.Time {
	if s.issuer.NotAfter.Before(s.leaf.NotAfter) {
		return s.issuer.NotAfter
	}
	return s.leaf.NotAfter
}

// DaysLeft gives the whole days until the end; negative after it.
func (s *Signer) DaysLeft(now time.Time) int {
	left := s.Expires().Sub(now)
	if left < 0 {
		return -1 - int(-left/(24*time.Hour))
	}
	return int(left / (24 * time.Hour))
}

// ExpiryStages are the days before the end at which the owner is warned.
var ExpiryStages = []int{60, 30, 7, 0}

// ExpiryStage gives the warning that is due: 60, 30, 7, or 0 when the
// certificate has ended; -1 while there is nothing to say. A caller remembers
// the last stage it spoke of.
func (s *Signer) ExpiryStage(now time.Time) int {
	stage := -1
	for _, days := range ExpiryStages {
		if !now.Before(s.Expires().Add(-time.Duration(days) * 24 * time.Hour)) {
			stage = days
		}
	}
	return stage
}

// Check tells in plain words why the certificate cannot be used now: not yet
// valid, or expired (styk.Invalid). nil: it can.
func (s *Signer) Check(now time.Time) error {
	const day = "02.01.2006"
	switch {
	case now.Before(s.leaf.NotBefore):
		return refused("certificate", "early", "Сертификат ещё не действует: он начинается %s. Проверьте часы сервера.", s.leaf.NotBefore.Format(day))
	case now.After(s.leaf.NotAfter):
		return refused("certificate", "expired", "Срок сертификата истёк %s. Выпустите новый Pass Type ID Certificate для %s и загрузите его; установленные карты останутся в телефонах.", s.leaf.NotAfter.Format(day), s.PassType)
	case now.After(s.issuer.NotAfter):
		return refused("intermediate", "expired", "Срок промежуточного сертификата WWDR истёк %s. Скачайте действующий на www.apple.com/certificateauthority.", s.issuer.NotAfter.Format(day))
	}
	return nil
}

// CheckFor tells in plain words that the certificate is one of another pass
// type or team than expected; an empty expectation fits any.
func (s *Signer) CheckFor(passType, team string) error {
	if passType != "" && passType != s.PassType {
		return refused("certificate", "pass_type", "Сертификат выпущен для %s, а шаблон использует %s.", s.PassType, passType)
	}
	if team != "" && team != s.Team {
		return refused("certificate", "team", "Сертификат принадлежит команде %s, а в настройках указана %s.", s.Team, team)
	}
	return nil
}

// TLS gives the client certificate for Apple's push service.
func (s *Signer) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{s.leaf.Raw, s.issuer.Raw}, PrivateKey: s.key, Leaf: s.leaf}
}

// Chain gives the certificate, the one that issued it and, where it is known,
// the root.
func (s *Signer) Chain() []*x509.Certificate {
	chain := []*x509.Certificate{s.leaf, s.issuer}
	if s.root != nil {
		chain = append(chain, s.root)
	}
	return chain
}

// Pack gives everything as PEM, the key too, in the form that ReadSigner reads
// without a password. The caller seals it.
func (s *Signer) Pack() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		return nil, fmt.Errorf("pack a certificate: %w", err)
	}
	var b bytes.Buffer
	for _, c := range s.Chain() {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a buffer takes all
	}
	_ = pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return b.Bytes(), nil
}

// LogValue implements slog.LogValuer: never the key.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(s.PassType) }

// sign gives the signature file over a manifest.
func (s *Signer) sign(manifest []byte, at time.Time) ([]byte, error) {
	return cmsSign(manifest, []*x509.Certificate{s.leaf, s.issuer}, s.key, at)
}

func refused(field, rule, format string, args ...any) error {
	return styk.FieldError(styk.Invalid, field, rule, fmt.Sprintf(format, args...))
}
