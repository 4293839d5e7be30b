package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"styk"
	"styk/store/storetest"
)

// fillDump stores something in many tables, with odd values.
func fillDump(t *testing.T, db *DB) {
	t.Helper()
	addUser(t, db, "api")
	for _, kind := range styk.RecordKinds {
		insert(t, db, filled(kind))
	}
	odd := &styk.Contact{LastName: "<&>\u2028\"\\ 😀", Mobile: "9491234511", Text: "две\nстроки\t\r"}
	insert(t, db, odd)
	must(t, db.Update(t.Context(), func(tx *Tx) error {
		if err := tx.Delete(&styk.Contact{Entity: styk.Entity{ID: odd.ID}}, seller); err != nil {
			return err
		}
		if err := tx.SaveCode("77", "1", odd.ID, 0, true); err != nil {
			return err
		}
		if err := tx.Missed(GuessLogin, "x"); err != nil {
			return err
		}
		return tx.SaveSubmission(&Submission{Form: "f", Contact: odd.ID}, nil)
	}))
}

// content gives every row of every table as text, in a fixed order.
func content(t *testing.T, db *DB) map[string][]string {
	t.Helper()
	var out bytes.Buffer
	_, err := db.Dump(t.Context(), &out)
	must(t, err)
	all, table := map[string][]string{}, ""
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, `{"table"`) {
			table = line
		} else if line[0] == '[' {
			all[table] = append(all[table], line)
		}
	}
	return all
}

func sameContent(t *testing.T, got, want map[string][]string) {
	t.Helper()
	count := map[string]int{}
	for table, lines := range want {
		for _, l := range lines {
			count[table+l]++
		}
	}
	for table, lines := range got {
		for _, l := range lines {
			count[table+l]--
		}
	}
	for line, n := range count {
		if n != 0 {
			t.Errorf("%+d times %s", n, line)
		}
	}
}

// eachPair runs a test from each engine to each.
func eachPair(t *testing.T, test func(t *testing.T, from *DB, to string)) {
	t.Helper()
	eachDB(t, func(t *testing.T, from *DB) {
		eachAddress(t, func(t *testing.T, to string) { test(t, from, to) })
	})
}

func TestDumpComesBackOnEitherEngine(t *testing.T) {
	t.Parallel()
	t.Run("engines", func(t *testing.T) {
		eachPair(t, func(t *testing.T, from *DB, to string) {
			if from.Engine() == "sqlite" { // each pair has its own source
				from = openTest(t, Options{Database: filepath.Join(t.TempDir(), "from.db")})
			} else {
				from = openTest(t, Options{Database: storetest.Postgres(t)})
			}
			fillDump(t, from)
			var out bytes.Buffer
			m, err := from.Dump(t.Context(), &out)
			must(t, err)
			want := content(t, from)
			got, err := Restore(t.Context(), Options{Database: to}, bytes.NewReader(out.Bytes()))
			must(t, err)
			if got.Sum != m.Sum || got.Tick != m.Tick || got.Rows["contact"] != 2 || got.Rows["contact"] != m.Rows["contact"] {
				t.Errorf("got %+v, want %+v", got, m)
			}
			if _, err := Open(t.Context(), Options{Database: to, Key: NewKey()}); !errors.Is(err, ErrWrongKey) {
				t.Errorf("opens with another key: %v", err)
			}
			db := openTest(t, Options{Database: to})
			sameContent(t, content(t, db), want)
			before, after := insert(t, from, &styk.Contact{}), insert(t, db, &styk.Contact{})
			if before != after {
				t.Errorf("the numbers go on with %d, want %d", after, before)
			}
			must(t, db.View(t.Context(), func(tx *Tx) error {
				tick, err := tx.Tick()
				if tick != m.Tick+1 {
					t.Errorf("tick %d after %d", tick, m.Tick)
				}
				if err != nil {
					return err
				}
				u, err := tx.UserByName("api")
				if err == nil && u.AccessKey != "DemoKey000000001" {
					t.Errorf("key %q", u.AccessKey)
				}
				return err
			}))
			must(t, db.Update(t.Context(), func(tx *Tx) error { // tables with numbers of their own go on too
				if err := tx.Missed(GuessLogin, "y"); err != nil {
					return err
				}
				return tx.SaveSubmission(&Submission{Form: "f"}, nil)
			}))
			if _, err := Restore(t.Context(), Options{Database: to}, bytes.NewReader(out.Bytes())); !errors.Is(err, ErrNotEmpty) {
				t.Errorf("restored into a full database: %v", err)
			}
		})
	})
}

// TestDumpUnderLoad: all that was acknowledged before the dump is in it, whole
// transactions only, and writers go on meanwhile.
func TestDumpUnderLoad(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		ctx, stop := context.WithCancel(t.Context())
		l := newLedger()
		var wait, warm sync.WaitGroup
		warm.Add(8)
		for worker := range 8 {
			wait.Go(func() {
				for nth := 0; ctx.Err() == nil; nth++ {
					err := db.Update(ctx, func(tx *Tx) error {
						return tx.Insert(&styk.Contact{LastName: name(worker, nth)}, seller)
					})
					if err == nil {
						l.note(name(worker, nth), nil)
					}
					if nth == 10 {
						warm.Done()
					}
				}
			})
		}
		warm.Wait()
		l.mu.Lock()
		acknowledged := newLedger()
		for n := range l.answered {
			acknowledged.answered[n] = true
		}
		l.mu.Unlock()
		var out bytes.Buffer
		m, err := db.Dump(t.Context(), &out)
		must(t, err)
		stop()
		wait.Wait()
		to := filepath.Join(t.TempDir(), "to.db")
		_, err = Restore(t.Context(), Options{Database: to}, &out)
		must(t, err)
		acknowledged.check(t, openTest(t, Options{Database: to}))
		if m.Rows["contact"] < 88 || m.Rows["contact"] != m.Tick {
			t.Errorf("%d contacts at tick %d", m.Rows["contact"], m.Tick)
		}
	})
}

func TestDamagedDumpsAreRefused(t *testing.T) {
	t.Parallel()
	source := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
	fillDump(t, source)
	var out bytes.Buffer
	_, err := source.Dump(t.Context(), &out)
	must(t, err)
	whole := out.String()
	lines := strings.SplitAfter(whole, "\n")
	without := func(prefix string) string {
		for i, l := range lines {
			if strings.HasPrefix(l, prefix) {
				return strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
			}
		}
		t.Fatalf("no line %s", prefix)
		return ""
	}
	eachAddress(t, func(t *testing.T, to string) {
		for what, text := range map[string]string{
			"nothing":         "",
			"no dump":         "PK\x03\x04\n",
			"half":            whole[:len(whole)/2],
			"no trailer":      without(`{"rows"`),
			"no line end":     whole[:len(whole)-1],
			"a row less":      without(`[`),
			"a changed value": strings.Replace(whole, "Слово", "Олово", 1),
			"a changed sum":   strings.Replace(whole, `"sha256":"`, `"sha256":"0`, 1),
			"something after": whole + "[1]\n",
			"a short row":     strings.Replace(whole, "\n[", "\n[7,", 1),
			"a wild column":   strings.Replace(whole, `"columns":["name"`, `"columns":["name); DROP TABLE contact; --"`, 1),
			"a wild table":    strings.Replace(whole, `"name":"contact"`, `"name":"sqlite_master"`, 1),
			"an early row":    lines[0] + "[1]\n" + strings.Join(lines[1:], ""),
			"an empty line":   lines[0] + "\n" + strings.Join(lines[1:], ""),
		} {
			if _, err := Restore(t.Context(), Options{Database: to}, strings.NewReader(text)); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, text := range []string{
			strings.Replace(whole, `"format":1`, `"format":2`, 1),
			strings.Replace(whole, `"schema":`, `"schema":9999`, 1),
		} {
			if _, err := Restore(t.Context(), Options{Database: to}, strings.NewReader(text)); !errors.Is(err, ErrNewer) {
				t.Errorf("a newer dump: %v", err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Restore(ctx, Options{Database: to}, strings.NewReader(whole)); err == nil {
			t.Error("restored after the caller had gone")
		}
		if !IsPostgres(to) {
			left, _ := os.ReadDir(filepath.Dir(to))
			if len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		}
		_, err := Restore(t.Context(), Options{Database: to}, strings.NewReader(whole)) // still empty: it works
		must(t, err)
	})
}

func TestTextThatIsNoUTF8ComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := openTest(t, Options{Database: filepath.Join(dir, "a.db")})
	must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SetMeta("odd", "\xff\x00x") }))
	var out bytes.Buffer
	_, err := db.Dump(t.Context(), &out)
	must(t, err)
	_, err = Restore(t.Context(), Options{Database: filepath.Join(dir, "b.db")}, &out)
	must(t, err)
	b := openTest(t, Options{Database: filepath.Join(dir, "b.db")})
	must(t, b.View(t.Context(), func(tx *Tx) error {
		v, err := tx.Meta("odd")
		if v != "\xff\x00x" {
			t.Errorf("got %q", v)
		}
		return err
	}))
}

type brokenPipe struct{ left int }

func (w *brokenPipe) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errChangedMind
	}
	return len(p), nil
}

func TestDumpToAFullDiskSaysSo(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		fillDump(t, db)
		for _, left := range []int{0, 1000, 6000} {
			if _, err := db.Dump(t.Context(), &brokenPipe{left}); !errors.Is(err, errChangedMind) {
				t.Errorf("with room for %d bytes: %v", left, err)
			}
		}
		must(t, db.Ping(t.Context()))
	})
}

// FuzzRestore: whatever bytes come, Restore answers with an error or with a
// database that opens.
func FuzzRestore(f *testing.F) {
	source, err := Open(f.Context(), Options{Database: filepath.Join(f.TempDir(), "styk.db"), Key: testKey})
	if err != nil {
		f.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := source.Dump(f.Context(), &out); err != nil {
		f.Fatal(err)
	}
	_ = source.Close()
	f.Add(out.Bytes())
	f.Add([]byte(`{"styk":"dump","format":1,"schema":1,"tables":[{"name":"meta","columns":["name","value"]}]}` + "\n" + `{"table":"meta"}` + "\n" + `["a",{"base64":"/w=="}]` + "\n"))
	f.Add([]byte(`{"styk":"dump","format":1,"schema":-1}` + "\n{}\n"))
	f.Add([]byte(fmt.Sprintf(`{"styk":"dump","format":1,"schema":1,"tables":[{"name":"meta","columns":[]}]}%s{"table":"meta"}%s[]%s`, "\n", "\n", "\n")))
	f.Fuzz(func(t *testing.T, dump []byte) {
		path := filepath.Join(t.TempDir(), "styk.db")
		if _, err := Restore(t.Context(), Options{Database: path}, bytes.NewReader(dump)); err != nil {
			if _, e := os.Stat(path); e == nil {
				t.Errorf("refused with %v, and left a file", err)
			}
		}
	})
}
