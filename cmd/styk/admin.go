package main

import (
	"context"

	"styk"
	"styk/staff"
	"styk/store"
	"styk/web"
)

// adminOptions are what the people's pages need here.
func (s *server) adminOptions(trusted proxies) web.AdminOptions {
	door := staff.New(s.h.db)
	door.Wake = s.h.courier.Wake
	door.Programs = staff.Programs{Operations: knownOperations, Seed: seedList, Modules: knownModules}
	return web.AdminOptions{
		Staff:   door,
		Courier: s.h.courier,
		Zone:    s.h.zone,
		Sandbox: s.sandbox,
		Overdue: s.h.letters.overdue,
		Waited:  s.h.letters.waited,
		Secure:  trusted.secure,
	}
}

// invite says how the first person comes in, as long as nobody can log in.
func (s *server) invite(ctx context.Context) error {
	secret, err := staff.New(s.h.db).FirstLink(ctx)
	if err == nil && secret != "" {
		s.notes = append(s.notes, "", "Nobody can log in yet. This link makes the owner, once, within a day:", "  "+s.base()+linkPath+secret)
	}
	return err
}

const linkPath = "/admin/link/"

// userNamed finds a person or program by name in any case.
func (h *house) userNamed(ctx context.Context, name string) (u *styk.User, err error) {
	err = h.db.View(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.UserByName(name)
		return err
	})
	return u, err
}

type userLinkCommand struct {
	folder `json:"-"`
	Name   string `arg:"" help:"Name of the user: a person, no program."`
}

// Help implements kong.HelpProvider.
func (*userLinkCommand) Help() string {
	return "For a new colleague, or a forgotten password: the link works once, within a day. Example:\n\n" +
		"  styk user add anna --role operator\n  styk user link anna"
}

func (c *userLinkCommand) place() *folder { return &c.folder }
func (c *userLinkCommand) existing() bool { return true }

func (c *userLinkCommand) work(ctx context.Context, h *house, s *streams) error {
	u, err := h.userNamed(ctx, c.Name)
	if err != nil {
		return err
	}
	secret, err := staff.New(h.db).Link(ctx, 0, u.ID)
	if err != nil {
		return err
	}
	base := "http://ADDRESS-OF-STYK"
	if h.serving != nil {
		base = h.serving.base
	}
	s.printf("%s sets his password here, once, within a day:\n  %s%s%s\n", u.Name, base, linkPath, secret)
	return nil
}

type userCodesCommand struct {
	folder `json:"-"`
	Name   string `arg:"" help:"Name of the person."`
}

// Help implements kong.HelpProvider.
func (*userCodesCommand) Help() string {
	return "He comes in with his password alone until he switches codes on again; his sessions end. Example:\n\n" +
		"  styk user codes anna"
}

func (c *userCodesCommand) place() *folder { return &c.folder }
func (c *userCodesCommand) existing() bool { return true }

func (c *userCodesCommand) work(ctx context.Context, h *house, s *streams) error {
	u, err := h.userNamed(ctx, c.Name)
	if err != nil {
		return err
	}
	if err := staff.New(h.db).ForgetCodes(ctx, u.ID); err != nil {
		return err
	}
	s.printf("user %s logs in without codes; his sessions ended\n", u.Name)
	return nil
}
