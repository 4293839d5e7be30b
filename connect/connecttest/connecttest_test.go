package connecttest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"styk/connect"
	"styk/connect/connecttest"
)

// shelf is the smallest foreign system: PUT /ID stores a record, GET /?n= finds.
type shelf struct {
	mu      sync.Mutex
	records []record
}

type record struct{ ID, Number, Key string }

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rec record
	switch {
	case r.Header.Get("Key") != "let-me-in":
		http.Error(w, "key "+r.Header.Get("Key")+" is wrong", http.StatusUnauthorized)
	case r.Method == http.MethodGet:
		for _, old := range s.records {
			if old.Number == r.URL.Query().Get("n") {
				_ = json.NewEncoder(w).Encode(old)
				return
			}
		}
		fmt.Fprint(w, `{}`)
	case json.NewDecoder(r.Body).Decode(&rec) == nil:
		rec.ID = fmt.Sprint(len(s.records) + 1)
		s.records = append(s.records, rec)
		_ = json.NewEncoder(w).Encode(rec)
	}
}

func (s *shelf) count(number string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		if r.Number == number {
			n++
		}
	}
	return n
}

// clerk is a connector to the shelf; sin is what it does wrong.
type clerk struct {
	s   connect.Settings
	sin string
}

func (c clerk) call(ctx context.Context, client *http.Client, method, query string, body any) (connect.Done, error) {
	raw, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(ctx, method, c.s.Text("url")+"/?n="+query, bytes.NewReader(raw))
	if err != nil {
		return connect.Done{}, err
	}
	req.Header.Set("Key", c.s.Text("key"))
	resp, err := client.Do(req)
	if err != nil {
		return connect.Done{}, err
	}
	answer, err := connect.Read(resp)
	if err != nil {
		return connect.Done{}, err
	}
	if err := connect.Judge(resp, answer, c.s.Now()); err != nil {
		switch c.sin {
		case "all is permanent":
			return connect.Done{}, connect.Permanent(err)
		case "nothing is permanent":
			return connect.Done{}, errors.New(err.Error())
		}
		return connect.Done{}, err
	}
	var got record
	if err := connect.ReadJSON(resp, answer, &got); err != nil {
		return connect.Done{}, err
	}
	if got.ID == "" {
		return connect.Done{}, connect.NotFound
	}
	return connect.Done{ID: got.ID}, nil
}

func (c clerk) Check(ctx context.Context) error {
	if c.sin == "check looks away" {
		return nil
	}
	if _, err := c.call(ctx, c.s.Client, "GET", "check", nil); !errors.Is(err, connect.NotFound) {
		return err
	}
	return nil
}

func (c clerk) Deliver(ctx context.Context, p *connect.Parcel) error {
	client, n := p.HTTP(), p.Ticket.Number
	find := func(ctx context.Context) (connect.Done, error) { return c.call(ctx, client, "GET", n, nil) }
	create := func(ctx context.Context) (connect.Done, error) {
		return c.call(ctx, client, "PUT", "", record{Number: n})
	}
	switch c.sin {
	case "no look":
		find = connect.Repeatable
	case "outside a step":
		_, err := create(ctx)
		return err
	case "another client":
		client = http.DefaultClient
	case "deaf":
		ctx = context.WithoutCancel(ctx)
	case "swallows errors":
		_, _ = p.Step(ctx, "record", find, create)
		return nil
	}
	_, err := p.Step(ctx, "record", find, create)
	return err
}

func run(t *testing.T, sin string) {
	connecttest.Run(t, connecttest.Case{
		Kind: connect.Kind{
			Name: "shelf", Title: "Полка",
			Fields: []connect.Field{
				{Name: "url", Label: "Адрес", Type: connect.URL},
				{Name: "key", Label: "Ключ", Type: connect.Text, Secret: true},
			},
			New: func(s connect.Settings) (connect.Connector, error) { return clerk{s, sin}, nil },
		},
		New: func(*testing.T) *connecttest.Sim {
			s := &shelf{}
			return &connecttest.Sim{
				Handler:  s,
				Settings: func(url string) map[string]any { return map[string]any{"url": url, "key": "let-me-in"} },
				Records:  s.count,
			}
		},
	})
}

const sinEnv = "CONNECTTEST_SIN"

// TestHonest is also what the child processes of TestSins run.
func TestHonest(t *testing.T) { run(t, os.Getenv(sinEnv)) }

// A suite that passes everybody proves nothing: each sin fails where it should.
func TestSins(t *testing.T) {
	if os.Getenv(sinEnv) != "" {
		t.Skip("this is the child")
	}
	t.Parallel()
	sins := map[string]string{
		"no look":              "cut_and_retried/after_write_1",
		"outside a step":       "a_full_parcel_gives_a_receipt",
		"another client":       "a_full_parcel_gives_a_receipt",
		"deaf":                 "an_ended_context_sends_nothing",
		"swallows errors":      "refusals/400",
		"all is permanent":     "refusals/500",
		"nothing is permanent": "refusals/422",
		"check looks away":     "a_wrong_secret_fails_check",
	}
	for sin, where := range sins {
		t.Run(sin, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHonest$", "-test.failfast=false")
			child.Env = append(os.Environ(), sinEnv+"="+sin)
			var out bytes.Buffer
			child.Stdout, child.Stderr = &out, io.Discard
			if err := child.Run(); err == nil {
				t.Fatal("the suite passed")
			}
			if !strings.Contains(out.String(), "--- FAIL: TestHonest/"+where) {
				t.Errorf("%s passed; got\n%s", where, out.String())
			}
		})
	}
}
