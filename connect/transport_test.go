package connect_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"styk/connect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book collects exchanges.
type book struct {
	mu  sync.Mutex
	all []connect.Exchange
}

func (b *book) add(x connect.Exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, x)
}

func serve(t *testing.T, h http.HandlerFunc) (string, *http.Transport) {
	t.Helper()
	server := httptest.NewServer(h)
	base := connect.Guard{}.NewBase()
	t.Cleanup(func() { base.CloseIdleConnections(); server.Close() })
	return server.URL, base
}

func TestExchangeIsRecordedMasked(t *testing.T) {
	t.Parallel()
	url, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		http.SetCookie(w, &http.Cookie{Name: "BPMCSRF", Value: "abc/def+ghi=jkl"})
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"Code":0,"echo":"abc/def+ghi=jkl","sessionName":"5a4b3c2d1e"}`)
	})
	var b book
	tr := &connect.Transport{Base: base, Mask: connect.NewMask("s3cr3t-pass"), Record: b.add}
	body := `{"UserName":"api","UserPassword":"s3cr3t-pass","note":"кот s3cr3t-pass","n":1}`
	req, _ := http.NewRequestWithContext(t.Context(), "POST", url+"/rest/7/s3cr3t-pass/x?token=tt&q=1", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("BPMCSRF", "abc/def+ghi=jkl")
	req.Header.Set("Cookie", "A=1234567; B=2")
	resp, err := tr.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connect.Read(resp); err != nil {
		t.Fatal(err)
	}
	if len(b.all) != 1 {
		t.Fatalf("got %d exchanges", len(b.all))
	}
	x := b.all[0]
	var dump bytes.Buffer
	dump.WriteString(x.URL)
	_ = x.RequestHeader.Write(&dump)
	_ = x.AnswerHeader.Write(&dump)
	dump.Write(x.RequestBody)
	dump.Write(x.AnswerBody)
	for _, secret := range []string{"s3cr3t-pass", "abc/def", "5a4b3c2d1e", "=tt", "1234567"} {
		if strings.Contains(dump.String(), secret) {
			t.Errorf("%s was kept in\n%s", secret, dump.String())
		}
	}
	for _, kept := range []string{"UserName", `"api"`, "кот", "BPMCSRF=", `"Code":0`, "q=1"} {
		if !strings.Contains(dump.String(), kept) {
			t.Errorf("%s was lost from\n%s", kept, dump.String())
		}
	}
	if x.Status != 200 || x.RequestSize != int64(len(body)) || x.Timing.Total <= 0 || x.Timing.Connect <= 0 {
		t.Errorf("got %+v", x)
	}
}

func TestFilesAreKeptAsHashes(t *testing.T) {
	t.Parallel()
	url, base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/pdf")
		_, _ = w.Write(make([]byte, 200<<10))
	})
	var b book
	tr := &connect.Transport{Base: base, Mask: connect.NewMask(), Record: b.add, Keep: 4 << 10}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("Title", "договор")
	_ = form.WriteField("password", "hush-hush")
	part, _ := form.CreateFormFile("file", "скан.pdf")
	_, _ = part.Write(bytes.Repeat([]byte("PDF!"), 100_000))
	_ = form.WriteField("after", "the file")
	_ = form.Close()
	size := int64(body.Len())
	req, _ := http.NewRequestWithContext(t.Context(), "POST", url, &body)
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := tr.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connect.Read(resp); err != nil {
		t.Fatal(err)
	}
	x := b.all[0]
	got := string(x.RequestBody)
	for _, want := range []string{"договор", "(400000 bytes, sha256 ", "the file", "скан.pdf"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "PDF!PDF!") || strings.Contains(got, "hush") || x.RequestSize != size {
		t.Errorf("got %d bytes of %d:\n%s", x.RequestSize, size, got)
	}
	if !strings.HasPrefix(string(x.AnswerBody), "(204800 bytes of application/pdf, sha256 ") {
		t.Errorf("got answer %.100q", x.AnswerBody)
	}
}

// A secret that the limit cuts in two leaves no half behind.
func TestSecretAtTheLimit(t *testing.T) {
	t.Parallel()
	for keep := 90; keep < 110; keep++ {
		client, answer := maskingClient(keep)
		answer.kind, answer.body = "text/plain", strings.Repeat("x", 95)+"hunter22 and more"
		resp, err := client.Get("http://sim/")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := connect.Read(resp); err != nil {
			t.Fatal(err)
		}
		if got := answer.seen.AnswerBody; bytes.Contains(got, []byte("h")) || len(got) > keep {
			t.Errorf("keep %d: got %q", keep, got)
		}
	}
}

func TestDryRunSendsNoWrite(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	url, base := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.URL.Path)
	})
	var b book
	client := (&connect.Transport{Base: base, Record: b.add, DryRun: true}).Client()
	do := func(ctx context.Context, method, path string) error {
		req, _ := http.NewRequestWithContext(ctx, method, url+path, strings.NewReader("{}"))
		resp, err := client.Do(req)
		if err == nil {
			_, err = connect.Read(resp)
		}
		return err
	}
	for _, err := range []error{do(t.Context(), "GET", "/find"), do(connect.Harmless(t.Context()), "POST", "/login")} {
		if err != nil {
			t.Error(err)
		}
	}
	if err := do(t.Context(), "POST", "/case"); !errors.Is(err, connect.ErrDryRun) {
		t.Errorf("got %v", err)
	}
	if got := strings.Join(seen, ", "); got != "GET /find, POST /login" {
		t.Errorf("the system saw %s", got)
	}
	if x := b.all[len(b.all)-1]; !x.DryRun || x.Err != "" || string(x.RequestBody) != "{}" {
		t.Errorf("got %+v", x)
	}
}

func TestEveryRequestHasADeadline(t *testing.T) {
	t.Parallel()
	quit := make(chan struct{})
	url, base := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-quit:
		case <-r.Context().Done():
		}
	})
	defer close(quit)
	var b book
	client := (&connect.Transport{Base: base, Record: b.add, Timeout: 50 * time.Millisecond}).Client()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	resp, err := client.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(connect.Explain(err), "не ответила вовремя") {
		t.Errorf("got %v: %s", err, connect.Explain(err))
	}
	if b.all[0].Err == "" || b.all[0].Status != 0 {
		t.Errorf("got %+v", b.all[0])
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	cases := []struct {
		addr          string
		owner, public bool
	}{
		{"93.184.216.34", true, true},
		{"2606:2800:220:1::1", true, true},
		{"127.0.0.1", true, false},
		{"::1", true, false},
		{"10.1.2.3", true, false},
		{"192.168.0.7", true, false},
		{"fd12::1", true, false},
		{"100.64.1.1", true, false},
		{"169.254.169.254", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"64:ff9b::a9fe:a9fe", false, false},
		{"2002:a9fe:a9fe::1", false, false},
		{"64:ff9b::7f00:1", true, false},
		{"fe80::1%eth0", false, false},
		{"100.100.100.200", false, false},
		{"fd00:ec2::254", false, false},
		{"0.0.0.0", false, false},
		{"::", false, false},
		{"224.0.0.1", false, false},
		{"203.0.113.9", true, false},
	}
	for _, c := range cases {
		addr := netip.MustParseAddr(c.addr)
		if got := (connect.Guard{}).Allow(addr) == nil; got != c.owner {
			t.Errorf("owner's %s: allowed %v, want %v", c.addr, got, c.owner)
		}
		if got := (connect.Guard{Public: true}).Allow(addr) == nil; got != c.public {
			t.Errorf("public %s: allowed %v, want %v", c.addr, got, c.public)
		}
	}
}

func TestGuardLooksAtTheResolvedAddress(t *testing.T) {
	t.Parallel()
	base := connect.Guard{Public: true}.NewBase()
	client := (&connect.Transport{Base: base}).Client()
	for _, url := range []string{"http://localhost:1/", "http://169.254.169.254/latest/meta-data"} {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, connect.ErrAddress) {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("application/json", `{"password":"hunter22","x":"hunter22"}`)
	f.Add("application/x-www-form-urlencoded", "password=hunter22&a=hunter22&element=%7B%22sms%22%3A1%7D")
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhunter22\r\n--x--\r\n")
	f.Add("text/plain", "hunter22")
	f.Add("", "\xff\xfehunter22")
	client, answer := maskingClient(0)
	f.Fuzz(func(t *testing.T, kind, body string) {
		answer.kind, answer.body = kind, body
		resp, err := client.Get("http://sim/")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := connect.Read(resp); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(answer.seen.AnswerBody, []byte("hunter22")) {
			t.Errorf("the secret was kept: %q", answer.seen.AnswerBody)
		}
	})
}

// canned answers every request with one body.
type canned struct {
	kind, body string
	seen       connect.Exchange
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {c.kind}},
		Body: io.NopCloser(strings.NewReader(c.body)),
	}, nil
}

func maskingClient(keep int) (*http.Client, *canned) {
	c := &canned{}
	tr := &connect.Transport{Base: c, Keep: keep, Mask: connect.NewMask("hunter22"), Record: func(x connect.Exchange) { c.seen = x }}
	return tr.Client(), c
}
