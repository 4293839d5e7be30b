// Package staff lets the people who work here in and knows what each role may
// do: passwords, one-time links, sessions, and the note of who did what. It
// knows no HTTP. Programs (role api) never come in here: they have access keys.
package staff

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"styk"
	"styk/store"
)

// Staff is the door. It is made by New and may be used from many goroutines.
type Staff struct {
	Idle time.Duration // silence after which a session ends
	Life time.Duration // of a session, however busy

	// Wake tells the courier that a letter waits; may be nil.
	Wake func()
	// Programs says what keys of the CRM service can be narrowed to.
	Programs Programs

	db      *store.DB
	hashing chan struct{} // one place for each hash that is made at once
}

// New gives a door whose sessions end after 12 hours of silence or a week.
func New(db *store.DB) *Staff {
	return &Staff{Idle: 12 * time.Hour, Life: 7 * 24 * time.Hour, db: db, hashing: make(chan struct{}, hashesAtOnce)}
}

// Client is the browser somebody sits at.
type Client struct {
	Address string
	Agent   string
}

// newSecret makes 256 bits that fit into a cookie or an address.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// person says whether somebody may be let in at all.
func person(u *styk.User) bool { return !u.Disabled && len(rights[u.Role]) > 0 }

// Note keeps that a person did something: numbers only, nothing personal.
func (s *Staff) Note(ctx context.Context, user styk.ID, action string, about styk.ID, amount int64) error {
	return s.db.Update(ctx, func(tx *store.Tx) error { return tx.Audit(user, action, about, amount) })
}
