package blob

import (
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"
)

// pdf is a small document in the shape of a PDF; text makes it one of its kind.
func pdf(text string) []byte {
	return []byte("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n% " + text +
		"\ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n")
}

func docx(t testing.TB) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"[Content_Types].xml", "word/document.xml"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte("<x/>"))
	}
	z.Close()
	return b.Bytes()
}

func TestCheckType(t *testing.T) {
	t.Parallel()
	const php = "<?php system($_GET['c']); ?>\n"
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	for name, c := range map[string]struct {
		bytes string
		ext   string
		fits  bool
	}{
		"pdf":                             {string(pdf("x")), "pdf", true},
		"pdf after a byte order mark":     {"\xef\xbb\xbf" + string(pdf("x")), "pdf", true},
		"pdf after printer lines":         {"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PDF\r\n" + string(pdf("x")), "pdf", true},
		"pdf after a line":                {"\r\n" + string(pdf("x")), "pdf", true},
		"pdf of a scanner, zeros behind":  {string(pdf("x")) + strings.Repeat("\x00", 8192), "pdf", true},
		"pdf with lines behind":           {string(pdf("x")) + strings.Repeat("\r\n", 900), "pdf", true},
		"pdf with a signature behind":     {string(pdf("x")) + strings.Repeat("s", 900), "pdf", true},
		"pdf of 1C without a last line":   {strings.TrimSpace(string(pdf("x"))), "pdf", true},
		"pdf changed twice":               {string(pdf("x")) + "4 0 obj\nendobj\nstartxref\n7\n%%EOF", "pdf", true},
		"half a pdf":                      {"%PDF-1.4\n" + strings.Repeat("stream\n", 500), "pdf", false},
		"end of a pdf":                    {"endobj\n%%EOF", "pdf", false},
		"header too late":                 {strings.Repeat(" ", 1100) + string(pdf("x")), "pdf", false},
		"empty":                           {"", "pdf", false},
		"php":                             {php, "pdf", false},
		"php that carries a pdf":          {php + string(pdf("x")), "pdf", false},
		"html that carries a pdf":         {"<html><script>alert(1)</script>" + string(pdf("x")), "pdf", false},
		"html with the words":             {"<!DOCTYPE html><p>%PDF-1.4 %%EOF", "pdf", false},
		"png as pdf":                      {png, "pdf", false},
		"exe as pdf":                      {"MZ\x90\x00" + strings.Repeat("\x00", 200) + "%%EOF", "pdf", false},
		"zip as pdf":                      {string(docx(t)), "pdf", false},
		"png":                             {png, "png", true},
		"png as jpg":                      {png, "jpg", false},
		"jpg as jpeg":                     {"\xff\xd8\xff\xe0\x00\x10JFIF", "jpeg", true},
		"docx":                            {string(docx(t)), "docx", true},
		"docx as zip":                     {string(docx(t)), "zip", true},
		"pdf as docx":                     {string(pdf("x")), "docx", false},
		"text":                            {"привет", "txt", true},
		"stored script":                   {php, "txt", true},
		"png as text":                     {png, "txt", false},
		"anything":                        {"\x00\x01\x02", "bin", true},
		"program kept as bin":             {"\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 60), "bin", true},
		"unlisted":                        {"\x00\x01\x02", "dwg", true},
		"unlisted with a page":            {"<html><body>x", "dwg", false},
		"unlisted with a program":         {"\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 60), "dwg", false},
		"csv":                             {"a,b\n1,2\n3,4\n", "csv", true},
		"picture that is a page (svg)":    {`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`, "png", false},
		"script with a shell's first row": {"#!/bin/sh\nrm -rf /", "sig", false},
	} {
		kind, err := CheckType(strings.NewReader(c.bytes), c.ext)
		if fits := err == nil; fits != c.fits || !fits && !errors.Is(err, ErrWrongType) {
			t.Errorf("%s: got %s %v, want it to fit: %v", name, kind, err, c.fits)
		}
	}
}

func TestSameType(t *testing.T) {
	t.Parallel()
	const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{"application/pdf", "application/pdf", true},
		{"text/plain; charset=utf-8", "text/plain", true},
		{"application/zip", docx, true}, {docx, "application/zip", true},
		{"text/plain", "text/csv", true},
		{"text/plain", "text/html", false}, {"text/plain", "text/x-php", false},
		{"application/pdf", "text/plain", false}, {"text/plain", "application/pdf", false},
		{"application/octet-stream", "application/pdf", false},
		{"image/png", "image/jpeg", false}, {"image/png", "no such thing", false}, {"", "image/png", false},
	} {
		if got := SameType(c.old, c.new); got != c.same {
			t.Errorf("%s to %s: got %v", c.old, c.new, got)
		}
	}
}

func FuzzCheckType(f *testing.F) {
	f.Add(pdf("x"), "pdf")
	f.Add([]byte("<?php ?>%PDF-1.4\n%%EOF"), "pdf")
	f.Add(docx(f), "docx")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, b []byte, ext string) {
		kind, err := CheckType(bytes.NewReader(b), ext)
		if err != nil && !errors.Is(err, ErrWrongType) {
			t.Fatal(err)
		}
		if kind == "" || strings.Contains(kind, ";") {
			t.Errorf("type %q", kind)
		}
		if ext != "pdf" || err != nil {
			return
		}
		at := bytes.Index(b, []byte("%PDF-"))
		if at < 0 || at > 1024 || bytes.Contains(b[:at], []byte("<")) || !bytes.Contains(b, []byte("%%EOF")) {
			t.Errorf("%q passed as PDF", b)
		}
	})
}
