package blob

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// sniffed is how many bytes from the start tell the type.
const sniffed = 3072

const (
	pdfType  = "application/pdf"
	anything = "application/octet-stream"
	zipType  = "application/zip"
	oleType  = "application/x-ole-storage" // doc, xls, ppt, msg
	textType = "text/plain"
)

// byExt says which types a file of that extension may hold; types that grew out
// of a named one (docx out of zip, csv out of plain text) count as well.
// Extensions that are not here may hold anything that no browser or system
// would run; "bin" may hold that too, since it is never given out by its type.
var byExt = map[string][]string{
	"pdf": {pdfType},
	"jpg": {"image/jpeg"}, "jpeg": {"image/jpeg"},
	"png": {"image/png"}, "gif": {"image/gif"}, "webp": {"image/webp"}, "bmp": {"image/bmp"},
	"tif": {"image/tiff"}, "tiff": {"image/tiff"},
	"heic": {"image/heic", "image/heif"}, "heif": {"image/heic", "image/heif"},
	"zip": {zipType}, "rar": {"application/x-rar-compressed"}, "7z": {"application/x-7z-compressed"}, "gz": {"application/gzip"},
	"docx": {zipType, oleType}, "xlsx": {zipType, oleType}, "pptx": {zipType, oleType}, // encrypted ones are OLE
	"odt": {zipType}, "ods": {zipType}, "odp": {zipType},
	"doc": {oleType, "text/rtf", zipType}, "xls": {oleType, zipType}, "ppt": {oleType, zipType},
	"rtf": {"text/rtf"},
	"txt": {textType},
	"bin": {anything},
}

// active are the types which a browser or a system would run. They pass only as
// txt or bin, which is what SafeExt makes of their names.
var active = []string{
	"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "text/javascript", "application/javascript",
	"text/x-php", "text/x-python", "text/x-perl", "text/x-ruby", "text/x-lua", "text/x-tcl", "text/x-shellscript",
	"application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-mach-binary",
	"application/x-java-applet", "application/java-archive", "application/vnd.android.package-archive",
	"application/x-ms-installer", "application/x-ms-shortcut", "application/x-bytecode.python", "application/x-shockwave-flash", "application/wasm",
}

// CheckType reads r and tells its type by content, whatever came in a request's
// headers. If a file stored with extension ext (without dot, as SafeExt gives
// it) must not hold such content, the error is ErrWrongType: a PDF stays a PDF.
// r is left at an arbitrary place.
func CheckType(r io.ReadSeeker, ext string) (string, error) {
	head := make([]byte, sniffed)
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("look at the type: %w", err)
	}
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", fmt.Errorf("look at the type: %w", err)
	}
	kind := sniff(head[:n])
	name := bare(kind.String())
	fits := !descends(kind, active...)
	if allowed, ok := byExt[ext]; ok {
		fits = descends(kind, allowed...)
	}
	if fits && ext == "pdf" {
		if fits, err = endsAsPDF(r); err != nil {
			return name, fmt.Errorf("look at the end of the PDF: %w", err)
		}
	}
	if !fits {
		return name, fmt.Errorf("%w: .%s holds %s", ErrWrongType, ext, name)
	}
	return name, nil
}

// SameType tells whether a file of the first media type may be replaced by one
// of the second: the same, or one grown out of the other (text and CSV, ZIP and
// DOCX), never into or out of PDF and never into something that runs.
func SameType(old, replacement string) bool {
	old, replacement = bare(old), bare(replacement)
	if old == replacement {
		return true
	}
	a, b := mimetype.Lookup(old), mimetype.Lookup(replacement)
	if a == nil || b == nil || old == pdfType || replacement == pdfType || descends(b, active...) {
		return false
	}
	return descends(a, replacement) || descends(b, old)
}

// sniff is mimetype with one doubt more: it finds "%PDF-" anywhere in the first
// 1024 bytes, where a script could carry it. Old printers and scanners put their
// own lines before it, but no markup.
func sniff(head []byte) *mimetype.MIME {
	kind := mimetype.Detect(head)
	if kind.Is(pdfType) {
		before := head[:max(0, bytes.Index(head, []byte("%PDF-")))]
		if bytes.IndexByte(before, '<') >= 0 {
			return mimetype.Detect(before)
		}
	}
	return kind
}

// endsAsPDF looks for "%%EOF" in the last KB of what is not padding: scanners
// fill up with zeros, 1C and mail gateways leave empty lines.
func endsAsPDF(r io.ReadSeeker) (bool, error) {
	const tail = 64 << 10
	size, err := r.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = r.Seek(max(0, size-tail), io.SeekStart)
	}
	if err != nil {
		return false, err
	}
	end, err := io.ReadAll(io.LimitReader(r, tail))
	if err != nil {
		return false, err
	}
	end = bytes.TrimRight(end, "\x00\x1a \t\r\n")
	return bytes.Contains(end[max(0, len(end)-1024):], []byte("%%EOF")), nil
}

// descends tells whether kind is one of types or grew out of one.
func descends(kind *mimetype.MIME, types ...string) bool {
	for ; kind != nil; kind = kind.Parent() {
		if slices.ContainsFunc(types, func(t string) bool { return kind.Is(t) }) {
			return true
		}
	}
	return false
}

// bare is a media type without its parameters.
func bare(t string) string {
	if name, _, err := mime.ParseMediaType(t); err == nil {
		return name
	}
	name, _, _ := strings.Cut(t, ";")
	return strings.ToLower(strings.TrimSpace(name))
}
