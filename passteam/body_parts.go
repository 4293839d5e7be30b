package passteam

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"strconv"
	"strings"
)

// multipart reads a form sent in parts; names and values are literal there,
// though a name that was escaped all the same is understood.
func (c *collector) multipart(text, boundary string) error {
	if boundary == "" {
		return badRequest("The multipart request names no boundary.")
	}
	r := multipart.NewReader(strings.NewReader(text), boundary)
	for {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badRequest("The multipart request is broken.")
		}
		value, err := io.ReadAll(part)
		switch {
		case err != nil:
			return badRequest("The multipart request is broken.")
		case part.FileName() != "":
			c.mended(MendedFile)
		case part.FormName() == "":
			c.mended(MendedUnknown)
		default:
			c.put(c.formKey(c.utf8(part.FormName()), true), c.utf8(string(value)))
		}
	}
}

// json reads {"templateId":…,"values":{"%PHONE%":…}}; keys may also be written
// as in a form.
func (c *collector) json(text string) error {
	text = strings.TrimRight(text, " \t\r\n\x00")
	d := json.NewDecoder(strings.NewReader(text))
	var whole json.RawMessage
	if err := d.Decode(&whole); err != nil || d.InputOffset() != int64(len(text)) {
		return badRequest("The request is not JSON.")
	}
	c.member(nil, whole)
	return nil
}

// maxKeyParts: cards, number, values, name.
const maxKeyParts = 4

// member takes a JSON value that lies under key, whole objects and lists too.
func (c *collector) member(key []string, raw json.RawMessage) {
	if len(key) > maxKeyParts {
		return // of nothing that we know
	}
	switch raw[0] {
	case '{':
		c.object(key, raw)
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list) // the whole was decoded before
		for i, item := range list {
			c.member(with(key, strconv.Itoa(i)), item) // as a form would number it
		}
	default:
		c.put(key, scalar(raw))
	}
}

func (c *collector) object(key []string, raw json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(raw))
	_, _ = d.Token()
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var item json.RawMessage
		if d.Decode(&item) != nil {
			return
		}
		if key == nil {
			c.member(keyParts(name), item)
		} else {
			c.member(with(key, name), item)
		}
	}
}

func with(key []string, part string) []string {
	return append(append(make([]string, 0, len(key)+1), key...), part)
}

// scalar is a JSON value as a form would have it: numbers as they are written.
func scalar(raw json.RawMessage) string {
	if string(raw) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
