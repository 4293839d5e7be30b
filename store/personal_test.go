package store

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
)

// TestEveryColumnIsInTheRegister fails for a column of the real schema that
// personal.go does not know, and for one that it lists in vain.
func TestEveryColumnIsInTheRegister(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		var real, listed []string
		must(t, db.View(t.Context(), func(tx *Tx) error {
			return tx.each(func(rows *sql.Rows) error {
				var table, column string
				err := rows.Scan(&table, &column)
				real = append(real, table+"."+column)
				return err
			}, db.d.columns)
		}))
		for _, p := range PersonalTables {
			for _, column := range p.names() {
				listed = append(listed, p.Table+"."+column)
			}
		}
		for _, name := range real {
			if !slices.Contains(listed, name) {
				t.Errorf("%s holds nobody knows what: list it in personal.go", name)
			}
		}
		for i, name := range listed {
			if !slices.Contains(real, name) {
				t.Errorf("%s is listed but not in the schema", name)
			}
			if slices.Contains(listed[:i], name) {
				t.Errorf("%s is listed twice", name)
			}
		}
	})
}

func TestTheRegisterIsWhole(t *testing.T) {
	t.Parallel()
	for _, table := range PersonalTables {
		for _, p := range table.Personal {
			if p.Holds == "" || !slices.Contains([]Erasure{Blank, Remove, Keep}, p.Erase) {
				t.Errorf("%s %s: %+v", table.Table, p.Columns, p)
			}
			if (p.Erase == Keep || p.Export == "") && strings.TrimSpace(p.Why) == "" {
				t.Errorf("%s %s is kept or not exported without a reason", table.Table, p.Columns)
			}
		}
	}
}
