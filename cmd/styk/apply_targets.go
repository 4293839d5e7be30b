package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"styk"
	"styk/connect"
	"styk/store"
)

var targetsSection = section{name: "targets", read: readTargets, export: exportTargets}

// targetYAML is a target as the file has it.
type targetYAML struct {
	Name     string            `yaml:"name"`
	Kind     string            `yaml:"kind"`
	Parallel int               `yaml:"parallel,omitempty"`
	Settings map[string]any    `yaml:"settings,omitempty"`
	Mapping  map[string]string `yaml:"mapping,omitempty"`
	Disabled bool              `yaml:"disabled,omitempty"`
}

func readTargets(node *yaml.Node, p *problems) []step {
	var steps []step
	for _, item := range list(node, "targets", p) {
		var y targetYAML
		if !decodeStrict(item, &y, p) {
			continue
		}
		if p.declares(y.Name) {
			p.add(lineOf(item, "name"), "", "the target %s comes twice", y.Name)
		}
		if y.Name == styk.MailTarget {
			p.add(lineOf(item, "name"), "give the target another name", "the name %s belongs to the section mail", y.Name)
		}
		t := &styk.Target{Name: y.Name, Kind: y.Kind, Parallel: y.Parallel, Settings: y.Settings, Mapping: y.Mapping, Disabled: y.Disabled}
		checkTarget(t, item, p)
		steps = append(steps, targetStep(t, p.file, item))
	}
	return steps
}

// declares notes that the file names a target, and says whether it did before.
func (p *problems) declares(name string) (twice bool) {
	if p.targets == nil {
		p.targets = map[string]bool{}
	}
	twice = p.targets[name]
	p.targets[name] = true
	return twice
}

// checkTarget tells what is wrong with a target as far as the file alone shows
// it: secrets may be in the database already.
func checkTarget(t *styk.Target, item *yaml.Node, p *problems) {
	addFaults(p, item, t.Validate(), "")
	if t.Kind == "" {
		return // told by Validate
	}
	kind, ok := kindNamed(t.Kind)
	if !ok {
		p.add(lineOf(item, "kind"), meant(t.Kind, kindNames()), "kind: %q is unknown", t.Kind)
		return
	}
	if _, err := json.Marshal(t.Settings); err != nil {
		p.add(lineOf(item, "settings"), "keys are words, values texts, numbers, lists or keys with values", "settings: cannot be kept")
		return
	}
	_, err := kind.Check(t.Settings)
	if err == nil && len(kind.Secrets(t.Settings)) > 0 { // without any they are in the database, and looked at there
		_, err = kind.Open(connect.Settings{Target: t.Name, Values: t.Settings})
	}
	var wrong *styk.Error
	if !errors.As(err, &wrong) {
		if err != nil {
			p.add(settingsOf(item).Line, "", "settings: %v", err)
		}
		return
	}
	kept := *wrong
	kept.Faults = slices.DeleteFunc(slices.Clone(wrong.Faults), func(f styk.Fault) bool {
		return f.Rule == "required" && kind.isSecret(f.Field)
	})
	if len(kept.Faults) > 0 {
		addFaults(p, settingsOf(item), &kept, "settings.")
	}
}

// foreign is a kind as this file looks at it.
type foreign struct{ connect.Kind }

func kindNamed(name string) (foreign, bool) {
	i := slices.IndexFunc(kinds, func(k connect.Kind) bool { return k.Name == name })
	if i < 0 {
		return foreign{}, false
	}
	return foreign{kinds[i]}, true
}

func kindNames() (names []string) {
	for _, k := range kinds {
		names = append(names, k.Name)
	}
	return names
}

func (k foreign) isSecret(setting string) bool {
	return slices.ContainsFunc(k.Fields, func(f connect.Field) bool { return f.Name == setting && f.Secret })
}

// addFaults tells the faults of an error, each at the line of its field.
func addFaults(p *problems, node *yaml.Node, err error, prefix string) {
	var wrong *styk.Error
	if !errors.As(err, &wrong) {
		return
	}
	if len(wrong.Faults) == 0 {
		p.add(node.Line, wrong.Hint, "%s", wrong.Error())
	}
	for _, f := range wrong.Faults {
		hint := ""
		if f.Rule == "unknown" && wrong.Hint != "" {
			hint = "did you mean " + wrong.Hint + "?"
		}
		p.add(lineAt(node, f.Field), hint, "%s%s: %s", prefix, f.Field, f.Text)
	}
}

// lineAt gives the line of a place such as fields[2].type below a node, or that
// of the nearest thing above it.
func lineAt(node *yaml.Node, place string) int {
	line := node.Line
	for part := range strings.SplitSeq(place, ".") {
		name, index, indexed := strings.Cut(strings.TrimSuffix(part, "]"), "[")
		line = lineOf(node, name)
		next := valueOf(node, name)
		if next == nil {
			return line
		}
		node = next
		var n int
		if _, err := fmt.Sscan(index, &n); indexed && err == nil && node.Kind == yaml.SequenceNode && n < len(node.Content) {
			node = node.Content[n]
			line = node.Line
		}
	}
	return line
}

// valueOf gives the value of a key in a mapping; nil when there is none.
func valueOf(node *yaml.Node, key string) *yaml.Node {
	if node != nil && node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				return node.Content[i+1]
			}
		}
	}
	return nil
}

func targetStep(want *styk.Target, file string, item *yaml.Node) step {
	return func(h *house, tx *store.Tx, dry bool) ([]string, error) {
		line := "+ target " + want.Name + ", kind " + want.Kind
		old, err := tx.Target(want.Name)
		switch {
		case err == nil:
			changes := joined(targetDiff(old, want)...)
			if changes == "" {
				return nil, nil
			}
			line = "~ target " + old.Name + ": " + changes
		case styk.CodeOf(err) != styk.NotFound:
			return nil, err
		}
		if dry {
			return []string{line}, nil
		}
		if _, err := h.courier.SaveTargetIn(tx, want); err != nil {
			return nil, atLine(file, item, err)
		}
		return []string{line}, nil
	}
}

// atLine words an error of a target by lines of the file, if it is a person's.
func atLine(file string, item *yaml.Node, err error) error {
	var wrong *styk.Error
	if !errors.As(err, &wrong) {
		return err
	}
	p := &problems{file: file}
	addFaults(p, settingsOf(item), err, "")
	return p.asError()
}

// settingsOf gives the settings of a target, or the target that has none.
func settingsOf(item *yaml.Node) *yaml.Node {
	if settings := valueOf(item, "settings"); settings != nil {
		return settings
	}
	return item
}

// targetDiff tells what is different; what is sealed is never shown.
func targetDiff(old, now *styk.Target) []string {
	changes := []string{
		unlike("kind", old.Kind, now.Kind),
		unlike("parallel", fmt.Sprint(old.Parallel), fmt.Sprint(now.Parallel)),
		unlike("disabled", yesNo(old.Disabled), yesNo(now.Disabled)),
	}
	kind, _ := kindNamed(now.Kind)
	names := slices.Sorted(maps.Keys(old.Settings))
	for name := range now.Settings {
		if _, had := old.Settings[name]; !had {
			names = append(names, name)
		}
	}
	for _, name := range names {
		was, is := plain(old.Settings[name]), plain(now.Settings[name])
		switch {
		case was == is:
		case kind.isSecret(name) && is != "":
			changes = append(changes, name+": another one")
		case kind.isSecret(name): // left out: it stays
		default:
			changes = append(changes, unlike(name, was, is))
		}
	}
	return append(changes, unlike("mapping", plain(old.Mapping), plain(now.Mapping)))
}

// plain writes a setting so that two of them can be compared, wherever they
// came from.
func plain(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.Marshal(v)
	if s := string(text); err == nil && s != "null" && s != "{}" && s != "[]" {
		return s
	}
	return ""
}

// targetsExist gives a check that each named target is in the file or in the
// database.
func (p *problems) targetsExist(line int, names []string) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		missing := &problems{file: p.file}
		for _, name := range names {
			if p.targets[name] {
				continue
			}
			if _, err := tx.Target(name); styk.CodeOf(err) == styk.NotFound {
				known, err := targetNames(tx)
				if err != nil {
					return err
				}
				hint := "describe it in the section targets"
				if all := append(known, slices.Collect(maps.Keys(p.targets))...); len(all) > 0 {
					hint = meant(name, all)
				}
				missing.add(line, hint, "targets: there is no target %q", name)
			} else if err != nil {
				return err
			}
		}
		return missing.asError()
	}
}

func targetNames(tx *store.Tx) (names []string, err error) {
	targets, err := tx.Targets()
	for _, t := range targets {
		names = append(names, t.Name)
	}
	return names, err
}

func exportTargets(tx *store.Tx) (any, error) {
	targets, err := tx.Targets()
	if err != nil {
		return nil, err
	}
	var all []targetYAML
	for _, t := range targets {
		if t.Name != styk.MailTarget {
			all = append(all, targetYAML{t.Name, t.Kind, t.Parallel, t.Settings, t.Mapping, t.Disabled})
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}
