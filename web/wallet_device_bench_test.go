package web

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"

	"styk/wallet"
)

// fullSet gives the template pictures that make passes of about 550 kB.
func (s *cardSite) fullSet() int {
	s.t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	img := image.NewNRGBA(image.Rect(0, 0, 375, 144))
	for y := range 144 {
		for x := range 375 {
			v := uint8(100 + r.IntN(48)) // grain, which compresses badly, as in a photograph
			img.SetNRGBA(x, y, color.NRGBA{v, v / 2, uint8(x / 2), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cards.SavePicture(s.t.Context(), guestTemplate, wallet.Strip, b.Bytes()); err != nil {
		s.t.Fatal(err)
	}
	card := s.issue("PHONE", "+7 928 000-99-99")
	p, err := s.cards.Pass(s.t.Context(), card.Number)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(p.Data)
}

// fetchRequest is Apple's call for a pass.
func (s *cardSite) fetchRequest(number string) *http.Request {
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/wallet/v1/passes/"+wallet.DevelopmentPassType+"/"+number, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "ApplePass "+s.cards.Token(number))
	return r
}

func (s *cardSite) bench(b *testing.B, numbers []string, want int, header ...string) {
	b.Helper()
	var next atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := s.fetchRequest(numbers[int(next.Add(1))%len(numbers)])
			if header != nil {
				r.Header.Set(header[0], header[1])
			}
			w := &statusOnly{header: http.Header{}}
			s.web.ServeHTTP(w, r)
			if w.status != want {
				b.Errorf("got %d", w.status)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "passes/s")
}

// BenchmarkUnchangedPass gives a pass that is kept.
func BenchmarkUnchangedPass(b *testing.B) {
	s := newCardSite(b)
	b.Logf("a pass has %d bytes", s.fullSet())
	s.bench(b, s.many(20), http.StatusOK)
}

// BenchmarkKnownPass answers phones that have the newest pass.
func BenchmarkKnownPass(b *testing.B) {
	s := newCardSite(b)
	s.bench(b, s.many(20), http.StatusNotModified, "If-Modified-Since", "Mon, 01 Jan 2125 00:00:00 GMT")
}

// BenchmarkSignedPass signs each pass anew: there are more than are kept.
func BenchmarkSignedPass(b *testing.B) {
	s := newCardSite(b)
	b.Logf("a pass has %d bytes", s.fullSet())
	s.bench(b, s.many(200), http.StatusOK)
}

func (s *cardSite) many(n int) (numbers []string) {
	s.t.Helper()
	for i := range n {
		numbers = append(numbers, s.issue("PHONE", fmt.Sprintf("+7 928 %07d", i)).Number)
	}
	return numbers
}
