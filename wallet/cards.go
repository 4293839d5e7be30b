package wallet

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"styk"
	"styk/blob"
	"styk/store"
)

// Cards issues, changes and shows loyalty cards. Set the exported fields before
// the first call and leave them; then it is safe for many goroutines, and
// several processes may share one database.
type Cards struct {
	DB    *store.DB
	Blobs blob.Store // pictures of templates
	// PublicURL is the base of the links that people and phones get, without a
	// trailing slash.
	PublicURL string
	Wake      func() // something was given to the courier; may be nil
	// PushService is where pushes go, with whose certificates are believed there;
	// "" is Apple, which only a certificate of Apple's can call.
	PushService string
	PushTrust   *x509.CertPool
	Called      func(Verdict) // after each call of a phone, by many goroutines; may be nil
	Log         *slog.Logger

	mu        sync.Mutex
	templates map[string]*styk.CardTemplate // never changed once here
	presses   map[pressKey]*Press
	signers   map[string]keptSigner // by pass type
	passes    passCache
	pushers   map[*Signer]*APNs
}

// New is a card to be made.
type New struct {
	Template string
	Number   string            // 24 hex digits; "": drawn
	Values   map[string]string // texts by variable, without %
	Contact  styk.ID           // whose it is; 0: found by the values
	Source   string            // passteam, form, import, admin
	By       store.By
}

// Unset tells that a unique and required variable has no value.
type Unset struct{ Variable string }

// Error implements error.
func (e *Unset) Error() string { return e.Variable + " is unique and must be set" }

// Unwrap makes it a missing field.
func (e *Unset) Unwrap() error {
	return styk.FieldError(styk.Missing, e.Variable, "required", "нужно значение: по нему карты различаются")
}

// ErrNoTemplate tells that no template has this id, unlike a card that is not
// found; both are styk.NotFound.
var ErrNoTemplate = errors.New("there is no such card template")

// MaxValue bounds one value of a card, in characters.
const MaxValue = 1000

// Issue makes a card. taken tells that the template adopts: the card was there
// already and was given the values. Errors: ErrNoTemplate, *Unset,
// *store.CardTaken, styk.Error for values that are too long.
func (c *Cards) Issue(ctx context.Context, n New) (card *styk.Card, adopted bool, err error) {
	if n.Values, err = cleanValues(n.Values); err != nil {
		return nil, false, err
	}
	err = c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		card, adopted, err = c.IssueIn(tx, n)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	c.wake()
	return card, adopted, nil
}

// IssueIn is Issue as part of a larger transaction. The values must be clean,
// see Issue; whoever calls it wakes the courier.
func (c *Cards) IssueIn(tx *store.Tx, n New) (card *styk.Card, adopted bool, err error) {
	t, err := c.TemplateIn(tx, n.Template)
	if err != nil {
		return nil, false, err
	}
	if t.Disabled {
		return nil, false, styk.FieldError(styk.Conflict, "templateId", "disabled", "шаблон закрыт: новых карт он не выпускает")
	}
	values := withDefaults(t, n.Values)
	if err := checkSet(t, values, true); err != nil {
		return nil, false, err
	}
	keys := keysOf(t, values)
	var taken *store.CardTaken
	if err := tx.FreeKeys(t.ID, keys, 0); errors.As(err, &taken) && t.Adopt {
		card, _, err := c.UpdateIn(tx, taken.Number, n.Values, n.By)
		return card, true, err
	} else if err != nil {
		return nil, false, err
	}
	card = &styk.Card{
		Number: n.Number, Template: t.ID, Contact: n.Contact, Values: values, Warnings: warningsOf(t, values), Source: n.Source,
	}
	if card.Number == "" {
		card.Number = drawNumber()
	}
	if card.Code, err = drawCode(tx, t, values); err != nil {
		return nil, false, err
	}
	if card.Contact == 0 {
		if card.Contact, err = holder(tx, t, card, n.By); err != nil {
			return nil, false, err
		}
	}
	if err := tx.InsertCard(card, keys); err != nil {
		return nil, false, err
	}
	return card, false, c.tell(tx, t, card, styk.CardCreated, nil)
}

// Update changes values of a card; those that are not given stay. changed is
// false when they were the same already: nothing is then written, and no phone
// is called. Errors: styk.NotFound, *Unset, *store.CardTaken.
func (c *Cards) Update(ctx context.Context, number string, values map[string]string, by store.By) (card *styk.Card, changed bool, err error) {
	if values, err = cleanValues(values); err != nil {
		return nil, false, err
	}
	same := false
	err = c.DB.View(ctx, func(tx *store.Tx) error { // 1C sends the same again and again: that needs no writer
		var t *styk.CardTemplate
		if card, err = tx.Card(number); err != nil {
			return err
		}
		if t, err = c.TemplateIn(tx, card.Template); err != nil {
			return err
		}
		same = card.Deleted.IsZero() && len(differing(t, card, values)) == 0
		return nil
	})
	if err == nil && same {
		return card, false, nil
	}
	if err != nil && styk.CodeOf(err) != styk.NotFound {
		return nil, false, err
	}
	err = c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		card, changed, err = c.UpdateIn(tx, number, values, by)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	c.wake()
	return card, changed, nil
}

// UpdateIn is Update as part of a larger transaction.
func (c *Cards) UpdateIn(tx *store.Tx, number string, values map[string]string, by store.By) (card *styk.Card, changed bool, err error) {
	card, err = tx.LockCard(number)
	if styk.CodeOf(err) == styk.NotFound {
		return c.makeUnknown(tx, number, values, by)
	}
	if err != nil {
		return nil, false, err
	}
	if !card.Deleted.IsZero() {
		return nil, false, styk.Failed(styk.NotFound, "the card "+number+" is deleted")
	}
	t, err := c.TemplateIn(tx, card.Template)
	if err != nil {
		return nil, false, err
	}
	names := differing(t, card, values)
	if len(names) == 0 {
		return card, false, nil
	}
	if err := checkSet(t, values, false); err != nil {
		return nil, false, err
	}
	old := keysOf(t, card.Values)
	edit := store.CardEdit{Op: "update", By: by, Changes: map[string][2]string{}, OldCode: card.Code}
	for _, name := range names {
		edit.Changes[name] = [2]string{card.Values[name], values[name]}
		card.Values[name] = values[name]
	}
	now := keysOf(t, card.Values)
	if err := tx.FreeKeys(t.ID, now, card.ID); err != nil {
		return nil, false, err
	}
	edit.Free, edit.Bind = without(old, now), without(now, old)
	if code := t.Value(card, styk.MeansCode); code != "" {
		card.Code = code
	}
	card.Warnings = warningsOf(t, card.Values)
	if card.Contact == 0 {
		if card.Contact, err = holder(tx, t, card, by); err != nil {
			return nil, false, err
		}
	}
	if err := tx.SaveCard(card, edit); err != nil {
		return nil, false, err
	}
	return card, true, c.tell(tx, t, card, styk.CardUpdated, names)
}

// makeUnknown makes a card that was only ever known to another service, where a
// template allows that: the one that has all the variables.
func (c *Cards) makeUnknown(tx *store.Tx, number string, values map[string]string, by store.By) (*styk.Card, bool, error) {
	unknown := styk.Failed(styk.NotFound, "there is no card "+number)
	if !styk.ValidCardNumber(number) {
		return nil, false, unknown
	}
	all, err := tx.CardTemplates()
	if err != nil {
		return nil, false, err
	}
	all = slices.DeleteFunc(all, func(t *styk.CardTemplate) bool {
		if t.UnknownCard != styk.UnknownCreate || t.Disabled {
			return true
		}
		for name := range values {
			if t.Variable(name) == nil {
				return true
			}
		}
		return false
	})
	if len(all) != 1 {
		return nil, false, unknown
	}
	card, _, err := c.IssueIn(tx, New{Template: all[0].ID, Number: number, Values: values, Source: by.Origin, By: by})
	return card, true, err
}

// Delete ends a card: its pass is marked void on phones, its unique values are
// free, its number is never used again. styk.NotFound when it is not there.
func (c *Cards) Delete(ctx context.Context, number string, by store.By) error {
	err := c.DB.Update(ctx, func(tx *store.Tx) error {
		card, err := tx.LockCard(number)
		if err != nil {
			return err
		}
		if !card.Deleted.IsZero() {
			return styk.Failed(styk.NotFound, "the card "+number+" is deleted")
		}
		t, err := c.TemplateIn(tx, card.Template)
		if err != nil {
			return err
		}
		card.Deleted = tx.Now()
		if err := tx.SaveCard(card, store.CardEdit{Op: "delete", By: by, Free: keysOf(t, card.Values), OldCode: card.Code}); err != nil {
			return err
		}
		return c.tell(tx, t, card, styk.CardDeleted, nil)
	})
	if err == nil {
		c.wake()
	}
	return err
}

// Free tells which unique values another living card of the template has
// already, by variable.
func (c *Cards) Free(ctx context.Context, template string, values map[string]string, but string) (taken []*store.CardTaken, err error) {
	if values, err = cleanValues(values); err != nil {
		return nil, err
	}
	err = c.DB.View(ctx, func(tx *store.Tx) error {
		t, err := c.TemplateIn(tx, template)
		if err != nil {
			return err
		}
		for _, k := range keysOf(t, values) {
			var one *store.CardTaken
			err := tx.FreeKeys(template, []store.CardKey{k}, 0)
			if errors.As(err, &one) && one.Number != but {
				taken = append(taken, one)
			} else if err != nil && one == nil {
				return err
			}
		}
		return nil
	})
	return taken, err
}

// TemplateIn gives a template, kept from call to call; it must not be changed.
func (c *Cards) TemplateIn(tx *store.Tx, id string) (*styk.CardTemplate, error) {
	version, err := tx.TemplateVersion(id)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		return nil, fmt.Errorf("%w: %w", ErrNoTemplate, styk.FieldError(styk.NotFound, "templateId", "unknown", "нет такого шаблона карты"))
	}
	c.mu.Lock()
	t := c.templates[id]
	c.mu.Unlock()
	if t != nil && t.Version == version {
		return t, nil
	}
	if t, err = tx.CardTemplate(id); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.templates == nil {
		c.templates = map[string]*styk.CardTemplate{}
	}
	c.templates[id] = t
	return t, nil
}

func (c *Cards) wake() {
	if c.Wake != nil {
		c.Wake()
	}
}

// cleanValues trims texts and brings them into one form of Unicode.
func cleanValues(values map[string]string) (map[string]string, error) {
	clean := make(map[string]string, len(values))
	var faults []styk.Fault
	for name, text := range values {
		text = norm.NFC.String(strings.TrimSpace(strings.ToValidUTF8(text, "�")))
		if utf8.RuneCountInString(text) > MaxValue {
			faults = append(faults, styk.Fault{Field: name, Rule: "length", Text: fmt.Sprintf("не длиннее %d знаков", MaxValue)})
		}
		clean[name] = text
	}
	if faults != nil {
		return nil, &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return clean, nil
}

// withDefaults gives a copy of the values in which the template's defaults stand
// for variables that are absent.
func withDefaults(t *styk.CardTemplate, values map[string]string) map[string]string {
	all := make(map[string]string, len(values)+len(t.Variables))
	for _, v := range t.Variables {
		if v.Default != "" {
			all[v.Name] = v.Default
		}
	}
	for name, text := range values {
		all[name] = text
	}
	return all
}

// differing lists the variables, sorted, whose value is another than the card's.
// Spelling is no difference: "1 000" is 1000.
func differing(t *styk.CardTemplate, card *styk.Card, values map[string]string) []string {
	var names []string
	for name, text := range values {
		old, had := card.Values[name]
		if had && old == text || !had && text == "" {
			continue
		}
		if v := t.Variable(name); v != nil && had {
			before, ok := v.Normal(old)
			if after, fits := v.Normal(text); ok && fits && before == after {
				continue
			}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// checkSet fails with *Unset when a unique and required variable is empty or,
// in a whole new card, absent (contract 18).
func checkSet(t *styk.CardTemplate, values map[string]string, whole bool) error {
	for i := range t.Variables {
		v := &t.Variables[i]
		text, given := values[v.Name]
		if v.Unique && v.Required && (given || whole) && uniqueValue(v, text) == "" {
			return &Unset{v.Name}
		}
	}
	return nil
}

// keysOf gives the keys of the unique variables that have a value, sorted, so
// that transactions take them in one order.
func keysOf(t *styk.CardTemplate, values map[string]string) []store.CardKey {
	var keys []store.CardKey
	for i := range t.Variables {
		v := &t.Variables[i]
		if !v.Unique {
			continue
		}
		if key := uniqueValue(v, values[v.Name]); key != "" {
			keys = append(keys, store.CardKey{Variable: v.Name, Key: key})
		}
	}
	slices.SortFunc(keys, func(a, b store.CardKey) int { return strings.Compare(a.Variable, b.Variable) })
	return keys
}

// uniqueValue is what two cards may not both have. A phone without ten digits
// counts as empty (contract 18); other odd texts are compared as they stand.
func uniqueValue(v *styk.CardVariable, text string) string {
	normal, ok := v.Normal(text)
	if !ok && v.Type == styk.CardPhone {
		return ""
	}
	return styk.Fold(normal)
}

// without gives the keys of a that b has not.
func without(a, b []store.CardKey) []store.CardKey {
	return slices.DeleteFunc(slices.Clone(a), func(k store.CardKey) bool { return slices.Contains(b, k) })
}

// warningsOf tells what is odd about values that were kept all the same:
// 1C would not show a refusal (contract 19).
func warningsOf(t *styk.CardTemplate, values map[string]string) []styk.Warning {
	var list []styk.Warning
	for i := range t.Variables {
		v := &t.Variables[i]
		text := values[v.Name]
		if _, ok := v.Normal(text); !ok {
			list = append(list, styk.Warning{Field: v.Name, Rule: v.Type, Text: "не похоже на значение этого типа, сохранено как текст"})
		}
		if v.Required && !v.Unique && text == "" {
			list = append(list, styk.Warning{Field: v.Name, Rule: "required", Text: "обязательная переменная пуста"})
		}
	}
	var unknown []string
	for name := range values {
		if t.Variable(name) == nil && name != NewsVariable {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		list = append(list, styk.Warning{Field: name, Rule: "unknown", Text: "такой переменной в шаблоне нет, сохранена как текст"})
	}
	return list
}

// NewsVariable is where a push's text stands: a field of the card's back whose
// change shows on the lock screen.
const NewsVariable = "NEWS"

// drawNumber draws a card's number: 24 hex digits that nobody can walk.
func drawNumber() string {
	var b [12]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
