package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var linkInText = regexp.MustCompile(`http://[^\s]+/admin/link/[A-Za-z0-9_-]{40,}`)

// openLink asks for the page of a one-time link, which uses nothing up.
func openLink(t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != http.StatusOK {
		t.Errorf("the link's page: %d", a.StatusCode)
	}
	return string(body)
}

func TestPeopleGetLinks(t *testing.T) {
	t.Parallel()
	data := newFolder(t)
	mustStyk(t, "user", "add", "anna", "--role", "operator", "--data", data)
	if out, code := command(t, "user", "link", "api", "--data", data); code == exitWell {
		t.Errorf("a program got a link:\n%s", out)
	}
	p := startStyk(t, "--data", data)
	out := mustStyk(t, "user", "link", "anna", "--data", data)
	first := linkInText.FindString(p.said.String())
	if first == "" {
		t.Fatalf("the first start prints no link:\n%s", p.said.String())
	}
	if page := openLink(t, first); !strings.Contains(page, "Вы первый") {
		t.Error("the first link does not make the owner")
	}
	link := linkInText.FindString(out)
	if !strings.HasPrefix(link, p.base) {
		t.Fatalf("the running styk does not say where it is:\n%s", out)
	}
	if page := openLink(t, link); !strings.Contains(page, `value="anna"`) {
		t.Error("the link is not anna's")
	}
}
