package main

import (
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"styk"
	"styk/store"
)

var tokensSection = section{name: "tokens", read: readTokens, export: exportTokens}

// tokenYAML is a token of the card API as the file has it.
type tokenYAML struct {
	Name      string   `yaml:"name"`
	Token     string   `yaml:"token,omitempty"`
	Templates wordList `yaml:"templates,omitempty"`
	Always200 bool     `yaml:"always_200,omitempty"`
	PerMinute int      `yaml:"per_minute,omitempty"`
	Disabled  bool     `yaml:"disabled,omitempty"`
}

// A token travels in a header, perhaps behind the word Bearer.
var (
	tokenName = regexp.MustCompile(`^[^\s]{1,64}$`)
	tokenText = regexp.MustCompile(`^[!-~]{16,200}$`)
)

func readTokens(node *yaml.Node, p *problems) []step {
	var steps []step
	seen := map[string]bool{}
	for _, item := range list(node, "tokens", p) {
		var y tokenYAML
		if !decodeStrict(item, &y, p) {
			continue
		}
		want := &styk.CardToken{Name: y.Name, Templates: y.Templates, Always200: y.Always200, PerMinute: y.PerMinute, Disabled: y.Disabled}
		for _, f := range checkToken(want, y.Token) {
			p.add(lineOf(item, f.field), f.hint, "%s: %s", f.field, f.text)
		}
		if seen[y.Name] {
			p.add(lineOf(item, "name"), "", "the token %s comes twice", y.Name)
		}
		seen[y.Name] = true
		steps = append(steps, tokenStep(want, y.Token, p.templatesExist(lineOf(item, "templates"), y.Templates)))
	}
	return steps
}

// checkToken gives all that is wrong with a token; an empty text is made later.
func checkToken(t *styk.CardToken, text string) (faults []fault) {
	wrong := func(field, text, hint string) { faults = append(faults, fault{field, text, hint}) }
	if !tokenName.MatchString(t.Name) {
		wrong("name", fmt.Sprintf("%q is no name: 1–64 characters without spaces", t.Name), "")
	}
	if text != "" && !tokenText.MatchString(text) {
		wrong("token", "the token is not 16–200 letters, digits and signs without spaces", "leave it out and one is made")
	}
	if t.PerMinute < 0 {
		wrong("per_minute", "less than no call", "0 is the usual pace")
	}
	for _, id := range t.Templates {
		if !styk.ValidCardNumber(id) {
			wrong("templates", fmt.Sprintf("%q is no template: 24 digits 0–9 and a–f", id), "")
		}
	}
	return faults
}

// tokenStep makes or changes one token. Without a text in the file a present one
// keeps its own, a new one gets one that is printed this once.
func tokenStep(want *styk.CardToken, text string, named func(*store.Tx) error) step {
	return func(_ *house, tx *store.Tx, dry bool) ([]string, error) {
		if err := named(tx); err != nil {
			return nil, err
		}
		t, secret := *want, text
		old, err := tokenNamed(tx, t.Name)
		if err != nil {
			return nil, err
		}
		lines := []string{"+ token " + t.Name}
		if old != nil {
			changes, err := tokenDiff(tx, old, &t, text)
			if err != nil || changes == "" {
				return nil, err
			}
			lines[0] = "~ token " + t.Name + ": " + changes
			t.User, t.Expires = old.User, old.Expires
		}
		if dry {
			return lines, nil
		}
		if old == nil && secret == "" {
			secret = newAccessKey()
			lines = append(lines, "  token, shown this once: "+secret)
		}
		return lines, tx.SaveCardToken(&t, secret)
	}
}

func tokenDiff(tx *store.Tx, old, now *styk.CardToken, text string) (string, error) {
	secret := ""
	if text != "" {
		same, err := tx.CardTokenIs(old.Name, text)
		if err != nil {
			return "", err
		}
		if !same {
			secret = "token: another one"
		}
	}
	return joined(secret,
		unlike("templates", joined(slices.Clone(old.Templates)...), joined(slices.Clone(now.Templates)...)),
		unlike("always_200", yesNo(old.Always200), yesNo(now.Always200)),
		unlike("per_minute", fmt.Sprint(old.PerMinute), fmt.Sprint(now.PerMinute)),
		unlike("disabled", yesNo(old.Disabled), yesNo(now.Disabled))), nil
}

// tokenNamed finds a token; nil when there is none.
func tokenNamed(tx *store.Tx, name string) (*styk.CardToken, error) {
	all, err := tx.CardTokens()
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, nil //nolint:nilnil // none is an answer here
}

// exportTokens leaves out what a program got by logging in: that is its own.
func exportTokens(tx *store.Tx) (any, error) {
	tokens, err := tx.CardTokens()
	if err != nil {
		return nil, err
	}
	var all []tokenYAML
	for _, t := range tokens {
		if t.User == 0 {
			all = append(all, tokenYAML{Name: t.Name, Templates: t.Templates, Always200: t.Always200, PerMinute: t.PerMinute, Disabled: t.Disabled})
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}
