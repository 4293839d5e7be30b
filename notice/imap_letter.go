package notice

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset" // windows-1251, koi8-r and the others

	"styk"
)

// What of a letter is read at most.
const (
	maxText       = 200 << 10 // bytes of words
	maxHeaders    = 256 << 10 // bytes
	maxParts      = 200
	maxFiles      = 30
	maxReferences = 50
)

// ReadLetter takes a letter apart. It never fails: of a letter that breaks every
// rule as much is read as can be.
func ReadLetter(raw []byte) *styk.Letter {
	l := &styk.Letter{Kind: styk.MessageLetter}
	r := &letterReader{letter: l}
	e, err := message.ReadWithOptions(bytes.NewReader(raw), &message.ReadOptions{MaxHeaderBytes: maxHeaders})
	if e == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		l.Subject, l.Text = "Письмо не удалось разобрать", clean(string(raw[:min(len(raw), maxText)]))
	} else {
		r.head(&e.Header)
		r.part(e, 0)
		r.words()
	}
	if l.Kind == styk.MessageBounce {
		l.Mentioned = mentioned(raw)
	}
	if l.MessageID == "" {
		sum := sha256.Sum256(raw)
		l.MessageID = "sha256-" + hex.EncodeToString(sum[:])
	}
	return l
}

// letterReader gathers what stands in the parts of a letter.
type letterReader struct {
	letter      *styk.Letter
	plain, html strings.Builder
	parts       int
}

var bracketed = regexp.MustCompile(`<([^<>\s]{1,250})>`)

// ids reads Message-IDs, those that any program could have written.
func ids(text string) (list []string) {
	for _, m := range bracketed.FindAllStringSubmatch(text, -1) {
		list = append(list, clean(m[1]))
	}
	return list
}

func (r *letterReader) head(h *message.Header) {
	l := r.letter
	if own := ids(h.Get("Message-Id")); len(own) > 0 {
		l.MessageID = own[0]
	}
	l.References = append(ids(h.Get("References")), ids(h.Get("In-Reply-To"))...)
	l.References = l.References[max(0, len(l.References)-maxReferences):]
	l.Subject = shorten(flatten(clean(headerText(h, "Subject"))), 300)
	l.From, l.Name = sender(h)
	if at, err := mail.ParseDate(h.Get("Date")); err == nil && at.Year() > 1990 && at.Year() < 2200 {
		l.Date = at
	}
	l.Kind = kindOf(h, l)
}

// headerText reads a header; eight bits without any encoding are common in the
// country, and are windows-1251 when they are no UTF-8.
func headerText(h *message.Header, name string) string {
	text, err := h.Text(name)
	if err != nil && text == "" {
		text = h.Get(name)
	}
	return fromBytes(text)
}

func fromBytes(text string) string {
	if strings.ToValidUTF8(text, "") == text {
		return text
	}
	r, err := charset.Reader("windows-1251", strings.NewReader(text))
	if err != nil {
		return text
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return text
	}
	return string(b)
}

// sender gives who wrote: his address in lower case, and his name.
func sender(h *message.Header) (address, name string) {
	text := headerText(h, "From")
	if a, err := parseAddresses(text); err == nil && len(a) > 0 {
		return strings.ToLower(a[0].Address), shorten(flatten(clean(a[0].Name)), 100)
	}
	if m := bracketed.FindStringSubmatch(text); m != nil { // the name is written against the rules
		if a, err := parseAddress(m[1]); err == nil {
			before, _, _ := strings.Cut(text, "<")
			return strings.ToLower(a.Address), shorten(flatten(clean(strings.Trim(before, `" `))), 100)
		}
	}
	return "", shorten(flatten(clean(text)), 100)
}

// machineSubjects begin the subjects of programs that set no header.
var machineSubjects = []string{"автоответ", "автоматический ответ", "automatic reply", "autoreply", "auto-reply", "auto reply",
	"out of office", "out of the office", "вне офиса", "отсутствует на рабочем месте"}

// kindOf tells letters of machines (RFC 3834, RFC 3464, and what older programs do).
func kindOf(h *message.Header, l *styk.Letter) styk.MessageKind {
	lower := func(name string) string { return strings.ToLower(strings.TrimSpace(h.Get(name))) }
	content, params, _ := h.ContentType()
	local, _, _ := strings.Cut(l.From, "@")
	report := content == "multipart/report" && strings.EqualFold(params["report-type"], "delivery-status")
	if report || lower("X-Failed-Recipients") != "" || slices.Contains([]string{"mailer-daemon", "postmaster"}, local) ||
		lower("Return-Path") == "<>" && lower("Auto-Submitted") != "auto-replied" {
		return styk.MessageBounce
	}
	auto, _, _ := strings.Cut(lower("Auto-Submitted"), ";")
	subject := strings.ToLower(l.Subject)
	switch {
	case auto != "" && auto != "no",
		slices.Contains([]string{"bulk", "junk", "list", "auto_reply"}, lower("Precedence")),
		lower("X-Autoreply") != "", lower("X-Autorespond") != "", lower("X-Auto-Response-Suppress") == "all" && lower("In-Reply-To") == "",
		lower("List-Id") != "", lower("List-Unsubscribe") != "", content == "multipart/report", lower("Feedback-Id") != "",
		slices.ContainsFunc(machineSubjects, func(s string) bool { return strings.HasPrefix(subject, s) }):
		return styk.MessageAuto
	}
	return styk.MessageLetter
}

// part reads one part and those within it.
func (r *letterReader) part(e *message.Entity, depth int) {
	if r.parts++; r.parts > maxParts || depth > 10 {
		return
	}
	if parts := e.MultipartReader(); parts != nil {
		for {
			p, err := parts.NextPart()
			if p == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return
			}
			r.part(p, depth+1)
		}
	}
	kind, params, err := e.Header.ContentType()
	if err != nil && kind == "" {
		kind = "text/plain"
	}
	disposition, about, _ := e.Header.ContentDisposition()
	name := about["filename"]
	if name == "" {
		name = params["name"]
	}
	switch {
	case (kind == "text/plain" || kind == "text/html") && disposition != "attachment" && name == "":
		into := &r.plain
		if kind == "text/html" {
			into = &r.html
		}
		r.read(into, e.Body)
	case strings.HasPrefix(kind, "message/") && disposition != "attachment", kind == "text/rfc822-headers":
		// The letter that a bounce brings back; what it was is known.
	default:
		r.file(name, kind, e.Body)
	}
}

func (r *letterReader) read(into *strings.Builder, body io.Reader) {
	if left := maxText - into.Len(); left > 0 {
		b, _ := io.ReadAll(io.LimitReader(body, int64(left))) // what came before a fault is kept
		if into.Len() > 0 {
			into.WriteString("\n")
		}
		into.WriteString(fromBytes(string(b)))
	}
}

func (r *letterReader) file(name, kind string, body io.Reader) {
	if len(r.letter.Files) >= maxFiles {
		return
	}
	content, _ := io.ReadAll(io.LimitReader(body, maxLetter))
	if len(content) == 0 {
		return
	}
	if name = fileName(decodeWords(fromBytes(name))); name == "file" {
		name = "вложение" + extensionOf(kind)
	}
	r.letter.Files = append(r.letter.Files, styk.LetterFile{Name: name, Content: content})
}

// decodeWords reads encoded words where the rules do not allow them: in the
// names of files, as many programs write them.
func decodeWords(text string) string {
	if !strings.Contains(text, "=?") {
		return text
	}
	h := message.Header{}
	h.Set("Subject", text)
	if decoded, err := h.Text("Subject"); err == nil {
		return decoded
	}
	return text
}

func extensionOf(kind string) string {
	for _, k := range [][2]string{{"application/pdf", ".pdf"}, {"image/png", ".png"}, {"image/jpeg", ".jpg"}, {"image/gif", ".gif"},
		{"text/plain", ".txt"}, {"text/html", ".html"}, {"text/calendar", ".ics"}} {
		if k[0] == kind {
			return k[1]
		}
	}
	return ".bin"
}

// words chooses what was said: plain text, else the page as text, and parts it
// from what is repeated of earlier letters.
func (r *letterReader) words() {
	text := clean(r.plain.String())
	if strings.TrimSpace(text) == "" {
		text = clean(pageText(r.html.String()))
	}
	r.letter.Text, r.letter.Quoted = parted(text)
}

var anyMessageID = regexp.MustCompile(`styk-[0-9]{1,18}-[0-9a-f]{1,40}-[0-9a-f]{24}`)

// mentioned finds our Message-IDs in the whole of a bounce.
func mentioned(raw []byte) (list []string) {
	for _, m := range anyMessageID.FindAll(raw[:min(len(raw), 1<<20)], 10) {
		list = append(list, string(m))
	}
	return list
}
