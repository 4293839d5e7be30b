package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// lock keeps a data folder for one process; the system frees it when the
// process ends, however it ends.
type lock struct{ file *os.File }

// errHeld: another process holds the folder.
var errHeld = errors.New("the data folder is in use")

// takeLock locks path for purpose, or fails with errHeld and says who holds it.
func takeLock(path, purpose string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	held, err := tryLock(file)
	if err != nil || held {
		file.Close()
		if held {
			err = fmt.Errorf("%w by %s", errHeld, holder(path))
		}
		return nil, err
	}
	l := &lock{file}
	if err := l.sign(purpose); err != nil {
		l.release()
		return nil, fmt.Errorf("lock the data folder: %w", err)
	}
	return l, nil
}

// sign writes who holds the lock, for the message others get.
func (l *lock) sign(purpose string) error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt(fmt.Appendf(nil, "styk %s, process %d, since %s\n",
		purpose, os.Getpid(), time.Now().Format(time.DateTime)), 0)
	return err
}

func (l *lock) release() { _ = l.file.Close() }

func holder(path string) string {
	text, err := os.ReadFile(path)
	if line := strings.TrimSpace(string(text)); err == nil && line != "" {
		return line
	}
	return "another process"
}
