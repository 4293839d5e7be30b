package creatio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"styk/connect"
)

// FileTypes of the shipped configuration (spec/creatio.md 2.4).
var (
	fileTypeFile = uuid.MustParse("529bc2f8-0ee0-df11-971b-001d60e938c6")
	fileTypeLink = uuid.MustParse("539bc2f8-0ee0-df11-971b-001d60e938c6")
)

// An Upload is one file on its way to a record.
type Upload struct {
	ID     uuid.UUID // ours; sending again under it rewrites the same file
	Entity string    // "CaseFile", "FeedFile", …
	Parent string    // the lookup to the record: "Case", "SocialMessage"
	Record uuid.UUID
	Name   string
	MIME   string
	Size   int64 // bytes
	Open   func(context.Context) (io.ReadSeekCloser, error)
}

// FileRefused is the CRM's "not this file": too large or of a forbidden type.
// The same bytes will be refused again; a link to them may stand instead.
type FileRefused struct {
	Code string // the CRM's, may be empty
	Text string
}

func (e *FileRefused) Error() string {
	return strings.TrimSpace("file refused: " + e.Code + " " + e.Text)
}

// errNoFileAPI: the site has no FileApiService.
var errNoFileAPI = errors.New("no FileApiService")

// Upload sends the file through FileApiService in chunks, in order; where the
// site has none, through the OData stream. After any error it may be called
// again: the bytes are sent from the start under the same identifier.
func (n *Conn) Upload(ctx context.Context, u Upload) error {
	if n.c.fileAPI() {
		err := n.uploadChunks(ctx, u)
		if !errors.Is(err, errNoFileAPI) {
			return err
		}
		n.c.mu.Lock()
		n.c.noFileAPI = true
		n.c.mu.Unlock()
	}
	_, _, err := n.Create(ctx, u.Entity, map[string]any{
		"Id": u.ID, "Name": u.Name, u.Parent + "Id": u.Record, "TypeId": fileTypeFile,
	}, "Id")
	if err != nil {
		return err
	}
	// The shell may be left over from a broken attempt: only the bytes are sent again.
	return n.put(ctx, u.Entity, u.ID, "Data", &body{size: u.Size, open: func() (io.ReadCloser, error) {
		return u.Open(ctx)
	}})
}

func (c *Client) fileAPI() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.noFileAPI
}

// uploadChunks holds one chunk in memory, so that it can be repeated under a
// new session; the file itself stays on disk.
func (n *Conn) uploadChunks(ctx context.Context, u Upload) error {
	if u.Size == 0 {
		return n.uploadEmpty(ctx, u)
	}
	f, err := u.Open(ctx)
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	defer func() { _ = f.Close() }()
	chunk := make([]byte, min(n.c.cfg.ChunkSize, u.Size))
	for from := int64(0); from < u.Size; {
		part := chunk[:min(int64(len(chunk)), u.Size-from)]
		if _, err := io.ReadFull(f, part); err != nil {
			return fmt.Errorf("read file: %w", err)
		}
		to := from + int64(len(part)) - 1
		h := http.Header{}
		h.Set("Content-Type", u.MIME)
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, u.Size))
		h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+escape(u.Name))
		if err := n.sendFile(ctx, u, h, bytesBody(part), to == u.Size-1); err != nil {
			return err
		}
		from = to + 1
	}
	return nil
}

// uploadEmpty: no Content-Range can say "no bytes", the service then wants
// multipart with a field named files (spec/creatio.md 2.7).
func (n *Conn) uploadEmpty(ctx context.Context, u Upload) error {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if _, err := form.CreateFormFile("files", u.Name); err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	if err := form.Close(); err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	h := http.Header{"Content-Type": {form.FormDataContentType()}}
	return n.sendFile(ctx, u, h, bytesBody(b.Bytes()), true)
}

func (n *Conn) sendFile(ctx context.Context, u Upload, h http.Header, b *body, last bool) error {
	const op = "upload"
	a, err := n.call(ctx, request{op: op, method: http.MethodPost, path: uploadPath, query: u.query(), header: h, body: b})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNotFound:
		return errNoFileAPI
	case a.status == http.StatusRequestEntityTooLarge:
		return &FileRefused{Code: "413", Text: "the web server in front of the CRM takes no such body"}
	case a.status < 200 || a.status > 299:
		return n.c.refused(op, a)
	}
	said := parseUpload(a.body)
	switch {
	case said.success:
		return nil
	case said.known:
		return said.refusal()
	case !last:
		return nil
	}
	// Neither yes nor no: the record tells.
	if _, err := n.Get(connect.Harmless(ctx), u.Entity, u.ID, "Id"); err != nil {
		return fmt.Errorf("%s: empty answer: %w", op, err)
	}
	return nil
}

func (u Upload) query() string {
	var b strings.Builder
	for _, p := range [][2]string{
		{"fileId", u.ID.String()},
		{"totalFileLength", strconv.FormatInt(u.Size, 10)},
		{"mimeType", u.MIME},
		{"fileName", u.Name},
		{"columnName", "Data"},
		{"entitySchemaName", u.Entity},
		{"parentColumnName", u.Parent},
		{"parentColumnValue", u.Record.String()},
	} {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p[0] + "=" + escape(p[1]))
	}
	return b.String()
}

// refusal tells missing rights from a file that will never pass, and both from
// a mishap that may mend itself.
func (a uploadAnswer) refusal() error {
	about := strings.ToLower(a.code + " " + a.text)
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(about, w) })
	}
	switch {
	case says("security", "permission", "прав на", "нет прав"):
		return connect.Because(connect.Permanent(fmt.Errorf("upload: %s %s", a.code, a.text)),
			"Нет прав на файлы CRM: выдайте права пользователю интеграции.")
	case says("maxfilesize", "size", "too large", "not allowed", "extension", "размер", "расширен", "тип файла"):
		return &FileRefused{Code: a.code, Text: a.text}
	}
	return fmt.Errorf("upload: refused: %s %s", a.code, a.text)
}

// tidyName makes a visitor's file name fit: composed letters (macOS sends them
// apart), no path, no control characters, no leading dots, not longer than 250.
func tidyName(name string) string {
	name = norm.NFC.String(strings.ToValidUTF8(name, "_"))
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	if name == "" || name == "/" {
		return "file"
	}
	if runes := []rune(name); len(runes) > 250 {
		ext := []rune(path.Ext(name))
		if len(ext) > 20 {
			ext = nil
		}
		name = string(runes[:250-len(ext)]) + string(ext)
	}
	return name
}
