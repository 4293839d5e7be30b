package wallet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// APNsAddress is Apple's push service. Passes know no sandbox.
const APNsAddress = "https://api.push.apple.com"

// APNs tells phones that a pass has changed (spec/passteam.md 3.6). It holds
// one HTTP/2 connection per certificate. Many goroutines may use one.
type APNs struct {
	address string
	topic   string
	client  *http.Client
	wait    func(context.Context, time.Duration) error
	untyped atomic.Bool // the service wants no apns-push-type
}

// APNsOption sets up an APNs.
type APNsOption func(*APNs)

// APNsAt sends to another address than Apple's: a simulator, or a gateway.
// roots are whose server certificates are believed; nil: the system's.
func APNsAt(address string, roots *x509.CertPool) APNsOption {
	return func(a *APNs) {
		a.address = strings.TrimSuffix(address, "/")
		a.client.Transport.(*http.Transport).TLSClientConfig.RootCAs = roots
	}
}

// APNsWait replaces the pause between attempts; a test moves its clock instead.
func APNsWait(wait func(context.Context, time.Duration) error) APNsOption {
	return func(a *APNs) { a.wait = wait }
}

// attemptTime is how long one attempt may take; the service answers within
// milliseconds or not at all.
const attemptTime = 10 * time.Second

// NewAPNs makes a client that shows signer's certificate and pushes for its
// pass type. It connects with the first push.
func NewAPNs(signer *Signer, options ...APNsOption) *APNs {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	a := &APNs{
		address: APNsAddress, topic: signer.PassType, wait: sleep,
		client: &http.Client{
			Timeout:       attemptTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:           http.ProxyFromEnvironment,
				TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{signer.TLS()}, MinVersion: tls.VersionTLS12},
				Protocols:       &protocols,
				HTTP2: &http.HTTP2Config{ // a dead connection is noticed, a full one waited for
					StrictMaxConcurrentRequests: true, SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second,
				},
				TLSHandshakeTimeout: attemptTime, IdleConnTimeout: time.Hour,
				MaxConnsPerHost: 1, // the first burst waits for the connection and opens no thirty
			},
		},
	}
	for _, o := range options {
		o(a)
	}
	return a
}

// Close lets the connection go. The client connects again when it is used.
func (a *APNs) Close() { a.client.CloseIdleConnections() }

// Verdict says what a push came to, and so what its caller does next.
type Verdict string

// The verdicts.
const (
	Pushed  Verdict = "pushed"  // the service took it
	Pruned  Verdict = "pruned"  // the token is dead: delete registrations not newer than Since
	Later   Verdict = "later"   // the service is out of reach or busy: push again after After
	Stopped Verdict = "stopped" // no push with this certificate can succeed: a person must act
)

// PushResult is the end of a push.
type PushResult struct {
	Verdict  Verdict
	ID       string        // of the notification, Apple's
	Status   int           // of the last answer; 0: none came
	Reason   string        // Apple's word for it, "Unregistered"
	Since    time.Time     // of Pruned: when the token died; zero: it never lived
	After    time.Duration // of Later
	Attempts int
	Err      error // of Later and Stopped, for a log; holds no token
}

// attempts is how often one push is tried before the caller's own ladder takes
// over. A push that was sent twice does no harm: the phone asks what is new.
const attempts = 3

// Push tells the device with this token that one of its passes has changed. It
// tries three times with growing pauses, about 3 s in all while the service
// answers. To push once per device and burst is the caller's part.
func (a *APNs) Push(ctx context.Context, token string) PushResult {
	if _, err := hex.DecodeString(token); err != nil || token == "" || len(token) > 200 {
		return PushResult{Verdict: Pruned, Reason: "BadDeviceToken"}
	}
	var r PushResult
	for n := 1; ; n++ {
		r = a.try(ctx, token)
		r.Attempts = n
		if r.Verdict != Later || n == attempts || r.After > 5*time.Second || ctx.Err() != nil {
			return r
		}
		pause := max(r.After, time.Duration(250<<(2*(n-1)))*time.Millisecond) // 0.25 s, 1 s
		pause += time.Duration(rand.Int64N(int64(pause)))                     //nolint:gosec // spreads load, keeps no secret
		if err := a.wait(ctx, pause); err != nil {
			return r
		}
	}
}

func (a *APNs) try(ctx context.Context, token string) PushResult {
	r, retyped := a.send(ctx, token)
	if retyped {
		r, _ = a.send(ctx, token)
	}
	return r
}

// send makes one attempt. retyped: the service refused the type of push, which
// it is not told from now on.
func (a *APNs) send(ctx context.Context, token string) (r PushResult, retyped bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.address+"/3/device/"+token, strings.NewReader("{}"))
	if err != nil {
		return PushResult{Verdict: Stopped, Err: fmt.Errorf("push: %w", unaddressed(err))}, false
	}
	req.Header.Set("Apns-Topic", a.topic)
	req.Header.Set("Apns-Priority", "5")
	typed := !a.untyped.Load()
	if typed {
		req.Header.Set("Apns-Push-Type", "background")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return unanswered(err), false
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // a cut answer still has its status
	r = judge(resp, body)
	if typed && r.Reason == "InvalidPushType" {
		a.untyped.Store(true)
		return r, true
	}
	return r, false
}

// unanswered judges a push without an answer. Only a refusal of the
// certificate itself needs a person.
func unanswered(err error) PushResult {
	err = fmt.Errorf("push: %w", unaddressed(err))
	var op *net.OpError // what crypto/tls makes of an alert of the other side
	if errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Err.Error(), "certificate") {
		return PushResult{Verdict: Stopped, Reason: "BadCertificate", Err: err}
	}
	return PushResult{Verdict: Later, Err: err}
}

// unaddressed takes the URL, whose path is the token, out of an error.
func unaddressed(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
