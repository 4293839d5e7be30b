package notice

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	stdmail "net/mail"
	"net/textproto"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"styk/connect"
)

// letter is one message to one addressee.
type letter struct {
	id      string // Message-ID without its brackets
	from    *stdmail.Address
	to      *stdmail.Address
	replyTo *stdmail.Address // may be nil
	date    time.Time
	subject string
	text    string
	html    string
	files   []enclosure

	references []string // Message-IDs without brackets, oldest first
	personal   bool     // a person wrote it
}

// enclosure is a file with its bytes in hand: a letter that breaks off in the
// middle of a file must not look whole.
type enclosure struct {
	name, kind string
	content    []byte
}

// enclose reads a file.
func enclose(ctx context.Context, f connect.File) (enclosure, error) {
	r, err := f.Open(ctx)
	if err != nil {
		return enclosure{}, fmt.Errorf("open file %s: %w", f.ID, err)
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, f.Size+1))
	if err != nil {
		return enclosure{}, fmt.Errorf("read file %s: %w", f.ID, err)
	}
	if int64(len(content)) != f.Size {
		return enclosure{}, fmt.Errorf("read file %s: got %d bytes, want %d", f.ID, len(content), f.Size)
	}
	return enclosure{fileName(f.Name), mediaType(f.MIME), content}, nil
}

// compose gives the letter's source, RFC 5322.
func (l *letter) compose() ([]byte, error) {
	// Base64 is half the size of quoted-printable for Cyrillic, and survives everything.
	m := mail.NewMsg(mail.WithEncoding(mail.EncodingB64), mail.WithNoDefaultUserAgent())
	m.SetAddrHeaderFromMailAddress(mail.HeaderFrom, l.from)
	m.SetAddrHeaderFromMailAddress(mail.HeaderTo, l.to)
	if l.replyTo != nil {
		m.SetAddrHeaderFromMailAddress(mail.HeaderReplyTo, l.replyTo)
	}
	m.SetMessageIDWithValue(l.id)
	m.SetDateWithValue(l.date)
	m.Subject(l.subject)
	if n := len(l.references); n > 0 {
		m.SetGenHeader("In-Reply-To", "<"+l.references[n-1]+">")
		m.SetGenHeader("References", "<"+strings.Join(l.references, "> <")+">")
	}
	if !l.personal {
		m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation replies, no loops
		m.SetGenHeader("X-Auto-Response-Suppress", "All")  // the same for Exchange
	}
	m.SetBodyString(mail.TypeTextPlain, crlf(l.text))
	if l.html != "" {
		m.AddAlternativeString(mail.TypeTextHTML, crlf(l.html))
	}
	for _, f := range l.files {
		if err := m.AttachReader(f.name, bytes.NewReader(f.content), f.headers); err != nil {
			return nil, fmt.Errorf("compose: %w", err)
		}
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("compose: %w", err)
	}
	return b.Bytes(), nil
}

// headers names the file by RFC 2231, and by the encoded word that old Outlooks
// read instead.
func (e enclosure) headers(f *mail.File) {
	f.Enc = mail.EncodingB64
	f.Header = textproto.MIMEHeader{}
	f.Header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": e.name}))
	f.Header.Set("Content-Type", e.kind+`; name="`+mime.BEncoding.Encode("utf-8", e.name)+`"`)
	f.Header.Set("Content-Transfer-Encoding", "base64")
}

// mediaType gives a type that may stand on an attachment: a letter inside a
// letter must not be base64 (RFC 2046 5.2.1).
func mediaType(kind string) string {
	kind, _, err := mime.ParseMediaType(kind)
	if err != nil || !strings.Contains(kind, "/") ||
		strings.HasPrefix(kind, "message/") || strings.HasPrefix(kind, "multipart/") {
		return "application/octet-stream"
	}
	return kind
}

// maxFileName keeps the header of the longest name within one line: a letter of
// it takes up to 12 bytes there, and a line 998 (RFC 5322 2.1.1).
const maxFileName = 60

// fileName gives a name that every system can store.
func fileName(name string) string {
	name = path.Base("/" + strings.ReplaceAll(flatten(name), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, name)
	if name = strings.Trim(name, " ."); name == "" || name == "_" {
		return "file"
	}
	ext := path.Ext(name)
	if utf8.RuneCountInString(ext) > 12 {
		ext = ""
	}
	return shorten(strings.TrimSuffix(name, ext), maxFileName-utf8.RuneCountInString(ext)) + ext
}

func crlf(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\n", "\r\n")
}
