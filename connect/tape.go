package connect

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"sync"
	"unicode/utf8"
)

// A Tape keeps the beginning of a body that flows by. Of what is no text it
// keeps size and hash only, also of the files inside a multipart body.
type Tape struct {
	mu    sync.Mutex
	kind  string // media type
	limit int
	size  int64
	sum   hash.Hash
	text  bytes.Buffer
	done  bool

	// A multipart body is taken apart by a goroutine that reads the pipe;
	// stop closes the pipe and waits.
	parts  *io.PipeWriter
	parsed chan struct{}
}

// overlap is kept beyond the limit until masking is done, so that a secret which
// the limit cuts in two is still known as a whole.
const overlap = 1 << 10

// NewTape makes a Tape that keeps limit bytes of a body of this content type. It
// must be stopped.
func NewTape(limit int, contentType string) *Tape {
	kind, params, _ := mime.ParseMediaType(contentType)
	t := &Tape{kind: kind, limit: limit, sum: sha256.New()}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" {
		r, w := io.Pipe()
		t.parts, t.parsed = w, make(chan struct{})
		go t.takeApart(r, params["boundary"])
	}
	return t
}

// Write takes a piece that flows by; a nil Tape takes nothing.
func (t *Tape) Write(p []byte) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return
	}
	t.size += int64(len(p))
	if t.parts != nil {
		_, _ = t.parts.Write(p) // the reader drains to the end: it never fails
		return
	}
	if t.kind == "" || !isText(t.kind, nil) {
		t.sum.Write(p)
	}
	t.text.Write(p[:min(len(p), max(t.limit+overlap-t.text.Len(), 0))])
}

// takeApart writes a readable picture of a multipart body to t.text.
func (t *Tape) takeApart(r *io.PipeReader, boundary string) {
	defer close(t.parsed)
	defer func() { _, _ = io.Copy(io.Discard, r) }()
	parts := multipart.NewReader(r, boundary)
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return
		}
		fmt.Fprintf(&t.text, "--%s\n", part.Header.Get("Content-Disposition"))
		if part.FileName() == "" {
			room := max(t.limit+overlap-t.text.Len(), 0)
			value, _ := io.ReadAll(io.LimitReader(part, int64(room)))
			if SecretField(part.FormName()) {
				value = []byte(hidden)
			}
			t.text.Write(append(value, '\n'))
			continue
		}
		sum := sha256.New()
		n, _ := io.Copy(sum, part)
		fmt.Fprintf(&t.text, "(%d bytes, sha256 %x)\n", n, sum.Sum(nil))
	}
}

// Stop ends the recording and gives what may be stored, and the size in bytes
// of all that flowed by. It may be called while the body is still flowing; a nil
// Tape has nothing.
func (t *Tape) Stop(mask *Mask) ([]byte, int64) {
	if t == nil {
		return nil, 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.parts != nil && !t.done {
		_ = t.parts.Close()
		<-t.parsed
	}
	t.done = true
	text := t.text.Bytes()
	if t.parts == nil && !isText(t.kind, text) {
		return fmt.Appendf(nil, "(%d bytes of %s, sha256 %x)", t.size, t.kind, t.sum.Sum(nil)), t.size
	}
	// Odd bytes are replaced before masking: dropped later, they would join the
	// halves of a secret.
	shown := mask.Body(t.kind, bytes.ToValidUTF8(text, []byte("\uFFFD")))
	return bytes.ToValidUTF8(shown[:min(len(shown), t.limit)], nil), t.size
}

// isText tells whether a body may be kept as it is.
func isText(kind string, start []byte) bool {
	switch {
	case strings.HasPrefix(kind, "text/"), strings.Contains(kind, "json"), strings.Contains(kind, "xml"),
		strings.Contains(kind, "urlencoded"):
		return true
	case kind == "":
		return utf8.Valid(start)
	}
	return false
}

// tapedBody lets a body flow by a tape. end is called with nil at its end or
// when it is closed, or with the error that cut it.
type tapedBody struct {
	io.ReadCloser
	tape *Tape
	end  func(error)
}

func (b *tapedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.tape.Write(p[:n])
	switch err {
	case nil:
	case io.EOF:
		b.end(nil)
	default:
		b.end(err)
	}
	return n, err
}

func (b *tapedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end(nil)
	return err
}
