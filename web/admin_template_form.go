package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/store"
	"styk/wallet"
)

// Bounds of what a form may hold.
const (
	variableRowsMax = 60
	fieldRowsMax    = 100
)

// actionTemplate is noted of people's work on templates.
const actionTemplate = "template.saved"

// typedDraft reads the editor's form over the stored template.
func (a *admin) typedDraft(v *visit) (*templateDraft, error) {
	stored, err := a.storedDraft(v)
	if err != nil {
		return nil, err
	}
	form := v.r.PostForm
	d := &templateDraft{isStored: stored.isStored, sample: form.Get("sample")}
	d.version, _ = strconv.ParseInt(form.Get("version"), 10, 64)
	t := *stored.t
	t.Name, t.PassType = strings.TrimSpace(form.Get("name")), form.Get("pass_type")
	t.Adopt, t.Disabled, t.UnknownCard = form.Has("adopt"), form.Has("disabled"), ""
	if form.Has("unknown") {
		t.UnknownCard = styk.UnknownCreate
	}
	t.Targets = form["target"]
	t.Variables = readVariables(form)
	layout := readLayout(form, stored.layout)
	d.t, d.layout = &t, &layout
	return d, nil
}

func readVariables(form url.Values) (list []styk.CardVariable) {
	for i := range variableRowsMax {
		at := "var." + strconv.Itoa(i) + "."
		if !form.Has(at + "name") {
			break
		}
		list = append(list, styk.CardVariable{
			Name: strings.Trim(strings.TrimSpace(form.Get(at+"name")), "%"), Type: form.Get(at + "type"), Means: form.Get(at + "means"),
			Default: strings.TrimSpace(form.Get(at + "default")), Unique: form.Has(at + "unique"), Required: form.Has(at + "required"),
		})
	}
	return list
}

// readLayout reads the look. What the page does not show, translations of other
// languages and of values, stays as it was.
func readLayout(form url.Values, old *wallet.Layout) wallet.Layout {
	text := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	l := wallet.Layout{
		Organization: text("organization"), Description: text("description"), LogoText: text("logo_text"),
		Background: wallet.Colour(text("background")), Foreground: wallet.Colour(text("foreground")), LabelColor: wallet.Colour(text("label_color")),
		Barcode: wallet.Barcode{Symbol: wallet.Symbol(text("symbol")), Value: text("code"), Caption: text("caption")},
		Strings: map[string]map[string]string{},
	}
	words := map[string]string{}
	for lang, table := range old.Strings {
		l.Strings[lang] = table
		if lang == "en" {
			words = keptWords(old, table)
		}
	}
	for _, place := range cardPlaces {
		*placeOf(&l, place.word) = readFields(form, place.word, words)
	}
	nameFields(&l)
	if delete(l.Strings, "en"); len(words) > 0 {
		l.Strings["en"] = words
	}
	return l
}

// keptWords are the translations of what is neither a label nor a notice.
func keptWords(l *wallet.Layout, table map[string]string) map[string]string {
	shown := map[string]bool{}
	for _, place := range cardPlaces {
		for _, f := range *placeOf(l, place.word) {
			shown[f.Label], shown[f.Change] = true, true
		}
	}
	kept := map[string]string{}
	for text, word := range table {
		if !shown[text] {
			kept[text] = word
		}
	}
	return kept
}

func readFields(form url.Values, word string, words map[string]string) (list []wallet.Field) {
	for i := range fieldRowsMax {
		at := "field." + word + "." + strconv.Itoa(i) + "."
		if !form.Has(at + "value") {
			break
		}
		text := func(name string) string {
			return strings.TrimSpace(strings.ReplaceAll(form.Get(at+name), "\r\n", "\n"))
		}
		f := wallet.Field{Key: text("key"), Label: text("label"), Value: text("value"), Kind: wallet.Kind(text("kind")), Empty: text("empty"),
			Change: text("change"), Align: wallet.Align(text("align"))}
		for text, word := range map[string]string{f.Label: text("label_en"), f.Change: text("change_en")} {
			if text != "" && word != "" {
				words[text] = word
			}
		}
		list = append(list, f)
	}
	return list
}

// nameFields gives a key to fields that have none: new ones.
func nameFields(l *wallet.Layout) {
	used := map[string]bool{}
	for _, place := range cardPlaces {
		for _, f := range *placeOf(l, place.word) {
			used[f.Key] = true
		}
	}
	n := 1
	for _, place := range cardPlaces {
		fields := *placeOf(l, place.word)
		for i := range fields {
			if fields[i].Key != "" {
				continue
			}
			for used["f"+strconv.Itoa(n)] {
				n++
			}
			fields[i].Key = "f" + strconv.Itoa(n)
			used[fields[i].Key] = true
		}
	}
}

// saveTemplate stores what was typed, or does what another button of the form
// asks for: the page works without scripts.
func (a *admin) saveTemplate(v *visit) error {
	d, err := a.typedDraft(v)
	if err != nil {
		return err
	}
	if do := v.r.PostForm.Get("do"); do != "" && do != "save" {
		d.change(do)
		return a.templatePage(v, http.StatusOK, d)
	}
	d.drop(func(v styk.CardVariable) bool { return v == styk.CardVariable{Type: v.Type} })
	if !d.isStored {
		d.t.ID = wallet.NewTemplateID()
	}
	if err := a.checkDraft(v, d); err != nil {
		return err
	}
	if d.err == nil {
		_, d.err = a.Cards.SaveTemplate(v.r.Context(), d.t, d.layout)
		if d.err != nil && styk.CodeOf(d.err) == "" {
			return d.err
		}
	}
	if d.err != nil {
		return a.templatePage(v, http.StatusUnprocessableEntity, d)
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionTemplate, 0, 0); err != nil {
		return err
	}
	return v.redirect(templateAddress(d.t.ID), choose2(d.isStored, "template", "made"))
}

func choose2(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// checkDraft gathers all that is wrong at once into the draft's error.
func (a *admin) checkDraft(v *visit, d *templateDraft) error {
	var faults []styk.Fault
	for _, err := range []error{d.t.Validate(), d.layout.Check(), wallet.CheckTemplate(d.t, d.layout)} {
		var e *styk.Error
		if errors.As(err, &e) {
			for _, f := range e.Faults {
				if !slices.Contains(faults, f) {
					faults = append(faults, f)
				}
			}
		}
	}
	if d.t.PassType != "" {
		if _, err := a.Cards.Signer(v.r.Context(), d.t.PassType); styk.CodeOf(err) == styk.Invalid {
			faults = append(faults, styk.Fault{Field: "pass_type", Rule: "certificate", Text: faultText(err)})
		}
	}
	unknown, err := a.unknownTargets(v, d.t.Targets)
	if err != nil {
		return err
	}
	if faults = append(faults, unknown...); faults != nil {
		d.err = &styk.Error{Code: styk.Invalid, Faults: faults}
		return nil
	}
	if !d.isStored {
		return nil
	}
	now, err := a.Cards.Template(v.r.Context(), d.t.ID)
	if err == nil && now.Version != d.version {
		d.err = styk.Failed(styk.Conflict, choose(v.lang, "Пока страница была открыта, шаблон изменили. Откройте его заново и повторите правку: введённое здесь пока видно.",
			"The template was changed while this page was open. Open it anew and repeat the change: what you typed is still here."))
	}
	return err
}

// unknownTargets tells which names are no target's.
func (a *admin) unknownTargets(v *visit, names []string) (faults []styk.Fault, err error) {
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		faults = nil
		for _, name := range names {
			number, err := tx.TargetNumber(name)
			if err != nil {
				return err
			}
			if number == 0 {
				faults = append(faults, styk.Fault{Field: "targets", Rule: "reference", Text: choose(v.lang, "нет такой цели: ", "there is no such target: ") + name})
			}
		}
		return nil
	})
	return faults, err
}

// drop takes variables out.
func (d *templateDraft) drop(gone func(styk.CardVariable) bool) {
	d.t.Variables = slices.DeleteFunc(slices.Clone(d.t.Variables), gone)
}

// change adds, drops or moves a row: "add:var", "drop:header:1", "up:var:2".
func (d *templateDraft) change(do string) {
	words := strings.Split(do, ":")
	if len(words) < 2 {
		return
	}
	n := -1
	if len(words) > 2 {
		n, _ = strconv.Atoi(words[2])
	}
	if words[1] == "var" {
		d.t.Variables = changed(d.t.Variables, words[0], n, styk.CardVariable{Type: styk.CardString})
		return
	}
	if fields := placeOf(d.layout, words[1]); fields != nil {
		*fields = changed(*fields, words[0], n, wallet.Field{})
		nameFields(d.layout)
	}
}

func changed[T any](list []T, do string, n int, fresh T) []T {
	list = slices.Clone(list)
	switch {
	case do == "add" && len(list) < fieldRowsMax:
		return append(list, fresh)
	case do == "drop" && n >= 0 && n < len(list):
		return slices.Delete(list, n, n+1)
	case do == "up" && n > 0 && n < len(list):
		list[n-1], list[n] = list[n], list[n-1]
	}
	return list
}

// previewTemplate draws what was typed, for the page's script.
func (a *admin) previewTemplate(v *visit) error {
	d, err := a.typedDraft(v)
	if err != nil {
		return err
	}
	pictures := map[string]string{}
	if d.isStored {
		if pictures, err = a.picturesOf(v.r.Context(), d.t.ID); err != nil {
			return err
		}
	}
	return a.show(v, http.StatusOK, "template_faces", face(v.lang, d.t, d.layout, sampleCard(d.t, d.sample), pictures))
}

// downloadListing gives the code for 1C as a file.
func (a *admin) downloadListing(v *visit) error {
	d, err := a.storedDraft(v)
	if err != nil {
		return err
	}
	if !d.isStored {
		return errNoCards
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", attachment("styk-"+d.t.ID[:6]+".bsl"))
	_, err = fmt.Fprint(v.w, "\ufeff"+strings.ReplaceAll(wallet.Listing(d.t, a.Base()), "\n", "\r\n")) // as 1C's own files are
	return err
}
