package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A dump is the whole content of a database, readable by either engine. It is
// UTF-8 text of JSON lines:
//
//	{"styk":"dump","format":1,"schema":3,"engine":"sqlite","at":"2026-…","tick":7,
//	 "tables":[{"name":"contact","columns":["id",…],"last":12}]}     one line: the header
//	{"table":"contact"}                                             the rows of a table follow
//	[1,"текст",null,{"base64":"/w=="}]                              values in the order of the columns
//	{"rows":{"contact":1},"sha256":"…"}                             the trailer
//
// Numbers are whole and have 64 bits; text that is no UTF-8 stands as base64.
// "last" is the last number that a table gave out by itself. The sum is of all
// bytes before the trailer. Tables come in the order in which they were made,
// so that references point backwards. Sealed values stay sealed and the key's
// fingerprint is among the rows: the restored database opens with the same key
// file only.

const dumpFormat = 1

// Manifest says what a dump holds.
type Manifest struct {
	Styk   string      `json:"styk"` // "dump"
	Format int         `json:"format"`
	Schema int64       `json:"schema"` // version of the schema
	Engine string      `json:"engine"` // from which it was taken
	At     time.Time   `json:"at"`
	Tick   int64       `json:"tick"` // number of the last change in it
	Tables []DumpTable `json:"tables"`

	Rows map[string]int64 `json:"-"` // by table; known at the end
	Sum  string           `json:"-"` // SHA-256, hex
}

// DumpTable is one table of a dump.
type DumpTable struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Last    int64    `json:"last,omitempty"`
}

type dumpSection struct {
	Table string `json:"table"`
}

type dumpTrailer struct {
	Rows map[string]int64 `json:"rows"`
	Sum  string           `json:"sha256"`
}

// Dump writes one consistent state of the database to out, row by row. Writers
// go on meanwhile; on SQLite the log grows until the dump has ended.
func (db *DB) Dump(ctx context.Context, out io.Writer) (Manifest, error) {
	d := &dumper{sum: sha256.New()}
	d.out = bufio.NewWriterSize(io.MultiWriter(out, d.sum), 64<<10)
	d.manifest = Manifest{Styk: "dump", Format: dumpFormat, Engine: db.d.name, Rows: map[string]int64{}}
	view := db.View
	if db.writer != nil {
		view = db.ownReader
	}
	if err := view(ctx, d.all); err != nil {
		return Manifest{}, fmt.Errorf("dump: %w", err)
	}
	if err := d.out.Flush(); err != nil {
		return Manifest{}, fmt.Errorf("dump: %w", err)
	}
	d.manifest.Sum = hex.EncodeToString(d.sum.Sum(nil))
	line, err := json.Marshal(dumpTrailer{d.manifest.Rows, d.manifest.Sum})
	if err == nil {
		_, err = out.Write(append(line, '\n'))
	}
	return d.manifest, err
}

// ownReader runs fn over one state on a connection of its own, so that long
// reading takes none from the others.
func (db *DB) ownReader(ctx context.Context, fn func(*Tx) error) error {
	conn, err := sqliteConn(ctx, db.pool, readerCacheKB, true)
	if err != nil {
		return err
	}
	r := &reader{newCached(conn)}
	defer r.close()
	return db.viewOn(ctx, r, fn)
}

type dumper struct {
	out      *bufio.Writer
	sum      hash.Hash
	manifest Manifest
	line     []byte
}

func (d *dumper) all(tx *Tx) (err error) {
	m := &d.manifest
	m.At = tx.now
	if m.Tick, err = tx.Tick(); err != nil {
		return err
	}
	if err := tx.row(`SELECT max(version_id) FROM schema_version`).Scan(&m.Schema); err != nil {
		return err
	}
	if m.Tables, err = tx.tables(); err != nil {
		return err
	}
	if err := d.json(m); err != nil {
		return err
	}
	for _, t := range m.Tables {
		if err := d.json(dumpSection{t.Name}); err != nil {
			return err
		}
		if err := d.rows(tx, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

func (d *dumper) json(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = d.out.Write(append(line, '\n'))
	return err
}

func (d *dumper) rows(tx *Tx, t DumpTable) error {
	values := make([]any, len(t.Columns))
	places := make([]any, len(t.Columns))
	for i := range values {
		places[i] = &values[i]
	}
	return tx.each(func(rows *sql.Rows) error {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		d.line = append(d.line[:0], '[')
		for i, v := range values {
			if i > 0 {
				d.line = append(d.line, ',')
			}
			var err error
			if d.line, err = appendValue(d.line, v); err != nil {
				return fmt.Errorf("column %s: %w", t.Columns[i], err)
			}
		}
		d.manifest.Rows[t.Name]++
		_, err := d.out.Write(append(d.line, ']', '\n'))
		return err
	}, `SELECT `+strings.Join(t.Columns, ", ")+` FROM `+t.Name)
}

func appendValue(line []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(line, "null"...), nil
	case int64:
		return strconv.AppendInt(line, v, 10), nil
	case string:
		if !utf8.ValidString(v) {
			line = append(line, `{"base64":"`...)
			return append(base64.StdEncoding.AppendEncode(line, []byte(v)), `"}`...), nil
		}
		return appendJSON(line, v), nil
	}
	return nil, fmt.Errorf("a value is %T", v)
}

// tables lists the tables of the database in the order in which the schema
// files make them, with their columns and last numbers.
func (tx *Tx) tables() ([]DumpTable, error) {
	order, err := tableOrder()
	if err != nil {
		return nil, err
	}
	found := map[string]*DumpTable{}
	err = tx.each(func(rows *sql.Rows) error {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return err
		}
		if found[table] == nil {
			found[table] = &DumpTable{Name: table}
		}
		found[table].Columns = append(found[table].Columns, column)
		return nil
	}, tx.db.d.columns)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, nil
	}
	err = tx.each(func(rows *sql.Rows) error {
		var table string
		var last int64
		if err := rows.Scan(&table, &last); err != nil {
			return err
		}
		if found[table] != nil {
			found[table].Last = last
		}
		return nil
	}, tx.db.d.lines)
	if err != nil {
		return nil, err
	}
	var list []DumpTable
	for _, name := range order {
		if t := found[name]; t != nil {
			list = append(list, *t)
			delete(found, name)
		}
	}
	for name := range found {
		return nil, fmt.Errorf("the table %s is none of ours", name)
	}
	return list, nil
}

// tableOrder lists the tables as the schema files make them: none refers to a
// later one.
func tableOrder() ([]string, error) {
	files, err := schema.ReadDir("schema")
	if err != nil {
		return nil, err
	}
	var order []string
	for _, f := range files {
		text, err := schema.ReadFile("schema/" + f.Name())
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "CREATE TABLE "); ok {
				order = append(order, strings.Fields(rest)[0])
			}
		}
	}
	return order, nil
}

// ErrDamaged: a dump ends early, was changed, or is none.
var ErrDamaged = errors.New("the dump is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// dumpReader reads the lines of a dump and keeps their sum.
type dumpReader struct {
	in  *bufio.Reader
	sum hash.Hash
	nth int
}

// next gives the next line.
func (r *dumpReader) next() ([]byte, error) {
	line, err := r.in.ReadBytes('\n')
	r.nth++
	if errors.Is(err, io.EOF) {
		return nil, damaged("it ends in line %d, before its trailer", r.nth)
	}
	return line, err
}

// row reads the values of one line into values.
func (r *dumpReader) row(line []byte, values []any) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil || len(raw) != len(values) {
		return damaged("line %d is no row of %d values", r.nth, len(values))
	}
	for i, text := range raw {
		v, err := parseValue(text)
		if err != nil {
			return damaged("line %d, value %d: %v", r.nth, i+1, err)
		}
		values[i] = v
	}
	return nil
}

func parseValue(text []byte) (any, error) {
	switch text[0] {
	case 'n':
		return nil, nil //nolint:nilnil // null is the value
	case '"':
		var s string
		err := json.Unmarshal(text, &s)
		return s, err
	case '{':
		var b struct {
			Bytes []byte `json:"base64"`
		}
		err := json.Unmarshal(text, &b)
		return string(b.Bytes), err
	}
	return strconv.ParseInt(string(text), 10, 64)
}

// known says whether the header's tables and columns are all in the schema
// that stands in the target: a name from a dump never becomes SQL unseen.
func known(header, target []DumpTable) error {
	for _, t := range header {
		i := slices.IndexFunc(target, func(o DumpTable) bool { return o.Name == t.Name })
		if i < 0 {
			return damaged("it has a table %.40q that its schema has not", t.Name)
		}
		for n, c := range t.Columns {
			if !slices.Contains(target[i].Columns, c) || slices.Contains(t.Columns[:n], c) {
				return damaged("table %s has a column %.40q", t.Name, c)
			}
		}
	}
	return nil
}
