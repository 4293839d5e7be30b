package wallet

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"software.sslmate.com/src/go-pkcs12"

	"styk"
)

var otherSigner = sync.OnceValue(func() *Signer {
	s, err := DevelopmentSigner("pass.test.other", "OTHERTEAM1", today)
	if err != nil {
		panic(err)
	}
	return s
})

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func keyPEM(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf("PRIVATE KEY", der)
}

func p12(t testing.TB, enc *pkcs12.Encoder, s *Signer, password string, more ...*x509.Certificate) []byte {
	t.Helper()
	data, err := enc.Encode(s.key, s.leaf, more, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadSigner(t *testing.T) {
	t.Parallel()
	s := testSigner()
	leaf, wwdr, root := pemOf("CERTIFICATE", s.leaf.Raw), pemOf("CERTIFICATE", s.issuer.Raw), s.root.Raw
	pkcs1 := pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(s.key))
	packed, err := s.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][][]byte{
		"one .p12":                   {p12(t, pkcs12.Modern, s, "пароль", s.issuer)},
		".p12 of 2015 and a .cer":    {p12(t, pkcs12.LegacyRC2, s, "пароль"), s.issuer.Raw},
		"PEM in three files":         {keyPEM(t, s.key), wwdr, leaf},
		"PKCS #1 and a root":         {append(pkcs1, leaf...), root, wwdr},
		"text before the PEM":        {append([]byte("Bag Attributes\n    friendlyName: x\n"), leaf...), wwdr, pkcs1},
		"packed":                     {packed},
		"another WWDR beside it":     {otherSigner().issuer.Raw, packed},
		"a stranger's key beside it": {keyPEM(t, otherSigner().key), packed},
		"the certificate twice":      {leaf, packed},
	} {
		got, err := ReadSigner("пароль", files...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.PassType != "pass.test.styk" || got.Team != "TEAM123456" || !got.Development() || !got.issuer.Equal(s.issuer) || !got.key.Equal(s.key) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// openssl's own .p12, in today's form and in that of Keychain.
func TestReadSignerFromOpenssl(t *testing.T) {
	t.Parallel()
	s, dir := testSigner(), t.TempDir()
	packed, err := s.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "all.pem"), packed, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"}} {
		run(t, dir, "openssl", append([]string{"pkcs12", "-export", "-in", "all.pem", "-out", "x.p12", "-passout", "pass:secret"}, more...)...)
		data, err := os.ReadFile(filepath.Join(dir, "x.p12"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReadSigner("secret", data); err != nil || got.PassType != s.PassType {
			t.Errorf("%v: got %v %v", more, got, err)
		}
	}
}

func TestReadSignerRefuses(t *testing.T) {
	t.Parallel()
	s := testSigner()
	leaf, wwdr := pemOf("CERTIFICATE", s.leaf.Raw), s.issuer.Raw
	key := keyPEM(t, s.key)
	plain := selfSigned(t, &x509.Certificate{Subject: pkix.Name{CommonName: "Apple Push Services: com.shop"}})
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	locked := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte{1}})
	for name, c := range map[string]struct {
		password string
		files    [][]byte
		field    string
		says     string
	}{
		"wrong password":     {"не тот", [][]byte{p12(t, pkcs12.Modern, s, "пароль", s.issuer)}, "password", "Пароль от файла .p12 не подходит"},
		"no password":        {"", [][]byte{p12(t, pkcs12.LegacyDES, s, "пароль", s.issuer)}, "password", "введите пароль"},
		"no intermediate":    {"", [][]byte{leaf, key}, "intermediate", "«G4, styk WWDR for development»"},
		"only a root":        {"", [][]byte{leaf, key, s.root.Raw}, "intermediate", "не тот"},
		"wrong intermediate": {"", [][]byte{leaf, key, otherSigner().issuer.Raw}, "intermediate", "не тот"},
		"wrong key":          {"", [][]byte{leaf, wwdr, keyPEM(t, otherSigner().key)}, "key", "Ключ не от этого сертификата"},
		"no key":             {"", [][]byte{leaf, wwdr}, "key", "без закрытого ключа"},
		"a key of ECDSA":     {"", [][]byte{leaf, wwdr, keyPEM(t, ec)}, "key", "RSA"},
		"a locked key":       {"", [][]byte{leaf, wwdr, locked}, "key", "защищён паролем"},
		"a damaged key":      {"", [][]byte{leaf, wwdr, pemOf("PRIVATE KEY", []byte("x"))}, "key", "повреждён"},
		"a damaged one":      {"", [][]byte{pemOf("CERTIFICATE", []byte("x"))}, "certificate", "повреждён"},
		"of another kind":    {"", [][]byte{plain, wwdr, key}, "certificate", "Это не сертификат Pass Type ID, а «Apple Push Services: com.shop»"},
		"only the WWDR":      {"", [][]byte{wwdr}, "certificate", "удостоверяющего центра"},
		"only the key":       {"", [][]byte{key}, "certificate", "только ключ"},
		"two of them":        {"", [][]byte{leaf, otherSigner().leaf.Raw, key}, "certificate", "несколько"},
		"a request":          {"", [][]byte{pemOf("CERTIFICATE REQUEST", []byte("x"))}, "certificate", "CSR"},
		"rubbish":            {"", [][]byte{[]byte("hello")}, "certificate", "Это не сертификат"},
		"nothing in it":      {"", [][]byte{{}}, "certificate", "пуст"},
		"no file":            {"", nil, "certificate", "нет сертификата"},
		"a megabyte":         {"", [][]byte{make([]byte, 1<<20)}, "certificate", "велик"},
		"rounds without end": {"", [][]byte{manyRounds(t)}, "certificate", "долгого"},
	} {
		_, err := ReadSigner(c.password, c.files...)
		f := faultOf(err)
		if f.Field != c.field || !strings.Contains(f.Text, c.says) {
			t.Errorf("%s: got %v, want %s: …%s…", name, err, c.field, c.says)
		}
	}
}

func faultOf(err error) styk.Fault {
	var e *styk.Error
	if errors.As(err, &e) && len(e.Faults) == 1 {
		return e.Faults[0]
	}
	return styk.Fault{}
}

func selfSigned(t testing.TB, c *x509.Certificate) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c.NotBefore, c.NotAfter = today, today.AddDate(1, 0, 0)
	made, err := issue(c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return made.Raw
}

// manyRounds is a .p12 whose password check alone would take hours.
func manyRounds(t testing.TB) []byte {
	t.Helper()
	data := p12(t, pkcs12.LegacyDES.WithIterations(60000), testSigner(), "x")
	// 60000 = 02 03 00 EA 60; in its place a number as long.
	if !bytes.Contains(data, []byte{2, 3, 0, 0xea, 0x60}) {
		t.Fatal("the count of rounds is not where it was")
	}
	return bytes.ReplaceAll(data, []byte{2, 3, 0, 0xea, 0x60}, []byte{2, 3, 0x7f, 0xff, 0xff})
}

func TestSignerInTime(t *testing.T) {
	t.Parallel()
	s := testSigner()
	end := s.leaf.NotAfter
	for _, c := range []struct {
		before      time.Duration // the end
		days, stage int
		says        string
	}{
		{400 * 24 * time.Hour, 400, -1, "ещё не действует"},
		{100 * 24 * time.Hour, 100, -1, ""},
		{60*24*time.Hour + time.Second, 60, -1, ""},
		{60 * 24 * time.Hour, 60, 60, ""},
		{30 * 24 * time.Hour, 30, 30, ""},
		{6*24*time.Hour + time.Hour, 6, 7, ""},
		{time.Hour, 0, 7, ""},
		{-time.Hour, -1, 0, "истёк 21.11.2027"},
		{-49 * time.Hour, -3, 0, "истёк"},
	} {
		now := end.Add(-c.before)
		err := s.Check(now)
		if got := s.DaysLeft(now); got != c.days {
			t.Errorf("%v before: %d days, want %d", c.before, got, c.days)
		}
		if got := s.ExpiryStage(now); got != c.stage {
			t.Errorf("%v before: stage %d, want %d", c.before, got, c.stage)
		}
		if (err != nil) != (c.says != "") || !strings.Contains(faultOf(err).Text, c.says) {
			t.Errorf("%v before: %v, want %q", c.before, err, c.says)
		}
	}
	old := *s
	old.issuer = otherSigner().issuer
	old.leaf = &x509.Certificate{NotBefore: today, NotAfter: today.AddDate(9, 0, 0)}
	if err := old.Check(today.AddDate(6, 0, 0)); faultOf(err).Field != "intermediate" || !old.Expires().Equal(old.issuer.NotAfter) {
		t.Errorf("an old WWDR: %v", err)
	}
}

func TestSignerCheckFor(t *testing.T) {
	t.Parallel()
	s := testSigner()
	for expected, field := range map[[2]string]string{
		{"", ""}: "", {"pass.test.styk", "TEAM123456"}: "", {"pass.x", ""}: "pass_type", {"", "T"}: "team",
	} {
		if err := s.CheckFor(expected[0], expected[1]); faultOf(err).Rule != field {
			t.Errorf("%q: got %v, want %q", expected, err, field)
		}
	}
}

// Rubbish gives one sentence and no panic; what is read can be packed and read
// again.
func FuzzReadSigner(f *testing.F) {
	s := testSigner()
	packed, err := s.Pack()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		packed, s.leaf.Raw, p12(f, pkcs12.LegacyDES.WithIterations(1), s, "x", s.issuer),
		[]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte("0\x80"), {},
	} {
		f.Add("x", seed)
	}
	f.Fuzz(func(t *testing.T, password string, data []byte) {
		got, err := ReadSigner(password, data)
		if err != nil {
			if fault := faultOf(err); fault.Text == "" || !utf8.ValidString(fault.Text) {
				t.Errorf("no plain words: %v", err)
			}
			return
		}
		again, err := got.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ReadSigner("", again); err != nil || back.PassType != got.PassType {
			t.Errorf("packed: %v", err)
		}
	})
}
