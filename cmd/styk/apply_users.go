package main

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"styk"
	"styk/store"
)

var usersSection = section{name: "users", read: readUsers, export: exportUsers}

// userYAML is a user as the file has him.
type userYAML struct {
	Name           string    `yaml:"name"`
	Role           styk.Role `yaml:"role"`
	AccessKey      string    `yaml:"access_key,omitempty"`
	Operations     wordList  `yaml:"operations,omitempty"`
	From           wordList  `yaml:"from,omitempty"`
	Modules        wordList  `yaml:"modules,omitempty"`
	FirstName      string    `yaml:"first_name,omitempty"`
	LastName       string    `yaml:"last_name,omitempty"`
	Email          string    `yaml:"email,omitempty"`
	ReuseChallenge bool      `yaml:"reuse_challenge,omitempty"`
	Disabled       bool      `yaml:"disabled,omitempty"`
}

// wordList is a list of words, or one word.
type wordList []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *wordList) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode && node.Tag != "!!null" {
		*l = strings.FieldsFunc(node.Value, func(r rune) bool { return r == ',' || r == ' ' })
		return nil
	}
	return node.Decode((*[]string)(l))
}

// MarshalYAML implements yaml.Marshaler: one word stands alone.
func (l wordList) MarshalYAML() (any, error) {
	if len(l) == 1 {
		return l[0], nil
	}
	return []string(l), nil
}

func readUsers(node *yaml.Node, p *problems) []step {
	var steps []step
	seen := map[string]bool{}
	for _, item := range list(node, "users", p) {
		var y userYAML
		if !decodeStrict(item, &y, p) {
			continue
		}
		want := &styk.User{Name: y.Name, Role: y.Role, AccessKey: y.AccessKey, Operations: expandOperations(y.Operations),
			Networks: y.From, Modules: y.Modules, FirstName: y.FirstName, LastName: y.LastName, Email: y.Email,
			ReuseChallenge: y.ReuseChallenge, Disabled: y.Disabled}
		for _, f := range checkUser(want) {
			p.add(lineOf(item, f.field), f.hint, "%s: %s", f.field, f.text)
		}
		if seen[styk.Fold(y.Name)] {
			p.add(lineOf(item, "name"), "", "the user %s comes twice", y.Name)
		}
		seen[styk.Fold(y.Name)] = true
		steps = append(steps, userStep(want))
	}
	return steps
}

// userStep makes or changes one user. Without a key in the file a present user
// keeps his, a new one gets one that is printed this once.
func userStep(want *styk.User) step {
	return func(_ *house, tx *store.Tx, dry bool) ([]string, error) {
		u := *want
		old, err := tx.UserByName(u.Name)
		if styk.CodeOf(err) == styk.NotFound {
			return addUser(tx, &u, dry)
		}
		if err != nil {
			return nil, err
		}
		u.ID = old.ID
		changes := joined(userDiff(old, &u)...)
		if changes == "" || dry {
			return lineIf("~ user "+old.Name+": ", changes), nil
		}
		if err := tx.SaveUser(&u); err != nil {
			return nil, err
		}
		if u.Disabled || u.AccessKey != "" && u.AccessKey != old.AccessKey {
			err = tx.EndSessionsOf(u.ID)
		}
		return lineIf("~ user "+old.Name+": ", changes), err
	}
}

func addUser(tx *store.Tx, u *styk.User, dry bool) ([]string, error) {
	lines := []string{"+ user " + u.Name + ", role " + string(u.Role)}
	if dry {
		return lines, nil
	}
	if u.AccessKey == "" {
		u.AccessKey = newAccessKey()
		lines = append(lines, "  access key, shown this once: "+u.AccessKey)
	}
	return lines, tx.SaveUser(u)
}

func userDiff(old, now *styk.User) []string {
	changes := []string{
		unlike("name", old.Name, now.Name),
		unlike("role", string(old.Role), string(now.Role)),
		unlike("operations", joined(shortOperations(old.Operations)...), joined(shortOperations(now.Operations)...)),
		unlike("from", joined(slices.Clone(old.Networks)...), joined(slices.Clone(now.Networks)...)),
		unlike("modules", joined(slices.Clone(old.Modules)...), joined(slices.Clone(now.Modules)...)),
		unlike("first_name", old.FirstName, now.FirstName),
		unlike("last_name", old.LastName, now.LastName),
		unlike("email", old.Email, now.Email),
		unlike("reuse_challenge", yesNo(old.ReuseChallenge), yesNo(now.ReuseChallenge)),
		unlike("disabled", yesNo(old.Disabled), yesNo(now.Disabled)),
	}
	if now.AccessKey != "" && now.AccessKey != old.AccessKey {
		changes = append(changes, "access_key: another one; his sessions end")
	}
	return changes
}

func yesNo(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func lineIf(head, changes string) []string {
	if changes == "" {
		return nil
	}
	return []string{head + changes}
}

func exportUsers(tx *store.Tx) (any, error) {
	users, err := tx.Users()
	if err != nil || len(users) == 0 {
		return nil, err
	}
	all := make([]userYAML, len(users))
	for i, u := range users {
		all[i] = userYAML{Name: u.Name, Role: u.Role, Operations: shortOperations(u.Operations), From: u.Networks,
			Modules: u.Modules, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
			ReuseChallenge: u.ReuseChallenge, Disabled: u.Disabled}
	}
	return all, nil
}
