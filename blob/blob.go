// Package blob keeps the bytes of files, named by what they contain: the
// SHA-256 of the bytes is the only key, the same bytes lie once. It knows
// nothing of customers, documents or paths in the database; it is told sums and
// gives bytes. Two stores exist, a folder (Dir) and S3; beside the folder there
// are the working copies under storage/ (Work) which outside programs may
// overwrite. File names as people see them are cleaned here too (CleanName),
// because what a name may hold is a question of files.
// Where it is laid down: docs/architecture.md, "Files"; spec/vtiger.md 6.
//
// # What a crash can do
//
// When Put returns without an error, the bytes survive kill -9 and, on a disk
// that keeps its word about fsync, loss of power. The order in the folder store
// is: the bytes go to a file under blobs/tmp, it is synced, renamed to
// blobs/aa/<sum>, and the folder aa is synced (and blobs, when aa is new). So
//
//   - a name below blobs/aa exists only with all its bytes behind it; nobody
//     ever sees half a file;
//   - a Put that was cut leaves at most a file in blobs/tmp, which Sweep takes
//     when it is old;
//   - the row in the database is written after Put: a row never points at
//     missing bytes, while bytes without a row are found by Sweep;
//   - a Put of bytes that are already there renews their time and syncs the
//     folder too: the first Put of them may not have come so far;
//   - Sweep looks at the time once more under the lock which Put holds to renew
//     it: bytes that were just taken up again are not swept away.
//
// The working copies are swapped in the same way (temporary file in the same
// folder, sync, rename, sync of the folder): a reader finds the old bytes or the
// new ones. On Windows folders cannot be synced; there a rename is as durable as
// the file system makes it.
//
// S3 shows an object only when all its bytes have arrived, and Put returns after
// the server has confirmed it with the MD5 of the bytes. Between Sweep's look at
// an object's age and its deletion a second process could Put the same bytes;
// the gap is one request long, so let one process sweep.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"
)

// What Store and Work answer; test with errors.Is.
var (
	ErrNotFound  = errors.New("no such file")
	ErrTooLarge  = errors.New("the file is larger than allowed")
	ErrFull      = errors.New("no room left for files")
	ErrCorrupt   = errors.New("the stored bytes do not match their sum")
	ErrWrongType = errors.New("the content is of another type than the name says")
	ErrBusy      = errors.New("the file is being written")
	ErrPath      = errors.New("not a path of a stored file")
)

// A Store keeps bytes by the hex SHA-256 of their content. All methods are safe
// for many goroutines. A sum that is not 64 lower-case hex digits is ErrNotFound.
type Store interface {
	// Put takes all of r, in pieces, and returns when the bytes are durable.
	// More than limit bytes (0: any number) is ErrTooLarge, a full disk ErrFull;
	// after an error nothing is visible. Putting the same bytes again is free of
	// harm and renews their time. An error of r comes back wrapped.
	Put(ctx context.Context, r io.Reader, limit int64) (Info, error)
	// Open gives the bytes and their number; the caller closes. Nothing but the
	// existence is checked, or ErrNotFound. ctx bounds the reading as well.
	Open(ctx context.Context, sum string) (io.ReadSeekCloser, int64, error)
	// Stat gives the number of bytes and when they were last Put, or ErrNotFound.
	Stat(ctx context.Context, sum string) (size int64, put time.Time, err error)
	// Delete removes the bytes; absent ones are no error.
	Delete(ctx context.Context, sum string) error
	// Sweep deletes what was last Put before olderThan and is not referenced, and
	// what cut Puts left behind. It asks referenced for at most 500 sums at a
	// time; a sum that is not true in the answer goes. It stops at the first
	// error; calling it again continues.
	Sweep(ctx context.Context, olderThan time.Time, referenced Referenced) (removed int, err error)
	// Verify reads the bytes again and compares: ErrCorrupt, ErrNotFound or nil.
	Verify(ctx context.Context, sum string) error
}

// Referenced tells which of sums are still needed.
type Referenced func(ctx context.Context, sums []string) (map[string]bool, error)

// Roomy is a Store that can say how many bytes still fit, so that an upload can
// be refused before it is read.
type Roomy interface {
	FreeSpace() (int64, error) // bytes
}

// Info is what Put learnt of the bytes.
type Info struct {
	Sum  string // hex SHA-256, 64 digits
	Size int64  // bytes
	Type string // media type by content, without parameters
	Ext  string // usual extension of Type, without the dot; may be empty
}

// Options are what Open needs beside the address.
type Options struct {
	AccessKey string // S3: the key's id; goes before one in the address
	SecretKey string
	Temp      string // S3: folder in which an upload waits for its sum; empty: the system's
}

// Open gives the store which spec names: "s3://bucket?endpoint=…&region=…", or
// the path of a folder, below which blobs/ is made.
func Open(ctx context.Context, spec string, o Options) (Store, error) {
	switch {
	case strings.HasPrefix(spec, "s3:"):
		return OpenS3(ctx, spec, o)
	case spec == "":
		return nil, errors.New("files: no folder given")
	case strings.Contains(spec, "://"):
		scheme, _, _ := strings.Cut(spec, "://")
		return nil, fmt.Errorf("files: %q is unknown: give a folder or s3://bucket?endpoint=…", scheme+"://")
	}
	return OpenDir(spec)
}

// sweepBatch is how many sums one question to Referenced holds.
const sweepBatch = 500

var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// pour copies r to w and learns sum, size and type on the way.
func pour(ctx context.Context, w io.Writer, r io.Reader, limit int64) (Info, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	hash := sha256.New()
	var head []byte
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return Info{}, err
		}
		n, err := r.Read(*buf)
		piece := (*buf)[:n]
		if size += int64(n); limit > 0 && size > limit {
			return Info{}, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		}
		if room := sniffed - len(head); room > 0 {
			head = append(head, piece[:min(room, n)]...)
		}
		hash.Write(piece)
		if _, err := w.Write(piece); err != nil {
			return Info{}, err
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return Info{}, fmt.Errorf("read the file to store: %w", err)
		}
	}
	kind := sniff(head)
	return Info{
		Sum:  hex.EncodeToString(hash.Sum(nil)),
		Size: size,
		Type: bare(kind.String()),
		Ext:  strings.TrimPrefix(kind.Extension(), "."),
	}, nil
}

// verify is Verify of both stores.
func verify(ctx context.Context, s Store, sum string) error {
	f, _, err := s.Open(ctx, sum)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := pour(ctx, io.Discard, f, 0)
	if err != nil {
		return fmt.Errorf("verify %s: %w", sum, err)
	}
	if got.Sum != sum {
		return fmt.Errorf("verify %s: %w: they hash to %s", sum, ErrCorrupt, got.Sum)
	}
	return nil
}

// validSum keeps anything but a sum from becoming part of a path.
func validSum(sum string) bool {
	return len(sum) == 2*sha256.Size && lowerHex(sum)
}

func lowerHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

// full marks err with ErrFull when the disk or the quota is used up.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, errQuota) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
