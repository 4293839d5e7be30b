package wallet

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"styk"
)

var (
	oidPassType    = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 1, 16} // extension with the pass type
	oidPassSigning = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 4, 14}    // purpose: signing passes
	oidUserID      = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
)

// fileLimit bounds one certificate file, in bytes: the largest real ones have
// a few kilobytes.
const fileLimit = 256 << 10

// found is what the files hold, sorted by nature.
type found struct {
	certs []*x509.Certificate
	keys  []*rsa.PrivateKey
}

// ReadSigner reads a Pass Type ID certificate with its key and the Apple
// intermediate (WWDR) that issued it, from one or several files: .p12 with its
// password, PEM, or a bare .cer. Their order and extra certificates do not
// matter. What is wrong comes as *styk.Error in plain Russian words; whether
// the certificate is within its time says Check.
func ReadSigner(password string, files ...[]byte) (*Signer, error) {
	var f found
	for _, data := range files {
		if err := f.read(data, password); err != nil {
			return nil, err
		}
	}
	leaf, err := f.leaf()
	if err != nil {
		return nil, err
	}
	s := &Signer{leaf: leaf}
	if s.PassType, s.Team, err = passIdentity(leaf); err != nil {
		return nil, err
	}
	if s.key, err = f.keyOf(leaf); err != nil {
		return nil, err
	}
	if s.issuer, err = f.issuerOf(leaf); err != nil {
		return nil, err
	}
	for _, c := range f.certs {
		if c.CheckSignatureFrom(c) == nil && s.issuer.CheckSignatureFrom(c) == nil {
			s.root = c
		}
	}
	return s, nil
}

// read takes in one file of any of the three forms.
func (f *found) read(data []byte, password string) error {
	switch {
	case len(data) == 0:
		return refused("certificate", "empty", "Файл сертификата пуст.")
	case len(data) > fileLimit:
		return refused("certificate", "size", "Файл слишком велик для сертификата: %d КБ.", len(data)>>10)
	case bytes.Contains(data, []byte("-----BEGIN ")):
		return f.readPEM(data)
	}
	if c, err := x509.ParseCertificate(data); err == nil {
		f.certs = append(f.certs, c)
		return nil
	}
	return f.readP12(data, password)
}

func (f *found) readPEM(data []byte) error {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil
		}
		switch {
		case block.Type == "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return refused("certificate", "form", "Сертификат в файле повреждён.")
			}
			f.certs = append(f.certs, c)
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return refused("key", "encrypted", "Ключ в файле PEM защищён паролем. Загрузите .p12 с паролем или снимите пароль: openssl pkey -in key.pem -out open.pem")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key, err := parseKey(block.Bytes)
			if err != nil {
				return err
			}
			f.keys = append(f.keys, key)
		case strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
			return refused("certificate", "request", "Это запрос на сертификат (CSR). Отправьте его в Apple Developer и загрузите то, что вернётся.")
		}
	}
}

func parseKey(der []byte) (*rsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		key, err = x509.ParsePKCS1PrivateKey(der)
	}
	if err != nil {
		return nil, refused("key", "form", "Закрытый ключ в файле повреждён или неизвестного вида.")
	}
	return rsaKey(key)
}

func rsaKey(key any) (*rsa.PrivateKey, error) {
	if k, ok := key.(*rsa.PrivateKey); ok {
		return k, nil
	}
	return nil, refused("key", "rsa", "Ключ не RSA: сертификаты Pass Type ID бывают только с ключом RSA.")
}

func (f *found) readP12(data []byte, password string) error {
	if costly(data, 0) {
		return refused("certificate", "form", "Файл .p12 требует слишком долгого расчёта пароля.")
	}
	key, cert, more, err := decodeP12(data, password)
	var known *styk.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		if password == "" {
			return refused("password", "password", "Файл .p12 защищён паролем: введите пароль, заданный при выгрузке.")
		}
		return refused("password", "password", "Пароль от файла .p12 не подходит.")
	case err != nil:
		return refused("certificate", "form", "Это не сертификат: нужен файл .p12, .pem или .cer. Из «Связки ключей» выгружайте сертификат вместе с ключом одним файлом .p12.")
	}
	k, err := rsaKey(key)
	if err != nil {
		return err
	}
	f.keys = append(f.keys, k)
	f.certs = append(append(f.certs, cert), more...)
	return nil
}

// decodeP12 reads a .p12. The decoder is written for files of one's own, so
// its panic on a stranger's bytes counts as an error.
func decodeP12(data []byte, password string) (key any, cert *x509.Certificate, more []*x509.Certificate, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read a .p12: %v", r)
		}
	}()
	return pkcs12.DecodeChain(data, password)
}

// costly tells whether a DER tree, octet strings opened, holds a number that
// as a count of rounds would keep the processor busy for minutes. Serial
// numbers are longer than such a count.
func costly(data []byte, depth int) bool {
	const rounds = 1_000_000
	for len(data) > 0 && depth < 20 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(data, &v)
		if err != nil {
			return false
		}
		data = rest
		if v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger && len(v.Bytes) <= 8 {
			var n int64
			if _, err := asn1.Unmarshal(v.FullBytes, &n); err == nil && n > rounds {
				return true
			}
		}
		if (v.IsCompound || v.Tag == asn1.TagOctetString) && costly(v.Bytes, depth+1) {
			return true
		}
	}
	return false
}

// leaf finds the Pass Type ID certificate among the certificates.
func (f *found) leaf() (*x509.Certificate, error) {
	var leaves []*x509.Certificate
	for _, c := range f.certs {
		if _, _, err := passIdentity(c); err == nil && !slices.ContainsFunc(leaves, c.Equal) {
			leaves = append(leaves, c)
		}
	}
	switch {
	case len(leaves) == 1:
		return leaves[0], nil
	case len(leaves) > 1:
		return nil, refused("certificate", "several", "В файлах несколько сертификатов Pass Type ID. Загрузите один.")
	case len(f.certs) == 0:
		return nil, refused("certificate", "absent", "В файле нет сертификата, только ключ.")
	}
	for _, c := range f.certs { // say what it is instead, an end certificate before its issuers
		if !c.IsCA {
			_, _, err := passIdentity(c)
			return nil, err
		}
	}
	return nil, refused("certificate", "absent", "Загружен только сертификат удостоверяющего центра («%s»). Нужен ещё Pass Type ID Certificate с ключом.", nameOf(f.certs[0]))
}

// passIdentity gives the pass type and the team of a Pass Type ID certificate,
// or says in words that it is none (spec/passteam.md 3.4).
func passIdentity(c *x509.Certificate) (passType, team string, err error) {
	for _, name := range c.Subject.Names {
		if name.Type.Equal(oidUserID) {
			passType, _ = name.Value.(string)
		}
	}
	signing := slices.ContainsFunc(c.UnknownExtKeyUsage, oidPassSigning.Equal)
	var extension string
	for _, e := range c.Extensions {
		if e.Id.Equal(oidPassType) {
			extension = plainText(e.Value)
		}
	}
	if !signing || extension == "" || passType == "" || extension != passType {
		return "", "", refused("certificate", "kind", "Это не сертификат Pass Type ID, а «%s». В Apple Developer выберите Certificates → Pass Type ID Certificate.", nameOf(c))
	}
	if len(c.Subject.OrganizationalUnit) == 0 {
		return "", "", refused("certificate", "team", "В сертификате нет команды (OU): он выпущен не Apple.")
	}
	return passType, c.Subject.OrganizationalUnit[0], nil
}

// plainText reads a string of any of ASN.1's kinds.
func plainText(der []byte) string {
	var text string
	if _, err := asn1.Unmarshal(der, &text); err != nil {
		return ""
	}
	return text
}

func nameOf(c *x509.Certificate) string {
	name := c.Subject.CommonName
	if name == "" {
		name = c.Subject.String()
	}
	return clean(name, false)
}

func (f *found) keyOf(leaf *x509.Certificate) (*rsa.PrivateKey, error) {
	if len(f.keys) == 0 {
		return nil, refused("key", "absent", "В файле только сертификат, без закрытого ключа. Выгрузите из «Связки ключей» .p12 (сертификат вместе с ключом) или добавьте файл ключа.")
	}
	for _, key := range f.keys {
		if key.PublicKey.Equal(leaf.PublicKey) {
			return key, nil
		}
	}
	return nil, refused("key", "mismatch", "Ключ не от этого сертификата: нужен тот, которым создавался запрос (CSR) для %s.", nameOf(leaf))
}

// issuerOf finds who issued the leaf: the wrong WWDR is the most frequent
// mistake there is (spec/passteam.md 3.4).
func (f *found) issuerOf(leaf *x509.Certificate) (*x509.Certificate, error) {
	var other *x509.Certificate
	for _, c := range f.certs {
		if c.Equal(leaf) {
			continue
		}
		if leaf.CheckSignatureFrom(c) == nil {
			return c, nil
		}
		if c.IsCA && (other == nil || other.CheckSignatureFrom(other) == nil) { // a root says less than an intermediate
			other = c
		}
	}
	wanted := strings.Join(append(slices.Clone(leaf.Issuer.OrganizationalUnit), leaf.Issuer.CommonName), ", ")
	if other == nil {
		return nil, refused("intermediate", "absent", "Нет промежуточного сертификата Apple (WWDR), которым выпущен ваш: «%s». Скачайте его на www.apple.com/certificateauthority и загрузите вместе с сертификатом.", clean(wanted, false))
	}
	return nil, refused("intermediate", "mismatch", "Промежуточный сертификат не тот: ваш выпущен «%s», а загружен «%s». Скачайте нужный WWDR на www.apple.com/certificateauthority.", clean(wanted, false),
		clean(strings.Join(append(slices.Clone(other.Subject.OrganizationalUnit), other.Subject.CommonName), ", "), false))
}
