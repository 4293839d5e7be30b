package courier_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/connect"
	"styk/courier"
	"styk/intake"
	"styk/store"
	"styk/webhook"
)

func benchIntake(b *testing.B, address string) *intake.Intake {
	b.Helper()
	db, err := store.Open(b.Context(), store.Options{Database: address, Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	blobs, err := blob.OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	return &intake.Intake{DB: db, Blobs: blobs, Reserve: 1}
}

var benchForm = &styk.Form{Name: "feedback", Title: "Обратная связь", Targets: []string{"crm"}, Fields: []styk.FormField{
	{Name: "topic", Type: styk.FieldText}, {Name: "name", Type: styk.FieldText}, {Name: "phone", Type: styk.FieldPhone},
	{Name: "message", Type: styk.FieldTextarea}, {Name: "file", Type: styk.FieldFile},
}}

// BenchmarkAccept is the way from a read post to its receipt, 32 visitors at
// once; each brings its own bytes.
func BenchmarkAccept(b *testing.B) {
	for _, size := range []int{0, 100 << 10} {
		b.Run(fmt.Sprintf("file=%dKB", size>>10), func(b *testing.B) {
			in := benchIntake(b, filepath.Join(b.TempDir(), "styk.db"))
			c := courier.New(in.DB, in.Blobs, []connect.Kind{(&world{}).kind("world")}, courier.Options{})
			if _, err := c.SaveTarget(b.Context(), &styk.Target{Name: "crm", Kind: "world"}); err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			filler := strings.Repeat("x", size)
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					post := intake.FormPost{Key: fmt.Sprint(i), Values: map[string]string{
						"topic": "Касса", "name": "Анна Иванова", "phone": fmt.Sprintf("+7900%07d", i), "message": "Молчит",
					}}
					if size > 0 {
						info, err := in.Keep(b.Context(), "счёт.pdf", strings.NewReader(fmt.Sprintf("%%PDF-1.4 %d\n%s", i, filler)))
						if err != nil {
							b.Error(err)
							return
						}
						post.Files = []intake.Upload{{Part: "file", FileName: "счёт.pdf", Info: info}}
					}
					if _, err := in.Accept(b.Context(), benchForm, post); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
		})
	}
}

// BenchmarkDrain carries what waits to a webhook that answers at once.
func BenchmarkDrain(b *testing.B) {
	in := benchIntake(b, filepath.Join(b.TempDir(), "styk.db"))
	var got atomic.Int64
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if got.Add(1) == int64(b.N) {
			close(all)
		}
	}))
	defer server.Close()
	c := courier.New(in.DB, in.Blobs, []connect.Kind{webhook.Kind}, courier.Options{})
	_, err := c.SaveTarget(b.Context(), &styk.Target{Name: "crm", Kind: "webhook", Parallel: 32,
		Settings: map[string]any{"url": server.URL, "secret": hookSecret}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		_, err := in.Accept(b.Context(), benchForm, intake.FormPost{Key: fmt.Sprint(i), Values: map[string]string{
			"topic": "Касса", "phone": fmt.Sprintf("+7900%07d", i),
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	over := make(chan error, 1)
	b.ResetTimer()
	go func() { over <- c.Run(ctx) }()
	select {
	case <-all:
	case <-time.After(2 * time.Minute):
		b.Fatalf("%d of %d came", got.Load(), b.N)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "parcels/s")
	cancel()
	<-over
}
