package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"reflect"
	"runtime/debug"
	"sync"
)

// desk takes the commands of other processes while this one serves the folder.
type desk struct {
	h        *house
	listener *net.UnixListener
	wait     sync.WaitGroup
}

// openDesk listens on the folder's socket, which its owner alone may use. What
// a killed process left is replaced: the folder's lock is ours.
func openDesk(h *house) (*desk, error) {
	path := h.socketPath()
	fresh := path + ".new"
	for _, name := range []string{path, fresh} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the socket for commands: %w", err)
		}
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("the socket for commands: %w (its path may be too long: choose a shorter --data)", err)
	}
	listener.SetUnlinkOnClose(false)
	if err = os.Chmod(fresh, 0o600); err == nil {
		err = os.Rename(fresh, path) // nobody else can knock before it is private
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the socket for commands: %w", err), listener.Close())
	}
	return &desk{h: h, listener: listener}, nil
}

// run answers until ctx ends, then waits for the commands under way to notice.
func (d *desk) run(ctx context.Context) error {
	defer d.wait.Wait()
	defer os.Remove(d.h.socketPath())
	defer context.AfterFunc(ctx, func() { d.listener.Close() })()
	for {
		conn, err := d.listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the socket for commands: %w", err)
		}
		d.wait.Go(func() { d.serve(ctx, conn) })
	}
}

func (d *desk) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := bufio.NewReader(conn)
	back := &frames{w: conn}
	c, err := readOrder(r)
	if err == nil {
		in, feed := io.Pipe()
		d.wait.Go(func() { // ends when conn closes
			feedInput(r, feed)
			cancel() // the caller went away, or is answered
		})
		err = d.carry(ctx, c, &streams{in: in, out: channel{back, frameOut}, err: channel{back, frameErr}, file: channel{back, frameFile}})
		in.Close()
	}
	_ = back.sendJSON(frameEnd, outcomeOf(err))
}

// carry runs a command; a panic of it must not end the server.
func (d *desk) carry(ctx context.Context, c inside, s *streams) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.h.log.Error("a command fell", "op", commandName(c), "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errors.New("the command fell; the log of the running styk tells more")
		}
	}()
	d.h.log.Info("command", "op", commandName(c))
	return c.work(ctx, d.h, s)
}

// readOrder reads which command is wanted.
func readOrder(r io.Reader) (inside, error) {
	kind, body, err := readFrame(r)
	if err != nil || kind != frameCommand {
		return nil, errors.New("the socket expects a command")
	}
	var o order
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, fmt.Errorf("the socket expects a command: %w", err)
	}
	if o.Version != version {
		return nil, fmt.Errorf("the running styk is %s, this program is %s: restart the running one, or use its program", version, o.Version)
	}
	for t, name := range names {
		if name != o.Command {
			continue
		}
		if c, ok := reflect.New(t.Elem()).Interface().(inside); ok {
			decoder := json.NewDecoder(bytes.NewReader(o.Settings))
			decoder.DisallowUnknownFields()
			return c, decoder.Decode(c)
		}
	}
	return nil, fmt.Errorf("the running styk knows no command %q", o.Command)
}

// feedInput hands the caller's file on until its end, and reads on to notice
// that the caller goes away.
func feedInput(r io.Reader, to *io.PipeWriter) {
	for {
		kind, body, err := readFrame(r)
		if err != nil {
			to.CloseWithError(io.ErrUnexpectedEOF)
			return
		}
		if kind != frameInput {
			continue
		}
		if len(body) == 0 {
			to.Close()
		} else {
			_, _ = to.Write(body) // a command that reads no more drops it
		}
	}
}
