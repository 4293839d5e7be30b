package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"styk/store/storetest"
)

// TestBenchMeasuresEverything runs it in small, on both engines.
func TestBenchMeasuresEverything(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: a measurement is not for -short")
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		benchSmall(t)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		benchSmall(t, "--database", storetest.Postgres(t))
	})
}

func benchSmall(t *testing.T, more ...string) {
	cmd := exec.Command(os.Args[0], append([]string{"bench", "crm", "--contacts", "200", "--workers", "2", "--seconds", "150ms", "--dir", t.TempDir(), "--json"}, more...)...)
	cmd.Env = append(os.Environ(), asStyk+"=1")
	cmd.Stderr = &lockedBuffer{}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, cmd.Stderr)
	}
	var got struct{ Figures []benchRow }
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	figures := map[string]float64{}
	for _, r := range got.Figures {
		figures[r.Name] = r.Value
	}
	for _, name := range []string{"raw inserts into the same store", "first answer after start", "binary", "memory, idle", "login handshake",
		"CreateContact, half known", "query by mobile", "retrieve", "memory under load, highest", "ready after kill -9"} {
		if figures[name] <= 0 {
			t.Errorf("%s is %v", name, figures[name])
		}
	}
}
