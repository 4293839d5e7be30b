package notice_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"styk"
	"styk/notice"
)

func letter(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n")) }

// Letters as mail programs of the country write them.
func TestReadLetter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		raw   []byte
		check func(l *styk.Letter) bool
	}{
		{"windows-1251 in base64, quoted below", letter(
			"From: =?windows-1251?B?0OXs6e3g?= <Elkin@Example.RU>", "Message-ID: <a1@mail>", "In-Reply-To: <styk-1-2-3@firm.ru>",
			"References: <first@x> <second@x>", "Subject: =?windows-1251?B?zvLi5fI=?=",
			"Content-Type: text/plain; charset=windows-1251", "Content-Transfer-Encoding: base64", "",
			"0e/g8ejh7iENCg0KMjEg7e7/4fD/IDIwMjYg4y4sIDEwOjAwLCDK7uzv4O3o/yA8aEBmLnJ1PiDv6Pjl8joNCj4g0+Tg6+7x/D8NCg=="),
			func(l *styk.Letter) bool {
				return l.From == "elkin@example.ru" && l.Subject == "Ответ" && l.MessageID == "a1@mail" && l.Text == "Спасибо!" &&
					strings.Contains(l.Quoted, "> Удалось?") && strings.HasPrefix(l.Quoted, "21 ноября") &&
					slices.Equal(l.References, []string{"first@x", "second@x", "styk-1-2-3@firm.ru"}) && l.Kind == styk.MessageLetter
			}},
		{"koi8-r", append(letter("From: a@b.ru", "Message-ID: <k@k>", "Subject: =?koi8-r?Q?=F4=C5=CD=C1?=",
			"Content-Type: text/plain; charset=koi8-r", "Content-Transfer-Encoding: 8bit", "", ""), 0xF0, 0xD2, 0xC9, 0xD7, 0xC5, 0xD4),
			func(l *styk.Letter) bool { return l.Subject == "Тема" && l.Text == "Привет" }},
		{"a page only", letter("From: a@b.ru", "Message-ID: <h@h>", "Content-Type: text/html; charset=utf-8", "",
			"<style>p{}</style><p>Добрый <b>день</b>,</p><script>alert(1)</script><p>чек не печатается&nbsp;— помогите</p>",
			"<blockquote>Вы писали это</blockquote>"),
			func(l *styk.Letter) bool {
				return l.Text == "Добрый день,\nчек не печатается — помогите" && l.Quoted == "> Вы писали это"
			}},
		{"text before page, with a file", letter("From: a@b.ru", "Message-ID: <m@m>", `Content-Type: multipart/mixed; boundary="x"`, "",
			"--x", `Content-Type: multipart/alternative; boundary="y"`, "", "--y", "Content-Type: text/plain; charset=utf-8", "", "Текст письма", "--y",
			"Content-Type: text/html", "", "<p>Не это</p>", "--y--", "--x", `Content-Type: application/pdf; name="=?utf-8?B?0JDQutGCLnBkZg==?="`,
			"Content-Disposition: attachment", "Content-Transfer-Encoding: base64", "", "JVBERi0xLjQK", "--x--"),
			func(l *styk.Letter) bool {
				return l.Text == "Текст письма" && len(l.Files) == 1 && l.Files[0].Name == "Акт.pdf" && string(l.Files[0].Content) == "%PDF-1.4\n"
			}},
		{"vacation", letter("From: a@b.ru", "Message-ID: <v@v>", "Auto-Submitted: auto-replied", "Subject: Re: x", "", "Меня нет"),
			func(l *styk.Letter) bool { return l.Kind == styk.MessageAuto }},
		{"vacation of an old program", letter("From: a@b.ru", "Message-ID: <v@v>", "Subject: =?utf-8?B?0JDQstGC0L7QvtGC0LLQtdGCOiDQvtGC0L/Rg9GB0Lo=?=", "", "Меня нет"),
			func(l *styk.Letter) bool { return l.Kind == styk.MessageAuto }},
		{"bounce", letter("From: MAILER-DAEMON@mx.ru", "Message-ID: <b@b>", `Content-Type: multipart/report; report-type=delivery-status; boundary="z"`, "",
			"--z", "", "User unknown", "--z", "Content-Type: message/rfc822", "", "Message-ID: <styk-12-a-0123456789abcdef01234567@firm.ru>", "", "x", "--z--"),
			func(l *styk.Letter) bool {
				return l.Kind == styk.MessageBounce && slices.Equal(l.Mentioned, []string{"styk-12-a-0123456789abcdef01234567"}) && l.Text == "User unknown"
			}},
		{"eight bits without a charset", append(letter("From: a@b.ru", "Message-ID: <e@e>", "", ""), 0xCF, 0xF0, 0xE8, 0xE2, 0xE5, 0xF2),
			func(l *styk.Letter) bool { return l.Text == "Привет" }},
		{"an Outlook quote", letter("From: a@b.ru", "Message-ID: <o@o>", "Content-Type: text/plain; charset=utf-8", "", "Готово.", "", "From: Компания <h@firm.ru>", "Sent: Monday", "Как дела?"),
			func(l *styk.Letter) bool { return l.Text == "Готово." && strings.HasPrefix(l.Quoted, "From:") }},
		{"an answer between quotes stays whole", letter("From: a@b.ru", "Message-ID: <i@i>", "Content-Type: text/plain; charset=utf-8", "", "> Первое?", "Да", "> Второе?", "Нет"),
			func(l *styk.Letter) bool {
				return strings.Contains(l.Text, "Да") && strings.Contains(l.Text, "Нет") && l.Quoted == ""
			}},
		{"no Message-ID", letter("From: a@b.ru", "", "x"), func(l *styk.Letter) bool { return strings.HasPrefix(l.MessageID, "sha256-") }},
		{"nothing", nil, func(l *styk.Letter) bool { return l.MessageID != "" }},
		{"what turns the direction of writing", letter("From: a@b.ru", "Message-ID: <r@r>", "Content-Type: text/plain; charset=utf-8", "", "чек\u202egnp.exe\x00"),
			func(l *styk.Letter) bool { return l.Text == "чекgnp.exe" }},
	} {
		if l := notice.ReadLetter(c.raw); !c.check(l) {
			t.Errorf("%s: %+v", c.name, l)
		}
	}
}

func FuzzReadLetter(f *testing.F) {
	seeds, err := filepath.Glob("testdata/letters/*.eml")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no letters to begin with", err)
	}
	for _, name := range seeds {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := notice.ReadLetter(raw)
		for _, text := range append([]string{l.MessageID, l.From, l.Name, l.Subject, l.Text, l.Quoted}, l.References...) {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r") {
				t.Fatalf("a text that no database takes: %q", text)
			}
		}
		if l.MessageID == "" || len(l.Text)+len(l.Quoted) > 2<<20 || len(l.References) > 50 || len(l.Files) > 30 {
			t.Fatalf("beyond its bounds: %d bytes", len(l.Text))
		}
		for _, file := range l.Files {
			if file.Name == "" || strings.ContainsAny(file.Name, "/\\\n") {
				t.Fatalf("a file called %q", file.Name)
			}
		}
	})
}
