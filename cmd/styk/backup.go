package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"

	"styk/blob"
	"styk/store"
)

type backupCommand struct {
	folder     `json:"-"`
	File       string `arg:"" help:"File to write; an existing one is replaced when the new one is whole."`
	WithoutKey bool   `help:"Leave the master key out: the file can then be restored only beside the key file."`
}

// Help implements kong.HelpProvider.
func (*backupCommand) Help() string {
	return "One file with the database, all files and the master key, readable for its owner alone: who has it has everything. " +
		"It may be taken while styk serves, and goes back to SQLite or PostgreSQL. Example:\n\n" +
		"  styk backup /var/backups/styk/today.backup\n  styk restore /var/backups/styk/today.backup --data /tmp/look"
}

func (c *backupCommand) place() *folder { return &c.folder }
func (c *backupCommand) existing() bool { return true }

func (c *backupCommand) prepare(sh *shell) error {
	sh.output = c.File
	return nil
}

func (c *backupCommand) work(ctx context.Context, h *house, s *streams) error {
	m, err := writeBackup(ctx, h, s.file, c.WithoutKey)
	if err != nil {
		return err
	}
	s.printf("%s: %d records, %d files, %s\n", c.File, m.records(), m.Blobs, megabytes(m.Bytes))
	if c.WithoutKey {
		s.printf("without the key: keep %s elsewhere\n", h.keyPath())
	}
	return nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// The names inside a backup, in the order in which they stand there. The
// database is read before the files: a row never points at missing bytes.
const (
	headName     = "styk-backup.json"
	keyName      = "key"
	databaseName = "database"
	blobsName    = "blobs/"
	manifestName = "manifest.json"
)

// backupHead opens a backup.
type backupHead struct {
	Format      int
	Version     string // of the program that wrote it
	Created     time.Time
	Fingerprint string // of the master key
	Key         bool   // the key is inside
}

const backupFormat = 1

// backupManifest ends a backup: what must be there, and how it must look.
type backupManifest struct {
	Rows  map[string]int64 // of the database, by table
	Sum   string           // SHA-256 of the database's bytes
	Blobs int              // files
	Bytes int64            // of the files
}

func (m *backupManifest) records() int64 { return m.Rows["entity"] }

// writeBackup writes a backup of the open house. What is written while it runs
// may or may not be inside; what was answered before is.
func writeBackup(ctx context.Context, h *house, w io.Writer, withoutKey bool) (*backupManifest, error) {
	if h.work != nil {
		if err := h.intake.Scan(ctx); err != nil { // what others wrote into storage/ belongs to it
			return nil, fmt.Errorf("look at the working copies: %w", err)
		}
	}
	packed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	b := &backupWriter{tar: tar.NewWriter(packed), now: h.now().UTC()}
	m, err := b.all(ctx, h, withoutKey)
	if err == nil {
		err = b.tar.Close()
	}
	if err == nil {
		err = packed.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("write the backup: %w", err)
	}
	return m, nil
}

type backupWriter struct {
	tar *tar.Writer
	now time.Time
}

func (b *backupWriter) all(ctx context.Context, h *house, withoutKey bool) (*backupManifest, error) {
	head := backupHead{Format: backupFormat, Version: version, Created: b.now, Fingerprint: fingerprint(h.key), Key: !withoutKey}
	if err := b.json(headName, head); err != nil {
		return nil, err
	}
	if !withoutKey {
		if err := b.bytes(keyName, []byte(encodeKey(h.key))); err != nil {
			return nil, err
		}
	}
	m := &backupManifest{}
	if err := b.database(ctx, h, m); err != nil {
		return nil, err
	}
	if err := b.blobs(ctx, h, m); err != nil {
		return nil, err
	}
	return m, b.json(manifestName, m)
}

// database dumps into a file of our own first: an archive wants to know the
// length before.
func (b *backupWriter) database(ctx context.Context, h *house, m *backupManifest) error {
	tmp, err := os.CreateTemp(h.Data, ".dump-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	hash := sha256.New()
	dump, err := h.db.Dump(ctx, io.MultiWriter(tmp, hash))
	if err != nil {
		return err
	}
	m.Rows, m.Sum = dump.Rows, hex.EncodeToString(hash.Sum(nil))
	size, err := tmp.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return b.stream(databaseName, size, tmp)
}

// blobs writes every file that the rows need, and looks on the way whether its
// bytes are what its name says. Files of rows younger than the dump come along.
func (b *backupWriter) blobs(ctx context.Context, h *house, m *backupManifest) error {
	return eachSum(ctx, h.db, func(sum string) error {
		n, err := b.blob(ctx, h.blobs, sum)
		if err != nil {
			return fmt.Errorf("file %s: %w (styk doctor looks at all of them)", sum, err)
		}
		m.Blobs++
		m.Bytes += n
		return nil
	})
}

// eachSum visits the sum of every file that the database needs.
func eachSum(ctx context.Context, db *store.DB, visit func(sum string) error) error {
	for after := ""; ; {
		var page []string
		err := db.View(ctx, func(tx *store.Tx) (err error) {
			page, err = tx.Sums(after, 500)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, after = range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := visit(after); err != nil {
				return err
			}
		}
	}
}

func (b *backupWriter) blob(ctx context.Context, blobs blob.Store, sum string) (int64, error) {
	r, size, err := blobs.Open(ctx, sum)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	hash := sha256.New()
	if err := b.stream(blobsName+sum, size, io.TeeReader(r, hash)); err != nil {
		return 0, err
	}
	if hex.EncodeToString(hash.Sum(nil)) != sum {
		return 0, blob.ErrCorrupt
	}
	return size, nil
}

func (b *backupWriter) json(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return b.bytes(name, append(text, '\n'))
}

func (b *backupWriter) bytes(name string, body []byte) error {
	if err := b.header(name, int64(len(body))); err != nil {
		return err
	}
	_, err := b.tar.Write(body)
	return err
}

func (b *backupWriter) stream(name string, size int64, r io.Reader) error {
	if err := b.header(name, size); err != nil {
		return err
	}
	_, err := io.CopyN(b.tar, r, size)
	return err
}

func (b *backupWriter) header(name string, size int64) error {
	return b.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: b.now, Format: tar.FormatPAX})
}
