package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"styk"
	"styk/staff"
	"styk/store"
	"styk/vtiger"
)

type userCommands struct {
	Add     userAddCommand     `cmd:"" help:"Add a user."`
	List    userListCommand    `cmd:"" help:"List the users."`
	Key     userKeyCommand     `cmd:"" help:"Give a user another access key; his sessions end."`
	Link    userLinkCommand    `cmd:"" help:"Make a one-time link by which a person sets his password."`
	Codes   userCodesCommand   `cmd:"" help:"Take a person's codes of the phone away, when phone and recovery codes are lost."`
	Disable userDisableCommand `cmd:"" help:"Let a user in no more."`
	Enable  userEnableCommand  `cmd:"" help:"Let a disabled user in again."`
}

type userAddCommand struct {
	folder     `json:"-"`
	Name       string   `arg:"" help:"Name he logs in with."`
	Role       string   `required:"" placeholder:"ROLE" help:"api, operator, integrator, admin, owner or auditor."`
	AccessKey  string   `placeholder:"KEY" help:"8–64 letters and digits; without it one is made and printed once."`
	Operations []string `placeholder:"LIST" help:"Only these operations: seed, or names with commas (default: all)."`
	From       []string `placeholder:"CIDR" help:"Only from these addresses, such as 10.0.0.0/8 (default: all)."`
	Modules    []string `placeholder:"LIST" help:"Only these modules, such as Contacts,Accounts (default: all)."`
	Email      string   `help:"His e-mail address."`
}

// Help implements kong.HelpProvider.
func (*userAddCommand) Help() string {
	return "Example, a website that may do what the first document asks for and nothing else:\n\n" +
		"  styk user add site --role api --operations seed --from 203.0.113.7/32"
}

func (c *userAddCommand) place() *folder { return &c.folder }

func (c *userAddCommand) work(ctx context.Context, h *house, s *streams) error {
	made := ""
	u := &styk.User{Name: c.Name, Role: styk.Role(c.Role), AccessKey: c.AccessKey, Email: c.Email,
		Operations: expandOperations(c.Operations), Networks: c.From, Modules: c.Modules}
	if u.AccessKey == "" {
		made = newAccessKey()
		u.AccessKey = made
	}
	if faults := checkUser(u); len(faults) > 0 {
		return wrongSetting(faults[0].hint, "%s: %s", userFlags[faults[0].field], faults[0].text)
	}
	err := h.db.Update(ctx, func(tx *store.Tx) error {
		u.ID = 0
		return tx.SaveUser(u)
	})
	if err != nil {
		return err
	}
	s.printf("user %s added, role %s\n", u.Name, u.Role)
	if made != "" {
		s.printf("access key, shown this once: %s\n", made)
	}
	return nil
}

var userFlags = map[string]string{
	"name": "NAME", "role": "--role", "access_key": "--access-key",
	"operations": "--operations", "from": "--from", "modules": "--modules",
}

// seedOperations is the word for what the first document's site calls.
const seedOperations = "seed"

var seedList = []string{vtiger.OpGetFilesList, vtiger.OpCreateContact, vtiger.OpCreateAccount, vtiger.OpCreateProject, vtiger.OpPutFile}

var knownOperations = append(slices.Clone(seedList),
	vtiger.OpListTypes, vtiger.OpDescribe, vtiger.OpCreate, vtiger.OpRetrieve, vtiger.OpUpdate, vtiger.OpRevise,
	vtiger.OpDelete, vtiger.OpQuery, vtiger.OpSync, vtiger.OpRelatedTypes, vtiger.OpRetrieveRelated,
	vtiger.OpQueryRelated, vtiger.OpAddRelated, vtiger.OpFilesRetrieve)

// knownModules are the modules of the web service (spec/vtiger.md 3.3).
var knownModules = []string{"Contacts", "Accounts", "Project", "HelpDesk", "Documents", "ModComments", "Users", "DocumentFolders"}

// expandOperations replaces the word seed by its list and lowers the case, as
// operations are kept.
func expandOperations(list []string) []string {
	var all []string
	for _, name := range list {
		names := []string{name}
		if strings.EqualFold(name, seedOperations) {
			names = seedList
		}
		for _, n := range names {
			all = append(all, strings.ToLower(strings.TrimSpace(n)))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// fault is one wrong value of a user or a web form.
type fault struct{ field, text, hint string }

// checkUser gives all that is wrong with a user.
func checkUser(u *styk.User) (faults []fault) {
	wrong := func(field, text, hint string) { faults = append(faults, fault{field, text, hint}) }
	if u.Name == "" || len(u.Name) > 64 || strings.ContainsAny(u.Name, " \t\r\n") {
		wrong("name", fmt.Sprintf("%q is no name: 1–64 characters without spaces", u.Name), "")
	}
	if !slices.Contains(styk.Roles, u.Role) {
		wrong("role", fmt.Sprintf("%q is unknown", u.Role), meant(string(u.Role), texts(styk.Roles)))
	}
	if u.AccessKey != "" && !styk.ValidAccessKey(u.AccessKey) {
		wrong("access_key", "the key is not 8–64 letters A–Z, a–z and digits", "leave it out and one is made")
	}
	for _, name := range u.Operations {
		if !slices.ContainsFunc(knownOperations, func(k string) bool { return strings.EqualFold(k, name) }) {
			wrong("operations", fmt.Sprintf("%q is unknown", name), meant(name, append([]string{seedOperations}, knownOperations...)))
		}
	}
	for _, name := range u.Modules {
		if !slices.Contains(knownModules, name) {
			wrong("modules", fmt.Sprintf("%q is unknown", name), meant(name, knownModules))
		}
	}
	for _, text := range u.Networks {
		if _, err := netip.ParsePrefix(text); err != nil {
			wrong("from", fmt.Sprintf("%q is no network", text), "a network is written 10.0.0.0/8, a single address 203.0.113.7/32")
		}
	}
	return faults
}

func texts[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = string(v)
	}
	return all
}

// newAccessKey makes the key of a program.
func newAccessKey() string { return staff.MadeKey() }

type userListCommand struct {
	folder `json:"-"`
}

// Help implements kong.HelpProvider.
func (*userListCommand) Help() string { return "Example:\n\n  styk user list --data /var/lib/styk" }

func (c *userListCommand) place() *folder { return &c.folder }
func (c *userListCommand) existing() bool { return true }

func (c *userListCommand) work(ctx context.Context, h *house, s *streams) error {
	var users []*styk.User
	err := h.db.View(ctx, func(tx *store.Tx) (err error) {
		users, err = tx.Users()
		return err
	})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tROLE\tSTATE\tOPERATIONS\tFROM\tMODULES")
	for _, u := range users {
		state := "active"
		if u.Disabled {
			state = "disabled"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Name, u.Role, state,
			allOr(shortOperations(u.Operations)), allOr(u.Networks), allOr(u.Modules))
	}
	return table.Flush()
}

func allOr(list []string) string {
	if len(list) == 0 {
		return "all"
	}
	return strings.Join(list, ",")
}

// shortOperations writes the seed's list by its word again.
func shortOperations(list []string) []string {
	if slices.Equal(expandOperations(list), expandOperations(seedList)) {
		return []string{seedOperations}
	}
	return list
}

type userKeyCommand struct {
	folder    `json:"-"`
	Name      string `arg:"" help:"Name of the user."`
	AccessKey string `placeholder:"KEY" help:"8–64 letters and digits; without it one is made and printed once."`
}

// Help implements kong.HelpProvider.
func (*userKeyCommand) Help() string {
	return "Example, after a key was seen by the wrong eyes:\n\n  styk user key site"
}

func (c *userKeyCommand) place() *folder { return &c.folder }
func (c *userKeyCommand) existing() bool { return true }

func (c *userKeyCommand) work(ctx context.Context, h *house, s *streams) error {
	key := c.AccessKey
	if key == "" {
		key = newAccessKey()
	}
	if !styk.ValidAccessKey(key) {
		return wrongSetting("leave it out and one is made", "--access-key: the key is not 8–64 letters A–Z, a–z and digits")
	}
	if err := editUser(ctx, h, c.Name, true, func(u *styk.User) { u.AccessKey = key }); err != nil {
		return err
	}
	s.printf("user %s has another key; his sessions ended\n", c.Name)
	if c.AccessKey == "" {
		s.printf("access key, shown this once: %s\n", key)
	}
	return nil
}

type userDisableCommand struct {
	folder `json:"-"`
	Name   string `arg:"" help:"Name of the user."`
}

// Help implements kong.HelpProvider.
func (*userDisableCommand) Help() string { return "Example:\n\n  styk user disable site" }

func (c *userDisableCommand) place() *folder { return &c.folder }
func (c *userDisableCommand) existing() bool { return true }

func (c *userDisableCommand) work(ctx context.Context, h *house, s *streams) error {
	err := editUser(ctx, h, c.Name, true, func(u *styk.User) { u.Disabled = true })
	if err == nil {
		s.printf("user %s is disabled; his sessions ended\n", c.Name)
	}
	return err
}

type userEnableCommand struct {
	folder `json:"-"`
	Name   string `arg:"" help:"Name of the user."`
}

// Help implements kong.HelpProvider.
func (*userEnableCommand) Help() string { return "Example:\n\n  styk user enable site" }

func (c *userEnableCommand) place() *folder { return &c.folder }
func (c *userEnableCommand) existing() bool { return true }

func (c *userEnableCommand) work(ctx context.Context, h *house, s *streams) error {
	err := editUser(ctx, h, c.Name, false, func(u *styk.User) { u.Disabled = false })
	if err == nil {
		s.printf("user %s is enabled\n", c.Name)
	}
	return err
}

// editUser changes one user, and ends his sessions where asked.
func editUser(ctx context.Context, h *house, name string, endSessions bool, change func(*styk.User)) error {
	return h.db.Update(ctx, func(tx *store.Tx) error {
		u, err := tx.UserByName(name)
		if styk.CodeOf(err) == styk.NotFound {
			return wrongSetting("styk user list shows them all", "there is no user %q", name)
		}
		if err != nil {
			return err
		}
		change(u)
		if err := tx.SaveUser(u); err != nil || !endSessions {
			return err
		}
		return tx.EndSessionsOf(u.ID)
	})
}
