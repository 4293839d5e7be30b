//go:build unix

package blob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestPlantedThings(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret.pdf")
	if err := os.WriteFile(outside, pdf("not yours"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(p string) error{
		"link outside":          func(p string) error { return os.Symlink(outside, p) },
		"relative link outside": func(p string) error { return os.Symlink("../../../../styk.db", p) },
		"link inside":           func(p string) error { return os.Symlink("other.pdf", p) },
		"pipe":                  func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"folder":                func(p string) error { return os.MkdirAll(filepath.Join(p, "deep"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			known := d.write(pdf("mine"))
			if err := os.Remove(d.file()); err != nil {
				t.Fatal(err)
			}
			if err := plant(d.file()); err != nil {
				t.Fatal(err)
			}
			if _, err := d.w.Open(testPath); !errors.Is(err, ErrWrongType) {
				t.Errorf("Open: got %v", err)
			}
			if _, _, err := d.w.Changed(t.Context(), testPath, known); !errors.Is(err, ErrWrongType) {
				t.Errorf("Changed: got %v", err)
			}
			if _, _, err := d.w.Take(t.Context(), testPath, 0); !errors.Is(err, ErrWrongType) {
				t.Errorf("Take: got %v", err)
			}
			plain := true
			if err := d.w.Walk(t.Context(), func(_ string, _ State, p bool) error { plain = p; return nil }); err != nil || plain {
				t.Errorf("Walk: plain %v, %v", plain, err)
			}
			if _, err := d.w.Restore(t.Context(), testPath, known.Sum); err != nil {
				t.Errorf("Restore: %v", err)
			}
			d.holds(pdf("mine"))
			if b, err := os.ReadFile(outside); err != nil || !bytes.Equal(b, pdf("not yours")) {
				t.Errorf("the file outside was touched: %v", err)
			}
		})
	}
}

func TestPlantedFolderLink(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	outside := t.TempDir()
	sum := put(t, d.s, pdf("x")).Sum
	if err := os.MkdirAll(filepath.Join(d.data, "storage", "2026"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(d.data, "storage", "2026", "July")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.w.Write(t.Context(), testPath, sum); err == nil {
		t.Error("written through a link that leads outside")
	}
	if err := os.MkdirAll(filepath.Join(outside, "week3"), 0o700); err != nil {
		t.Fatal(err)
	}
	planted := filepath.Join(outside, "week3", filepath.Base(testPath))
	if err := os.WriteFile(planted, pdf("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.w.Open(testPath); err == nil {
		t.Error("read through a link that leads outside")
	}
	if err := d.w.Remove(testPath); err == nil {
		t.Error("removed through a link that leads outside")
	}
	if err := d.w.Walk(t.Context(), func(p string, _ State, _ bool) error { t.Errorf("walked to %s", p); return nil }); err != nil {
		t.Error(err)
	}
	if got := files(t, outside); len(got) != 1 {
		t.Errorf("outside lie %v", got)
	}
}
