package wallet

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// The signature of a pass: CMS SignedData, detached, SHA-256, one signer, the
// certificate and the one that issued it inside (spec/passteam.md 3.4).

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}

	algSHA256 = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, Parameters: asn1.NullRawValue}
	algRSA    = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue}
)

type cmsContent struct {
	Type    asn1.ObjectIdentifier
	Content cmsSignedData `asn1:"explicit,tag:0"`
}

type cmsSignedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Content      struct{ Type asn1.ObjectIdentifier }
	Certificates asn1.RawValue
	Signers      []cmsSigner `asn1:"set"`
}

type cmsSigner struct {
	Version   int
	ID        cmsIssuer
	Digest    pkix.AlgorithmIdentifier
	Attrs     asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
}

type cmsIssuer struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type cmsAttribute struct {
	Type   asn1.ObjectIdentifier
	Values []any `asn1:"set"`
}

// cmsSign signs content with key at the given time. certs[0] is the signer's.
// The same arguments give the same bytes: the padding of PKCS #1 v1.5 draws no
// random numbers.
func cmsSign(content []byte, certs []*x509.Certificate, key *rsa.PrivateKey, at time.Time) ([]byte, error) {
	attrs, err := cmsAttributes(content, at)
	if err != nil {
		return nil, err
	}
	// What is signed has the tag of a SET, what is sent the tag [0].
	hash := sha256.New()
	hash.Write(derOf(0x31, attrs))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hash.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("sign a pass: %w", err)
	}
	var raw []byte
	for _, c := range certs {
		raw = append(raw, c.Raw...)
	}
	signed := cmsSignedData{
		Version: 1, Digests: []pkix.AlgorithmIdentifier{algSHA256},
		Certificates: asn1.RawValue{FullBytes: derOf(0xa0, raw)},
		Signers: []cmsSigner{{
			Version: 1, ID: cmsIssuer{asn1.RawValue{FullBytes: certs[0].RawIssuer}, certs[0].SerialNumber},
			Digest: algSHA256, Attrs: asn1.RawValue{FullBytes: derOf(0xa0, attrs)},
			Algorithm: algRSA, Signature: signature,
		}},
	}
	signed.Content.Type = oidData
	der, err := asn1.Marshal(cmsContent{oidSignedData, signed})
	if err != nil {
		return nil, fmt.Errorf("sign a pass: %w", err)
	}
	return der, nil
}

// cmsAttributes gives the signed attributes in the order of DER, which is by
// their bytes: a strict reader refuses another. Each is longer than the one
// before it, so that the lengths decide.
func cmsAttributes(content []byte, at time.Time) ([]byte, error) {
	sum := sha256.Sum256(content)
	var all []byte
	for _, a := range []cmsAttribute{
		{oidContentType, []any{oidData}},
		{oidSigningTime, []any{at.UTC().Truncate(time.Second)}},
		{oidMessageDigest, []any{sum[:]}},
	} {
		der, err := asn1.Marshal(a)
		if err != nil {
			return nil, fmt.Errorf("sign a pass: %w", err)
		}
		all = append(all, der...)
	}
	return all, nil
}

// derOf puts a tag and the length before bytes.
func derOf(tag byte, body []byte) []byte {
	n := len(body)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	case n < 0x10000:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
	return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}
