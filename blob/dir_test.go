package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// files lists all files below folder, as slash paths.
func files(t testing.TB, folder string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(folder, p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestLayout(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, err := Open(t.Context(), folder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := put(t, s, []byte("x")).Sum
	put(t, s, []byte("x"))
	want := "blobs/" + sum[:2] + "/" + sum
	if got := files(t, folder); len(got) != 1 || got[0] != want {
		t.Errorf("got %v, want only %s", got, want)
	}
	again, err := OpenDir(folder) // the next start finds it
	if err != nil || string(get(t, again, sum)) != "x" {
		t.Errorf("after the next start: %v", err)
	}
}

func TestNothingHalfIsLeft(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	d, err := OpenDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	watch := readerFunc(func(p []byte) (int, error) {
		if seen++; seen > 20 {
			return 0, io.ErrUnexpectedEOF
		}
		for _, name := range files(t, folder) {
			if filepath.Dir(name) != "blobs/tmp" {
				t.Errorf("%s is visible before its bytes are there", name)
			}
		}
		return len(p), nil
	})
	if _, err := d.Put(t.Context(), watch, 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	if got := files(t, folder); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

// A killed process leaves its temporary file: it shows nowhere and goes with the
// next sweep, while a young one may belong to a Put in progress.
func TestSweepOfCutPuts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	d, err := OpenDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(folder, "blobs", "tmp", "put-1"), filepath.Join(folder, "blobs", "tmp", "put-2")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Sweep(t.Context(), time.Now().Add(-24*time.Hour), nil); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if got := files(t, folder); len(got) != 1 || got[0] != "blobs/tmp/put-2" {
		t.Errorf("left: %v", got)
	}
}

func TestPutRenewsTime(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	b := []byte("sent twice")
	sum := put(t, d, b).Sum
	past := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(d.path(sum), past, past); err != nil {
		t.Fatal(err)
	}
	put(t, d, b)
	if _, at, err := d.Stat(t.Context(), sum); err != nil || time.Since(at) > time.Minute {
		t.Errorf("got %v %v", at, err)
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	b := []byte("whole and sound")
	sum := put(t, d, b).Sum
	for _, damaged := range []string{"whole and s0und", "whole", ""} {
		if err := os.WriteFile(d.path(sum), []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := d.Verify(t.Context(), sum); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: got %v, want ErrCorrupt", damaged, err)
		}
	}
	put(t, d, b) // the same bytes heal a file that was cut
	if err := d.Verify(t.Context(), sum); err != nil {
		t.Error(err)
	}
}

// Sweeping all the time, whoever was answered finds his bytes, because they are
// younger than what is swept.
func TestSweepDuringPuts(t *testing.T) {
	t.Parallel()
	d := newDir(t)
	var done atomic.Bool
	var sweeper, putters sync.WaitGroup
	sweeper.Go(func() {
		for !done.Load() {
			if _, err := d.Sweep(t.Context(), time.Now().Add(-time.Hour), nobody); err != nil {
				t.Error(err)
			}
		}
	})
	past := time.Now().Add(-48 * time.Hour)
	for worker := range 4 {
		putters.Go(func() {
			for i := range 25 {
				b := noise(100, uint64(i)) // the same for all workers
				info, err := d.Put(t.Context(), bytes.NewReader(b), 0)
				if err != nil {
					t.Error(err)
					continue
				}
				if worker == 0 { // becomes old, the next worker renews it
					os.Chtimes(d.path(info.Sum), past, past)
				}
			}
		})
	}
	putters.Wait()
	done.Store(true)
	sweeper.Wait()
	for i := range 25 {
		sum := put(t, d, noise(100, uint64(i))).Sum
		if _, err := d.Sweep(t.Context(), time.Now().Add(-time.Hour), nobody); err != nil {
			t.Error(err)
		}
		if err := d.Verify(t.Context(), sum); err != nil {
			t.Error(err)
		}
	}
}

func TestFreeSpace(t *testing.T) {
	t.Parallel()
	if n, err := newDir(t).FreeSpace(); n <= 0 || err != nil {
		t.Errorf("got %d %v", n, err)
	}
}

func nobody(context.Context, []string) (map[string]bool, error) { return nil, nil }
