package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"styk"
	"styk/store"
	"styk/wallet"
)

var cardTemplatesSection = section{name: "card_templates", read: readCardTemplates, export: exportCardTemplates}

// cardTemplateYAML is a card template as the file has it. Without a layout the
// present one stays, and so does each picture that is not named.
type cardTemplateYAML struct {
	styk.CardTemplate `yaml:",inline"`
	Layout            *wallet.Layout    `yaml:"layout,omitempty"`
	Images            map[string]string `yaml:"images,omitempty"` // files beside the YAML by place: logo, icon, strip
}

func readCardTemplates(node *yaml.Node, p *problems) []step {
	var steps []step
	for _, item := range list(node, "card_templates", p) {
		var y cardTemplateYAML
		if !decodeStrict(item, &y, p) {
			continue
		}
		addFaults(p, item, y.Validate(), "")
		if y.Layout != nil {
			addFaults(p, valueOf(item, "layout"), y.Layout.Check(), "layout.")
			if err := y.Layout.Check(); err == nil && y.Validate() == nil {
				addFaults(p, item, wallet.CheckTemplate(&y.CardTemplate, y.Layout), "")
			}
		}
		if p.templates[y.ID] {
			p.add(lineOf(item, "id"), "", "the card template %s comes twice", y.ID)
		}
		p.templates = with(p.templates, y.ID)
		pictures := readPictures(&y, item, p)
		steps = append(steps, templateStep(p, &y, p.targetsExist(lineOf(item, "targets"), y.Targets)))
		for _, place := range slices.Sorted(maps.Keys(pictures)) {
			steps = append(steps, pictureStep(p, y.ID, place, pictures[place]))
		}
	}
	return steps
}

func with(set map[string]bool, name string) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	set[name] = true
	return set
}

// readPictures gives the bytes of a template's pictures, looked at.
func readPictures(y *cardTemplateYAML, item *yaml.Node, p *problems) map[wallet.Picture][]byte {
	all := map[wallet.Picture][]byte{}
	images := valueOf(item, "images")
	for _, name := range slices.Sorted(maps.Keys(y.Images)) {
		line, place := lineOf(images, name), wallet.Picture(name)
		if !slices.Contains(wallet.Pictures, place) {
			p.add(line, meant(name, texts(wallet.Pictures)), "images: %q is no place of a picture", name)
			continue
		}
		data, ok := p.pictures[y.Images[name]]
		if !ok {
			p.add(line, "the path begins at the folder of the YAML file", "images.%s: there is no file %q", name, y.Images[name])
			continue
		}
		var background wallet.Colour
		if y.Layout != nil {
			background = y.Layout.Background
		}
		if _, err := wallet.Scale(place, data, background); err != nil {
			p.add(line, "", "images.%s: %v", name, err)
			continue
		}
		all[place] = data
	}
	return all
}

func templateStep(p *problems, y *cardTemplateYAML, named func(*store.Tx) error) step {
	changed := false
	p.after = append(p.after, func(ctx context.Context, h *house) error {
		if !changed {
			return nil
		}
		return h.callPhonesOf(ctx, y.ID)
	})
	return func(h *house, tx *store.Tx, dry bool) ([]string, error) {
		if err := named(tx); err != nil {
			return nil, err
		}
		line := "+ card template " + y.ID + " " + y.Name
		old, err := tx.CardTemplate(y.ID)
		switch {
		case err == nil:
			changes, err := templateDiff(old, y)
			if err != nil || changes == "" {
				return nil, err
			}
			line = "~ card template " + old.Name + ": " + changes
		case styk.CodeOf(err) != styk.NotFound:
			return nil, err
		}
		if dry {
			return []string{line}, nil
		}
		t := y.CardTemplate
		changed, err = h.cards.SaveTemplateIn(tx, &t, y.Layout)
		return []string{line}, err
	}
}

// templateDiff compares key by key, as both would be written.
func templateDiff(old *styk.CardTemplate, y *cardTemplateYAML) (string, error) {
	was, err := keysAsJSON(old)
	if err != nil {
		return "", err
	}
	is, err := keysAsJSON(&y.CardTemplate)
	if err != nil {
		return "", err
	}
	var changes []string
	for _, key := range []string{"name", "adopt", "unknown_card", "targets", "pass_type", "disabled", "variables"} {
		changes = append(changes, unlike(key, was[key], is[key]))
	}
	if y.Layout != nil {
		layout, err := json.Marshal(y.Layout)
		if err != nil {
			return "", err
		}
		if string(old.Layout) != string(layout) {
			changes = append(changes, "layout: another one")
		}
	}
	return joined(changes...), nil
}

// pictureStep sees whether a picture is another one. It is stored after the
// rest, since bytes are written before the rows that name them.
func pictureStep(p *problems, template string, place wallet.Picture, data []byte) step {
	sum := sha256.Sum256(data)
	want := hex.EncodeToString(sum[:])
	differs := false
	p.after = append(p.after, func(ctx context.Context, h *house) error {
		if !differs {
			return nil
		}
		if err := h.cards.SavePicture(ctx, template, place, data); err != nil {
			return fmt.Errorf("picture %s of card template %s: %w", place, template, err)
		}
		return nil
	})
	return func(_ *house, tx *store.Tx, _ bool) ([]string, error) {
		files, err := tx.CardImages(template)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(files, func(f store.CardImage) bool { return f.Name == string(place) })
		differs = i < 0 || files[i].Sum != want
		if !differs {
			return nil, nil
		}
		return []string{"~ card template " + template + ": another " + string(place)}, nil
	}
}

// templatesExist gives a check that each named template is in the file or in the
// database.
func (p *problems) templatesExist(line int, ids []string) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		missing := &problems{file: p.file}
		for _, id := range ids {
			if p.templates[id] {
				continue
			}
			version, err := tx.TemplateVersion(id)
			if err != nil {
				return err
			}
			if version == 0 {
				missing.add(line, "describe it in the section card_templates", "there is no card template %q", id)
			}
		}
		return missing.asError()
	}
}

// exportCardTemplates leaves pictures out: they are no text.
func exportCardTemplates(tx *store.Tx) (any, error) {
	templates, err := tx.CardTemplates()
	if err != nil || len(templates) == 0 {
		return nil, err
	}
	all := make([]cardTemplateYAML, len(templates))
	for i, t := range templates {
		all[i].CardTemplate = *t
		if len(t.Layout) > 0 {
			if all[i].Layout, err = wallet.LayoutOf(t); err != nil {
				return nil, fmt.Errorf("layout of card template %s: %w", t.ID, err)
			}
		}
	}
	return all, nil
}

// picturesBeside reads the files that a YAML's card templates name, relative to
// its folder. What cannot be read is told when the YAML is checked.
func picturesBeside(folder string, text []byte) map[string][]byte {
	var y struct {
		Templates []struct {
			Images map[string]string `yaml:"images"`
		} `yaml:"card_templates"`
	}
	if yaml.Unmarshal(text, &y) != nil {
		return nil
	}
	all := map[string][]byte{}
	for _, t := range y.Templates {
		for _, path := range t.Images {
			at := path
			if !filepath.IsAbs(at) {
				at = filepath.Join(folder, at)
			}
			if data, err := readBounded(at, wallet.UploadLimit+1); err == nil {
				all[path] = data
			}
		}
	}
	return all
}

// readBounded reads the first bytes of a file.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}
