package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"styk/store"
)

// folder says where the data lie; serve, demo and all commands share it.
type folder struct {
	Data           string `help:"Data folder (./data; demo: ./styk-demo)." placeholder:"DIR"`
	Database       string `help:"postgres://… instead of SQLite in the data folder." placeholder:"ADDRESS"`
	Files          string `help:"s3://bucket?endpoint=…&region=… instead of the data folder." placeholder:"PLACE"`
	FilesAccessKey string `help:"S3: id of the key." placeholder:"ID"`
	FilesSecretKey string `help:"S3: the secret key; better given as the variable." placeholder:"SECRET"`
	KeyFile        string `help:"Master key that seals secrets; made when missing (DATA/styk.key)." placeholder:"FILE"`
	Timezone       string `help:"Zone of pages, working hours and folders of files." default:"Europe/Moscow"`
}

// The files of a data folder that are ours alone.
const (
	databaseFile = "styk.db"
	keyFile      = "styk.key"
	lockFile     = "styk.lock"
	socketFile   = "styk.sock"
)

// settle fills what was left open and checks what can be checked without
// touching anything.
func (f *folder) settle(data string) error {
	if f.Data == "" {
		f.Data = data
	}
	full, err := filepath.Abs(f.Data)
	if err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	f.Data = full
	if f.Database != "" && !store.IsPostgres(f.Database) {
		return wrongSetting("leave it out for SQLite in the data folder, or give postgres://user:password@host/name",
			"--database: %q is no address of a PostgreSQL database", before(f.Database, "@"))
	}
	if f.Files != "" && !strings.HasPrefix(f.Files, "s3://") {
		return wrongSetting("leave it out for the data folder, or give s3://bucket?endpoint=…&region=…",
			"--files: %q is unknown", f.Files)
	}
	if _, err := f.zone(); err != nil {
		return err
	}
	return nil
}

// before keeps passwords of addresses out of messages.
func before(text, mark string) string {
	head, _, found := strings.Cut(text, mark)
	if found {
		return head[:min(len(head), 10)] + "…"
	}
	return text
}

func (f *folder) zone() (*time.Location, error) {
	zone, err := time.LoadLocation(f.Timezone)
	if err != nil {
		return nil, wrongSetting("names are like Europe/Moscow or Asia/Yekaterinburg", "--timezone: %q is unknown", f.Timezone)
	}
	return zone, nil
}

func (f *folder) database() string {
	if f.Database != "" {
		return f.Database
	}
	return filepath.Join(f.Data, databaseFile)
}

func (f *folder) files() string {
	if f.Files != "" {
		return f.Files
	}
	return f.Data
}

func (f *folder) keyPath() string {
	if f.KeyFile != "" {
		return f.KeyFile
	}
	return filepath.Join(f.Data, keyFile)
}

func (f *folder) lockPath() string   { return filepath.Join(f.Data, lockFile) }
func (f *folder) socketPath() string { return filepath.Join(f.Data, socketFile) }

// exists says whether somebody worked in this folder before.
func (f *folder) exists() bool {
	for _, name := range []string{f.database(), f.keyPath()} {
		if _, err := os.Stat(name); err == nil {
			return true
		}
	}
	return false
}
