package store

import (
	"database/sql"
	"errors"

	"styk"
)

// ImportState gives how far an import of a module from a source has come: the
// last foreign record number taken, and whether all of it is here.
func (tx *Tx) ImportState(source, module string) (last styk.ID, done bool, err error) {
	err = tx.row(`SELECT last_id, done FROM import_state WHERE source = $1 AND module = $2`, source, module).
		Scan((*int64)(&last), boolDest{&done})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return last, done, err
}

// SetImportState notes it, in the transaction of the records themselves.
func (tx *Tx) SetImportState(source, module string, last styk.ID, done bool) error {
	return tx.exec(`INSERT INTO import_state (source, module, last_id, done) VALUES ($1, $2, $3, $4)
		ON CONFLICT (source, module) DO UPDATE SET last_id = excluded.last_id, done = excluded.done`,
		source, module, int64(last), arg(&done))
}

// ContinueNumbersAbove makes the next record get a number above id.
func (tx *Tx) ContinueNumbersAbove(id styk.ID) error {
	if err := tx.exec(tx.db.d.setNumber[0]); err != nil {
		return err
	}
	return tx.exec(tx.db.d.setNumber[1], int64(id))
}
