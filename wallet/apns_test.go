package wallet

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// simulated starts a push service on loopback and gives it with its address
// and what a client must trust.
func simulated(t testing.TB, options ...SimOption) (*APNsSim, string, *x509.CertPool) {
	t.Helper()
	trust := x509.NewCertPool()
	for _, s := range []*Signer{testSigner(), otherSigner()} {
		trust.AddCert(s.root)
	}
	sim := NewAPNsSim(append([]SimOption{SimTrust(trust), SimClock(func() time.Time { return today })}, options...)...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done, ready := make(chan error, 1), make(chan *x509.CertPool, 1)
	go func() { done <- sim.Serve(ctx, l, func(roots *x509.CertPool) { ready <- roots }) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return sim, "https://" + l.Addr().String(), <-ready
}

// pauses is the wait of a client that notes instead of sleeping.
type pauses struct {
	mu  sync.Mutex
	all []time.Duration
}

func (p *pauses) wait(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, d)
	return ctx.Err()
}

func client(t testing.TB, signer *Signer, address string, roots *x509.CertPool, p *pauses) *APNs {
	a := NewAPNs(signer, APNsAt(address, roots), APNsWait(p.wait))
	// The simulated certificates live about a fixed day.
	a.client.Transport.(*http.Transport).TLSClientConfig.Time = func() time.Time { return today }
	t.Cleanup(a.Close)
	return a
}

func TestPush(t *testing.T) {
	t.Parallel()
	const topic = "pass.test.styk"
	for name, c := range map[string]struct {
		faults  []string
		signer  *Signer
		token   string // "" = a living one
		want    Verdict
		reason  string
		tries   int
		pushed  int
		offence bool
	}{
		"taken":                 {want: Pushed, tries: 1, pushed: 1},
		"busy once":             {faults: []string{"answer=503:1"}, want: Pushed, tries: 2, pushed: 1},
		"busy for long":         {faults: []string{"answer=500"}, want: Later, reason: "InternalServerError", tries: 3},
		"too many":              {faults: []string{"answer=429:2"}, want: Pushed, tries: 3, pushed: 1},
		"a proxy":               {faults: []string{"answer=html"}, want: Later, tries: 3},
		"cut before":            {faults: []string{"connection=cut:2"}, want: Pushed, tries: 3, pushed: 1},
		"cut after":             {faults: []string{"commit-then=cut:1"}, want: Pushed, tries: 2, pushed: 2},
		"goaway":                {faults: []string{"connection=goaway:1"}, want: Pushed, tries: 2, pushed: 1},
		"type refused":          {faults: []string{"push-type=refused"}, want: Pushed, tries: 1, pushed: 1},
		"late":                  {faults: []string{"latency=1ms"}, want: Pushed, tries: 1, pushed: 1},
		"gone":                  {faults: []string{"token=gone"}, want: Pruned, reason: "Unregistered", tries: 1},
		"bad":                   {faults: []string{"token=bad"}, want: Pruned, reason: "BadDeviceToken", tries: 1},
		"of another pass":       {faults: []string{"token=topic"}, want: Pruned, reason: "DeviceTokenNotForTopic", tries: 1},
		"never given out":       {token: strings.Repeat("ab", 32), want: Pruned, reason: "BadDeviceToken", tries: 1},
		"no token at all":       {token: "../_sim/state", want: Pruned, reason: "BadDeviceToken"},
		"certificate refused":   {faults: []string{"answer=403"}, want: Stopped, reason: "BadCertificate", tries: 1},
		"certificate of others": {signer: otherSigner(), want: Pruned, reason: "DeviceTokenNotForTopic", tries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, address, roots := simulated(t)
			for _, text := range c.faults {
				f, err := ParseFault(text)
				if err == nil {
					err = sim.Fault(f)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			signer, token := c.signer, c.token
			if signer == nil {
				signer = testSigner()
			}
			if token == "" {
				token = sim.NewDevice(topic)
			}
			var p pauses
			r := client(t, signer, address, roots, &p).Push(t.Context(), token)
			if r.Verdict != c.want || r.Reason != c.reason || r.Attempts != c.tries {
				t.Errorf("got %+v, want %s %s after %d", r, c.want, c.reason, c.tries)
			}
			if len(p.all) != max(0, c.tries-1) {
				t.Errorf("%d pauses for %d tries", len(p.all), c.tries)
			}
			if failed := r.Verdict == Later || r.Verdict == Stopped; (r.Err != nil) != failed || failed && strings.Contains(r.Err.Error(), token) {
				t.Errorf("error %v", r.Err)
			}
			st := sim.State()
			if got := st.Devices[token].Pushed; got != c.pushed || len(st.Broken) != 0 {
				t.Errorf("%d pushes, want %d; broken: %q", got, c.pushed, st.Broken)
			}
		})
	}
}

// A phone that was wiped is told of with the time, so that a registration made
// after it stays.
func TestPushTellsWhenAPhoneVanished(t *testing.T) {
	t.Parallel()
	sim, address, roots := simulated(t)
	token := sim.NewDevice("")
	var p pauses
	a := client(t, testSigner(), address, roots, &p)
	if r := a.Push(t.Context(), token); r.Verdict != Pushed || r.ID == "" || r.Status != 200 {
		t.Errorf("alive: %+v", r)
	}
	sim.Vanish(token)
	if r := a.Push(t.Context(), token); r.Verdict != Pruned || !r.Since.Equal(today) {
		t.Errorf("gone: %+v", r)
	}
}

// Many pushes share one connection, and a hanging service holds nobody longer
// than the caller wants.
func TestPushManyAndHanging(t *testing.T) {
	t.Parallel()
	var woken sync.Map
	sim, address, roots := simulated(t, SimOnPush(func(token string) { woken.Store(token, true) }))
	var p pauses
	a := client(t, testSigner(), address, roots, &p)
	var wg sync.WaitGroup
	tokens := make([]string, 200)
	for i := range tokens {
		tokens[i] = sim.NewDevice("pass.test.styk")
		wg.Go(func() {
			if r := a.Push(t.Context(), tokens[i]); r.Verdict != Pushed {
				t.Errorf("%+v", r)
			}
		})
	}
	wg.Wait()
	for _, token := range tokens {
		if _, ok := woken.Load(token); !ok {
			t.Errorf("a phone sleeps on")
		}
	}
	if err := sim.Fault(SimFault{Name: "connection", Value: "hang"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if r := a.Push(ctx, tokens[0]); r.Verdict != Later || !errors.Is(r.Err, context.DeadlineExceeded) {
		t.Errorf("hanging: %+v", r)
	}
}

func TestPushOutOfReach(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "https://" + l.Addr().String()
	_ = l.Close()
	var p pauses
	r := client(t, testSigner(), address, nil, &p).Push(t.Context(), strings.Repeat("ab", 32))
	if r.Verdict != Later || r.Attempts != 3 || len(p.all) != 2 || p.all[0] < 250*time.Millisecond || p.all[1] < time.Second || p.all[1] > 2*time.Second {
		t.Errorf("got %+v after pauses %v", r, p.all)
	}
}

// A certificate that the service's TLS refuses stops the pushes.
func TestPushCertificateRefusedByTLS(t *testing.T) {
	t.Parallel()
	cert, roots, err := simCertificate(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil, today)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(),
		NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	var p pauses
	r := client(t, testSigner(), "https://"+l.Addr().String(), roots, &p).Push(t.Context(), strings.Repeat("ab", 32))
	if r.Verdict != Stopped || r.Reason != "BadCertificate" {
		t.Errorf("got %+v", r)
	}
}

// judge takes anything for an answer and never repeats a stranger's text.
func FuzzJudge(f *testing.F) {
	f.Add(410, `{"reason":"Unregistered","timestamp":1700000000000}`, "")
	f.Add(400, `{"reason":"BadDeviceToken"}`, "")
	f.Add(502, "<html>", "7")
	f.Add(403, `{"reason":"`+strings.Repeat("x ", 100)+`"}`, "-1")
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		r := judge(&http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}}}, []byte(body))
		if !slices.Contains([]Verdict{Pushed, Pruned, Later, Stopped}, r.Verdict) || (r.Verdict == Pushed) != (status == 200) {
			t.Errorf("verdict %s of %d", r.Verdict, status)
		}
		if r.After < 0 || r.After > time.Hour || len(r.Reason) > 60 || strings.ContainsAny(r.Reason, " \n<") {
			t.Errorf("after %v, reason %q", r.After, r.Reason)
		}
	})
}

// What the spec does not say is an error of the caller, never a delivery.
func TestSimIsStrict(t *testing.T) {
	t.Parallel()
	sim, address, roots := simulated(t)
	token := sim.NewDevice("pass.test.styk")
	for name, c := range map[string]struct {
		change func(*http.Request)
		cert   *Signer
		old    bool // HTTP/1.1
		body   string
		status int
		reason string
	}{
		"fine":           {status: 200},
		"no certificate": {cert: &Signer{}, status: 403, reason: "MissingProviderToken"},
		"HTTP/1.1":       {old: true, status: 505, reason: "HTTP2Required"},
		"GET":            {change: func(r *http.Request) { r.Method = "GET" }, status: 405, reason: "MethodNotAllowed"},
		"another path":   {change: func(r *http.Request) { r.URL.Path = "/2/device/" + token }, status: 404, reason: "BadPath"},
		"no token":       {change: func(r *http.Request) { r.URL.Path = "/3/device/" }, status: 400, reason: "MissingDeviceToken"},
		"short token":    {change: func(r *http.Request) { r.URL.Path = "/3/device/abcd" }, status: 400, reason: "BadDeviceToken"},
		"unknown header": {change: func(r *http.Request) { r.Header.Set("X-Any", "1") }, status: 400, reason: "BadMessageId"},
		"no topic":       {change: func(r *http.Request) { r.Header.Del("Apns-Topic") }, status: 400, reason: "MissingTopic"},
		"another topic":  {change: func(r *http.Request) { r.Header.Set("Apns-Topic", "pass.x") }, status: 400, reason: "TopicDisallowed"},
		"alert":          {change: func(r *http.Request) { r.Header.Set("Apns-Push-Type", "alert") }, status: 400, reason: "InvalidPushType"},
		"priority 10":    {change: func(r *http.Request) { r.Header.Set("Apns-Priority", "10") }, status: 400, reason: "BadPriority"},
		"text":           {body: `{"aps":{"alert":"x"}}`, status: 400, reason: "BadPayload"},
		"too much":       {body: strings.Repeat(" ", 5000) + "{}", status: 413, reason: "PayloadTooLarge"},
		"nothing":        {body: "-", status: 400, reason: "PayloadEmpty"},
		"foreign topic":  {cert: otherSigner(), status: 400, reason: "TopicDisallowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := map[string]string{"": "{}", "-": ""}[c.body]
			if c.body != "" && c.body != "-" {
				body = c.body
			}
			r, err := http.NewRequestWithContext(t.Context(), "POST", address+"/3/device/"+token, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Apns-Topic", "pass.test.styk")
			r.Header.Set("Apns-Priority", "5")
			r.Header.Set("Apns-Push-Type", "background")
			if c.change != nil {
				c.change(r)
			}
			resp, err := bare(t, roots, c.cert, c.old).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			var said struct{ Reason string }
			_ = json.NewDecoder(resp.Body).Decode(&said)
			if resp.StatusCode != c.status || said.Reason != c.reason || resp.Header.Get("Apns-Id") == "" {
				t.Errorf("got %d %s, want %d %s", resp.StatusCode, said.Reason, c.status, c.reason)
			}
		})
	}
}

// bare is an HTTP client with none of our client's code.
func bare(t testing.TB, roots *x509.CertPool, signer *Signer, old bool) *http.Client {
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Time: func() time.Time { return today }}
	if signer == nil {
		signer = testSigner()
	}
	if signer.leaf != nil {
		config.Certificates = []tls.Certificate{signer.TLS()}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: !old}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// A certificate out of its time, of no pass type or of a strange authority.
func TestSimRefusesCertificates(t *testing.T) {
	t.Parallel()
	later := func() time.Time { return today.AddDate(2, 0, 0) }
	for name, s := range map[string]*APNsSim{
		"expired": NewAPNsSim(SimClock(later)), "strange": NewAPNsSim(SimTrust(x509.NewCertPool()), SimClock(func() time.Time { return today })),
	} {
		if a := s.allowCertificate(testSigner().Chain(), "pass.test.styk"); a.reason != "BadCertificate" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	s := NewAPNsSim(SimClock(func() time.Time { return today }))
	if a := s.allowCertificate([]*x509.Certificate{testSigner().issuer}, ""); a.reason != "BadCertificate" {
		t.Errorf("an authority: %+v", a)
	}
	if a := s.allowCertificate(testSigner().Chain(), "pass.test.styk"); a.status != 0 {
		t.Errorf("without a list of authorities: %+v", a)
	}
}

// The addresses for people and scripts, over HTTP/1.1 and without a certificate.
func TestSimControl(t *testing.T) {
	t.Parallel()
	sim, address, roots := simulated(t, SimAnyDevice())
	web := bare(t, roots, &Signer{}, true)
	post := func(path, body string) (int, map[string]any) {
		t.Helper()
		resp, err := web.Post(address+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		said := map[string]any{}
		_ = json.NewDecoder(resp.Body).Decode(&said)
		return resp.StatusCode, said
	}
	for body, want := range map[string]int{
		`{"name":"answer","value":"429","times":2}`:                        200,
		`[{"name":"latency","value":"1ms","token":"abc"},{"name":"calm"}]`: 200,
		`{"name":"nonsense"}`:                        400,
		`{"name":"answer","value":"7"}`:              400,
		`{"name":"latency","value":"-1s"}`:           400,
		`{"name":"answer","value":"429","times":-1}`: 400,
		`nonsense`: 400,
	} {
		if status, said := post("/_sim/fault", body); status != want {
			t.Errorf("%s: got %d %v", body, status, said)
		}
	}
	status, said := post("/_sim/device", `{"topic":"pass.test.styk"}`)
	token, _ := said["token"].(string)
	if status != 200 || len(token) != 64 {
		t.Errorf("device: %d %v", status, said)
	}
	if status, _ := post("/_sim/device", `{"token":"`+token+`","gone":true}`); status != 200 {
		t.Errorf("vanish: %d", status)
	}
	if status, _ := post("/_sim/device", `{"gone":true}`); status != 400 {
		t.Errorf("vanish nobody: %d", status)
	}
	sim.Calm()
	var p pauses
	if r := client(t, testSigner(), address, roots, &p).Push(t.Context(), strings.Repeat("cd", 32)); r.Verdict != Pushed {
		t.Errorf("any device: %+v", r)
	}
	resp, err := web.Get(address + "/_sim/state")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var st SimState
	if err := json.NewDecoder(resp.Body).Decode(&st); err != nil || st.Devices[token].Gone == nil || st.Calls != 1 || len(st.Log) != 1 || st.Log[0].Status != 200 {
		t.Errorf("state %+v %v", st, err)
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]SimFault{
		"answer=503:3": {Name: "answer", Value: "503", Times: 3}, "latency=200ms": {Name: "latency", Value: "200ms"},
	} {
		if got, err := ParseFault(text); err != nil || got != want {
			t.Errorf("%s: got %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "answer", "answer=1", "answer=503:x", "latency=soon", "tempo=1"} {
		if got, err := ParseFault(text); err == nil {
			t.Errorf("%s: got %+v", text, got)
		}
	}
	for name := range SimSwitches() {
		if !bytes.ContainsAny([]byte(name), "abcdefghijklmnopqrstuvwxyz") {
			t.Errorf("switch %q", name)
		}
	}
}

// counting counts the connections that a listener gives.
type counting struct {
	net.Listener
	n atomic.Int64
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

// Many phones called at once, before there is a connection, share the one that
// the first of them opens.
func TestFirstBurstOpensOneConnection(t *testing.T) {
	t.Parallel()
	trust := x509.NewCertPool()
	trust.AddCert(testSigner().root)
	sim := NewAPNsSim(SimTrust(trust), SimClock(func() time.Time { return today }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counted := &counting{Listener: l}
	ready := make(chan *x509.CertPool, 1)
	go func() { _ = sim.Serve(t.Context(), counted, func(roots *x509.CertPool) { ready <- roots }) }()
	a := client(t, testSigner(), "https://"+l.Addr().String(), <-ready, &pauses{})
	var wg sync.WaitGroup
	for range 32 {
		token := sim.NewDevice("")
		wg.Go(func() {
			if r := a.Push(t.Context(), token); r.Verdict != Pushed {
				t.Errorf("%+v", r)
			}
		})
	}
	wg.Wait()
	if n := counted.n.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
