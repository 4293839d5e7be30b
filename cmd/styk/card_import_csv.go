package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"styk"
	"styk/store"
)

type cardImportCSVCommand struct {
	folder   `json:"-"`
	File     string   `arg:"" help:"CSV file; - reads the standard input."`
	Template string   `required:"" placeholder:"ID" help:"Id or name of the template."`
	Map      []string `placeholder:"RENAME" help:"Телефон=PHONE: a column under the variable's name; may be repeated."`
	Update   bool     `help:"Bring cards that are here to the values of the table."`
	DryRun   bool     `help:"Look and compare only."`
}

// Help implements kong.HelpProvider.
func (*cardImportCSVCommand) Help() string {
	return "The first row names the template's variables; the columns cardId (24 digits) and cardCode (text of the barcode) may " +
		"stand beside them. Separator (; , tab) and encoding (UTF-8, windows-1251) are found out. Rows that cannot be taken go to " +
		"FILE.errors.csv with their line and the rule. A cut import continues at its row; a second one changes nothing. Example:\n\n" +
		"  styk card import csv cards.csv --template 5be000000000000000000001 --map Телефон=PHONE --dry-run"
}

func (c *cardImportCSVCommand) place() *folder { return &c.folder }

func (c *cardImportCSVCommand) prepare(sh *shell) error {
	sh.input, sh.output = c.File, c.File+".errors.csv"
	if c.File == "-" {
		sh.output = "styk-cards.errors.csv"
	}
	return nil
}

// The columns beside the variables.
const (
	columnCardID   = "cardId"
	columnCardCode = "cardCode"
)

func (c *cardImportCSVCommand) work(ctx context.Context, h *house, s *streams) error {
	template, err := h.templateNamed(ctx, c.Template)
	if err != nil {
		return err
	}
	renames, err := readMap(c.Map, template.ID)
	if err != nil {
		return err
	}
	table, err := openTable(s.in)
	if err != nil {
		return err
	}
	defer table.close()
	t := &cardTable{table: table, s: s, run: &cardImport{h: h, template: template, dry: c.DryRun, update: c.Update},
		source: "csv cards " + table.sum, rejects: csv.NewWriter(s.file)}
	if err := t.header(renames[template.ID]); err != nil {
		return err
	}
	if err := t.rows(ctx); err != nil {
		return err
	}
	t.run.report(s)
	if t.failed > 0 {
		s.printf("%d rows could not be taken: see the file .errors.csv\n", t.failed)
	}
	t.rejects.Flush()
	return t.rejects.Error()
}

// cardTable is a table of cards on its way in.
type cardTable struct {
	table   *table
	s       *streams
	run     *cardImport
	source  string   // names the state in the database
	heads   []string // as they stand there
	names   []string // variables, cardId or cardCode by column; "": left out
	rejects *csv.Writer
	failed  int
}

func (t *cardTable) header(renames map[string]string) error {
	heads, err := t.table.rows.Read()
	if err != nil {
		return wrongSetting("", "the table's first row: %v", err)
	}
	t.heads = slices.Clone(heads)
	known := append([]string{columnCardID, columnCardCode}, variableNames(t.run.template)...)
	unused := keysOf(renames)
	for _, head := range t.heads {
		head = strings.TrimSpace(head)
		unused = slices.DeleteFunc(unused, func(u string) bool { return u == head })
		name := renames[head]
		if name == "" {
			name = strings.Trim(head, "%")
		}
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
		if i < 0 {
			return wrongSetting(meant(name, known)+" Or take the column out of the table; --map COLUMN=VARIABLE names it",
				"the column %q is no variable of the template", head)
		}
		if slices.Contains(t.names, known[i]) {
			return wrongSetting("", "two columns are %s", known[i])
		}
		t.names = append(t.names, known[i])
	}
	if len(unused) > 0 {
		return wrongSetting("the columns are "+strings.Join(t.heads, ", "), "--map: there is no column %q", unused[0])
	}
	return nil
}

// rows takes row after row, from behind the one that was reached before.
func (t *cardTable) rows(ctx context.Context) error {
	var reached styk.ID
	err := t.run.h.db.View(ctx, func(tx *store.Tx) (err error) {
		reached, _, err = tx.ImportState(t.source, t.run.template.ID)
		return err
	})
	if err != nil {
		return err
	}
	if reached > 0 && !t.run.dry {
		t.s.printf("continuing behind row %d\n", reached)
	} else {
		reached = 0
	}
	for n := styk.ID(2); ; n++ {
		cells, err := t.table.rows.Read()
		if errors.Is(err, io.EOF) {
			return t.note(ctx, 0, true)
		}
		if n <= reached {
			continue
		}
		if err := t.take(ctx, n, slices.Clone(cells), err); err != nil {
			return fmt.Errorf("row %d (the import continues from here when started again): %w", n, err)
		}
		if n%importSlice == 0 {
			if err := t.note(ctx, n, false); err != nil {
				return err
			}
		}
	}
}

// note remembers how far it came; at the end the next run begins anew.
func (t *cardTable) note(ctx context.Context, row styk.ID, done bool) error {
	if t.run.dry {
		return nil
	}
	return t.run.h.db.Update(ctx, func(tx *store.Tx) error { return tx.SetImportState(t.source, t.run.template.ID, row, done) })
}

func (t *cardTable) take(ctx context.Context, n styk.ID, cells []string, err error) error {
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		t.reject(n, cells, "row: csv: "+broken.Err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	if strings.TrimSpace(strings.Join(cells, "")) == "" {
		return nil // Excel's empty rows
	}
	old, err := t.read(cells)
	if err == nil {
		err = t.run.take(ctx, old)
	}
	if text, ok := refusal(err); ok {
		t.reject(n, cells, text)
		return nil
	}
	return err
}

// read makes a card of a row. A value that is not of its variable's type is
// told here: a table can be mended, unlike a till.
func (t *cardTable) read(cells []string) (oldCard, error) {
	old := oldCard{Values: map[string]string{}}
	var faults []styk.Fault
	for i, text := range cells {
		if i >= len(t.names) {
			break
		}
		text = strings.TrimSpace(text)
		switch name := t.names[i]; name {
		case columnCardID:
			old.Number = text
		case columnCardCode:
			old.Code = text
		default:
			old.Values[name] = text
			if _, ok := t.run.template.Variable(name).Normal(text); !ok {
				faults = append(faults, styk.Fault{Field: name, Rule: t.run.template.Variable(name).Type, Text: "не похоже на значение этого типа"})
			}
		}
	}
	if faults != nil {
		return old, &styk.Error{Code: styk.Invalid, Faults: faults}
	}
	return old, nil
}

func (t *cardTable) reject(n styk.ID, cells []string, why string) {
	if t.failed++; t.failed == 1 {
		_, _ = t.s.file.Write(bom) // Excel reads UTF-8 by it
		t.rejects.Comma = ';'
		_ = t.rejects.Write(append([]string{"line", "error"}, t.heads...))
	}
	_ = t.rejects.Write(append([]string{fmt.Sprint(n), why}, cells...)) // told by Error at the end
}
