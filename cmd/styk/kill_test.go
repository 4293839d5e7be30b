package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"styk"
	"styk/store"
	"styk/store/storetest"
)

// TestKillLosesNothingAnswered plays kill -9 under load: every number that was
// answered is a record afterwards, and no file is half written.
func TestKillLosesNothingAnswered(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		killUnderLoad(t)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		killUnderLoad(t, "--database", storetest.Postgres(t))
	})
}

func killUnderLoad(t *testing.T, more ...string) {
	data := newFolder(t, more...)
	yaml := filepath.Join(t.TempDir(), "form.yaml")
	if err := os.WriteFile(yaml, []byte(killForm), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--data", data, "--config", yaml}, more...)
	p := startStyk(t, args...)
	l := &load{acknowledged: map[string]int{}}
	l.run(t, p.base, 8, func(n int64) bool {
		if n == loadOf(150) {
			_ = p.cmd.Process.Kill()
		}
		return n > 5000
	})
	_ = p.cmd.Wait()
	if len(l.acknowledged) == 0 {
		t.Fatal("nothing was answered before the kill")
	}
	again := startStyk(t, args...)
	l.check(t, again.base)
	if out, code := command(t, append([]string{"doctor", "--data", data}, more...)...); code != exitWell || strings.Contains(out, "WRONG") {
		t.Errorf("doctor:\n%s", out)
	}
	var left []string
	for range 200 {
		if left, _ = filepath.Glob(filepath.Join(data, "storage/*/*/*/.*")); len(left) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond) // another process sweeps: there is no clock to move
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// loadOf makes loads small where the race detector makes the database slow.
func loadOf(n int64) int64 {
	if testing.Short() {
		return n / 3
	}
	return n
}

const killForm = `webforms:
  - name: Анкета
    publicid: 0123456789abcdef0123456789abcdef
    module: Contacts
    fields: [firstname, lastname, mobile, inn, code, birthday]
    files: [{part: file_1_1, title: договор}]
`

// load creates contacts and posts forms with files, and remembers what was
// answered.
type load struct {
	mu           sync.Mutex
	acknowledged map[string]int // record number → n of its phone
	pairs        []string       // codes of posts that were answered
	n            atomic.Int64
}

// run sends from many goroutines until enough says so or the server is gone.
func (l *load) run(t *testing.T, base string, workers int, enough func(n int64) bool) {
	t.Helper()
	s := mustLogIn(t, base)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				n := l.n.Add(1)
				if enough(n) || l.one(s, int(n)) != nil {
					return
				}
			}
		})
	}
	all.Wait()
}

func (l *load) one(s *site, n int) error {
	if n%5 == 0 {
		return l.post(s, n)
	}
	id, err := s.createContact(n)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged[id] = n
	return nil
}

func (l *load) post(s *site, n int) error {
	code := benchPhone(n)[8:11] + "77"
	visitor := &site{base: s.base}
	resp, err := visitor.send("/modules/Webforms/capture.php", map[string]string{
		"publicid": "0123456789abcdef0123456789abcdef", "firstname": "Анна", "lastname": "Иванова", "mobile": benchPhone(n),
		"inn": benchPhone(n)[4:6] + "0000000000"[:6] + benchPhone(n)[12:14] + benchPhone(n)[15:17], "code": code, "birthday": "1990-01-01",
	}, map[string][]byte{"file_1_1": placeholderPDF(benchPhone(n))})
	if err != nil {
		return err
	}
	var result any
	if err := readResult(resp, &result); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pairs = append(l.pairs, benchPhone(n))
	return nil
}

// check asks for everything that was answered.
func (l *load) check(t *testing.T, base string) {
	t.Helper()
	s := mustLogIn(t, base)
	for id, n := range l.acknowledged {
		var c struct{ Mobile string }
		if err := s.get("retrieve", url.Values{"id": {"12x" + id}}, &c); err != nil || c.Mobile != benchPhone(n) {
			t.Errorf("record %s was answered and is now %q, %v", id, c.Mobile, err)
		}
	}
	for _, phone := range l.pairs {
		var found []struct{ ID string }
		if err := s.get("query", url.Values{"query": {"select id from Contacts where mobile = '" + phone + "';"}}, &found); err != nil || len(found) != 1 {
			t.Errorf("the post of %s was answered: %d contacts, %v", phone, len(found), err)
		}
	}
	t.Logf("%d contacts and %d posts were answered, all are there", len(l.acknowledged), len(l.pairs))
}

// contactsOf lists what a folder holds, by number.
func contactsOf(t *testing.T, f *folder) map[styk.ID]string {
	t.Helper()
	h := openTestHouse(t, f)
	defer h.close()
	found := map[styk.ID]string{}
	err := h.db.View(context.Background(), func(tx *store.Tx) error {
		list, err := tx.Select(store.Query{Kind: styk.KindContact, Limit: 100000})
		for _, rec := range list {
			found[rec.Base().ID] = rec.(*styk.Contact).Mobile
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
