package blob

import (
	"os"

	"golang.org/x/sys/windows"
)

// errQuota is Windows' word for a full disk.
const errQuota = windows.ERROR_DISK_FULL

const noWait = 0

// syncDir does nothing: Windows cannot sync a folder.
func syncDir(string) error { return nil }

func syncClose(f *os.File) error { return f.Close() }

func freeSpace(folder string) (int64, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return int64(free), err
}
