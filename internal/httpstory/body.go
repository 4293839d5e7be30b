package httpstory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A body is what a request carries, as the story describes it.
type body struct {
	no     int
	kind   string // "", raw, file, multipart, urlencoded
	text   string // raw text, or the file's name
	fields []field
}

// encode gives the bytes and the Content-Type that belongs to them, if any.
func (b *body) encode(vars *scope) ([]byte, string, error) {
	switch b.kind {
	case "raw":
		text, err := vars.expand(b.text)
		return []byte(text), "", err
	case "file":
		data, err := vars.file(b.text)
		return data, "", err
	case "multipart":
		return b.multipart(vars)
	case "urlencoded":
		return b.urlencoded(vars)
	}
	return nil, "", nil
}

func (b *body) urlencoded(vars *scope) ([]byte, string, error) {
	var pairs []string
	for _, f := range b.fields {
		name, value, err := f.expand(vars)
		if err != nil {
			return nil, "", err
		}
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(unquote(value)))
	}
	return []byte(strings.Join(pairs, "&")), "application/x-www-form-urlencoded", nil
}

func (b *body) multipart(vars *scope) ([]byte, string, error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, f := range b.fields {
		name, value, err := f.expand(vars)
		if err != nil {
			return nil, "", err
		}
		if strings.HasPrefix(value, "@") {
			err = addFile(w, name, value, vars)
		} else {
			err = w.WriteField(name, unquote(value))
		}
		if err != nil {
			return nil, "", fmt.Errorf("part %s: %w", name, err)
		}
	}
	err := w.Close()
	return buf.Bytes(), w.FormDataContentType(), err
}

func (f field) expand(vars *scope) (name, value string, err error) {
	if name, err = vars.expand(f.name); err == nil {
		value, err = vars.expand(f.value)
	}
	return name, value, err
}

// unquote reads a value in double quotes as a JSON string; any other value is
// what it says, quotes within it included.
func unquote(value string) string {
	var s string
	if strings.HasPrefix(value, `"`) && json.Unmarshal([]byte(value), &s) == nil {
		return s
	}
	return value
}

var filePart = regexp.MustCompile(`^@("(?:[^"\\]|\\.)*"|\S+)(?: +([a-zA-Z0-9.+-]+/[a-zA-Z0-9.+-]+))?(?: +as +(.+?)| +(=)(?: (.*))?)?$`)

// addFile writes a part described as: @name [type] [= text | as other name].
func addFile(w *multipart.Writer, part, value string, vars *scope) error {
	m := filePart.FindStringSubmatch(value)
	if m == nil {
		return fmt.Errorf("want @name type = text, or @file type as name; have %q", value)
	}
	name, kind, as, inline, text := unquote(m[1]), m[2], m[3], m[4] != "", m[5]
	if kind == "" {
		kind = "application/octet-stream"
	}
	var data []byte
	if inline {
		data = []byte(unquote(text))
	} else {
		var err error
		if data, err = vars.file(name); err != nil {
			return err
		}
		name = filepath.Base(name)
		if as != "" {
			name = unquote(as)
		}
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", multipart.FileContentDisposition(part, name))
	h.Set("Content-Type", kind)
	out, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return err
}

// file reads a file that lies beside the story.
func (v *scope) file(name string) ([]byte, error) {
	name, err := v.expand(name)
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(v.dir, name)
	}
	return os.ReadFile(name)
}
