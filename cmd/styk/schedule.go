package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// clock is a time of day.
type clock struct{ hour, minute int }

func parseClock(text string) (clock, error) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return clock{}, wrongSetting("such as 03:30", "--backup-at: %q is no time of day", text)
	}
	return clock{t.Hour(), t.Minute()}, nil
}

// until is how long from now to the next such time in a zone.
func (c clock) until(now time.Time, zone *time.Location) time.Duration {
	now = now.In(zone)
	next := time.Date(now.Year(), now.Month(), now.Day(), c.hour, c.minute, 0, 0, zone)
	if !next.After(now) {
		next = time.Date(now.Year(), now.Month(), now.Day()+1, c.hour, c.minute, 0, 0, zone)
	}
	return next.Sub(now)
}

// scheduledBackups is the chore that writes a backup every day, restores it on
// trial and drops old ones.
func (s *server) scheduledBackups(dir string, at clock, keep int) chore {
	return chore{
		name: "backup",
		wait: func(now time.Time) time.Duration { return at.until(now, s.h.zone) },
		do: func(ctx context.Context) error {
			err := s.h.backupAndTry(ctx, dir, keep)
			if err != nil {
				err = errors.Join(err, s.h.vital.change(context.WithoutCancel(ctx), s.h.db, func(v *vitals) { v.Failed = err.Error() }))
			}
			return err
		},
	}
}

const backupPattern = "styk-*.backup"

// backupAndTry writes one backup into dir. A backup counts when it was restored
// and came out equal; only then may old ones go.
func (h *house) backupAndTry(ctx context.Context, dir string, keep int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "styk-"+h.now().In(h.zone).Format("20060102-150405")+".backup")
	file := &outFile{path: path}
	defer file.drop()
	if _, err := writeBackup(ctx, h, file, false); err != nil {
		return err
	}
	if err := file.finish(); err != nil {
		return err
	}
	now := h.now().UTC()
	if err := h.vital.change(ctx, h.db, func(v *vitals) { v.Backup, v.BackupFile = now, path }); err != nil {
		return err
	}
	done, err := h.tryRestore(ctx, path)
	if err != nil {
		return fmt.Errorf("trial restore of %s: %w", path, err)
	}
	h.log.Info("backup written and restored on trial", "file", path, "records", done.manifest.records(), "files", done.manifest.Blobs)
	if err := h.vital.change(ctx, h.db, func(v *vitals) { v.Restored, v.Failed = now, "" }); err != nil {
		return err
	}
	return dropOld(dir, keep)
}

// tryRestore restores a backup into a folder that goes away again; everything
// is compared on the way.
func (h *house) tryRestore(ctx context.Context, path string) (*restored, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".trial-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return restoreBackup(ctx, in, &folder{Data: filepath.Join(dir, "data"), Timezone: h.Timezone}, h.log)
}

// dropOld keeps the newest backups of a folder; their names sort by time.
func dropOld(dir string, keep int) error {
	files, err := filepath.Glob(filepath.Join(dir, backupPattern))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for len(files) > keep {
		if err := os.Remove(files[0]); err != nil {
			return err
		}
		files = files[1:]
	}
	return nil
}
