package notice

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail/log"
)

// wire gives every read and write its own deadline, so that a large letter may
// take its time and a silent server may not. It ignores deadlines set from above.
type wire struct {
	net.Conn
	mu       sync.Mutex
	patience time.Duration
}

func (w *wire) setPatience(d time.Duration) { w.mu.Lock(); w.patience = d; w.mu.Unlock() }

func (w *wire) deadline() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.patience)
}

// Read implements net.Conn.
func (w *wire) Read(b []byte) (int, error) {
	if err := w.SetReadDeadline(w.deadline()); err != nil {
		return 0, err
	}
	return w.Conn.Read(b)
}

// Write implements net.Conn.
func (w *wire) Write(b []byte) (int, error) {
	if err := w.SetWriteDeadline(w.deadline()); err != nil {
		return 0, err
	}
	return w.Conn.Write(b)
}

// transcript keeps the conversation without the letter and without secrets,
// which the client leaves out. It is used under the client's lock.
type transcript struct {
	mu    sync.Mutex
	lines []string
}

func (t *transcript) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) < 200 {
		t.lines = append(t.lines, shorten(flatten(line), 1000))
	}
}

func (t *transcript) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// Debugf implements the client's logger.
func (t *transcript) Debugf(l log.Log) {
	who := "S: "
	if l.Direction == log.DirClientToServer {
		who = "C: "
	}
	for line := range strings.SplitSeq(fmt.Sprintf(l.Format, l.Messages...), "\n") {
		t.add(who + line)
	}
}

// Infof implements the client's logger.
func (t *transcript) Infof(log.Log) {}

// Warnf implements the client's logger.
func (t *transcript) Warnf(log.Log) {}

// Errorf implements the client's logger.
func (t *transcript) Errorf(log.Log) {}
