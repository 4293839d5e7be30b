package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// outFile is a file that appears under its name when it is whole. Nothing is
// made before the first byte.
type outFile struct {
	path string
	tmp  *os.File
}

// Write implements io.Writer.
func (f *outFile) Write(p []byte) (int, error) {
	if f.tmp == nil {
		if f.path == "" {
			return 0, errors.New("no file to write to was named")
		}
		tmp, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+".*") // 0600
		if err != nil {
			return 0, err
		}
		f.tmp = tmp
	}
	return f.tmp.Write(p)
}

// finish gives the file its name. An existing one is replaced.
func (f *outFile) finish() error {
	if f.tmp == nil {
		return nil
	}
	err := f.tmp.Sync()
	if err2 := f.tmp.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.tmp.Name(), f.path)
	}
	if err == nil {
		f.tmp = nil
		err = syncFolder(filepath.Dir(f.path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	return nil
}

// drop removes what was not finished.
func (f *outFile) drop() {
	if f.tmp != nil {
		f.tmp.Close()
		os.Remove(f.tmp.Name())
		f.tmp = nil
	}
}
