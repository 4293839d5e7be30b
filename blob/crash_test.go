package blob

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashEnv makes TestKilled, started anew, the process that is killed.
const crashEnv = "STYK_BLOB_CRASH_FOLDER"

// Killed in the midst of 8 parallel Puts, again and again in one folder: every
// sum that was answered has its bytes, every name that shows has its bytes.
func TestKilled(t *testing.T) {
	t.Parallel()
	if folder := os.Getenv(crashEnv); folder != "" {
		putForever(folder)
	}
	folder := t.TempDir()
	var answered []string
	for round := range 5 {
		answered = append(answered, killAfter(t, folder, 10+20*round)...)
	}
	d, err := OpenDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range answered {
		if err := d.Verify(t.Context(), sum); err != nil {
			t.Errorf("answered, but: %v", err)
		}
	}
	for _, name := range files(t, folder) {
		if path.Dir(name) == "blobs/tmp" {
			continue
		}
		if err := d.Verify(t.Context(), path.Base(name)); err != nil {
			t.Errorf("visible, but: %v", err)
		}
	}
	if _, err := d.Sweep(t.Context(), time.Now().Add(time.Hour), nobody); err != nil {
		t.Error(err)
	}
	if left := files(t, folder); len(left) != 0 {
		t.Errorf("not swept: %v", left)
	}
}

// killAfter starts a storing process, kills it after n answers, and gives them.
func killAfter(t *testing.T, folder string, n int) (answered []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), crashEnv+"="+folder)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		sum, ok := strings.CutPrefix(lines.Text(), "stored ")
		if !ok || !validSum(sum) {
			continue // the kill may cut the last line
		}
		if answered = append(answered, sum); len(answered) == n {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	if len(answered) < n {
		t.Fatalf("the storing process ended by itself after %d of %d", len(answered), n)
	}
	return answered
}

// putForever stores files of many sizes until it is killed.
func putForever(folder string) {
	d, err := OpenDir(folder)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var print sync.Mutex
	for worker := range 8 {
		go func() {
			for i := 0; ; i++ {
				b := []byte(fmt.Sprint(os.Getpid(), worker, i))
				info, err := d.Put(context.Background(), bytes.NewReader(append(b, noise(i*7919%300_000, 1)...)), 0)
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				print.Lock()
				fmt.Println("stored", info.Sum)
				print.Unlock()
			}
		}()
	}
	select {}
}
