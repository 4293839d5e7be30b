package store

import (
	"database/sql"
	"errors"

	"styk"
)

// The answers of a person to a Suggestion.
const (
	SuggestionOpen     = "open"
	SuggestionAccepted = "accepted"
	SuggestionDropped  = "dropped"
)

// Settle answers a suggestion about a record: taken over into the record, or
// left. One that was answered before is styk.Conflict.
func (tx *Tx) Settle(record, id styk.ID, accept bool, by By) error {
	var field, value, state string
	err := tx.row(`SELECT field, value, state FROM suggestion WHERE id = $1 AND record_id = $2`+tx.forUpdate(),
		int64(id), int64(record)).Scan(&field, &value, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return styk.Failed(styk.NotFound, "Такого значения нет")
	}
	if err != nil {
		return err
	}
	if state != SuggestionOpen {
		return styk.Failed(styk.Conflict, "Об этом значении уже решено")
	}
	answer := SuggestionDropped
	if accept {
		answer = SuggestionAccepted
		rec, err := tx.Find(record)
		if err != nil {
			return err
		}
		if _, err := tx.Edit(rec, by, func() error { return setField(rec, field, value) }); err != nil {
			return err
		}
	}
	return tx.exec(`UPDATE suggestion SET state = $2 WHERE id = $1`, int64(id), answer)
}
