package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"styk"
	"styk/store"
	"styk/wallet"
)

// cardBench measures cards: made and changed over the wire as 1C does it, with a
// quiet and with a hanging push service, and passes printed.
type cardBench struct {
	*bench
	child   *benchChild
	push    *wallet.APNsSim
	pushAt  string // address
	trust   string // file
	hook    string // address of a receiver that answers late
	quiet   []string
	phones  []string // numbers of cards that are on phones and whose events go to the hook
	number  atomic.Int64
	request atomic.Int64
}

const (
	benchQuiet  = "5be000000000000000000001"
	benchPhones = "5be000000000000000000002"
	benchToken  = "bench-token-bench-token"
)

func (b *bench) measureCard(ctx context.Context) error {
	c := &cardBench{bench: b}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		if c.child != nil {
			c.child.kill()
		}
	}()
	if err := c.listen(ctx); err != nil {
		return err
	}
	if err := c.inHouse(ctx); err != nil {
		return err
	}
	var err error
	if c.child, err = c.start(ctx, "--push-service", "https://"+c.pushAt, "--push-trust", c.trust); err != nil {
		return err
	}
	if err := c.rates(ctx, "", benchQuiet, c.quiet); err != nil {
		return err
	}
	for _, f := range []wallet.SimFault{{Name: "connection", Value: "hang"}} {
		if err := c.push.Fault(f); err != nil {
			return err
		}
	}
	if err := c.rates(ctx, " while APNs hangs and the courier is busy", benchPhones, c.phones); err != nil {
		return err
	}
	c.note("memory after it", c.child.rss(), "MB", "")
	return nil
}

// listen plays Apple and a slow receiver of webhooks, in this process.
func (c *cardBench) listen(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.push, c.pushAt, c.trust = wallet.NewAPNsSim(wallet.SimAnyDevice()), l.Addr().String(), filepath.Join(c.dir, "push.pem")
	go func() { _ = servePushes(c.push, nil)(ctx, l) }() // ends with ctx
	if err := writeTrust(ctx, c.pushAt, c.trust); err != nil {
		return err
	}
	hook, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.hook = hook.Addr().String()
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(100 * time.Millisecond) // a receiver far away
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = server.Serve(hook) }() // ends with ctx
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return nil
}

const benchCards = `targets:
  - {name: hook, kind: webhook, parallel: 16, settings: {url: %q, secret: whsec_YmVuY2ggYmVuY2ggYmVuY2ggYmVuY2ggYmVuY2g=}}
tokens:
  - {name: bench, token: ` + benchToken + `, per_minute: 100000000}
card_templates:
  - {id: ` + benchQuiet + `, name: quiet, variables: &all [{name: CLIENT_NAME, type: string}, {name: BIRTHDAY, type: date}, {name: PHONE, type: phone, unique: true, required: true}, {name: EMAIL, type: email}, {name: BONUS, type: number}], images: {logo: logo.png, strip: strip.png, icon: icon.png}}
  - {id: ` + benchPhones + `, name: phones, targets: [hook], variables: *all}
`

// inHouse fills the folder, and measures what needs no wire.
func (c *cardBench) inHouse(ctx context.Context) error {
	pictures, err := noisyPictures()
	if err != nil {
		return err
	}
	h, err := openHouse(ctx, &c.folder, "bench", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer h.close()
	p := &problems{file: "bench.yaml", pictures: pictures}
	if _, err := applyWith(ctx, h, p, fmt.Appendf(nil, benchCards, "http://"+c.hook), false); err != nil {
		return err
	}
	for _, one := range []struct {
		template string
		into     *[]string
	}{{benchQuiet, &c.quiet}, {benchPhones, &c.phones}} {
		if err := c.issue(ctx, h, one.template, one.into); err != nil {
			return err
		}
	}
	return errors.Join(c.printPasses(ctx, h))
}

// issue makes the cards that are there before the load; those with phones are
// installed.
func (c *cardBench) issue(ctx context.Context, h *house, template string, into *[]string) error {
	for len(*into) < max(c.Contacts/10, 10) {
		var made []string
		err := h.db.Update(ctx, func(tx *store.Tx) error {
			made = nil
			for range importSlice {
				n := c.number.Add(1)
				card, _, err := h.cards.IssueIn(tx, wallet.New{Template: template, Source: "bench",
					Values: map[string]string{"CLIENT_NAME": "Анна Иванова", "PHONE": fmt.Sprintf("+78%09d", n), "BONUS": "0"}})
				if err != nil {
					return err
				}
				made = append(made, card.Number)
				if template != benchPhones {
					continue
				}
				_, _, err = tx.InstallCard(&styk.CardDevice{Card: card.ID, Device: card.Number, Platform: styk.OnApple, PushToken: card.Number + card.Number[:16] + card.Number})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		*into = append(*into, made...)
	}
	return nil
}

// rates makes and changes cards as 1C does.
func (c *cardBench) rates(ctx context.Context, when, template string, cards []string) error {
	create := func(int) requester {
		return c.load("createcard", "templateId="+template+"&values[%CLIENT_NAME%]=Анна Иванова&values[%BIRTHDAY%]=01.02.1990&values[%PHONE%]=+79"+
			counterMark+"&values[%EMAIL%]=&values[%BONUS%]=0", nil)
	}
	update := func(int) requester {
		return c.load("updatecard", "cardId="+cardMark+"&values[%BONUS%]="+counterMark, cards)
	}
	for _, l := range []struct {
		name string
		make func(int) requester
	}{{"createcard", create}, {"updatecard", update}} {
		r, err := runLoad(ctx, c.child.address, c.Workers, c.Seconds.Duration, l.make)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		c.note(l.name+when, r.rate, "/s", fmt.Sprintf("p50 %s ms, p99 %s ms", figure(r.p50), figure(r.p99)))
	}
	return nil
}

// cardLoad is a request with a counter and, for updates, a card by chance.
type cardLoad struct {
	*postLoad
	cards []string
	card  int // its place in the request
}

const cardMark = "!!!!!!!!!!!!!!!!!!!!!!!!"

func (c *cardBench) load(method, body string, cards []string) requester {
	text := fmt.Sprintf("POST /oapi/v1/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n\r\n%s", method, c.child.address, benchToken, len(body), body)
	l := &cardLoad{postLoad: newPostLoad(&formBench{}, text), cards: cards, card: bytes.Index([]byte(text), []byte(cardMark))}
	return &sharedCounter{l, &c.request}
}

// sharedCounter lets all workers count on.
type sharedCounter struct {
	*cardLoad
	n *atomic.Int64
}

func (l *sharedCounter) next() []byte {
	text := fmt.Sprintf("%09d", l.n.Add(1))
	for _, i := range l.at {
		copy(l.request[i:], text)
	}
	if l.card >= 0 {
		copy(l.request[l.card:], l.cards[rand.IntN(len(l.cards))])
	}
	return l.request
}

func (l *sharedCounter) done(body []byte) error {
	if !bytes.Contains(body, []byte(`"code":200`)) {
		return fmt.Errorf("refused: %.300s", body)
	}
	return nil
}

// printPasses measures one core: passes signed anew, and unchanged ones.
func (c *cardBench) printPasses(ctx context.Context, h *house) error {
	size := 0
	fresh, err := perSecond(c.Seconds.Duration, func(i int) error {
		number := c.quiet[i%len(c.quiet)]
		if i >= len(c.quiet) { // no more that were never printed: this one changes
			if _, _, err := h.cards.Update(ctx, number, map[string]string{"BONUS": fmt.Sprint(i)}, store.By{}); err != nil {
				return err
			}
		}
		p, err := h.cards.Pass(ctx, number)
		if err == nil {
			size = len(p.Data)
		}
		return err
	})
	if err != nil {
		return err
	}
	c.note("passes signed, one at a time", fresh, "/s", fmt.Sprintf("%d KB each", size>>10))
	kept, err := perSecond(c.Seconds.Duration, func(int) error {
		_, err := h.cards.Pass(ctx, c.quiet[0])
		return err
	})
	c.note("unchanged passes, one at a time", kept, "/s", "")
	return err
}

// perSecond runs do one after the other for a while.
func perSecond(d time.Duration, do func(i int) error) (float64, error) {
	begin := time.Now()
	i := 0
	for ; time.Since(begin) < d; i++ {
		if err := do(i); err != nil {
			return 0, err
		}
	}
	return float64(i) / time.Since(begin).Seconds(), nil
}

// noisyPictures are as large as pictures get that were never reduced: about
// 550 KB together in a pass.
func noisyPictures() (map[string][]byte, error) {
	all := map[string][]byte{}
	random := rand.New(rand.NewPCG(1, 1))
	for name, size := range map[string]image.Point{"logo.png": {480, 150}, "strip.png": {1125, 432}, "icon.png": {114, 114}} {
		picture := image.NewNRGBA(image.Rectangle{Max: size})
		for y := range size.Y {
			for x := range size.X {
				noise := uint8(random.IntN(10))
				picture.SetNRGBA(x, y, color.NRGBA{uint8(x) + noise, uint8(y) + noise, uint8(x*y/700) + noise, 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, picture); err != nil {
			return nil, err
		}
		all[name] = b.Bytes()
	}
	return all, nil
}
