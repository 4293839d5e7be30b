package store

import (
	"database/sql"

	"styk"
)

// Link hangs other on record; twice is once.
func (tx *Tx) Link(record, other styk.ID) error {
	return tx.exec(`INSERT INTO relation (record_id, other_id, created) VALUES ($1, $2, $3)
		ON CONFLICT (record_id, other_id) DO NOTHING`, int64(record), int64(other), ms(tx.now))
}

// Unlink takes other off record.
func (tx *Tx) Unlink(record, other styk.ID) error {
	return tx.exec(`DELETE FROM relation WHERE record_id = $1 AND other_id = $2`, int64(record), int64(other))
}

// Related lists living records of kind that hang on id, or on which id hangs,
// by number above after, at most limit.
func (tx *Tx) Related(id styk.ID, kind styk.Kind, after styk.ID, limit int) ([]styk.ID, error) {
	var list []styk.ID
	t, ok := tables[kind]
	if !ok {
		return nil, nil
	}
	err := tx.each(func(rows *sql.Rows) error {
		var n int64
		err := rows.Scan(&n)
		list = append(list, styk.ID(n))
		return err
	}, `SELECT r.id FROM `+t.name+` r WHERE r.deleted = 0 AND r.id > $2 AND r.id IN (
			SELECT other_id FROM relation WHERE record_id = $1
			UNION SELECT record_id FROM relation WHERE other_id = $1)
		ORDER BY r.id LIMIT $3`, int64(id), int64(after), limit)
	return list, err
}
