package wallet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// simHeaders are those of spec/passteam.md 3.6 and what every HTTP client sends.
var simHeaders = []string{
	"Accept-Encoding", "Apns-Expiration", "Apns-Id", "Apns-Priority", "Apns-Push-Type", "Apns-Topic",
	"Content-Length", "Content-Type", "User-Agent",
}

// allow holds a call against the rules; status 0: it keeps them all. A dead
// token is no offence: only the service can know.
func (s *APNsSim) allow(r *http.Request, push SimPush, body []byte) simAnswer {
	if r.ProtoMajor != 2 || r.TLS == nil {
		return s.offend(http.StatusHTTPVersionNotSupported, "HTTP2Required", "a call over %s, TLS %v", r.Proto, r.TLS != nil)
	}
	if a := s.allowCertificate(r.TLS.PeerCertificates, push.Topic); a.status != 0 {
		return a
	}
	for name := range r.Header {
		if !slices.Contains(simHeaders, name) {
			return s.offend(http.StatusBadRequest, "BadMessageId", "header %s: not in the spec", name)
		}
	}
	kind, priority := r.Header.Get("Apns-Push-Type"), r.Header.Get("Apns-Priority")
	switch {
	case r.Method != http.MethodPost:
		return s.offend(http.StatusMethodNotAllowed, "MethodNotAllowed", "%s: not in the spec", r.Method)
	case !strings.HasPrefix(r.URL.Path, "/3/device/") || r.URL.RawQuery != "":
		return s.offend(http.StatusNotFound, "BadPath", "path outside /3/device/")
	case push.Token == "":
		return s.offend(http.StatusBadRequest, "MissingDeviceToken", "no token")
	case kind != "" && kind != "background":
		return s.offend(http.StatusBadRequest, "InvalidPushType", "push type %s", kind)
	case priority != "" && priority != "5" && priority != "1" && priority != "10",
		kind == "background" && priority == "10":
		return s.offend(http.StatusBadRequest, "BadPriority", "priority %s of type %q", priority, kind)
	case len(body) == 0:
		return s.offend(http.StatusBadRequest, "PayloadEmpty", "no payload")
	case len(body) > 4096:
		return s.offend(http.StatusRequestEntityTooLarge, "PayloadTooLarge", "payload of %d bytes", len(body))
	case strings.TrimSpace(string(body)) != "{}":
		return s.offend(http.StatusBadRequest, "BadPayload", "a pass's payload is {}, this is not")
	}
	if _, err := hex.DecodeString(push.Token); err != nil || len(push.Token) < 64 || len(push.Token) > 200 {
		return simAnswer{status: http.StatusBadRequest, reason: "BadDeviceToken"}
	}
	return simAnswer{}
}

// allowCertificate wants a Pass Type ID certificate of the topic. It reads the
// certificate with code of its own, not that of the client.
func (s *APNsSim) allowCertificate(chain []*x509.Certificate, topic string) simAnswer {
	if len(chain) == 0 {
		return s.offend(http.StatusForbidden, "MissingProviderToken", "no client certificate")
	}
	leaf, now := chain[0], s.now()
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return s.offend(http.StatusForbidden, "BadCertificate", "the certificate is out of its time")
	}
	var user string
	for _, name := range leaf.Subject.Names {
		if name.Type.String() == "0.9.2342.19200300.100.1.1" {
			user, _ = name.Value.(string)
		}
	}
	if user == "" || !strings.HasPrefix(user, "pass.") {
		return s.offend(http.StatusForbidden, "BadCertificate", "the certificate is of no pass type")
	}
	if s.trust != nil {
		between := x509.NewCertPool()
		for _, c := range chain[1:] {
			between.AddCert(c)
		}
		options := x509.VerifyOptions{Roots: s.trust, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		bare := *leaf
		bare.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(leaf.UnhandledCriticalExtensions), func(id asn1.ObjectIdentifier) bool {
			return strings.HasPrefix(id.String(), "1.2.840.113635.")
		})
		if _, err := bare.Verify(options); err != nil {
			return s.offend(http.StatusForbidden, "BadCertificate", "the certificate is of another authority")
		}
	}
	switch topic {
	case user:
		return simAnswer{}
	case "":
		return s.offend(http.StatusBadRequest, "MissingTopic", "no topic")
	}
	return s.offend(http.StatusBadRequest, "TopicDisallowed", "topic %s with a certificate of %s", topic, user)
}

// simCertificate makes a server certificate for the address and names.
func simCertificate(at net.Addr, names []string, now time.Time) (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make the simulator's certificate: %w", err)
	}
	describe := x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "simulated push service"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), DNSNames: append([]string{"localhost"}, names...),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if tcp, ok := at.(*net.TCPAddr); ok {
		describe.IPAddresses = append(describe.IPAddresses, tcp.IP)
	}
	der, err := x509.CreateCertificate(rand.Reader, &describe, &describe, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make the simulator's certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make the simulator's certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, roots, nil
}
