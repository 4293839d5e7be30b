package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"styk"
	"styk/store/storetest"
)

func openTestHouse(t *testing.T, f *folder) *house {
	t.Helper()
	if f.Timezone == "" {
		f.Timezone = "Europe/Moscow"
	}
	h, err := openHouse(context.Background(), f, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestBackupUnderLoad: what was answered before the backup began is in the
// folder that is restored from it, files too, whatever the engines.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		name     string
		from, to func(t *testing.T) string
	}{
		{"sqlite", inFolder, inFolder},
		{"postgres", onServer, onServer},
		{"sqlite to postgres", inFolder, onServer},
		{"postgres to sqlite", onServer, inFolder},
	} {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			backupUnderLoad(t, one.from(t), one.to(t))
		})
	}
}

func inFolder(*testing.T) string   { return "" }
func onServer(t *testing.T) string { return storetest.Postgres(t) }

func databaseFlag(address string) []string {
	if address == "" {
		return nil
	}
	return []string{"--database", address}
}

func backupUnderLoad(t *testing.T, from, to string) {
	dir := t.TempDir()
	data, file := newFolder(t, databaseFlag(from)...), filepath.Join(dir, "b.backup")
	yaml := filepath.Join(dir, "form.yaml")
	if err := os.WriteFile(yaml, []byte(killForm), 0o600); err != nil {
		t.Fatal(err)
	}
	base, end := serveHere(t, append([]string{"--data", data, "--config", yaml}, databaseFlag(from)...)...)
	l := &load{acknowledged: map[string]int{}}
	l.run(t, base, 4, func(n int64) bool { return n > loadOf(100) })
	before := &load{acknowledged: l.acknowledged, pairs: l.pairs}
	later := &load{acknowledged: map[string]int{}}
	later.n.Store(1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		later.run(t, base, 4, func(n int64) bool { return n > 1000+loadOf(300) })
	}()
	mustStyk(t, append([]string{"backup", file, "--data", data}, databaseFlag(from)...)...)
	<-ended
	end()
	fresh := filepath.Join(dir, "restored")
	mustStyk(t, append([]string{"restore", file, "--data", fresh}, databaseFlag(to)...)...)
	if out := mustStyk(t, append([]string{"doctor", "--data", fresh}, databaseFlag(to)...)...); strings.Contains(out, "WRONG") {
		t.Error(out)
	}
	found := contactsOf(t, &folder{Data: fresh, Database: to})
	for id, n := range before.acknowledged {
		number, _ := strconv.ParseInt(id, 10, 64)
		if found[styk.ID(number)] != benchPhone(n) {
			t.Errorf("record %s: %q, want %q", id, found[styk.ID(number)], benchPhone(n))
		}
	}
	// Tokens are derived of the second and good once; the load used some up in
	// this very second, and in this very process.
	for last := time.Now().Unix(); time.Now().Unix() == last; {
		time.Sleep(10 * time.Millisecond)
	}
	again, _ := serveHere(t, append([]string{"--data", fresh}, databaseFlag(to)...)...)
	before.check(t, again) // the same users and keys
}

func TestScheduledBackupIsTriedAndOldOnesGo(t *testing.T) {
	t.Parallel()
	h := openTestHouse(t, &folder{Data: filepath.Join(t.TempDir(), "data")})
	defer h.close()
	if err := fillDemo(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "backups")
	day := time.Date(2026, 11, 21, 3, 30, 0, 0, time.UTC)
	for i := range 4 {
		h.now = func() time.Time { return day.AddDate(0, 0, i) }
		if err := h.backupAndTry(t.Context(), dir, 2); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 2 || !strings.HasSuffix(files[1], "styk-20261124-063000.backup") {
		t.Errorf("kept %v", files)
	}
	if v := h.vital.get(); !v.Restored.Equal(day.AddDate(0, 0, 3)) || v.Failed != "" {
		t.Errorf("vitals %+v", v)
	}
}

// TestDamagedFileIsToldNotBackedUp: bytes that are not what their name says
// make no backup that looks well.
func TestDamagedFileIsToldNotBackedUp(t *testing.T) {
	t.Parallel()
	f := &folder{Data: filepath.Join(t.TempDir(), "data")}
	h := openTestHouse(t, f)
	if err := fillDemo(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	h.close()
	blobs, _ := filepath.Glob(filepath.Join(f.Data, "blobs", "??", "*"))
	os.Chmod(blobs[0], 0o600)
	if err := os.WriteFile(blobs[0], placeholderPDF("another text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := command(t, "backup", filepath.Join(t.TempDir(), "b"), "--data", f.Data); code != exitFailed {
		t.Errorf("backup: %d %s", code, out)
	}
	if out, code := command(t, "doctor", "--data", f.Data); code != exitFailed || !strings.Contains(out, "do not match their sum") {
		t.Errorf("doctor: %d %s", code, out)
	}
}

// TestEveryBitOfABackupCounts: a flipped bit anywhere is noticed.
func TestEveryBitOfABackupCounts(t *testing.T) {
	t.Parallel()
	h := openTestHouse(t, &folder{Data: filepath.Join(t.TempDir(), "data")})
	defer h.close()
	if err := fillDemo(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	m, err := writeBackup(t.Context(), h, &whole, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		broken := bytes.Clone(whole.Bytes())
		broken[(i*2+1)*len(broken)/25] ^= 0x10
		f := &folder{Data: filepath.Join(t.TempDir(), "data"), Timezone: "UTC"}
		done, err := restoreBackup(t.Context(), bytes.NewReader(broken), f, slog.New(slog.DiscardHandler))
		if err == nil && done.manifest.Sum != m.Sum {
			t.Errorf("a flipped bit %d was not noticed", i)
		}
		if _, there := os.Stat(filepath.Join(f.Data, databaseFile)); err != nil && there == nil {
			t.Errorf("a refused backup left a database")
		}
	}
}

func TestClockUntil(t *testing.T) {
	t.Parallel()
	moscow, _ := time.LoadLocation("Europe/Moscow")
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC) // 03:00 in Moscow
	for text, want := range map[string]time.Duration{"03:30": 30 * time.Minute, "03:00": 24 * time.Hour, "02:59": 24*time.Hour - time.Minute} {
		at, err := parseClock(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.until(now, moscow); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestBackupFromS3IntoAFolder: files that lay in S3 come back as a folder, and
// the other way.
func TestBackupFromS3IntoAFolder(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(gofakes3.New(s3mem.New(), gofakes3.WithAutoBucket(true)).Server())
	t.Cleanup(server.Close)
	place := func(bucket string) []string {
		return []string{"--files", "s3://" + bucket + "?endpoint=" + url.QueryEscape(server.URL) + "&region=us-east-1",
			"--files-access-key", "id", "--files-secret-key", "secret"}
	}
	dir := t.TempDir()
	data := newFolder(t, place("one")...)
	yaml := filepath.Join(dir, "form.yaml")
	if err := os.WriteFile(yaml, []byte(killForm), 0o600); err != nil {
		t.Fatal(err)
	}
	base, end := serveHere(t, append([]string{"--data", data, "--config", yaml}, place("one")...)...)
	l := &load{acknowledged: map[string]int{}}
	l.run(t, base, 2, func(n int64) bool { return n > 20 })
	end()
	file := filepath.Join(dir, "b.backup")
	if out := mustStyk(t, append([]string{"backup", file, "--data", data}, place("one")...)...); !strings.Contains(out, "4 files") {
		t.Error(out)
	}
	mustStyk(t, "restore", file, "--data", filepath.Join(dir, "folder"))
	mustStyk(t, append([]string{"restore", file, "--data", filepath.Join(dir, "s3")}, place("two")...)...)
	for _, args := range [][]string{{"--data", filepath.Join(dir, "folder")}, append([]string{"--data", filepath.Join(dir, "s3")}, place("two")...)} {
		if out := mustStyk(t, append([]string{"doctor"}, args...)...); !strings.Contains(out, "4 files, each as its sum says") {
			t.Error(out)
		}
	}
}
