package blob

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

const testPath = "storage/2026/July/week3/0123456789abcdef0123456789abcdef.pdf"

// desk is a store with its working copies, in one data folder.
type desk struct {
	t    *testing.T
	data string
	s    Store
	w    *Work
}

func newDesk(t *testing.T) desk {
	t.Helper()
	data := t.TempDir()
	s, err := OpenDir(data)
	if err != nil {
		t.Fatal(err)
	}
	w, err := OpenWork(data, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return desk{t, data, s, w}
}

func (d desk) file() string { return filepath.Join(d.data, filepath.FromSlash(testPath)) }

func (d desk) write(b []byte) State {
	d.t.Helper()
	st, err := d.w.Write(d.t.Context(), testPath, put(d.t, d.s, b).Sum)
	if err != nil {
		d.t.Fatal(err)
	}
	return st
}

// overwrite does what the site does: writes into the file, age ago.
func (d desk) overwrite(b []byte, age time.Duration) {
	d.t.Helper()
	at := time.Now().Add(-age)
	err := os.WriteFile(d.file(), b, 0o600)
	if err == nil {
		err = os.Chtimes(d.file(), at, at)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d desk) holds(want []byte) {
	d.t.Helper()
	if got, err := os.ReadFile(d.file()); err != nil || !bytes.Equal(got, want) {
		d.t.Errorf("the working copy holds %.60q %v, want %.60q", got, err, want)
	}
}

// The way of a placeholder: written, overwritten on disk, noticed, taken over.
func TestOverwrittenOnDisk(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	placeholder, real := pdf("placeholder"), pdf("the real document")
	known := d.write(placeholder)
	d.holds(placeholder)
	if st, changed, err := d.w.Changed(t.Context(), testPath, known); st != known || changed || err != nil {
		t.Errorf("untouched: got %+v %v %v", st, changed, err)
	}
	d.overwrite(real, time.Minute)
	st, changed, err := d.w.Changed(t.Context(), testPath, known)
	if !changed || err != nil || st.Sum != sumOf(real) || st.ModTime == 0 {
		t.Errorf("overwritten: got %+v %v %v", st, changed, err)
	}
	info, taken, err := d.w.Take(t.Context(), testPath, 1<<20)
	if err != nil || info.Sum != sumOf(real) || info.Type != "application/pdf" || taken != st {
		t.Errorf("taken over: got %+v %+v %v", info, taken, err)
	}
	if !bytes.Equal(get(t, d.s, known.Sum), placeholder) || !bytes.Equal(get(t, d.s, info.Sum), real) {
		t.Error("a version is lost")
	}
	d.holds(real)
}

func TestSameBytesWrittenAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	known := d.write(pdf("x"))
	d.overwrite(pdf("x"), time.Minute)
	st, changed, err := d.w.Changed(t.Context(), testPath, known)
	if changed || err != nil || st.ModTime == known.ModTime || st.Sum != known.Sum {
		t.Errorf("got %+v %v %v", st, changed, err)
	}
}

// Two writings within one tick of the clock, of one length: an unsettled time is
// not remembered, so the second is not missed.
func TestUnsettled(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	known := d.write(pdf("aaa"))
	at := time.Now()
	d.overwrite(pdf("bbb"), 0)
	if err := os.Chtimes(d.file(), at, at); err != nil {
		t.Fatal(err)
	}
	st, changed, err := d.w.Changed(t.Context(), testPath, known)
	if !changed || err != nil || st.ModTime != 0 {
		t.Fatalf("got %+v %v %v", st, changed, err)
	}
	d.overwrite(pdf("ccc"), 0)
	if err := os.Chtimes(d.file(), at, at); err != nil {
		t.Fatal(err)
	}
	if st, changed, err = d.w.Changed(t.Context(), testPath, st); !changed || err != nil || st.Sum != sumOf(pdf("ccc")) {
		t.Errorf("got %+v %v %v", st, changed, err)
	}
	d.w.Now = func() time.Time { return at.Add(time.Minute) }
	if st, changed, err = d.w.Changed(t.Context(), testPath, st); changed || err != nil || st.ModTime != at.UnixNano() {
		t.Errorf("settled: got %+v %v %v", st, changed, err)
	}
}

func TestWrongTypeIsRestored(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good := pdf("good")
	known := d.write(good)
	bad := []byte("<?php echo 1; ?>")
	d.overwrite(bad, 0)
	if _, _, err := d.w.Take(t.Context(), testPath, 0); !errors.Is(err, ErrBusy) || errors.Is(err, ErrWrongType) {
		t.Errorf("just written, perhaps not to its end: got %v, want ErrBusy", err)
	}
	d.overwrite(bad, time.Minute)
	info, st, err := d.w.Take(t.Context(), testPath, 0)
	if !errors.Is(err, ErrWrongType) || info.Sum != sumOf(bad) || st.Sum != info.Sum {
		t.Errorf("got %+v %+v %v, want ErrWrongType", info, st, err)
	}
	if _, err := d.w.Restore(t.Context(), testPath, known.Sum); err != nil {
		t.Error(err)
	}
	d.holds(good)
	d.overwrite(noise(1000, 1), time.Minute)
	if _, _, err := d.w.Take(t.Context(), testPath, 999); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

// The copy shares nothing with the stored bytes: writing into it harms no version.
func TestRealCopy(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	known := d.write(pdf("version 1"))
	f, err := os.OpenFile(d.file(), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("XXXX")
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := d.s.Verify(t.Context(), known.Sum); err != nil {
		t.Error(err)
	}
}

func TestCorruptBytesDoNotGetOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write(pdf("old"))
	sum := put(t, d.s, pdf("new")).Sum
	if err := os.WriteFile(d.s.(*Dir).path(sum), pdf("bad"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.w.Write(t.Context(), testPath, sum); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
	if _, err := d.w.Write(t.Context(), testPath, absentSum); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	d.holds(pdf("old"))
	if got := files(t, filepath.Join(d.data, "storage")); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

// While one swaps, another always reads one whole document.
func TestSwapIsAtomic(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a, b := append(pdf("a"), noise(50_000, 1)...), append(pdf("b"), noise(90_000, 2)...)
	d.write(a)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 40 {
			d.write([][]byte{a, b}[i%2])
		}
	})
	for range 200 {
		f, err := d.w.Open(testPath)
		if errors.Is(err, ErrBusy) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		f.Close()
		if err != nil || !bytes.Equal(got, a) && !bytes.Equal(got, b) {
			t.Fatalf("read %d bytes of neither, %v", len(got), err)
		}
	}
	wg.Wait()
}

func TestRemove(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	known := d.write(pdf("x"))
	for range 2 {
		if err := d.w.Remove(testPath); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := d.w.Changed(t.Context(), testPath, known); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := d.w.Remove("storage/2030/May/week1/0123456789abcdef0123456789abcdef.pdf"); err != nil {
		t.Errorf("in a folder that never was: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(d.data, "storage", "2026")); err != nil {
		t.Fatal(err)
	}
	d.write(pdf("x")) // a tidied folder is made anew
	d.holds(pdf("x"))
}

func TestWalkAndSweep(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sum := put(t, d.s, pdf("x")).Sum
	var want []string
	at := time.Date(2025, 12, 1, 9, 0, 0, 0, time.UTC)
	for i := range 40 {
		p := NewPath(at.AddDate(0, 0, 3*i), "pdf")
		if _, err := d.w.Write(t.Context(), p, sum); err != nil {
			t.Fatal(err)
		}
		want = append(want, p)
	}
	week := filepath.Dir(filepath.Join(d.data, filepath.FromSlash(want[0])))
	past := time.Now().Add(-25 * time.Hour)
	for _, name := range []string{".styk-00", ".styk-01", "notes.txt", ".htaccess"} {
		if err := os.WriteFile(filepath.Join(week, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if name != ".styk-01" {
			os.Chtimes(filepath.Join(week, name), past, past)
		}
	}
	var got []string
	err := d.w.Walk(t.Context(), func(p string, st State, plain bool) error {
		got = append(got, p)
		if _, changed, err := d.w.Changed(t.Context(), p, State{st.Size, st.ModTime, sum}); changed || err != nil || !plain {
			t.Errorf("%s: got %v %v %v", p, changed, plain, err)
		}
		return nil
	})
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %d paths %v, want %d", len(got), err, len(want))
	}
	stop := errors.New("enough")
	if err := d.w.Walk(t.Context(), func(string, State, bool) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if n, err := d.w.Sweep(t.Context(), time.Now().Add(-24*time.Hour)); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
}

func TestWorkRefusesOtherPaths(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sum := put(t, d.s, pdf("x")).Sum
	for _, p := range []string{"", "styk.db", "../styk.db", "storage/../styk.db", "/etc/passwd", testPath + "/x", testPath + "\x00", "storage/2026/July/week3/../x.pdf"} {
		_, err1 := d.w.Write(t.Context(), p, sum)
		_, err2 := d.w.Restore(t.Context(), p, sum)
		_, err3 := d.w.Open(p)
		_, _, err4 := d.w.Changed(t.Context(), p, State{})
		_, _, err5 := d.w.Take(t.Context(), p, 0)
		for i, err := range []error{err1, err2, err3, err4, err5, d.w.Remove(p)} {
			if !errors.Is(err, ErrPath) {
				t.Errorf("%q, call %d: got %v, want ErrPath", p, i, err)
			}
		}
	}
}
