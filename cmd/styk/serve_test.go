package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// serveHere runs serve in this process until the test asks it to end.
func serveHere(t *testing.T, args ...string) (base string, end func() int) {
	t.Helper()
	return runHere(t, "serve", args...)
}

// runHere runs serve or demo in this process.
func runHere(t *testing.T, name string, args ...string) (base string, end func() int) {
	t.Helper()
	said := &lockedBuffer{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, append([]string{name, "--listen", "127.0.0.1:0"}, args...),
			&shell{in: strings.NewReader(""), out: said, err: said})
	}()
	done := false
	end = func() int {
		if done {
			return 0
		}
		done = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { end() })
	return awaitBase(t, said), end
}

// TestNothingIsLeftRunning is not parallel: it looks at all goroutines.
func TestNothingIsLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	base, end := serveHere(t, "--data", newFolder(t))
	s := mustLogIn(t, base)
	if _, err := s.createContact(1); err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	if code := end(); code != exitWell {
		t.Errorf("exit code %d", code)
	}
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("testing.(*T).Parallel"))
}

func TestSIGTERMAnswersWhatHasBegun(t *testing.T) {
	t.Parallel()
	p := startStyk(t, "--data", newFolder(t))
	s := mustLogIn(t, p.base)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := "operation=listtypes&sessionName=" + s.session
	fmt.Fprintf(conn, "POST /webservice.php HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:10])
	awaitOpen(t, p.base) // the half request was accepted before this one
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(p.said.String(), "ending") {
		time.Sleep(5 * time.Millisecond) // another process: there is no clock to move
	}
	io.WriteString(conn, body[10:])
	answer, err := io.ReadAll(conn)
	if !strings.Contains(string(answer), `"success":true`) {
		t.Errorf("the request under way was answered %q, %v", answer, err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("ended with %v\n%s", err, p.said)
	}
}

// TestSecondSIGTERMEndsAtOnce: a request that never ends holds nobody up.
func TestSecondSIGTERMEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := startStyk(t, "--data", newFolder(t))
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /webservice.php HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	awaitOpen(t, p.base)
	start := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	for !strings.Contains(p.said.String(), "ending") {
		time.Sleep(5 * time.Millisecond) // another process: there is no clock to move
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("ended after %v", took)
	}
}

func awaitOpen(t *testing.T, base string) {
	t.Helper()
	resp, err := http.Get(base + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestRemoteIsTheRightmostUntrusted(t *testing.T) {
	t.Parallel()
	trusted, err := prefixes([]string{"127.0.0.1/32", "10.0.0.0/8", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct{ peer, forwarded, want string }{
		{"203.0.113.7:1", "", "203.0.113.7"},
		{"203.0.113.7:1", "198.51.100.1", "203.0.113.7"}, // no proxy of ours: not believed
		{"127.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1", "6.6.6.6, 198.51.100.1", "198.51.100.1"}, // the left one was forged
		{"127.0.0.1:1", "198.51.100.1, 10.1.2.3", "198.51.100.1"},
		{"127.0.0.1:1", "10.1.2.3", "10.1.2.3"},
		{"127.0.0.1:1", "nonsense", "127.0.0.1"},
		{"127.0.0.1:1", "198.51.100.1, nonsense", "127.0.0.1"},
		{"127.0.0.1:1", "198.51.100.1:4711", "198.51.100.1"},
		{"[::1]:1", "[2001:db8::1]", "2001:db8::1"},
		{"[::ffff:127.0.0.1]:1", "::ffff:198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1", "", "127.0.0.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = one.peer
		if one.forwarded != "" {
			r.Header.Set("X-Forwarded-For", one.forwarded)
		}
		if got := trusted.remote(r).String(); got != one.want {
			t.Errorf("%s behind %q: got %s, want %s", one.peer, one.forwarded, got, one.want)
		}
	}
}

// TestNobodyForgesHisAddress: whatever a stranger writes, without a proxy of
// ours his own address stands.
func TestNobodyForgesHisAddress(t *testing.T) {
	t.Parallel()
	trusted, _ := prefixes([]string{"127.0.0.1/32"})
	rapid.Check(t, func(t *rapid.T) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "203.0.113.7:1234"
		r.Header["X-Forwarded-For"] = rapid.SliceOf(rapid.String()).Draw(t, "forwarded")
		r.Header.Set("X-Forwarded-Proto", "https")
		if got := trusted.remote(r).String(); got != "203.0.113.7" || trusted.secure(r) {
			t.Fatalf("got %s, secure %v", got, trusted.secure(r))
		}
	})
}

func FuzzRemote(f *testing.F) {
	for _, text := range []string{"", "198.51.100.1", "[::1]:80, 10.0.0.1", "a,b,,", "fe80::1%eth0", strings.Repeat(",", 50)} {
		f.Add(text)
	}
	trusted, _ := prefixes([]string{"127.0.0.0/8"})
	f.Fuzz(func(t *testing.T, text string) {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {text}}}
		if !trusted.remote(r).IsValid() {
			t.Errorf("%q gave no address", text)
		}
	})
}

func TestHTTPSWithRSAAndEC(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	writePair(t, dir, "rsa", &rsaKey.PublicKey, rsaKey, 1)
	writePair(t, dir, "ec", &ecKey.PublicKey, ecKey, 2)
	in := func(name string) string { return filepath.Join(dir, name) }
	base, _ := serveHere(t, "--data", newFolder(t),
		"--tls-cert", in("rsa.pem")+","+in("ec.pem"), "--tls-key", in("rsa.key")+","+in("ec.key"))
	if !strings.HasPrefix(base, "https://") {
		t.Fatalf("base is %s", base)
	}
	for _, one := range []struct {
		suite  uint16
		serial int64
	}{{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 1}, {tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 2}} {
		if got := servedSerial(t, base, one.suite); got != one.serial {
			t.Errorf("suite %x: certificate %d, want %d", one.suite, got, one.serial)
		}
	}
}

func servedSerial(t *testing.T, base string, suite uint16) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(base, "https://"), &tls.Config{
		InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestCertificatesAreReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	writePair(t, dir, "a", &key.PublicKey, key, 1)
	c := &certificates{certFiles: []string{filepath.Join(dir, "a.pem")}, keyFiles: []string{filepath.Join(dir, "a.key")}}
	serial := func() int64 {
		t.Helper()
		cert, err := x509.ParseCertificate((*c.loaded.Load())[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return cert.SerialNumber.Int64()
	}
	if err := c.reload(); err != nil || serial() != 1 {
		t.Fatal(err)
	}
	writePair(t, dir, "a", &key.PublicKey, key, 2)
	touch(t, filepath.Join(dir, "a.pem"), time.Now().Add(time.Hour))
	if err := c.reload(); err != nil || serial() != 2 {
		t.Errorf("after a change: %v, serial %d", err, serial())
	}
	os.WriteFile(filepath.Join(dir, "a.pem"), []byte("broken"), 0o600)
	touch(t, filepath.Join(dir, "a.pem"), time.Now().Add(2*time.Hour))
	if err := c.reload(); err == nil || serial() != 2 {
		t.Errorf("a broken file: %v, serial %d", err, serial())
	}
}

func touch(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// writePair writes a certificate and its key.
func writePair(t *testing.T, dir, name string, public, private any, serial int64) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPagesAreClosedToOthers(t *testing.T) {
	t.Parallel()
	base, _ := serveHere(t, "--data", newFolder(t), "--metrics-from", "192.0.2.1/32")
	resp, err := http.Get(base + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
		if resp.Header.Get(name) == "" {
			t.Errorf("/ has no %s", name)
		}
	}
	resp, err = http.Get(base + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("/metrics from elsewhere: %d", resp.StatusCode)
	}
}

// TestSlowSenderIsGivenUp: a body that does not come on ends its request, not
// the patience of the server.
func TestSlowSenderIsGivenUp(t *testing.T) {
	t.Parallel()
	r, w := net.Pipe()
	defer w.Close()
	control := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	p := newPatient(control, &http.Request{Body: r}).(*patient)
	if len(control.set) != 1 || control.set[0].After(time.Now().Add(bodyGrace+time.Second)) {
		t.Fatalf("at the start: %v", control.set)
	}
	go w.Write(make([]byte, 20*bodyPace))
	if _, err := io.ReadFull(p, make([]byte, 20*bodyPace)); err != nil {
		t.Fatal(err)
	}
	if last := control.set[len(control.set)-1]; last.Sub(control.set[0]) < 10*time.Second {
		t.Errorf("who sends gets time: %v", control.set)
	}
}

// deadlines notes what deadlines are set on a connection.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

// SetReadDeadline is found by http.ResponseController.
func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}
