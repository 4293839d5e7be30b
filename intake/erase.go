package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"styk"
	"styk/blob"
	"styk/store"
)

// logPatience is how long an erasure waits for readers of older states.
const logPatience = 10 * time.Second

// ErrUploading: bytes of an erased person's file were sent again just now by
// somebody whose own document is not stored yet. They go at the next run.
var ErrUploading = errors.New("the same file is being uploaded just now: the erasure goes on later")

// Erase empties everything that is kept of a person, in the order in which a
// cut leaves it able to go on: the contact is deleted and bears no more keys,
// then go kept calls, deliveries, cards, files, history and all rows that the
// register of personal data names, the records themselves, the contact's own
// row last. A log of SQLite is emptied at the end. Calling it again goes on
// where it was cut; a finished one is only read. Backups are out of its reach.
func (in *Intake) Erase(ctx context.Context, contact styk.ID, by store.By) (*store.ErasureRecord, error) {
	by.Origin = "erase"
	var record *store.ErasureRecord
	err := in.DB.Update(ctx, func(tx *store.Tx) (err error) {
		record, err = tx.BeginErasure(contact, by)
		return err
	})
	if err != nil || !record.Finished.IsZero() {
		return record, err
	}
	by.User = record.User
	if err := in.erase(ctx, contact, by); err != nil {
		return nil, fmt.Errorf("erase contact %d: %w", contact, err)
	}
	return record, in.DB.View(ctx, func(tx *store.Tx) (err error) {
		record, err = tx.Erasure(contact)
		return err
	})
}

func (in *Intake) erase(ctx context.Context, contact styk.ID, by store.By) error {
	if in.Settle != nil {
		if err := in.Settle(ctx); err != nil {
			return err
		}
	}
	var all store.Belongings
	var calls []styk.ID
	err := in.DB.View(ctx, func(tx *store.Tx) (err error) {
		if all, err = tx.Belongings(contact); err != nil {
			return err
		}
		calls, err = tx.CallsAbout(all)
		return err
	})
	if err != nil {
		return err
	}
	counts := map[string]int64{"call": int64(len(calls))}
	for part, ids := range all {
		counts[part] = int64(len(ids))
	}
	note := func(finished bool) error {
		return in.DB.Update(ctx, func(tx *store.Tx) error { return tx.EndErasure(contact, counts, finished) })
	}
	if err := note(false); err != nil {
		return err
	}
	if counts["file"], err = in.eraseFiles(ctx, all[string(styk.KindDocument)], by); err != nil {
		return err
	}
	if err := in.DB.EraseRows(ctx, all, calls, by); err != nil {
		return err
	}
	if err := in.DB.EraseRecords(ctx, all, by); err != nil {
		return err
	}
	if err := in.DB.EmptyLog(ctx, logPatience); err != nil {
		return err
	}
	return note(true)
}

// eraseFiles removes the bytes of documents that nobody else needs, and their
// working copies. The documents are deleted first: no scan puts a copy back.
func (in *Intake) eraseFiles(ctx context.Context, documents []styk.ID, by store.By) (removed int64, err error) {
	if err := in.DB.CloseDocuments(ctx, documents, by); err != nil {
		return 0, err
	}
	var files []store.ErasedFile
	err = in.DB.View(ctx, func(tx *store.Tx) (err error) {
		files, err = tx.ErasedFiles(documents)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if err := in.removeCopy(f.Path); err != nil {
			return removed, err
		}
		for _, sum := range f.Sums {
			if err := in.removeBytes(ctx, sum, f.Stored); err != nil {
				return removed, err
			}
			removed++
		}
	}
	return removed, nil
}

func (in *Intake) removeCopy(path string) error {
	if in.Work == nil || path == "" || !blob.ValidPath(path) {
		return nil
	}
	unlock := in.lock(path)
	defer unlock()
	return in.Work.Remove(path)
}

// uploadTime is how long an upload may be on its way between its bytes and its
// row in the database.
const uploadTime = 10 * time.Minute

// removeBytes deletes bytes. Those that were put after the person's own last
// version may belong to somebody whose row is still to come; they wait.
func (in *Intake) removeBytes(ctx context.Context, sum string, stored time.Time) error {
	_, put, err := in.Blobs.Stat(ctx, sum)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if put.After(stored.Add(time.Minute)) && time.Since(put) < uploadTime {
		return ErrUploading
	}
	return in.Blobs.Delete(ctx, sum)
}

// ResumeErasures goes on with erasures that were cut.
func (in *Intake) ResumeErasures(ctx context.Context) error {
	var open []*store.ErasureRecord
	err := in.DB.View(ctx, func(tx *store.Tx) (err error) {
		open, err = tx.Erasures(true, 100)
		return err
	})
	for _, e := range open {
		if _, failed := in.Erase(ctx, e.Contact, store.By{User: e.User}); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return err
}
