package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// eachStore runs one test on every kind of store there is.
func eachStore(t *testing.T, test func(t *testing.T, s Store)) {
	t.Run("dir", func(t *testing.T) { t.Parallel(); test(t, newDir(t)) })
	t.Run("s3 in process", func(t *testing.T) { t.Parallel(); test(t, newFakeS3(t)) })
	t.Run("s3 server", func(t *testing.T) { t.Parallel(); test(t, newRealS3(t)) })
}

func newDir(t testing.TB) *Dir {
	t.Helper()
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t testing.TB, s Store, b []byte) Info {
	t.Helper()
	info, err := s.Put(context.Background(), bytes.NewReader(b), 0)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func get(t testing.TB, s Store, sum string) []byte {
	t.Helper()
	f, size, err := s.Open(context.Background(), sum)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != size {
		t.Errorf("Open said %d bytes, got %d", size, len(b))
	}
	return b
}

// noise gives n bytes, the same for the same seed.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	r.Read(b)
	return b
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

const absentSum = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func TestPutAndReadBack(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		for name, c := range map[string]struct {
			bytes     []byte
			kind, ext string
		}{
			"empty":  {nil, "text/plain", "txt"},
			"text":   {[]byte("Акт сверки"), "text/plain", "txt"},
			"pdf":    {pdf("договор"), "application/pdf", "pdf"},
			"noise":  {append([]byte{0}, noise(100_000, 1)...), "application/octet-stream", ""},
			"20 MiB": {append([]byte{0}, noise(20<<20, 2)...), "application/octet-stream", ""},
		} {
			got := put(t, s, c.bytes)
			want := Info{Sum: sumOf(c.bytes), Size: int64(len(c.bytes)), Type: c.kind, Ext: c.ext}
			if got != want {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
			}
			if back := get(t, s, got.Sum); !bytes.Equal(back, c.bytes) {
				t.Errorf("%s: other bytes came back", name)
			}
			if err := s.Verify(t.Context(), got.Sum); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			size, put, err := s.Stat(t.Context(), got.Sum)
			if err != nil || size != want.Size || time.Since(put) > time.Minute {
				t.Errorf("%s: Stat gave %d %v %v", name, size, put, err)
			}
		}
	})
}

func TestSeek(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		want := noise(200_000, 3)
		f, _, err := s.Open(t.Context(), put(t, s, want).Sum)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, c := range []struct {
			offset int64
			whence int
			at     int
		}{{150_000, io.SeekStart, 150_000}, {-5, io.SeekEnd, 199_995}, {0, io.SeekStart, 0}, {100, io.SeekCurrent, 105}} {
			if at, err := f.Seek(c.offset, c.whence); err != nil || at != int64(c.at) {
				t.Fatalf("Seek(%d, %d) gave %d %v", c.offset, c.whence, at, err)
			}
			got := make([]byte, 5)
			if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, want[c.at:c.at+5]) {
				t.Errorf("at %d: got %x %v, want %x", c.at, got, err, want[c.at:c.at+5])
			}
		}
	})
}

func TestAbsent(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		for _, sum := range []string{absentSum, "", "aa", "../../etc/passwd", strings.ToUpper(absentSum), absentSum + "0", strings.Repeat("/", 64)} {
			if _, _, err := s.Open(t.Context(), sum); !errors.Is(err, ErrNotFound) {
				t.Errorf("Open(%q): got %v", sum, err)
			}
			if _, _, err := s.Stat(t.Context(), sum); !errors.Is(err, ErrNotFound) {
				t.Errorf("Stat(%q): got %v", sum, err)
			}
			if err := s.Verify(t.Context(), sum); !errors.Is(err, ErrNotFound) {
				t.Errorf("Verify(%q): got %v", sum, err)
			}
			if err := s.Delete(t.Context(), sum); err != nil {
				t.Errorf("Delete(%q): got %v", sum, err)
			}
		}
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		sum := put(t, s, []byte("once")).Sum
		for range 2 {
			if err := s.Delete(t.Context(), sum); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.Open(t.Context(), sum); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestLimit(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		b := noise(100_000, 4)
		if _, err := s.Put(t.Context(), bytes.NewReader(b), 99_999); !errors.Is(err, ErrTooLarge) {
			t.Errorf("one byte over: got %v", err)
		}
		if _, _, err := s.Stat(t.Context(), sumOf(b)); !errors.Is(err, ErrNotFound) {
			t.Errorf("a refused file is there: %v", err)
		}
		if _, err := s.Put(t.Context(), bytes.NewReader(b), 100_000); err != nil {
			t.Errorf("just fits: %v", err)
		}
	})
}

func TestBrokenReader(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		b := noise(300_000, 5)
		cause := errors.New("the visitor's line broke")
		for _, n := range []int{0, 1, 100, 65536, 299_999, 300_000} {
			r := io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(cause))
			if _, err := s.Put(t.Context(), r, 0); !errors.Is(err, cause) {
				t.Errorf("cut at %d: got %v", n, err)
			}
			if _, _, err := s.Stat(t.Context(), sumOf(b[:n])); !errors.Is(err, ErrNotFound) {
				t.Errorf("cut at %d: half a file is visible: %v", n, err)
			}
		}
		// Pieces of any size, and data together with the error, are one file.
		info, err := s.Put(t.Context(), iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(b))), 0)
		if err != nil || info.Sum != sumOf(b) {
			t.Errorf("in pieces: got %s %v", info.Sum, err)
		}
	})
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		ctx, cancel := context.WithCancel(t.Context())
		b := noise(200_000, 6)
		r := io.MultiReader(bytes.NewReader(b[:100_000]), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil }), bytes.NewReader(b[100_000:]))
		if _, err := s.Put(ctx, r, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if _, _, err := s.Stat(t.Context(), sumOf(b)); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestParallelPutsOfOneFile(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		b := noise(100_000, 7)
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				info, err := s.Put(t.Context(), bytes.NewReader(b), 0)
				if err == nil {
					err = s.Verify(t.Context(), info.Sum) // visible to whoever was answered
				}
				if err != nil || info.Sum != sumOf(b) {
					t.Errorf("got %s %v", info.Sum, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		keep, drop := map[string]bool{}, []string{}
		for i := range 24 {
			if sum := put(t, s, noise(100, uint64(100+i))).Sum; i%2 == 0 {
				keep[sum] = true
			} else {
				drop = append(drop, sum)
			}
		}
		asked := 0
		referenced := func(_ context.Context, sums []string) (map[string]bool, error) {
			asked += len(sums)
			return keep, nil
		}
		if n, err := s.Sweep(t.Context(), time.Now().Add(-time.Hour), referenced); n != 0 || asked != 0 || err != nil {
			t.Errorf("young files: %d removed, %d asked, %v", n, asked, err)
		}
		later := time.Now().Add(time.Hour)
		cause := errors.New("the database is away")
		broken := func(context.Context, []string) (map[string]bool, error) { return nil, cause }
		if n, err := s.Sweep(t.Context(), later, broken); n != 0 || !errors.Is(err, cause) {
			t.Errorf("without an answer: %d removed, %v", n, err)
		}
		if n, err := s.Sweep(t.Context(), later, referenced); n != len(drop) || asked != 24 || err != nil {
			t.Errorf("got %d removed, %d asked, %v; want %d, 24", n, asked, err, len(drop))
		}
		for sum := range keep {
			if err := s.Verify(t.Context(), sum); err != nil {
				t.Errorf("a referenced file is gone: %v", err)
			}
		}
		for _, sum := range drop {
			if _, _, err := s.Stat(t.Context(), sum); !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: got %v, want ErrNotFound", sum, err)
			}
		}
	})
}

// Bytes that are Put again between the listing and the deletion stay.
func TestSweepAgainstPut(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		b := []byte("an old orphan, sent once more")
		sum := put(t, s, b).Sum
		_, first, err := s.Stat(t.Context(), sum)
		if err != nil {
			t.Fatal(err)
		}
		limit := first.Add(time.Millisecond)
		again := func(ctx context.Context, sums []string) (map[string]bool, error) {
			// S3 tells whole seconds: put until the time has moved.
			for renewed := first; !renewed.After(limit); {
				put(t, s, b)
				if _, renewed, err = s.Stat(ctx, sum); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}
		if n, err := s.Sweep(t.Context(), limit, again); n != 0 || err != nil {
			t.Errorf("got %d removed, %v", n, err)
		}
		if err := s.Verify(t.Context(), sum); err != nil {
			t.Error(err)
		}
	})
}

func TestSweepInBatches(t *testing.T) {
	t.Parallel()
	s := newDir(t)
	const n = sweepBatch + 20
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < n; i += 8 {
				put(t, s, noise(10, uint64(1000+i)))
			}
		})
	}
	wg.Wait()
	var sizes []int
	removed, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), func(_ context.Context, sums []string) (map[string]bool, error) {
		sizes = append(sizes, len(sums))
		return nil, nil
	})
	if err != nil || removed != n || len(sizes) != 2 || sizes[0] != sweepBatch {
		t.Errorf("got %d removed in %v, %v", removed, sizes, err)
	}
}
