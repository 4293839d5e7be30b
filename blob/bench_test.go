package blob

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkPut is durable storing of files of 100 KB, all different, as one
// visitor after the other and as 32 at once.
func BenchmarkPut(b *testing.B) {
	b.Run("1 at once", func(b *testing.B) { benchmarkPut(b, 1, true) })
	b.Run("32 at once", func(b *testing.B) { benchmarkPut(b, 32, true) })
	b.Run("32 at once, known bytes", func(b *testing.B) { benchmarkPut(b, 32, false) })
}

func benchmarkPut(b *testing.B, workers int, different bool) {
	d := newDir(b)
	var next atomic.Int64
	b.SetBytes(100_000)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			file := noise(100_000, 1)
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if different {
					binary.LittleEndian.PutUint64(file, uint64(n))
				}
				if _, err := d.Put(b.Context(), bytes.NewReader(file), 0); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
}

// BenchmarkChanged is the look at a working copy that goes before every read.
func BenchmarkChanged(b *testing.B) {
	data := b.TempDir()
	d, err := OpenDir(data)
	if err != nil {
		b.Fatal(err)
	}
	w, err := OpenWork(data, d)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	known, err := w.Write(b.Context(), testPath, put(b, d, pdf("x")).Sum)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, changed, err := w.Changed(b.Context(), testPath, known); changed || err != nil {
			b.Fatal(changed, err)
		}
	}
}
