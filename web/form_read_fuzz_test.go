package web

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"styk"
	"styk/blob"
)

// FuzzReadPost: whatever comes as a body, reading ends, keeps its bounds and
// gives text that may be stored.
func FuzzReadPost(f *testing.F) {
	f.Add(urlencoded, "name=%D0%90&phone=8+900&message=50%&=&a&_drop=x")
	f.Add(asJSON, `{"name":["a",1,true,null],"file":[{"name":"a.pdf","content":"JVBERg=="},{"token":"t"},"t"]}`)
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22b.pdf\"\r\n\r\n%PDF\r\n--x--\r\n")
	f.Add("multipart/form-data; boundary=\"", "--\r\n")
	form := &styk.Form{Name: "f", Fields: seedFields()}
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest("POST", "/f/f", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		b := &bodyReader{form: form, limits: limits{Text: 1 << 10, Fields: 10, Files: 2}, keep: func(_ string, r io.Reader) (blob.Info, error) {
			_, err := io.Copy(io.Discard, r)
			return blob.Info{}, err
		}}
		p, err := b.read(r)
		if err != nil {
			return
		}
		if len(p.values) > 10 || len(p.files) > 2 {
			t.Errorf("%d values, %d files", len(p.values), len(p.files))
		}
		for name, value := range p.values {
			if !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Errorf("%q=%q is no text", name, value)
			}
		}
		for _, file := range p.files {
			if name := file.upload.FileName; name == "" || strings.ContainsAny(name, "/\\\x00") {
				t.Errorf("file name %q", name)
			}
		}
	})
}
