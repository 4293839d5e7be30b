package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"styk"
	"styk/store"
)

var webformsSection = section{name: "webforms", read: readWebforms, export: exportWebforms}

// webformFields are what capture.php can take for a contact; an installation's
// own fields are written cf_ and a number.
var webformFields = []string{"salutationtype", "firstname", "secondname", "lastname", "mobile", "phone", "email", "tgid",
	"birthday", "birthplace", "mailingstreet", "inn", "requisites", "code", "title", "description"}

var (
	publicIDShape    = regexp.MustCompile(`^[0-9a-f]{32}$`)
	partShape        = regexp.MustCompile(`^file_[0-9A-Za-z_]{1,60}$`)
	customFieldShape = regexp.MustCompile(`^cf_[0-9A-Za-z_]{1,60}$`)
)

func readWebforms(node *yaml.Node, p *problems) []step {
	var steps []step
	seen := map[string]bool{}
	for _, item := range list(node, "webforms", p) {
		var f styk.Webform
		if !decodeStrict(item, &f, p) {
			continue
		}
		if f.Match == "" {
			f.Match = styk.MatchPhone
		}
		for _, wrong := range checkWebform(&f) {
			p.add(lineOf(item, wrong.field), wrong.hint, "%s: %s", wrong.field, wrong.text)
		}
		if seen[f.PublicID] {
			p.add(lineOf(item, "publicid"), "", "publicid: %s comes twice", f.PublicID)
		}
		seen[f.PublicID] = true
		steps = append(steps, webformStep(f, p.targetsExist(lineOf(item, "targets"), f.Targets)))
	}
	return steps
}

// checkWebform gives all that is wrong with a form.
func checkWebform(f *styk.Webform) (faults []fault) {
	wrong := func(field, hint, format string, args ...any) {
		faults = append(faults, fault{field, fmt.Sprintf(format, args...), hint})
	}
	if f.Name == "" {
		wrong("name", "", "is missing")
	}
	if !publicIDShape.MatchString(f.PublicID) {
		wrong("publicid", "openssl rand -hex 16 makes one", "%q is not 32 hex digits in lower case", f.PublicID)
	}
	if f.Module != "Contacts" {
		wrong("module", "did you mean Contacts?", "%q is not supported by this version", f.Module)
	}
	for _, name := range f.Fields {
		if !slices.Contains(webformFields, name) && !customFieldShape.MatchString(name) {
			wrong("fields", meant(name, webformFields), "%q is unknown", name)
		}
	}
	if len(f.Fields) == 0 {
		wrong("fields", "", "a form without fields takes nothing")
	}
	for _, part := range f.Files {
		if !partShape.MatchString(part.Part) || part.Title == "" {
			wrong("files", "such as {part: file_1_1, title: договор}", "part %q, title %q", part.Part, part.Title)
		}
	}
	if f.Match != styk.MatchPhone && f.Match != styk.MatchNever {
		wrong("match", "phone or never", "%q is unknown", f.Match)
	}
	if u, err := url.Parse(f.ReturnURL); f.ReturnURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		wrong("return_url", "such as https://firm.ru/thanks", "%q is no address", f.ReturnURL)
	}
	return faults
}

func webformStep(want styk.Webform, named func(tx *store.Tx) error) step {
	return func(_ *house, tx *store.Tx, dry bool) ([]string, error) {
		if err := named(tx); err != nil {
			return nil, err
		}
		forms, err := tx.Webforms()
		if err != nil {
			return nil, err
		}
		line := "+ webform " + want.Name
		for _, old := range forms {
			if old.PublicID != want.PublicID {
				continue
			}
			changes := joined(webformDiff(old, &want)...)
			if changes == "" {
				return nil, nil
			}
			line = "~ webform " + old.Name + ": " + changes
		}
		if dry {
			return []string{line}, nil
		}
		f := want
		return []string{line}, tx.SaveWebform(&f)
	}
}

func webformDiff(old, now *styk.Webform) []string {
	return []string{
		unlike("name", old.Name, now.Name),
		unlike("module", old.Module, now.Module),
		unlike("fields", joined(slices.Clone(old.Fields)...), joined(slices.Clone(now.Fields)...)),
		unlike("files", asText(old.Files), asText(now.Files)),
		unlike("match", old.Match, now.Match),
		unlike("return_url", old.ReturnURL, now.ReturnURL),
		unlike("targets", joined(slices.Clone(old.Targets)...), joined(slices.Clone(now.Targets)...)),
		unlike("disabled", yesNo(old.Disabled), yesNo(now.Disabled)),
	}
}

func asText(parts []styk.FilePart) string {
	if len(parts) == 0 {
		return ""
	}
	text, _ := json.Marshal(parts)
	return string(text)
}

func exportWebforms(tx *store.Tx) (any, error) {
	forms, err := tx.Webforms()
	if err != nil || len(forms) == 0 {
		return nil, err
	}
	return forms, nil
}
