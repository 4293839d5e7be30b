package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// settle is how long a file must rest before it counts as written to its end.
const settle = 2 * time.Second

// Work keeps the working copies under <data>/storage: real copies of stored
// bytes which the company's other programs read, and overwrite. That folder may
// be shared, so it is reached only through os.Root: a link planted there leads
// nowhere outside, and a link, pipe or folder in a file's place is no file.
// Paths are those of NewPath; anything else is ErrPath. Safe for many goroutines.
type Work struct {
	Now   func() time.Time // the clock that files are compared with
	root  *os.Root         // <data>/storage
	store Store

	mu   sync.Mutex
	made map[string]bool // week folders that this process knows to be durable
}

// State is what is remembered of a working copy between two looks.
type State struct {
	Size    int64  // bytes
	ModTime int64  // Unix nanoseconds; 0: unsettled, the next look reads the bytes again
	Sum     string // hex SHA-256
}

// OpenWork opens <data>/storage, and makes it when it is missing. Close ends it.
func OpenWork(data string, store Store) (*Work, error) {
	folder := filepath.Join(data, storage)
	err := os.MkdirAll(folder, 0o770) // shared with others by group; the umask decides
	if err == nil {
		err = syncDir(data)
	}
	var root *os.Root
	if err == nil {
		root, err = os.OpenRoot(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("open the folder of working copies: %w", err)
	}
	return &Work{Now: time.Now, root: root, store: store, made: map[string]bool{}}, nil
}

// Close gives the folder back; files opened before stay readable.
func (w *Work) Close() error { return w.root.Close() }

// Write makes path a copy of the stored bytes sum, or swaps them in: a reader
// sees the old bytes or the new. It is durable when Write returns. Errors:
// ErrPath, ErrNotFound (no such bytes), ErrCorrupt, ErrFull. May be repeated.
func (w *Work) Write(ctx context.Context, path, sum string) (State, error) {
	if !ValidPath(path) {
		return State{}, fmt.Errorf("write %q: %w", path, ErrPath)
	}
	st, err := w.write(ctx, path, sum)
	if errors.Is(err, fs.ErrNotExist) { // someone removed the folder: make it anew
		w.forget(below(path))
		st, err = w.write(ctx, path, sum)
	}
	if err != nil {
		return State{}, fmt.Errorf("write %s: %w", path, full(err))
	}
	return st, nil
}

func (w *Work) write(ctx context.Context, name, sum string) (State, error) {
	name = below(name)
	folder := path.Dir(name)
	src, _, err := w.store.Open(ctx, sum)
	if err != nil {
		return State{}, err
	}
	defer src.Close()
	if err := w.makeFolder(folder); err != nil {
		return State{}, err
	}
	tmp := folder + "/" + tempName()
	dst, err := w.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o660)
	if err != nil {
		return State{}, err
	}
	defer w.root.Remove(tmp) // after the rename there is nothing to remove
	st, err := fill(ctx, dst, src, sum)
	if err2 := dst.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = w.root.Rename(tmp, name)
	}
	if err == nil {
		err = w.syncFolder(folder)
	}
	return st, err
}

// fill copies src into a new file, makes it durable and tells its state. Bytes
// that are not those of sum do not get out.
func fill(ctx context.Context, dst *os.File, src io.Reader, sum string) (State, error) {
	info, err := pour(ctx, dst, src, 0)
	if err != nil {
		return State{}, err
	}
	if info.Sum != sum {
		return State{}, ErrCorrupt
	}
	if err := dst.Sync(); err != nil {
		return State{}, err
	}
	st, err := dst.Stat()
	if err != nil {
		return State{}, err
	}
	return State{Size: st.Size(), ModTime: st.ModTime().UnixNano(), Sum: sum}, nil
}

// Restore is Write for a path where something wrong was put: a folder in the
// file's place is removed with all that is in it.
func (w *Work) Restore(ctx context.Context, path, sum string) (State, error) {
	if !ValidPath(path) {
		return State{}, fmt.Errorf("restore %q: %w", path, ErrPath)
	}
	if st, err := w.root.Lstat(below(path)); err == nil && st.IsDir() {
		if err := w.root.RemoveAll(below(path)); err != nil {
			return State{}, fmt.Errorf("restore %s: %w", path, err)
		}
	}
	return w.Write(ctx, path, sum)
}

// Remove deletes the working copy; an absent one is no error.
func (w *Work) Remove(path string) error {
	if !ValidPath(path) {
		return fmt.Errorf("remove %q: %w", path, ErrPath)
	}
	err := w.root.RemoveAll(below(path))
	if err == nil {
		err = w.syncFolder(folderOf(path))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// Open gives the working copy for reading; the caller closes. Errors: ErrPath,
// ErrNotFound, ErrWrongType for what is no plain file.
func (w *Work) Open(path string) (*os.File, error) {
	f, err := w.open(path)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	return f, nil
}

func (w *Work) open(path string) (*os.File, error) {
	seen, err := w.stat(path)
	if err != nil {
		return nil, err
	}
	f, err := w.root.OpenFile(below(path), os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, absent(err)
	}
	// Between the look and the opening a link may have taken the file's place.
	st, err := f.Stat()
	if err == nil && !os.SameFile(seen, st) {
		err = ErrBusy
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (w *Work) stat(path string) (fs.FileInfo, error) {
	if !ValidPath(path) {
		return nil, ErrPath
	}
	st, err := w.root.Lstat(below(path))
	if err != nil {
		return nil, absent(err)
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: no plain file (%s)", ErrWrongType, st.Mode().Type())
	}
	return st, nil
}

// Changed looks whether the working copy still is what is known of it. Only when
// its size or time differs are the bytes read. It gives the present state (to be
// remembered, also when only the time differs) and whether the bytes are others.
// A file written less than two seconds ago comes with ModTime 0. Errors: ErrPath,
// ErrNotFound, ErrWrongType for what is no plain file, ErrBusy when it is being
// swapped at this moment.
func (w *Work) Changed(ctx context.Context, path string, known State) (State, bool, error) {
	st, err := w.stat(path)
	if err != nil {
		return State{}, false, fmt.Errorf("look at %q: %w", path, err)
	}
	if st.Size() == known.Size && st.ModTime().UnixNano() == known.ModTime {
		return known, false, nil
	}
	_, now, err := w.read(path, func(f *os.File) (Info, error) { return pour(ctx, io.Discard, f, 0) })
	if err != nil {
		return State{}, false, fmt.Errorf("look at %q: %w", path, err)
	}
	return now, now.Sum != known.Sum, nil
}

// Take puts what an outside program wrote at path into the store, and checks
// that the type fits the path. With ErrWrongType, Info and State tell what was
// found: log it, then Restore. ErrBusy says that the file changed meanwhile or
// is of a wrong type but younger than two seconds, so that its writer may not be
// done: leave it and look again later. Also ErrTooLarge, ErrFull and those of Open.
func (w *Work) Take(ctx context.Context, path string, limit int64) (Info, State, error) {
	info, st, err := w.read(path, func(f *os.File) (Info, error) { return w.store.Put(ctx, f, limit) })
	if err == nil {
		err = w.checkStored(ctx, info.Sum, path)
	}
	if errors.Is(err, ErrWrongType) && st.Sum != "" && st.ModTime == 0 {
		err = fmt.Errorf("%w: %v", ErrBusy, err) // not yet a wrong type
	}
	if err != nil {
		err = fmt.Errorf("take over %q: %w", path, err)
	}
	return info, st, err
}

// checkStored looks at the stored bytes, which nobody can change any more.
func (w *Work) checkStored(ctx context.Context, sum, path string) error {
	f, _, err := w.store.Open(ctx, sum)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = CheckType(f, path[strings.LastIndexByte(path, '.')+1:])
	return err
}

// read opens path, has it read whole, and tells the state of what was read; a
// file that changed under the reading is ErrBusy.
func (w *Work) read(path string, all func(*os.File) (Info, error)) (Info, State, error) {
	f, err := w.open(path)
	if err != nil {
		return Info{}, State{}, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return Info{}, State{}, err
	}
	info, err := all(f)
	if err != nil {
		return Info{}, State{}, err
	}
	after, err := f.Stat()
	if err != nil {
		return Info{}, State{}, err
	}
	if info.Size != after.Size() || !before.ModTime().Equal(after.ModTime()) {
		return Info{}, State{}, ErrBusy
	}
	st := State{Size: info.Size, ModTime: after.ModTime().UnixNano(), Sum: info.Sum}
	if w.Now().Sub(after.ModTime()) < settle {
		st.ModTime = 0
	}
	return info, st, nil
}

// makeFolder makes a week's folder and its parents durable, once in a process.
func (w *Work) makeFolder(folder string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.made[folder] {
		return nil
	}
	if err := w.root.MkdirAll(folder, 0o770); err != nil {
		return err
	}
	for parent := path.Dir(folder); ; parent = path.Dir(parent) {
		if err := w.syncFolder(parent); err != nil {
			return err
		}
		if parent == "." {
			break
		}
	}
	w.made[folder] = true
	return nil
}

func (w *Work) forget(name string) {
	w.mu.Lock()
	delete(w.made, path.Dir(name))
	w.mu.Unlock()
}

func (w *Work) syncFolder(folder string) error {
	f, err := w.root.Open(folder)
	if err != nil {
		return err
	}
	return syncClose(f)
}

// below is path as the root knows it.
func below(path string) string { return strings.TrimPrefix(path, storage+"/") }

func folderOf(p string) string { return path.Dir(below(p)) }

const tempPrefix = ".styk-"

func tempName() string {
	var b [8]byte
	rand.Read(b[:])
	return tempPrefix + hex.EncodeToString(b[:])
}
