package creatio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"styk/connect"
)

// Names of the wire that both halves of this folder speak.
const (
	loginPath    = "/ServiceModel/AuthService.svc/Login"
	csrfCookie   = "BPMCSRF"
	csrfNewer    = "CRT_CSRF" // newest .NET releases; wins when both are there
	tokenPath    = "/connect/token"
	uploadPath   = "/rest/FileApiService/UploadFile"
	odataPath    = "/odata/"
	jsonType     = "application/json; charset=utf-8"
	odataType    = "application/json; charset=utf-8; IEEE754Compatible=true"
	forceSession = "ForceUseSession"
)

// session is what one login gave. A session is never changed: answers that set
// cookies make a copy with the same generation, so cookie and CSRF header of a
// request always come from one place (spec/creatio.md 5 traps 1 and 2).
type session struct {
	generation uint64
	cookies    map[string]string
	bearer     string    // OAuth instead of cookies
	until      time.Time // OAuth: to be renewed from here on; zero = by idleness
}

// csrf gives the header that repeats the readable cookie, if there is one.
func (s *session) csrf() (name, value string) {
	for _, name := range []string{csrfNewer, csrfCookie} {
		if value := s.cookies[name]; value != "" {
			return name, value
		}
	}
	return "", ""
}

// sign puts the session on a request.
func (s *session) sign(h http.Header) {
	if s.bearer != "" {
		h.Set("Authorization", "Bearer "+s.bearer)
		return
	}
	h.Set(forceSession, "true")
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(s.cookies)) {
		pairs = append(pairs, name+"="+s.cookies[name])
	}
	if len(pairs) > 0 {
		h.Set("Cookie", strings.Join(pairs, "; "))
	}
	if name, value := s.csrf(); name != "" {
		h.Set(name, value)
	}
}

// with gives the session after an answer: every Set-Cookie of every answer
// counts, values are copied unchanged (they hold "/", "+" and "=").
func (s *session) with(header http.Header, now time.Time) *session {
	lines := header.Values("Set-Cookie")
	if len(lines) == 0 || s.bearer != "" {
		return s
	}
	next := *s
	next.cookies = maps.Clone(s.cookies)
	if next.cookies == nil {
		next.cookies = map[string]string{}
	}
	for _, line := range lines {
		pair, attributes, _ := strings.Cut(line, ";")
		name, value, found := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			continue
		}
		if ended(attributes, now) {
			delete(next.cookies, name)
		} else {
			next.cookies[name] = strings.TrimSpace(value)
		}
	}
	return &next
}

// ended reads the attributes by which a server takes a cookie back.
func ended(attributes string, now time.Time) bool {
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(attribute), "=")
		switch strings.ToLower(name) {
		case "max-age":
			return value == "0" || strings.HasPrefix(value, "-")
		case "expires":
			if at, err := http.ParseTime(value); err == nil && !at.After(now) {
				return true
			}
		}
	}
	return false
}

// current gives a session to work with and whether it was made just now.
func (c *Client) current(ctx context.Context, out *http.Client) (s *session, fresh bool, err error) {
	c.mu.Lock()
	s, idle := c.session, c.cfg.Now().Sub(c.used)
	c.mu.Unlock()
	switch {
	case s == nil:
	case !s.until.IsZero() && !c.cfg.Now().Before(s.until):
	case s.until.IsZero() && idle >= c.cfg.SessionIdle*8/10: // spec/creatio.md 1.5
	default:
		return s, false, nil
	}
	var dead uint64
	if s != nil {
		dead = s.generation
	}
	s, err = c.renew(ctx, out, dead)
	return s, true, err
}

// renew gives a session newer than the dead generation. Of all who ask at
// once, one signs in and the others take what it got.
func (c *Client) renew(ctx context.Context, out *http.Client, dead uint64) (*session, error) {
	select {
	case c.signing <- struct{}{}:
		defer func() { <-c.signing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	s, rejected := c.session, c.rejected
	c.mu.Unlock()
	if s != nil && s.generation > dead {
		return s, nil
	}
	// Two rejections in a row lock the account in many installations, so the
	// third is a person's to ask for (spec/creatio.md 1.9).
	if rejected >= 2 {
		return nil, because(errors.New("sign in: rejected twice, not tried a third time"),
			"CRM дважды отвергла вход. Чтобы не заблокировать пользователя, больше не пробуем: исправьте вход и нажмите «Проверить связь».")
	}
	s, err := c.signIn(connect.Harmless(ctx), out)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		if connect.IsStop(err) {
			c.rejected++
		}
		return nil, err
	}
	c.generations++
	s.generation = c.generations
	c.session, c.used, c.rejected = s, c.cfg.Now(), 0
	return s, nil
}

func (c *Client) signIn(ctx context.Context, out *http.Client) (*session, error) {
	if c.cfg.OAuth() {
		return c.fetchToken(ctx, out)
	}
	s, err := c.login(ctx, out)
	if err != nil {
		return nil, err
	}
	if name, _ := s.csrf(); name != "" {
		return s, nil
	}
	// Some BPMSoft builds give the CSRF cookie with the application's first page
	// (spec/creatio.md 1.3). None at all means that checking is off.
	for _, page := range []string{"/", "/0/"} {
		h := http.Header{}
		s.sign(h)
		a, err := c.send(ctx, out, http.MethodGet, c.base+page, h, nil)
		if err != nil {
			return nil, fmt.Errorf("sign in: first page: %w", err)
		}
		s = s.with(a.header, c.cfg.Now())
		if name, _ := s.csrf(); name != "" {
			break
		}
	}
	return s, nil
}

// login is the call of spec/creatio.md 1.1, always at the site's root.
func (c *Client) login(ctx context.Context, out *http.Client) (*session, error) {
	body, err := json.Marshal(map[string]any{
		"UserName": c.cfg.User, "UserPassword": c.cfg.Password, "TimeZoneOffset": 0,
	})
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	h := http.Header{}
	h.Set("Content-Type", jsonType)
	h.Set("Accept", "application/json")
	h.Set(forceSession, "true")
	a, err := c.send(ctx, out, http.MethodPost, c.base+loginPath, h, bytesBody(body))
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if err := c.judgeLogin(a); err != nil {
		return nil, err
	}
	return (&session{}).with(a.header, c.cfg.Now()), nil
}

// because stops the whole target with a cause in the words of a person.
func because(err error, text string) error { return connect.Stop(connect.Because(err, text)) }

// judgeLogin explains every answer that is no session. What a person must mend
// stops the whole target; a site that is warming up is tried again.
func (c *Client) judgeLogin(a answer) error {
	switch {
	case a.status == http.StatusTooManyRequests || a.status >= 500:
		return c.transient("sign in", a)
	case a.status == http.StatusNotFound:
		return because(fmt.Errorf("sign in: no AuthService: %w", statusError(a)),
			"По этому адресу нет входа в Creatio (404). Проверьте адрес CRM.")
	case a.status == http.StatusForbidden:
		return because(fmt.Errorf("sign in: %w", statusError(a)),
			"CRM не пускает (403): проверьте лицензию пользователя и ограничения по адресам.")
	case a.status != http.StatusOK:
		return connect.Stop(fmt.Errorf("sign in: %w", statusError(a)))
	case a.isHTML():
		return because(errors.New("sign in: a web page instead of AuthService"),
			"Вместо входа в CRM пришла веб-страница: неверный адрес, прокси или единый вход (SSO).")
	}
	l, err := parseLogin(a.body)
	if err != nil {
		return because(fmt.Errorf("sign in: %w", err), "По этому адресу отвечает не Creatio. Проверьте адрес CRM.")
	}
	if l.ok() {
		return nil
	}
	return l.explain(c.cfg.Password)
}

// explain says why a login was rejected: the server's sentence, and what to do
// where the sentence is known. The password never gets out, even quoted.
func (l loginAnswer) explain(password string) error {
	text := l.Message
	if text == "" && l.Exception != nil {
		text = l.Exception.Message
	}
	if password != "" {
		text = strings.ReplaceAll(text, password, "***")
	}
	text = cut(text, 300)
	err := fmt.Errorf("sign in: rejected: %s", text)
	low := strings.ToLower(text)
	switch {
	case l.PasswordChangeURL != nil && *l.PasswordChangeURL != "":
		return because(err, "Пароль пользователя CRM истёк: задайте новый и отключите срок действия.")
	case strings.Contains(low, "licen") || strings.Contains(low, "лиценз"):
		return because(err, "У пользователя CRM нет лицензии.")
	case strings.Contains(low, "lock") || strings.Contains(low, "заблокир"):
		return because(err, "Пользователь CRM заблокирован: снимите блокировку в CRM.")
	}
	return because(err, "CRM отвергла вход: неверный пользователь или пароль.")
}

// fetchToken is the client credentials grant of spec/creatio.md 1.8.
func (c *Client) fetchToken(ctx context.Context, out *http.Client) (*session, error) {
	form := url.Values{
		"grant_type": {"client_credentials"},
		"client_id":  {c.cfg.ClientID}, "client_secret": {c.cfg.ClientSecret},
	}
	h := http.Header{}
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	h.Set("Accept", "application/json")
	a, err := c.send(ctx, out, http.MethodPost, c.identity+tokenPath, h, bytesBody([]byte(form.Encode())))
	if err != nil {
		return nil, fmt.Errorf("fetch token: %w", err)
	}
	var t struct {
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"`
		Error       string      `json:"error"`
	}
	switch bad := a.jsonBody(&t); {
	case a.status == http.StatusTooManyRequests || a.status >= 500:
		return nil, c.transient("fetch token", a)
	case bad != nil:
		return nil, because(fmt.Errorf("fetch token: status %d and no JSON", a.status),
			"Служба OAuth ответила не тем: проверьте identity_url.")
	case a.status != http.StatusOK || t.AccessToken == "":
		return nil, because(fmt.Errorf("fetch token: status %d %s", a.status, cut(t.Error, 100)),
			"Служба OAuth не дала токен: проверьте client_id и client_secret.")
	}
	life, err := t.ExpiresIn.Int64()
	if err != nil || life <= 0 {
		life = 3600
	}
	early := min(30*time.Second, time.Duration(life)*time.Second/2)
	until := c.cfg.Now().Add(time.Duration(life)*time.Second - early)
	return &session{bearer: t.AccessToken, until: until}, nil
}
