package store

import (
	"sync/atomic"
	"testing"
	"time"

	"styk"
)

// movedClock gives the database a clock that only moves by hand.
func movedClock(db *DB) (move func(time.Duration)) {
	var at atomic.Int64
	at.Store(time.Date(2026, 11, 15, 9, 0, 0, 0, time.UTC).UnixMilli())
	db.Now = func() time.Time { return time.UnixMilli(at.Load()) }
	return func(d time.Duration) { at.Add(d.Milliseconds()) }
}

func addUser(t *testing.T, db *DB, name string) *styk.User {
	t.Helper()
	u := &styk.User{Name: name, Role: styk.RoleAPI, AccessKey: "DemoKey000000001", Operations: []string{"query"}, Networks: []string{"10.0.0.0/8"}}
	must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SaveUser(u) }))
	return u
}

func TestSessionEndsBetweenItsIdleLifeAndAMinuteMore(t *testing.T) {
	t.Parallel()
	const idle = 15 * time.Minute
	eachDB(t, func(t *testing.T, db *DB) {
		move, u := movedClock(db), addUser(t, db, "api")
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.StartSession("s", u.ID, "n") }))
		use := func() (alive bool) {
			t.Helper()
			var due bool
			err := db.View(t.Context(), func(tx *Tx) (err error) {
				_, due, err = tx.Session("s", idle)
				return err
			})
			if due {
				must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SeeSession("s") }))
			}
			if err != nil && styk.CodeOf(err) != styk.NotFound {
				t.Fatal(err)
			}
			return err == nil
		}
		for _, before := range []time.Duration{0, 30 * time.Second, 59 * time.Second, time.Minute, 90 * time.Second} {
			move(before) // a use that may or may not be written down
			if !use() {
				t.Fatalf("ended early after %v", before)
			}
			move(idle)
			if !use() {
				t.Errorf("ended within its idle life (a use %v after the one before)", before)
			}
		}
		move(idle + time.Minute)
		if use() {
			t.Error("lives 16 minutes after the last use")
		}
		// Many uses, each unwritten, never make it end early.
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.StartSession("s2", u.ID, "n2") }))
		for range 40 {
			move(50 * time.Second)
			err := db.View(t.Context(), func(tx *Tx) error {
				_, due, err := tx.Session("s2", idle)
				if due && err == nil {
					defer func() { must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SeeSession("s2") })) }()
				}
				return err
			})
			must(t, err)
		}
	})
}

func TestChallengeLogsInOnceAndSessionsEnd(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		move, u := movedClock(db), addUser(t, db, "api")
		start := func(id, nonce string) error {
			return db.Update(t.Context(), func(tx *Tx) error { return tx.StartSession(id, u.ID, nonce) })
		}
		alive := func(id string) bool {
			return db.View(t.Context(), func(tx *Tx) error { _, _, err := tx.Session(id, time.Hour); return err }) == nil
		}
		for _, id := range []string{"a", "b", "c"} {
			must(t, start(id, "nonce "+id))
		}
		if err := start("d", "nonce a"); styk.CodeOf(err) != styk.Conflict || alive("d") {
			t.Errorf("a challenge logged in twice: %v", err)
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.EndSession("a") }))
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SeeSession("a") }))
		if alive("a") || !alive("b") {
			t.Error("EndSession ends its own session only")
		}
		must(t, db.Sweep(t.Context(), time.Hour))
		if err := start("e", "nonce a"); styk.CodeOf(err) != styk.Conflict {
			t.Errorf("a swept session freed a nonce that may still live: %v", err)
		}
		u.Disabled = true
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SaveUser(u) }))
		if alive("b") {
			t.Error("a disabled user has a session")
		}
		u.Disabled = false
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SaveUser(u) }))
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.EndSessionsOf(u.ID) }))
		if alive("b") || alive("c") {
			t.Error("EndSessionsOf left one")
		}
		move(3 * time.Hour)
		must(t, db.Sweep(t.Context(), time.Hour))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			var n int
			err := tx.row(`SELECT count(*) FROM session`).Scan(&n)
			if n != 0 {
				t.Errorf("%d dead sessions left", n)
			}
			return err
		}))
	})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	eachDB(t, func(t *testing.T, db *DB) {
		u := addUser(t, db, "Api")
		err := db.Update(t.Context(), func(tx *Tx) error { return tx.SaveUser(&styk.User{Name: "aPI", Role: styk.RoleAdmin}) })
		if styk.CodeOf(err) != styk.Conflict {
			t.Errorf("two users of one name: %v", err)
		}
		u.AccessKey, u.Email = "", "a@mail.ru" // an empty key leaves the old
		must(t, db.Update(t.Context(), func(tx *Tx) error { return tx.SaveUser(u) }))
		must(t, db.View(t.Context(), func(tx *Tx) error {
			got, err := tx.UserByName("API")
			if err != nil {
				return err
			}
			if got.AccessKey != "DemoKey000000001" || got.Email != "a@mail.ru" || got.Operations[0] != "query" || got.Networks[0] != "10.0.0.0/8" {
				t.Errorf("got %+v", got)
			}
			var kept string
			if err := tx.row(`SELECT access_key FROM app_user`).Scan(&kept); err != nil || len(kept) < 40 {
				t.Errorf("the key lies open: %q %v", kept, err)
			}
			list, err := tx.Users()
			if len(list) != 1 || list[0].AccessKey != "" {
				t.Errorf("list %+v", list)
			}
			if _, err := tx.User(999); styk.CodeOf(err) != styk.NotFound {
				t.Errorf("got %v", err)
			}
			return err
		}))
	})
}
