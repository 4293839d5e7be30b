package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
)

// Change is one entry of a record's history.
type Change struct {
	Tick   int64
	Record styk.ID
	Kind   styk.Kind
	Op     string // create, update, delete, undelete, link, unlink, erase
	At     time.Time
	User   styk.ID
	Origin string
	Fields map[string][2]string // name → old and new value; updates only
}

// entry is a history entry that waits for its number.
type entry struct {
	id      styk.ID
	kind    styk.Kind
	op      string
	by      By
	changes string
}

// journal keeps history entries in their order until they are numbered.
type journal struct {
	entries   []entry
	cards     []cardEntry // changes of loyalty cards
	templates []string    // of cards, whose look changed
}

// record notes a history entry. It is numbered and written by the
// transaction's last statements; whoever touches the table before that begins
// with writeHistory.
func (tx *Tx) record(id styk.ID, kind styk.Kind, op string, by By, changes string) {
	tx.wrote = true
	tx.history.entries = append(tx.history.entries, entry{id, kind, op, by, changes})
}

// writeHistory numbers and writes the entries. Raising the tick comes last in
// a transaction: on PostgreSQL its row stays locked until the commit, so that
// entries are numbered in the order of commit, and whoever holds the lock waits
// for no other one.
func (tx *Tx) writeHistory() error {
	j := tx.history
	n := len(j.entries) + len(j.cards) + len(j.templates)
	if n == 0 {
		return nil
	}
	var tick int64
	if err := tx.row(`UPDATE tick SET n = n + $1 WHERE one = 1 RETURNING n`, int64(n)).Scan(&tick); err != nil {
		return fmt.Errorf("raise tick: %w", err)
	}
	tick -= int64(n)
	if err := tx.writeEntries(tick, j.entries); err != nil {
		return err
	}
	if err := tx.writeCardEntries(tick+int64(len(j.entries)), j.cards, j.templates); err != nil {
		return err
	}
	*j = journal{entries: j.entries[:0]}
	return nil
}

// writeEntries writes the entries, numbered behind tick.
func (tx *Tx) writeEntries(tick int64, entries []entry) error {
	for part := range slices.Chunk(entries, historyAtOnce) {
		args := make([]any, 1, 1+7*len(part))
		args[0] = ms(tx.now)
		for _, e := range part {
			tick++
			args = append(args, tick, int64(e.id), string(e.kind), e.op, int64(e.by.User), e.by.Origin, e.changes)
		}
		if err := tx.exec(historyTexts[len(part)], args...); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
	}
	return nil
}

// historyAtOnce bounds one INSERT.
const historyAtOnce = 16

// historyTexts are the inserts of one to historyAtOnce entries.
var historyTexts = func() (texts [historyAtOnce + 1]string) {
	var rows []string
	for n := 1; n <= historyAtOnce; n++ {
		rows = append(rows, "($1, "+marks(7*n-5, 7)+")")
		texts[n] = "INSERT INTO history (at, tick, record_id, kind, op, user_id, origin, changes) VALUES " + strings.Join(rows, ", ")
	}
	return texts
}()

const changeColumns = `tick, record_id, kind, op, at, user_id, origin, changes`

func scanChange(rows *sql.Rows) (Change, error) {
	var c Change
	var changes string
	err := rows.Scan(&c.Tick, (*int64)(&c.Record), (*string)(&c.Kind), &c.Op, msDest{&c.At}, (*int64)(&c.User), &c.Origin, &changes)
	if err == nil && changes != "" {
		err = json.Unmarshal([]byte(changes), &c.Fields)
	}
	return c, err
}

// History gives the record's changes, newest first, those before tick (0: all),
// at most limit.
func (tx *Tx) History(id styk.ID, before int64, limit int) ([]Change, error) {
	if err := tx.writeHistory(); err != nil {
		return nil, err
	}
	if before == 0 {
		before = 1 << 62
	}
	var list []Change
	err := tx.each(func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		list = append(list, c)
		return err
	}, `SELECT `+changeColumns+` FROM history WHERE record_id = $1 AND tick < $2 ORDER BY tick DESC LIMIT $3`,
		int64(id), before, limit)
	return list, err
}

// Since gives the changes after tick, oldest first, at most limit: the feed
// behind sync. A reader that keeps the last tick misses nothing.
func (tx *Tx) Since(tick int64, kinds []styk.Kind, limit int) ([]Change, error) {
	if err := tx.writeHistory(); err != nil {
		return nil, err
	}
	args := []any{tick, limit}
	var where string
	if len(kinds) > 0 {
		var marks []string
		for _, k := range kinds {
			args = append(args, string(k))
			marks = append(marks, "$"+strconv.Itoa(len(args)))
		}
		where = " AND kind IN (" + strings.Join(marks, ", ") + ")"
	}
	var list []Change
	err := tx.each(func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		list = append(list, c)
		return err
	}, `SELECT `+changeColumns+` FROM history WHERE tick > $1`+where+` ORDER BY tick LIMIT $2`, args...)
	return list, err
}

// TickAt gives the last tick before the time, for readers that know no tick.
func (tx *Tx) TickAt(at time.Time) (int64, error) {
	if err := tx.writeHistory(); err != nil {
		return 0, err
	}
	var tick sql.NullInt64
	err := tx.row(`SELECT min(tick) FROM history WHERE at >= $1`, ms(at)).Scan(&tick)
	if err == nil && !tick.Valid {
		return tx.Tick()
	}
	return tick.Int64 - 1, err
}

// Tick gives the number of the last change.
func (tx *Tx) Tick() (int64, error) {
	var n int64
	if err := tx.writeHistory(); err != nil {
		return 0, err
	}
	err := tx.row(`SELECT n FROM tick WHERE one = 1`).Scan(&n)
	return n, err
}

// Undo takes one change back: the old values return, a deletion is undone, a
// creation becomes a deletion. It is itself a change and can be undone. A field
// that was changed again since is styk.Conflict.
func (tx *Tx) Undo(tick int64, by By) error {
	c, err := tx.change(tick)
	if err != nil {
		return err
	}
	rec := styk.NewRecord(c.Kind)
	if rec == nil {
		return styk.Failed(styk.Conflict, "such a change cannot be undone")
	}
	rec.Base().ID = c.Record
	by.Origin = "undo"
	switch c.Op {
	case "create", "undelete":
		return tx.Delete(rec, by)
	case "delete":
		return tx.Undelete(rec, by)
	case "update":
		if _, bytes := c.Fields["sum"]; bytes && c.Kind == styk.KindDocument {
			// the bytes also lie on disk, and versions count upwards only
			return styk.Failed(styk.Conflict, "an earlier version of a file is put back by storing it again")
		}
		_, err := tx.Edit(rec, by, func() error { return putBack(rec, c.Fields) })
		return err
	}
	return styk.Failed(styk.Conflict, "such a change cannot be undone")
}

func (tx *Tx) change(tick int64) (c Change, err error) {
	if err := tx.writeHistory(); err != nil {
		return c, err
	}
	found := false
	err = tx.each(func(rows *sql.Rows) (err error) {
		found = true
		c, err = scanChange(rows)
		return err
	}, `SELECT `+changeColumns+` FROM history WHERE tick = $1`, tick)
	if err == nil && !found {
		err = styk.Failed(styk.NotFound, fmt.Sprintf("there is no change %d", tick))
	}
	return c, err
}

// putBack sets the old values where the new ones still stand.
func putBack(rec styk.Record, changed map[string][2]string) error {
	now := map[string]string{}
	for _, f := range fields(rec) {
		now[f.name] = f.text
	}
	for name, values := range changed {
		if now[name] != values[1] {
			return styk.FieldError(styk.Conflict, name, "changed_since", "the field was changed again since")
		}
		if err := setField(rec, name, values[0]); err != nil {
			return err
		}
	}
	return nil
}

// setField sets a stored field by the name it has in the history.
func setField(rec styk.Record, name, text string) error {
	e := rec.Base()
	if foreign, ok := strings.CutPrefix(name, extraPrefix); ok {
		if text == "" {
			delete(e.Extra, foreign)
			return nil
		}
		if e.Extra == nil {
			e.Extra = styk.Extra{}
		}
		e.Extra[foreign] = text
		return nil
	}
	switch name {
	case "source":
		e.Source = text
		return nil
	case "owner_id":
		n, err := strconv.ParseInt(text, 10, 64)
		e.Owner = styk.ID(n)
		return err
	}
	for _, c := range rec.Columns() {
		if c.Name == name {
			if fault := c.SetText(text); fault != nil {
				return errors.New("history of " + name + ": " + fault.Text)
			}
			return nil
		}
	}
	return errors.New("history names an unknown field " + name)
}
