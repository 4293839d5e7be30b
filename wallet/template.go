package wallet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"styk"
	"styk/store"
)

// SaveTemplate checks a template with its layout and stores it; a nil layout
// leaves the stored one, or the default. A new look reaches the phones that
// have its cards. It says whether anything became different.
func (c *Cards) SaveTemplate(ctx context.Context, t *styk.CardTemplate, layout *Layout) (changed bool, err error) {
	err = c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		changed, err = c.SaveTemplateIn(tx, t, layout)
		return err
	})
	if err != nil || !changed {
		return false, err
	}
	return true, c.callPhones(ctx, t.ID)
}

// SaveTemplateIn is SaveTemplate as part of a larger transaction, such as apply;
// the phones then hear of it when they next ask, or by CallPhones.
func (c *Cards) SaveTemplateIn(tx *store.Tx, t *styk.CardTemplate, layout *Layout) (changed bool, err error) {
	if err := CheckTemplate(t, layout); err != nil {
		return false, err
	}
	saved := *t // a closure may run twice
	if layout != nil {
		if saved.Layout, err = json.Marshal(layout); err != nil {
			return false, err
		}
	}
	old, err := tx.CardTemplate(t.ID)
	if err == nil {
		if err := keepsUnique(tx, old, t); err != nil {
			return false, err
		}
	} else if styk.CodeOf(err) != styk.NotFound {
		return false, err
	}
	if changed, err = tx.SaveCardTemplate(&saved); err != nil || !changed {
		return changed, err
	}
	return true, tx.TouchTemplate(t.ID)
}

// CheckTemplate tells all that is wrong with a template and its layout.
func CheckTemplate(t *styk.CardTemplate, layout *Layout) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if layout == nil {
		return nil
	}
	if err := layout.Check(); err != nil {
		return err
	}
	var faults []styk.Fault
	for _, name := range layout.Variables() {
		if t.Variable(name) == nil && !slices.Contains(ownVariables, name) {
			faults = append(faults, styk.Fault{Field: "layout", Rule: "variable", Value: name, Text: "в макете стоит %" + name + "%, а такой переменной в шаблоне нет"})
		}
	}
	if faults != nil {
		return &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return nil
}

var ownVariables = []string{CodeVariable, NumberVariable, NewsVariable}

// keepsUnique refuses to change which variables tell cards apart while there are
// cards: their keys were made by the old rule.
func keepsUnique(tx *store.Tx, old, t *styk.CardTemplate) error {
	unique := func(t *styk.CardTemplate) string {
		var names []string
		for _, v := range t.Variables {
			if v.Unique {
				names = append(names, v.Name+":"+v.Type)
			}
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	if unique(old) == unique(t) {
		return nil
	}
	n, err := tx.CountCards(t.ID)
	if err != nil || n == 0 {
		return err
	}
	return styk.FieldError(styk.Conflict, "variables", "unique",
		fmt.Sprintf("по шаблону выпущено карт: %d; какие переменные уникальны, больше не меняется", n))
}

// callPhonesSlice is how many cards one transaction calls.
const callPhonesSlice = 500

// callPhones makes all phones of a template's cards be called, slice by slice.
func (c *Cards) callPhones(ctx context.Context, template string) error {
	for after := styk.ID(0); ; {
		err := c.DB.Update(ctx, func(tx *store.Tx) (err error) {
			after, err = tx.CallTemplatePhones(template, after, callPhonesSlice)
			return err
		})
		if err != nil || after == 0 {
			c.wake()
			return err
		}
	}
}

// SavePicture scales an upload to the sizes of its place and stores it; nil
// takes the picture away. Errors: see Scale.
func (c *Cards) SavePicture(ctx context.Context, template string, place Picture, upload []byte) error {
	var files []store.CardImage
	if upload != nil {
		made, err := c.scale(ctx, template, place, upload)
		if err != nil {
			return err
		}
		made[string(place)] = upload
		for name, data := range made {
			info, err := c.Blobs.Put(ctx, bytes.NewReader(data), UploadLimit)
			if err != nil {
				return fmt.Errorf("store picture: %w", err)
			}
			files = append(files, store.CardImage{Name: name, Sum: info.Sum, Size: info.Size})
		}
	}
	err := c.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := c.TemplateIn(tx, template); err != nil {
			return err
		}
		if err := tx.SaveCardImages(template, string(place), files); err != nil {
			return err
		}
		return tx.TouchTemplate(template)
	})
	if err != nil {
		return err
	}
	return c.callPhones(ctx, template)
}

func (c *Cards) scale(ctx context.Context, template string, place Picture, upload []byte) (map[string][]byte, error) {
	var layout *Layout
	err := c.DB.View(ctx, func(tx *store.Tx) error {
		t, err := c.TemplateIn(tx, template)
		if err != nil {
			return err
		}
		layout, err = LayoutOf(t)
		return err
	})
	if err != nil {
		return nil, err
	}
	return Scale(place, upload, layout.Background)
}

// Template gives a template, kept from call to call; it must not be changed.
func (c *Cards) Template(ctx context.Context, id string) (t *styk.CardTemplate, err error) {
	err = c.DB.View(ctx, func(tx *store.Tx) (err error) {
		t, err = c.TemplateIn(tx, id)
		return err
	})
	return t, err
}

// NewTemplateID draws an id for a template.
func NewTemplateID() string { return drawNumber() }
