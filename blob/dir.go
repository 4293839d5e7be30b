package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Dir is a Store in a folder: blobs/aa/<sum> for the bytes, blobs/tmp for what
// is still arriving. One process owns the folder.
type Dir struct {
	root   string // …/blobs
	shards [256]shard
}

// shard guards one folder aa: renewing or renaming in it against sweeping, and
// the one time in a process that it is made.
type shard struct {
	sync.Mutex
	made    bool
	renamed int64 // names given in this process; the first sync also covers older ones

	syncing sync.Mutex // one sync at a time: whoever waited may find it done
	synced  int64      // how many of the names are durable
}

// OpenDir opens the store below folder and makes what is missing.
func OpenDir(folder string) (*Dir, error) {
	d := &Dir{root: filepath.Join(folder, "blobs")}
	if err := os.MkdirAll(filepath.Join(d.root, "tmp"), 0o700); err != nil {
		return nil, fmt.Errorf("open the folder of files: %w", err)
	}
	for _, folder := range []string{d.root, folder} {
		if err := syncDir(folder); err != nil {
			return nil, fmt.Errorf("open the folder of files: %w", err)
		}
	}
	return d, nil
}

// Put implements Store.
func (d *Dir) Put(ctx context.Context, r io.Reader, limit int64) (Info, error) {
	info, err := d.put(ctx, r, limit)
	if err != nil {
		return Info{}, fmt.Errorf("store a file: %w", full(err))
	}
	return info, nil
}

func (d *Dir) put(ctx context.Context, r io.Reader, limit int64) (Info, error) {
	tmp, err := os.CreateTemp(filepath.Join(d.root, "tmp"), "put-")
	if err != nil {
		return Info{}, err
	}
	defer os.Remove(tmp.Name()) // after the rename there is nothing to remove
	defer tmp.Close()           // the second close of two does nothing
	info, err := pour(ctx, tmp, r, limit)
	if err != nil {
		return Info{}, err
	}
	known, err := d.renew(info)
	if err == nil && !known {
		err = tmp.Sync() // before the name can be seen
		if err2 := tmp.Close(); err == nil {
			err = err2
		}
		if err == nil {
			err = d.adopt(tmp.Name(), info.Sum)
		}
	}
	if err != nil {
		return Info{}, err
	}
	// Also when the bytes were known: whoever renamed them may not have synced
	// yet, and our caller is about to promise them to someone.
	return info, d.syncShard(info.Sum)
}

// renew gives bytes that lie there already the present time. A file of another
// length was damaged from outside: it counts as absent and is replaced.
func (d *Dir) renew(info Info) (known bool, err error) {
	s, err := d.lockShard(info.Sum)
	if err != nil {
		return false, err
	}
	defer s.Unlock()
	name := d.path(info.Sum)
	st, err := os.Lstat(name)
	if err != nil || !st.Mode().IsRegular() || st.Size() != info.Size {
		return false, nil
	}
	now := time.Now()
	return true, os.Chtimes(name, now, now)
}

// adopt gives a synced temporary file its name. If another Put of the same
// bytes was faster, they are replaced by themselves.
func (d *Dir) adopt(tmp, sum string) error {
	s, err := d.lockShard(sum)
	if err != nil {
		return err
	}
	defer s.Unlock()
	err = os.Rename(tmp, d.path(sum))
	if err == nil {
		s.renamed++
	}
	return err
}

// lockShard locks the folder of sum. The first caller in a process makes it and
// syncs its parent even if it was there: a crash may have come in between.
func (d *Dir) lockShard(sum string) (*shard, error) {
	n, err := strconv.ParseUint(sum[:2], 16, 8)
	if err != nil {
		return nil, err
	}
	s := &d.shards[n]
	s.Lock()
	if s.made {
		return s, nil
	}
	err = os.Mkdir(filepath.Join(d.root, sum[:2]), 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = syncDir(d.root)
	}
	if err != nil {
		s.Unlock()
		return nil, err
	}
	s.made, s.renamed = true, 1 // what a process before us left unsynced
	return s, nil
}

// syncShard makes all names in the folder of sum durable, if they are not yet.
func (d *Dir) syncShard(sum string) error {
	s, err := d.lockShard(sum)
	if err != nil {
		return err
	}
	mine := s.renamed
	s.Unlock()
	s.syncing.Lock()
	defer s.syncing.Unlock()
	if s.synced >= mine {
		return nil
	}
	s.Lock()
	covered := s.renamed
	s.Unlock()
	err = syncDir(filepath.Join(d.root, sum[:2]))
	if err == nil {
		s.synced = covered
	}
	return err
}

// Open implements Store.
func (d *Dir) Open(_ context.Context, sum string) (io.ReadSeekCloser, int64, error) {
	if !validSum(sum) {
		return nil, 0, fmt.Errorf("open %q: %w", sum, ErrNotFound)
	}
	f, err := os.Open(d.path(sum))
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", sum, absent(err))
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("open %s: %w", sum, err)
	}
	return f, st.Size(), nil
}

// Stat implements Store.
func (d *Dir) Stat(_ context.Context, sum string) (int64, time.Time, error) {
	if !validSum(sum) {
		return 0, time.Time{}, fmt.Errorf("look at %q: %w", sum, ErrNotFound)
	}
	st, err := os.Lstat(d.path(sum))
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("look at %s: %w", sum, absent(err))
	}
	return st.Size(), st.ModTime(), nil
}

// Delete implements Store.
func (d *Dir) Delete(_ context.Context, sum string) error {
	if !validSum(sum) {
		return nil
	}
	if err := os.Remove(d.path(sum)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", sum, err)
	}
	return nil
}

// Verify implements Store.
func (d *Dir) Verify(ctx context.Context, sum string) error { return verify(ctx, d, sum) }

// FreeSpace implements Roomy: what this process may still write.
func (d *Dir) FreeSpace() (int64, error) {
	n, err := freeSpace(d.root)
	if err != nil {
		return 0, fmt.Errorf("measure free space: %w", err)
	}
	return n, nil
}

// Sweep implements Store.
func (d *Dir) Sweep(ctx context.Context, olderThan time.Time, referenced Referenced) (int, error) {
	removed, err := d.sweepTemp(olderThan)
	var old []string
	for n := 0; err == nil && n < len(d.shards); n++ {
		if err = ctx.Err(); err != nil {
			break
		}
		var more []string
		more, err = d.olderIn(fmt.Sprintf("%02x", n), olderThan)
		old = append(old, more...)
		for err == nil && (len(old) >= sweepBatch || n == len(d.shards)-1 && len(old) > 0) {
			batch := old[:min(sweepBatch, len(old))]
			old = old[len(batch):]
			var gone int
			gone, err = d.sweepSums(ctx, batch, olderThan, referenced)
			removed += gone
		}
	}
	if err != nil {
		return removed, fmt.Errorf("sweep files: %w", err)
	}
	return removed, nil
}

// olderIn lists the sums in one folder whose time is before t.
func (d *Dir) olderIn(folder string, t time.Time) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(d.root, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var old []string
	for _, e := range entries {
		if st, err := e.Info(); err == nil && validSum(e.Name()) && st.ModTime().Before(t) {
			old = append(old, e.Name())
		}
	}
	return old, err
}

func (d *Dir) sweepSums(ctx context.Context, sums []string, olderThan time.Time, referenced Referenced) (removed int, err error) {
	needed, err := referenced(ctx, sums)
	if err != nil {
		return 0, err
	}
	for _, sum := range sums {
		if needed[sum] {
			continue
		}
		s, err := d.lockShard(sum)
		if err != nil {
			return removed, err
		}
		// A Put may have taken the bytes up again since they were listed.
		if st, err2 := os.Lstat(d.path(sum)); err2 == nil && st.ModTime().Before(olderThan) {
			if err = os.Remove(d.path(sum)); err == nil {
				removed++
			}
		}
		s.Unlock()
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// sweepTemp removes what cut Puts left behind. A Put in progress keeps the time
// of its file young by writing.
func (d *Dir) sweepTemp(olderThan time.Time) (removed int, err error) {
	tmp := filepath.Join(d.root, "tmp")
	entries, err := os.ReadDir(tmp)
	for _, e := range entries {
		if st, err := e.Info(); err != nil || !st.ModTime().Before(olderThan) {
			continue
		}
		if os.Remove(filepath.Join(tmp, e.Name())) == nil {
			removed++
		}
	}
	return removed, err
}

func (d *Dir) path(sum string) string { return filepath.Join(d.root, sum[:2], sum) }

// absent turns the system's word for a missing file into ours.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return err
}
