package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"styk"
	"styk/intake"
	"styk/store"
	"styk/vtiger"
)

type importCSVCommand struct {
	folder `json:"-"`
	File   string   `arg:"" help:"CSV file; - reads the standard input."`
	Module string   `required:"" placeholder:"MODULE" help:"What the rows are: Contacts, Accounts, Project or HelpDesk."`
	Map    []string `placeholder:"RENAME" help:"Фамилия=lastname: a column under our field's name; may be repeated."`
	Owner  string   `placeholder:"NAME" help:"User here to whom the records belong."`
	Yes    bool     `help:"Import. Without it the preview is all."`
}

// Help implements kong.HelpProvider.
func (*importCSVCommand) Help() string {
	return "Separator (; , tab) and encoding (UTF-8, windows-1251) are found out. Contacts are matched by phone and accounts by INN, " +
		"as CreateContact and CreateAccount do; a column id keeps record numbers instead. Rows that cannot be taken go to FILE.errors.csv " +
		"with the reason. A cut import continues at its row. Example:\n\n" +
		"  styk import csv --module Contacts --map Фамилия=lastname --map Имя=firstname --map Телефон=mobile clients.csv\n" +
		"  styk import csv --module Contacts --map … clients.csv --yes"
}

func (c *importCSVCommand) place() *folder { return &c.folder }

func (c *importCSVCommand) prepare(sh *shell) error {
	sh.input, sh.output = c.File, c.File+".errors.csv"
	if c.File == "-" {
		sh.output = "styk-import.errors.csv"
	}
	return nil
}

// csvModules are the modules that a table can fill, with the field without
// which a row is nobody.
var csvModules = map[string]string{
	vtiger.ModuleContacts: "lastname", vtiger.ModuleAccounts: "accountname",
	vtiger.ModuleProject: "projectname", vtiger.ModuleHelpDesk: "ticket_title",
}

func (c *importCSVCommand) work(ctx context.Context, h *house, s *streams) error {
	if csvModules[c.Module] == "" {
		return wrongSetting(meant(c.Module, keysOf(csvModules)), "--module: %q cannot be imported", c.Module)
	}
	renames, err := readMap(c.Map, c.Module)
	if err != nil {
		return err
	}
	owner, err := ownerOf(ctx, h.db, c.Owner)
	if err != nil {
		return err
	}
	table, err := openTable(s.in)
	if err != nil {
		return err
	}
	defer table.close()
	t := &csvImport{command: c, table: table, h: h, s: s, owner: owner, errors: csv.NewWriter(s.file)}
	if err := t.header(renames[c.Module]); err != nil {
		return err
	}
	if !c.Yes {
		return t.preview()
	}
	return t.run(ctx)
}

// table is a CSV file whose bytes were kept for a second look.
type table struct {
	tmp      *os.File
	sum      string // of its bytes: names the state of the import
	encoding string
	comma    rune
	rows     *csv.Reader
}

const maxTable = 2 << 30 // bytes

// openTable keeps the bytes, and finds out encoding and separator.
func openTable(in io.Reader) (*table, error) {
	tmp, err := os.CreateTemp("", "styk-import-*")
	if err != nil {
		return nil, err
	}
	t := &table{tmp: tmp}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(tmp, hash), io.LimitReader(in, maxTable+1))
	switch {
	case err == nil && n == 0:
		err = wrongSetting("", "the table is empty")
	case n > maxTable:
		err = wrongSetting("split it", "the table is larger than 2 GB")
	}
	if err == nil {
		t.sum = hex.EncodeToString(hash.Sum(nil))[:32]
		err = t.start()
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *table) close() {
	t.tmp.Close()
	os.Remove(t.tmp.Name())
}

var bom = []byte("\ufeff")

// start looks at the first bytes and reads from the beginning.
func (t *table) start() error {
	if _, err := t.tmp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(t.tmp, 64<<10)
	head, err := r.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	var text io.Reader = r
	t.encoding = "UTF-8"
	switch {
	case bytes.HasPrefix(head, bom):
		_, _ = r.Discard(len(bom))
	case !utf8.Valid(cutRune(head)):
		t.encoding = "windows-1251"
		text = charmap.Windows1251.NewDecoder().Reader(r)
	}
	t.comma = separator(head)
	t.rows = csv.NewReader(text)
	t.rows.Comma, t.rows.FieldsPerRecord, t.rows.LazyQuotes = t.comma, -1, true
	return nil
}

// cutRune drops a rune that the window cut.
func cutRune(head []byte) []byte {
	for i := 1; i <= min(3, len(head)); i++ {
		if utf8.RuneStart(head[len(head)-i]) {
			if !utf8.FullRune(head[len(head)-i:]) {
				return head[:len(head)-i]
			}
			break
		}
	}
	return head
}

// separator is the commonest of ; tab and comma in the first line.
func separator(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := ';', 0
	for _, r := range []rune{';', '\t', ','} {
		if n := bytes.Count(line, []byte(string(r))); n > most {
			best, most = r, n
		}
	}
	return best
}

// csvImport is an import of a table under way.
type csvImport struct {
	command *importCSVCommand
	table   *table
	h       *house
	s       *streams
	owner   styk.ID
	names   []string // of our field, by column; "" leaves a column out
	heads   []string
	errors  *csv.Writer
	failed  int
}

// header reads the first row and finds the field of each column.
func (t *csvImport) header(renames map[string]string) error {
	heads, err := t.table.rows.Read()
	if err != nil {
		return wrongSetting("", "the table's first row: %v", err)
	}
	t.heads = slices.Clone(heads)
	unused := keysOf(renames)
	for _, head := range t.heads {
		head = strings.TrimSpace(head)
		name := renames[head]
		unused = slices.DeleteFunc(unused, func(u string) bool { return u == head })
		if name == "" {
			name = knownColumn(t.command.Module, head)
		}
		t.names = append(t.names, name)
	}
	if len(unused) > 0 {
		return wrongSetting("the columns are "+strings.Join(t.heads, ", "), "--map: there is no column %q", unused[0])
	}
	if need := csvModules[t.command.Module]; !slices.Contains(t.names, need) {
		return wrongSetting(fmt.Sprintf("say which column it is: --map COLUMN=%s; the columns are %s", need, strings.Join(t.heads, ", ")),
			"no column is %s", need)
	}
	return nil
}

// columnNames are captions of tables, in folded form.
var columnNames = map[string]string{
	"имя": "firstname", "фамилия": "lastname", "телефон": "mobile", "мобильный": "mobile", "мобильный телефон": "mobile",
	"e-mail": "email", "email": "email", "почта": "email", "дата рождения": "birthday", "адрес": "mailingstreet",
	"компания": "accountname", "организация": "accountname", "название": "accountname", "сайт": "website", "номер": "id",
}

func knownColumn(module, head string) string {
	folded := styk.Fold(head)
	if name, ok := knownLabels[folded]; ok {
		return name
	}
	name, ok := columnNames[folded]
	switch {
	case ok && module == vtiger.ModuleAccounts && name == "mobile":
		return "phone"
	case ok && module == vtiger.ModuleAccounts && name == "mailingstreet":
		return "bill_street"
	case ok && (module == vtiger.ModuleContacts || module == vtiger.ModuleAccounts):
		return name
	case fieldShape.MatchString(head):
		return head
	}
	return ""
}

var fieldShape = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

func (t *csvImport) preview() error {
	t.s.printf("%s, separator %q\n", t.table.encoding, t.table.comma)
	for i, head := range t.heads {
		t.s.printf("  %-24s → %s\n", head, orNone(t.names[i]))
	}
	for n := 2; n < 5; n++ {
		row, err := t.table.rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		rec, err := t.decode(row)
		if err != nil {
			t.s.printf("  row %d: cannot be taken: %v\n", n, err)
			continue
		}
		t.s.printf("  row %d: %s\n", n, rec.Label())
	}
	t.s.printf("\nnothing was imported: add --yes to import\n")
	return nil
}

// run imports slice by slice, from behind the row that was reached before.
func (t *csvImport) run(ctx context.Context) error {
	source, total := "csv "+t.table.sum, tally{}
	var reached styk.ID
	var done bool
	err := t.h.db.View(ctx, func(tx *store.Tx) (err error) {
		reached, done, err = tx.ImportState(source, t.command.Module)
		return err
	})
	if err != nil {
		return err
	}
	if done {
		t.s.printf("this very table was imported before: nothing to do\n")
		return nil
	}
	if reached > 0 {
		t.s.printf("continuing behind row %d\n", reached)
	}
	var slice []csvRow
	end := false
	for n := styk.ID(2); !end; n++ {
		cells, err := t.table.rows.Read()
		end = errors.Is(err, io.EOF)
		if !end && n > reached {
			if row, ok := t.take(n, cells, err); ok {
				slice = append(slice, row)
			}
		}
		if !end && len(slice) < importSlice {
			continue
		}
		stored, err := t.store(ctx, source, slice, n, end)
		if err != nil {
			return fmt.Errorf("row %d (the import continues from here when started again): %w", n, err)
		}
		total.add(stored)
		slice = slice[:0]
	}
	t.errors.Flush()
	t.s.printf("%s: %s\n", t.command.Module, &total)
	if t.failed > 0 {
		t.s.printf("%d rows could not be taken: see the file .errors.csv\n", t.failed)
	}
	return t.errors.Error()
}

// csvRow is a row that can be stored.
type csvRow struct {
	n     styk.ID
	cells []string
	rec   styk.Record
}

func (t *csvImport) take(n styk.ID, cells []string, err error) (csvRow, bool) {
	cells = slices.Clone(cells)
	var rec styk.Record
	if err == nil {
		rec, err = t.decode(cells)
	}
	if err != nil {
		t.reject(n, cells, err)
		return csvRow{}, false
	}
	return csvRow{n, cells, rec}, true
}

// reject writes a row that was not taken, with the reason.
func (t *csvImport) reject(n styk.ID, cells []string, why error) {
	if t.failed++; t.failed == 1 {
		_, _ = t.s.file.Write(bom) // Excel reads UTF-8 by it
		t.errors.Comma = ';'
		_ = t.errors.Write(append([]string{"row", "error"}, t.heads...))
	}
	_ = t.errors.Write(append([]string{fmt.Sprint(n), why.Error()}, cells...)) // told by Error at the end
}

var russianDate = regexp.MustCompile(`^([0-9]{2})\.([0-9]{2})\.([0-9]{4})$`)

// dateFields are those in which 15.11.1986 means a date.
var dateFields = []string{"birthday", "startdate", "targetenddate", "actualenddate", "agrdate", "finishdate", "claimdate"}

// decode makes a record of a row.
func (t *csvImport) decode(cells []string) (styk.Record, error) {
	values := vtiger.Record{}
	for i, text := range cells {
		if i >= len(t.names) || t.names[i] == "" {
			continue
		}
		text = strings.TrimSpace(text)
		if m := russianDate.FindStringSubmatch(text); m != nil && slices.Contains(dateFields, t.names[i]) {
			text = m[3] + "-" + m[2] + "-" + m[1]
		}
		values[t.names[i]] = text
	}
	if need := csvModules[t.command.Module]; values[need] == "" {
		return nil, errors.New(need + " has no value")
	}
	if id := values["id"]; id != "" {
		bare, err := vtiger.ParseRecordID(id)
		if err != nil {
			return nil, errors.New("id: expected a record number")
		}
		values["id"] = vtiger.WSID{Entity: vtiger.EntityNumber(t.command.Module), Record: bare.Record}.String()
	}
	rec, err := vtiger.Decode(t.command.Module, values, vtiger.Origin{ModuleOf: vtiger.ModuleOf})
	if err != nil {
		return nil, err
	}
	for _, w := range rec.Base().Warnings {
		return nil, errors.New(w.Field + ": " + w.Text)
	}
	e := rec.Base()
	e.Owner = t.owner
	if e.Source == "" {
		e.Source = "IMPORT"
	}
	return rec, nil
}

// store writes a slice and the row that was reached, in one transaction.
func (t *csvImport) store(ctx context.Context, source string, slice []csvRow, reached styk.ID, done bool) (sum tally, err error) {
	var refused []csvRow
	err = t.h.db.Update(ctx, func(tx *store.Tx) error {
		sum, refused = tally{}, nil
		for _, row := range slice {
			err := t.save(tx, row.rec)
			if styk.CodeOf(err) == styk.Conflict {
				refused = append(refused, row)
				sum.taken = append(sum.taken, row.rec.Base().ID)
				continue
			}
			if err != nil {
				return err
			}
			sum.count(row.rec)
		}
		return tx.SetImportState(source, t.command.Module, reached, done)
	})
	if err != nil {
		return sum, err
	}
	for _, row := range refused {
		t.reject(row.n, row.cells, fmt.Errorf("number %d is taken here", row.rec.Base().ID))
	}
	return sum, nil
}

// save stores one record: under its number if it has one, else matched as the
// web service does.
func (t *csvImport) save(tx *store.Tx, rec styk.Record) error {
	by := store.By{User: t.owner, Origin: "import"}
	fresh := copyRecord(rec) // the closure may run again
	switch r := fresh.(type) {
	case *styk.Contact:
		if r.ID == 0 {
			_, err := intake.SaveContact(tx, by, r, "")
			return err
		}
	case *styk.Account:
		if r.ID == 0 {
			_, err := intake.SaveAccount(tx, by, r)
			return err
		}
	}
	intake.Warn(fresh)
	return tx.Insert(fresh, by)
}

// copyRecord copies a record's columns and base.
func copyRecord(rec styk.Record) styk.Record {
	fresh := styk.NewRecord(rec.Kind())
	*fresh.Base() = *rec.Base()
	to := fresh.Columns()
	for i, c := range rec.Columns() {
		to[i].SetText(c.Text())
	}
	return fresh
}
