package intake_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"styk"
	"styk/blob"
	"styk/intake"
	"styk/store"
)

// BenchmarkAccept is a form post's way into SQLite by 32 visitors at once, each
// with a phone of his own.
func BenchmarkAccept(b *testing.B) {
	db, err := store.Open(b.Context(), store.Options{Database: filepath.Join(b.TempDir(), "styk.db"), Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	err = db.Update(b.Context(), func(tx *store.Tx) error {
		_, err := tx.SaveTarget(&styk.Target{Name: "hook", Kind: "test"}, nil)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	blobs, err := blob.OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	in := &intake.Intake{DB: db, Blobs: blobs, Reserve: 1}
	form := &styk.Form{Name: "hook", Title: "x", Targets: []string{"hook"}, Fields: []styk.FormField{
		{Name: "topic", Type: styk.FieldText}, {Name: "name", Type: styk.FieldText},
		{Name: "phone", Type: styk.FieldPhone}, {Name: "message", Type: styk.FieldTextarea},
	}}
	var next atomic.Int64
	var wait sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 32 {
		wait.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				_, err := in.Accept(b.Context(), form, intake.FormPost{Address: "192.0.2.7", Agent: "Mozilla", Values: map[string]string{
					"topic": "Касса", "name": "Анна Иванова", "phone": fmt.Sprintf("+79%09d", n*7919%1e9),
					"message": "Здравствуйте, перестала печатать касса " + strconv.FormatInt(n, 10),
				}})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}
