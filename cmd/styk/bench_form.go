package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// formBench measures the way of a form: taken, answered with a number, carried
// to a foreign system.
type formBench struct {
	*bench
	child  *benchChild
	crm    *benchChild // the simulator with slow answers
	quick  *benchChild // and the one without
	hook   string      // address of an instant receiver in this process
	number atomic.Int64
	client *http.Client
}

// measureForm runs everything; figures go to the bench's rows.
func (b *bench) measureForm(ctx context.Context) error {
	f := &formBench{bench: b, client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer f.end()
	if err := f.furnish(ctx); err != nil {
		return err
	}
	for _, measure := range []func(context.Context) error{
		f.pages, f.rates, f.drainHook, f.drainCRM, f.visitors, f.deadCRM,
	} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *formBench) end() {
	for _, c := range []*benchChild{f.child, f.crm, f.quick} {
		if c != nil {
			c.kill()
		}
	}
}

// furnish starts the systems at the other end, and serve with its forms.
func (f *formBench) furnish(ctx context.Context) (err error) {
	for _, sim := range []struct {
		at    **benchChild
		fault []string
	}{{&f.crm, []string{"--fault", "latency=300ms"}}, {&f.quick, nil}} {
		address, err := freeAddress(ctx)
		if err != nil {
			return err
		}
		args := append([]string{"sim", "creatio", "--platform", "net", "--listen", address}, sim.fault...)
		if *sim.at, err = startChild(ctx, address, "/_sim/state", args...); err != nil {
			return err
		}
	}
	if err := f.listenHook(ctx); err != nil {
		return err
	}
	file := filepath.Join(f.dir, "forms.yaml")
	text := fmt.Sprintf(benchForms, "http://"+f.hook, "http://"+f.quick.address, "http://"+f.crm.address)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	h, err := openHouse(ctx, &f.folder, "bench", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	err = f.seedUser(ctx, h.db)
	if err == nil {
		_, err = applyYAML(ctx, h, file, []byte(text), false)
	}
	if err == nil {
		err = h.courier.Pause(ctx, "hook", "")
	}
	if err == nil {
		err = h.courier.Pause(ctx, "quick", "")
	}
	if err := errors.Join(err, h.close()); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	f.child, err = f.start(ctx)
	return err
}

const benchForms = `targets:
  - {name: hook, kind: webhook, parallel: 32, settings: {url: %q, secret: whsec_YmVuY2ggYmVuY2ggYmVuY2ggYmVuY2ggYmVuY2g=}}
  - {name: quick, kind: creatio, parallel: 16, settings: {url: %q, user: api, password: secret, external_id_column: UsrExternalId}}
  - {name: slow, kind: creatio, parallel: 10, settings: {url: %q, user: api, password: secret, external_id_column: UsrExternalId}}
  - {name: dead, kind: creatio, settings: {url: "http://127.0.0.1:1", user: api, password: secret}}
forms:
  - {name: hook, title: x, wait: 0s, targets: [hook], fields: &plain [{name: topic, type: text}, {name: name, type: text}, {name: phone, type: phone}, {name: message, type: textarea}]}
  - {name: quick, title: x, wait: 0s, targets: [quick], fields: *plain}
  - {name: slow, title: x, wait: 4s, targets: [slow], fields: *plain}
  - {name: dead, title: x, wait: 4s, targets: [dead], fields: *plain}
  - {name: file, title: x, wait: 0s, targets: [hook], fields: [{name: topic, type: text}, {name: name, type: text}, {name: phone, type: phone}, {name: message, type: textarea}, {name: file, type: file, required: true}]}
  - {name: dressed, title: Обратная связь, targets: [hook], fields: [{name: topic, label: Тема, type: text, required: true}, {name: name, label: Имя, type: text, required: true}, {name: phone, label: Телефон, type: phone, required: true}, {name: email, label: E-mail, type: email}, {name: message, label: Описание, type: textarea}, {name: file, label: Файл, type: file, required: true}]}
`

// listenHook takes events and answers at once.
func (f *formBench) listenHook(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.hook = l.Addr().String()
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = server.Serve(l) }() // ends with ctx
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return nil
}

// pages tells what a visitor's browser loads.
func (f *formBench) pages(ctx context.Context) error {
	for _, p := range []struct{ name, path string }{{"form script", "/styk.js"}, {"form page", "/f/dressed"}} {
		body, err := fetchBytes(ctx, f.client, "http://"+f.child.address+p.path)
		if err != nil {
			return err
		}
		var small bytes.Buffer
		z := gzip.NewWriter(&small)
		_, _ = z.Write(body) // into memory
		_ = z.Close()
		f.note(p.name, float64(len(body))/1024, "KB", fmt.Sprintf("%.1f KB gzipped", float64(small.Len())/1024))
	}
	return nil
}

func fetchBytes(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// rates are forms taken per second; their deliveries wait, as the target is
// paused.
func (f *formBench) rates(ctx context.Context) error {
	for _, l := range []struct {
		name string
		make func(int) requester
	}{
		{"accepted without file", f.plainLoad("hook")},
		{"accepted with a 100 KB PDF", f.fileLoad},
	} {
		r, err := runLoad(ctx, f.child.address, f.Workers, f.Seconds.Duration, l.make)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		f.note(l.name, r.rate, "/s", fmt.Sprintf("p50 %s ms, p99 %s ms", figure(r.p50), figure(r.p99)))
	}
	before := f.child.busy()
	time.Sleep(2 * time.Second) // idle is what is left when nothing happens
	f.note("busy while a paused target's deliveries wait", 100*(f.child.busy()-before).Seconds()/2, "%", fmt.Sprint(f.number.Load(), " of them"))
	return nil
}

// busy is the child's time on the processor.
func (c *benchChild) busy() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var user, system int64
	_, _ = fmt.Sscan(fields[11], &user)
	_, _ = fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

// postLoad posts forms in which only a counter changes.
type postLoad struct {
	f       *formBench
	request []byte
	at      []int // places of the counter
}

const counterMark = "#########"

func newPostLoad(f *formBench, request string) *postLoad {
	l := &postLoad{f: f, request: []byte(request)}
	for i := 0; ; {
		n := strings.Index(request[i:], counterMark)
		if n < 0 {
			return l
		}
		l.at = append(l.at, i+n)
		i += n + len(counterMark)
	}
}

func (l *postLoad) next() []byte {
	text := fmt.Sprintf("9%08d", l.f.number.Add(1))
	for _, i := range l.at {
		copy(l.request[i:], text)
	}
	return l.request
}

var numbered = []byte(`{"number":"`)

func (l *postLoad) done(body []byte) error {
	if !bytes.HasPrefix(body, numbered) {
		return fmt.Errorf("refused: %.300s", body)
	}
	return nil
}

func (l *postLoad) counts() bool { return true }

func (f *formBench) plainLoad(form string) func(int) requester {
	return func(int) requester {
		body := url.Values{"topic": {"Касса"}, "name": {"Анна Иванова"}, "message": {"Молчит с утра"}}.Encode() + "&phone=%2B79" + counterMark
		return newPostLoad(f, fmt.Sprintf("POST /f/%s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", form, f.child.address, len(body), body))
	}
}

func (f *formBench) fileLoad(int) requester {
	const boundary = "------------------------d74496d66958873e"
	var body strings.Builder
	for _, v := range [][2]string{{"topic", "Касса"}, {"name", "Анна Иванова"}, {"phone", "+79" + counterMark}, {"message", "Молчит"}} {
		fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, v[0], v[1])
	}
	fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"check.pdf\"\r\nContent-Type: application/pdf\r\n\r\n", boundary)
	pdf := string(placeholderPDF("bench")) + "\n% " + counterMark + "\n"
	body.WriteString(pdf + strings.Repeat("% 100 KB of a check\n", (100<<10-len(pdf))/20))
	fmt.Fprintf(&body, "\r\n--%s--\r\n", boundary)
	return newPostLoad(f, fmt.Sprintf("POST /f/file HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n"+
		"Content-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n%s", f.child.address, boundary, body.Len(), body.String()))
}

func (f *formBench) drainHook(ctx context.Context) error {
	return f.drain(ctx, "hook", "an instant webhook")
}

func (f *formBench) drainCRM(ctx context.Context) error {
	if _, err := runLoad(ctx, f.child.address, f.Workers, min(f.Seconds.Duration, 2*time.Second), f.plainLoad("quick")); err != nil {
		return err
	}
	return f.drain(ctx, "quick", "the simulated Creatio")
}

// drain lets a target run and waits until nothing is on its way there.
func (f *formBench) drain(ctx context.Context, target, what string) error {
	waiting, err := f.waiting(ctx, target)
	if err != nil {
		return err
	}
	c := &deliveriesResumeCommand{folder: f.folder, Target: target}
	begin := time.Now()
	if err := workInside(ctx, c, &shell{in: emptyReader{}, out: io.Discard, err: f.sh.err}); err != nil {
		return err
	}
	for left := waiting; left > 0 && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if left, err = f.waiting(ctx, target); err != nil {
			return err
		}
		if time.Since(begin) > 5*time.Minute {
			return fmt.Errorf("drain to %s: %v are left after five minutes", what, left)
		}
	}
	f.note("delivered to "+what, waiting/time.Since(begin).Seconds(), "/s", fmt.Sprintf("%.0f in %v", waiting, time.Since(begin).Round(time.Millisecond)))
	return nil
}

// waiting counts what is not done at a target.
func (f *formBench) waiting(ctx context.Context, target string) (total float64, err error) {
	body, err := fetchBytes(ctx, f.client, "http://"+f.child.address+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(body)) {
		rest, ours := strings.CutPrefix(line, "styk_deliveries{")
		labels, value, _ := strings.Cut(rest, "} ")
		var n float64
		if _, err := fmt.Sscan(value, &n); ours && err == nil && strings.Contains(labels, fmt.Sprintf("target=%q", target)) {
			total += n
		}
	}
	return total, nil
}

const (
	visitorsAtOnce = 10
	visitorRounds  = 4
)

func (f *formBench) visitors(ctx context.Context) error {
	if err := f.visit(ctx, "slow", 1, true, ""); err != nil { // the first of a process logs in
		return err
	}
	return f.visit(ctx, "slow", visitorRounds, true, "the CRM's number, each of its calls 300 ms")
}

func (f *formBench) deadCRM(ctx context.Context) error {
	return f.visit(ctx, "dead", 1, false, "our number while the CRM is dead, wait 4 s")
}

// visit lets visitors send at once, round after round, and notes how long they
// wait for their number.
func (f *formBench) visit(ctx context.Context, form string, rounds int, foreign bool, name string) error {
	var mu sync.Mutex
	var times []time.Duration
	var failure error
	for range rounds {
		var all sync.WaitGroup
		for range visitorsAtOnce {
			all.Go(func() {
				took, err := f.post(ctx, form, foreign)
				mu.Lock()
				defer mu.Unlock()
				times = append(times, took)
				if err != nil {
					failure = err
				}
			})
		}
		all.Wait()
	}
	if failure != nil || name == "" {
		return failure
	}
	slices.Sort(times)
	f.note(name, times[(len(times)-1)*95/100].Seconds(), "s", fmt.Sprintf("p95 of %d, ten at once", len(times)))
	return nil
}

func (f *formBench) post(ctx context.Context, form string, foreign bool) (time.Duration, error) {
	values := url.Values{"topic": {"Касса"}, "name": {"Анна Иванова"}, "phone": {fmt.Sprintf("+79%09d", 900_000_000+f.number.Add(1))}, "message": {"Молчит"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.child.address+"/f/"+form, strings.NewReader(values.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	begin := time.Now()
	resp, err := f.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Number    string
		CRMNumber *string `json:"crm_number"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Number == "" || foreign && answer.CRMNumber == nil {
		return time.Since(begin), fmt.Errorf("form %s: no number within its wait (ours %q)", form, answer.Number)
	}
	return time.Since(begin), nil
}
