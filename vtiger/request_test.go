package vtiger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"styk"
)

type seenFile struct{ Name, FileName, Type, Body string }

// read reads a POST and collects its files.
func read(contentType, body string, limits Limits) (*Request, []seenFile, error) {
	r := httptest.NewRequest("POST", "/webservice.php?operation=x&a=query", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	var files []seenFile
	req, err := readRequest(r, limits, func(_ *Request, f *FilePart) error {
		b, err := io.ReadAll(f)
		files = append(files, seenFile{f.Name, f.FileName, f.ContentType, string(b)})
		return err
	})
	return req, files, err
}

// part writes one part of a body with the boundary B.
func part(disposition, rest, body string) string {
	return "--B\r\nContent-Disposition: form-data; " + disposition + "\r\n" + rest + "\r\n" + body + "\r\n"
}

const multipartB = "multipart/form-data; boundary=B"

func TestMultipartFields(t *testing.T) {
	t.Parallel()
	body := part(`name="operation"`, "", "login") + part(`name=user.name`, "", "api") + part(`name="list[]"`, "", "1") +
		part(`name='q'`, "", "a%20b+c;") + part(`name="файл"`, "", "й\r\n--A") + "--B--\r\n"
	for _, contentType := range []string{multipartB, `multipart/form-data; boundary="B"`, `Multipart/Form-Data;charset=utf-8; Boundary=B; x=y`} {
		req, _, err := read(contentType, body, DefaultLimits())
		if err != nil {
			t.Fatal(contentType, err)
		}
		want := `{"operation":"login","user_name":"api","list":{"0":"1"},"q":"a%20b+c;","\u0444\u0430\u0439\u043b":"\u0439\r\n--A"}`
		if got := string(dump(&req.Body).appendJSON(nil)); got != want {
			t.Errorf("%s\n got %s\nwant %s", contentType, got, want)
		}
	}
}

// File names as browsers, curl, PHP and old Windows programs write them.
func TestFileNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ disposition, name, filename string }{
		{`name="filename"; filename="a.pdf"`, "filename", "a.pdf"},
		{`name=filename; filename=a.pdf`, "filename", "a.pdf"},
		{`name="filename"; filename="Договор № 5.pdf"`, "filename", "Договор № 5.pdf"},
		{`filename="x;y=z.pdf"; name="f"`, "f", "x;y=z.pdf"},
		{`name="f"; filename="он \"Ромашка\".pdf"`, "f", `он "Ромашка".pdf`},
		{`name="f"; filename="он %22Ромашка%22.pdf"`, "f", `он "Ромашка".pdf`},
		{`name="f"; filename="100%25.pdf"`, "f", "100%25.pdf"},
		{`name="f"; filename="C:\Users\я\doc.pdf"`, "f", `C:\Users\я\doc.pdf`},
		{`name="f"; filename="O'Neil.pdf"`, "f", "O'Neil.pdf"},
		{`name=f; filename=O'Neil.pdf`, "f", "O'Neil.pdf"},
		{`name="f"; filename='a b.pdf'`, "f", "a b.pdf"},
		{`name="f"; filename="old.pdf"; filename*=UTF-8''%D1%8F%20+.pdf`, "f", "я +.pdf"},
		{`name="f"; filename*=utf-8'ru'%D1%8F.pdf`, "f", "я.pdf"},
		{`name="f"; filename="kept.pdf"; filename*=KOI8-R''%D1`, "f", "kept.pdf"},
		{`name="f"; filename*=iso-8859-1''%E9.pdf`, "f", "é.pdf"},
		{`name="file.1 x[]"; FileName=a`, "file_1_x[]", "a"},
		{`name="f"; filename="open.pdf`, "f", "open.pdf"},
	} {
		_, files, err := read(multipartB, part(c.disposition, "Content-Type: application/pdf\r\n", "DATA")+"--B--", DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", c.disposition, err)
			continue
		}
		if want := (seenFile{c.name, c.filename, "application/pdf", "DATA"}); len(files) != 1 || files[0] != want {
			t.Errorf("%s: got %+v, want %+v", c.disposition, files, want)
		}
	}
}

func TestAnEmptyFileInputIsNoFile(t *testing.T) {
	t.Parallel()
	_, files, err := read(multipartB, part(`name="f"; filename=""`, "", "")+"--B--", DefaultLimits())
	if err != nil || len(files) != 0 {
		t.Errorf("got %v, %v", files, err)
	}
}

// A file is seen with the parameters that came before it, and parameters
// behind it are read all the same.
func TestPartsComeInAnyOrder(t *testing.T) {
	t.Parallel()
	body := part(`name="a"`, "", "1") + part(`name="f"; filename="x"`, "", strings.Repeat("z", 100_000)) + part(`name="b"`, "", "2") + "--B--"
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", multipartB)
	req, err := readRequest(r, DefaultLimits(), func(sofar *Request, _ *FilePart) error { // the file is not read
		if text, _ := sofar.Body.Text("a"); text != "1" || sofar.Body.Len() != 1 {
			t.Errorf("before the file: %s", dump(&sofar.Body).appendJSON(nil))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := req.Body.Text("b"); text != "2" {
		t.Error("the field behind the file is lost")
	}
}

func TestSourcesStayApart(t *testing.T) {
	t.Parallel()
	req, _, err := read("application/x-www-form-urlencoded; charset=UTF-8", "a=body&sessionName=0&element=%7B%7D", DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	query, _ := req.Query.Text("a")
	merged, _ := req.Merged("a")
	operation, _ := req.Merged("operation")
	session, _ := req.Merged("sessionName")
	if query != "query" || merged != "body" || operation != "x" || session != "" {
		t.Errorf("got %q %q %q %q", query, merged, operation, session)
	}
}

func TestWhatPHPDoesNotRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, contentType, unread string }{
		{"POST", "application/json; charset=utf-8", "application/json"},
		{"POST", "", "no Content-Type"},
		{"GET", "application/json", ""}, // Mautic sends it: spec/vtiger.md 1.2
		{"PUT", "application/x-www-form-urlencoded", ""},
	} {
		r := httptest.NewRequest(c.method, "/?a=1", strings.NewReader("b=2"))
		r.Header.Set("Content-Type", c.contentType)
		req, err := readRequest(r, DefaultLimits(), nil)
		if err != nil || req.Unread != c.unread || req.Body.Len() != 0 || req.Query.Len() != 1 {
			t.Errorf("%s %s: got %+v, %v", c.method, c.contentType, req, err)
		}
	}
}

func TestRequestLimits(t *testing.T) {
	t.Parallel()
	small := Limits{Body: 1000, Form: 60, Fields: 2, Field: 40, Files: 1, File: 20}
	file := func(n int) string { return part(`name="f"; filename="x"`, "", strings.Repeat("z", n)) }
	field := func(n int) string { return part(`name="t"`, "", strings.Repeat("z", n)) }
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, contentType, body, field, rule string
	}{
		{"fits", multipartB, file(20) + field(40) + "--B--", "", ""},
		{"file", multipartB, file(21) + "--B--", "f", "max_bytes"},
		{"files", multipartB, file(1) + file(1) + "--B--", "f", "max_files"},
		{"field", multipartB, field(41) + "--B--", "t", "max_bytes"},
		{"fields", multipartB, field(1) + field(1) + field(1) + "--B--", "body", "max_fields"},
		{"all text", multipartB, field(35) + field(35) + "--B--", "body", "max_bytes"},
		{"body", multipartB, field(1) + file(2000) + "--B--", "body", "max_bytes"},
		{"form", form, "a=" + strings.Repeat("&", 60), "body", "max_bytes"},
		{"form field", form, "a=" + strings.Repeat("x", 41), "a", "max_bytes"},
	} {
		_, _, err := read(c.contentType, c.body, small)
		var e *styk.Error
		if c.rule == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if !errors.As(err, &e) || e.Code != styk.TooLarge || e.Faults[0].Rule != c.rule || e.Faults[0].Field != c.field {
			t.Errorf("%s: got %v, want %s %s", c.name, err, c.field, c.rule)
		}
	}
}

// The server's own limit and a body without a length are told alike.
func TestALimitSetOutside(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{multipartB, "application/x-www-form-urlencoded"} {
		r := httptest.NewRequest("POST", "/", io.NopCloser(strings.NewReader(part(`name="t"`, "", strings.Repeat("z", 500))+"--B--")))
		r.Header.Set("Content-Type", contentType)
		r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 100)
		if _, err := readRequest(r, DefaultLimits(), nil); styk.CodeOf(err) != styk.TooLarge {
			t.Errorf("%s: %v", contentType, err)
		}
	}
}

func TestBrokenMultipart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]string{
		"no boundary":              {"multipart/form-data", "x"},
		"boundary unclosed":        {`multipart/form-data; boundary="B`, "x"},
		"cut in a field":           {multipartB, "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhalf"},
		"no last boundary":         {multipartB, part(`name="a"`, "", "1")},
		"another boundary":         {multipartB, strings.ReplaceAll(part(`name="a"`, "", "1"), "--B", "--C") + "--C--"},
		"cut in a header":          {multipartB, "--B\r\nContent-Dispo"},
		"cut in a file":            {multipartB, "--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nhalf"},
		"no name":                  {multipartB, "--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--"},
		"bytes that are not UTF-8": {"multipArt/form-dAtA \x99\x91\xd00 BoundArY", "0"},
		"no header":                {multipartB, "--B\r\n:\r\n\r\nx\r\n--B--"},
	} {
		_, _, err := read(c[0], c[1], DefaultLimits())
		if styk.CodeOf(err) != styk.Invalid || ruleOf(err) != "multipart" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := read(multipartB, "", DefaultLimits()); err != nil {
		t.Errorf("an empty body: %v", err)
	}
	if _, _, err := read(multipartB, "--B--\r\n", DefaultLimits()); err != nil {
		t.Errorf("a body without parts: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// A lost connection is not the caller's mistake.
func TestALostConnection(t *testing.T) {
	t.Parallel()
	body := io.MultiReader(strings.NewReader("--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nhalf"), brokenPipe{})
	r := httptest.NewRequest("POST", "/", body)
	r.Header.Set("Content-Type", multipartB)
	if _, err := readRequest(r, DefaultLimits(), nil); err == nil || styk.CodeOf(err) != "" {
		t.Errorf("got %v", err)
	}
}

func TestOnFileMayRefuse(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no session")
	r := httptest.NewRequest("POST", "/", strings.NewReader(part(`name="f"; filename="x"`, "", "data")+"--B--"))
	r.Header.Set("Content-Type", multipartB)
	if _, err := readRequest(r, DefaultLimits(), func(*Request, *FilePart) error { return refusal }); err != refusal {
		t.Errorf("got %v", err)
	}
}

// What Go's own writer writes is read back, whatever the bytes.
func TestMultipartRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.String(), 0, 5).Draw(t, "texts")
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		filename := rapid.StringMatching(`[а-яa-z "%;'=]{1,20}[a-z]`).Draw(t, "filename")
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for i, text := range texts {
			w.WriteField(fmt.Sprintf("t%d", i), text)
		}
		file, _ := w.CreateFormFile("f", filename)
		file.Write(data)
		w.Close()
		req, files, err := read(w.FormDataContentType(), body.String(), DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			if got, _ := req.Body.Text(fmt.Sprintf("t%d", i)); got != text {
				t.Fatalf("field %d: %q, want %q", i, got, text)
			}
		}
		if len(files) != 1 || files[0].Body != string(data) || files[0].FileName != undoFormEscapes(filename) {
			t.Fatalf("file %+v, want %q", files, filename)
		}
	})
}

func FuzzMultipart(f *testing.F) {
	f.Add(multipartB, part(`name="a"`, "", "1")+part(`name="f"; filename="x\"y"`, "Content-Type: a/b\r\n", "zz")+"--B--")
	f.Add(multipartB, part(`name*=UTF-8''%D1; filename*=UTF-8''%FF`, "", "1")+"--B--\r\nrest")
	f.Add("multipart/form-data; boundary=", "----")
	f.Add(`multipart/form-data; boundary="--"`, "--\n\n------")
	f.Add("application/x-www-form-urlencoded", "a=%&b[c]=d")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		small := Limits{Body: 1 << 16, Form: 1 << 12, Fields: 20, Field: 1 << 10, Files: 3, File: 1 << 12}
		_, files, err := read(contentType, body, small)
		if err != nil && styk.CodeOf(err) == "" {
			t.Fatalf("not a mistake that can be told: %v", err)
		}
		for _, file := range files {
			if err == nil && (file.FileName == "" || len(file.Body) > 1<<12) {
				t.Fatalf("%+v", file)
			}
		}
	})
}

func BenchmarkReadMultipart(b *testing.B) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, name := range []string{"operation", "sessionName", "firstname", "secondname", "lastname", "mobile", "email", "tgid", "birthday", "birthplace", "mailingstreet", "inn", "requisites", "code"} {
		w.WriteField(name, "Пупкинидзе Василий")
	}
	w.Close()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/webservice.php", bytes.NewReader(body.Bytes()))
		r.Header.Set("Content-Type", w.FormDataContentType())
		if _, err := readRequest(r, DefaultLimits(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
