package creatio

import (
	"sync/atomic"
	"testing"

	"styk/connect"
)

// BenchmarkDeliver brings tickets of ever new visitors, without files, to the
// simulator over loopback: about ten calls each.
func BenchmarkDeliver(b *testing.B) {
	s := newSite(b, Net, nil)
	var n atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p := visitor(int(n.Add(1)))
			if err := s.to.Deliver(b.Context(), p.Bind((&connect.Memory{}).Effects(s.http))); err != nil {
				b.Error(err)
			}
		}
	})
}
