package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// browser is somebody with cookies.
type browser struct {
	t      *testing.T
	client *http.Client
	base   string
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, &http.Client{Jar: jar}, base}
}

func (b *browser) get(path string) (page string) {
	b.t.Helper()
	resp, err := b.client.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

var formWord = regexp.MustCompile(`name="_token" value="([0-9a-f]+)"`)

// send posts the form that stands on a page.
func (b *browser) send(path string, values url.Values) (page string) {
	b.t.Helper()
	word := formWord.FindStringSubmatch(b.get(path))
	if word == nil {
		b.t.Fatalf("no form at %s", path)
	}
	values.Set("_token", word[1])
	resp, err := b.client.PostForm(b.base+path, values)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

// TestInvitedByLetter: the link to a password leads the owner in, the letter
// that he has sent leads his colleague in, and nobody else sees its link.
func TestInvitedByLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := filepath.Join(t.TempDir(), "d")
	p := startStyk(t, "--data", data, "--config", w.yaml)
	mustStyk(t, "user", "add", "anna", "--role", "owner", "--data", data)
	said := mustStyk(t, "user", "link", "anna", "--data", data)
	path := regexp.MustCompile(linkPath + `\S+`).FindString(said)
	const password = "четыре слова подряд лучше"
	owner := newBrowser(t, p.base)
	if page := owner.send(path, url.Values{"password": {password}}); !strings.Contains(page, "anna") {
		t.Fatalf("the owner is not in:\n%s", page)
	}
	page := owner.send("/admin/staff/invite", url.Values{"name": {"boris"}, "role": {"operator"}, "email": {"boris@firm.ru"}})
	if !strings.Contains(page, "Приглашение отправлено письмом") {
		t.Fatalf("not sent:\n%s", page)
	}
	m := w.letter(t, "boris@firm.ru", "приглашают")
	link := regexp.MustCompile(regexp.QuoteMeta(p.base+linkPath) + `\S+`).FindString(m.Text)
	if link == "" {
		t.Fatalf("no link in %s", m.Text)
	}
	row := regexp.MustCompile(`href="(/admin/deliveries/\d+)"`).FindStringSubmatch(owner.get("/admin/deliveries?state=done&target=mail"))
	if row != nil && strings.Contains(owner.get(row[1]), strings.TrimPrefix(link, p.base+linkPath)) {
		t.Error("whoever sees deliveries sees the link")
	}
	boris := newBrowser(t, p.base)
	if page := boris.send(strings.TrimPrefix(link, p.base), url.Values{"password": {password}}); !strings.Contains(page, "boris") {
		t.Errorf("he is not in:\n%s", page)
	}
	mustStyk(t, "user", "codes", "boris", "--data", data) // ends his sessions
	if page := boris.get("/admin/me"); !strings.Contains(page, "/admin/login") {
		t.Error("his session lives")
	}
}
