package cookie

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"styk/connect"
)

// session is one login's cookies and taken values. Cookies that later answers
// set are merged in; cookies and CSRF header of a request come from one look.
type session struct {
	values map[string]string // taken from the login's answers

	mu      sync.Mutex
	cookies []*http.Cookie // in the order they were first set
	used    time.Time
}

func (s *session) sign(req *http.Request, rules []csrf, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = now
	var pairs []string
	for _, c := range s.cookies {
		pairs = append(pairs, c.Name+"="+asSent(c))
	}
	if pairs != nil {
		req.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	for _, rule := range rules {
		i := slices.IndexFunc(s.cookies, func(c *http.Cookie) bool { return c.Name == rule.Cookie })
		if i >= 0 {
			req.Header.Set(rule.Header, asSent(s.cookies[i]))
			return
		}
	}
}

// merge takes the cookies that an answer set. Values are kept as they came: they
// may hold / + = which must be repeated unchanged.
func (s *session) merge(h http.Header, keep []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range h.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil || (len(keep) > 0 && !slices.Contains(keep, c.Name)) {
			continue
		}
		i := slices.IndexFunc(s.cookies, func(k *http.Cookie) bool { return k.Name == c.Name })
		gone := c.MaxAge < 0 || c.Value == ""
		switch {
		case gone && i >= 0:
			s.cookies = slices.Delete(s.cookies, i, i+1)
		case gone:
		case i >= 0:
			s.cookies[i] = c
		default:
			s.cookies = append(s.cookies, c)
		}
	}
}

// asSent gives a cookie's value as it came over the wire.
func asSent(c *http.Cookie) string {
	if c.Quoted {
		return `"` + c.Value + `"`
	}
	return c.Value
}

func (s *session) stale(now time.Time, idle time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return idle > 0 && now.Sub(s.used) > idle
}

// session gives a session other than dead, logging in if nobody did meanwhile;
// fresh tells that this call did. Logins run one at a time: who waits for the
// turn finds the new session there.
func (c *connector) session(ctx context.Context, client *http.Client, dead *session) (s *session, fresh bool, err error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	if s := c.current; s != nil && s != dead && !s.stale(c.now(), c.idle) {
		return s, false, nil
	}
	c.current = nil
	s, err = c.login(connect.Harmless(ctx), client)
	if err != nil {
		return nil, false, fmt.Errorf("login: %w", err)
	}
	c.current = s
	return s, true, nil
}

func (c *connector) login(ctx context.Context, client *http.Client) (*session, error) {
	s := &session{values: map[string]string{}}
	data := sample(c.settings)
	data["session"] = s.values
	for _, q := range c.recipe.Login {
		for name := range q.take {
			s.values[name] = ""
		}
	}
	for _, q := range c.recipe.Login {
		req, err := c.build(ctx, q, data, nil)
		if err != nil {
			return nil, connect.Permanent(err)
		}
		a, err := c.send(client, req, s)
		if err != nil {
			return nil, err
		}
		if err := c.judgeLogin(q, a); err != nil {
			return nil, err
		}
		maps.Copy(s.values, a.takeAll(q, c.recipe.Empty))
	}
	if len(s.cookies) == 0 {
		return nil, connect.Because(fmt.Errorf("%w: no cookie was set", connect.ErrAnswer),
			"Система впустила, но не дала cookie. Проверьте запрос входа и список keep.")
	}
	return s, nil
}

// judgeLogin tells a rejected password, which no retry mends and which may lock
// the account, from a system that is not well.
func (c *connector) judgeLogin(q *request, a *answer) error {
	err := c.judge(q, a)
	code := a.resp.StatusCode
	denied := code == http.StatusUnauthorized || code == http.StatusForbidden ||
		errors.Is(err, errRefused) || errors.Is(err, connect.ErrAnswer) && a.value != nil
	if err == nil || !denied {
		return err
	}
	return connect.Stop(connect.Because(err,
		"Система не приняла логин или пароль. Цель остановлена, чтобы учётную запись не заблокировали: проверьте их."))
}
