package store

import (
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// TestNumbersGoOnWhileABlockIsDrawn: who takes a block's middle waits for the
// database, nobody else does.
func TestNumbersGoOnWhileABlockIsDrawn(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{Database: filepath.Join(t.TempDir(), "styk.db")})
	var n Numbers
	var mu sync.Mutex
	seen := map[string]bool{}
	next := func() {
		number, err := n.Next(t.Context(), db)
		mu.Lock()
		defer mu.Unlock()
		if err != nil || seen[number] {
			t.Errorf("number %q, again %v, %v", number, seen[number], err)
		}
		seen[number] = true
	}
	for range numberBlock / 2 {
		next()
	}
	begun, gate := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = db.Update(t.Context(), func(*Tx) error { // nothing is written meanwhile
			close(begun)
			<-gate
			return nil
		})
	})
	<-begun
	wait.Go(next)
	for taken := 0; taken < numberBlock/2+1; runtime.Gosched() { // until the other has taken his
		n.mu.Lock()
		taken = int(n.now.next - 1)
		n.mu.Unlock()
	}
	for range numberBlock/2 - 1 {
		next()
	}
	close(gate)
	for range 2 * numberBlock {
		next()
	}
	wait.Wait()
	if len(seen) != 3*numberBlock {
		t.Errorf("%d numbers", len(seen))
	}
}
