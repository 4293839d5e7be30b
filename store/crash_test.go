package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"styk"
)

const childVariable = "STYK_TEST_CHILD"

// child makes the test binary a process that writes until it is killed and
// prints the name of each contact after it was acknowledged.
func child() bool {
	address := os.Getenv(childVariable)
	if address == "" {
		return false
	}
	db, err := Open(context.Background(), Options{Database: address, Key: testKey})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	for worker := range 16 {
		wait.Go(func() {
			for nth := 0; ; nth++ {
				id := fmt.Sprintf("p%dw%dn%d", os.Getpid(), worker, nth)
				err := db.Update(context.Background(), func(tx *Tx) error {
					return tx.Insert(&styk.Contact{LastName: id}, seller)
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				_, _ = os.Stdout.WriteString(id + "\n")
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return true
}

// TestKilledProcessLosesNothingAcknowledged kills the writing process twice
// and opens its database.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	const enough = 150
	eachAddress(t, func(t *testing.T, address string) {
		l := newLedger()
		for range 2 {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childVariable+"="+address)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			deadline := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			lines, count := bufio.NewScanner(out), 0
			for lines.Scan() {
				l.note(lines.Text(), nil)
				if count++; count == enough {
					must(t, cmd.Process.Kill()) // the rest of the pipe was acknowledged too
				}
			}
			deadline.Stop()
			_ = cmd.Wait()
			if count < enough {
				t.Fatalf("only %d were written", count)
			}
		}
		began := time.Now()
		db := openTest(t, Options{Database: address})
		if took := time.Since(began); took > 20*time.Second { // 2 s on a machine of its own
			t.Errorf("ready after %v", took)
		}
		l.check(t, db)
	})
}
