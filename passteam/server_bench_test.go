package passteam

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// The whole server without the network, 32 clients at once.
func benchmarkServer(b *testing.B, body func(ids []string, i int64) (method, text string)) {
	s := newBench(b, "sqlite")
	s.Log = slog.New(slog.DiscardHandler)
	var ids []string
	for i := range int64(1000) {
		method, text := createBody(nil, i)
		ids = append(ids, s.ask(b, method, text).Result.CardID)
	}
	var n atomic.Int64
	n.Store(999)
	b.SetParallelism(16)
	b.ReportAllocs()
	groups0, closures0 := s.db.WriterStats()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			method, text := body(ids, n.Add(1))
			r := httptest.NewRequest("POST", Root+"/v1/"+method, strings.NewReader(text))
			r.Header.Set("Content-Type", formType)
			r.Header.Set("Authorization", demoText)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != 200 {
				b.Errorf("%d: %s", w.Code, w.Body)
			}
		}
	})
	b.StopTimer()
	groups, closures := s.db.WriterStats()
	b.ReportMetric(float64(closures-closures0)/float64(max(groups-groups0, 1)), "closures/group")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func createBody(_ []string, i int64) (method, text string) {
	return MethodCreateCard, fmt.Sprintf("templateId=%s&values[%%CLIENT_NAME%%]=Иванов Иван %d&values[%%BIRTHDAY%%]=01.02.1990&values[%%PHONE%%]=+7 921 %07d&values[%%EMAIL%%]=u%d@example.ru&values[%%BONUS%%]=0",
		guests, i, i, i)
}

func BenchmarkCreateCard(b *testing.B) { benchmarkServer(b, createBody) }

// Points of one card after another, as after a day of sales.
func BenchmarkUpdateCard(b *testing.B) {
	benchmarkServer(b, func(ids []string, i int64) (string, string) {
		return MethodUpdateCard, fmt.Sprintf("cardId=%s&values[%%BONUS%%]=%d", ids[i%1000], i)
	})
}

// The same update again, as 1C sends for every save.
func BenchmarkUpdateCardUnchanged(b *testing.B) {
	benchmarkServer(b, func([]string, int64) (string, string) {
		return MethodUpdateCard, "cardId=" + card + "&values[%BALANCE%]=5 000&values[%_CODE%]=3006880536055&values[%NUMBERCARD%]=3006880536055&values[%DISCOUNT%]=3"
	})
}
