package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"styk"
	"styk/blob"
	"styk/intake"
)

// limits bound what one post of a form may bring.
type limits struct {
	Body   int64 // bytes in all
	Text   int64 // bytes of all text, and of a JSON body
	Fields int
	Files  int
}

// formFile is a file of a post; its bytes are already stored.
type formFile struct {
	field  string
	upload intake.Upload
}

// posted is a post of a form as it came.
type posted struct {
	values map[string]string // the last of one name wins
	files  []formFile
	tokens []formToken // stand for files that came before
	drop   map[string]bool
	faults []styk.Fault // of single files; the rest of the post was read on
}

type formToken struct{ field, token string }

// bodyReader reads one post. keep stores the bytes of a file.
type bodyReader struct {
	form   *styk.Form
	limits limits
	keep   func(name string, r io.Reader) (blob.Info, error)
	out    posted
	fields int
	text   int64
}

var (
	errBroken     = errors.New("the body is malformed")
	errType       = errors.New("the body is of another type")
	errManyFields = errors.New("too many fields")
	errManyFiles  = errors.New("too many files")
)

// read takes the body in any of the three ways a form is posted. What the
// sender did wrong is one of the errors above, or *http.MaxBytesError.
func (b *bodyReader) read(r *http.Request) (*posted, error) {
	b.out = posted{values: map[string]string{}, drop: map[string]bool{}}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && media == "" {
		media = strings.ToLower(strings.TrimSpace(strings.Split(r.Header.Get("Content-Type"), ";")[0]))
	}
	switch media {
	case "multipart/form-data":
		err = b.multipart(r.Body, params["boundary"])
	case "application/x-www-form-urlencoded":
		err = b.urlencoded(r.Body)
	case "application/json":
		err = b.json(r.Body)
	default:
		return nil, errType
	}
	if err != nil {
		return nil, err
	}
	return &b.out, nil
}

// whole reads a body that holds text only.
func (b *bodyReader) whole(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, b.limits.Text+1))
	if err == nil && int64(len(text)) > b.limits.Text {
		return nil, &http.MaxBytesError{Limit: b.limits.Text}
	}
	return text, err
}

// urlencoded splits by "&" alone and takes a broken "%" as it stands, as PHP
// does: what a browser or an old program wrote is read, not refused.
func (b *bodyReader) urlencoded(r io.Reader) error {
	body, err := b.whole(r)
	if err != nil {
		return err
	}
	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if err := b.add(unescape(name), unescape(value)); err != nil {
			return err
		}
	}
	return nil
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(fromHex(s[i+1])<<4 | fromHex(s[i+2]))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func fromHex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// add takes one text.
func (b *bodyReader) add(name, value string) error {
	if b.fields++; b.fields > b.limits.Fields {
		return errManyFields
	}
	if b.text += int64(len(name) + len(value)); b.text > b.limits.Text {
		return &http.MaxBytesError{Limit: b.limits.Text}
	}
	name, value = legible(name), legible(value)
	switch field, isToken := strings.CutPrefix(name, "_file."); {
	case isToken:
		b.out.tokens = append(b.out.tokens, formToken{field, value})
	case name == "_drop":
		b.out.drop[value] = true
	default:
		b.out.values[name] = value
	}
	return nil
}

// legible makes UTF-8 of what old Russian sites send: a form on a page in
// windows-1251 is posted in it.
func legible(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	if text, err := charmap.Windows1251.NewDecoder().String(s); err == nil {
		return text
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

func (b *bodyReader) multipart(r io.Reader, boundary string) error {
	if boundary == "" {
		return errBroken
	}
	parts := multipart.NewReader(r, boundary)
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = b.part(part)
		}
		if err != nil {
			return ofBody(err)
		}
	}
}

// ofBody tells a malformed body from one that was cut or is refused.
func ofBody(err error) error {
	var tooLarge *http.MaxBytesError
	var ours *notStored
	if err == nil || errors.As(err, &tooLarge) || errors.As(err, &ours) || styk.CodeOf(err) != "" || errors.Is(err, errManyFields) || errors.Is(err, errManyFiles) {
		return err
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

func (b *bodyReader) part(part *multipart.Part) error {
	name, fileName := part.FormName(), part.FileName()
	if fileName == "" && strings.Contains(part.Header.Get("Content-Disposition"), "filename") {
		return nil // a file input left empty
	}
	if fileName != "" {
		return b.file(legible(name), undoEscapes.Replace(legible(fileName)), part)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(io.LimitReader(part, b.limits.Text+1)); err != nil {
		return err
	}
	return b.add(name, text.String())
}

// undoEscapes takes back how browsers write quotes and line ends in file names.
var undoEscapes = strings.NewReplacer("%22", `"`, "%0D", " ", "%0A", " ")

// file stores one file of a field that the form has; others are read past.
func (b *bodyReader) file(field, name string, r io.Reader) error {
	known := b.form.Field(field)
	if known == nil || known.Type != styk.FieldFile {
		return nil
	}
	if len(b.out.files) == b.limits.Files {
		return errManyFiles
	}
	name = blob.CleanName(name)
	from := &blamed{Reader: r}
	info, err := b.keep(name, from)
	switch {
	case from.err != nil:
		return ofBody(from.err)
	case styk.CodeOf(err) == styk.TooLarge: // said at its field; the rest is still read, so that nothing typed is lost
		b.out.faults = append(b.out.faults, styk.Fault{Field: field, Rule: "max_bytes", Value: name})
		return nil
	case err != nil:
		return &notStored{err}
	}
	file := formFile{field, intake.Upload{Part: field, FileName: name, Info: info}}
	if fault := misnamed(file); fault != nil {
		b.out.faults = append(b.out.faults, *fault)
		return nil
	}
	b.out.files = append(b.out.files, file)
	return nil
}

// blamed remembers whether it was the sender who failed, or our own store.
type blamed struct {
	io.Reader
	err error
}

// Read implements io.Reader.
func (b *blamed) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// notStored is a failure of ours while a body was read.
type notStored struct{ error }

// Unwrap gives the cause.
func (e *notStored) Unwrap() error { return e.error }

// telling are the kinds of files whose bytes tell what they are.
var telling = map[string]string{"pdf": "pdf", "jpg": "jpg", "jpeg": "jpg", "png": "png", "gif": "gif", "webp": "webp"}

// misnamed looks whether a file is what its name says.
func misnamed(file formFile) *styk.Fault {
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(file.upload.FileName), "."))
	if want := telling[ext]; want == "" || file.upload.Info.Ext == want {
		return nil
	}
	return &styk.Fault{Field: file.field, Rule: "content", Value: file.upload.FileName}
}

// json takes an object of texts, numbers, flags and lists of them. A file is
// {"name": "a.pdf", "content": "<base64>"} or {"token": "…"}, or a list of such.
func (b *bodyReader) json(r io.Reader) error {
	body, err := b.whole(r)
	if err != nil {
		return err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return fmt.Errorf("%w: %v", errBroken, err)
	}
	for name, raw := range object {
		if err := b.jsonValue(name, raw); err != nil {
			return err
		}
	}
	return nil
}

// jsonFile is a file inside JSON.
type jsonFile struct {
	Name     string `json:"name"`
	FileName string `json:"filename"`
	Content  string `json:"content"` // base64, perhaps as a data: address
	Token    string `json:"token"`
}

func (b *bodyReader) jsonValue(name string, raw json.RawMessage) error {
	if list := []json.RawMessage(nil); json.Unmarshal(raw, &list) == nil && list != nil {
		return b.jsonList(name, list)
	}
	if field := b.form.Field(name); field != nil && field.Type == styk.FieldFile {
		return b.jsonFile(name, raw)
	}
	text, err := jsonText(raw)
	if err != nil {
		return err
	}
	return b.add(name, text)
}

func (b *bodyReader) jsonList(name string, list []json.RawMessage) error {
	if field := b.form.Field(name); field != nil && field.Type == styk.FieldFile {
		for _, one := range list {
			if err := b.jsonFile(name, one); err != nil {
				return err
			}
		}
		return nil
	}
	texts := make([]string, len(list))
	for i, one := range list {
		var err error
		if texts[i], err = jsonText(one); err != nil {
			return err
		}
	}
	return b.add(name, strings.Join(texts, "\n"))
}

func jsonText(raw json.RawMessage) (string, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return "", fmt.Errorf("%w: %w", errBroken, err)
	}
	switch v := value.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		if v {
			return string(styk.Yes), nil
		}
		return string(styk.No), nil
	}
	return "", fmt.Errorf("%w: a value is an object", errBroken)
}

func (b *bodyReader) jsonFile(field string, raw json.RawMessage) error {
	var token string
	var file jsonFile
	switch {
	case string(raw) == "null" || string(raw) == `""`:
		return nil
	case json.Unmarshal(raw, &token) == nil:
		return b.add("_file."+field, token)
	case json.Unmarshal(raw, &file) != nil:
		return fmt.Errorf("%w: a file is an object", errBroken)
	case file.Token != "":
		return b.add("_file."+field, file.Token)
	}
	if file.Name == "" {
		file.Name = file.FileName
	}
	if _, data, found := strings.Cut(file.Content, ";base64,"); found && strings.HasPrefix(file.Content, "data:") {
		file.Content = data
	}
	decoder := base64.NewDecoder(base64.StdEncoding, strings.NewReader(file.Content))
	return ofBody(b.file(field, file.Name, decoder))
}
