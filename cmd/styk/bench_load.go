package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the protocol's proof: spec/vtiger.md 2.2
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The load client shares the machine with what it measures, so it is frugal:
// one raw connection per worker, requests built once, answers hardly looked at.

// requester makes requests and looks at their answers.
type requester interface {
	// next gives the bytes of a whole request; they may be changed by the next.
	next() []byte
	// done looks at the body of its answer.
	done(body []byte) error
	// counts says whether the last request completes what is counted.
	counts() bool
}

type loadConn struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
}

func dialLoad(address string) (*loadConn, error) {
	conn, err := net.Dial("tcp", address) //nolint:noctx // loopback
	if err != nil {
		return nil, err
	}
	return &loadConn{conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (c *loadConn) close() { _ = c.conn.Close() }

func (c *loadConn) roundTrip(q requester) error {
	if _, err := c.conn.Write(q.next()); err != nil {
		return err
	}
	length := -1
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > 16 && bytes.EqualFold(line[:15], []byte("Content-Length:")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[15:]))); err != nil {
				return err
			}
		}
	}
	c.body = c.body[:0]
	if err := c.read(length); err != nil {
		return err
	}
	return q.done(c.body)
}

// read takes the body: of a known length, or in chunks.
func (c *loadConn) read(length int) error {
	chunked := length < 0
	for {
		if chunked {
			line, err := c.r.ReadString('\n')
			if err != nil {
				return err
			}
			n, err := strconv.ParseUint(strings.TrimSpace(line), 16, 31)
			if err != nil {
				return fmt.Errorf("the answer's length: %w", err)
			}
			length = int(n)
		}
		have := len(c.body)
		c.body = slices.Grow(c.body, length)[:have+length]
		if _, err := io.ReadFull(c.r, c.body[have:]); err != nil {
			return err
		}
		if !chunked {
			return nil
		}
		if _, err := c.r.Discard(2); err != nil || length == 0 {
			return err
		}
	}
}

var success = []byte(`{"success":true`)

func succeeded(body []byte) error {
	if !bytes.HasPrefix(body, success) {
		return fmt.Errorf("refused: %.300s", body)
	}
	return nil
}

// loadResult is what one load gave: per second, and milliseconds.
type loadResult struct{ rate, p50, p99 float64 }

// runLoad sends requests from many workers for a while.
func runLoad(ctx context.Context, address string, workers int, d time.Duration, make func(worker int) requester) (loadResult, error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var times []time.Duration
	var failure error
	begin := time.Now()
	end := begin.Add(d)
	for n := range workers {
		all.Go(func() {
			took, err := workLoad(ctx, address, end, make(n))
			mu.Lock()
			defer mu.Unlock()
			times = append(times, took...)
			if failure == nil {
				failure = err
			}
		})
	}
	all.Wait()
	if failure != nil || len(times) == 0 {
		return loadResult{}, errors.Join(failure, ctx.Err())
	}
	slices.Sort(times)
	ms := func(part float64) float64 {
		return float64(times[int(part*float64(len(times)-1))].Microseconds()) / 1000
	}
	return loadResult{rate: float64(len(times)) / time.Since(begin).Seconds(), p50: ms(0.5), p99: ms(0.99)}, nil
}

func workLoad(ctx context.Context, address string, end time.Time, q requester) (took []time.Duration, err error) {
	conn, err := dialLoad(address)
	if err != nil {
		return nil, err
	}
	defer conn.close()
	start := time.Now()
	for start.Before(end) && ctx.Err() == nil {
		if err := conn.roundTrip(q); err != nil {
			return took, err
		}
		now := time.Now()
		if q.counts() {
			took = append(took, now.Sub(start))
			start = now
		}
	}
	return took, nil
}

// loginLoad does handshakes: a challenge and a login are one.
type loginLoad struct {
	host    string
	token   string // "" asks for a challenge
	session string
}

func (l *loginLoad) next() []byte {
	if l.token == "" {
		return fmt.Appendf(nil, "GET /webservice.php?operation=getchallenge&username=bench HTTP/1.1\r\nHost: %s\r\n\r\n", l.host)
	}
	proof := md5.Sum([]byte(l.token + benchKey)) //nolint:gosec // the protocol's
	body := "operation=login&username=bench&accessKey=" + hex.EncodeToString(proof[:])
	return fmt.Appendf(nil, "POST /webservice.php HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		l.host, len(body), body)
}

func (l *loginLoad) done(body []byte) error {
	if l.token == "" {
		l.token = member(body, "token")
	} else {
		l.token, l.session = "", member(body, "sessionName")
	}
	return succeeded(body)
}

func (l *loginLoad) counts() bool { return l.token == "" }

// member cuts a text out of JSON whose shape is known.
func member(body []byte, name string) string {
	_, rest, _ := bytes.Cut(body, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}

// fixedLoad changes a few bytes of one prepared request.
type fixedLoad struct {
	request []byte
	change  func(request []byte) []byte
	check   func(body []byte) error
}

func (l *fixedLoad) next() []byte {
	l.request = l.change(l.request)
	return l.request
}

func (l *fixedLoad) done(body []byte) error { return l.check(body) }
func (l *fixedLoad) counts() bool           { return true }

// createLoad posts CreateContact as PHP's curl does an array: multipart. Every
// second phone is one that is there.
func (b *bench) createLoad(host, session string) func(int) requester {
	var fresh atomic.Int64
	return func(worker int) requester {
		const boundary = "------------------------d74496d66958873e"
		const number = "{number}"
		phone := strings.Repeat("#", len(benchPhone(0))) // a place of the same length
		var body strings.Builder
		for _, f := range [][2]string{{"operation", "CreateContact"}, {"sessionName", session}, {"firstname", "Василий"},
			{"secondname", "Алибабаевич"}, {"lastname", "Пупкинидзе"}, {"mobile", phone}, {"email", "rrrr@mail.ru"}, {"tgid", "111"},
			{"birthday", "1986-11-15"}, {"birthplace", "г. Владивосток"}, {"mailingstreet", "г. Калининград, д. " + number},
			{"inn", "321654987654"}, {"requisites", "шлите на карту в тинькофф"}} {
			fmt.Fprintf(&body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, f[0], f[1])
		}
		fmt.Fprintf(&body, "--%s--\r\n", boundary)
		text := fmt.Sprintf("POST /webservice.php HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nContent-Length: %d\r\nContent-Type: multipart/form-data; boundary=%s\r\n\r\n%s",
			host, body.Len(), boundary, body.String())
		atPhone, atNumber := strings.Index(text, phone), strings.Index(text, number)
		random := rand.New(rand.NewPCG(uint64(worker), 1)) //nolint:gosec // a load, no secret
		count := 0
		return &fixedLoad{request: []byte(text), check: succeeded, change: func(request []byte) []byte {
			count++
			n := random.IntN(b.Contacts)
			if count%2 == 0 {
				n = freshPhones + int(fresh.Add(1))
			}
			copy(request[atPhone:], benchPhone(n))
			copy(request[atNumber:], fmt.Sprintf("%08d", random.IntN(100_000_000)))
			return request
		}}
	}
}

func getRequest(host, session, operation, name, value string) []byte {
	return fmt.Appendf(nil, "GET /webservice.php?operation=%s&sessionName=%s&%s=%s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n",
		operation, session, name, url.QueryEscape(value), host)
}

var foundOne = []byte(`"mobile":"`)

func (b *bench) queryLoad(host, session string) func(int) requester {
	return func(worker int) requester {
		random := rand.New(rand.NewPCG(uint64(worker), 2)) //nolint:gosec // a load, no secret
		return &fixedLoad{check: mustFind, change: func([]byte) []byte {
			return getRequest(host, session, "query", "query", "select * from Contacts where mobile='"+benchPhone(random.IntN(b.Contacts))+"';")
		}}
	}
}

func (b *bench) retrieveLoad(host, session string) func(int) requester {
	return func(worker int) requester {
		random := rand.New(rand.NewPCG(uint64(worker), 3)) //nolint:gosec // a load, no secret
		return &fixedLoad{check: mustFind, change: func([]byte) []byte {
			return getRequest(host, session, "retrieve", "id", fmt.Sprintf("12x%d", b.ids[random.IntN(len(b.ids))]))
		}}
	}
}

func mustFind(body []byte) error {
	if !bytes.Contains(body, foundOne) {
		return fmt.Errorf("found nothing: %.300s", body)
	}
	return succeeded(body)
}
