package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"styk"
)

// Merged is a customer who turned out to be another one.
type Merged struct {
	Loser, Winner styk.ID
	At            time.Time
	User          styk.ID
	// Tick is the change of the winner that took values over; 0: it took none.
	Tick  int64
	Moved Moved
}

// Moved tells what went over in a merge, so that it can go back.
type Moved struct {
	Parts map[string][]styk.ID `json:"parts,omitempty"`
	Codes []string             `json:"codes,omitempty"` // keyed hashes of SMS codes
}

// Count gives how many rows of a part went over.
func (m Moved) Count(part string) int { return len(m.Parts[part]) }

const (
	partLinked    = "linked"     // documents
	partSuggested = "suggestion" // values that wait for a person
)

// maxMoved bounds one merge: it is one transaction.
const maxMoved = 2000

// movable gathers what would go over from a contact.
func (tx *Tx) movable(loser styk.ID) (m Moved, err error) {
	m.Parts = map[string][]styk.ID{}
	all := 0
	for part, text := range map[string]string{
		string(styk.KindTicket):  `SELECT id FROM ticket WHERE contact_id <> 0 AND contact_id IN ({ids})`,
		string(styk.KindProject): `SELECT id FROM project WHERE contact_id <> 0 AND contact_id IN ({ids})`,
		string(styk.KindComment): `SELECT id FROM comment WHERE related_id IN ({ids})`,
		partCard:                 `SELECT id FROM card WHERE contact_id <> 0 AND contact_id IN ({ids})`,
		partSubmission:           `SELECT id FROM submission WHERE contact_id IN ({ids})`,
		partLinked:               `SELECT other_id FROM relation WHERE record_id IN ({ids})`,
		partSuggested:            `SELECT id FROM suggestion WHERE record_id IN ({ids})`,
	} {
		ids, err := tx.numbers(text, []styk.ID{loser})
		if err != nil {
			return m, err
		}
		if len(ids) > 0 {
			m.Parts[part] = ids
		}
		all += len(ids)
	}
	if all > maxMoved {
		return m, styk.Failed(styk.Conflict, "Слишком много связанных записей для одного объединения: "+strconv.Itoa(all))
	}
	return m, tx.each(func(rows *sql.Rows) error {
		var hash string
		err := rows.Scan(&hash)
		m.Codes = append(m.Codes, hash)
		return err
	}, `SELECT DISTINCT hash FROM sms_code WHERE contact_id = $1`, int64(loser))
}

// Movable tells what a merge would move, for a preview.
func (tx *Tx) Movable(loser styk.ID) (Moved, error) { return tx.movable(loser) }

// Merge makes the loser one with the winner, both alive: what belongs to the
// loser goes over, fill sets what the winner takes of its values, the loser is
// deleted and points to the winner, and its keys name the winner from now on.
func (tx *Tx) Merge(winner, loser *styk.Contact, by By, fill func()) error {
	by.Origin = "merge"
	moved, err := tx.movable(loser.ID)
	if err != nil {
		return err
	}
	if moved.Parts[partLinked], err = tx.unlinked(winner.ID, moved.Parts[partLinked]); err != nil {
		return err
	}
	if err := tx.move(moved, loser.ID, winner.ID, by); err != nil {
		return err
	}
	if err := tx.copyCodes(loser.ID, winner.ID); err != nil {
		return err
	}
	keys := keysOf(loser)
	if err := tx.Delete(loser, by); err != nil {
		return err
	}
	changed, err := tx.Edit(winner, by, func() error {
		fill()
		winner.Warnings = slices.DeleteFunc(slices.Clone(winner.Warnings), func(w styk.Warning) bool {
			return w.Rule == ruleDuplicate && w.Other == loser.ID
		})
		return nil
	})
	if err != nil {
		return err
	}
	m := &Merged{Loser: loser.ID, Winner: winner.ID, User: by.User, Moved: moved}
	if changed {
		list, err := tx.History(winner.ID, 0, 1)
		if err != nil {
			return err
		}
		if len(list) > 0 && len(list[0].Fields) > 0 {
			m.Tick = list[0].Tick
		}
	}
	if err := tx.saveMerged(m); err != nil {
		return err
	}
	return tx.bindFree(winner.ID, keys)
}

func (tx *Tx) saveMerged(m *Merged) error {
	text, err := json.Marshal(m.Moved)
	if err != nil {
		return err
	}
	return tx.exec(`INSERT INTO merged (record_id, winner_id, at, user_id, tick, moved) VALUES ($1, $2, $3, $4, $5, $6)`,
		int64(m.Loser), int64(m.Winner), ms(tx.now), int64(m.User), m.Tick, string(text))
}

// unlinked gives those of the documents that do not hang on the record yet.
func (tx *Tx) unlinked(record styk.ID, documents []styk.ID) ([]styk.ID, error) {
	has, err := tx.numbers(`SELECT other_id FROM relation WHERE record_id IN ({ids})`, []styk.ID{record})
	return slices.DeleteFunc(documents, func(id styk.ID) bool { return slices.Contains(has, id) }), err
}

// move gives rows to another contact: those that still are of the first.
func (tx *Tx) move(m Moved, from, to styk.ID, by By) error {
	for _, id := range m.Parts[string(styk.KindTicket)] {
		t := &styk.Ticket{}
		t.ID = id
		if err := tx.reassign(t, &t.Contact, from, to, by); err != nil {
			return err
		}
	}
	for _, id := range m.Parts[string(styk.KindProject)] {
		p := &styk.Project{}
		p.ID = id
		if err := tx.reassign(p, &p.Contact, from, to, by); err != nil {
			return err
		}
	}
	for _, id := range m.Parts[string(styk.KindComment)] {
		c := &styk.Comment{}
		c.ID = id
		if err := tx.reassign(c, &c.Related, from, to, by); err != nil {
			return err
		}
	}
	for _, id := range m.Parts[partLinked] {
		if err := tx.Link(to, id); err != nil {
			return err
		}
	}
	for part, text := range map[string]string{
		partCard:       `UPDATE card SET contact_id = $2 WHERE id = $3 AND contact_id = $1`,
		partSubmission: `UPDATE submission SET contact_id = $2 WHERE id = $3 AND contact_id = $1`,
		partSuggested:  `UPDATE suggestion SET record_id = $2 WHERE id = $3 AND record_id = $1`,
	} {
		for _, id := range m.Parts[part] {
			if err := tx.exec(text, int64(from), int64(to), int64(id)); err != nil {
				return err
			}
		}
	}
	return tx.exec(`UPDATE delivery SET customer = $2 WHERE customer = $1 AND customer <> '' AND state IN ('due', 'failed')`,
		customerKey(from), customerKey(to))
}

// reassign changes a living record's contact, with history; a deleted one's too,
// so that it comes back to the right person.
func (tx *Tx) reassign(rec styk.Record, of *styk.ID, from, to styk.ID, by By) error {
	_, err := tx.edit(rec, by, "update", func() error {
		if *of == from {
			*of = to
		}
		return nil
	})
	return err
}

func (tx *Tx) copyCodes(from, to styk.ID) error {
	return tx.exec(`INSERT INTO sms_code (inn, hash, contact_id, submission_id, verified, created)
		SELECT inn, hash, $2, submission_id, verified, created FROM sms_code WHERE contact_id = $1
		ON CONFLICT (inn, hash, contact_id, submission_id) DO NOTHING`, int64(from), int64(to))
}

// bindFree lets keys name a record that name nobody.
func (tx *Tx) bindFree(record styk.ID, keys []Key) error {
	for _, k := range keys {
		err := tx.exec(`INSERT INTO match_key (kind, key, record_id) VALUES ($1, $2, $3)
			ON CONFLICT (kind, key) DO UPDATE SET record_id = excluded.record_id WHERE match_key.record_id = 0`, k.Kind, k.Key, int64(record))
		if err != nil {
			return err
		}
	}
	return nil
}

// inherited lists the keys that a record has from those merged into it, beside
// its own.
func (tx *Tx) inherited(rec styk.Record) ([]Key, error) {
	if rec.Kind() != styk.KindContact {
		return nil, nil
	}
	b := Belongings{string(styk.KindContact): {rec.Base().ID}}
	if err := tx.gatherMerged(b); err != nil {
		return nil, err
	}
	own := keysOf(rec)
	var keys []Key
	for _, id := range b[string(styk.KindContact)][1:] {
		c := &styk.Contact{}
		c.ID = id
		if err := tx.read(c, tables[styk.KindContact].load); err != nil {
			return nil, err
		}
		for _, k := range keysOf(c) {
			if !slices.Contains(own, k) && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys, nil
}

// handOver frees the inherited keys of a record that is deleted, and binds them
// again when it comes back.
func (tx *Tx) handOver(rec styk.Record, op string) error {
	if op != "delete" && op != "undelete" {
		return nil
	}
	keys, err := tx.inherited(rec)
	if err != nil {
		return err
	}
	if op == "undelete" {
		return tx.bindFree(rec.Base().ID, keys)
	}
	for _, k := range keys {
		if err := tx.release(k, rec); err != nil {
			return err
		}
	}
	return nil
}

// MergedInto tells what became of a deleted contact; styk.NotFound when it was
// not merged.
func (tx *Tx) MergedInto(loser styk.ID) (*Merged, error) {
	list, err := tx.merges(`record_id = $1`, loser)
	if err == nil && len(list) == 0 {
		return nil, notFound("merge", loser)
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// MergedFrom lists who was merged into a contact, newest first.
func (tx *Tx) MergedFrom(winner styk.ID) ([]*Merged, error) {
	return tx.merges(`winner_id = $1 ORDER BY at DESC, record_id DESC`, winner)
}

func (tx *Tx) merges(where string, id styk.ID) ([]*Merged, error) {
	var list []*Merged
	err := tx.each(func(rows *sql.Rows) error {
		m := &Merged{}
		list = append(list, m)
		return rows.Scan((*int64)(&m.Loser), (*int64)(&m.Winner), msDest{&m.At}, (*int64)(&m.User), &m.Tick, jsonDest[Moved]{&m.Moved})
	}, `SELECT record_id, winner_id, at, user_id, tick, moved FROM merged WHERE `+where, int64(id))
	return list, err
}

// Unmerge parts again what a merge made one: what went over and still is there
// goes back, and so do the values. styk.Conflict when one of these was changed
// since, or the person was erased.
func (tx *Tx) Unmerge(loser styk.ID, by By) error {
	m, err := tx.MergedInto(loser)
	if err != nil {
		return err
	}
	by.Origin = "undo"
	if erased, err := tx.Erased(m.Winner); err != nil {
		return err
	} else if erased {
		return styk.Failed(styk.Conflict, "Данные этого человека удалены")
	}
	winner, back := &styk.Contact{}, &styk.Contact{}
	winner.ID, back.ID = m.Winner, loser
	if err := errors.Join(tx.Load(winner), tx.read(back, tables[styk.KindContact].load)); err != nil {
		return err
	}
	if err := tx.exec(`DELETE FROM merged WHERE record_id = $1`, int64(loser)); err != nil {
		return err
	}
	if m.Tick != 0 {
		if err := tx.Undo(m.Tick, by); err != nil {
			return err
		}
		if err := tx.Load(winner); err != nil {
			return err
		}
	}
	if err := tx.unbind(winner, keysOf(back)); err != nil {
		return err
	}
	if err := tx.Undelete(back, by); err != nil {
		return err
	}
	return tx.moveBack(m, by)
}

// unbind takes from a record keys that are not of its own values.
func (tx *Tx) unbind(rec *styk.Contact, keys []Key) error {
	own := keysOf(rec)
	for _, k := range keys {
		if slices.Contains(own, k) {
			continue
		}
		err := tx.exec(`DELETE FROM match_key WHERE kind = $1 AND key = $2 AND record_id = $3`, k.Kind, k.Key, int64(rec.ID))
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) moveBack(m *Merged, by By) error {
	linked := m.Moved.Parts[partLinked]
	m.Moved.Parts[partLinked] = nil // the loser has kept its own
	for _, id := range linked {
		if err := tx.Unlink(m.Winner, id); err != nil {
			return err
		}
	}
	if err := tx.moveOnly(m, by); err != nil {
		return err
	}
	for _, hash := range m.Moved.Codes {
		err := tx.exec(`DELETE FROM sms_code WHERE contact_id = $1 AND hash = $2 AND EXISTS
			(SELECT 1 FROM sms_code k WHERE k.contact_id = $3 AND k.hash = $2)`, int64(m.Winner), hash, int64(m.Loser))
		if err != nil {
			return err
		}
	}
	return nil
}

// moveOnly gives the moved rows back; deliveries that wait stay with the winner,
// for they may be his own.
func (tx *Tx) moveOnly(m *Merged, by By) error {
	var waiting []string
	err := tx.each(func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		waiting = append(waiting, strconv.FormatInt(id, 10))
		return err
	}, `SELECT id FROM delivery WHERE customer = $1 AND customer <> '' AND state IN ('due', 'failed')`, customerKey(m.Winner))
	if err != nil {
		return err
	}
	if err := tx.move(m.Moved, m.Winner, m.Loser, by); err != nil || len(waiting) == 0 {
		return err
	}
	return tx.exec(`UPDATE delivery SET customer = $1 WHERE id IN (`+strings.Join(waiting, ", ")+`)`, customerKey(m.Winner))
}

// KeepApart takes off the flags by which two contacts were thought to be one.
func (tx *Tx) KeepApart(a, b styk.ID, by By) error {
	for _, pair := range [][2]styk.ID{{a, b}, {b, a}} {
		c := &styk.Contact{}
		c.ID = pair[0]
		_, err := tx.Edit(c, by, func() error {
			c.Warnings = slices.DeleteFunc(slices.Clone(c.Warnings), func(w styk.Warning) bool {
				return w.Rule == ruleDuplicate && w.Other == pair[1]
			})
			return nil
		})
		if err != nil && styk.CodeOf(err) != styk.NotFound {
			return err
		}
	}
	return nil
}
