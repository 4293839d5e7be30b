package store

import (
	"context"
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

// ErasureRecord is what is kept of an erasure: numbers only.
type ErasureRecord struct {
	ID       styk.ID // a line of its own
	Contact  styk.ID
	User     styk.ID // who did it
	Begun    time.Time
	Finished time.Time        // zero: it was cut and goes on
	Counts   map[string]int64 // by part of Belongings, and "file", "call"
}

// Erasing is what stands where a name or title cannot be empty.
const Erasing = "Данные удалены"

// placeholders stand in columns by which people tell records apart.
var placeholders = map[string]map[string]string{
	"contact": {"last_name": Erasing}, "account": {"name": Erasing}, "project": {"name": Erasing},
	"ticket": {"title": Erasing}, "document": {"title": Erasing}, "comment": {"text": Erasing},
}

// goneWithPerson are the kinds of records that are deleted with their person;
// tickets and projects stay, emptied, as figures.
var goneWithPerson = []styk.Kind{styk.KindContact, styk.KindAccount, styk.KindDocument, styk.KindComment}

// BeginErasure stores who erases whom and deletes the contact and those merged
// into it, so that nothing new comes to them. One that was begun goes on.
func (tx *Tx) BeginErasure(contact styk.ID, by By) (*ErasureRecord, error) {
	c := &styk.Contact{}
	c.ID = contact
	if err := tx.read(c, tables[styk.KindContact].load); err != nil {
		return nil, err
	}
	err := tx.exec(`INSERT INTO erasure (record_id, user_id, begun, finished, counts) VALUES ($1, $2, $3, 0, '')
		ON CONFLICT (record_id) DO NOTHING`, int64(contact), int64(by.User), ms(tx.now))
	if err != nil {
		return nil, err
	}
	if c.Deleted.IsZero() {
		if err := tx.Delete(c, by); err != nil {
			return nil, err
		}
	}
	list, err := tx.erasures(`record_id = $1`, int64(contact))
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// Erasures lists the records of erasures, newest first, at most limit; open ones
// only, if so wished.
func (tx *Tx) Erasures(open bool, limit int) ([]*ErasureRecord, error) {
	where := "1 = 1"
	if open {
		where = "finished = 0"
	}
	return tx.erasures(where+` ORDER BY id DESC LIMIT $1`, int64(limit))
}

// Erasure gives the record of one; styk.NotFound when there is none.
func (tx *Tx) Erasure(contact styk.ID) (*ErasureRecord, error) {
	list, err := tx.erasures(`record_id = $1`, int64(contact))
	if err == nil && len(list) == 0 {
		return nil, notFound("erasure", contact)
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func (tx *Tx) erasures(where string, args ...any) ([]*ErasureRecord, error) {
	var list []*ErasureRecord
	err := tx.each(func(rows *sql.Rows) error {
		e := &ErasureRecord{}
		list = append(list, e)
		return rows.Scan((*int64)(&e.ID), (*int64)(&e.Contact), (*int64)(&e.User), msDest{&e.Begun}, msDest{&e.Finished},
			jsonDest[map[string]int64]{&e.Counts})
	}, `SELECT id, record_id, user_id, begun, finished, counts FROM erasure WHERE `+where, args...)
	return list, err
}

// EndErasure stores what was emptied. Numbers of an earlier run that was cut
// stay where they are higher.
func (tx *Tx) EndErasure(contact styk.ID, counts map[string]int64, finished bool) error {
	e, err := tx.Erasure(contact)
	if err != nil {
		return err
	}
	for name, n := range counts {
		if e.Counts == nil {
			e.Counts = map[string]int64{}
		}
		e.Counts[name] = max(e.Counts[name], n)
	}
	text, err := json.Marshal(e.Counts)
	if err != nil {
		return err
	}
	at := int64(0)
	if finished {
		at = ms(tx.now)
	}
	return tx.exec(`UPDATE erasure SET counts = $2, finished = $3 WHERE record_id = $1`, int64(contact), string(text), at)
}

// slice is one step of an erasure, small enough for one transaction.
type slice func(tx *Tx) error

// EraseRows empties in slices all that the register names of these belongings,
// but for the records themselves: deliveries with what is due, cards, history,
// submissions and all the rest. The bytes of files are the caller's, before.
func (db *DB) EraseRows(ctx context.Context, b Belongings, calls []styk.ID, by By) error {
	steps := inSlices(calls, (*Tx).forgetCalls)
	steps = append(steps, inSlices(b[partDelivery], (*Tx).dropUnsent)...)
	for _, id := range b[partCard] {
		if err := db.eraseCard(ctx, id, by); err != nil {
			return fmt.Errorf("erase card %d: %w", id, err)
		}
	}
	for _, t := range PersonalTables {
		if tables[styk.Kind(t.Table)] != nil {
			continue // after all others
		}
		for _, r := range reaches[t.Table] {
			if text := eraseText(t, r.column); text != "" {
				steps = append(steps, inSlices(b[r.part], func(tx *Tx, ids []styk.ID) error {
					return tx.exec(strings.ReplaceAll(text, "{ids}", marks(1, len(ids))), idArgs(ids)...)
				})...)
			}
		}
	}
	steps = append(steps, inSlices(b[partSubmission], func(tx *Tx, ids []styk.ID) error { return tx.forgetKeys(ids, "LIKE") })...)
	steps = append(steps, inSlices(b[partRecord], func(tx *Tx, ids []styk.ID) error { return tx.forgetKeys(ids, "NOT LIKE") })...)
	return db.run(ctx, steps)
}

// EraseRecords empties the records themselves, the contacts last of all: until
// then an erasure that was cut still knows whom it is about.
func (db *DB) EraseRecords(ctx context.Context, b Belongings, by By) error {
	var steps []slice
	kinds := slices.Clone(styk.RecordKinds)
	slices.Reverse(kinds)
	for _, kind := range kinds {
		for _, id := range b[string(kind)] {
			steps = append(steps, func(tx *Tx) error { return tx.eraseRecord(kind, id, by) })
		}
	}
	return db.run(ctx, steps)
}

func inSlices(ids []styk.ID, do func(*Tx, []styk.ID) error) (steps []slice) {
	for part := range slices.Chunk(ids, sliceOfIDs) {
		steps = append(steps, func(tx *Tx) error { return do(tx, part) })
	}
	return steps
}

func (db *DB) run(ctx context.Context, steps []slice) error {
	for _, step := range steps {
		if err := db.Update(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// eraseText makes the statement that empties a table's rows as the register
// says, "" when nothing is to be emptied. A row that goes needs no emptying.
func eraseText(t PersonalTable, column string) string {
	var sets []string
	for _, p := range t.Personal {
		switch p.Erase {
		case Remove:
			return `DELETE FROM ` + t.Table + ` WHERE ` + column + ` IN ({ids})`
		case Blank:
			for _, name := range strings.Fields(p.Columns) {
				sets = append(sets, name+" = ''")
			}
		}
	}
	if sets == nil {
		return ""
	}
	return `UPDATE ` + t.Table + ` SET ` + strings.Join(sets, ", ") + ` WHERE ` + column + ` IN ({ids})`
}

// dropUnsent cancels deliveries that have not arrived: they go with all their
// attempts, and a courier under way finds its lease lost.
func (tx *Tx) dropUnsent(ids []styk.ID) error {
	const unsent = ` IN (SELECT id FROM delivery WHERE state <> 'done' AND id IN ({ids}))`
	for _, text := range []string{
		`DELETE FROM step WHERE delivery_id` + unsent, `DELETE FROM attempt WHERE delivery_id` + unsent,
		`DELETE FROM delivery WHERE state <> 'done' AND id IN ({ids})`,
	} {
		if err := tx.exec(strings.ReplaceAll(text, "{ids}", marks(1, len(ids))), idArgs(ids)...); err != nil {
			return err
		}
	}
	return nil
}

// forgetKeys drops idempotency keys: they are hashes of what was sent. Those of
// forms name submissions, the others records.
func (tx *Tx) forgetKeys(ids []styk.ID, forms string) error {
	return tx.exec(`DELETE FROM idempotency WHERE scope `+forms+` 'form:%' AND record_id IN (`+marks(1, len(ids))+`)`, idArgs(ids)...)
}

// eraseCard ends a card, as a deletion does, and empties it: its pass is void at
// the next fetch, its unique values are free, its phones are forgotten.
func (db *DB) eraseCard(ctx context.Context, id styk.ID, by By) error {
	err := db.Update(ctx, func(tx *Tx) error {
		c, err := tx.card(`c.id = $1`+tx.forUpdate(), int64(id))
		if err != nil || !c.Deleted.IsZero() {
			return err
		}
		c.Deleted = tx.now
		return tx.SaveCard(c, CardEdit{Op: "delete", By: by, OldCode: c.Code})
	})
	if err != nil {
		return err
	}
	var keys []CardKey // they change no more, and are read in whole
	err = db.View(ctx, func(tx *Tx) error {
		keys = nil
		return tx.each(func(rows *sql.Rows) error {
			var k CardKey
			err := rows.Scan(&k.Variable, &k.Key)
			keys = append(keys, k)
			return err
		}, `SELECT variable, key FROM card_key WHERE card_id = $1`, int64(id))
	})
	if err != nil {
		return err
	}
	return db.Update(ctx, func(tx *Tx) error { return tx.emptyCard(id, keys, by) })
}

func (tx *Tx) emptyCard(id styk.ID, keys []CardKey, by By) error {
	c, err := tx.card(`c.id = $1`+tx.forUpdate(), int64(id))
	if err != nil {
		return err
	}
	if c.Code != "" || len(c.Values) > 0 || len(keys) > 0 {
		code := c.Code
		c.Code, c.Values, c.Warnings, c.Installed = "", nil, nil, time.Time{}
		if err := tx.SaveCard(c, CardEdit{Op: "erase", By: by, Free: keys, OldCode: code}); err != nil {
			return err
		}
	}
	err = tx.exec(`DELETE FROM card_log WHERE device <> '' AND device IN (SELECT device FROM card_device WHERE card_id = $1)`, int64(id))
	if err != nil {
		return err
	}
	return tx.exec(`UPDATE card SET installed = 0, removed = CASE WHEN installed <> 0 THEN $2 ELSE removed END WHERE id = $1`,
		int64(id), ms(tx.now))
}

// eraseRecord empties a record, alive or deleted, of what the register names; it
// leaves search and match keys. What other systems call a ticket stays a word to
// find it by.
func (tx *Tx) eraseRecord(kind styk.Kind, id styk.ID, by By) error {
	rec, t := styk.NewRecord(kind), tables[kind]
	e := rec.Base()
	e.ID = id
	if err := tx.read(rec, t.load); err != nil {
		return err
	}
	var words, now []string
	var keys []Key
	if e.Deleted.IsZero() {
		words, keys = tokensOf(rec), keysOf(rec)
	}
	blankRecord(rec)
	if slices.Contains(goneWithPerson, kind) && e.Deleted.IsZero() {
		e.Deleted = tx.now
	}
	if e.Deleted.IsZero() {
		now = tokensOf(rec)
	}
	e.Modified, e.ModifiedBy = tx.now, by.User
	if err := tx.index(kind, id, words, now); err != nil {
		return err
	}
	if err := tx.moveKeys(rec, keys, nil); err != nil {
		return err
	}
	if err := tx.exec(t.update, args(rec)...); err != nil {
		return fmt.Errorf("erase %s %d: %w", kind, id, err)
	}
	tx.record(id, kind, "erase", by, "")
	return nil
}

// blankRecord empties the columns that the register says.
func blankRecord(rec styk.Record) {
	t := personalTable(string(rec.Kind()))
	for _, p := range t.Personal {
		if p.Erase != Blank {
			continue
		}
		for _, name := range strings.Fields(p.Columns) {
			switch name {
			case "warnings":
				rec.Base().Warnings = nil
				continue
			case "extra":
				rec.Base().Extra = nil
				continue
			}
			for _, c := range rec.Columns() {
				if c.Name == name {
					_ = c.SetText(placeholders[t.Table][name]) // "" and words always parse
				}
			}
		}
	}
}

func personalTable(name string) PersonalTable {
	i := slices.IndexFunc(PersonalTables, func(t PersonalTable) bool { return t.Table == name })
	if i < 0 {
		panic("store: " + name + " is not in the register")
	}
	return PersonalTables[i]
}

// ErasedFile is where bytes of a person's document lie.
type ErasedFile struct {
	Document styk.ID
	Path     string // of the working copy, "" for none
	Sums     []string
	Stored   time.Time // when the last of them came
}

// CloseDocuments deletes documents, so that nobody reads or renews their bytes
// while they go.
func (db *DB) CloseDocuments(ctx context.Context, ids []styk.ID, by By) error {
	return db.run(ctx, inSlices(ids, func(tx *Tx, ids []styk.ID) error {
		for _, id := range ids {
			d := &styk.Document{}
			d.ID = id
			if err := tx.Delete(d, by); err != nil && styk.CodeOf(err) != styk.NotFound {
				return err
			}
		}
		return nil
	}))
}

// ErasedFiles tells where the bytes of documents lie that no other document
// needs. Sums that others have too are left out.
func (tx *Tx) ErasedFiles(ids []styk.ID) (files []ErasedFile, err error) {
	for _, id := range ids {
		d := &styk.Document{}
		d.ID = id
		if err := tx.read(d, tables[styk.KindDocument].load); err != nil {
			return nil, err
		}
		f := ErasedFile{Document: id, Path: d.Path, Stored: d.Created}
		versions, err := tx.Versions(id)
		if err != nil {
			return nil, err
		}
		sums := []string{d.Sum}
		for _, v := range versions {
			sums = append(sums, v.Sum)
			if v.Created.After(f.Stored) {
				f.Stored = v.Created
			}
		}
		slices.Sort(sums)
		for _, sum := range slices.Compact(sums) {
			if alone, err := tx.alone(sum, ids); err != nil {
				return nil, err
			} else if sum != "" && alone {
				f.Sums = append(f.Sums, sum)
			}
		}
		files = append(files, f)
	}
	return files, nil
}

// alone says whether no document but these has the bytes, and no card a picture.
func (tx *Tx) alone(sum string, ids []styk.ID) (bool, error) {
	holders, err := tx.sumHolders(sum)
	if err != nil {
		return false, err
	}
	var pictures int64
	err = tx.row(`SELECT count(*) FROM card_image WHERE sum = $1`, sum).Scan(&pictures)
	return pictures == 0 && !slices.ContainsFunc(holders, func(id styk.ID) bool { return !slices.Contains(ids, id) }), err
}

func (tx *Tx) sumHolders(sum string) (ids []styk.ID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, styk.ID(id))
		return err
	}, `SELECT document_id FROM document_version WHERE sum = $1`, sum)
	return ids, err
}

// EmptyLog writes all back to the database file and empties SQLite's log, in
// which erased values would else stand for a while. It waits up to patience for
// those who read an older state; errBusyLog when they do not end.
func (db *DB) EmptyLog(ctx context.Context, patience time.Duration) error {
	if db.writer == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		pause := make(chan struct{})
		select {
		case db.writer.yield <- pause:
		case <-db.writer.stop:
			return errClosed
		case <-ctx.Done():
			return errBusyLog
		}
		whole := db.writer.checkpoint("TRUNCATE")
		close(pause)
		if whole {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return errBusyLog
		}
	}
}

var errBusyLog = errors.New("somebody reads an older state of the database: its log could not be emptied yet")

// KeptOf tells what stays of an erased person, by table and column, and why.
func KeptOf() (list []Personal) {
	for _, t := range PersonalTables {
		if reaches[t.Table] == nil {
			continue
		}
		for _, p := range t.Personal {
			if p.Erase == Keep {
				p.Columns = t.Table + ": " + strings.Join(strings.Fields(p.Columns), ", ")
				list = append(list, p)
			}
		}
	}
	return list
}

// customerKey is how deliveries name a contact, see intake.
func customerKey(id styk.ID) string { return "contact:" + strconv.FormatInt(int64(id), 10) }
