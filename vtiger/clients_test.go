package vtiger

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/intake"
)

// The whole way of the first seed, by programs that we did not write: PHP with
// the seed's own calls, node-vtiger from npm, and curl.
func TestExistingClients(t *testing.T) {
	t.Parallel()
	clients := []struct {
		name, program string
		args          func(base string) []string
		needs         string
	}{
		{"php", "php", func(base string) []string {
			return []string{"testdata/php/seed.php", base + "/crm/webservice.php", "api", demoKey}
		}, ""},
		{"node-vtiger", "node", func(base string) []string { return []string{"testdata/node/story.js", base, "api", demoKey} }, "STYK_TEST_NODE_MODULES"},
		{"curl", "bash", func(base string) []string { return []string{"testdata/curl/story.sh", base, "api", demoKey} }, ""},
	}
	for _, client := range clients {
		for _, secure := range []bool{false, true} {
			name := client.name
			if secure {
				name += " over TLS"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath(client.program); err != nil || client.needs != "" && os.Getenv(client.needs) == "" {
					missing(t, client.program+" "+client.needs)
				}
				engine := "sqlite"
				if secure && os.Getenv("STYK_TEST_POSTGRES") != "" {
					engine = "postgres"
				}
				b := newBench(t, engine)
				plantPair(t, b)
				run(t, b, client.program, client.args, secure)
			})
		}
	}
}

// missing skips on a laptop and fails where everything must run.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("missing: " + what)
	}
	t.Skip("SKIPPED: missing " + what)
}

func run(t *testing.T, b *bench, program string, args func(string) []string, secure bool) {
	t.Helper()
	b.clock.now = time.Now().UTC() // the clients compare our times with theirs
	server := httptest.NewUnstartedServer(b)
	if secure {
		server.TLS = &tls.Config{Certificates: []tls.Certificate{localhostCertificate(t)}}
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	base := server.URL
	if secure {
		_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
		base = "https://localhost:" + port
	}
	cmd := exec.CommandContext(ctx, program, args(base)...)
	cmd.Env = append(os.Environ(), "NODE_TLS_REJECT_UNAUTHORIZED=0", "CURL_OPTIONS=--insecure", "no_proxy=*")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// plantPair stores the seed's own test pair with its three placeholders.
func plantPair(t testing.TB, b *bench) {
	t.Helper()
	var uploads []intake.Upload
	for _, part := range demoForm().Files {
		info, err := b.in.Keep(t.Context(), part.Title+".pdf", strings.NewReader("%PDF-1.4\n% stand-in for "+part.Title+"\n%%EOF\n"))
		ok(t, err)
		uploads = append(uploads, intake.Upload{Part: part.Part, FileName: part.Title + ".pdf", Info: info})
	}
	_, err := b.in.Capture(t.Context(), demoForm(), intake.Post{
		Contact: styk.Contact{LastName: "Демонстрационный", FirstName: "Клиент", Mobile: "+7 900 123-45-67", INN: "643922466250"},
		Code:    "795372", Files: uploads,
	})
	ok(t, err)
}

// localhostCertificate makes an EC certificate for localhost.
func localhostCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	sample := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	raw, err := x509.CreateCertificate(rand.Reader, sample, sample, key.Public(), key)
	ok(t, err)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}
