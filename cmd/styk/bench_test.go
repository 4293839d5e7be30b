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

// TestBenchFormMeasuresEverything does the same for a form's way.
func TestBenchFormMeasuresEverything(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: a measurement is not for -short")
	}
	figures := benchFigures(t, "form", "--workers", "2", "--seconds", "150ms")
	for _, name := range []string{"form script", "form page", "accepted without file", "accepted with a 100 KB PDF", "delivered to an instant webhook",
		"delivered to the simulated Creatio", "the CRM's number, each of its calls 300 ms", "our number while the CRM is dead, wait 4 s"} {
		if figures[name] <= 0 {
			t.Errorf("%s is %v", name, figures[name])
		}
	}
}

// TestBenchCardMeasuresEverything does the same for cards.
func TestBenchCardMeasuresEverything(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: a measurement is not for -short")
	}
	figures := benchFigures(t, "card", "--contacts", "100", "--workers", "2", "--seconds", "150ms")
	for _, name := range []string{"createcard", "updatecard", "passes signed, one at a time", "unchanged passes, one at a time",
		"createcard while APNs hangs and the courier is busy", "updatecard while APNs hangs and the courier is busy"} {
		if figures[name] <= 0 {
			t.Errorf("%s is %v", name, figures[name])
		}
	}
}

func benchSmall(t *testing.T, more ...string) {
	figures := benchFigures(t, append([]string{"crm", "--contacts", "200", "--workers", "2", "--seconds", "150ms"}, more...)...)
	for _, name := range []string{"raw inserts into the same store", "first answer after start", "binary", "memory, idle", "login handshake",
		"CreateContact, half known", "query by mobile", "retrieve", "memory under load, highest", "ready after kill -9"} {
		if figures[name] <= 0 {
			t.Errorf("%s is %v", name, figures[name])
		}
	}
}

func benchFigures(t *testing.T, args ...string) map[string]float64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"bench", "--dir", t.TempDir(), "--json"}, args...)...)
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
	return figures
}
