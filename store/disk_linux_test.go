package store

import (
	"os"
	"syscall"
	"testing"
)

// smallDisk gives a folder on a file system of 6 MB, and a way to enlarge it.
func smallDisk(t *testing.T) (dir string, grow func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a small file system needs root")
	}
	dir = t.TempDir()
	if err := syscall.Mount("styk-test", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skipf("SKIPPED: a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir, func() {
		if err := syscall.Mount("styk-test", dir, "tmpfs", syscall.MS_REMOUNT, "size=200m"); err != nil {
			t.Fatal(err)
		}
	}
}
