package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// replyBox is a real IMAP server where customers' replies come.
func replyBox(t *testing.T) (address string, add func(lines ...string)) {
	t.Helper()
	users, user := imapmemserver.New(), imapmemserver.NewUser("help", "s3cret")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	users.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return users.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}}, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String(), func(lines ...string) {
		t.Helper()
		raw := imapLiteral{bytes.NewReader([]byte(strings.Join(lines, "\r\n")))}
		if _, err := user.Append("INBOX", raw, &imap.AppendOptions{Time: time.Now()}); err != nil {
			t.Error(err)
		}
	}
}

type imapLiteral struct{ *bytes.Reader }

// Size implements imap.LiteralReader.
func (l imapLiteral) Size() int64 { return l.Reader.Size() }

// deskBrowser is a browser in which the owner is logged in.
type deskBrowser struct {
	t      *testing.T
	base   string
	client http.Client
}

func (b *deskBrowser) get(path string) string {
	b.t.Helper()
	a, err := b.client.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer a.Body.Close()
	body, _ := io.ReadAll(a.Body)
	return string(body)
}

// send posts the form of a page, with the page's token.
func (b *deskBrowser) send(page, path string, pairs ...string) {
	b.t.Helper()
	q := url.Values{"_token": {cutOut(b.t, b.get(page), `name="_token" value="`)}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	a, err := b.client.PostForm(b.base+path, q)
	if err != nil {
		b.t.Fatal(err)
	}
	defer a.Body.Close()
	if body, _ := io.ReadAll(a.Body); a.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %d\n%s", path, a.StatusCode, body)
	}
}

// sees reads a page again until all of the texts stand there.
func (b *deskBrowser) sees(path string, texts ...string) (page string) {
	b.t.Helper()
	for range 1500 {
		page = b.get(path)
		missing := ""
		for _, text := range texts {
			if !strings.Contains(page, text) {
				missing = text
			}
		}
		if missing == "" {
			return page
		}
		time.Sleep(10 * time.Millisecond) // another process: there is no clock to move
	}
	b.t.Fatalf("%s never shows all of %q:\n%s", path, texts, page)
	return ""
}

func cutOut(t *testing.T, text, before string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	value, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("no %q in\n%s", before, text)
	}
	return value
}

// TestCustomerRepliesByMail: an operator answers from the ticket, the customer
// replies from his mail program under another subject, and his reply stands in
// the ticket, which is open again; the owner hears of it, once. A kill in between
// loses and doubles nothing.
func TestCustomerRepliesByMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	box, add := replyBox(t)
	text, err := os.ReadFile(w.yaml)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("owner: boss@firm.ru"), []byte(`owner: boss@firm.ru, inbox: "imap://help:s3cret@`+box+`/INBOX"`), 1)
	if err := os.WriteFile(w.yaml, text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--data", filepath.Join(t.TempDir(), "d"), "--config", w.yaml}
	p := startStyk(t, args...)
	posted := postFeedback(t, p.base, "+7 900 123-45-67", nil)

	jar, _ := cookiejar.New(nil)
	b := &deskBrowser{t: t, base: p.base, client: http.Client{Jar: jar}}
	link := strings.TrimPrefix(linkInText.FindString(p.said.String()), p.base)
	b.send(link, link, "name", "olga", "password", "четыре слова подряд лучше")
	list := b.get("/admin/tickets?q=" + posted.Number)
	ticket := regexp.MustCompile(`/admin/tickets/\d+`).FindString(list)
	const said = "Здравствуйте, Анна!\nОбновите прошивку & напишите нам."
	b.send(ticket, ticket+"/answer", "to", "anna@example.ru", "text", said, "_key", cutOut(t, b.get(ticket), `name="_key" value="`))

	m := w.letter(t, "anna@example.ru", "Обновите прошивку")
	if strings.TrimSpace(m.Text) != said || m.Header["Auto-Submitted"] != nil || !strings.Contains(m.Subject, posted.Number) {
		t.Errorf("the answer: %q, %q, %v", m.Subject, m.Text, m.Header)
	}
	b.sees(ticket, ">Отправлено<", "Ждём ответа")

	cyrillic := base64.StdEncoding.EncodeToString([]byte{0xCF, 0xEE, 0xEC, 0xEE, 0xE3, 0xEB, 0xEE, '!'}) // windows-1251
	reply := []string{"From: Anna <anna@example.ru>", "To: help@firm.ru", "Message-ID: <reply-1@example.ru>", "Subject: something else",
		"In-Reply-To: " + m.MessageID, "References: " + m.MessageID, `Content-Type: multipart/mixed; boundary="x"`, "", "--x",
		"Content-Type: text/plain; charset=windows-1251", "Content-Transfer-Encoding: base64", "", cyrillic, "--x",
		`Content-Type: application/pdf; name="check.pdf"`, "Content-Disposition: attachment", "", "%PDF-1.4", "%%EOF", "--x--"}
	add("From: anna@example.ru", "Message-ID: <vacation@example.ru>", "In-Reply-To: "+m.MessageID, "Auto-Submitted: auto-replied", "Subject: away", "", "I am away")
	add(reply...)
	add("From: Stranger <s@example.ru>", "Message-ID: <stranger@example.ru>", "Subject: Re: "+posted.Number, "", "I know the number only")
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	p = startStyk(t, args...)
	old, _ := url.Parse(b.base)
	b.base = p.base
	now, _ := url.Parse(p.base)
	jar.SetCookies(now, jar.Cookies(old)) // another port, the same cookies

	page := b.sees(ticket, "Помогло!", "check.pdf", "Автоответ")
	if !strings.Contains(page, `value="Open" selected`) || strings.Contains(page, "I know the number only") {
		t.Errorf("the ticket after the reply: %s", page)
	}
	b.sees("/admin/mail", "I know the number only")
	w.letter(t, "boss@firm.ru", "Клиент ответил: "+regexp.QuoteMeta(posted.Number))

	add(reply...) // the server shows the same letter once more
	add("From: anna@example.ru", "Message-ID: <reply-2@example.ru>", "Subject: "+strings.ReplaceAll(posted.Number, "-", " "), "", "second reply by number")
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	p = startStyk(t, args...)
	b.base = p.base
	if page = b.sees(ticket, "second reply by number"); strings.Count(page, "Помогло!") != 1 {
		t.Error("a letter was taken twice")
	}
	told := 0
	for _, one := range w.mail.State().Letters {
		if one.To == "boss@firm.ru" && strings.HasPrefix(one.Subject, "Клиент ответил") {
			told++
		}
	}
	if told > 2 {
		t.Errorf("the owner was told %d times", told)
	}
	if broken := w.mail.State().Broken; len(broken) > 0 {
		t.Errorf("letters against the rules: %v", broken)
	}
	if strings.Contains(p.said.String(), "s3cret") {
		t.Error("the mailbox's password is in the log")
	}
}
