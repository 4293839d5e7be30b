package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"styk"
	"styk/blob"
	"styk/store"
)

// TestDemoIsReadyToTry: the published key, the pair of the first document, its
// three placeholders under its titles, and the same after another start.
func TestDemoIsReadyToTry(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "demo")
	paths := ""
	for start := range 2 {
		base, end := runHere(t, "demo", "--data", data)
		s, err := logInWith(base, demoKey)
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Status string
			Files  []struct{ Title, Path string }
		}
		if err := s.post(map[string]string{"operation": "GetFilesList", "inn": demoINN, "sms": demoSMS}, nil, &list); err != nil {
			t.Fatal(err)
		}
		if list.Status != "ok" || len(list.Files) != 3 {
			t.Fatalf("got %+v", list)
		}
		for i, f := range list.Files {
			if f.Title != demoTitles[i] {
				t.Errorf("title %q, want %q", f.Title, demoTitles[i])
			}
			checkPlaceholder(t, s, f.Path, i)
		}
		if start == 1 && fmt.Sprint(list.Files) != paths {
			t.Errorf("another start has other files")
		}
		paths = fmt.Sprint(list.Files)
		end()
	}
	f := &folder{Data: data}
	if n := len(contactsOf(t, f)); n != demoCustomers+1+demoVisitors {
		t.Errorf("%d contacts", n)
	}
	checkDemoNumbers(t, f)
}

func checkPlaceholder(t *testing.T, s *site, path string, i int) {
	t.Helper()
	r, _ := http.NewRequest(http.MethodGet, s.base+"/"+path, nil)
	r.Header.Set("Authorization", "Bearer "+s.session)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if want := placeholderPDF(fmt.Sprintf("placeholder %d of 3", i+1)); !bytes.Equal(body, want) {
		t.Errorf("%s: %d, %.60q", path, resp.StatusCode, body)
	}
}

// checkDemoNumbers: invented ИНН and ОГРН whose check digits hold, and phones
// that make a key.
func checkDemoNumbers(t *testing.T, f *folder) {
	t.Helper()
	h := openTestHouse(t, f)
	defer h.close()
	err := h.db.View(t.Context(), func(tx *store.Tx) error {
		for _, kind := range styk.RecordKinds {
			list, err := tx.Select(store.Query{Kind: kind, Limit: 1000})
			if err != nil {
				return err
			}
			if len(list) == 0 && kind != styk.KindComment {
				t.Errorf("the demo has no %s", kind)
			}
			for _, rec := range list {
				if w := rec.Base().Warnings; len(w) > 0 {
					t.Errorf("%s %d bears %v", kind, rec.Base().ID, w)
				}
				if c, ok := rec.(*styk.Contact); ok {
					if _, ok := styk.ParsePhone(c.Mobile); !ok || c.INN != "" && styk.CheckINN(c.INN) != "" {
						t.Errorf("contact %d: %s %s", c.ID, c.Mobile, c.INN)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlaceholderIsAPDF: its table of objects points at them.
func TestPlaceholderIsAPDF(t *testing.T) {
	t.Parallel()
	pdf := placeholderPDF("x")
	if kind, err := blob.CheckType(bytes.NewReader(pdf), "pdf"); err != nil || kind != "application/pdf" {
		t.Fatal(kind, err)
	}
	text := string(pdf)
	_, table, _ := strings.Cut(text, "xref\n0 6\n")
	for i, line := range strings.Split(table, "\n")[1:6] {
		var at int
		if _, err := fmt.Sscanf(line, "%010d", &at); err != nil || !strings.HasPrefix(text[at:], fmt.Sprintf("%d 0 obj", i+1)) {
			t.Errorf("object %d is not at %d", i+1, at)
		}
	}
	var start int
	_, tail, _ := strings.Cut(text, "startxref\n")
	if _, err := fmt.Sscan(tail, &start); err != nil || !strings.HasPrefix(text[start:], "xref") {
		t.Errorf("startxref %d", start)
	}
}
