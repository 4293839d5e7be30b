package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"styk"
	"styk/api"
	"styk/store"
)

type keyCommands struct {
	Add    keyAddCommand    `cmd:"" help:"Make a key of the JSON API."`
	List   keyListCommand   `cmd:"" help:"List the keys."`
	Revoke keyRevokeCommand `cmd:"" help:"Revoke a key: what uses it is refused at once."`
}

type keyAddCommand struct {
	folder    `json:"-"`
	Name      string        `arg:"" help:"Whose it is: shop, report."`
	Scope     []string      `placeholder:"LIST" help:"What it may do, such as tickets:read,deliveries:steer; * is everything."`
	For       string        `placeholder:"NAME" help:"The person in whose name it acts: his role bounds it, and it ends with him. Inviting people needs one."`
	From      []string      `placeholder:"LIST" help:"Addresses and networks it may come from (default: any)."`
	Expires   time.Duration `placeholder:"TIME" help:"How long it lives, such as 2160h (default: until it is revoked)."`
	PerMinute int           `placeholder:"N" help:"Calls a minute (default: 600)."`
}

// Help implements kong.HelpProvider.
func (*keyAddCommand) Help() string {
	return "The scopes are " + strings.Join(api.ScopeNames(), ", ") + ". Example:\n\n" +
		"  styk key add shop --scope tickets:read,tickets:write --from 10.0.0.0/8\n  styk key add report --scope deliveries:read --expires 2160h"
}

func (c *keyAddCommand) place() *folder { return &c.folder }

// keyFlags are the flags behind the fields of a fault.
var keyFlags = map[string]string{"name": "NAME", "scopes": "--scope", "networks": "--from", "expires": "--expires", "per_minute": "--per-minute"}

func (c *keyAddCommand) work(ctx context.Context, h *house, s *streams) error {
	k := &store.APIKey{Name: c.Name, Scopes: c.Scope, Networks: c.From, PerMinute: c.PerMinute}
	if len(c.Scope) == 1 && c.Scope[0] == "*" {
		k.Scopes = api.ScopeNames()
	}
	if c.Expires != 0 {
		k.Expires = h.db.Now().Add(c.Expires)
	}
	if err := api.CheckKey(k, h.db.Now()); err != nil {
		return wrongKey(err)
	}
	secret := api.NewKey()
	err := h.db.Update(ctx, func(tx *store.Tx) error {
		if c.For != "" {
			u, err := tx.UserByName(c.For)
			if err != nil || u.Role == styk.RoleAPI || u.Disabled {
				return wrongSetting("styk user list shows them all", "--for: nobody of the name %q may come in here", c.For)
			}
			k.User = u.ID
		}
		return tx.AddAPIKey(k, secret)
	})
	if err != nil {
		return wrongKey(err)
	}
	s.printf("key %s added\nits text, shown this once: %s\n", k.Name, secret)
	return nil
}

// wrongKey says which flag a fault is of.
func wrongKey(err error) error {
	var wrong *styk.Error
	if !errors.As(err, &wrong) || len(wrong.Faults) == 0 {
		return err
	}
	f := wrong.Faults[0]
	return wrongSetting("styk help key add explains them", "%s: %s", keyFlags[f.Field], f.Text)
}

type keyListCommand struct {
	folder `json:"-"`
}

// Help implements kong.HelpProvider.
func (*keyListCommand) Help() string { return "Example:\n\n  styk key list" }

func (c *keyListCommand) place() *folder { return &c.folder }
func (c *keyListCommand) existing() bool { return true }

func (c *keyListCommand) work(ctx context.Context, h *house, s *streams) error {
	var keys []*store.APIKey
	people := map[styk.ID]string{}
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		if keys, err = tx.APIKeys(); err != nil {
			return err
		}
		users, err := tx.Users()
		for _, u := range users {
			people[u.ID] = u.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tFOR\tFROM\tLAST USE\tSCOPES")
	for _, k := range keys {
		state := "active"
		switch {
		case !k.Revoked.IsZero():
			state = "revoked"
		case !k.Lives(h.db.Now()):
			state = "expired"
		}
		from, person := "anywhere", people[k.User]
		if len(k.Networks) > 0 {
			from = strings.Join(k.Networks, ",")
		}
		if person == "" {
			person = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Name, state, person, from, h.moment(k.Seen), strings.Join(k.Scopes, ","))
	}
	return table.Flush()
}

type keyRevokeCommand struct {
	folder `json:"-"`
	Name   string `arg:"" help:"Name of the key."`
}

// Help implements kong.HelpProvider.
func (*keyRevokeCommand) Help() string { return "Example:\n\n  styk key revoke shop" }

func (c *keyRevokeCommand) place() *folder { return &c.folder }
func (c *keyRevokeCommand) existing() bool { return true }

func (c *keyRevokeCommand) work(ctx context.Context, h *house, s *streams) error {
	err := h.db.Update(ctx, func(tx *store.Tx) error {
		k, err := tx.APIKeyByName(c.Name)
		if err != nil {
			return err
		}
		return tx.RevokeAPIKey(k.ID)
	})
	if styk.CodeOf(err) == styk.NotFound {
		return wrongSetting("styk key list shows them all", "there is no key %q", c.Name)
	}
	if err == nil {
		s.printf("key %s is revoked\n", c.Name)
	}
	return err
}
