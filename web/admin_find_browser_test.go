package web

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"styk"
)

// TestFindInBrowser searches everything, walks lists by keys and weighs the
// first screens in a real Chromium.
func TestFindInBrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED: browser tests in short mode")
	}
	_, node := exec.LookPath("node")
	_, chromium := exec.LookPath("chromium")
	if os.Getenv("STYK_TEST_NODE_MODULES") == "" || node != nil || chromium != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("STYK_TEST_NODE_MODULES, node and chromium are needed")
		}
		t.Skip("SKIPPED: no node, chromium or npm packages (scripts/npm brings them)")
	}
	d := newDesk(t)
	s := d.fill()
	d.fillCards()
	d.named("анна", styk.RoleOwner)
	playAdmin(t, "testdata/admin/find_test.js", "STYK="+d.url, "FOREIGN="+d.url, "NUMBER="+s.number,
		"TICKET="+fmt.Sprintf("/admin/tickets/%d", s.ticket), "FILE="+fmt.Sprintf("/admin/files/%d/about", s.document))
}
