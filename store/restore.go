package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotEmpty: a dump is restored into an empty database only.
var ErrNotEmpty = errors.New("the target database is not empty")

// Restore fills the empty database of o with a dump of either engine, then
// brings its schema up to date. The numbers go on where they stood, and Open
// wants the key file of the dumped database; o.Key is not needed here. A dump
// that is damaged, truncated or of a newer release is refused and leaves the
// target empty. On SQLite the file appears under its name when it is whole.
func Restore(ctx context.Context, o Options, r io.Reader) (Manifest, error) {
	fill := restoreSQLite
	if IsPostgres(o.Database) {
		fill = restorePostgres
	}
	in := &dumpReader{in: bufio.NewReaderSize(r, 64<<10), sum: sha256.New()}
	m, err := in.header()
	if err == nil {
		err = fill(ctx, o, in, &m)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("restore: %w", err)
	}
	return m, nil
}

func (r *dumpReader) header() (m Manifest, err error) {
	line, err := r.next()
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(line, &m); err != nil || m.Styk != "dump" {
		return m, damaged("it does not begin with a dump's header")
	}
	migrations, err := goMigrations(sqliteDialect)
	if err != nil {
		return m, err
	}
	if ours := migrations[len(migrations)-1].Version; m.Format != dumpFormat || m.Schema > ours {
		return m, fmt.Errorf("%w: format %d, schema %d; known here are %d and %d", ErrNewer, m.Format, m.Schema, dumpFormat, ours)
	}
	r.sum.Write(line)
	return m, nil
}

// restoreSQLite fills a file beside the target and renames it at the end.
func restoreSQLite(ctx context.Context, o Options, in *dumpReader, m *Manifest) (err error) {
	if info, e := os.Stat(o.Database); e == nil && info.Size() > 0 {
		return fmt.Errorf("%w: %s", ErrNotEmpty, o.Database)
	} else if e != nil && !errors.Is(e, fs.ErrNotExist) {
		return e
	}
	work := o.Database + ".restoring"
	remove := func() {
		for _, tail := range []string{"", "-wal", "-shm", "-journal"} {
			_ = os.Remove(work + tail)
		}
	}
	remove() // of an earlier attempt
	defer remove()
	if err := private(work); err != nil {
		return err
	}
	if err := registerFold(); err != nil {
		return err
	}
	// Nobody sees the file before it is whole: it needs no journal.
	pool, err := sql.Open("sqlite", sqliteAddress(work)+"&_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=foreign_keys(on)")
	if err != nil {
		return err
	}
	db := &DB{Now: nowOr(o.Now), d: sqliteDialect, pool: pool}
	err = fillAndMigrate(ctx, db, in, m)
	if err := errors.Join(err, pool.Close()); err != nil {
		return err
	}
	if err := syncFile(work); err != nil {
		return err
	}
	if err := os.Rename(work, o.Database); err != nil {
		return err
	}
	return syncFile(filepath.Dir(o.Database))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// restorePostgres fills a schema in one transaction.
func restorePostgres(ctx context.Context, o Options, in *dumpReader, m *Manifest) error {
	db := &DB{Now: nowOr(o.Now), d: postgresDialect}
	err := db.dialPostgres(ctx, o)
	if err == nil {
		err = fillAndMigrate(ctx, db, in, m)
	}
	if db.pool != nil {
		err = errors.Join(err, db.pool.Close())
	}
	return err
}

func fillAndMigrate(ctx context.Context, db *DB, in *dumpReader, m *Manifest) error {
	if err := emptyTarget(ctx, db); err != nil {
		return err
	}
	if err := migrateTo(ctx, db, db.pool, m.Schema); err != nil {
		return err
	}
	if err := bare(ctx, db, func(tx *Tx) error { return tx.fill(in, m) }); err != nil {
		return err
	}
	return migrate(ctx, db, db.pool)
}

// bare runs fn in a transaction of a database that is not opened yet.
func bare(ctx context.Context, db *DB, fn func(*Tx) error) error {
	if db.d.name == postgresDialect.name {
		return db.inPostgres(ctx, nil, fn)
	}
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return err
	}
	r := &reader{newCached(conn)}
	defer r.close()
	if _, err := r.exec(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		return err
	}
	tx := newTx(ctx, db, r.cached)
	end := "COMMIT"
	if err = tx.run(fn); err != nil {
		end = "ROLLBACK"
	}
	_, e := r.exec(context.WithoutCancel(ctx), end, nil)
	return errors.Join(err, e)
}

// emptyTarget refuses a database in which anything is stored. What a refused
// restore has left, tables without rows, is as good as empty.
func emptyTarget(ctx context.Context, db *DB) error {
	return bare(ctx, db, func(tx *Tx) error {
		tables, err := tx.tables()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotEmpty, err)
		}
		for _, table := range tables {
			if table.Name == "tick" {
				continue // its one row comes with the schema
			}
			var n int64
			if err := tx.row(`SELECT count(*) FROM (SELECT 1 FROM ` + table.Name + ` LIMIT 1) AS found`).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("%w: table %s has rows", ErrNotEmpty, table.Name)
			}
		}
		return nil
	})
}

// fill reads all rows, checks the trailer, and sets the lines of numbers.
func (tx *Tx) fill(in *dumpReader, m *Manifest) error {
	target, err := tx.tables()
	if err != nil {
		return err
	}
	if err := known(m.Tables, target); err != nil {
		return err
	}
	tables := map[string]DumpTable{}
	for _, t := range m.Tables {
		tables[t.Name] = t
	}
	if err := tx.exec(`DELETE FROM tick`); err != nil { // the schema's own row
		return err
	}
	m.Rows = map[string]int64{}
	var batch *rowBatch
	for {
		line, err := in.next()
		if err != nil {
			return err
		}
		if line[0] == '[' && batch != nil {
			in.sum.Write(line)
			if err := batch.add(in, line); err != nil {
				return err
			}
			continue
		}
		if err := batch.flush(); err != nil {
			return err
		}
		var section dumpSection
		if err := json.Unmarshal(line, &section); err != nil {
			return damaged("line %d is neither row nor table", in.nth)
		}
		if section.Table == "" {
			if err := in.trailer(line, m); err != nil {
				return err
			}
			return tx.continueLines(m.Tables)
		}
		in.sum.Write(line)
		t, ok := tables[section.Table]
		if !ok {
			return damaged("line %d begins a table that the header has not", in.nth)
		}
		batch = &rowBatch{tx: tx, table: t, rows: m.Rows, texts: map[int]string{}}
	}
}

// trailer compares what was read with what was written.
func (r *dumpReader) trailer(line []byte, m *Manifest) error {
	var end dumpTrailer
	if err := json.Unmarshal(line, &end); err != nil || end.Sum == "" {
		return damaged("line %d is no trailer", r.nth)
	}
	m.Sum = hex.EncodeToString(r.sum.Sum(nil))
	if end.Sum != m.Sum || !maps.Equal(end.Rows, m.Rows) {
		return damaged("the sum over its lines is not that of its trailer")
	}
	rest, err := io.ReadAll(io.LimitReader(r.in, 64))
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return damaged("something follows its trailer")
	}
	return nil
}

// continueLines lets the numbers go on above those that the dump gave out.
func (tx *Tx) continueLines(tables []DumpTable) error {
	if tx.db.d.name == sqliteDialect.name {
		if err := tx.exec(`DELETE FROM sqlite_sequence WHERE name <> 'schema_version'`); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if t.Last > 0 {
			if err := tx.exec(tx.db.d.setLine, t.Name, t.Last); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowBatch inserts the rows of a table, many in one statement.
type rowBatch struct {
	tx     *Tx
	table  DumpTable
	rows   map[string]int64
	values []any
	texts  map[int]string // by number of rows
}

// batchValues bounds the arguments of one statement.
const batchValues = 2000

func (b *rowBatch) add(in *dumpReader, line []byte) error {
	width := len(b.table.Columns)
	b.values = append(b.values, make([]any, width)...)
	if err := in.row(line, b.values[len(b.values)-width:]); err != nil {
		return err
	}
	b.rows[b.table.Name]++
	if len(b.values)+width > batchValues {
		return b.flush()
	}
	return nil
}

func (b *rowBatch) flush() error {
	if b == nil || len(b.values) == 0 {
		return nil
	}
	width := len(b.table.Columns)
	n := len(b.values) / width
	text, ok := b.texts[n]
	if !ok {
		list := make([]string, n)
		for i := range list {
			list[i] = "(" + marks(1+i*width, width) + ")"
		}
		text = "INSERT INTO " + b.table.Name + " (" + strings.Join(b.table.Columns, ", ") + ") VALUES " + strings.Join(list, ", ")
		b.texts[n] = text
	}
	err := b.tx.exec(text, b.values...)
	b.values = b.values[:0]
	if err != nil {
		return fmt.Errorf("table %s: %w", b.table.Name, err)
	}
	return nil
}
