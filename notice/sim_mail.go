package notice

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
)

var messageID = regexp.MustCompile(`^<[^<>@\s]+@[^<>@\s]+>$`)

// readSimMail reads a letter and tells what is wrong with it.
func readSimMail(raw []byte, utf8 bool) (m SimMail, broken []string) {
	m.Raw = raw
	wrong := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	checkLines(raw, utf8, wrong)
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		wrong("RFC 5322: %v", err)
		return m, broken
	}
	m.Header = map[string][]string{}
	words := new(mime.WordDecoder)
	for name, values := range msg.Header {
		for _, v := range values {
			text, err := words.DecodeHeader(v)
			if err != nil {
				wrong("RFC 2047: %s: %v", name, err)
			}
			m.Header[name] = append(m.Header[name], text)
		}
	}
	checkHeader(msg.Header, wrong)
	m.MessageID = msg.Header.Get("Message-Id")
	m.Subject = strings.Join(m.Header["Subject"], "")
	if err := m.readPart(msg.Header.Get, msg.Body, 0); err != nil {
		wrong("MIME: %v", err)
	}
	return m, broken
}

// checkLines: RFC 5321 2.3.8 and 4.5.3.1.6, RFC 5322 2.1.1; seven bits in
// the header unless RFC 6531 was asked for.
func checkLines(raw []byte, utf8 bool, wrong func(string, ...any)) {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !utf8 && bytes.ContainsFunc(head, func(r rune) bool { return r > '~' }) {
		wrong("RFC 5322 2.2: eight bits in the header")
	}
	for i, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > 998 {
			wrong("RFC 5322 2.1.1: line %d has %d bytes", i+1, len(line))
		}
		if bytes.ContainsAny(line, "\r\n") {
			wrong("RFC 5321 2.3.8: a bare CR or LF in line %d", i+1)
		}
	}
}

// checkHeader: RFC 5322 3.6 on what must be there, once.
func checkHeader(h mail.Header, wrong func(string, ...any)) {
	for _, name := range []string{"From", "To", "Date", "Message-Id", "Subject"} {
		if n := len(h[name]); n != 1 {
			wrong("RFC 5322 3.6: %d of %s", n, name)
		}
	}
	for _, name := range []string{"From", "To", "Reply-To"} {
		if h.Get(name) == "" {
			continue
		}
		if _, err := h.AddressList(name); err != nil {
			wrong("RFC 5322 3.4: %s: %v", name, err)
		}
	}
	if _, err := h.Date(); err != nil {
		wrong("RFC 5322 3.3: %v", err)
	}
	if !messageID.MatchString(h.Get("Message-Id")) {
		wrong("RFC 5322 3.6.4: Message-ID %q", h.Get("Message-Id"))
	}
}

// readPart reads a body, or the parts of it.
func (m *SimMail) readPart(header func(string) string, body io.Reader, depth int) error {
	kind, params, err := mime.ParseMediaType(cmp.Or(header("Content-Type"), "text/plain")) // RFC 2045 5.2
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") && depth < 5 {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.readPart(p.Header.Get, p, depth+1); err != nil {
				return err
			}
		}
	}
	content, err := decodeTransfer(header("Content-Transfer-Encoding"), body)
	if err != nil {
		return err
	}
	disposition, about, _ := mime.ParseMediaType(header("Content-Disposition"))
	switch {
	case disposition == "attachment":
		sum := sha256.Sum256(content)
		m.Files = append(m.Files, SimFile{about["filename"], kind, int64(len(content)), hex.EncodeToString(sum[:])})
	case kind == "text/plain":
		m.Text = strings.ReplaceAll(string(content), "\r\n", "\n")
	case kind == "text/html":
		m.HTML = strings.ReplaceAll(string(content), "\r\n", "\n")
	default:
		return fmt.Errorf("a part of %s that is no attachment", kind)
	}
	return nil
}

func decodeTransfer(how string, body io.Reader) ([]byte, error) {
	switch strings.ToLower(how) {
	case "base64":
		return io.ReadAll(base64.NewDecoder(base64.StdEncoding, body))
	case "quoted-printable":
		return io.ReadAll(quotedprintable.NewReader(body))
	case "", "7bit", "8bit":
		return io.ReadAll(body)
	}
	return nil, fmt.Errorf("Content-Transfer-Encoding %q", how)
}
