package vtiger

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// php runs a script with real PHP, which is the judge of what PHP does.
func php(t *testing.T, script string, stdin []byte) []byte {
	t.Helper()
	path, err := exec.LookPath("php")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("php is not installed")
		}
		t.Skip("SKIP: php is not installed, its word is not asked")
	}
	cmd := exec.Command(path, "-d", "max_input_vars=100000", "-r", script)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("php: %v", err)
	}
	return out
}
