package intake

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"time"

	"styk"
	"styk/blob"
	"styk/store"
)

// Upload is one file that came in; its bytes are already in the store of files.
type Upload struct {
	Part     string // of the form
	FileName string // the real name, cleaned
	Info     blob.Info
}

const defaultMaxFile = 50 << 20 // bytes

func (in *Intake) maxFile() int64 {
	if in.MaxFile == 0 {
		return defaultMaxFile
	}
	return in.MaxFile
}

// Keep puts a file's bytes into the store. Faults name the field "file".
func (in *Intake) Keep(ctx context.Context, fileName string, r io.Reader) (blob.Info, error) {
	info, err := in.Blobs.Put(ctx, r, in.maxFile())
	return info, in.explain(err)
}

// explain turns what can go wrong with bytes into a sentence for the sender.
func (in *Intake) explain(err error) error {
	switch {
	case errors.Is(err, blob.ErrTooLarge):
		return styk.FieldError(styk.TooLarge, "file", "max_bytes", "the file is larger than "+megabytes(in.maxFile()))
	case errors.Is(err, blob.ErrFull):
		return styk.Failed(styk.Full, "there is no room left for files: nothing was stored")
	case errors.Is(err, blob.ErrWrongType):
		return styk.FieldError(styk.Invalid, "file", "type", "the content is of another type than the file it replaces")
	}
	return err
}

func megabytes(n int64) string {
	text := styk.Money{Kopecks: n * 100 / (1 << 20), Set: true}.String()
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + " MB"
}

// AddDocument makes a document of an upload and hangs it on the records of
// links. It belongs in a DB.Update closure; PlaceDocuments follows the commit.
func (in *Intake) AddDocument(tx *store.Tx, by store.By, d *styk.Document, up Upload, links ...styk.ID) error {
	zone := in.Zone
	if zone == nil {
		zone = time.UTC
	}
	d.FileName = up.FileName
	if d.Title == "" {
		d.Title = up.FileName
	}
	d.Path = blob.NewPath(tx.Now().In(zone), blob.SafeExt(up.FileName, up.Info.Ext))
	d.Type, d.Size, d.Sum, d.Version = up.Info.Type, up.Info.Size, up.Info.Sum, 1
	if err := tx.Insert(d, by); err != nil {
		return err
	}
	if err := tx.AddVersion(d, by); err != nil {
		return err
	}
	for _, id := range links {
		if err := tx.Link(id, d.ID); err != nil {
			return err
		}
	}
	return nil
}

// PlaceDocuments writes the working copies. A copy that is missing after a
// crash is written at its first reading or by the minute's scan.
func (in *Intake) PlaceDocuments(ctx context.Context, docs ...*styk.Document) error {
	for _, d := range docs {
		if err := in.place(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// place writes one working copy and notes how it looks on disk.
func (in *Intake) place(ctx context.Context, d *styk.Document) error {
	if in.Work == nil || d.Path == "" {
		return nil
	}
	st, err := in.Work.Write(ctx, d.Path, d.Sum)
	if err != nil {
		return err
	}
	return in.seen(ctx, d, st)
}

func (in *Intake) seen(ctx context.Context, d *styk.Document, st blob.State) error {
	d.DiskSize, d.DiskTime = st.Size, st.ModTime
	return in.DB.Update(ctx, func(tx *store.Tx) error { return tx.SeeDocument(d.ID, st.Size, st.ModTime) })
}

// OpenDocument gives a document's present bytes; styk.NotFound when a check of
// them found something.
func (in *Intake) OpenDocument(ctx context.Context, d *styk.Document) (io.ReadSeekCloser, error) {
	var found string
	err := in.DB.View(ctx, func(tx *store.Tx) (err error) { found, err = tx.Withheld(d); return err })
	if err != nil {
		return nil, err
	}
	if found != "" {
		return nil, styk.Failed(styk.NotFound, "the file is withheld, its check found "+found)
	}
	f, _, err := in.Blobs.Open(ctx, d.Sum)
	return f, err
}

// Document finds a stored file by its path and looks whether it was
// overwritten on disk meanwhile; if so the new bytes are its next version.
func (in *Intake) Document(ctx context.Context, path string) (*styk.Document, error) {
	d, err := in.byPath(ctx, path)
	if err != nil {
		return nil, err
	}
	return in.fromDisk(ctx, d)
}

func (in *Intake) byPath(ctx context.Context, path string) (d *styk.Document, err error) {
	if !blob.ValidPath(path) {
		return nil, styk.Failed(styk.NotFound, "there is no such file")
	}
	err = in.DB.View(ctx, func(tx *store.Tx) error {
		d, err = tx.DocumentByPath(path)
		return err
	})
	return d, err
}

// Overwrite replaces the file at path by the bytes of r: the same type by
// content, the name kept, the old bytes kept as an earlier version. The same
// bytes again change nothing.
func (in *Intake) Overwrite(ctx context.Context, by store.By, path string, r io.Reader) (*styk.Document, error) {
	if _, err := in.byPath(ctx, path); err != nil {
		return nil, err
	}
	info, err := in.Blobs.Put(ctx, r, in.maxFile())
	if err != nil {
		return nil, in.explain(err)
	}
	return in.OverwriteWith(ctx, by, path, info)
}

// OverwriteWith is Overwrite with bytes that are already in the store.
func (in *Intake) OverwriteWith(ctx context.Context, by store.By, path string, info blob.Info) (*styk.Document, error) {
	unlock := in.lock(path)
	defer unlock()
	d, err := in.Document(ctx, path) // what lies on disk becomes a version first
	if err != nil {
		return nil, err
	}
	kind, err := in.checkType(ctx, path, info.Sum)
	if err != nil {
		return nil, in.explain(err)
	}
	info.Type = kind
	if err := in.newVersion(ctx, by, d, info); err != nil {
		return nil, err
	}
	return d, in.place(ctx, d)
}

// checkType says whether the bytes may stand at a path with its extension.
func (in *Intake) checkType(ctx context.Context, at, sum string) (string, error) {
	f, _, err := in.Blobs.Open(ctx, sum)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return blob.CheckType(f, strings.TrimPrefix(path.Ext(at), "."))
}

// newVersion stores that d now has other bytes.
func (in *Intake) newVersion(ctx context.Context, by store.By, d *styk.Document, info blob.Info) error {
	return in.DB.Update(ctx, func(tx *store.Tx) error {
		changed := false
		_, err := tx.Edit(d, by, func() error {
			changed = d.Sum != info.Sum
			if changed {
				d.Version++
				d.Sum, d.Size, d.Type = info.Sum, info.Size, info.Type
			}
			d.Placeholder = false
			return nil
		})
		if err != nil || !changed {
			return err
		}
		return tx.AddVersion(d, by)
	})
}

// lock keeps the order of versions and of working copies at one path the same.
func (in *Intake) lock(path string) (unlock func()) {
	h := uint32(2166136261) // FNV-1a
	for i := range len(path) {
		h = (h ^ uint32(path[i])) * 16777619
	}
	m := &in.locks[h%uint32(len(in.locks))]
	m.Lock()
	return m.Unlock
}
