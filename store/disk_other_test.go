//go:build !linux

package store

import "testing"

func smallDisk(t *testing.T) (dir string, grow func()) {
	t.Helper()
	t.Skip("SKIPPED: a small file system is made on Linux only")
	return "", nil
}
