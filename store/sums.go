package store

import "database/sql"

// Sums lists the files that documents, alive or deleted, need in any version,
// and the pictures of cards: those behind after, at most limit, in order.
func (tx *Tx) Sums(after string, limit int) ([]string, error) {
	var list []string
	err := tx.each(func(rows *sql.Rows) error {
		var sum string
		err := rows.Scan(&sum)
		list = append(list, sum)
		return err
	}, `SELECT sum FROM (SELECT sum FROM document_version WHERE sum > $1 UNION SELECT sum FROM card_image WHERE sum > $1) s
		ORDER BY sum LIMIT $2`, after, limit)
	return list, err
}
