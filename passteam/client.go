package passteam

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"styk/connect"
)

// DefaultURL is where the real Passteam is.
const DefaultURL = "https://getpass.passteam.ru"

// Client calls a real Passteam, or a styk, with one token. Set the exported
// fields before the first call and leave them; then it is safe for many
// goroutines, which share the rate.
//
// Errors are *RemoteError when Passteam refused, *AnswerError when what came
// back is no answer of Passteam, else of the connection; connect.Explain has a
// Russian sentence for each. None of them holds the token.
//
// Calls that only read are tried again after a broken answer, a refusal for
// rate and trouble over there; CreateCard and UpdateCard are sent once, since a
// second createcard could make a second card (spec/passteam.md 1.10).
type Client struct {
	URL    string // "" is DefaultURL; a path in it is kept in front of /oapi/v1
	Token  string
	Bearer bool         // send "Bearer TOKEN"; Passteam itself wants the bare token
	HTTP   *http.Client // nil: http.DefaultClient. Redirects are never followed

	PerMinute int           // calls; 0 is 60, what any tariff with the API should bear
	Timeout   time.Duration // of one request; 0 is 30 s

	mu   sync.Mutex
	next time.Time         // when the next call may go out
	path map[string]string // the name under which a method was found over there
	// Tests move these.
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

// maxRemoteAnswer bounds an answer of theirs.
const maxRemoteAnswer = 32 << 20 // bytes

// tries is how often a reading call is made at most.
const tries = 4

// RemoteTemplate is a template as theirs describes it.
type RemoteTemplate struct {
	ID, Name, PassTypeID, Style string
	Variables                   []Variable // names without per cent signs; nil when not told
	Cards                       int        // how many; 0 when not told
}

// RemoteCard is a card as theirs describes it.
type RemoteCard struct {
	ID, Code, TemplateID, URL string
	Installed                 bool
	CreatedAt                 time.Time // zero when not told
	Values                    []Value
}

// RemotePage is one page of cards.
type RemotePage struct {
	Cards        []RemoteCard
	Page         int
	Pages, Total int // 0 when not told
	Last         bool
}

// Templates lists the templates of the token's owner. Whether their variables
// come along depends on what the service knows: ask Template for each.
func (c *Client) Templates(ctx context.Context) ([]RemoteTemplate, error) {
	result, err := c.read(ctx, nil, MethodTemplates, MethodTemplateIDs, "gettemplatesids")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	return readTemplates(result)
}

// Template gives one template with its variables.
func (c *Client) Template(ctx context.Context, id string) (RemoteTemplate, error) {
	result, err := c.read(ctx, []Value{{FieldTemplateID, id}}, MethodTemplate, "gettemplateinfo")
	if err != nil {
		return RemoteTemplate{}, fmt.Errorf("read template %s: %w", id, err)
	}
	t, err := readTemplate(result)
	t.ID = cmp.Or(t.ID, id)
	return t, err
}

// Page gives one page of a template's cards, from page 1.
func (c *Client) Page(ctx context.Context, templateID string, page int) (RemotePage, error) {
	params := []Value{{FieldTemplateID, templateID}, {FieldPage, strconv.Itoa(page)}}
	result, err := c.read(ctx, params, "getCardsWithPagination")
	if err != nil {
		return RemotePage{}, fmt.Errorf("read page %d of the cards: %w", page, err)
	}
	return readPage(result, templateID, page)
}

// Pages gives the pages of a template's cards from the page from on, ending
// with the last or with an error. Whoever keeps the number of the last page he
// stored may start again from it. Cards made or deleted meanwhile shift the
// pages: a card may come twice, and a second run finds those that slipped by.
func (c *Client) Pages(ctx context.Context, templateID string, from int) iter.Seq2[RemotePage, error] {
	return func(yield func(RemotePage, error) bool) {
		first := "" // of the page before: a service that ignores the number gives one page for ever
		for page := max(from, 1); ; page++ {
			p, err := c.Page(ctx, templateID, page)
			if err == nil && len(p.Cards) > 0 && p.Cards[0].ID == first {
				err = connect.Because(fmt.Errorf("page %d of the cards is page %d again", page, page-1),
					"Passteam отдаёт одну и ту же страницу карт на разные номера страниц")
			}
			if !yield(p, err) || err != nil || p.Last {
				return
			}
			first = p.Cards[0].ID
		}
	}
}

// Card gives one card.
func (c *Client) Card(ctx context.Context, cardID string) (RemoteCard, error) {
	result, err := c.read(ctx, []Value{{FieldCardID, cardID}}, MethodCard, "getclient")
	if err != nil {
		return RemoteCard{}, fmt.Errorf("read card %s: %w", cardID, err)
	}
	return readCard(unwrap(result, "card", "client"), "")
}

// CreateCard makes a card and gives its id and link. After a *RemoteError with
// CodeTaken, or an error that leaves the outcome open, the card may be there
// under an id that is not known.
func (c *Client) CreateCard(ctx context.Context, templateID string, values []Value) (CardRef, error) {
	result, err := c.send(ctx, MethodCreateCard, append([]Value{{FieldTemplateID, templateID}}, named(values)...))
	if err != nil {
		return CardRef{}, fmt.Errorf("create a card: %w", err)
	}
	var ref CardRef
	if err := json.Unmarshal(result, &ref); err != nil || ref.CardID == "" {
		return CardRef{}, fmt.Errorf("create a card: %w", shapeless(MethodCreateCard, "no cardId"))
	}
	return ref, nil
}

// UpdateCard changes values of a card and tells whether it is installed.
func (c *Client) UpdateCard(ctx context.Context, cardID string, values []Value) (installed bool, err error) {
	result, err := c.send(ctx, MethodUpdateCard, append([]Value{{FieldCardID, cardID}}, named(values)...))
	if err != nil {
		return false, fmt.Errorf("update card %s: %w", cardID, err)
	}
	var r struct{ Card struct{ Installed bool } }
	if err := json.Unmarshal(result, &r); err != nil {
		return false, fmt.Errorf("update card %s: %w", cardID, shapeless(MethodUpdateCard, "no card"))
	}
	return r.Card.Installed, nil
}

func named(values []Value) []Value {
	out := make([]Value, len(values))
	for i, v := range values {
		out[i] = Value{FieldValues + "[%" + v.Name + "%]", v.Text}
	}
	return out
}

// read makes a reading call under the first of names that is known over there:
// most names are documented nowhere (spec/passteam.md 1.4).
func (c *Client) read(ctx context.Context, params []Value, names ...string) (json.RawMessage, error) {
	ctx = connect.Harmless(ctx)
	if known := c.known(names[0]); known != "" {
		return c.again(ctx, known, params)
	}
	var first error
	for _, name := range names {
		result, err := c.again(ctx, name, params)
		var refused *RemoteError
		if !errors.As(err, &refused) || refused.Code != CodeNotFound {
			if err == nil {
				c.found(names[0], name)
			}
			return result, err
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

func (c *Client) known(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.path[name]
}

func (c *Client) found(name, as string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.path == nil {
		c.path = map[string]string{}
	}
	c.path[name] = as
}

// again repeats a reading call while that may help.
func (c *Client) again(ctx context.Context, method string, params []Value) (json.RawMessage, error) {
	for n := 1; ; n++ {
		result, err := c.send(ctx, method, params)
		if err == nil || n == tries || ctx.Err() != nil || !Retryable(err) {
			return result, err
		}
		wait, asked := connect.Wait(err)
		if !asked {
			wait = time.Duration(n*n) * time.Second
		}
		if err := c.pause(ctx, min(wait, 2*time.Minute)); err != nil {
			return nil, err
		}
	}
}

// send makes one call and gives the result in its envelope.
func (c *Client) send(ctx context.Context, method string, params []Value) (json.RawMessage, error) {
	address, err := c.address(method)
	if err != nil {
		return nil, err
	}
	if err := c.turn(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, 30*time.Second))
	defer cancel()
	// Everything is escaped, brackets and per cent signs of the names too
	// (spec/passteam.md 1.10).
	form := url.Values{}
	for _, p := range params {
		form.Set(p.Name, p.Text)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", c.Token)
	if c.Bearer {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	way := http.DefaultClient
	if c.HTTP != nil {
		way = c.HTTP
	}
	direct := *way // a redirect would carry the token elsewhere
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := direct.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRemoteAnswer))
	if err != nil {
		return nil, err
	}
	return readAnswer(method, resp, body)
}

func (c *Client) address(method string) (string, error) {
	base := cmp.Or(c.URL, DefaultURL)
	u, err := url.Parse(strings.TrimSpace(base))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", connect.Because(errors.New("passteam: the address is none"), "Адрес Passteam записан неверно: нужен вид https://getpass.passteam.ru")
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), Root+"/"+Version) // people copy it with or without
	return u.Scheme + "://" + u.Host + path + Root + "/" + Version + "/" + method, nil
}

// turn waits until the rate lets one more call out.
func (c *Client) turn(ctx context.Context) error {
	gap := time.Minute / time.Duration(cmp.Or(c.PerMinute, 60))
	c.mu.Lock()
	now := time.Now()
	if c.now != nil {
		now = c.now()
	}
	wait := max(c.next.Sub(now), 0)
	c.next = now.Add(wait + gap)
	c.mu.Unlock()
	return c.pause(ctx, wait)
}

func (c *Client) pause(ctx context.Context, wait time.Duration) error {
	if c.sleep != nil {
		return c.sleep(ctx, wait)
	}
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
