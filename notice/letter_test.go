package notice_test

import (
	"bytes"
	"context"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode"

	"styk/connect"
	"styk/connect/connecttest"
	"styk/notice"
)

// sized gives f other bytes.
func sized(f connect.File, n int) connect.File {
	content := bytes.Repeat([]byte("styk"), n/4+1)[:n]
	f.Size, f.SHA256 = int64(n), ""
	f.Open = func(context.Context) (io.ReadSeekCloser, error) { return nopCloser{bytes.NewReader(content)}, nil }
	return f
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// read parses a letter with the standard library.
func read(t *testing.T, raw []byte) *mail.Message {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func decoded(t *testing.T, m *mail.Message, name string) string {
	t.Helper()
	if n := len(m.Header[name]); n != 1 {
		t.Errorf("%d of %s", n, name)
	}
	text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
	if err != nil {
		t.Error(err)
	}
	return text
}

func TestTicketLetter(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password))
	p := connecttest.Parcel(7)
	p.Ticket.Mapping = notice.Kind.Mapping
	if _, err := deliver(t, open(t, settings(at, nil)), p, &connect.Memory{}); err != nil {
		t.Fatal(err)
	}
	letter := sim.State().Letters[0]
	m := read(t, letter.Raw)
	for name, want := range map[string]string{
		"Subject":        "Заявка 2611-0007-7: Не печатает касса",
		"Auto-Submitted": "auto-generated",
		"Message-Id":     "<" + p.UUID("mail."+addressHash("sales@firm.ru")) + "@firm.ru>",
		"Date":           "Sat, 21 Nov 2026 09:30:00 +0000",
	} {
		if got := decoded(t, m, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]mail.Address{
		"From":     {Name: "Компания", Address: "no-reply@firm.ru"},
		"To":       {Address: "sales@firm.ru"},
		"Reply-To": {Name: "Анна Иванова", Address: "anna@firm.ru"},
	} {
		if got, err := m.Header.AddressList(name); err != nil || len(got) != 1 || *got[0] != want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	for _, want := range []string{"Телефон: +7 (900) 123-45-67", "Касса молчит, помогите 🙏", "Форма: Обратная связь"} {
		if !strings.Contains(letter.Text, want) || !strings.Contains(letter.HTML, strings.ReplaceAll(want, "+", "&#43;")) && !strings.Contains(letter.HTML, want) {
			t.Errorf("no %q in\n%s\n%s", want, letter.Text, letter.HTML)
		}
	}
	if strings.Contains(letter.Text, p.Ticket.StatusURL) {
		t.Error("the visitor's own link went to the firm")
	}
	if got := partNames(t, m); got != "договор № 1.pdf|пусто.txt" {
		t.Errorf("got files %q", got)
	}
}

// partNames reads the attachments' names as the standard library does.
func partNames(t *testing.T, m *mail.Message) string {
	t.Helper()
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextPart()
		if err == io.EOF {
			return strings.Join(names, "|")
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.FileName() != "" {
			names = append(names, p.FileName())
		}
	}
}

// An address with a domain in Cyrillic goes out in ASCII; SMTPUTF8 is used only
// where the name before the @ needs it.
func TestInternationalAddress(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password))
	c := open(t, settings(at, nil))
	n := notice.Accepted{To: "Анна <anna@почта.рф>", Number: "1"}.Notice(notice.Russian)
	seen, err := deliver(t, c, &connect.Parcel{ID: "n", Notice: &n}, &connect.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	if got := sim.State().Letters[0].To; got != "anna@xn--80a1acny.xn--p1ai" {
		t.Errorf("got %s", got)
	}
	if strings.Contains(string(seen[0].AnswerBody), "SMTPUTF8\nC: RCPT") || !strings.Contains(string(seen[0].AnswerBody), "C: MAIL FROM:<no-reply@firm.ru> BODY=8BITMIME\n") {
		t.Errorf("got\n%s", seen[0].AnswerBody)
	}
}

func TestCyrillicMailbox(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password))
	p := connecttest.Parcel(1)
	p.Ticket.Contact.Email = "анна@почта.рф"
	c := open(t, settings(at, map[string]any{"to": "продажи@почта.рф"}))
	if _, err := deliver(t, c, p, &connect.Memory{}); err != nil {
		t.Fatal(err)
	}
	m := sim.State().Letters[0]
	if m.To != "продажи@xn--80a1acny.xn--p1ai" || len(m.Header["Reply-To"]) != 0 {
		t.Errorf("got %s, %v", m.To, m.Header)
	}
}

// Whatever is typed stays inside its header, and the letter stays one letter.
func FuzzHeader(f *testing.F) {
	f.Add("Тема", "имя.pdf", "Анна", "x@y.ru")
	f.Add("a\r\nBcc: evil@x.ru", "a\r\nX: y.pdf", "b\r\nX: y", "a@b.ru\r\nBcc: c@d.ru")
	f.Add("=?utf-8?q?=0D=0ABcc:_x@y.ru?=", `"; x="`, `"<c@d.ru>, `, `"a b"@c.ru`)
	f.Add(strings.Repeat("ы", 3000), strings.Repeat("🦊", 300)+".pdf", strings.Repeat("я ", 900), "ж@почта.рф")
	f.Add("\x00\xff\u2028\u202e", "../../etc/passwd", "\u202eabc", "a@[127.0.0.1]")
	f.Add(".", "..", ".", "@")
	sim := notice.NewSim(notice.SimPatience(0))
	f.Fuzz(func(t *testing.T, topic, name, person, email string) {
		p := connecttest.Parcel(1)
		p.Ticket.Topic, p.Ticket.Fields = topic, nil
		p.Ticket.Mapping = notice.Kind.Mapping
		p.Ticket.Contact.Name, p.Ticket.Contact.Email = person, email
		p.Ticket.Files = p.Ticket.Files[:1]
		p.Ticket.Files[0].Name, p.Ticket.Files[0].MIME = name, topic
		raw := notice.ComposeForTest(t, p, "sales@firm.ru")
		m := read(t, raw)
		for header := range m.Header {
			switch header {
			case "From", "To", "Reply-To", "Subject", "Date", "Message-Id", "Mime-Version", "Content-Type",
				"Auto-Submitted", "X-Auto-Response-Suppress":
			default:
				t.Errorf("header %q appeared", header)
			}
		}
		if subject := decoded(t, m, "Subject"); strings.ContainsFunc(subject, unicode.IsControl) {
			t.Errorf("got subject %q", subject)
		}
		if got := partNames(t, m); got == "" || strings.ContainsAny(got, `/\|"`+"\r\n") {
			t.Errorf("got file %q", got)
		}
		if broken := sim.ReadForTest(raw); len(broken) > 0 {
			t.Errorf("%q in\n%s", broken, raw)
		}
	})
}

// The state and the faults by HTTP, on the port of SMTP.
func TestSimByHTTP(t *testing.T) {
	t.Parallel()
	sim := notice.NewSim(notice.SimPatience(time.Second))
	at := run(t, sim)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	post := func(body string) int {
		resp, err := client.Post("http://"+at+"/_sim/fault", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	for body, want := range map[string]int{
		`{"name":"550","times":2}`: 200, `[{"name":"slow","value":"1ms"},{"name":"calm"}]`: 200,
		`{"name":"nothing"}`: 400, `{"name":"slow","value":"x"}`: 400, `{"name":"550","times":-1}`: 400, `1`: 400,
	} {
		if got := post(body); got != want {
			t.Errorf("%s: got %d, want %d", body, got, want)
		}
	}
	if err := sim.Fault(notice.SimFault{Name: "calm"}); err != nil {
		t.Fatal(err)
	}
	c := open(t, map[string]any{"url": "smtp://" + at, "from": "a@firm.ru", "to": "b@firm.ru"})
	if _, err := deliver(t, c, connecttest.Parcel(3), &connect.Memory{}); err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get("http://" + at + "/_sim/state")
	if err != nil {
		t.Fatal(err)
	}
	body, err := connect.Read(resp)
	if err != nil || !bytes.Contains(body, []byte("Заявка 2611-0003-7")) {
		t.Errorf("got %v, %s", err, body)
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]notice.SimFault{
		"550": {Name: "550"}, "451:3": {Name: "451", Times: 3}, "slow=5s:2": {Name: "slow", Value: "5s", Times: 2},
	} {
		if got, err := notice.ParseFault(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "999", "550:0", "550:x", "550=1", "slow=x"} {
		if got, err := notice.ParseFault(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}
