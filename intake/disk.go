package intake

import (
	"context"
	"errors"
	"log/slog"

	"styk"
	"styk/blob"
	"styk/store"
)

// byDisk stands in the history of files that were overwritten in their folder.
var byDisk = store.By{Origin: "disk"}

// fromDisk looks at the working copy of d: bytes that an outside program wrote
// there become the next version if their type holds; else the copy is put back
// and the refusal is logged.
func (in *Intake) fromDisk(ctx context.Context, d *styk.Document) (*styk.Document, error) {
	if in.Work == nil || d.Path == "" {
		return d, nil
	}
	known := blob.State{Size: d.DiskSize, ModTime: d.DiskTime, Sum: d.Sum}
	st, changed, err := in.Work.Changed(ctx, d.Path, known)
	switch {
	case errors.Is(err, blob.ErrBusy):
		return d, nil // being written: the stored bytes are whole, later comes another look
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrWrongType):
		return d, in.putBack(ctx, d)
	case err != nil:
		return d, err
	case changed:
		return d, in.takeOver(ctx, d)
	case st != known:
		return d, in.seen(ctx, d, st)
	}
	return d, nil
}

// takeOver makes a version of what lies on disk.
func (in *Intake) takeOver(ctx context.Context, d *styk.Document) error {
	info, st, err := in.Work.Take(ctx, d.Path, in.maxFile())
	switch {
	case errors.Is(err, blob.ErrBusy):
		return nil
	case errors.Is(err, blob.ErrWrongType), errors.Is(err, blob.ErrTooLarge):
		in.logger().Warn("file overwritten on disk refused", "op", "disk", "document", int64(d.ID), "err", err)
		if err := in.refuse(ctx, d); err != nil {
			return err
		}
		return in.putBack(ctx, d)
	case err != nil:
		return err
	}
	if err := in.newVersion(ctx, byDisk, d, info); err != nil {
		return err
	}
	return in.seen(ctx, d, st)
}

// refuse flags the document, so that a person learns of it.
func (in *Intake) refuse(ctx context.Context, d *styk.Document) error {
	return in.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Edit(d, byDisk, func() error {
			w := styk.Warning{Field: "file", Rule: "type", Text: "на диске лежал файл другого типа, возвращён прежний"}
			for _, old := range d.Warnings {
				if old == w {
					return nil
				}
			}
			d.Warnings = append(d.Warnings, w)
			return nil
		})
		return err
	})
}

func (in *Intake) putBack(ctx context.Context, d *styk.Document) error {
	st, err := in.Work.Restore(ctx, d.Path, d.Sum)
	if err != nil {
		return err
	}
	return in.seen(ctx, d, st)
}

// Scan looks at every working copy once. It is a minute's chore: a file that
// was overwritten is also noticed at its next reading.
func (in *Intake) Scan(ctx context.Context) error {
	if in.Work == nil {
		return nil
	}
	for after := styk.ID(0); ; {
		var docs []*styk.Document
		err := in.DB.View(ctx, func(tx *store.Tx) (err error) {
			docs, err = tx.StoredDocuments(after, 500)
			return err
		})
		if err != nil || len(docs) == 0 {
			return err
		}
		for _, d := range docs {
			if err := in.look(ctx, d); err != nil {
				in.logger().Error("working copy", "op", "scan", "document", int64(d.ID), "err", err)
			}
			after = d.ID
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (in *Intake) look(ctx context.Context, d *styk.Document) error {
	unlock := in.lock(d.Path)
	defer unlock()
	fresh, err := in.byPath(ctx, d.Path) // it may have changed since the list was read
	if styk.CodeOf(err) == styk.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = in.fromDisk(ctx, fresh)
	return err
}

func (in *Intake) logger() *slog.Logger {
	if in.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return in.Log
}
