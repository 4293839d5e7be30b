package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestEndWaitsForNoSlowCRM: SIGTERM ends within the ten seconds promised though
// a CRM holds a parcel, and the parcel is due again at the next start.
func TestEndWaitsForNoSlowCRM(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: takes the seconds it is about")
	}
	asked, never := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-never:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(never)
	w := newWorld(t)
	text, err := os.ReadFile(w.yaml)
	if err != nil {
		t.Fatal(err)
	}
	yaml := filepath.Join(t.TempDir(), "slow.yaml")
	hook := "- {name: crm, kind: webhook, settings: {url: \"" + server.URL + "\", secret: " + demoHookSecret + "}}"
	lines := strings.Split(strings.Replace(string(text), "wait: 3s", "wait: 0s", 1), "\n")
	for i, line := range lines {
		if strings.Contains(line, "kind: creatio") {
			lines[i] = "  " + hook
		}
	}
	if err := os.WriteFile(yaml, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "d")
	p := startStyk(t, "--data", data, "--config", yaml)
	postFeedback(t, p.base, "+7 900 123-45-67", nil)
	<-asked
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("ended with %v\n%s", err, p.said)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if out := mustStyk(t, "deliveries", "list", "--target", "crm", "--data", data); !strings.Contains(out, "due") {
		t.Errorf("got %s", out)
	}
}
