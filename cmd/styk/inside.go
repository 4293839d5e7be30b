package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
)

// streams are what an inside command reads and writes, wherever it runs.
type streams struct {
	in       io.Reader // the file that it reads
	out, err io.Writer // texts
	file     io.Writer // the file that it writes
}

func (s *streams) printf(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

// workInside runs a command on its data folder. Where another process serves
// that folder, the command is sent there.
func workInside(ctx context.Context, c inside, sh *shell) error {
	f := c.place()
	if err := f.settle("./data"); err != nil {
		return err
	}
	in, err := sh.openInput()
	if err != nil {
		return err
	}
	defer in.Close()
	file := &outFile{path: sh.output}
	defer file.drop()
	s := &streams{in: in, out: sh.out, err: sh.err, file: file}
	if err := workSomewhere(ctx, c, f, s); err != nil {
		return err
	}
	return file.finish()
}

func workSomewhere(ctx context.Context, c inside, f *folder, s *streams) error {
	conn, err := net.Dial("unix", f.socketPath())
	if err == nil {
		defer conn.Close()
		return workThere(ctx, c, conn, s)
	}
	if e, ok := c.(interface{ existing() bool }); ok && e.existing() && !f.exists() {
		return wrongSetting("name the folder by --data, or start styk serve once", "%s holds no data of styk", f.Data)
	}
	log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h, err := openHouse(ctx, f, commandName(c), log)
	if err != nil {
		return err
	}
	if h.made {
		fmt.Fprintf(s.err, "new data folder %s\n", h.Data)
	}
	return errors.Join(c.work(ctx, h, s), h.close())
}

// workThere sends a command to the process that serves the folder.
func workThere(ctx context.Context, c inside, conn net.Conn, s *streams) error {
	settings, err := json.Marshal(c)
	if err != nil {
		return err
	}
	out := &frames{w: conn}
	if err := out.sendJSON(frameCommand, order{Version: version, Command: commandName(c), Settings: settings}); err != nil {
		return fmt.Errorf("talk to the running styk: %w", err)
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	go func() { // ends with the connection, at the latest
		_, _ = io.Copy(channel{out, frameInput}, s.in)
		_ = out.send(frameInput, nil)
	}()
	end, err := listen(bufio.NewReader(conn), s)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("the running styk went away, perhaps before the command had ended: %w", err)
	}
	return end.asError()
}

// listen takes what comes back until the outcome.
func listen(r io.Reader, s *streams) (end outcome, err error) {
	to := map[byte]io.Writer{frameOut: s.out, frameErr: s.err, frameFile: s.file}
	for {
		kind, body, err := readFrame(r)
		if err != nil {
			return end, err
		}
		if kind == frameEnd {
			return end, json.Unmarshal(body, &end)
		}
		if w := to[kind]; w != nil {
			if _, err := w.Write(body); err != nil {
				return end, err
			}
		}
	}
}

func (o outcome) asError() error {
	switch {
	case o.Code == exitWell:
		return nil
	case o.Error == "":
		return exitError(o.Code)
	case o.Code == exitSetting:
		return &settingError{text: o.Error, hint: o.Hint}
	}
	return errors.New(o.Error)
}

func outcomeOf(err error) outcome {
	var said exitError
	var wrong *settingError
	switch {
	case err == nil:
		return outcome{}
	case errors.As(err, &said):
		return outcome{Code: int(said)}
	case errors.As(err, &wrong):
		return outcome{Code: exitSetting, Error: wrong.text, Hint: wrong.hint}
	}
	return outcome{Code: exitFailed, Error: err.Error()}
}

// openInput opens the file that the command reads.
func (sh *shell) openInput() (io.ReadCloser, error) {
	switch sh.input {
	case "":
		return io.NopCloser(emptyReader{}), nil
	case "-":
		return io.NopCloser(sh.in), nil
	}
	f, err := os.Open(sh.input)
	if err != nil {
		return nil, wrongSetting("", "%v", err)
	}
	return f, nil
}

type emptyReader struct{}

// Read implements io.Reader.
func (emptyReader) Read([]byte) (int, error) { return 0, io.EOF }
