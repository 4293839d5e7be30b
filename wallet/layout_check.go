package wallet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"styk"
)

var (
	fieldKey = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
	language = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$`)
)

// Check tells everything that keeps the layout from becoming a pass, each with
// the field's place ("header[0].change"), as one *styk.Error; nil when it is
// sound (spec/passteam.md 3.2).
func (l *Layout) Check() error {
	c := layoutCheck{keys: map[string]bool{}}
	c.text("organization", l.Organization, true, 100)
	c.text("description", l.Description, true, 200)
	c.text("logoText", l.LogoText, false, 100)
	c.colour("background", l.Background)
	c.colour("foreground", l.Foreground)
	c.colour("labelColor", l.LabelColor)
	c.part("header", l.Header, 3)
	c.part("primary", l.Primary, 1)
	c.part("secondary", l.Secondary, 4)
	c.part("auxiliary", l.Auxiliary, 4)
	if n := len(l.Secondary) + len(l.Auxiliary); n > 4 {
		c.fault("auxiliary", "count", "во второй и третьей строке вместе %d полей, помещается 4", n)
	}
	c.part("back", l.Back, 100)
	if b := l.Barcode; b.Symbol != "" && !slices.Contains(Symbols, b.Symbol) {
		c.fault("barcode.symbol", "option", "нет такого штрихкода: %s", b.Symbol)
	}
	for lang := range l.Strings {
		if !language.MatchString(lang) {
			c.fault("strings", "language", "язык пишется двумя буквами, например en: %q", lang)
		}
	}
	if len(c.faults) == 0 {
		return nil
	}
	return &styk.Error{Code: styk.Invalid, Faults: c.faults}
}

type layoutCheck struct {
	keys   map[string]bool
	faults []styk.Fault
}

func (c *layoutCheck) fault(field, rule, format string, args ...any) {
	c.faults = append(c.faults, styk.Fault{Field: field, Rule: rule, Text: fmt.Sprintf(format, args...)})
}

func (c *layoutCheck) text(field, text string, required bool, limit int) {
	switch {
	case required && strings.TrimSpace(text) == "":
		c.fault(field, "required", "заполните это поле")
	case utf8.RuneCountInString(text) > limit:
		c.fault(field, "length", "не длиннее %d знаков", limit)
	case !utf8.ValidString(text):
		c.fault(field, "utf8", "это не текст")
	}
}

func (c *layoutCheck) colour(field string, colour Colour) {
	if _, ok := colour.rgb(); colour != "" && !ok {
		c.fault(field, "colour", "цвет пишется так: #1f2a44")
	}
}

func (c *layoutCheck) part(part string, fields []Field, limit int) {
	if len(fields) > limit {
		c.fault(part, "count", "полей не больше %d", limit)
	}
	for i, f := range fields {
		at := fmt.Sprintf("%s[%d].", part, i)
		switch {
		case !fieldKey.MatchString(f.Key):
			c.fault(at+"key", "key", "ключ поля — латинские буквы, цифры, точка, дефис, подчёркивание")
		case c.keys[f.Key]:
			c.fault(at+"key", "unique", "поле с ключом %s уже есть", f.Key)
		}
		c.keys[f.Key] = true
		c.text(at+"label", f.Label, false, 200)
		c.text(at+"value", f.Value, false, 4000)
		c.text(at+"empty", f.Empty, false, 200)
		c.text(at+"change", f.Change, false, 300)
		if f.Change != "" && !strings.Contains(f.Change, "%@") {
			c.fault(at+"change", "placeholder", "в тексте уведомления должно стоять %%@: там будет новое значение")
		}
		if !slices.Contains([]Kind{Text, Number, Money, Day}, f.Kind) {
			c.fault(at+"kind", "option", "нет такого вида: %s", f.Kind)
		}
		if !slices.Contains([]Align{"", Left, Centre, Right}, f.Align) {
			c.fault(at+"align", "option", "нет такого выравнивания: %s", f.Align)
		}
	}
}
