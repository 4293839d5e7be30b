package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"styk/connect"
)

type connector struct {
	url           string
	keys          [][]byte // newest first
	authorization string
	inline        int64
	timeout       time.Duration
	client        *http.Client
	now           func() time.Time
}

// Check sends an event of the type "ping", which a receiver answers with 2xx and
// otherwise leaves alone. There is nothing to read at a webhook, and only a
// signed request shows that both sides hold the same secret.
func (c *connector) Check(ctx context.Context) error {
	now := c.now()
	_, err := c.send(connect.Harmless(ctx), c.client, uuid.NewString(), event{"ping", now.UTC(), struct{}{}})
	return err
}

// Deliver sends one event. The webhook-id stays the same in every attempt, by
// which the receiver knows a repetition, so an unknown outcome is sent again.
func (c *connector) Deliver(ctx context.Context, p *connect.Parcel) error {
	_, err := p.Step(ctx, "event", connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
		e, err := c.event(ctx, p)
		if err != nil {
			return connect.Done{}, err
		}
		return c.send(ctx, p.HTTP(), p.UUID("event"), e)
	})
	return err
}

func (c *connector) event(ctx context.Context, p *connect.Parcel) (event, error) {
	switch {
	case p.Ticket != nil:
		return ticketEvent(ctx, p.Ticket, c.inline)
	case p.Card != nil:
		return cardEvent(p.Card), nil
	}
	return event{}, connect.Permanentf("a webhook takes tickets and card events, not a %s", p.SubjectName())
}

// send posts e and gives the receipt.
func (c *connector) send(ctx context.Context, client *http.Client, id string, e event) (connect.Done, error) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	req, err := c.request(ctx, id, e)
	if err != nil {
		return connect.Done{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return connect.Done{}, err
	}
	body, err := connect.Read(resp)
	if err != nil {
		return connect.Done{}, err
	}
	switch resp.StatusCode {
	case http.StatusGone: // the receiver asks never to be called again
		err := connect.Judge(resp, body, c.now())
		return connect.Done{}, connect.Stop(connect.Because(err,
			"Получатель закрыл адрес (410). Цель остановлена: укажите новый адрес."))
	case http.StatusUnauthorized:
		err := connect.Judge(resp, body, c.now())
		return connect.Done{}, connect.Because(err,
			"Получатель не принял подпись (401). Проверьте, что секрет одинаков с обеих сторон и часы идут верно.")
	}
	if err := connect.Judge(resp, body, c.now()); err != nil {
		return connect.Done{}, err
	}
	return readReceipt(id, body), nil
}

func (c *connector) request(ctx context.Context, id string, e event) (*http.Request, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, connect.Permanent(fmt.Errorf("encode event: %w", err))
	}
	raw := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(raw))
	if err != nil {
		return nil, connect.Permanent(errors.New("the address is not usable"))
	}
	now := c.now()
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "styk")
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("webhook-signature", sign(c.keys, id, now, raw))
	if c.authorization != "" {
		h.Set("Authorization", c.authorization)
	}
	return req, nil
}

// readReceipt takes what the receiver said of its record. Most say nothing, or
// no JSON: then the event's own id is the receipt.
func readReceipt(id string, body []byte) connect.Done {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var r receipt
	if d.Decode(&r) != nil {
		return connect.Done{ID: id}
	}
	return connect.Done{ID: cmp.Or(scalar(r.ID), id), Number: scalar(r.Number), URL: r.URL}
}

// scalar gives a text or number as text, short enough to be shown.
func scalar(v any) string {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case json.Number:
		s = v.String()
	}
	if len(s) > 100 {
		return ""
	}
	return s
}
