package store

import "testing"

func TestCheckOfAWholeDatabase(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if n, err := db.SchemaVersion(t.Context()); err != nil || n < 1 {
			t.Errorf("schema version %d, %v", n, err)
		}
	})
}
