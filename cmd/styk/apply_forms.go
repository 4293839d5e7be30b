package main

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"styk"
	"styk/store"
)

var formsSection = section{name: "forms", read: readForms, export: exportForms}

func readForms(node *yaml.Node, p *problems) []step {
	var steps []step
	seen := map[string]bool{}
	for _, item := range list(node, "forms", p) {
		var f styk.Form
		if !decodeStrict(item, &f, p) {
			continue
		}
		addFaults(p, item, f.Validate(), "")
		for i := range f.Fields {
			if f.Fields[i].Verify != "" {
				p.add(lineAt(item, fmt.Sprintf("fields[%d].verify", i)), "leave it out", "verify: codes by SMS are not supported by this version (%s)", version)
			}
		}
		if seen[f.Name] {
			p.add(lineOf(item, "name"), "", "the form %s comes twice", f.Name)
		}
		seen[f.Name] = true
		steps = append(steps, p.formCardStep(lineOf(item, "card"), f.Card), formStep(f, p.targetsExist(lineOf(item, "targets"), f.Targets)))
	}
	return steps
}

// formCardStep checks that the card's template is there, in the file or in the
// database, and has the variables. It changes nothing.
func (p *problems) formCardStep(line int, card *styk.FormCard) step {
	return func(h *house, tx *store.Tx, dry bool) ([]string, error) {
		if card == nil || dry && p.templates[card.Template] {
			return nil, nil
		}
		if err := p.templatesExist(line, []string{card.Template})(tx); err != nil {
			return nil, err
		}
		t, err := h.cards.TemplateIn(tx, card.Template)
		if err != nil {
			return nil, err
		}
		missing := &problems{file: p.file}
		for _, field := range keysOf(card.Fields) {
			if t.Variable(card.Fields[field]) == nil {
				missing.add(line, meant(card.Fields[field], variableNames(t)), "card: the template has no variable %q", card.Fields[field])
			}
		}
		return nil, missing.asError()
	}
}

func formStep(want styk.Form, named func(tx *store.Tx) error) step {
	return func(_ *house, tx *store.Tx, dry bool) ([]string, error) {
		if err := named(tx); err != nil {
			return nil, err
		}
		forms, err := tx.Forms()
		if err != nil {
			return nil, err
		}
		line := "+ form " + want.Name
		for _, old := range forms {
			if old.Name != want.Name {
				continue
			}
			changes, err := formDiff(old, &want)
			if err != nil || changes == "" {
				return nil, err
			}
			line = "~ form " + old.Name + ": " + changes
		}
		if dry {
			return []string{line}, nil
		}
		f := want
		_, err = tx.SaveForm(&f)
		return []string{line}, err
	}
}

// formDiff compares key by key, as both would be written.
func formDiff(old, now *styk.Form) (string, error) {
	was, err := keysAsJSON(old)
	if err != nil {
		return "", err
	}
	is, err := keysAsJSON(now)
	if err != nil {
		return "", err
	}
	var changes []string
	for _, key := range []string{"title", "targets", "wait", "after", "fields", "texts", "theme", "origins", "card", "disabled"} {
		changes = append(changes, unlike(key, was[key], is[key]))
	}
	return joined(changes...), nil
}

func keysAsJSON(v any) (map[string]string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	all := make(map[string]string, len(raw))
	for k, one := range raw {
		all[k] = string(one)
	}
	return all, nil
}

func exportForms(tx *store.Tx) (any, error) {
	forms, err := tx.Forms()
	if err != nil || len(forms) == 0 {
		return nil, err
	}
	return forms, nil
}
