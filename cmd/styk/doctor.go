package main

import (
	"context"
	"fmt"
	"time"
)

type doctorCommand struct {
	folder  `json:"-"`
	Quick   bool `help:"Leave out what reads every byte: the database's pages and all files."`
	Offline bool `help:"Do not log in to the targets: say only what is known of them here."`
}

// Help implements kong.HelpProvider.
func (*doctorCommand) Help() string {
	return "Ends with 1 when something is wrong. Nothing is changed, here or in the systems that it logs in to. Example:\n\n" +
		"  styk doctor --data /var/lib/styk\n  styk doctor --quick --offline"
}

func (c *doctorCommand) place() *folder { return &c.folder }
func (c *doctorCommand) existing() bool { return true }

func (c *doctorCommand) work(ctx context.Context, h *house, s *streams) error {
	d := &doctor{h: h, s: s, quick: c.Quick, offline: c.Offline}
	if h.serving == nil { // vitals of a serving process are in its memory
		if err := h.vital.load(ctx, h.db); err != nil {
			return err
		}
	}
	for _, look := range []func(context.Context) error{
		d.folder, d.space, d.key, d.database, d.files, d.copies, d.users, d.backups, d.clock, d.network, d.certificates, d.targets, d.cards,
	} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	switch {
	case d.bad > 0:
		s.printf("\n%d wrong, %d to think about\n", d.bad, d.warned)
		return exitError(exitFailed)
	case d.warned > 0:
		s.printf("\nnothing wrong, %d to think about\n", d.warned)
	default:
		s.printf("\nall is well\n")
	}
	return nil
}

// doctor looks and tells, one line each.
type doctor struct {
	h           *house
	s           *streams
	quick       bool
	offline     bool
	bad, warned int
}

func (d *doctor) well(format string, args ...any) { d.s.printf("ok     "+format+"\n", args...) }

func (d *doctor) warn(hint, format string, args ...any) {
	d.warned++
	d.tell("think  ", hint, format, args...)
}

func (d *doctor) wrong(hint, format string, args ...any) {
	d.bad++
	d.tell("WRONG  ", hint, format, args...)
}

func (d *doctor) tell(mark, hint, format string, args ...any) {
	d.s.printf(mark+format+"\n", args...)
	if hint != "" {
		d.s.printf("       → %s\n", hint)
	}
}

// backups: the last one, and whether it could be restored.
func (d *doctor) backups(context.Context) error {
	v, now := d.h.vital.get(), d.h.now()
	switch {
	case v.Failed != "":
		d.wrong("look at the folder of backups and at the log", "the last scheduled backup or its trial restore went wrong: %s", v.Failed)
	case v.Backup.IsZero():
		d.warn("styk serve --backup-dir DIR writes one every day and tries to restore it", "there was no scheduled backup yet")
	case now.Sub(v.Backup) > 48*time.Hour:
		d.wrong("is --backup-dir still set?", "the last scheduled backup is of %s", v.Backup.Format(time.DateTime))
	default:
		d.well("backup of %s, restored on trial %s: %s", v.Backup.Format(time.DateTime), v.Restored.Format(time.DateTime), v.BackupFile)
	}
	return nil
}

// network: who may say for whom he speaks.
func (d *doctor) network(context.Context) error {
	s := d.h.serving
	if s == nil {
		d.warn("", "styk does not serve this folder now: address, proxies and TLS were not looked at")
		return nil
	}
	trusted, err := prefixes(s.TrustedProxy)
	if err != nil {
		return err
	}
	for _, p := range trusted {
		if p.Bits() == 0 {
			d.wrong("name the proxy alone", "--trusted-proxy %s believes everybody: anyone may write any address into X-Forwarded-For", p)
			return nil
		}
	}
	if !loopback(s.Listen) && !s.encrypted {
		d.warn("--tls-domain or --tls-cert, or a proxy with TLS in front", "--listen %s is reached without encryption", s.Listen)
		return nil
	}
	d.well("listening on %s, X-Forwarded-For believed from %v", s.Listen, s.TrustedProxy)
	return nil
}

// certificates: how long they last.
func (d *doctor) certificates(context.Context) error {
	if d.h.serving == nil || len(d.h.serving.certFiles) == 0 {
		return nil
	}
	first, err := expiry(d.h.serving.certFiles)
	if err != nil {
		d.wrong("", "certificate: %v", err)
		return nil
	}
	left := first.Sub(d.h.now())
	text := fmt.Sprintf("the certificate ends %s", first.Format(time.DateOnly))
	switch {
	case left < 0:
		d.wrong("put a new one in its place; it is noticed within a minute", "%s", text)
	case left < 14*24*time.Hour:
		d.warn("put a new one in its place; it is noticed within a minute", "%s", text)
	default:
		d.well("%s", text)
	}
	return nil
}
