//go:build unix

package blob

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// errQuota is the disk being full for this user only.
const errQuota = syscall.EDQUOT

// noWait keeps the opening of a planted pipe from waiting for its writer.
const noWait = syscall.O_NONBLOCK

// syncDir makes the names in a folder durable.
func syncDir(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return syncClose(f)
}

// syncClose syncs and closes an opened folder.
func syncClose(f *os.File) error {
	err := f.Sync()
	if err2 := f.Close(); err == nil {
		err = err2
	}
	return err
}

func freeSpace(folder string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}
