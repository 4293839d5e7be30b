package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"styk"
	"styk/store"
)

type tokenCommands struct {
	Add    tokenAddCommand    `cmd:"" help:"Make a token of the card API."`
	List   tokenListCommand   `cmd:"" help:"List the tokens."`
	Remove tokenRemoveCommand `cmd:"" help:"Take a token away: what used it is refused at once."`
}

type tokenAddCommand struct {
	folder    `json:"-"`
	Name      string   `arg:"" help:"Whose it is: 1c, till-7."`
	Token     string   `placeholder:"TEXT" help:"16–200 characters; without it one is made and printed once. - reads the standard input."`
	Templates []string `placeholder:"LIST" help:"Only cards of these templates (default: all)."`
	Always200 bool     `name:"always-200" help:"Answer with HTTP status 200 whatever happened; the code stands in the body."`
	PerMinute int      `placeholder:"N" help:"Calls a minute (default: the usual pace)."`
}

// Help implements kong.HelpProvider.
func (*tokenAddCommand) Help() string {
	return "What 1C puts into its header Authorization. Example:\n\n" +
		"  styk token add 1c\n  styk token add shop --templates 5be000000000000000000001 --per-minute 120"
}

func (c *tokenAddCommand) place() *folder { return &c.folder }

func (c *tokenAddCommand) prepare(sh *shell) error {
	if c.Token != "-" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(sh.in, 4<<10))
	c.Token = strings.TrimSpace(string(text))
	return err
}

func (c *tokenAddCommand) work(ctx context.Context, h *house, s *streams) error {
	t := &styk.CardToken{Name: c.Name, Templates: c.Templates, Always200: c.Always200, PerMinute: c.PerMinute}
	if faults := checkToken(t, c.Token); len(faults) > 0 {
		return wrongSetting(faults[0].hint, "%s: %s", tokenFlags[faults[0].field], faults[0].text)
	}
	secret := c.Token
	if secret == "" {
		secret = newAccessKey()
	}
	err := h.db.Update(ctx, func(tx *store.Tx) error {
		old, err := tokenNamed(tx, c.Name)
		if err != nil {
			return err
		}
		if old != nil {
			return wrongSetting("styk token remove "+c.Name+" takes it away", "there is a token %q already", c.Name)
		}
		if err := (&problems{file: "--templates"}).templatesExist(1, c.Templates)(tx); err != nil {
			return wrongSetting("styk card templates lists them", "--templates: one of them is not there")
		}
		return tx.SaveCardToken(t, secret)
	})
	if err != nil {
		return err
	}
	s.printf("token %s added\n", t.Name)
	if c.Token == "" {
		s.printf("its text, shown this once: %s\n", secret)
	}
	return nil
}

var tokenFlags = map[string]string{"name": "NAME", "token": "--token", "templates": "--templates", "per_minute": "--per-minute"}

type tokenListCommand struct {
	folder `json:"-"`
}

// Help implements kong.HelpProvider.
func (*tokenListCommand) Help() string { return "Example:\n\n  styk token list" }

func (c *tokenListCommand) place() *folder { return &c.folder }
func (c *tokenListCommand) existing() bool { return true }

func (c *tokenListCommand) work(ctx context.Context, h *house, s *streams) error {
	var tokens []*styk.CardToken
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		tokens, err = tx.CardTokens()
		return err
	})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tTEMPLATES\tLAST USE\tHTTP STATUS\tA MINUTE")
	for _, t := range tokens {
		status, pace := "as code", "usual"
		if t.Always200 {
			status = "always 200"
		}
		if t.PerMinute > 0 {
			pace = fmt.Sprint(t.PerMinute)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, tokenState(t, h.db.Now()), allOr(t.Templates), h.moment(t.Seen), status, pace)
	}
	return table.Flush()
}

func tokenState(t *styk.CardToken, now time.Time) string {
	switch {
	case t.Disabled:
		return "disabled"
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		return "expired"
	case t.User != 0:
		return "by login"
	}
	return "active"
}

// moment writes a time for people in the house's zone.
func (h *house) moment(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.In(h.zone).Format("02.01.2006 15:04")
}

type tokenRemoveCommand struct {
	folder `json:"-"`
	Name   string `arg:"" help:"Name of the token."`
}

// Help implements kong.HelpProvider.
func (*tokenRemoveCommand) Help() string { return "Example:\n\n  styk token remove 1c" }

func (c *tokenRemoveCommand) place() *folder { return &c.folder }
func (c *tokenRemoveCommand) existing() bool { return true }

func (c *tokenRemoveCommand) work(ctx context.Context, h *house, s *streams) error {
	err := h.db.Update(ctx, func(tx *store.Tx) error { return tx.DeleteCardToken(c.Name) })
	if styk.CodeOf(err) == styk.NotFound {
		return wrongSetting("styk token list shows them all", "there is no token %q", c.Name)
	}
	if err == nil {
		s.printf("token %s is taken away\n", c.Name)
	}
	return err
}
