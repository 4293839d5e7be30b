package main

import (
	"context"
	"net/url"
	"strings"

	"styk/wallet"
)

type cardListingCommand struct {
	folder   `json:"-"`
	Template string `arg:"" help:"Id or name of the template."`
	URL      string `name:"url" placeholder:"URL" help:"Address at which 1C reaches styk (default: that of the running styk)."`
	Lines    bool   `help:"Only the variables as a listing that is in 1C already writes them, per cent signs doubled."`
}

// Help implements kong.HelpProvider.
func (*cardListingCommand) Help() string {
	return "The procedures for 1C:Retail with this host, template and its variables; put the text of a token in the place marked. " +
		"Example:\n\n  styk card listing 5be000000000000000000001 --url https://cards.firm.ru > cards.bsl"
}

func (c *cardListingCommand) place() *folder { return &c.folder }
func (c *cardListingCommand) existing() bool { return true }

func (c *cardListingCommand) work(ctx context.Context, h *house, s *streams) error {
	t, err := h.templateNamed(ctx, c.Template)
	if err != nil {
		return err
	}
	if c.Lines {
		for _, line := range wallet.ListingLines(t) {
			s.printf("%s\n", line)
		}
		return nil
	}
	base := strings.TrimSuffix(c.URL, "/")
	if base == "" && h.serving != nil {
		base = h.serving.base
	}
	if base == "" {
		return wrongSetting("such as --url https://cards.firm.ru, or run styk serve", "--url is missing, and no styk serves this folder")
	}
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return wrongSetting("such as https://cards.firm.ru", "--url: %q is no address", c.URL)
	}
	s.printf("%s", wallet.Listing(t, base))
	return nil
}
