package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"styk"
	"styk/store"
	"styk/vtiger"
)

// knownLabels are captions under which installations keep what has a field of
// its own here, in folded form.
var knownLabels = map[string]string{
	"инн": "inn", "inn": "inn", "огрн": "ogrn", "кпп": "kpp", "отчество": "secondname", "место рождения": "birthplace",
	"telegram id": "tgid", "телеграм": "tgid", "реквизиты": "requisites",
}

// preview shows what would come and what a person should know before it does.
func (v *vtigerImport) preview(ctx context.Context) error {
	for _, m := range v.modules {
		count, err := v.client.Query(ctx, "select count(*) from "+m.Name+";")
		if err != nil {
			return fmt.Errorf("count %s: %w", m.Name, err)
		}
		first, err := v.client.Query(ctx, "select * from "+m.Name+" order by id limit 3;")
		if err != nil {
			return fmt.Errorf("read %s: %w", m.Name, err)
		}
		number := "0"
		if len(count) > 0 {
			number = count[0]["count"]
		}
		v.s.printf("\n%s: %s records\n", m.Name, number)
		for _, values := range first {
			v.s.printf("  %s\n", v.sketch(m.Name, values))
		}
		for _, line := range v.advice(m) {
			v.s.printf("  %s\n", line)
		}
		taken, err := v.taken(ctx, first)
		if err != nil {
			return err
		}
		if taken != "" {
			v.s.printf("  %s\n", taken)
		}
	}
	return nil
}

// sketch is a record in one line.
func (v *vtigerImport) sketch(module string, values vtiger.Record) string {
	rec, err := v.decode(module, values)
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%d  %s", rec.Base().ID, rec.Label())
	for _, w := range rec.Base().Warnings {
		text += "  (" + joined(w.Field, w.Text) + ")"
	}
	return text
}

// advice tells which of their own fields probably belong to one of ours.
func (v *vtigerImport) advice(m vtiger.Module) (lines []string) {
	var extra []string
	for _, f := range m.Fields {
		if !strings.HasPrefix(f.Name, "cf_") || v.renames[m.Name][f.Name] != "" {
			continue
		}
		if ours, ok := knownLabels[styk.Fold(f.Label)]; ok {
			lines = append(lines, fmt.Sprintf("%s is called %q there: add --map %s.%s=%s", f.Name, f.Label, m.Name, f.Name, ours))
			continue
		}
		extra = append(extra, f.Name)
	}
	if len(extra) > 0 {
		slices.Sort(extra)
		lines = append(lines, "kept under their own names: "+strings.Join(extra, ", "))
	}
	return lines
}

// taken warns of numbers that something else has here, unless the import has
// begun before and they are its own.
func (v *vtigerImport) taken(ctx context.Context, first []vtiger.Record) (line string, err error) {
	err = v.h.db.View(ctx, func(tx *store.Tx) error {
		var numbers []styk.ID
		for _, values := range first {
			kind, err := tx.KindOf(values.ID().Record)
			if err == nil && kind == styk.KindUser {
				numbers = append(numbers, values.ID().Record)
			} else if err != nil && styk.CodeOf(err) != styk.NotFound {
				return err
			}
		}
		if len(numbers) > 0 {
			line = fmt.Sprintf("numbers %v belong to users here: these records will not be stored", numbers)
		}
		return nil
	})
	return line, err
}
