package vtiger

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// BenchmarkCreateContact drives the whole server without the network: half of
// the phones are known.
func BenchmarkCreateContact(b *testing.B) {
	bench := newBench(b, "sqlite")
	session := login(b, bench, "api", demoKey)
	var n atomic.Int64
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1) / 2 * 7919 % 10_000_000
			body := fmt.Sprintf("operation=CreateContact&sessionName=%s&firstname=Иван%d&lastname=Петров%d&mobile=%%2B7904%07d&birthday=1990-01-02&inn=50%010d&email=u%d@example.ru&code=1234", session, i%100, i%1000, i, i, i)
			r := httptest.NewRequest("POST", "/webservice.php", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			send(b, bench, "127.0.0.1", r)
		}
	})
	b.StopTimer()
	groups, closures := bench.db.WriterStats()
	b.ReportMetric(float64(closures)/float64(max(groups, 1)), "closures/group")
}
