package main

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"styk/blob"
	"styk/store"
)

// vital is what the program remembers of its own health. It lies in the
// database too, so that doctor finds it when nothing runs.
type vital struct {
	mu sync.Mutex
	v  vitals
}

type vitals struct {
	Backup     time.Time // last scheduled backup that was written
	BackupFile string
	Restored   time.Time // last trial restore that came out equal
	Failed     string    // why the last one did not; "" when it did
}

const vitalName = "vitals"

func (v *vital) get() vitals {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.v
}

// load reads what was remembered.
func (v *vital) load(ctx context.Context, db *store.DB) error {
	return db.View(ctx, func(tx *store.Tx) error {
		text, err := tx.Meta(vitalName)
		if err != nil || text == "" {
			return err
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		return json.Unmarshal([]byte(text), &v.v)
	})
}

// change alters and stores it.
func (v *vital) change(ctx context.Context, db *store.DB, with func(*vitals)) error {
	v.mu.Lock()
	with(&v.v)
	text, err := json.Marshal(v.v)
	v.mu.Unlock()
	if err != nil {
		return err
	}
	return db.Update(ctx, func(tx *store.Tx) error { return tx.SetMeta(vitalName, string(text)) })
}

// lowSpace is the room below which nothing new is promised.
const lowSpace = 64 << 20 // bytes

// full says whether the place of files has next to no room left.
func (h *house) full() bool {
	roomy, ok := h.blobs.(blob.Roomy)
	if !ok {
		return false
	}
	free, err := roomy.FreeSpace()
	return err == nil && free < lowSpace
}
