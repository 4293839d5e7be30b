package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"styk"
)

// member is one closure of a group, by how it behaves.
type member string

const (
	sound      member = "writes and succeeds"
	idle       member = "fails before it wrote"
	spoiling   member = "fails after it wrote"
	panicking  member = "panics after it wrote"
	forgetful  member = "passes over a statement's error"
	breaking   member = "ends the transaction and fails"
	stealthy   member = "ends the transaction and says nothing"
	committing member = "commits for everybody"
	gone       member = "is no longer waited for"
)

// group is what became of a group of closures.
type group struct {
	round   int // of several on one database
	members []member
	errs    []error
	runs    []int
	since   int64 // the tick before
}

// runGroup runs the members in one group, each inserting a contact of its own.
func runGroup(t *testing.T, db *DB, round int, members []member) *group {
	t.Helper()
	g := &group{round: round, members: members, errs: make([]error, len(members)), runs: make([]int, len(members))}
	must(t, db.View(context.Background(), func(tx *Tx) (err error) {
		g.since, err = tx.Tick()
		return err
	}))
	begun, gate := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() { // holds the writer until all are queued
		_ = db.Update(context.Background(), func(*Tx) error {
			close(begun)
			<-gate
			return nil
		})
	})
	<-begun
	for i, m := range members {
		ctx, cancel := context.WithCancel(context.Background())
		wait.Go(func() {
			defer cancel()
			g.errs[i] = db.Update(ctx, func(tx *Tx) error {
				g.runs[i]++
				return m.run(tx, name(round, i))
			})
		})
		for len(db.writer.jobs) <= i {
			time.Sleep(50 * time.Microsecond) // until it is queued: nothing else tells
		}
		if m == gone {
			cancel()
		}
	}
	close(gate)
	wait.Wait()
	return g
}

func (m member) run(tx *Tx, name string) error {
	if m == idle {
		_, err := tx.Lookup(Key{"contact.phone", name})
		return errors.Join(err, errChangedMind)
	}
	if err := tx.Insert(&styk.Contact{LastName: name}, seller); err != nil {
		return err
	}
	switch m {
	case spoiling:
		return errChangedMind
	case panicking:
		panic("a broken closure")
	case forgetful:
		_ = tx.exec(`INSERT INTO tick (one, n) VALUES (1, 1)`)
	case breaking:
		return errors.Join(tx.exec("ROLLBACK"), errChangedMind)
	case stealthy:
		return tx.exec("ROLLBACK")
	case committing:
		return tx.exec("COMMIT")
	}
	return nil
}

// check compares what the members were told with what is stored: the sound
// ones, once, and nothing of the others.
func (g *group) check(t *testing.T, db *DB) {
	t.Helper()
	stored := map[string]int{}
	var changes []Change
	var last int64
	must(t, db.View(context.Background(), func(tx *Tx) error {
		found, err := tx.Select(Query{Kind: styk.KindContact, Limit: 1 << 30})
		for _, rec := range found {
			stored[rec.(*styk.Contact).LastName]++
		}
		if err != nil {
			return err
		}
		if changes, err = tx.Since(g.since, nil, 1000); err != nil {
			return err
		}
		last, err = tx.Tick()
		return err
	}))
	good := 0
	for i, m := range g.members {
		n, want := stored[name(g.round, i)], 0
		if m == sound {
			want = 1
		}
		if n != want || (g.errs[i] == nil) != (m == sound) {
			t.Errorf("member %d, which %s: %v, stored %d times", i, m, g.errs[i], n)
		}
		good += want
	}
	if len(changes) != good || last != g.since+int64(good) {
		t.Errorf("%d changes and %d ticks of %d members", len(changes), last-g.since, good)
	}
}

// TestOneMembersFailureHarmsNoOther has each kind of failure alone and amid
// others, and tells how often the others have to run for it.
func TestOneMembersFailureHarmsNoOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failing     member
		alone, amid int // runs of the failing one; of its neighbours
	}{
		{sound, 1, 1}, {idle, 1, 1}, {gone, 0, 1}, {spoiling, 1, 2}, {panicking, 1, 2}, {forgetful, 1, 2},
		{breaking, 2, 2}, {stealthy, 2, 2}, {committing, 2, 2},
	} {
		t.Run(string(c.failing), func(t *testing.T) {
			t.Parallel()
			db := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
			for round, members := range [][]member{
				{c.failing}, {c.failing, sound, sound}, {sound, c.failing, sound}, {sound, sound, c.failing},
			} {
				g := runGroup(t, db, round, members)
				g.check(t, db)
				if round == 0 && g.runs[0] != c.alone {
					t.Errorf("alone it ran %d times, not %d", g.runs[0], c.alone)
				}
				if round == 2 && g.runs[0] != c.amid {
					t.Errorf("its neighbour ran %d times, not %d", g.runs[0], c.amid)
				}
			}
		})
	}
}

// TestAnyGroup: whatever a group is made of, its sound members are stored once
// and of the others nothing is.
func TestAnyGroup(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		members := rapid.SliceOfN(rapid.SampledFrom([]member{
			sound, sound, sound, idle, spoiling, panicking, forgetful, breaking, stealthy, committing, gone,
		}), 1, 12).Draw(rt, "members")
		round++
		runGroup(t, db, round, members).check(t, db)
	})
}

// TestAFailedMembersRecordIsAsItWas: a record that a closure gave a number
// loses it when nothing of it is stored, and has its own when the group ran
// again.
func TestAFailedMembersRecordIsAsItWas(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
	c := &styk.Contact{LastName: "kept"}
	err := db.Update(t.Context(), func(tx *Tx) error {
		if err := tx.Insert(c, seller); err != nil {
			return err
		}
		return errChangedMind
	})
	if !errors.Is(err, errChangedMind) || c.ID != 0 || !c.Created.IsZero() {
		t.Errorf("%v, number %d, created %v", err, c.ID, c.Created)
	}
}
