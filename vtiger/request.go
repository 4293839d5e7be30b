package vtiger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"styk"
)

// Limits bound what one request may bring; spec/vtiger.md 1.2 has PHP's own.
type Limits struct {
	Body   int64 // bytes of the whole body
	Form   int64 // bytes of an urlencoded body, or of all text fields of a multipart one
	Fields int   // parameters of one source
	Field  int64 // bytes of one text field
	Files  int   // file parts
	File   int64 // bytes of one file
}

// DefaultLimits are PHP's counts with room for the files of a web form.
func DefaultLimits() Limits {
	return Limits{Body: 64 << 20, Form: 8 << 20, Fields: 1000, Field: 1 << 20, Files: 20, File: 50 << 20}
}

// Request is one request's parameters by their source: an operation reads its
// own from one of them only (spec/vtiger.md 1.1).
type Request struct {
	Query, Body Params

	// Unread names the media type of a body that PHP would not have read, such
	// as application/json; "" when there was none. Only POST bodies are read.
	Unread string
}

// Merged gives a parameter that may stand in either source, the body winning,
// with the rules of Params.Given. The router reads operation and sessionName
// like this.
func (r *Request) Merged(name string) (string, error) {
	if _, ok := r.Body.Get(name); ok {
		return r.Body.Given(name)
	}
	return r.Query.Given(name)
}

// readRequest reads the parameters of r as PHP does; the body is read for POST
// only, urlencoded or multipart. File parts go to onFile as they pass by, with
// what was read before them; parts come in any order. A nil onFile skips them.
// onFile need not read to the end; its error ends the reading and is returned.
//
// What the caller did wrong is a *styk.Error of code TooLarge or Invalid; any
// other error is of the connection.
func readRequest(r *http.Request, limits Limits, onFile func(*Request, *FilePart) error) (*Request, error) {
	req := &Request{}
	if err := req.Query.parseURLEncoded(r.URL.RawQuery, limits); err != nil {
		return nil, err
	}
	if r.Method != http.MethodPost || r.Body == nil || r.Body == http.NoBody {
		return req, nil
	}
	if r.ContentLength > limits.Body {
		return nil, bodyTooLarge(limits.Body)
	}
	body := &boundedBody{from: r.Body, left: limits.Body, limit: limits.Body}
	header := r.Header.Get("Content-Type")
	var err error
	switch media := mediaType(header); media {
	case "application/x-www-form-urlencoded":
		err = req.readURLEncoded(body, limits)
	case "multipart/form-data":
		err = req.readMultipart(body, header, limits, onFile)
	default:
		if req.Unread = media; media == "" {
			req.Unread = "no Content-Type"
		}
	}
	if err != nil {
		return nil, err
	}
	return req, nil
}

// mediaType cuts a Content-Type as PHP does: up to the first ";", "," or blank.
func mediaType(header string) string {
	header = strings.TrimSpace(header)
	if end := strings.IndexAny(header, ";, \t"); end >= 0 {
		header = header[:end]
	}
	return strings.ToLower(header)
}

func (req *Request) readURLEncoded(body *boundedBody, limits Limits) error {
	text, err := io.ReadAll(io.LimitReader(body, limits.Form+1))
	if err != nil {
		return body.explain(err)
	}
	if int64(len(text)) > limits.Form {
		return bodyTooLarge(limits.Form)
	}
	return req.Body.parseURLEncoded(string(text), limits)
}

// readMultipart reads the parts one after another. The parts' headers are read
// by partNames, as browsers, curl and PHP disagree with MIME there.
func (req *Request) readMultipart(body *boundedBody, header string, limits Limits, onFile func(*Request, *FilePart) error) error {
	boundary := boundaryOf(header)
	if boundary == "" || len(boundary) > 200 {
		return styk.FieldError(styk.Invalid, "body", "multipart", "multipart/form-data has no usable boundary in its Content-Type")
	}
	parts := multipart.NewReader(body, boundary)
	form := multipartForm{req: req, body: body, limits: limits, onFile: onFile}
	for {
		part, err := parts.NextRawPart()
		switch {
		case err == io.EOF, err != nil && body.read == 0 && body.err == io.EOF: // an empty body has no parts
			return nil
		case err != nil:
			return body.explain(err)
		}
		if err := form.take(part); err != nil {
			return err
		}
	}
}

// multipartForm counts what has come against the limits.
type multipartForm struct {
	req    *Request
	body   *boundedBody
	limits Limits
	onFile func(*Request, *FilePart) error

	fields, files int
	text          int64        // bytes of text fields
	buffer        bytes.Buffer // for one field after another
}

func (f *multipartForm) take(part *multipart.Part) error {
	names := partNames(part.Header.Get("Content-Disposition"))
	switch {
	case names.isFile:
		return f.takeFile(part, names)
	case !names.named:
		return styk.FieldError(styk.Invalid, "body", "multipart", "a part of the multipart body has no name")
	}
	return f.takeField(part, names.name)
}

func (f *multipartForm) takeField(part *multipart.Part, name string) error {
	if f.fields++; f.fields > f.limits.Fields {
		return limitError("body", "max_fields", "more than "+strconv.Itoa(f.limits.Fields)+" fields")
	}
	f.buffer.Reset()
	size, err := f.buffer.ReadFrom(io.LimitReader(part, f.limits.Field+1))
	if err != nil {
		return f.body.explain(err)
	}
	if size > f.limits.Field {
		return fieldTooLong(name, f.limits)
	}
	if f.text += size; f.text > f.limits.Form {
		return bodyTooLarge(f.limits.Form)
	}
	return f.req.Body.add(name, f.buffer.String())
}

func (f *multipartForm) takeFile(part *multipart.Part, names dispositionNames) error {
	if names.filename == "" { // a file input left empty
		_, err := io.Copy(io.Discard, part)
		return f.body.explain(err)
	}
	if f.files++; f.files > f.limits.Files {
		return limitError(names.name, "max_files", "more than "+strconv.Itoa(f.limits.Files)+" files")
	}
	file := &FilePart{
		Name: names.name, FileName: names.filename, ContentType: part.Header.Get("Content-Type"),
		from: part, body: f.body, left: f.limits.File, limit: f.limits.File,
	}
	if f.onFile != nil {
		if err := f.onFile(f.req, file); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, file); err != nil {
		return err
	}
	return nil
}

// FilePart is a file on its way in; it is to be read within onFile.
type FilePart struct {
	Name        string // of the part, made legal as PHP does
	FileName    string // as the sender wrote it, perhaps with a whole path: clean it
	ContentType string // as the sender wrote it: not to be believed

	from        io.Reader
	body        *boundedBody
	left, limit int64
	err         error
}

// Read gives the file's bytes. Over the limit of one file it gives a
// *styk.Error of code TooLarge.
func (f *FilePart) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.from.Read(p)
	switch f.left -= int64(n); {
	case f.left < 0:
		n, err = 0, limitError(f.Name, "max_bytes", f.Name+": the file is larger than "+strconv.FormatInt(f.limit, 10)+" bytes")
	case err != nil && err != io.EOF:
		err = f.body.explain(err)
	}
	f.err = err
	return n, err
}

// boundedBody counts the body and remembers how reading it ended, so that a
// lost connection and a malformed body can be told apart.
type boundedBody struct {
	from        io.Reader
	read        int64
	left, limit int64
	err         error
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.from.Read(p)
	b.read += int64(n)
	if b.left -= int64(n); b.left < 0 {
		n, err = 0, bodyTooLarge(b.limit)
	}
	b.err = err
	return n, err
}

// explain turns the error of a parser that reads b into what to tell the caller.
func (b *boundedBody) explain(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case b.err == nil || b.err == io.EOF:
		text := "the multipart body is malformed"
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			text = "the multipart body ends before its closing boundary"
		}
		return styk.FieldError(styk.Invalid, "body", "multipart", text)
	case errors.As(b.err, &tooLarge):
		return bodyTooLarge(tooLarge.Limit)
	case styk.CodeOf(b.err) != "":
		return b.err
	}
	return fmt.Errorf("read the body: %w", b.err)
}

func bodyTooLarge(limit int64) error {
	return limitError("body", "max_bytes", "the body is larger than "+strconv.FormatInt(limit, 10)+" bytes")
}
