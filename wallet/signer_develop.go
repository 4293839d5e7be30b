package wallet

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// DevelopmentSigner makes a chain like Apple's out of nothing: root,
// intermediate and the certificate of a pass type, valid for a year from now.
// Everything but a real iPhone accepts what it signs. It takes some tenths of a
// second for the key.
func DevelopmentSigner(passType, team string, now time.Time) (*Signer, error) {
	start := now.Add(-time.Hour) // another machine's clock may be late
	authority := func(name string, until time.Time) *x509.Certificate {
		return &x509.Certificate{
			Subject: pkix.Name{
				Organization: []string{developmentOrg}, OrganizationalUnit: []string{"G4"}, CommonName: name,
			},
			NotBefore: start, NotAfter: until, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a development certificate: %w", err)
	}
	issuerKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a development certificate: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a development certificate: %w", err)
	}
	root := authority("styk Root for development", now.AddDate(10, 0, 0))
	if root, err = issue(root, root, rootKey.Public(), rootKey); err != nil {
		return nil, err
	}
	issuer := authority("styk WWDR for development", now.AddDate(5, 0, 0))
	if issuer, err = issue(issuer, root, issuerKey.Public(), rootKey); err != nil {
		return nil, err
	}
	leaf, err := passCertificate(passType, team)
	if err != nil {
		return nil, err
	}
	leaf.NotBefore, leaf.NotAfter = start, now.AddDate(1, 0, 0)
	if leaf, err = issue(leaf, issuer, key.Public(), issuerKey); err != nil {
		return nil, err
	}
	return &Signer{PassType: passType, Team: team, leaf: leaf, issuer: issuer, root: root, key: key}, nil
}

// passCertificate describes a Pass Type ID certificate (spec/passteam.md 3.4).
func passCertificate(passType, team string) (*x509.Certificate, error) {
	text, err := asn1.MarshalWithParams(passType, "utf8")
	if err != nil {
		return nil, fmt.Errorf("make a development certificate: %w", err)
	}
	return &x509.Certificate{
		Subject: pkix.Name{
			CommonName: "Pass Type ID: " + passType, OrganizationalUnit: []string{team}, Organization: []string{developmentOrg},
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidUserID, Value: passType}},
		},
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, UnknownExtKeyUsage: []asn1.ObjectIdentifier{oidPassSigning},
		ExtraExtensions: []pkix.Extension{{Id: oidPassType, Value: text}},
	}, nil
}

// issue signs a certificate with its issuer's key.
func issue(c, issuer *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make a development certificate: %w", err)
	}
	c.SerialNumber = serial.Add(serial, big.NewInt(1))
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, public, key)
	if err != nil {
		return nil, fmt.Errorf("make a development certificate: %w", err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a development certificate: %w", err)
	}
	return made, nil
}
