package main

import (
	"context"
	"fmt"

	"styk"
	"styk/connect"
	"styk/store"
)

type targetCommands struct {
	Check targetCheckCommand `cmd:"" help:"Log in to a target and read one harmless thing."`
	List  targetListCommand  `cmd:"" help:"List the targets and what waits there."`
	Links targetLinksCommand `cmd:"" help:"Count the links to files that a target holds, or close them all."`
}

type targetCheckCommand struct {
	folder   `json:"-"`
	Name     string `arg:"" help:"Name of the target."`
	Requests bool   `help:"Show the exact requests and answers too."`
}

// Help implements kong.HelpProvider.
func (*targetCheckCommand) Help() string {
	return "Changes nothing over there. Says in plain words what is wrong; exit code 1 then. Example:\n\n" +
		"  styk target check crm --requests"
}

func (c *targetCheckCommand) place() *folder { return &c.folder }
func (c *targetCheckCommand) existing() bool { return true }

func (c *targetCheckCommand) work(ctx context.Context, h *house, s *streams) error {
	if err := h.checkName(ctx, c.Name); err != nil {
		return err
	}
	list, err := h.courier.Check(ctx, c.Name)
	if c.Requests {
		printExchanges(s, list)
	}
	if err != nil {
		s.printf("%s: %s\n  (%v)\n", c.Name, connect.Explain(err), err)
		return exitError(exitFailed)
	}
	s.printf("%s: связь есть, вход удался\n", c.Name)
	return nil
}

// checkName says which targets there are when the name is none of them.
func (h *house) checkName(ctx context.Context, name string) error {
	return h.db.View(ctx, func(tx *store.Tx) error {
		if _, err := tx.Target(name); styk.CodeOf(err) != styk.NotFound {
			return err
		}
		known, err := targetNames(tx)
		if err != nil {
			return err
		}
		hint := "describe it in the section targets of a file, then styk apply FILE.yaml"
		if len(known) > 0 {
			hint = meant(name, known)
		}
		return wrongSetting(hint, "there is no target %q", name)
	})
}

type targetListCommand struct {
	folder `json:"-"`
}

// Help implements kong.HelpProvider.
func (*targetListCommand) Help() string { return "Example:\n\n  styk target list" }

func (c *targetListCommand) place() *folder { return &c.folder }
func (c *targetListCommand) existing() bool { return true }

func (c *targetListCommand) work(ctx context.Context, h *house, s *streams) error {
	var targets []*styk.Target
	queues := map[styk.ID]store.QueueState{}
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		if targets, err = tx.Targets(); err != nil {
			return err
		}
		states, err := tx.QueueStates()
		for _, q := range states {
			queues[q.Target] = q
		}
		return err
	})
	if err != nil {
		return err
	}
	table := newSheet(s.out, "NAME", "KIND", "STATE", "WAITING", "UNDER WAY", "NEED A PERSON")
	for _, t := range targets {
		state := "running"
		if t.Disabled {
			state = "disabled"
		} else if !t.Paused.IsZero() {
			state = "paused: " + t.PausedWhy
		}
		q := queues[t.ID]
		table.row(t.Name, t.Kind, state, fmt.Sprint(q.Waiting), fmt.Sprint(q.UnderWay), fmt.Sprint(q.Failed))
	}
	return table.end()
}
