package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"styk"
	"styk/store"
	"styk/wallet"
)

// cardStorm changes cards while serve is killed again and again and Apple's push
// service misbehaves; phones fetch what they are told of.
type cardStorm struct {
	*tortureCommand
	dir    string
	sh     *shell
	client *http.Client
	house  *tortured
	push   *wallet.APNsSim
	pushAt string
	trust  string
	cards  []*stormCard
	phones map[string]*stormPhone // by push token; filled before the storm
	sent   atomic.Int64
	killed int
	faults int
	begin  time.Time
}

// stormCard is one card: its own sender changes it, one change after the other.
type stormCard struct {
	number, url string
	phone       string // of the holder: unique
	balance     int64  // the last that was answered with 200
}

const (
	stormTemplate = "5be000000000000000000001"
	stormToken    = "storm-token-storm-token"
	stormYAML     = `tokens:
  - {name: storm, token: ` + stormToken + `, per_minute: 100000000}
card_templates:
  - {id: ` + stormTemplate + `, name: storm, variables: [{name: CLIENT_NAME, type: string}, {name: PHONE, type: phone, unique: true, required: true}, {name: BONUS, type: number}]}
`
)

func (c *tortureCommand) runCards(ctx context.Context, sh *shell, dir string) error {
	s := &cardStorm{tortureCommand: c, dir: dir, sh: sh, begin: time.Now(), phones: map[string]*stormPhone{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * tortureSenders}}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		if s.house != nil && s.house.child != nil {
			s.house.child.kill()
		}
	}()
	for _, step := range []func(context.Context) error{s.prepare, s.issue, s.storm, s.settle} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.judge(ctx)
}

// prepare plays the push service here, where phones can be woken, and starts
// serve.
func (s *cardStorm) prepare(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.push = wallet.NewAPNsSim(wallet.SimAnyDevice(), wallet.SimOnPush(func(token string) {
		if p := s.phones[token]; p != nil {
			p.wake()
		}
	}))
	s.pushAt, s.trust = l.Addr().String(), filepath.Join(s.dir, "push.pem")
	go func() { _ = servePushes(s.push, nil)(ctx, l) }() // ends with ctx
	if err := writeTrust(ctx, s.pushAt, s.trust); err != nil {
		return err
	}
	file := filepath.Join(s.dir, "cards.yaml")
	if err := os.WriteFile(file, []byte(stormYAML), 0o600); err != nil {
		return err
	}
	s.house = &tortured{folder: folder{Data: filepath.Join(s.dir, "data"), Database: s.Database, Timezone: "Europe/Moscow"},
		more: []string{"--push-service", "https://" + s.pushAt, "--push-trust", s.trust}}
	if s.house.address, err = freeAddress(ctx); err != nil {
		return err
	}
	if err := s.house.apply(ctx, file); err != nil {
		return err
	}
	return s.house.start(ctx)
}

// issue makes the cards, and a phone for each.
func (s *cardStorm) issue(ctx context.Context) error {
	n := max(s.Cards/50, tortureSenders)
	for i := range n {
		c := &stormCard{phone: fmt.Sprintf("+7900%07d", i)}
		if err := s.create(ctx, c); err != nil {
			return err
		}
		s.cards = append(s.cards, c)
		p := newStormPhone(s, c, i)
		if err := p.install(ctx); err != nil {
			return fmt.Errorf("install card %s: %w", c.number, err)
		}
		s.phones[p.token] = p
	}
	return nil
}

// create is what 1C does: an answer that was lost is healed by the 409.
func (s *cardStorm) create(ctx context.Context, c *stormCard) error {
	a, err := s.call(ctx, "createcard", "templateId="+stormTemplate+"&values[%CLIENT_NAME%]=Анна Иванова&values[%PHONE%]="+c.phone+"&values[%BONUS%]=0")
	if err != nil {
		return err
	}
	if a.Code != 200 && a.Code != 409 || a.Result.CardID == "" {
		return fmt.Errorf("createcard: %+v", a)
	}
	c.number, c.url = a.Result.CardID, a.Result.CardURL
	return nil
}

// stormAnswer is what 1C reads.
type stormAnswer struct {
	Code    int
	Message string
	Result  struct{ CardID, CardURL string }
}

// call posts until an answer comes: serve may be dead just now.
func (s *cardStorm) call(ctx context.Context, method, body string) (a stormAnswer, err error) {
	for until := time.Now().Add(time.Minute); time.Now().Before(until) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		if a, err = s.post(ctx, method, body); err == nil && a.Code < 500 {
			return a, nil
		}
	}
	return a, errors.Join(fmt.Errorf("%s: no answer within a minute (%+v)", method, a), err, ctx.Err())
}

func (s *cardStorm) post(ctx context.Context, method, body string) (a stormAnswer, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.house.address+"/oapi/v1/"+method, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Authorization", stormToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.client.Do(r)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	return a, json.NewDecoder(resp.Body).Decode(&a)
}

// storm changes all cards while one kills and throws faults.
func (s *cardStorm) storm(ctx context.Context) error {
	all, group := errgroup.WithContext(ctx)
	perCard := max(s.Cards/len(s.cards), 1)
	for n := range tortureSenders {
		all.Go(func() error {
			for round := range perCard {
				for i := n; i < len(s.cards); i += tortureSenders {
					if err := s.change(group, s.cards[i], int64(round+1)); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	phones, stop := context.WithCancel(ctx)
	var awake errgroup.Group
	for _, p := range s.phones {
		awake.Go(func() error { return p.live(phones) })
	}
	all.Go(func() error { return s.torment(group, int64(perCard*len(s.cards))) })
	err := all.Wait()
	stop()
	return errors.Join(err, awake.Wait())
}

func (s *cardStorm) change(ctx context.Context, c *stormCard, balance int64) error {
	a, err := s.call(ctx, "updatecard", fmt.Sprintf("cardId=%s&values[%%BONUS%%]=%d", c.number, balance))
	if err != nil {
		return err
	}
	if a.Code != 200 {
		return fmt.Errorf("updatecard %s: %+v", c.number, a)
	}
	c.balance = balance
	s.sent.Add(1)
	return nil
}

// torment keeps step with the changes, so that kills fall all along the way.
func (s *cardStorm) torment(ctx context.Context, total int64) error {
	random := rand.New(rand.NewPCG(s.Seed, 11))
	faults := []string{"answer=503:2", "answer=429:2", "connection=cut:2", "connection=goaway:1", "commit-then=cut:2"}
	for n := range s.Kills {
		for s.sent.Load() < total*int64(n)/int64(s.Kills) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			time.Sleep(time.Millisecond)
		}
		f, err := wallet.ParseFault(faults[random.IntN(len(faults))])
		if err == nil {
			err = s.push.Fault(f)
		}
		if err != nil {
			return err
		}
		s.faults++
		time.Sleep(time.Duration(random.IntN(40)) * time.Millisecond)
		s.house.child.kill()
		s.killed++
		if err := s.house.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settleLater is behind every pause of a push that failed, and every claim of a
// process that died.
const settleLater = 24 * time.Hour

// settle lets the pushes that wait go as if a day had passed, then lets the
// phones fetch.
func (s *cardStorm) settle(ctx context.Context) error {
	s.push.Calm()
	s.house.child.kill()
	err := s.house.open(ctx, func(h *house) error {
		h.db.Now = func() time.Time { return time.Now().Add(settleLater) }
		var err error
		if h.cards.PushTrust, err = readTrust(s.trust); err != nil {
			return err
		}
		h.cards.PushService = "https://" + s.pushAt
		for n := 1; n > 0 && err == nil; {
			n, err = h.cards.PushDue(ctx)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := s.house.start(ctx); err != nil {
		return err
	}
	for _, p := range s.phones {
		if err := p.catchUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// judge compares store, senders and phones.
func (s *cardStorm) judge(ctx context.Context) error {
	s.house.child.kill()
	var wrong []string
	err := s.house.open(ctx, func(h *house) error {
		return h.db.View(ctx, func(tx *store.Tx) error {
			wrong = nil
			n, err := tx.CountCards(stormTemplate)
			if err != nil {
				return err
			}
			if n != len(s.cards) {
				wrong = append(wrong, fmt.Sprintf("%d cards are there, %d were made", n, len(s.cards)))
			}
			for _, c := range s.cards {
				card, err := tx.Card(c.number)
				if styk.CodeOf(err) == styk.NotFound {
					wrong = append(wrong, "card "+c.number+" is lost")
					continue
				}
				if err != nil {
					return err
				}
				if got := card.Values["BONUS"]; got != fmt.Sprint(c.balance) {
					wrong = append(wrong, fmt.Sprintf("card %s: balance %s, answered was %d", c.number, got, c.balance))
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	fetches := int64(0)
	for _, p := range s.phones {
		fetches += p.fetched
		if p.shown != p.card.balance {
			wrong = append(wrong, fmt.Sprintf("a phone shows %d of card %s, the store has %d", p.shown, p.card.number, p.card.balance))
		}
		wrong = append(wrong, p.broken...)
	}
	pushes := s.push.State()
	wrong = append(wrong, pushes.Broken...)
	fmt.Fprintf(s.sh.out, "%d updates of %d cards, %d kills, %d faults, %d calls of Apple, %d passes fetched, %v\n", s.sent.Load(), len(s.cards),
		s.killed, s.faults, pushes.Calls, fetches, time.Since(s.begin).Round(time.Second))
	if len(wrong) == 0 {
		fmt.Fprintln(s.sh.out, "store and phones agree: no card lost or doubled, no balance went back")
		return nil
	}
	for _, line := range wrong[:min(len(wrong), 50)] {
		fmt.Fprintln(s.sh.out, "WRONG:", line)
	}
	return exitError(exitFailed)
}
