package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"styk/wallet"
)

// stormPhone is an iPhone with one card: it registers, and at a push lists what
// changed and fetches it (spec/passteam.md 3.5). One goroutine lives in it.
type stormPhone struct {
	s      *cardStorm
	card   *stormCard
	device string
	token  string // Apple's
	secret string // of the pass
	tag    string
	since  string // Last-Modified of the pass that it has

	woken   atomic.Bool
	shown   int64 // balance on its card
	fetched int64
	broken  []string
}

func newStormPhone(s *cardStorm, c *stormCard, i int) *stormPhone {
	return &stormPhone{s: s, card: c, device: fmt.Sprintf("%032x", i+1), token: hex.EncodeToString(fmt.Appendf(nil, "%032d", i+1))}
}

func (p *stormPhone) wake() { p.woken.Store(true) }

// install takes the pass from the card's page and registers.
func (p *stormPhone) install(ctx context.Context) error {
	u, err := url.Parse(p.card.url)
	if err != nil {
		return err
	}
	status, _, body, err := p.do(ctx, http.MethodGet, u.Path+".pkpass", "", nil)
	if err != nil || status != http.StatusOK {
		return errors.Join(fmt.Errorf("the pass: %d %.200s", status, body), err)
	}
	if err := p.show(body); err != nil {
		return err
	}
	text := fmt.Appendf(nil, `{"pushToken":%q}`, p.token)
	status, _, body, err = p.do(ctx, http.MethodPost, "/wallet/v1/devices/"+p.device+"/registrations/"+wallet.DevelopmentPassType+"/"+p.card.number, p.secret, text)
	if err == nil && status != http.StatusCreated && status != http.StatusOK {
		err = fmt.Errorf("register: %d %.200s", status, body)
	}
	return err
}

// live answers pushes until ctx ends.
func (p *stormPhone) live(ctx context.Context) error {
	for ctx.Err() == nil {
		if p.woken.Swap(false) {
			if err := p.update(ctx); err != nil { // serve is dead just now: iOS tries again
				p.woken.Store(true)
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// catchUp answers the last push, if there is one that was not answered.
func (p *stormPhone) catchUp(ctx context.Context) error {
	if !p.woken.Swap(false) {
		return nil
	}
	return p.update(ctx)
}

func (p *stormPhone) update(ctx context.Context) error {
	path := "/wallet/v1/devices/" + p.device + "/registrations/" + wallet.DevelopmentPassType
	if p.tag != "" {
		path += "?passesUpdatedSince=" + url.QueryEscape(p.tag)
	}
	status, _, body, err := p.do(ctx, http.MethodGet, path, "", nil)
	if err != nil || status == http.StatusNoContent {
		return err
	}
	var list struct {
		LastUpdated   string
		SerialNumbers []string
	}
	if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK {
		return errors.Join(fmt.Errorf("list: %d %.200s", status, body), err)
	}
	for _, number := range list.SerialNumbers {
		if number != p.card.number {
			p.broken = append(p.broken, "a phone was told of the card "+number+", which it has not")
			continue
		}
		if err := p.fetch(ctx); err != nil {
			return err
		}
	}
	p.tag = list.LastUpdated
	return nil
}

func (p *stormPhone) fetch(ctx context.Context) error {
	status, head, body, err := p.do(ctx, http.MethodGet, "/wallet/v1/passes/"+wallet.DevelopmentPassType+"/"+p.card.number, p.secret, nil)
	switch {
	case err != nil || status == http.StatusNotModified:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("fetch: %d %.200s", status, body)
	}
	p.since = head.Get("Last-Modified")
	p.fetched++
	return p.show(body)
}

// show puts a pass on the screen; an older balance than the one there is what
// must never happen.
func (p *stormPhone) show(pass []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(pass), int64(len(pass)))
	if err != nil {
		return err
	}
	f, err := archive.Open("pass.json")
	if err != nil {
		return err
	}
	defer f.Close()
	var doc struct {
		AuthenticationToken string
		StoreCard           struct {
			HeaderFields []struct {
				Key   string
				Value json.RawMessage
			}
		}
	}
	if err := json.NewDecoder(f).Decode(&doc); err != nil {
		return err
	}
	p.secret = doc.AuthenticationToken
	for _, field := range doc.StoreCard.HeaderFields {
		balance, err := strconv.ParseInt(strings.Trim(string(field.Value), `"`), 10, 64)
		if err != nil {
			continue
		}
		if balance < p.shown {
			p.broken = append(p.broken, fmt.Sprintf("card %s: a phone showed %d and then %d", p.card.number, p.shown, balance))
		}
		p.shown = balance
		return nil
	}
	return errors.New("the pass has no balance in its header")
}

func (p *stormPhone) do(ctx context.Context, method, path, secret string, body []byte) (int, http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+p.s.house.address+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	if secret != "" {
		r.Header.Set("Authorization", "ApplePass "+secret)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodGet && p.since != "" && secret != "" {
		r.Header.Set("If-Modified-Since", p.since)
	}
	resp, err := p.s.client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, text, err
}
