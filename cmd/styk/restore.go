package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"styk"
	"styk/blob"
	"styk/store"
)

type restoreCommand struct {
	folder
	File string `arg:"" help:"Backup to restore; - reads the standard input."`
}

// Help implements kong.HelpProvider.
func (*restoreCommand) Help() string {
	return "The folder, the database and the place of files must be empty: nothing is ever overwritten. Examples:\n\n" +
		"  styk restore styk.backup --data /var/lib/styk\n" +
		"  styk restore styk.backup --data /var/lib/styk --database postgres://styk@/styk"
}

func (c *restoreCommand) run(ctx context.Context, sh *shell) error {
	if err := c.settle("./data"); err != nil {
		return err
	}
	sh.input = c.File
	in, err := sh.openInput()
	if err != nil {
		return err
	}
	defer in.Close()
	log := slog.New(slog.NewTextHandler(sh.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	done, err := restoreBackup(ctx, in, &c.folder, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "%s of %s restored: %d records, %d files, %s, each compared with the backup's list\n",
		c.Data, done.head.Created.Format(time.DateTime), done.manifest.records(), done.manifest.Blobs, megabytes(done.manifest.Bytes))
	return nil
}

// restored is what a restore brought.
type restored struct {
	head     backupHead
	manifest backupManifest
}

// restoreBackup makes an empty folder what the backup holds, and compares what
// is there then with the backup's own list. When it fails it leaves no half
// folder behind.
func restoreBackup(ctx context.Context, in io.Reader, f *folder, log *slog.Logger) (*restored, error) {
	if err := mustBeEmpty(f); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return nil, err
	}
	l, err := takeLock(f.lockPath(), "restore")
	if err != nil {
		return nil, err
	}
	r := &restoring{f: f, log: log, lock: l}
	err = r.all(ctx, in)
	l.release()
	if err != nil {
		r.undo()
		return nil, fmt.Errorf("restore: %w", err)
	}
	return &restored{r.head, r.manifest}, nil
}

// mustBeEmpty refuses a folder in which anything lies but a lock.
func mustBeEmpty(f *folder) error {
	entries, err := os.ReadDir(f.Data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() != lockFile && e.Name() != keyFile {
			return wrongSetting("name a folder that does not exist yet", "%s is not empty: %s lies there", f.Data, e.Name())
		}
	}
	return nil
}

// restoring is a restore under way.
type restoring struct {
	f        *folder
	log      *slog.Logger
	lock     *lock
	blobs    blob.Store
	dump     string // the database's bytes, on disk
	key      []byte
	keyMade  bool
	found    map[string]int64 // blobs by sum
	head     backupHead
	manifest backupManifest
	sum      string // of the database as it was read
	whole    bool   // the manifest was read
}

func (r *restoring) all(ctx context.Context, in io.Reader) error {
	packed, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer packed.Close()
	if r.blobs, err = blob.Open(ctx, r.f.files(), r.f.blobOptions()); err != nil {
		return err
	}
	r.found = map[string]int64{}
	defer func() { os.Remove(r.dump) }()
	for archive := tar.NewReader(packed); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("the file is no backup, or is cut: %w", err)
		}
		if err := r.entry(ctx, h.Name, archive); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	if err := r.compareFiles(); err != nil {
		return err
	}
	if err := r.database(ctx); err != nil {
		return err
	}
	return r.workingCopies(ctx)
}

func (r *restoring) entry(ctx context.Context, name string, body io.Reader) error {
	if r.head.Format == 0 && name != headName {
		return errors.New("the file is no backup of styk")
	}
	switch {
	case name == headName:
		return r.readHead(body)
	case name == keyName:
		text, err := io.ReadAll(io.LimitReader(body, 1024))
		if err != nil {
			return err
		}
		return r.takeKey(string(text))
	case name == databaseName:
		return r.keepDump(body)
	case strings.HasPrefix(name, blobsName):
		info, err := r.blobs.Put(ctx, body, 0)
		if err == nil && info.Sum != strings.TrimPrefix(name, blobsName) {
			err = blob.ErrCorrupt
		}
		r.found[info.Sum] = info.Size
		return err
	case name == manifestName:
		r.whole = true
		return json.NewDecoder(body).Decode(&r.manifest)
	}
	return errors.New("the backup holds something unknown: it was written by a later version")
}

func (r *restoring) readHead(body io.Reader) error {
	if err := json.NewDecoder(body).Decode(&r.head); err != nil {
		return err
	}
	if r.head.Format != backupFormat {
		return fmt.Errorf("the backup is of format %d (written by styk %s), this program reads %d", r.head.Format, r.head.Version, backupFormat)
	}
	if r.head.Key {
		return nil
	}
	var err error
	if r.key, err = loadKey(r.f.keyPath()); err != nil {
		return fmt.Errorf("the backup was made without the key; put the key file there or name it by --key-file: %w", err)
	}
	return r.checkKey()
}

func (r *restoring) checkKey() error {
	if got := fingerprint(r.key); got != r.head.Fingerprint {
		return fmt.Errorf("%w: %s here, %s in the backup", store.ErrWrongKey, got, r.head.Fingerprint)
	}
	return nil
}

// takeKey puts the backup's key in its place; one that lies there must be it.
func (r *restoring) takeKey(text string) (err error) {
	if r.key, err = decodeKey(text); err != nil {
		return err
	}
	if err := r.checkKey(); err != nil {
		return err
	}
	there, err := loadKey(r.f.keyPath())
	if errors.Is(err, os.ErrNotExist) {
		r.keyMade = true
		return writeKey(r.f.keyPath(), r.key)
	}
	if err == nil && !bytes.Equal(there, r.key) {
		err = fmt.Errorf("another key lies in %s", r.f.keyPath())
	}
	return err
}

func (r *restoring) keepDump(body io.Reader) error {
	tmp, err := os.CreateTemp(r.f.Data, ".dump-*")
	if err != nil {
		return err
	}
	defer tmp.Close()
	r.dump = tmp.Name()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(tmp, hash), body); err != nil {
		return err
	}
	r.sum = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// compareFiles holds what was read against the list at the backup's end.
func (r *restoring) compareFiles() error {
	switch {
	case !r.whole:
		return errors.New("the backup is cut: its list is missing")
	case r.sum != r.manifest.Sum:
		return errors.New("the database in the backup is damaged: its sum differs")
	case len(r.found) != r.manifest.Blobs:
		return fmt.Errorf("the backup is damaged: %d files instead of %d", len(r.found), r.manifest.Blobs)
	}
	return nil
}

// database restores the rows, and counts them again in their new place.
func (r *restoring) database(ctx context.Context) error {
	in, err := os.Open(r.dump)
	if err != nil {
		return err
	}
	defer in.Close()
	o := store.Options{Database: r.f.database(), Key: r.key, Log: r.log}
	if _, err := store.Restore(ctx, o, in); err != nil {
		return err
	}
	db, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	defer db.Close()
	got, err := db.Dump(ctx, io.Discard)
	if err != nil {
		return err
	}
	if !maps.Equal(got.Rows, r.manifest.Rows) {
		return fmt.Errorf("the restored rows differ: %v instead of %v", got.Rows, r.manifest.Rows)
	}
	return eachSum(ctx, db, func(sum string) error {
		if _, ok := r.found[sum]; !ok {
			return fmt.Errorf("the backup is damaged: the file %s is missing", sum)
		}
		return nil
	})
}

// workingCopies lays the files of the folder store where their paths say.
func (r *restoring) workingCopies(ctx context.Context) error {
	if r.f.Files != "" {
		return nil
	}
	r.lock.release() // openHouse takes it
	h, err := openHouse(ctx, r.f, "restore", r.log)
	if err != nil {
		return err
	}
	defer h.close()
	for after := styk.ID(0); ; {
		var docs []*styk.Document
		err := h.db.View(ctx, func(tx *store.Tx) (err error) {
			docs, err = tx.StoredDocuments(after, 500)
			return err
		})
		if err != nil || len(docs) == 0 {
			return err
		}
		if err := h.intake.PlaceDocuments(ctx, docs...); err != nil {
			return err
		}
		after = docs[len(docs)-1].ID
	}
}

// undo removes what a failed restore made in its folder. A foreign database
// and S3 keep what they got: it is told, not guessed at.
func (r *restoring) undo() {
	for _, name := range []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm", lockFile, "blobs", "storage"} {
		_ = os.RemoveAll(filepath.Join(r.f.Data, name))
	}
	if r.keyMade {
		_ = os.Remove(r.f.keyPath())
	}
	_ = os.Remove(r.f.Data) // only when it is empty
}
