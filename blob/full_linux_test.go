package blob

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

// smallDisk mounts a disk of n bytes, or skips where that is not allowed.
func smallDisk(t *testing.T, n int) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("styk-test", folder, "tmpfs", 0, fmt.Sprintf("size=%d", n)); err != nil {
		t.Skipf("SKIP: a small disk cannot be mounted here (%v): the full disk is played by TestFullDiskPlayed alone", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	folder := smallDisk(t, 512<<10)
	d, err := OpenDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	kept := put(t, d, noise(200_000, 1))
	if _, err := d.Put(t.Context(), bytes.NewReader(noise(400_000, 2)), 0); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if got := files(t, folder); len(got) != 1 || !strings.HasSuffix(got[0], kept.Sum) {
		t.Errorf("left behind: %v", got)
	}
	if free, err := d.FreeSpace(); err != nil || free <= 0 || free > 512<<10 {
		t.Errorf("free space: got %d %v", free, err)
	}
	if err := d.Verify(t.Context(), kept.Sum); err != nil {
		t.Error(err)
	}
	put(t, d, noise(100_000, 3)) // what fits is taken again
}

func TestFullDiskOfWorkingCopies(t *testing.T) {
	t.Parallel()
	s := newDir(t)
	small, large := put(t, s, pdf("small")), put(t, s, noise(400_000, 1))
	folder := smallDisk(t, 256<<10)
	w, err := OpenWork(folder, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	if _, err := w.Write(t.Context(), testPath, small.Sum); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(t.Context(), testPath, large.Sum); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if got := files(t, folder); len(got) != 1 || got[0] != testPath {
		t.Errorf("left: %v", got)
	}
	if b, err := os.ReadFile(folder + "/" + testPath); err != nil || !bytes.Equal(b, pdf("small")) {
		t.Errorf("the copy before is gone: %v", err)
	}
}

func TestFullDiskPlayed(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
			if _, err := s.Put(t.Context(), iotest.ErrReader(cause), 0); !errors.Is(err, ErrFull) || !errors.Is(err, cause) {
				t.Errorf("got %v, want ErrFull", err)
			}
		}
	})
}
