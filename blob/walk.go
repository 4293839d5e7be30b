package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// Walk calls each for every working copy, folder by folder, without reading any:
// st.Sum is empty, the rest is to be compared with what is known. What has not
// the shape of our paths is passed over; links, pipes and folders with a file's
// name come too, with plain false. An error of each ends the walk and comes back.
func (w *Work) Walk(ctx context.Context, each func(path string, st State, plain bool) error) error {
	return w.walk(ctx, ".", 0, func(folder string, e fs.DirEntry) error {
		path := storage + "/" + folder + "/" + e.Name()
		if !ValidPath(path) {
			return nil
		}
		st, err := e.Info()
		if err != nil { // went away meanwhile
			return nil
		}
		return each(path, State{Size: st.Size(), ModTime: st.ModTime().UnixNano()}, st.Mode().IsRegular())
	})
}

// Sweep removes temporary files older than t that a cut Write left behind.
func (w *Work) Sweep(ctx context.Context, t time.Time) (removed int, err error) {
	err = w.walk(ctx, ".", 0, func(folder string, e fs.DirEntry) error {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			return nil
		}
		if st, err := e.Info(); err != nil || !st.Mode().IsRegular() || !st.ModTime().Before(t) {
			return nil
		}
		if w.root.Remove(folder+"/"+e.Name()) == nil {
			removed++
		}
		return nil
	})
	return removed, err
}

// walk goes down year, month and week, and hands over what lies in the weeks. It
// follows no link between folders.
func (w *Work) walk(ctx context.Context, folder string, depth int, file func(string, fs.DirEntry) error) error {
	f, err := w.root.Open(folder)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("scan %s: %w", folder, err)
	}
	defer f.Close()
	for {
		entries, listErr := f.ReadDir(1000) // a week may hold very many
		for _, e := range entries {
			err := ctx.Err()
			name := strings.TrimPrefix(folder+"/"+e.Name(), "./")
			switch {
			case err != nil:
			case depth == 3:
				err = file(folder, e)
			case e.IsDir() && validFolders(strings.Split(name, "/")):
				err = w.walk(ctx, name, depth+1, file)
			}
			if err != nil {
				return err
			}
		}
		if listErr == io.EOF {
			return nil
		}
		if listErr != nil {
			return fmt.Errorf("scan %s: %w", folder, listErr)
		}
	}
}
