package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"styk/connect"
)

// event is the body of every request.
type event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened, not when it was sent
	Data      any       `json:"data"`
}

type ticketData struct {
	ID        string          `json:"id"`
	Number    string          `json:"number"`
	CreatedAt time.Time       `json:"created_at"`
	Form      formData        `json:"form"`
	Topic     string          `json:"topic"`
	Message   string          `json:"message"`
	Contact   contactData     `json:"contact"`
	Fields    []connect.Value `json:"fields"`
	Files     []fileData      `json:"files"`
	StatusURL string          `json:"status_url"`
}

type formData struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

type contactData struct {
	Name    string `json:"name"`
	Last    string `json:"last_name"`
	First   string `json:"first_name"`
	Middle  string `json:"middle_name"`
	Phone   string `json:"phone"`
	Email   string `json:"email"`
	INN     string `json:"inn"`
	Company string `json:"company"`
}

type fileData struct {
	ID      string  `json:"id"`
	Field   string  `json:"field"`
	Name    string  `json:"name"`
	Type    string  `json:"type"`
	Size    int64   `json:"size"`
	SHA256  string  `json:"sha256"`
	URL     string  `json:"url"`
	Content *string `json:"content,omitempty"` // base64
}

type cardData struct {
	ID       string          `json:"id"`
	Template string          `json:"template"`
	URL      string          `json:"url"`
	Values   []connect.Value `json:"values"`
	Changed  []string        `json:"changed"`
}

// receipt is what a receiver may answer; all of it is optional.
type receipt struct {
	ID     any    `json:"id"` // text or number
	Number any    `json:"number"`
	URL    string `json:"url"`
}

func ticketEvent(ctx context.Context, t *connect.Ticket, inline int64) (event, error) {
	d := ticketData{
		ID: t.ID, Number: t.Number, CreatedAt: t.Created.UTC(),
		Form:  formData{t.Form, t.FormTitle},
		Topic: t.Topic, Message: t.Message,
		Contact: contactData{
			Name: t.Contact.Name, Last: t.Contact.Last, First: t.Contact.First, Middle: t.Contact.Middle,
			Phone: t.Contact.Phone, Email: t.Contact.Email, INN: t.Contact.INN, Company: t.Contact.Company,
		},
		Fields:    append([]connect.Value{}, t.Fields...),
		Files:     []fileData{},
		StatusURL: t.StatusURL,
	}
	for _, f := range t.Files {
		fd := fileData{f.ID, f.Field, f.Name, f.MIME, f.Size, f.SHA256, f.URL, nil}
		if f.Size <= inline && inline > 0 {
			content, err := encode(ctx, f)
			if err != nil {
				return event{}, fmt.Errorf("read file %s: %w", f.ID, err)
			}
			fd.Content = &content
		}
		d.Files = append(d.Files, fd)
	}
	return event{"ticket.created", t.Created.UTC(), d}, nil
}

func encode(ctx context.Context, f connect.File) (string, error) {
	r, err := f.Open(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(content), nil
}

func cardEvent(c *connect.CardEvent) event {
	return event{c.Event, c.At.UTC(), cardData{
		ID: c.Card, Template: c.Template, URL: c.URL,
		Values:  append([]connect.Value{}, c.Values...),
		Changed: append([]string{}, c.Changed...),
	}}
}

// sign gives the value of webhook-signature: one v1 signature for each key, so
// that a receiver that knows the old or the new one accepts (spec/creatio.md 6.3).
func sign(keys [][]byte, id string, at time.Time, body []byte) string {
	var out []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(out, " ")
}
