package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"styk"
	"styk/store"
	"styk/wallet"
)

type cardCommands struct {
	List        cardListCommand        `cmd:"" help:"List cards, the newest first."`
	Show        cardShowCommand        `cmd:"" help:"Show a card: its values, link, phones and history."`
	Templates   cardTemplatesCommand   `cmd:"" help:"List the card templates."`
	Listing     cardListingCommand     `cmd:"" help:"Print the 1C procedures for a template."`
	Certificate cardCertificateCommand `cmd:"" help:"Give styk Apple's certificate for passes, or list what it has."`
	Import      cardImportCommands     `cmd:"" help:"Take over cards from Passteam or from a CSV file."`
}

type cardListCommand struct {
	folder    `json:"-"`
	Template  string `placeholder:"ID" help:"Only cards of this template."`
	Installed bool   `help:"Only cards that are on a phone."`
	Deleted   bool   `help:"Deleted cards instead."`
	Limit     int    `default:"50" placeholder:"N" help:"How many."`
}

// Help implements kong.HelpProvider.
func (*cardListCommand) Help() string {
	return "Example:\n\n  styk card list --template 5be000000000000000000001 --installed"
}

func (c *cardListCommand) place() *folder { return &c.folder }
func (c *cardListCommand) existing() bool { return true }

func (c *cardListCommand) work(ctx context.Context, h *house, s *streams) error {
	q := store.CardQuery{Template: c.Template, Deleted: c.Deleted, Limit: min(max(c.Limit, 1), 10_000)}
	if c.Installed {
		q.Installed = &c.Installed
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	err := h.db.View(ctx, func(tx *store.Tx) error {
		cards, err := tx.Cards(q)
		if err != nil {
			return err
		}
		fmt.Fprintln(table, "CARD\tCODE\tBALANCE\tON A PHONE\tCHANGED\tTEMPLATE")
		for _, card := range cards {
			t, err := h.cards.TemplateIn(tx, card.Template)
			if err != nil {
				return err
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", card.Number, orDash(card.Code), orDash(t.Value(card, styk.MeansBalance)),
				installedText(card), h.moment(card.Modified), t.Name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return table.Flush()
}

func installedText(c *styk.Card) string {
	switch {
	case !c.Installed.IsZero():
		return "yes"
	case !c.Removed.IsZero():
		return "removed"
	}
	return "no"
}

type cardShowCommand struct {
	folder `json:"-"`
	Number string `arg:"" help:"The card's 24 digits."`
}

// Help implements kong.HelpProvider.
func (*cardShowCommand) Help() string {
	return "What its phones said last stands beside each: why a push did not come can be read there. Example:\n\n" +
		"  styk card show 5bea7e305abcfd6b708b4573"
}

func (c *cardShowCommand) place() *folder { return &c.folder }
func (c *cardShowCommand) existing() bool { return true }

func (c *cardShowCommand) work(ctx context.Context, h *house, s *streams) error {
	return h.db.View(ctx, func(tx *store.Tx) error {
		card, err := tx.Card(strings.ToLower(c.Number))
		if styk.CodeOf(err) == styk.NotFound {
			return wrongSetting("styk card list shows them", "there is no card %q", c.Number)
		}
		if err != nil {
			return err
		}
		t, err := h.cards.TemplateIn(tx, card.Template)
		if err != nil {
			return err
		}
		h.printCard(s, t, card)
		if err := h.printDevices(tx, s, t, card); err != nil {
			return err
		}
		return h.printCardHistory(tx, s, card)
	})
}

func (h *house) printCard(s *streams, t *styk.CardTemplate, card *styk.Card) {
	s.printf("card %s, %s\n", card.Number, t.Name)
	if !card.Deleted.IsZero() {
		s.printf("  deleted    %s\n", h.moment(card.Deleted))
	}
	s.printf("  code       %s\n  revision   %d of %s\n  made       %s by %s\n  on a phone %s\n", orDash(card.Code), card.Revision,
		h.moment(card.Modified), h.moment(card.Created), card.Source, installedText(card))
	if h.serving != nil { // another process does not know where it is reached
		s.printf("  page       %s\n", h.cards.URL(card.Number))
	}
	for _, name := range t.Names(card) {
		s.printf("  %%%s%% = %s\n", name, card.Values[name])
	}
	for _, w := range card.Warnings {
		s.printf("  warning: %s: %s\n", w.Field, w.Text)
	}
}

func (h *house) printDevices(tx *store.Tx, s *streams, t *styk.CardTemplate, card *styk.Card) error {
	development := h.cards.PassTypeOf(t) == wallet.DevelopmentPassType && h.cards.PushService == ""
	devices, err := tx.CardDevices(card.ID)
	if err != nil {
		return err
	}
	for _, d := range devices {
		s.printf("phone %s since %s\n", d.Platform, h.moment(d.Created))
		for _, f := range wallet.Diagnose(card, d, tx.Now(), development) {
			s.printf("  %s\n", f.Words)
		}
	}
	return nil
}

func (h *house) printCardHistory(tx *store.Tx, s *streams, card *styk.Card) error {
	changes, err := tx.CardHistory(card.ID, 0, 20)
	if err != nil {
		return err
	}
	for _, c := range changes {
		s.printf("%s %s by %s\n", h.moment(c.At), c.Op, orDash(c.Origin))
		for _, name := range keysOf(c.Fields) {
			s.printf("  %s: %s → %s\n", name, orNone(c.Fields[name][0]), orNone(c.Fields[name][1]))
		}
	}
	return nil
}

type cardTemplatesCommand struct {
	folder `json:"-"`
}

// Help implements kong.HelpProvider.
func (*cardTemplatesCommand) Help() string { return "Example:\n\n  styk card templates" }

func (c *cardTemplatesCommand) place() *folder { return &c.folder }
func (c *cardTemplatesCommand) existing() bool { return true }

func (c *cardTemplatesCommand) work(ctx context.Context, h *house, s *streams) error {
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	err := h.db.View(ctx, func(tx *store.Tx) error {
		templates, err := tx.CardTemplates()
		if err != nil {
			return err
		}
		fmt.Fprintln(table, "TEMPLATE\tNAME\tCARDS\tON PHONES\tVARIABLES")
		for _, t := range templates {
			cards, err := tx.CountCards(t.ID)
			if err != nil {
				return err
			}
			installed, err := tx.CardsOnPhones(t.ID)
			if err != nil {
				return err
			}
			fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", t.ID, t.Name, cards, installed, strings.Join(variableNames(t), " "))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return table.Flush()
}

func variableNames(t *styk.CardTemplate) []string {
	var names []string
	for i := range t.Variables {
		names = append(names, t.Variables[i].Name)
	}
	return names
}

// templateNamed finds a template by its id, or by its name where one has it
// alone.
func (h *house) templateNamed(ctx context.Context, text string) (*styk.CardTemplate, error) {
	var all []*styk.CardTemplate
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.CardTemplates()
		return err
	})
	if err != nil {
		return nil, err
	}
	var fit []*styk.CardTemplate
	var known []string
	for _, t := range all {
		known = append(known, t.ID)
		if t.ID == strings.ToLower(text) || styk.Fold(t.Name) == styk.Fold(text) {
			fit = append(fit, t)
		}
	}
	if len(fit) == 1 {
		return fit[0], nil
	}
	hint := "describe it in the section card_templates of a file, then styk apply FILE.yaml"
	if len(known) > 0 {
		slices.Sort(known)
		hint = "there are " + strings.Join(known, ", ")
	}
	return nil, wrongSetting(hint, "there is no card template %q", text)
}
