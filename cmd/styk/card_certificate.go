package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"styk/store"
	"styk/wallet"
)

type cardCertificateCommand struct {
	folder       `json:"-"`
	File         []string `arg:"" optional:"" help:"The .p12 of Keychain, or .cer, .pem and the key; none: list what there is."`
	PasswordFile string   `placeholder:"FILE" help:"File with the .p12's or key's password."`
	PassType     string   `placeholder:"ID" help:"Refuse another pass type than this one: pass.ru.firm.card."`

	Bytes    [][]byte `kong:"-"` // of the files: they travel to where the command runs
	Password string   `kong:"-"`
}

// Help implements kong.HelpProvider.
func (*cardCertificateCommand) Help() string {
	return "The certificate is made in the Apple Developer account (Pass Type ID); it is checked and kept sealed, and the owner gets " +
		"a letter 60, 30 and 7 days before its end. Without one, passes are signed for tests: no iPhone opens those, web cards work. " +
		"Examples:\n\n  styk card certificate firm.p12 --password-file p12.txt\n  styk card certificate pass.cer key.pem wwdr.cer\n" +
		"  styk card certificate"
}

func (c *cardCertificateCommand) place() *folder { return &c.folder }

// maxCertificate bounds one file.
const maxCertificate = 1 << 20 // bytes

func (c *cardCertificateCommand) prepare(*shell) error {
	c.Bytes = nil
	for _, path := range c.File {
		data, err := readBounded(path, maxCertificate+1)
		if err != nil {
			return wrongSetting("", "%v", err)
		}
		if len(data) > maxCertificate {
			return wrongSetting("a certificate has a few kilobytes", "%s is larger than 1 MB", path)
		}
		c.Bytes = append(c.Bytes, data)
	}
	if c.PasswordFile == "" {
		return nil
	}
	text, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return wrongSetting("", "--password-file: %v", err)
	}
	c.Password = strings.TrimRight(string(text), "\r\n")
	return nil
}

func (c *cardCertificateCommand) work(ctx context.Context, h *house, s *streams) error {
	if len(c.Bytes) == 0 {
		return listCertificates(ctx, h, s)
	}
	signer, err := h.cards.SaveCertificate(ctx, c.PassType, c.Password, c.Bytes...)
	if err != nil {
		return err
	}
	s.printf("%s, team %s: valid until %s (%s)\n", signer.PassType, signer.Team, signer.Expires().In(h.zone).Format("02.01.2006"),
		leftWords(signer.Expires(), h.db.Now()))
	unused, err := h.templatesOf(ctx, signer.PassType)
	if err == nil && unused == 0 {
		s.printf("no card template uses it yet: set pass_type: %s\n", signer.PassType)
	}
	return err
}

// templatesOf counts the templates that use a pass type.
func (h *house) templatesOf(ctx context.Context, passType string) (n int, err error) {
	err = h.db.View(ctx, func(tx *store.Tx) error {
		n = 0
		all, err := tx.CardTemplates()
		for _, t := range all {
			if h.cards.PassTypeOf(t) == passType {
				n++
			}
		}
		return err
	})
	return n, err
}

func listCertificates(ctx context.Context, h *house, s *streams) error {
	var list []*store.CardCertificate
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		list, err = tx.CardCertificates()
		return err
	})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		s.printf("no certificate: passes are signed for tests (%s), no iPhone opens those; web cards work\n", wallet.DevelopmentPassType)
		return nil
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PASS TYPE\tTEAM\tVALID UNTIL\tTHAT IS\tKIND")
	for _, c := range list {
		kind := "Apple's"
		if c.Development {
			kind = "for tests: no iPhone opens it"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.PassType, c.Team, c.Expires.In(h.zone).Format("02.01.2006"), leftWords(c.Expires, h.db.Now()), kind)
	}
	return table.Flush()
}
