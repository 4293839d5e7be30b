package store

import (
	"slices"
	"strings"
	"testing"

	"styk"
)

func TestSumsByPages(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		want := []string{strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)}
		err := db.Update(t.Context(), func(tx *Tx) error {
			for _, i := range []int{2, 0, 1, 0} { // one twice
				d := &styk.Document{Title: "x", Sum: want[i], Version: 1}
				if err := tx.Insert(d, By{}); err != nil {
					return err
				}
				if err := tx.AddVersion(d, By{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for after := ""; ; {
			var page []string
			if err := db.View(t.Context(), func(tx *Tx) (err error) { page, err = tx.Sums(after, 2); return err }); err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			after = page[len(page)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}
