package web

import (
	"fmt"
	"testing"

	"styk"
)

// TestFindInBrowser searches everything, walks lists by keys and weighs the
// first screens in a real Chromium.
func TestFindInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	d := newDesk(t)
	s := d.fill()
	d.fillCards()
	d.named("анна", styk.RoleOwner)
	playAdmin(t, "testdata/admin/find_test.js", "STYK="+d.url, "FOREIGN="+d.url, "NUMBER="+s.number,
		"TICKET="+fmt.Sprintf("/admin/tickets/%d", s.ticket), "FILE="+fmt.Sprintf("/admin/files/%d/about", s.document))
}
