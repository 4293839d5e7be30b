package intake

import (
	"slices"
	"strconv"
	"strings"

	"styk"
)

// Warn notes on the record what is odd about its values: check digits of ИНН
// and ОГРН, a percentage outside 0–100. They are stored all the same (contract
// 5 and 6). Warnings whose cause is gone are taken off; those of duplicates
// stay, for a person settles them.
func Warn(rec styk.Record) {
	e := rec.Base()
	e.Warnings = slices.DeleteFunc(e.Warnings, func(w styk.Warning) bool { return w.Rule != "duplicate" })
	add := func(field, text string) {
		if text != "" {
			e.Warnings = append(e.Warnings, styk.Warning{Field: field, Rule: field, Text: text})
		}
	}
	switch r := rec.(type) {
	case *styk.Contact:
		if r.INN != "" {
			add("inn", styk.CheckINN(r.INN))
		}
	case *styk.Account:
		if r.INN != "" {
			add("inn", styk.CheckINN(r.INN))
		}
		if r.OGRN != "" {
			add("ogrn", styk.CheckOGRN(r.OGRN))
		}
	case *styk.Project:
		add("progress", oddPercent(r.Progress))
	}
}

func oddPercent(text string) string {
	text = strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(text, ",", ".")), "%")
	if text == "" {
		return ""
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return "ожидался процент числом"
	case n < 0 || n > 100:
		return "процент вне 0–100"
	}
	return ""
}
