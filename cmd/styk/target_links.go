package main

import (
	"context"

	"styk"
	"styk/store"
)

type targetLinksCommand struct {
	folder `json:"-"`
	Name   string `arg:"" help:"Name of the target."`
	Close  bool   `help:"Close all of them: they lead nowhere from now on."`
}

// Help implements kong.HelpProvider.
func (*targetLinksCommand) Help() string {
	return "For a foreign system that was left, or that strangers may have read. Single links are closed and opened\n" +
		"again on the ticket. Example:\n\n  styk target links crm --close"
}

func (c *targetLinksCommand) place() *folder { return &c.folder }
func (c *targetLinksCommand) existing() bool { return true }

// linkSlice is how many links are closed in one transaction.
const linkSlice = 500

func (c *targetLinksCommand) work(ctx context.Context, h *house, s *streams) error {
	if err := h.checkName(ctx, c.Name); err != nil {
		return err
	}
	var target *styk.Target
	var open, all int
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		if target, err = tx.Target(c.Name); err == nil {
			open, all, err = tx.CountLinks(target.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !c.Close {
		s.printf("%s: %d links, %d of them open\n", c.Name, all, open)
		return nil
	}
	closed := int64(0)
	for n := int64(linkSlice); n == linkSlice; closed += n {
		err := h.db.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.CloseLinks(target.ID, linkSlice)
			return err
		})
		if err != nil {
			return err
		}
	}
	s.printf("%s: %d links closed\n", c.Name, closed)
	return nil
}
