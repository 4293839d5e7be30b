package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"styk/connect"
	"styk/connect/connecttest"
	"styk/webhook"
)

// BenchmarkDeliver measures what one recorded delivery to an instant receiver
// costs, receiver included.
func BenchmarkDeliver(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	base := connect.Guard{}.NewBase()
	b.Cleanup(func() { base.CloseIdleConnections(); server.Close() })
	c, err := webhook.Kind.Open(connect.Settings{Values: map[string]any{"url": server.URL, "secret": secret}})
	if err != nil {
		b.Fatal(err)
	}
	var bytes atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for i := 1; pb.Next(); i++ {
			tr := &connect.Transport{Base: base, Mask: connect.NewMask(secret), Record: func(x connect.Exchange) {
				bytes.Add(x.RequestSize)
			}}
			m := &connect.Memory{}
			if err := c.Deliver(b.Context(), connecttest.Parcel(i).Bind(m.Effects(tr.Client()))); err != nil {
				b.Error(err)
			}
		}
	})
	b.SetBytes(bytes.Load() / int64(b.N))
}
