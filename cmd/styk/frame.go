package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// What passes over the socket of a running styk: frames of a kind, a length and
// bytes. The caller opens with one frame of the command, then sends the file it
// reads; back come texts, the file it writes, and the outcome.
const (
	frameCommand = 'c' // →: order as JSON
	frameInput   = 'i' // →: a piece of the file read; empty: its end
	frameOut     = 'o' // ←
	frameErr     = 'e' // ←
	frameFile    = 'f' // ←: a piece of the file written
	frameEnd     = 'x' // ←: outcome as JSON
)

const (
	maxFrame = 1 << 20  // bytes, of a piece
	maxOrder = 64 << 20 // bytes, of a command: a YAML's pictures travel in it
)

// order is a command as it travels.
type order struct {
	Version  string
	Command  string
	Settings json.RawMessage
}

// outcome is how it ended.
type outcome struct {
	Code  int    // exit code
	Error string // "" when it went well
	Hint  string
}

// frames writes frames; safe for many goroutines.
type frames struct {
	mu sync.Mutex
	w  io.Writer
}

func (f *frames) send(kind byte, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := [5]byte{kind}
	binary.BigEndian.PutUint32(head[1:], uint32(len(body)))
	if _, err := f.w.Write(append(head[:], body...)); err != nil {
		return err
	}
	return nil
}

func (f *frames) sendJSON(kind byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return f.send(kind, text)
}

// channel is one stream of frames as a Writer.
type channel struct {
	f    *frames
	kind byte
}

// Write implements io.Writer.
func (c channel) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), maxFrame)]
		if err := c.f.send(c.kind, piece); err != nil {
			return n, err
		}
		n, p = n+len(piece), p[len(piece):]
	}
	return n, nil
}

// readFrame reads one frame.
func readFrame(r io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxOrder {
		return 0, nil, fmt.Errorf("a frame of %d bytes", size)
	}
	body = make([]byte, size)
	_, err = io.ReadFull(r, body)
	return head[0], body, err
}
