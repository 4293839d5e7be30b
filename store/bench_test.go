package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"styk"
	"styk/store/storetest"
)

// benchRows is how many contacts lie in the database before a benchmark:
// STYK_BENCH_ROWS, 1,000 without it.
func benchRows() int {
	if n, err := strconv.Atoi(os.Getenv("STYK_BENCH_ROWS")); err == nil {
		return n
	}
	return 1000
}

// benchWorkers write at once, as 32 clients do.
const benchWorkers = 32

func benchPhone(n int) string {
	return fmt.Sprintf("+7(9%02d) %03d-%02d-%02d", n/10000000%100, n/10000%1000, n/100%100, n%100)
}

var (
	benchFirst = []string{"Василий", "Пётр", "Анна", "Мария", "Иван", "Ольга", "Семён", "Юлия"}
	benchLast  = []string{"Пупкинидзе", "Иванова", "Сидоров", "Кузнецова", "Соловьёв", "Щербакова"}
)

func benchContact(n int) *styk.Contact {
	return &styk.Contact{
		Entity:    styk.Entity{Owner: 1, Source: "WEBSERVICE"},
		FirstName: benchFirst[n%len(benchFirst)], LastName: benchLast[n%len(benchLast)] + strconv.Itoa(n%5000),
		SecondName: "Петрович", Mobile: benchPhone(n), Email: fmt.Sprintf("p%d@mail.ru", n),
		INN: fmt.Sprintf("%012d", 321654000000+n), Birthday: "1986-11-15", Address: "Москва, ул. Ленина, 1",
	}
}

var benchBy = By{User: 1, Origin: "bench"}

// createContact is what CreateContact does to the store.
func createContact(tx *Tx, n, change int) error {
	c := benchContact(n)
	key, _ := PhoneKey(styk.KindContact, c.Mobile)
	id, err := tx.Claim(key)
	if err != nil {
		return err
	}
	if id == 0 {
		return tx.Insert(c, benchBy)
	}
	known := &styk.Contact{Entity: styk.Entity{ID: id}}
	_, err = tx.Edit(known, benchBy, func() error {
		known.Address = "Тверь, дом " + strconv.Itoa(change)
		return nil
	})
	return err
}

// benchDB opens a database with benchRows contacts. STYK_BENCH_DB keeps an
// SQLite file between runs.
func benchDB(b *testing.B) *DB {
	b.Helper()
	o := Options{Database: filepath.Join(b.TempDir(), "styk.db"), Key: testKey}
	if os.Getenv("STYK_BENCH_ENGINE") == "postgres" {
		o.Database = storetest.Postgres(b)
	} else if kept := os.Getenv("STYK_BENCH_DB"); kept != "" {
		o.Database = kept
	}
	db, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	var have int64
	_ = db.View(b.Context(), func(tx *Tx) (err error) {
		have, err = tx.Count(Query{Kind: styk.KindContact})
		return err
	})
	for n := int(have); n < benchRows(); n += 500 {
		err := db.Update(b.Context(), func(tx *Tx) error {
			for i := n; i < min(n+500, benchRows()); i++ {
				if err := tx.Insert(benchContact(i), benchBy); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return db
}

// benchParallel runs op b.N times over the workers and reports rate and tail.
func benchParallel(b *testing.B, op func(n int) error) {
	b.Helper()
	var next atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var wait sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range benchWorkers {
		wait.Go(func() {
			var mine []time.Duration
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				began := time.Now()
				if err := op(int(n)); err != nil {
					b.Error(err)
					return
				}
				mine = append(mine, time.Since(began))
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wait.Wait()
	b.StopTimer()
	slices.Sort(all)
	if len(all) > 0 {
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "max-ms")
	}
}

// BenchmarkRaw is the bare grouped insert: what the engine and the disk give.
func BenchmarkRaw(b *testing.B) {
	db := benchDB(b)
	benchParallel(b, func(int) error {
		return db.Update(b.Context(), func(tx *Tx) error {
			return tx.exec(`INSERT INTO guess (scope, subject, at) VALUES ('bench', 'row', 1)`)
		})
	})
}

// BenchmarkCreateContact is the store's share of CreateContact, every second
// phone known.
func BenchmarkCreateContact(b *testing.B) {
	db, rows := benchDB(b), benchRows()
	base := int(time.Now().UnixNano()%1e9) + rows
	benchParallel(b, func(n int) error {
		who := rand.IntN(rows)
		if n%2 == 0 {
			who = base + n
		}
		return db.Update(b.Context(), func(tx *Tx) error { return createContact(tx, who, n) })
	})
	if db.writer != nil {
		if info, err := os.Stat(db.writer.wal); err == nil {
			b.ReportMetric(float64(info.Size())/(1<<20), "wal-MB")
		}
		groups, closures := db.WriterStats()
		b.ReportMetric(float64(closures)/float64(groups), "group")
	}
}

func BenchmarkRetrieve(b *testing.B) {
	db, rows := benchDB(b), benchRows()
	var first int64
	_ = db.View(b.Context(), func(tx *Tx) error { return tx.row(`SELECT min(id) FROM contact`).Scan(&first) })
	benchParallel(b, func(int) error {
		c := &styk.Contact{Entity: styk.Entity{ID: styk.ID(first + int64(rand.IntN(rows)))}}
		return db.View(b.Context(), func(tx *Tx) error { return tx.Load(c) })
	})
}

func BenchmarkSelectByMobile(b *testing.B) {
	db, rows := benchDB(b), benchRows()
	benchParallel(b, func(int) error {
		q := Query{Kind: styk.KindContact, Limit: 100,
			Where: &Cond{Op: "=", Field: "mobile", Values: []string{benchPhone(rand.IntN(rows))}}}
		return db.View(b.Context(), func(tx *Tx) error {
			list, err := tx.Select(q)
			if err == nil && len(list) == 0 {
				err = fmt.Errorf("no contact %v", q.Where.Values)
			}
			return err
		})
	})
}
