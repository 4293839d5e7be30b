package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"styk/store/storetest"
)

// TestTortureLosesAndDoublesNothing is the short form of styk torture: on
// SQLite, and on PostgreSQL with two processes that share the work.
func TestTortureLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		tortureSmall(t, "--submissions", "150", "--kills", "8")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		tortureSmall(t, "--submissions", "100", "--kills", "6", "--processes", "2", "--database", storetest.Postgres(t))
	})
}

func tortureSmall(t *testing.T, args ...string) {
	cmd := exec.Command(os.Args[0], append([]string{"torture", "--dir", t.TempDir()}, args...)...)
	cmd.Env = append(os.Environ(), asStyk+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "lost 0, doubled 0\n") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestCardStormInSmall: cards change while serve is killed and Apple misbehaves;
// at the end store and phones agree.
func TestCardStormInSmall(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: a storm is not for -short")
	}
	for name, more := range map[string][]string{"sqlite": nil, "postgres": {"--database", ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if more != nil {
				more[1] = storetest.Postgres(t)
			}
			cmd := exec.Command(os.Args[0], append([]string{"torture", "--dir", t.TempDir(), "--cards", "500", "--kills", "4"}, more...)...)
			cmd.Env = append(os.Environ(), asStyk+"=1")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "store and phones agree") {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}
