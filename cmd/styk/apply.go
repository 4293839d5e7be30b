package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"styk/store"
)

// section is one top-level key of the YAML. A further one is a file of its own
// and a line in sections.
type section struct {
	name string
	// read checks the section and gives its steps; what is wrong goes to p.
	read func(node *yaml.Node, p *problems) []step
	// export gives the section's present value, secrets left out; nil: none.
	export func(tx *store.Tx) (any, error)
}

// step brings one thing to what the file says. It tells what it changed, one
// line each; in a dry run what it would change. It may run more than once.
type step func(h *house, tx *store.Tx, dry bool) (changes []string, err error)

// sections stand in the order in which they are applied: forms name targets and
// card templates.
var sections = []section{usersSection, mailSection, hoursSection, scanSection, targetsSection, cardTemplatesSection, tokensSection,
	formsSection, webformsSection}

// laterSections belong to the same file in a later version.
var laterSections = []string{"sms"}

const maxYAML = 4 << 20 // bytes

type applyCommand struct {
	folder `json:"-"`
	File   string `arg:"" help:"YAML file; - reads the standard input."`
	DryRun bool   `help:"Print what would change, and change nothing."`
	// Pictures are the files that card templates name, by the path in the YAML.
	Pictures map[string][]byte `kong:"-"`
}

// Help implements kong.HelpProvider.
func (*applyCommand) Help() string {
	return "Twice is once: what is already so is left alone, what the file does not name stays. Example:\n\n" +
		"  styk export > styk.yaml\n  styk apply styk.yaml --dry-run\n  styk apply styk.yaml"
}

func (c *applyCommand) place() *folder { return &c.folder }

func (c *applyCommand) prepare(sh *shell) error {
	sh.input = c.File
	if c.File == "-" { // what is read here is read again where the command runs
		text, err := io.ReadAll(io.LimitReader(sh.in, maxYAML+1))
		if err != nil {
			return err
		}
		sh.in = bytes.NewReader(text)
		c.Pictures = picturesBeside(".", text)
		return nil
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return wrongSetting("", "%v", err)
	}
	c.Pictures = picturesBeside(filepath.Dir(c.File), text)
	return nil
}

func (c *applyCommand) work(ctx context.Context, h *house, s *streams) error {
	text, err := io.ReadAll(io.LimitReader(s.in, maxYAML+1))
	if err != nil {
		return err
	}
	changes, err := applyWith(ctx, h, &problems{file: c.File, pictures: c.Pictures}, text, c.DryRun)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		s.printf("nothing to change\n")
	}
	for _, line := range changes {
		s.printf("%s\n", line)
	}
	if c.DryRun && len(changes) > 0 {
		s.printf("dry run: nothing was changed\n")
	}
	return nil
}

// applyYAML brings the database to what text says, all or nothing, and tells
// what changed.
func applyYAML(ctx context.Context, h *house, file string, text []byte, dry bool) ([]string, error) {
	return applyWith(ctx, h, &problems{file: file}, text, dry)
}

func applyWith(ctx context.Context, h *house, p *problems, text []byte, dry bool) ([]string, error) {
	steps, err := readYAML(p, text)
	if err != nil {
		return nil, err
	}
	var changes []string
	run := func(tx *store.Tx) error {
		changes = nil
		for _, do := range steps {
			lines, err := do(h, tx, dry)
			if err != nil {
				return err
			}
			changes = append(changes, lines...)
		}
		return nil
	}
	if dry {
		err := h.db.View(ctx, run)
		return changes, err
	}
	if err := h.db.Update(ctx, run); err != nil {
		return nil, err
	}
	for _, do := range p.after {
		if err := do(ctx, h); err != nil {
			return nil, err
		}
	}
	h.courier.Renew() // targets may be others now
	return changes, h.letters.renew(ctx, h.db)
}

// readYAML checks a whole file before anything is touched.
func readYAML(p *problems, text []byte) ([]step, error) {
	if len(text) > maxYAML {
		return nil, wrongSetting("", "%s is larger than 4 MB", p.file)
	}
	root := parseYAML(text, p)
	read := map[string][]step{}
	if root != nil {
		seen := map[string]int{}
		for i := 0; i+1 < len(root.Content); i += 2 {
			key, value := root.Content[i], root.Content[i+1]
			if line, twice := seen[key.Value]; twice {
				p.add(key.Line, fmt.Sprintf("it stands in line %d already", line), "the section %q comes twice", key.Value)
				continue
			}
			seen[key.Value] = key.Line
			read[key.Value] = readSection(key, value, p)
		}
	}
	var steps []step
	for _, s := range sections {
		steps = append(steps, read[s.name]...)
	}
	return steps, p.asError()
}

func readSection(key, value *yaml.Node, p *problems) []step {
	for _, s := range sections {
		if s.name == key.Value {
			return s.read(value, p)
		}
	}
	if slices.Contains(laterSections, key.Value) {
		p.add(key.Line, "take the section out", "the section %q is not supported by this version (%s)", key.Value, version)
		return nil
	}
	var known []string
	for _, s := range sections {
		known = append(known, s.name)
	}
	p.add(key.Line, meant(key.Value, known), "the section %q is unknown", key.Value)
	return nil
}

// list gives the items of a section that is a list.
func list(node *yaml.Node, name string, p *problems) []*yaml.Node {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		p.add(node.Line, "write each on a line that begins with - ", "%s is a list", name)
		return nil
	}
	return node.Content
}

// unlike words what differs between two values of a field; "" when nothing
// does.
func unlike(field, old, now string) string {
	if old == now {
		return ""
	}
	return fmt.Sprintf("%s: %s → %s", field, orNone(old), orNone(now))
}

func orNone(text string) string {
	if text == "" {
		return "(none)"
	}
	return text
}

func joined(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.Join(parts, ", ")
}

type exportCommand struct {
	folder `json:"-"`
}

// Help implements kong.HelpProvider.
func (*exportCommand) Help() string {
	return "Access keys, tokens and pictures are left out: apply leaves the present ones alone. Example:\n\n  styk export > styk.yaml"
}

func (c *exportCommand) place() *folder { return &c.folder }
func (c *exportCommand) existing() bool { return true }

func (c *exportCommand) work(ctx context.Context, h *house, s *streams) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	err := h.db.View(ctx, func(tx *store.Tx) error {
		for _, part := range sections {
			value, err := part.export(tx)
			if err != nil {
				return err
			}
			if value == nil {
				continue
			}
			var node yaml.Node
			if err := node.Encode(value); err != nil {
				return err
			}
			root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: part.name}, &node)
		}
		return nil
	})
	if err != nil || len(root.Content) == 0 {
		return err
	}
	encoder := yaml.NewEncoder(s.out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return err
	}
	return encoder.Close()
}
