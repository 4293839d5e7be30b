package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
)

// A Parcel is one delivery under way: one subject, and the effects the courier
// lends for this attempt. Exactly one of Ticket, Card, Upstream, Notice is set.
// A parcel is used by one goroutine.
type Parcel struct {
	ID      string // the delivery's, the same in every attempt
	Target  string // the target's name
	Attempt int    // 1 for the first
	DryRun  bool   // requests are shown, writes are not sent

	Ticket   *Ticket
	Card     *CardEvent
	Upstream *CardUpstream
	Notice   *Notice

	effects Effects
}

// Effects are what the courier does for a parcel. The functions are called from
// the goroutine that delivers, except Record.
type Effects struct {
	Client *http.Client // the only way out; see Transport

	// Load tells how far a step came in earlier attempts.
	Load func(ctx context.Context, step string) (StepState, Done, error)
	// Start stores that a step is about to write. It fails when the parcel now
	// belongs to somebody else; then nothing is sent. It may be called again.
	Start func(ctx context.Context, step string) error
	// Save stores what a step made and publishes Done.Number if there is one.
	// Its context is not cancelled with the attempt: what was written over there
	// must be remembered here.
	Save func(ctx context.Context, step string, d Done) error

	Warn   func(text string) // may be nil
	Record func(Exchange)    // may be nil; from any goroutine
}

// StepState says how far a step came.
type StepState string

// The states of a step. They are stored: never rename one.
const (
	StepNew     StepState = ""        // nothing was sent
	StepStarted StepState = "started" // it may have been written, or not
	StepDone    StepState = "done"
)

// Done is the receipt of a step.
type Done struct {
	ID     string // the foreign record
	Number string // what the visitor may quote; empty unless this step brings it
	URL    string // where a person opens the record; may be empty
}

// Bind lends p the effects and returns p.
func (p *Parcel) Bind(e Effects) *Parcel {
	p.effects = e
	return p
}

// HTTP is the only way out: a client with deadline, address guard, rate limit,
// masked recording, no redirects, and a dry-run mode that sends no write.
// A request that changes nothing over there but is not a GET (a login, a search
// by POST) must be made with a Harmless context; every other one inside Step.
func (p *Parcel) HTTP() *http.Client { return p.effects.Client }

// Warn leaves a remark for the operator on this attempt, in Russian: something
// was left out, and the parcel went all the same.
func (p *Parcel) Warn(format string, args ...any) {
	if p.effects.Warn != nil {
		p.effects.Warn(fmt.Sprintf(format, args...))
	}
}

// Record keeps an exchange that did not go through HTTP (a mail conversation).
func (p *Parcel) Record(x Exchange) {
	if p.effects.Record != nil {
		p.effects.Record(x)
	}
}

// Find looks a step's record up in the foreign system. NotFound means that it is
// surely not there; any other error, that nobody knows.
type Find func(context.Context) (Done, error)

// Create writes a step's record to the foreign system.
type Create func(context.Context) (Done, error)

// Repeatable is the Find of a step that may simply be sent again, because the
// foreign system itself knows the repetition (own ids, idempotency keys).
func Repeatable(context.Context) (Done, error) { return Done{}, NotFound }

// Step runs create unless the step is done. "Started" is stored before create;
// a step found started calls find first and creates only when find says NotFound.
// A Number is published when its step is saved, not when the parcel ends. The
// name is stored: lower-case words and digits joined by dots, unique in the
// parcel, the same in every attempt. Errors come back with the name before them.
func (p *Parcel) Step(ctx context.Context, name string, find Find, create Create) (Done, error) {
	ctx = context.WithValue(ctx, stepKey{}, name)
	state, done, err := p.effects.Load(ctx, name)
	if err != nil {
		return Done{}, fmt.Errorf("load step %s: %w", name, err)
	}
	if state == StepDone {
		return done, nil
	}
	if p.DryRun {
		return p.dryStep(ctx, name, create)
	}
	if state == StepStarted {
		done, err = find(Harmless(ctx))
		if err == nil {
			return p.save(ctx, name, done)
		}
		if !errors.Is(err, NotFound) {
			return Done{}, fmt.Errorf("%s: look up: %w", name, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return Done{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := p.effects.Start(ctx, name); err != nil {
		return Done{}, fmt.Errorf("start step %s: %w", name, err)
	}
	done, err = create(ctx)
	if err != nil {
		return Done{}, fmt.Errorf("%s: %w", name, err)
	}
	return p.save(ctx, name, done)
}

func (p *Parcel) save(ctx context.Context, name string, d Done) (Done, error) {
	if err := p.effects.Save(context.WithoutCancel(ctx), name, d); err != nil {
		return Done{}, fmt.Errorf("save step %s: %w", name, err)
	}
	return d, nil
}

// dryStep shows the request of a step. Later steps get the id that the record
// would have where the foreign system takes ours.
func (p *Parcel) dryStep(ctx context.Context, name string, create Create) (Done, error) {
	done, err := create(ctx)
	if errors.Is(err, ErrDryRun) {
		return Done{ID: p.UUID(name)}, nil
	}
	if err != nil {
		return Done{}, fmt.Errorf("%s: %w", name, err)
	}
	return done, nil
}

// space is the name space of the ids we choose in foreign systems. Changing it
// would double every record that is delivered again.
var space = uuid.MustParse("7a4c1d0e-53b1-4f0a-9d3e-1c6a2f5b8e90")

// UUID gives the id of a step's record for foreign systems that let us choose:
// the same for the same subject and step in every attempt, replay and process.
func (p *Parcel) UUID(step string) string {
	base := p.ID
	if p.Ticket != nil {
		base = p.Ticket.ID
	}
	return uuid.NewSHA1(space, []byte(base+"/"+step)).String()
}

type stepKey struct{}

// StepName gives the step that a request's context belongs to, or "".
func StepName(ctx context.Context) string {
	name, _ := ctx.Value(stepKey{}).(string)
	return name
}

type harmlessKey struct{}

// Harmless marks the requests made with the returned context as changing nothing
// in the foreign system, whatever their method: logins, searches by POST. They
// are sent in dry runs too. GET, HEAD and OPTIONS need no mark.
func Harmless(ctx context.Context) context.Context {
	return context.WithValue(ctx, harmlessKey{}, true)
}

// IsWrite tells whether req may change something in the foreign system.
func IsWrite(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	marked, _ := req.Context().Value(harmlessKey{}).(bool)
	return !marked
}

// Memory keeps steps in memory: for dry runs and tests. It may be used by one
// parcel at a time.
type Memory struct {
	State map[string]StepState
	Done  map[string]Done
	Order []string // steps in the order they were done
}

// Effects gives effects that keep the steps in m and go out by client.
func (m *Memory) Effects(client *http.Client) Effects {
	if m.State == nil {
		m.State, m.Done = map[string]StepState{}, map[string]Done{}
	}
	return Effects{
		Client: client,
		Load: func(_ context.Context, step string) (StepState, Done, error) {
			return m.State[step], m.Done[step], nil
		},
		Start: func(_ context.Context, step string) error {
			m.State[step] = StepStarted
			return nil
		},
		Save: func(_ context.Context, step string, d Done) error {
			if m.State[step] != StepDone {
				m.Order = append(m.Order, step)
			}
			m.State[step], m.Done[step] = StepDone, d
			return nil
		},
	}
}

// Number gives the published number, or "".
func (m *Memory) Number() string {
	for i := len(m.Order) - 1; i >= 0; i-- {
		if n := m.Done[m.Order[i]].Number; n != "" {
			return n
		}
	}
	return ""
}
