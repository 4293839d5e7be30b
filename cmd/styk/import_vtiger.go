package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"styk"
	"styk/intake"
	"styk/store"
	"styk/vtiger"
)

type importVtigerCommand struct {
	folder    `json:"-"`
	URL       string   `name:"url" required:"" placeholder:"URL" help:"Address of that Vtiger, with or without webservice.php."`
	User      string   `required:"" placeholder:"NAME" help:"User there; an administrator sees everything."`
	AccessKey string   `placeholder:"KEY" help:"His access key (My Preferences); asked for when left out, - reads the standard input."`
	Module    []string `placeholder:"LIST" help:"Only these: Accounts,Contacts,Project,HelpDesk,Documents,ModComments (default: all)."`
	Map       []string `placeholder:"RENAME" help:"Contacts.cf_853=inn: a field of theirs under our name; may be repeated."`
	Owner     string   `placeholder:"NAME" help:"User here for records whose own owner has no namesake here."`
	Storage   string   `placeholder:"DIR" help:"Copy of that Vtiger's storage folder, for files that its web service cannot give (8.0–8.3)."`
	Zone      string   `default:"UTC" help:"Zone of that Vtiger's database."`
	Yes       bool     `help:"Import. Without it the preview is all."`
}

// Help implements kong.HelpProvider.
func (*importVtigerCommand) Help() string {
	return "Looks first and shows what would come; with --yes it imports. A cut import continues where it stopped. " +
		"Record numbers stay what they were, so that ids which a website has kept go on working; numbers that are taken here are " +
		"reported, never overwritten: import into a new folder, before adding users. Example:\n\n" +
		"  styk import vtiger --url https://crm.firm.ru --user admin\n" +
		"  styk import vtiger --url https://crm.firm.ru --user admin --map Contacts.cf_853=inn --yes"
}

func (c *importVtigerCommand) place() *folder { return &c.folder }

func (c *importVtigerCommand) prepare(sh *shell) (err error) {
	if c.AccessKey == "-" || c.AccessKey == "" {
		if c.AccessKey, err = askKey(sh, c.AccessKey == "-"); err != nil {
			return err
		}
	}
	if c.Storage != "" {
		c.Storage, err = filepath.Abs(c.Storage)
	}
	return err
}

// askKey reads a secret from the standard input, hidden on a terminal.
func askKey(sh *shell, piped bool) (string, error) {
	if sh.terminal {
		fmt.Fprint(sh.err, "access key: ")
		key, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(sh.err)
		return strings.TrimSpace(string(key)), err
	}
	if !piped {
		return "", wrongSetting("set STYK_ACCESS_KEY, or pipe it in and give --access-key -", "--access-key is missing")
	}
	line, err := bufio.NewReader(sh.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

func (c *importVtigerCommand) work(ctx context.Context, h *house, s *streams) error {
	v, err := c.connect(ctx, h, s)
	if err != nil {
		return err
	}
	if err := v.preview(ctx); err != nil {
		return err
	}
	if !c.Yes {
		s.printf("\nnothing was imported: add --yes to import\n")
		return nil
	}
	if err := v.records(ctx); err != nil {
		return err
	}
	if err := v.files(ctx); err != nil {
		return err
	}
	return v.links(ctx)
}

// vtigerImport is an import under way.
type vtigerImport struct {
	*importVtigerCommand
	h       *house
	s       *streams
	client  *vtiger.Client
	source  string // names the state in the database
	renames fieldMap
	origin  vtiger.Origin
	modules []vtiger.Module // in the order of importModules
	ids     map[int64]string
	owners  map[styk.ID]styk.ID // users there → here
	owner   styk.ID             // of all others
}

func (c *importVtigerCommand) connect(ctx context.Context, h *house, s *streams) (*vtigerImport, error) {
	address, err := serviceURL(c.URL)
	if err != nil {
		return nil, err
	}
	v := &vtigerImport{importVtigerCommand: c, h: h, s: s, source: "vtiger " + address, ids: map[int64]string{},
		client: &vtiger.Client{URL: address, User: c.User, AccessKey: c.AccessKey, Timeout: 2 * time.Minute, Unescape: true}}
	if v.renames, err = readMap(c.Map, ""); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, wrongSetting("names are like UTC or Europe/Moscow", "--zone: %q is unknown", c.Zone)
	}
	v.origin = vtiger.Origin{ModuleOf: func(n int64) string { return v.ids[n] }, Zone: zone}
	for _, name := range c.Module {
		if !slices.Contains(importModules, name) {
			return nil, wrongSetting(meant(name, importModules), "--module: %q cannot be imported", name)
		}
	}
	_, release, err := v.client.Login(ctx)
	if err != nil {
		return nil, fmt.Errorf("log in to %s: %w", address, err)
	}
	s.printf("%s: Vtiger %s\n", address, orNone(release))
	return v, v.learn(ctx)
}

// serviceURL completes the address of a Vtiger.
func serviceURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", wrongSetting("such as https://crm.firm.ru", "--url: %q is no address", text)
	}
	if !strings.HasSuffix(u.Path, "/webservice.php") {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/webservice.php"
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String(), nil
}

// learn asks which modules there are, how their ids look, and who the users
// are.
func (v *vtigerImport) learn(ctx context.Context) error {
	types, err := v.client.ListTypes(ctx)
	if err != nil {
		return fmt.Errorf("ask for the modules: %w", err)
	}
	for _, name := range append(slices.Clone(importModules), vtiger.ModuleUsers) {
		if !slices.Contains(types.Names, name) {
			continue
		}
		m, err := v.client.Describe(ctx, name)
		if err != nil {
			return fmt.Errorf("ask for the fields of %s: %w", name, err)
		}
		if n, err := strconv.ParseInt(m.IDPrefix, 10, 64); err == nil {
			v.ids[n] = name
		}
		if name != vtiger.ModuleUsers && (len(v.Module) == 0 || slices.Contains(v.Module, name)) {
			v.modules = append(v.modules, m)
		}
	}
	if v.owner, err = ownerOf(ctx, v.h.db, v.Owner); err != nil {
		return err
	}
	return v.learnUsers(ctx)
}

// learnUsers maps their users to ours of the same name.
func (v *vtigerImport) learnUsers(ctx context.Context) error {
	v.owners = map[styk.ID]styk.ID{}
	users, err := v.client.Query(ctx, "select id, user_name from Users;")
	if err != nil {
		v.s.printf("the users there cannot be read, records get the owner of --owner: %v\n", err)
		return nil
	}
	return v.h.db.View(ctx, func(tx *store.Tx) error {
		for _, user := range users {
			ours, err := tx.UserByName(user["user_name"])
			if styk.CodeOf(err) == styk.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			v.owners[user.ID().Record] = ours.ID
		}
		return nil
	})
}

// records imports the modules one after the other.
func (v *vtigerImport) records(ctx context.Context) error {
	highest := styk.ID(0)
	for _, m := range v.modules {
		last, done, err := v.state(ctx, m.Name)
		if err != nil {
			return err
		}
		if done {
			v.s.printf("%s: imported before\n", m.Name)
			continue
		}
		total, last, err := v.module(ctx, m, last)
		if err != nil {
			return fmt.Errorf("import %s (it continues from here when started again): %w", m.Name, err)
		}
		highest = max(highest, last)
		v.s.printf("%s: %s\n", m.Name, &total)
	}
	return v.h.db.Update(ctx, func(tx *store.Tx) error { return tx.ContinueNumbersAbove(highest) })
}

func (v *vtigerImport) state(ctx context.Context, part string) (last styk.ID, done bool, err error) {
	err = v.h.db.View(ctx, func(tx *store.Tx) error {
		last, done, err = tx.ImportState(v.source, part)
		return err
	})
	return last, done, err
}

// module imports one module from behind last on, slice by slice.
func (v *vtigerImport) module(ctx context.Context, m vtiger.Module, last styk.ID) (total tally, end styk.ID, err error) {
	var slice []vtiger.Record
	flush := func(done bool) error {
		t, err := v.store(ctx, m.Name, slice, last, done)
		total.add(t)
		slice = slice[:0]
		return err
	}
	err = v.client.Each(ctx, m.Name, nil, after(m, last), func(r vtiger.Record) error {
		slice, last = append(slice, r), r.ID().Record
		if len(slice) == importSlice {
			return flush(false)
		}
		return nil
	})
	if err == nil {
		err = flush(true)
	}
	return total, last, err
}

// after is the condition behind a record of a module; "" for all.
func after(m vtiger.Module, last styk.ID) string {
	if last == 0 {
		return ""
	}
	return fmt.Sprintf("id > '%sx%d'", m.IDPrefix, last)
}

// store writes a slice, and how far the import has come, in one transaction.
func (v *vtigerImport) store(ctx context.Context, module string, slice []vtiger.Record, last styk.ID, done bool) (t tally, err error) {
	err = v.h.db.Update(ctx, func(tx *store.Tx) error {
		t = tally{}
		for _, values := range slice {
			rec, err := v.decode(module, values)
			if err != nil {
				return err
			}
			err = tx.Insert(rec, store.By{User: v.owner, Origin: "import"})
			if styk.CodeOf(err) == styk.Conflict {
				t.taken = append(t.taken, values.ID().Record)
				continue
			}
			if err != nil {
				return fmt.Errorf("record %s: %w", values["id"], err)
			}
			t.count(rec)
		}
		return tx.SetImportState(v.source, module, last, done)
	})
	return t, err
}

// decode makes one record of ours.
func (v *vtigerImport) decode(module string, values vtiger.Record) (styk.Record, error) {
	rec, err := vtiger.Decode(module, v.renames.rename(module, values), v.origin)
	if err != nil {
		return nil, err
	}
	e := rec.Base()
	if e.ID == 0 {
		return nil, fmt.Errorf("a record of %s came without an id", module)
	}
	odd := e.Warnings
	intake.Warn(rec)
	e.Warnings = append(e.Warnings, odd...)
	e.Owner = v.owner
	if theirs, err := vtiger.ParseWSID(values["assigned_user_id"]); err == nil && v.owners[theirs.Record] != 0 {
		e.Owner = v.owners[theirs.Record]
	}
	if e.Source == "" {
		e.Source = "IMPORT"
	}
	if d, ok := rec.(*styk.Document); ok && !d.External {
		expectFile(d, values)
	}
	return rec, nil
}
