package web

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestAdminInBrowser plays a person's first day in a real Chromium, and looks at
// every page in both themes and three widths.
func TestAdminInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	d := newDesk(t)
	link, err := d.staff.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := d.fill()
	playAdmin(t, "testdata/admin/first_test.js", "STYK="+d.url, "FOREIGN="+d.url, "LINK="+link)
	playAdmin(t, "testdata/admin/desk_test.js", "STYK="+d.url, "FOREIGN="+d.url, "NUMBER="+s.number,
		"FAILED="+fmt.Sprintf("/admin/deliveries/%d", s.failed))
}

// playAdmin runs one program; each line "ok …" or "not ok …" is a subtest.
func playAdmin(t *testing.T, program string, env ...string) {
	t.Helper()
	for _, file := range []string{program, "testdata/admin/person.js", "testdata/browser/harness.js"} {
		if _, err := os.ReadFile(file); err != nil { // node reads them, and a kept result would not know
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", program)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checks := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		name, good := strings.CutPrefix(lines.Text(), "ok ")
		name, bad := strings.CutPrefix(name, "not ok ")
		if !good && !bad {
			t.Log(lines.Text())
			continue
		}
		checks++
		name, why, _ := strings.Cut(name, "\t")
		t.Run(name, func(t *testing.T) {
			if bad {
				t.Error(strings.ReplaceAll(why, `\n`, "\n"))
			}
		})
	}
	if err := cmd.Wait(); err != nil || checks == 0 {
		t.Errorf("%s: %d checks, %v\n%s", program, checks, err, problems.String())
	}
}
