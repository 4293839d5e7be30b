package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"styk/store"
)

// readKey reads the master key, or makes it where there is no database yet.
func readKey(f *folder) (key []byte, made bool, err error) {
	path := f.keyPath()
	key, err = loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if _, err := os.Stat(f.database()); err == nil {
		return nil, false, fmt.Errorf("the key file %s is missing, but the database %s was sealed with it: put the key back from a backup, or name it by --key-file",
			path, f.database())
	}
	key = store.NewKey()
	return key, true, writeKey(path, key)
}

func loadKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, wrongSetting("chmod 600 "+path, "the key file %s can be read by others (%v)", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := decodeKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("the key file %s: %w", path, err)
	}
	return key, nil
}

func decodeKey(text string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != 32 {
		return nil, errors.New("is damaged: it must hold 64 hex digits")
	}
	return key, nil
}

func encodeKey(key []byte) string { return hex.EncodeToString(key) + "\n" }

// writeKey makes the key file; an existing one is never overwritten.
func writeKey(path string, key []byte) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the key file: %w", err)
	}
	_, err = out.WriteString(encodeKey(key))
	if err == nil {
		err = out.Sync()
	}
	if err2 := out.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("make the key file: %w", err)
	}
	return nil
}

// syncFolder makes names in a folder durable; Windows has no such thing.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
