package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// benchChild is the program itself, serving.
type benchChild struct {
	cmd     *exec.Cmd
	address string
	first   time.Duration // from start to the first answer
	ready   time.Duration // to readiness
	dead    bool
}

// start runs serve with default settings on a free port.
func (b *bench) start(ctx context.Context, more ...string) (*benchChild, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args := append([]string{"serve", "--data", b.folder.Data, "--listen", address, "--log-level", "error"}, more...)
	if b.Database != "" {
		args = append(args, "--database", b.Database)
	}
	var said bytes.Buffer
	child := &benchChild{cmd: exec.CommandContext(ctx, program, args...), address: address}
	child.cmd.Stderr = &said
	begin := time.Now()
	if err := child.cmd.Start(); err != nil {
		return nil, err
	}
	if err := child.await(begin); err != nil {
		child.kill()
		return nil, fmt.Errorf("%w\n%s", err, said.String())
	}
	return child, nil
}

// await asks until the child answers, then until it is ready.
func (c *benchChild) await(begin time.Time) error {
	for time.Since(begin) < 30*time.Second {
		if status(c.address, "/healthz") == http.StatusOK {
			if c.first == 0 {
				c.first = time.Since(begin)
			}
			if status(c.address, "/readyz") == http.StatusOK {
				c.ready = time.Since(begin)
				return nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return fmt.Errorf("serve did not answer in 30 s")
}

func status(address, path string) int {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get("http://" + address + path) //nolint:noctx // has its time-out
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// kill ends the child at once, as a power cut would.
func (c *benchChild) kill() {
	if !c.dead {
		c.dead = true
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}

// rss is the child's memory in MB; 0 where the system does not tell.
func (c *benchChild) rss() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	var kb float64
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			_, _ = fmt.Sscan(rest, &kb)
		}
	}
	return kb / 1024
}

// watch looks at the child's memory five times a second; the function it gives
// ends that and tells the highest.
func (c *benchChild) watch(ctx context.Context) (highest func() float64) {
	ctx, cancel := context.WithCancel(ctx)
	found := make(chan float64, 1)
	go func() {
		most := 0.0
		for ctx.Err() == nil {
			most = max(most, c.rss())
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
		found <- most
	}()
	return func() float64 {
		cancel()
		return <-found
	}
}

func binarySize() (int64, error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(program)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
