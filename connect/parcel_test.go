package connect_test

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"styk/connect"
)

func bind(m *connect.Memory) *connect.Parcel {
	p := &connect.Parcel{ID: "d1", Ticket: &connect.Ticket{ID: "t1"}}
	return p.Bind(m.Effects(nil))
}

func TestStepIsRunOnce(t *testing.T) {
	t.Parallel()
	m := &connect.Memory{}
	calls := 0
	create := func(context.Context) (connect.Done, error) {
		calls++
		return connect.Done{ID: "42", Number: "SR-1"}, nil
	}
	find := func(context.Context) (connect.Done, error) {
		t.Error("find was called for a step that was never started")
		return connect.Done{}, connect.NotFound
	}
	for range 3 {
		d, err := bind(m).Step(t.Context(), "case", find, create)
		if err != nil || d.ID != "42" {
			t.Fatalf("got %v, %v", d, err)
		}
	}
	if calls != 1 || m.Number() != "SR-1" {
		t.Errorf("got %d calls, number %q", calls, m.Number())
	}
}

func TestStartedStepIsLookedUpFirst(t *testing.T) {
	t.Parallel()
	unknown := errors.New("connection reset")
	cases := []struct {
		name      string
		find      error
		wantError error
		created   bool
	}{
		{"found", nil, nil, false},
		{"surely not there", connect.NotFound, nil, true},
		{"nobody knows", unknown, unknown, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := &connect.Memory{}
			_, err := bind(m).Step(t.Context(), "case", nil, func(context.Context) (connect.Done, error) {
				return connect.Done{}, unknown
			})
			if !errors.Is(err, unknown) || m.State["case"] != connect.StepStarted {
				t.Fatalf("got %v, state %q", err, m.State["case"])
			}
			created := false
			_, err = bind(m).Step(t.Context(), "case",
				func(context.Context) (connect.Done, error) { return connect.Done{ID: "1"}, c.find },
				func(context.Context) (connect.Done, error) { created = true; return connect.Done{ID: "2"}, nil })
			if !errors.Is(err, c.wantError) || created != c.created {
				t.Errorf("got error %v, created %v; want %v, %v", err, created, c.wantError, c.created)
			}
		})
	}
}

func TestNothingIsSentWithoutTheLease(t *testing.T) {
	t.Parallel()
	lost := errors.New("lease lost")
	e := (&connect.Memory{}).Effects(nil)
	e.Start = func(context.Context, string) error { return lost }
	p := (&connect.Parcel{}).Bind(e)
	_, err := p.Step(t.Context(), "case", nil, func(context.Context) (connect.Done, error) {
		t.Error("created without the lease")
		return connect.Done{}, nil
	})
	if !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
}

func TestWhatWasWrittenIsSavedAfterCancel(t *testing.T) {
	t.Parallel()
	m := &connect.Memory{}
	e := m.Effects(nil)
	save := e.Save
	e.Save = func(ctx context.Context, step string, d connect.Done) error {
		if ctx.Err() != nil {
			t.Error("save got the cancelled context")
		}
		return save(ctx, step, d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := (&connect.Parcel{}).Bind(e).Step(ctx, "case", nil, func(context.Context) (connect.Done, error) {
		cancel()
		return connect.Done{ID: "1"}, nil
	})
	if err != nil || m.Done["case"].ID != "1" {
		t.Errorf("got %v, %v", m.Done, err)
	}
}

func TestDryStepGoesOn(t *testing.T) {
	t.Parallel()
	m := &connect.Memory{}
	p := bind(m)
	p.DryRun = true
	d, err := p.Step(t.Context(), "account", nil, func(context.Context) (connect.Done, error) {
		return connect.Done{}, connect.ErrDryRun
	})
	if err != nil || d.ID != p.UUID("account") || len(m.State) != 0 {
		t.Errorf("got %v, %v, stored %v", d, err, m.State)
	}
}

// Whatever breaks, a foreign system with a truthful find gets one record.
func TestOneRecordWhateverBreaks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		records := map[string]int{}
		m := &connect.Memory{}
		broken := errors.New("broken")
		for attempt := 0; attempt < 30; attempt++ {
			e := m.Effects(nil)
			save := e.Save
			e.Save = func(ctx context.Context, step string, d connect.Done) error {
				if rapid.Bool().Draw(t, "saveFails") {
					return broken
				}
				return save(ctx, step, d)
			}
			p := (&connect.Parcel{ID: "d"}).Bind(e)
			failed := false
			for _, step := range []string{"contact", "case", "file.1"} {
				_, err := p.Step(context.Background(), step,
					func(context.Context) (connect.Done, error) {
						if records[step] == 0 {
							return connect.Done{}, connect.NotFound
						}
						return connect.Done{ID: step}, nil
					},
					func(context.Context) (connect.Done, error) {
						switch rapid.IntRange(0, 2).Draw(t, "fault") {
						case 0: // lost on the way there
							return connect.Done{}, broken
						case 1: // lost on the way back
							records[step]++
							return connect.Done{}, broken
						}
						records[step]++
						return connect.Done{ID: step}, nil
					})
				if err != nil {
					failed = true
					break
				}
			}
			if !failed {
				break
			}
		}
		for step, n := range records {
			if n != 1 {
				t.Fatalf("%s was made %d times", step, n)
			}
		}
	})
}
