package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// problems are all that is wrong with a YAML file, each with its line.
type problems struct {
	file string
	list []problem

	targets   map[string]bool // that this file names itself
	templates map[string]bool // of cards, the same
	// pictures are the files that the YAML names, by their path in it.
	pictures map[string][]byte
	// after is done when the steps are stored: what reads or writes files.
	after []func(ctx context.Context, h *house) error
}

type problem struct {
	line       int
	text, hint string
}

func (p *problems) add(line int, hint, format string, args ...any) {
	p.list = append(p.list, problem{line, fmt.Sprintf(format, args...), hint})
}

// asError is nil when nothing is wrong; else one setting error with a line of
// text per problem.
func (p *problems) asError() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b problem) int { return a.line - b.line })
	lines := make([]string, len(p.list))
	for i, one := range p.list {
		lines[i] = fmt.Sprintf("%s:%d: %s", p.file, one.line, one.text)
		if one.hint != "" {
			lines[i] += "\n  hint: " + one.hint
		}
	}
	return &settingError{text: strings.Join(lines, "\n")}
}

// parseYAML reads the one document of a file.
func parseYAML(text []byte, p *problems) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		p.addYAML(1, err)
		return nil
	}
	if len(doc.Content) == 0 {
		p.add(1, "styk export prints a file as it should look", "the file is empty")
		return nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		p.add(root.Line, "the file begins with a section such as users:", "expected sections")
		return nil
	}
	return root
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// addYAML takes an error of the YAML reader, which names its line in the text.
func (p *problems) addYAML(line int, err error) {
	var types *yaml.TypeError
	texts := []string{err.Error()}
	if errors.As(err, &types) {
		texts = types.Errors
	}
	for _, text := range texts {
		at := line
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			_, _ = fmt.Sscan(m[1], &at)
			text = m[2]
		}
		hint := ""
		if strings.Contains(text, "tab") || strings.Contains(text, "found character that cannot start") {
			hint = "YAML is indented by spaces, not by tabs"
		}
		p.add(at, hint, "%s", strings.TrimPrefix(text, "yaml: "))
	}
}

// decodeStrict fills into from a node; a key that the structure does not know
// is a problem with a hint. It says whether the values can be used.
func decodeStrict(node *yaml.Node, into any, p *problems) bool {
	before := len(p.list)
	checkKeys(node, reflect.TypeOf(into).Elem(), p)
	if err := node.Decode(into); err != nil {
		p.addYAML(node.Line, err)
	}
	return len(p.list) == before
}

func checkKeys(node *yaml.Node, t reflect.Type, p *problems) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case t.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode:
		for _, item := range node.Content {
			checkKeys(item, t.Elem(), p)
		}
	case t.Kind() == reflect.Struct && node.Kind == yaml.MappingNode:
		fields := yamlFields(t)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			field, ok := fields[key.Value]
			if !ok {
				p.add(key.Line, meant(key.Value, keysOf(fields)), "%q is unknown here", key.Value)
				continue
			}
			checkKeys(value, field, p)
		}
	}
}

func yamlFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if strings.Contains(options, "inline") {
			for k, v := range yamlFields(t.Field(i).Type) {
				fields[k] = v
			}
		} else if name != "" && name != "-" {
			fields[name] = t.Field(i).Type
		}
	}
	return fields
}

func keysOf[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// lineOf gives the line of a key in a mapping, or that of the mapping.
func lineOf(node *yaml.Node, key string) int {
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				return node.Content[i].Line
			}
		}
	}
	return node.Line
}
