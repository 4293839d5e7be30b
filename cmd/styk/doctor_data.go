package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"styk"
	"styk/blob"
	"styk/store"
)

// folder: may be written by us, and read by nobody else.
func (d *doctor) folder(context.Context) error {
	tmp, err := os.CreateTemp(d.h.Data, ".doctor-*")
	if err != nil {
		d.wrong("the user that runs styk must own the folder", "the data folder cannot be written: %v", err)
		return nil
	}
	tmp.Close()
	os.Remove(tmp.Name())
	if runtime.GOOS == "windows" {
		d.well("data folder %s", d.h.Data)
		return nil
	}
	for _, name := range []string{databaseFile, databaseFile + "-wal", keyFile, "blobs"} {
		info, err := os.Stat(filepath.Join(d.h.Data, name))
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			d.wrong("chmod go= "+filepath.Join(d.h.Data, name), "%s can be read by others (%v)", name, info.Mode().Perm())
			return nil
		}
	}
	d.well("data folder %s", d.h.Data)
	return nil
}

// space: room for files and the database.
func (d *doctor) space(context.Context) error {
	roomy, ok := d.h.blobs.(blob.Roomy)
	if !ok {
		d.well("files lie in S3")
		return nil
	}
	free, err := roomy.FreeSpace()
	switch {
	case err != nil:
		d.warn("", "the room on disk cannot be told: %v", err)
	case free < lowSpace:
		d.wrong("nothing new is stored safely: make room now", "%s left on disk", megabytes(free))
	case free < 1<<30:
		d.warn("make room", "%s left on disk", megabytes(free))
	default:
		d.well("%s left on disk", megabytes(free))
	}
	return nil
}

func (d *doctor) key(context.Context) error {
	if _, err := loadKey(d.h.keyPath()); err != nil {
		d.wrong("", "%v", err)
		return nil
	}
	d.well("key %s fits the database (%s)", fingerprint(d.h.key), d.h.keyPath())
	return nil
}

// database: its schema, and every page of it.
func (d *doctor) database(ctx context.Context) error {
	n, err := d.h.db.SchemaVersion(ctx)
	if err != nil {
		d.wrong("", "the database does not answer: %v", err)
		return nil
	}
	if !d.quick {
		if err := d.h.db.Check(ctx); err != nil {
			d.wrong("restore the last backup into another folder and compare", "%v", err)
			return nil
		}
	}
	d.well("database %s, schema %d", d.h.db.Engine(), n)
	return nil
}

// files: every file that a document needs, byte by byte.
func (d *doctor) files(ctx context.Context) error {
	if d.quick {
		return nil
	}
	needed := map[string]bool{}
	damaged := 0
	err := eachSum(ctx, d.h.db, func(sum string) error {
		needed[sum] = true
		if err := d.h.blobs.Verify(ctx, sum); err != nil && ctx.Err() == nil {
			damaged++
			d.wrong("a backup holds the bytes: styk restore it elsewhere and copy the file", "file %s: %v", sum, err)
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if damaged == 0 {
		d.well("%d files, each as its sum says", len(needed))
	}
	if n := d.orphans(needed); n > 0 {
		d.well("%d files belong to no document: those older than a day go with the hourly sweep", n)
	}
	return nil
}

// orphans counts bytes in the folder store that no row names.
func (d *doctor) orphans(needed map[string]bool) (n int) {
	if d.h.Files != "" {
		return 0
	}
	names, _ := filepath.Glob(filepath.Join(d.h.Data, "blobs", "??", "*"))
	for _, name := range names {
		if !needed[filepath.Base(name)] {
			n++
		}
	}
	return n
}

// copies: what lies under storage/ against what is stored.
func (d *doctor) copies(ctx context.Context) error {
	if d.h.work == nil {
		return nil
	}
	same, changed, lacking := 0, 0, 0
	for after := styk.ID(0); ; {
		var docs []*styk.Document
		err := d.h.db.View(ctx, func(tx *store.Tx) (err error) {
			docs, err = tx.StoredDocuments(after, 500)
			return err
		})
		if err != nil {
			return err
		}
		if len(docs) == 0 {
			break
		}
		for _, doc := range docs {
			after = doc.ID
			_, other, err := d.h.work.Changed(ctx, doc.Path, blob.State{Size: doc.DiskSize, ModTime: doc.DiskTime, Sum: doc.Sum})
			switch {
			case err != nil:
				lacking++
			case other:
				changed++
			default:
				same++
			}
		}
	}
	d.well("%d working copies in storage/ as stored", same)
	if changed > 0 {
		d.well("%d were overwritten on disk: the minute's scan takes them over", changed)
	}
	if lacking > 0 {
		d.warn("the minute's scan of styk serve puts them back", "%d working copies are missing or no files", lacking)
	}
	return nil
}

// users: keys that the world has read.
func (d *doctor) users(ctx context.Context) error {
	return d.h.db.View(ctx, func(tx *store.Tx) error {
		users, err := tx.Users()
		if err != nil {
			return err
		}
		if len(users) == 0 {
			d.warn("styk user add NAME --role api --operations seed", "there are no users: nobody can log in")
			return nil
		}
		for _, u := range users {
			full, err := tx.User(u.ID)
			if err != nil {
				d.wrong("", "the key of user %s cannot be opened: %v", u.Name, err)
				continue
			}
			if full.AccessKey == demoKey && !full.Disabled && (d.h.serving == nil || !d.h.serving.demo) {
				d.warn("styk user key "+u.Name+", unless this is the demo's folder", "user %s has the published key of the demo", u.Name)
			}
		}
		d.well("%d users", len(users))
		return nil
	})
}

// clock: times of records come from it, and logins last 300 s by it.
func (d *doctor) clock(context.Context) error {
	now := d.h.now()
	if info, err := os.Stat(d.h.keyPath()); err == nil && info.ModTime().After(now.Add(time.Minute)) {
		d.wrong("set the clock, best by NTP", "the clock says %s, but the key file is of %s", now.Format(time.DateTime), info.ModTime().Format(time.DateTime))
		return nil
	}
	d.well("the clock says %s", now.In(d.h.zone).Format("2006-01-02 15:04:05 MST"))
	return nil
}
