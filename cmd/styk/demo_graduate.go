package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"styk"
	"styk/connect"
	"styk/store"
)

// graduate makes a demo's folder one for real work. What shall stay is carried
// over into a new folder beside it, which then takes its place: nothing of the
// samples is left in it, and every key is another one.
func (c *demoCommand) graduate(ctx context.Context, sh *shell) error {
	if c.Database != "" || c.Files != "" || c.KeyFile != "" {
		return wrongSetting("start afresh there: styk export prints what is worth keeping, styk apply takes it",
			"--graduate: only a folder that holds everything itself can be taken over")
	}
	if !c.exists() {
		return wrongSetting("styk demo --data "+c.Data+" makes one", "%s: there is no demo", c.Data)
	}
	g := &graduation{fresh: c.folder}
	g.fresh.Data = c.Data + ".graduate"
	if err := os.RemoveAll(g.fresh.Data); err != nil { // of a run that was cut
		return fmt.Errorf("the folder beside: %w", err)
	}
	if err := g.carry(ctx, &c.folder, sh); err != nil {
		return errors.Join(err, os.RemoveAll(g.fresh.Data))
	}
	old := c.Data + ".demo"
	if err := errors.Join(os.Rename(c.Data, old), os.Rename(g.fresh.Data, c.Data)); err != nil {
		return fmt.Errorf("change the folders: %w", err)
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("the demo's data are still in %s: %w", old, err)
	}
	g.tell(sh, c.Data)
	return nil
}

// graduation is what goes over, and what is told of it.
type graduation struct {
	fresh   folder
	dropped []string                     // targets that were simulators
	kept    map[string]bool              // targets
	lines   []string                     // what was kept
	secrets []string                     // shown this once
	images  map[string][]store.CardImage // by template
	all     graduates
}

// graduates are read from the demo before anything is written.
type graduates struct {
	forms     []*styk.Form
	webforms  []*styk.Webform
	templates []*styk.CardTemplate
	targets   []*styk.Target
	users     []*styk.User
	tokens    []*styk.CardToken
}

// carry holds both folders while it works; a running demo holds the first.
func (g *graduation) carry(ctx context.Context, demo *folder, sh *shell) (err error) {
	log := newLog(sh.err, "text", 8) // errors only
	from, err := openHouse(ctx, demo, "graduation", log)
	if errors.Is(err, errHeld) {
		return fmt.Errorf("%w: end it first", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	if err := from.db.View(ctx, g.read); err != nil {
		return err
	}
	to, err := openHouse(ctx, &g.fresh, "graduation", log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	for _, files := range g.images {
		for _, file := range files {
			if err := copyBytes(ctx, from, to, file.Sum); err != nil {
				return fmt.Errorf("picture %s: %w", file.Name, err)
			}
		}
	}
	return to.db.Update(ctx, func(tx *store.Tx) error { return g.write(tx, to) })
}

func copyBytes(ctx context.Context, from, to *house, sum string) error {
	r, _, err := from.blobs.Open(ctx, sum)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = to.blobs.Put(ctx, r, 0)
	return err
}

func (g *graduation) read(tx *store.Tx) (err error) {
	g.dropped, g.kept, g.images, g.all = nil, map[string]bool{}, map[string][]store.CardImage{}, graduates{}
	done, err := tx.Meta(demoFilled)
	if err != nil {
		return err
	}
	if done == "" {
		return wrongSetting("only a folder of styk demo has samples to drop", "this folder is no demo's")
	}
	if g.all.forms, err = tx.Forms(); err != nil {
		return err
	}
	if g.all.webforms, err = tx.Webforms(); err != nil {
		return err
	}
	if g.all.tokens, err = tx.CardTokens(); err != nil {
		return err
	}
	if err := g.readTargets(tx); err != nil {
		return err
	}
	if err := g.readTemplates(tx); err != nil {
		return err
	}
	users, err := tx.Users()
	for _, u := range users {
		if u.Role == styk.RoleAPI {
			g.all.users = append(g.all.users, u)
		}
	}
	return err
}

// readTargets leaves out what leads to a simulator: the demo's own targets while
// they stay on this machine, and others at the simulators' usual places.
func (g *graduation) readTargets(tx *store.Tx) error {
	targets, err := tx.Targets()
	if err != nil {
		return err
	}
	for _, listed := range targets {
		t, err := tx.TargetByID(listed.ID) // with its secrets
		if err != nil {
			return err
		}
		if leadsToSimulator(t) {
			g.dropped = append(g.dropped, t.Name)
			continue
		}
		g.kept[t.Name] = true
		g.all.targets = append(g.all.targets, t)
	}
	return nil
}

func leadsToSimulator(t *styk.Target) bool {
	u, err := url.Parse(fmt.Sprint(t.Settings["url"]))
	if err != nil || !loopback(net.JoinHostPort(u.Hostname(), "0")) {
		return false
	}
	if slices.Contains([]string{demoCRM, demoLost, demoLocked, styk.MailTarget}, t.Name) {
		return true
	}
	for _, at := range simAddresses {
		if strings.HasSuffix(at, ":"+u.Port()) {
			return true
		}
	}
	return u.Port() == "9003" // the warehouse
}

func (g *graduation) readTemplates(tx *store.Tx) error {
	list, err := tx.CardTemplates()
	if err != nil {
		return err
	}
	for _, listed := range list {
		t, err := tx.CardTemplate(listed.ID)
		if err != nil {
			return err
		}
		files, err := tx.CardImages(t.ID)
		if err != nil {
			return err
		}
		g.images[t.ID] = files
		g.all.templates = append(g.all.templates, t)
	}
	return nil
}

// write is the new folder's one transaction.
func (g *graduation) write(tx *store.Tx, to *house) error {
	g.lines, g.secrets = nil, nil
	for _, do := range []func(*store.Tx, *house) error{g.writeTargets, g.writeTemplates, g.writeForms, g.writeKeys} {
		if err := do(tx, to); err != nil {
			return err
		}
	}
	return nil
}

// writeTargets renews secrets that both sides agree on: the demo's are published.
func (g *graduation) writeTargets(tx *store.Tx, to *house) error {
	for _, t := range g.all.targets {
		fresh := &styk.Target{Name: t.Name, Kind: t.Kind, Parallel: t.Parallel, Settings: t.Settings, Mapping: t.Mapping, Disabled: t.Disabled}
		for _, f := range fieldsOf(t.Kind) {
			if f.Make == nil || !strings.Contains(f.Typed(t.Settings[f.Name]), demoHookSecret) {
				continue
			}
			secret := f.Make()
			fresh.Settings[f.Name] = secret
			g.secrets = append(g.secrets, "connection "+t.Name+", "+f.Name+": "+secret)
		}
		if _, err := to.courier.SaveTargetIn(tx, fresh); err != nil {
			return fmt.Errorf("connection %s: %w", t.Name, err)
		}
		g.lines = append(g.lines, "connection "+t.Name)
	}
	return nil
}

func fieldsOf(kind string) []connect.Field {
	for _, k := range kinds {
		if k.Name == kind {
			return k.Fields
		}
	}
	return nil
}

func (g *graduation) writeTemplates(tx *store.Tx, _ *house) error {
	for _, t := range g.all.templates {
		fresh := *t
		fresh.Targets, fresh.PassType = g.stillThere(t.Targets), "" // the demo's certificate is a development one
		if _, err := tx.SaveCardTemplate(&fresh); err != nil {
			return fmt.Errorf("template %s: %w", t.Name, err)
		}
		byPicture := map[string][]store.CardImage{}
		for _, file := range g.images[t.ID] {
			picture, _, _ := strings.Cut(strings.TrimSuffix(file.Name, ".png"), "@")
			byPicture[picture] = append(byPicture[picture], file)
		}
		for picture, files := range byPicture {
			if err := tx.SaveCardImages(t.ID, picture, files); err != nil {
				return err
			}
		}
		g.lines = append(g.lines, "card template "+t.Name)
	}
	return nil
}

func (g *graduation) writeForms(tx *store.Tx, _ *house) error {
	for _, f := range g.all.forms {
		fresh := *f
		fresh.Targets = g.stillThere(f.Targets)
		if _, err := tx.SaveForm(&fresh); err != nil {
			return fmt.Errorf("form %s: %w", f.Name, err)
		}
		g.lines = append(g.lines, "form "+f.Name)
	}
	for _, f := range g.all.webforms {
		fresh := *f
		fresh.Targets = g.stillThere(f.Targets)
		if err := tx.SaveWebform(&fresh); err != nil {
			return fmt.Errorf("form %s: %w", f.Name, err)
		}
		g.lines = append(g.lines, "form "+f.Name+" of capture.php")
	}
	return nil
}

func (g *graduation) stillThere(names []string) (list []string) {
	for _, name := range names {
		if g.kept[name] {
			list = append(list, name)
		}
	}
	return list
}

// writeKeys gives each program and each token another secret.
func (g *graduation) writeKeys(tx *store.Tx, _ *house) error {
	for _, u := range g.all.users {
		fresh := *u
		fresh.ID, fresh.AccessKey = 0, newAccessKey()
		if err := tx.SaveUser(&fresh); err != nil {
			return fmt.Errorf("user %s: %w", u.Name, err)
		}
		g.secrets = append(g.secrets, "access key of user "+u.Name+": "+fresh.AccessKey)
	}
	for _, t := range g.all.tokens {
		if t.User != 0 {
			continue // got by logging in: the program gets itself another one
		}
		fresh := &styk.CardToken{Name: t.Name, Templates: t.Templates, Always200: t.Always200, PerMinute: t.PerMinute, Disabled: t.Disabled}
		text := newAccessKey()
		if err := tx.SaveCardToken(fresh, text); err != nil {
			return fmt.Errorf("token %s: %w", t.Name, err)
		}
		g.secrets = append(g.secrets, "token "+t.Name+": "+text)
	}
	return nil
}

func (g *graduation) tell(sh *shell, data string) {
	fmt.Fprintf(sh.out, "%s is a folder for real work now.\n\nkept:\n", filepath.Clean(data))
	for _, line := range g.lines {
		fmt.Fprintln(sh.out, "  "+line)
	}
	fmt.Fprintln(sh.out, "\ndropped: samples, everything that was sent here, people who log in, API keys, certificates")
	if len(g.dropped) > 0 {
		fmt.Fprintln(sh.out, "  connections to simulators: "+strings.Join(g.dropped, ", "))
	}
	fmt.Fprintln(sh.out, "\nnew, and shown this once:")
	for _, line := range g.secrets {
		fmt.Fprintln(sh.out, "  "+line)
	}
	fmt.Fprintf(sh.out, "\nnext: styk serve --data %s   prints a link that makes the owner; connect your CRM at /admin/connections\n", filepath.Clean(data))
}
