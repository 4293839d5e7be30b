package cookie

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"styk/connect"
)

// build makes the HTTP request of q. file may be nil where q needs none.
func (c *connector) build(ctx context.Context, q *request, data map[string]any, file *connect.File) (*http.Request, error) {
	path, err := q.path.render(data)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(strings.TrimRight(c.base.String(), "/") + path)
	if err != nil || target.Host != c.base.Host {
		return nil, fmt.Errorf("path %q leaves the system", path)
	}
	query, err := renderMap(q.query, data)
	if err != nil {
		return nil, err
	}
	target.RawQuery = encode(query)
	content, err := c.content(ctx, q, data, file)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, q.method(), target.String(), content.body)
	if err != nil {
		content.close()
		return nil, err
	}
	req.ContentLength = content.size
	if content.size == 0 {
		content.close()
		req.Body = http.NoBody
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "styk")
	if content.kind != "" {
		req.Header.Set("Content-Type", content.kind)
	}
	for _, headers := range []map[string]*text{c.recipe.headers, q.headers} {
		values, err := renderMap(headers, data)
		if err != nil {
			content.close()
			return nil, err
		}
		for name, value := range values {
			req.Header.Set(name, strings.Map(headerRune, value))
		}
	}
	return req, nil
}

// headerRune keeps what a visitor typed from breaking out of a header.
func headerRune(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

func renderMap(m map[string]*text, data map[string]any) (map[string]string, error) {
	out := map[string]string{}
	for name, t := range m {
		s, err := t.render(data)
		if err != nil {
			return nil, err
		}
		out[name] = s
	}
	return out, nil
}

// encode writes a query or form with %20 for spaces: some servers take + as it is.
func encode(values map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		pair := url.QueryEscape(name) + "=" + url.QueryEscape(values[name])
		parts = append(parts, strings.ReplaceAll(pair, "+", "%20"))
	}
	return strings.Join(parts, "&")
}

// errFile is inside the error about a file of ours that cannot be read.
var errFile = errors.New("open file")

// content is a body: of known size, streamed when it holds a file.
type content struct {
	kind string
	body io.ReadCloser
	size int64
}

func (c content) close() {
	if c.body != nil {
		_ = c.body.Close() // only read from
	}
}

func fixed(kind string, b []byte) content {
	return content{kind, io.NopCloser(bytes.NewReader(b)), int64(len(b))}
}

func (c *connector) content(ctx context.Context, q *request, data map[string]any, file *connect.File) (content, error) {
	switch {
	case q.json != nil:
		v, err := q.json.render(data, false)
		if err != nil {
			return content{}, err
		}
		raw, err := json.Marshal(v)
		return fixed("application/json; charset=utf-8", raw), err
	case q.Form != nil:
		values, err := renderMap(q.form, data)
		return fixed("application/x-www-form-urlencoded", []byte(encode(values))), err
	case q.Body == "file":
		f, err := file.Open(ctx)
		if err != nil {
			return content{}, fmt.Errorf("%w %s: %w", errFile, file.ID, err)
		}
		return content{file.MIME, f, file.Size}, nil
	case q.Multipart != nil:
		return multi(ctx, q, data, file)
	}
	return content{}, nil
}

// multi makes a multipart body that streams the file.
func multi(ctx context.Context, q *request, data map[string]any, file *connect.File) (content, error) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	var readers []io.Reader
	var closers []io.Closer
	size := int64(0)
	flush := func() {
		readers = append(readers, bytes.NewReader(bytes.Clone(head.Bytes())))
		size += int64(head.Len())
		head.Reset()
	}
	for _, p := range q.Multipart {
		if !p.File {
			value, err := p.value.render(data)
			if err != nil {
				return content{}, err
			}
			_ = w.WriteField(p.Name, value) // to memory
			continue
		}
		_, _ = w.CreatePart(fileHeader(p.Name, file)) // to memory
		flush()
		f, err := file.Open(ctx)
		if err != nil {
			return content{}, fmt.Errorf("%w %s: %w", errFile, file.ID, err)
		}
		readers, closers = append(readers, f), append(closers, f)
		size += file.Size
	}
	_ = w.Close() // to memory
	flush()
	return content{w.FormDataContentType(), &joined{io.MultiReader(readers...), closers}, size}, nil
}

// fileHeader names the file in UTF-8 with the three bytes escaped that would end
// the name, as browsers do.
func fileHeader(part string, f *connect.File) textproto.MIMEHeader {
	escape := strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22")
	return textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%s"`, escape.Replace(part), escape.Replace(f.Name))},
		"Content-Type":        {f.MIME},
	}
}

// joined closes the files of a multipart body.
type joined struct {
	io.Reader
	closers []io.Closer
}

func (j *joined) Close() error {
	for _, c := range j.closers {
		_ = c.Close() // only read from
	}
	return nil
}
