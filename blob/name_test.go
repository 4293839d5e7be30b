package blob

import (
	"path"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestCleanName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Договор №5 «Ромашка».pdf":            "Договор №5 «Ромашка».pdf",
		`Акт "сверки" 'итог'.pdf`:             `Акт "сверки" 'итог'.pdf`,
		`C:\Users\Анна\Мои документы\чек.pdf`: "чек.pdf",
		"../../etc/passwd":                 "passwd",
		"/srv/www/скан 1.pdf":              "скан 1.pdf",
		"папка/":                           "папка",
		"":                                 "file",
		"///":                              "file",
		"..":                               "file",
		". .":                              "file",
		".pdf":                             "file.pdf",
		".htaccess":                        "file.htaccess",
		"a\x00b\r\nc.pdf":                  "ab c.pdf",
		"счёт\u202egpj.exe":                "счётgpj.exe",
		"\ufeffсчёт\u200b.pdf":             "счёт.pdf",
		"\xe4\xee\xe3\xee\xe2\xee\xf0.pdf": "file.pdf", // CP1251: no text we could know
		"  скан.pdf  ":                     "скан.pdf",
		"семья 👨\u200d👩\u200d👧.jpg": "семья 👨\u200d👩\u200d👧.jpg",
		"<b>x</b>.pdf":         "b>.pdf",
		"a.php.pdf":            "a.php.pdf",
		"%PDF%20%2e%2e%2f.pdf": "%PDF%20%2e%2e%2f.pdf",
	} {
		if got := CleanName(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	long := CleanName(strings.Repeat("Ж", 300) + ".pdf")
	if len(long) > maxName || len(long) < maxName-1 || !strings.HasSuffix(long, "Ж.pdf") {
		t.Errorf("long name: got %d bytes, %q", len(long), long)
	}
	if got := CleanName(strings.Repeat("x", 200) + "." + strings.Repeat("y", 200)); len(got) != maxName {
		t.Errorf("long extension: got %d bytes", len(got))
	}
}

// cleanHolds is what CleanName promises of any name.
func cleanHolds(t interface{ Errorf(string, ...any) }, in string) {
	got := CleanName(in)
	if got == "" || len(got) > maxName || !utf8.ValidString(got) {
		t.Errorf("%q: got %q, %d bytes", in, got, len(got))
	}
	if strings.ContainsAny(got, "/\\\x00") || got[0] == '.' || strings.TrimSpace(got) != got {
		t.Errorf("%q: got %q", in, got)
	}
	for _, r := range got {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("%q: %q keeps %U", in, got, r)
		}
	}
	if again := CleanName(got); again != got {
		t.Errorf("%q: %q becomes %q", in, got, again)
	}
	if ext := SafeExt(in, ""); !plainExt(ext) || runsAsText[ext] || SafeExt("x."+ext, "") != ext {
		t.Errorf("%q: extension %q", in, ext)
	}
}

func TestCleanNameHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cleanHolds(t, rapid.String().Draw(t, "text"))
		cleanHolds(t, string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		stem := rapid.StringMatching(`[а-яёА-ЯЁ0-9 "«»№()]{0,200}`).Draw(t, "stem")
		name := "А" + stem + "ж.pdf"
		if got := CleanName("/tmp/" + name); len(name) <= maxName && got != name || path.Ext(got) != ".pdf" {
			t.Errorf("%q became %q", name, got)
		}
	})
}

func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"чек.pdf", `..\..\x`, "\x00\u202e.", "\xff\xfe", strings.Repeat("Ж", 200) + ".tar.gz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) { cleanHolds(t, in) })
}

func TestSafeExt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, content, want string }{
		{"чек.PDF", "pdf", "pdf"},
		{"архив.tar.gz", "gz", "gz"},
		{"без расширения", "pdf", "pdf"},
		{"без расширения", "", "bin"},
		{"отчёт.итог", "docx", "docx"},
		{"page.html", "html", "txt"},
		{"shell.pHp", "", "txt"}, {"shell.phtml", "", "txt"}, {"x.svg", "svg", "txt"}, {"x.js", "", "txt"},
		{"setup.exe", "exe", "bin"}, {"a.jar", "", "bin"},
		{"page", "html", "txt"},
		{"x.abcdefghijk", "", "bin"},
		{"x.p df", "", "bin"}, {"x.pdf/", "pdf", "pdf"}, {"x.", "", "bin"}, {"", "", "bin"},
		{"x.php\x00.pdf", "", "pdf"},
	} {
		if got := SafeExt(c.name, c.content); got != c.want {
			t.Errorf("%q, %q: got %q, want %q", c.name, c.content, got, c.want)
		}
	}
}

func TestNewPath(t *testing.T) {
	t.Parallel()
	moscow := time.FixedZone("MSK", 3*3600)
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2023, 12, 28, 12, 0, 0, 0, moscow), "storage/2023/December/week4/"},
		{time.Date(2026, 7, 1, 0, 0, 0, 0, moscow), "storage/2026/July/week1/"},
		{time.Date(2026, 7, 7, 0, 0, 0, 0, moscow), "storage/2026/July/week1/"},
		{time.Date(2026, 7, 8, 0, 0, 0, 0, moscow), "storage/2026/July/week2/"},
		{time.Date(2026, 2, 28, 0, 0, 0, 0, moscow), "storage/2026/February/week4/"},
		{time.Date(2026, 3, 29, 0, 0, 0, 0, moscow), "storage/2026/March/week5/"},
		{time.Date(2026, 12, 31, 22, 0, 0, 0, time.UTC).In(moscow), "storage/2027/January/week1/"},
	} {
		got := NewPath(c.at, "pdf")
		if !strings.HasPrefix(got, c.want) || !ValidPath(got) || len(got) != len(c.want)+36 {
			t.Errorf("%v: got %s, want %s…", c.at, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).In(moscow)
		p := NewPath(at, SafeExt(rapid.String().Draw(t, "name"), ""))
		if !ValidPath(p) || p == NewPath(at, "pdf") {
			t.Errorf("%s is refused", p)
		}
	})
}

func TestValidPath(t *testing.T) {
	t.Parallel()
	if !ValidPath(testPath) {
		t.Error("refused the path of a file")
	}
	for _, p := range []string{
		"", "storage", "/" + testPath, testPath + "/", "./" + testPath, testPath + "\x00", testPath + " ", testPath + "\n",
		strings.ReplaceAll(testPath, "/", `\`), strings.Replace(testPath, "/week3", "//week3", 1),
		strings.Replace(testPath, "week3", "..", 1), strings.Replace(testPath, "2026", "..", 1),
		strings.Replace(testPath, "week3", "week0", 1), strings.Replace(testPath, "week3", "week6", 1), strings.Replace(testPath, "week3", "week33", 1),
		strings.Replace(testPath, "July", "july", 1), strings.Replace(testPath, "July", "Июль", 1), strings.Replace(testPath, "2026", "26", 1),
		strings.Replace(testPath, "2026", "202٦", 1), strings.Replace(testPath, "storage", "blobs", 1),
		strings.Replace(testPath, "0123", "ABCD", 1), strings.Replace(testPath, "0123", "012", 1), strings.Replace(testPath, "0123", "01234", 1),
		strings.Replace(testPath, ".pdf", "", 1), strings.Replace(testPath, ".pdf", ".", 1), strings.Replace(testPath, ".pdf", ".PDF", 1),
		strings.Replace(testPath, ".pdf", ".php", 1), strings.Replace(testPath, ".pdf", ".php.pdf", 1), strings.Replace(testPath, ".pdf", ".p%64f", 1),
	} {
		if ValidPath(p) {
			t.Errorf("%q passed", p)
		}
	}
}

func FuzzValidPath(f *testing.F) {
	for _, s := range []string{testPath, "storage/../../etc/passwd", "storage\\2026", "storage/2026/July/week3/..", testPath + "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if !ValidPath(p) {
			return
		}
		if path.Clean(p) != p || !strings.HasPrefix(p, "storage/") || strings.Count(p, "/") != 4 || strings.ContainsAny(p, "\\\x00 ") || strings.Contains(p, "..") {
			t.Errorf("%q passed", p)
		}
		if at, err := time.Parse("2006/January", strings.Join(strings.Split(p, "/")[1:3], "/")); err != nil {
			t.Errorf("%q: %v %v", p, at, err)
		}
	})
}
