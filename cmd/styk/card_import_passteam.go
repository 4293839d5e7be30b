package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"styk"
	"styk/connect"
	"styk/passteam"
	"styk/store"
)

type cardImportPassteamCommand struct {
	folder    `json:"-"`
	URL       string   `name:"url" placeholder:"URL" help:"Address of the service (default: Passteam's own)."`
	Token     string   `required:"" placeholder:"TOKEN" help:"The token 1C has used; - reads the standard input."`
	Template  []string `placeholder:"LIST" help:"Only these templates, by id (default: all of the token)."`
	PerMinute int      `placeholder:"N" help:"Calls a minute (default: 60, what every tariff bears)."`
	Update    bool     `help:"Bring cards that are here to the values they have there."`
	DryRun    bool     `help:"Look and compare only."`
}

// Help implements kong.HelpProvider.
func (*cardImportPassteamCommand) Help() string {
	return "Templates and cards keep their ids, so that nothing in 1C has to be written anew: change the host and the token there. " +
		"A cut import continues at its page; a second one changes nothing and prints what differs. Example:\n\n" +
		"  styk card import passteam --token - --dry-run < token.txt\n" +
		"  styk card import passteam --token - --template 5be000000000000000000001 < token.txt"
}

func (c *cardImportPassteamCommand) place() *folder { return &c.folder }

func (c *cardImportPassteamCommand) prepare(sh *shell) error {
	if c.Token != "-" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(sh.in, 4<<10))
	c.Token = strings.TrimSpace(string(text))
	return err
}

func (c *cardImportPassteamCommand) work(ctx context.Context, h *house, s *streams) error {
	client := &passteam.Client{URL: c.URL, Token: c.Token, PerMinute: c.PerMinute}
	ids := c.Template
	if len(ids) == 0 {
		all, err := client.Templates(ctx)
		if err != nil {
			return c.explain(err)
		}
		for _, t := range all {
			ids = append(ids, t.ID)
		}
	}
	for _, id := range ids {
		if err := c.template(ctx, h, s, client, id); err != nil {
			return err
		}
	}
	return nil
}

// explain words what a person can do about an error of the other service.
func (c *cardImportPassteamCommand) explain(err error) error {
	return fmt.Errorf("%s\n  (%w)", connect.Explain(err), err)
}

func (c *cardImportPassteamCommand) template(ctx context.Context, h *house, s *streams, client *passteam.Client, id string) error {
	remote, err := client.Template(ctx, id)
	if err != nil {
		return c.explain(err)
	}
	t, err := c.placeTemplate(ctx, h, s, remote)
	if err != nil {
		return err
	}
	run := &cardImport{h: h, template: t, dry: c.DryRun, update: c.Update}
	total, err := c.pages(ctx, s, client, run)
	if err != nil {
		return err
	}
	run.report(s)
	if total > 0 && total != run.made+run.same+run.updated+len(run.odd)+run.more {
		s.printf("  they count %d cards: if some were made while this ran, run it once more\n", total)
	}
	return nil
}

// placeTemplate finds the template here, or makes it as it is there.
func (c *cardImportPassteamCommand) placeTemplate(ctx context.Context, h *house, s *streams, remote passteam.RemoteTemplate) (*styk.CardTemplate, error) {
	t, err := h.cards.Template(ctx, remote.ID)
	if err == nil {
		for _, v := range remote.Variables {
			if t.Variable(v.Name) == nil {
				s.printf("template %s: the variable %s is not among ours; its values are kept as text\n", t.ID, v.Name)
			}
		}
		return t, nil
	}
	if styk.CodeOf(err) != styk.NotFound {
		return nil, err
	}
	t = &styk.CardTemplate{ID: remote.ID, Name: remote.Name}
	if t.Name == "" {
		t.Name = remote.ID
	}
	for _, v := range remote.Variables {
		kind := v.Type
		if !slices.Contains(styk.CardTypes, kind) {
			kind = styk.CardString
		}
		t.Variables = append(t.Variables, styk.CardVariable{Name: v.Name, Type: kind, Unique: v.Unique, Required: v.Required, Default: v.Default})
	}
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("their template cannot be copied; describe it in the section card_templates under the id %s: %w", remote.ID, err)
	}
	s.printf("+ template %s %s, variables %s\n", t.ID, t.Name, strings.Join(variableNames(t), " "))
	if c.DryRun {
		return t, nil
	}
	if _, err := h.cards.SaveTemplate(ctx, t, nil); err != nil {
		return nil, err
	}
	return h.cards.Template(ctx, remote.ID)
}

// pages takes page after page, and notes behind which one a restart begins. It
// gives how many cards they count.
func (c *cardImportPassteamCommand) pages(ctx context.Context, s *streams, client *passteam.Client, run *cardImport) (total int, err error) {
	source, id := "passteam "+client.URL, run.template.ID
	var reached styk.ID
	err = run.h.db.View(ctx, func(tx *store.Tx) (err error) {
		reached, _, err = tx.ImportState(source, id)
		return err
	})
	if err != nil {
		return 0, err
	}
	if reached > 0 && !c.DryRun {
		s.printf("template %s: continuing behind page %d\n", id, reached)
	} else {
		reached = 0
	}
	for page, err := range client.Pages(ctx, id, int(reached)+1) {
		if err != nil {
			return total, fmt.Errorf("template %s (the import continues when started again): %w", id, c.explain(err))
		}
		total = page.Total
		if reached > 0 {
			total = 0 // the pages before were counted by another run
		}
		if err := takePage(ctx, run, page); err != nil {
			return total, err
		}
		if c.DryRun {
			continue
		}
		at := styk.ID(page.Page)
		if page.Last { // the next run begins anew: it compares
			at = 0
		}
		err = run.h.db.Update(ctx, func(tx *store.Tx) error { return tx.SetImportState(source, id, at, page.Last) })
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func takePage(ctx context.Context, run *cardImport, page passteam.RemotePage) error {
	for _, card := range page.Cards {
		values := make(map[string]string, len(card.Values))
		for _, v := range card.Values {
			values[v.Name] = v.Text
		}
		old := oldCard{Number: card.ID, Code: card.Code, Values: values, Installed: card.Installed}
		var err error = errNoNumber
		if card.ID != "" {
			err = run.take(ctx, old)
		}
		if text, ok := refusal(err); ok {
			run.differs("%s: not taken: %s", orDash(card.ID), text)
		} else if err != nil {
			return fmt.Errorf("card %s: %w", card.ID, err)
		}
	}
	return nil
}

var errNoNumber = styk.FieldError(styk.Missing, "cardId", "required", "карта пришла без номера")
