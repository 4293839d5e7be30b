package cookie

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"styk/connect"
)

type connector struct {
	base     *url.URL
	recipe   *recipe
	settings map[string]any // user, password, secrets, values for the templates
	client   *http.Client
	now      func() time.Time
	idle     time.Duration

	turn    chan struct{} // held while looking at or renewing current
	current *session
}

// Check logs in anew and makes the recipe's harmless reading.
func (c *connector) Check(ctx context.Context) error {
	ctx = connect.Harmless(ctx)
	s, err := c.login(ctx, c.client)
	if err != nil || c.recipe.Check == nil {
		return err
	}
	data := sample(c.settings)
	data["session"] = s.values
	req, err := c.build(ctx, c.recipe.Check, data, nil)
	if err != nil {
		return connect.Permanent(err)
	}
	a, err := c.send(c.client, req, s)
	if err != nil {
		return err
	}
	if a.isExpired(c.recipe.Expired) {
		return noRights(a)
	}
	return c.judge(c.recipe.Check, a)
}

// Deliver walks through the recipe's steps.
func (c *connector) Deliver(ctx context.Context, p *connect.Parcel) error {
	if p.Ticket == nil {
		return connect.Permanentf("this connector takes tickets, not a %s", p.SubjectName())
	}
	r := &run{c: c, p: p, data: ticketData(c.settings, p.Ticket), made: map[string][]map[string]string{}}
	for _, s := range c.recipe.Steps {
		if err := r.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// run is one parcel's way through the recipe.
type run struct {
	c    *connector
	p    *connect.Parcel
	data map[string]any
	file *connect.File // of the step under way

	// made holds what the each-steps gave, by step and file: such a step sees
	// what earlier ones gave for the same file.
	made map[string][]map[string]string
}

func (r *run) steps() map[string]map[string]string {
	return r.data["steps"].(map[string]map[string]string)
}

func (r *run) step(ctx context.Context, s *step) error {
	// Left-out steps have empty values, so that later ones may ask for them.
	r.steps()[s.Name] = map[string]string{"id": "", "number": ""}
	if s.Each != "" {
		return r.eachFile(ctx, s)
	}
	if s.Look != nil {
		for name := range s.Look.take {
			r.steps()[s.Name][name] = ""
		}
	}
	return r.once(ctx, s, s.Name)
}

func (r *run) eachFile(ctx context.Context, s *step) error {
	for i := range r.p.Ticket.Files {
		r.made[s.Name] = append(r.made[s.Name], map[string]string{"id": "", "number": ""})
		for name, made := range r.made {
			r.steps()[name] = made[i]
		}
		r.file = &r.p.Ticket.Files[i]
		r.data["file"] = fileData(*r.file)
		if err := r.once(ctx, s, fmt.Sprintf("%s.%d", s.Name, i+1)); err != nil {
			return err
		}
	}
	r.file = nil
	delete(r.data, "file")
	return nil
}

func (r *run) once(ctx context.Context, s *step, name string) error {
	r.data["uuid"] = r.p.UUID(name)
	when, err := s.when.render(r.data)
	if err != nil {
		return connect.Permanent(fmt.Errorf("%s: when: %w", name, err))
	}
	if when = strings.TrimSpace(when); s.When != "" && (when == "" || when == "false") {
		return nil
	}
	if s.Look != nil {
		got, err := r.ask(ctx, s.Look)
		if err != nil && !errors.Is(err, connect.NotFound) {
			return fmt.Errorf("%s: %w", name, err)
		}
		for key, value := range got {
			r.steps()[s.Name][key] = value
		}
		return nil
	}
	if r.p.DryRun && s.Create.method() == http.MethodGet {
		return nil // it would read what was not written
	}
	done, err := r.p.Step(ctx, name, r.finder(s), func(ctx context.Context) (connect.Done, error) {
		got, err := r.ask(ctx, s.Create)
		if err != nil {
			return connect.Done{}, err
		}
		if s.Create.take["id"] != nil && got["id"] == "" {
			return connect.Done{}, fmt.Errorf("%w: no id in it", connect.ErrAnswer)
		}
		return r.done(got), nil
	})
	if err != nil {
		return err
	}
	r.steps()[s.Name]["id"], r.steps()[s.Name]["number"] = done.ID, done.Number
	return nil
}

// finder gives the look-up of a step whose outcome is unknown.
func (r *run) finder(s *step) connect.Find {
	if s.Find == nil {
		return connect.Repeatable
	}
	return func(ctx context.Context) (connect.Done, error) {
		got, err := r.ask(ctx, s.Find)
		if err != nil {
			return connect.Done{}, err
		}
		if got["id"] == "" {
			return connect.Done{}, connect.NotFound
		}
		return r.done(got), nil
	}
}

// done makes a receipt. A step whose answer names no id was given ours.
func (r *run) done(got map[string]string) connect.Done {
	d := connect.Done{ID: got["id"], Number: got["number"], URL: got["url"]}
	if d.ID == "" {
		d.ID, _ = r.data["uuid"].(string)
	}
	return d
}

// ask makes a call in the shared session, renewing it when it has died, and gives
// what q takes. A call that met a dead session did nothing, so it is repeated.
func (r *run) ask(ctx context.Context, q *request) (map[string]string, error) {
	var dead *session
	for {
		s, fresh, err := r.c.session(ctx, r.p.HTTP(), dead)
		if err != nil {
			return nil, err
		}
		r.data["session"] = s.values
		req, err := r.c.build(ctx, q, r.data, r.file)
		if errors.Is(err, errFile) {
			return nil, err // the bytes may be there again later
		}
		if err != nil {
			return nil, connect.Permanent(err)
		}
		a, err := r.c.send(r.p.HTTP(), req, s)
		if err != nil {
			return nil, err
		}
		if a.isExpired(r.c.recipe.Expired) {
			if fresh && dead != nil {
				return nil, noRights(a)
			}
			dead = s
			continue
		}
		if slices.Contains(q.None, a.resp.StatusCode) {
			return nil, connect.NotFound
		}
		if err := r.c.judge(q, a); err != nil {
			return nil, err
		}
		return a.takeAll(q, r.c.recipe.Empty), nil
	}
}

// noRights is the meaning of a refused session straight after its login.
func noRights(a *answer) error {
	err := &connect.StatusError{
		Status: a.resp.StatusCode, Text: connect.FirstWords(a.body), Location: a.resp.Header.Get("Location"),
	}
	return connect.Permanent(connect.Because(err,
		"Система не пускает сразу после входа: у пользователя интеграции нет прав, или неверно описан вход."))
}

// send signs a request with the session and reads the whole answer.
func (c *connector) send(client *http.Client, req *http.Request, s *session) (*answer, error) {
	s.sign(req, c.recipe.CSRF, c.now())
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	s.merge(resp.Header, c.recipe.Keep)
	body, err := connect.Read(resp)
	if err != nil {
		return nil, err
	}
	return newAnswer(resp, body), nil
}
