package vtiger

import (
	"strconv"
	"time"

	"styk"
	"styk/store"
)

// The place a reader of sync has come to. Below secondsEnd it is Unix time in
// seconds, as stock has it; below cursorBase in milliseconds, as some clients
// send it; from there on it is ours: cursorBase and the number of a change.
//
// We always answer with one of ours, because a second is too coarse: of two
// changes within it, or of two transactions that commit the other way round
// than they began, a reader would miss one. It is an integer that fits 53
// bits, so that clients keep it as they keep stock's.
const (
	secondsEnd = 100_000_000_000
	cursorBase = 1_000_000_000_000_000
)

const (
	syncRows  = 100 // records of one answer
	syncBatch = 500 // changes read at once
)

// sync lists what was changed and deleted since modifiedTime, each record once
// and as it is now. lastModifiedTime of the answer is the next modifiedTime;
// more says that there is more at once (spec/vtiger.md 3.1). syncType, which
// some clients send, changes nothing.
func (c *call) sync() (Value, error) {
	since, err := c.syncPlace()
	if err != nil {
		return nil, err
	}
	kinds, err := c.syncKinds()
	if err != nil {
		return nil, err
	}
	if len(kinds) == 0 {
		return syncAnswer(List{}, List{}, false, since), nil
	}
	var answer Value
	err = c.s.DB.View(c, func(tx *store.Tx) error {
		from := since - cursorBase
		if since < cursorBase {
			if from, err = tx.TickAt(syncTime(since)); err != nil {
				return err
			}
		}
		changed, last, more, err := changedSince(tx, from, kinds)
		if err != nil {
			return err
		}
		updated, deleted, err := syncRecords(tx, changed)
		answer = syncAnswer(updated, deleted, more, cursorBase+last)
		return err
	})
	return answer, err
}

func syncAnswer(updated, deleted List, more bool, last int64) Value {
	return Object{{"updated", updated}, {"deleted", deleted}, {"more", Bool(more)}, {"lastModifiedTime", Int(last)}}
}

func (c *call) syncPlace() (int64, error) {
	text, err := c.given("modifiedTime")
	if err != nil || text == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, &styk.Error{Code: styk.Invalid, Faults: []styk.Fault{{Field: "modifiedTime", Rule: "integer",
			Value: clip(text), Text: "expected Unix time in seconds, or lastModifiedTime of an earlier answer"}}}
	}
	return n, nil
}

func syncTime(n int64) time.Time {
	if n < secondsEnd {
		return time.Unix(n, 0)
	}
	return time.UnixMilli(n)
}

// syncKinds gives the kinds that are asked for and that the user may see.
func (c *call) syncKinds() ([]styk.Kind, error) {
	name, err := c.given("elementType")
	if err != nil {
		return nil, err
	}
	if name != "" {
		m, err := c.moduleNamed(name, msgDeniedName+name)
		if err != nil || m.kind == "" {
			return nil, err
		}
		return []styk.Kind{m.kind}, nil
	}
	var kinds []styk.Kind
	for _, m := range served {
		if m.kind != "" && !c.mayUseNone(m.name) {
			kinds = append(kinds, m.kind)
		}
	}
	return kinds, nil
}

// changedSince gives up to syncRows records with a change after tick, in the
// order of their changes, and the tick up to which all is told.
func changedSince(tx *store.Tx, tick int64, kinds []styk.Kind) (changed []store.Change, last int64, more bool, err error) {
	now, err := tx.Tick() // before the changes: none of those up to it is unseen
	if err != nil {
		return nil, 0, false, err
	}
	seen := map[styk.ID]bool{}
	for last = tick; ; {
		batch, err := tx.Since(last, kinds, syncBatch)
		if err != nil {
			return nil, 0, false, err
		}
		for _, change := range batch {
			if !seen[change.Record] {
				if len(changed) == syncRows {
					return changed, last, true, nil
				}
				seen[change.Record] = true
				changed = append(changed, change)
			}
			last = change.Tick
		}
		if len(batch) < syncBatch {
			return changed, max(last, now), false, nil
		}
	}
}

// syncRecords loads the living ones of the changed records; the others were
// deleted.
func syncRecords(tx *store.Tx, changed []store.Change) (updated, deleted List, err error) {
	ids := map[styk.Kind][]string{}
	for _, change := range changed {
		ids[change.Kind] = append(ids[change.Kind], strconv.FormatInt(int64(change.Record), 10))
	}
	living := map[styk.ID]styk.Record{}
	for kind, list := range ids {
		recs, err := tx.Select(store.Query{Kind: kind, Limit: len(list), Where: &store.Cond{Op: "in", Field: "id", Values: list}})
		if err != nil {
			return nil, nil, err
		}
		for _, rec := range recs {
			living[rec.Base().ID] = rec
		}
	}
	updated, deleted = List{}, List{}
	for _, change := range changed {
		rec, ok := living[change.Record]
		if !ok {
			deleted = append(deleted, Text(modulesByKind[change.Kind].wsid(change.Record)))
			continue
		}
		r, err := newRow(tx, rec)
		if err != nil {
			return nil, nil, err
		}
		updated = append(updated, r)
	}
	return updated, deleted, nil
}
