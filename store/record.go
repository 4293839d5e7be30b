package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"styk"
)

// By says who changes something: the user, and through what it came.
type By struct {
	User   styk.ID
	Origin string // webservice, capture, import, disk, put, undo, …
}

// baseColumns stand in every record's table, in this order, before its own.
var baseColumns = []string{
	"id", "owner_id", "created", "modified", "modified_by", "source", "deleted", "warnings", "extra",
}

// table holds the SQL of one kind, made once from its list of columns.
type table struct {
	name                 string
	columns              []string
	insert, update, load string
	lock                 string // load, keeping others from changing it
}

var tables = func() map[styk.Kind]*table {
	all := map[styk.Kind]*table{}
	for _, k := range styk.RecordKinds {
		all[k] = newTable(styk.NewRecord(k))
	}
	return all
}()

func newTable(rec styk.Record) *table {
	t := &table{name: string(rec.Kind()), columns: slices.Clone(baseColumns)}
	for _, c := range rec.Columns() {
		t.columns = append(t.columns, c.Name)
	}
	var marks, sets []string
	for i, name := range t.columns {
		marks = append(marks, "$"+strconv.Itoa(i+1))
		if i > 0 {
			sets = append(sets, name+" = $"+strconv.Itoa(i+1))
		}
	}
	list := strings.Join(t.columns, ", ")
	t.insert = "INSERT INTO " + t.name + " (" + list + ") VALUES (" + strings.Join(marks, ", ") + ")"
	t.update = "UPDATE " + t.name + " SET " + strings.Join(sets, ", ") + " WHERE id = $1"
	t.load = "SELECT " + list + " FROM " + t.name + " WHERE id = $1"
	t.lock = t.load + " FOR UPDATE"
	return t
}

// Insert stores a new record, gives it the next number, its times and its
// place in search, match keys and history. A key that names another record
// stays with that one, and rec bears a warning. When the transaction does not
// stand, rec is again what it was before.
func (tx *Tx) Insert(rec styk.Record, by By) error {
	e := rec.Base()
	before := *e
	tx.restore = append(tx.restore, func() { *e = before })
	if e.ID == 0 {
		id, err := tx.numbered(`INSERT INTO entity (kind) VALUES ($1)`, string(rec.Kind()))
		if err != nil {
			return fmt.Errorf("number a %s: %w", rec.Kind(), err)
		}
		e.ID = styk.ID(id)
	} else if err := tx.takeNumber(e.ID, rec.Kind()); err != nil {
		return err
	}
	if e.Created.IsZero() {
		e.Created = tx.now
	}
	if e.Modified.IsZero() {
		e.Modified = tx.now
	}
	e.ModifiedBy = by.User
	if err := tx.claimAll(rec, keysOf(rec)); err != nil {
		return err
	}
	if err := tx.exec(tables[rec.Kind()].insert, args(rec)...); err != nil {
		return fmt.Errorf("insert %s: %w", rec.Kind(), err)
	}
	if err := tx.index(rec.Kind(), e.ID, nil, tokensOf(rec)); err != nil {
		return err
	}
	tx.record(e.ID, rec.Kind(), "create", by, "")
	return nil
}

// takeNumber puts a record of an import under the number it had elsewhere.
func (tx *Tx) takeNumber(id styk.ID, kind styk.Kind) error {
	n, err := tx.changed(`INSERT INTO entity (id, kind) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, int64(id), string(kind))
	if err != nil {
		return err
	}
	if n == 0 {
		return styk.Failed(styk.Conflict, fmt.Sprintf("number %d is taken", id))
	}
	return nil
}

// Load reads the record whose number stands in rec. A missing or deleted one
// is styk.NotFound.
func (tx *Tx) Load(rec styk.Record) error {
	if err := tx.read(rec, tables[rec.Kind()].load); err != nil {
		return err
	}
	if !rec.Base().Deleted.IsZero() {
		return notFound(rec.Kind(), rec.Base().ID)
	}
	return nil
}

func (tx *Tx) read(rec styk.Record, text string) error {
	err := tx.row(text, int64(rec.Base().ID)).Scan(dests(rec)...)
	if errors.Is(err, sql.ErrNoRows) {
		return notFound(rec.Kind(), rec.Base().ID)
	}
	if err != nil {
		return fmt.Errorf("load %s %d: %w", rec.Kind(), rec.Base().ID, err)
	}
	return nil
}

func notFound(kind styk.Kind, id styk.ID) error {
	return styk.Failed(styk.NotFound, fmt.Sprintf("there is no %s %d", kind, id))
}

// KindOf gives the kind of any number, alive or deleted; styk.NotFound when
// the number was never given out.
func (tx *Tx) KindOf(id styk.ID) (styk.Kind, error) {
	var kind string
	err := tx.row(`SELECT kind FROM entity WHERE id = $1`, int64(id)).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		return "", notFound("record", id)
	}
	return styk.Kind(kind), err
}

// Find loads a living record of whatever kind.
func (tx *Tx) Find(id styk.ID) (styk.Record, error) {
	kind, err := tx.KindOf(id)
	if err != nil {
		return nil, err
	}
	rec := styk.NewRecord(kind)
	if rec == nil {
		return nil, notFound("record", id)
	}
	rec.Base().ID = id
	if err := tx.Load(rec); err != nil {
		return nil, err
	}
	return rec, nil
}

// Edit loads the living record whose number stands in rec, lets change alter
// it in place, and stores what became different, with history. Nothing is
// written when nothing changed.
func (tx *Tx) Edit(rec styk.Record, by By, change func() error) (changed bool, err error) {
	return tx.edit(rec, by, "update", func() error {
		if !rec.Base().Deleted.IsZero() {
			return notFound(rec.Kind(), rec.Base().ID)
		}
		return change()
	})
}

func (tx *Tx) edit(rec styk.Record, by By, op string, change func() error) (bool, error) {
	t := tables[rec.Kind()]
	lock := t.lock
	if tx.db.writer != nil {
		lock = t.load // SQLite has one writer
	}
	if err := tx.read(rec, lock); err != nil {
		return false, err
	}
	old := fields(rec)
	oldTokens, oldKeys := tokensOf(rec), keysOf(rec)
	oldWarnings, wasDeleted := slices.Clone(rec.Base().Warnings), rec.Base().Deleted
	if err := change(); err != nil {
		return false, err
	}
	changes := diff(old, fields(rec))
	if changes == "" && op == "update" && slices.Equal(rec.Base().Warnings, oldWarnings) {
		return false, nil
	}
	e := rec.Base()
	e.Modified, e.ModifiedBy = tx.now, by.User
	nowTokens, nowKeys := tokensOf(rec), keysOf(rec)
	if !wasDeleted.IsZero() { // it had left both tables
		oldTokens, oldKeys = nil, nil
	}
	if !e.Deleted.IsZero() {
		nowTokens, nowKeys = nil, nil
	}
	if err := tx.index(rec.Kind(), e.ID, oldTokens, nowTokens); err != nil {
		return false, err
	}
	if err := tx.moveKeys(rec, oldKeys, nowKeys); err != nil {
		return false, err
	}
	if err := tx.handOver(rec, op); err != nil {
		return false, err
	}
	if err := tx.exec(t.update, args(rec)...); err != nil {
		return false, fmt.Errorf("update %s %d: %w", rec.Kind(), e.ID, err)
	}
	tx.record(e.ID, rec.Kind(), op, by, changes)
	return true, nil
}

// Delete marks a living record deleted; its keys become free.
func (tx *Tx) Delete(rec styk.Record, by By) error {
	_, err := tx.edit(rec, by, "delete", func() error {
		if !rec.Base().Deleted.IsZero() {
			return notFound(rec.Kind(), rec.Base().ID)
		}
		rec.Base().Deleted = tx.now
		return nil
	})
	return err
}

// Undelete brings a deleted record back.
func (tx *Tx) Undelete(rec styk.Record, by By) error {
	_, err := tx.edit(rec, by, "undelete", func() error {
		if rec.Base().Deleted.IsZero() {
			return styk.Failed(styk.Conflict, "the record is not deleted")
		}
		rec.Base().Deleted = fromMS(0)
		return nil
	})
	return err
}

// field is one stored value as text, for the history.
type field struct{ name, text string }

// bookkeeping columns belong to no history: SeeDocument writes them.
var bookkeeping = map[string]bool{"disk_size": true, "disk_time": true}

func fields(rec styk.Record) []field {
	columns, e := rec.Columns(), rec.Base()
	list := make([]field, 0, len(columns)+2+len(e.Extra))
	for _, c := range columns {
		if !bookkeeping[c.Name] {
			list = append(list, field{c.Name, c.Text()})
		}
	}
	list = append(list, field{"owner_id", strconv.FormatInt(int64(e.Owner), 10)}, field{"source", e.Source})
	for _, name := range slices.Sorted(maps.Keys(e.Extra)) {
		list = append(list, field{extraPrefix + name, e.Extra[name]})
	}
	return list
}

// extraPrefix marks a foreign field in the history.
const extraPrefix = "extra:"

// diff gives {"name":["old","new"],…} of what differs, or "".
func diff(old, new []field) string {
	before := make(map[string]string, len(old))
	for _, f := range old {
		before[f.name] = f.text
	}
	var b []byte
	add := func(name, from, to string) {
		if from == to {
			return
		}
		b = append(b, ',')
		b = appendJSON(b, name)
		b = append(b, ':', '[')
		b = append(appendJSON(b, from), ',')
		b = append(appendJSON(b, to), ']')
	}
	for _, f := range new {
		add(f.name, before[f.name], f.text)
		delete(before, f.name)
	}
	for _, f := range old { // foreign fields that are gone
		if from, left := before[f.name]; left {
			add(f.name, from, "")
		}
	}
	if b == nil {
		return ""
	}
	b[0] = '{'
	return string(append(b, '}'))
}

func appendJSON(b []byte, s string) []byte {
	text, _ := json.Marshal(s) // a string always marshals
	return append(b, text...)
}

// encodeExtra gives the foreign fields as the database keeps them; "{}" for
// none, so that JSON functions can read every row.
func encodeExtra(x styk.Extra) string {
	if len(x) == 0 {
		return "{}"
	}
	text, _ := json.Marshal(x)
	return string(text)
}

func encodeWarnings(w []styk.Warning) string {
	if len(w) == 0 {
		return ""
	}
	text, _ := json.Marshal(w)
	return string(text)
}
