package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// askCommand hands a file to a program's standard input. Its exit code speaks:
// 0 clean, 1 refused, with the reason as the last line printed; anything else
// means that it could not look.
func askCommand(ctx context.Context, command []string, file io.Reader) (string, error) {
	var out, complaint short
	program := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // the owner of the machine names it
	program.WaitDelay = time.Second
	program.Stdin, program.Stdout, program.Stderr = file, &out, &complaint
	err := program.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() == nil && errors.As(err, &exit) && exit.ExitCode() == 1:
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if found := plain(lines[len(lines)-1]); found != "" {
			return found, nil
		}
		return command[0], nil
	}
	return "", fmt.Errorf("run %s: %w: %s", command[0], errors.Join(err, ctx.Err()), plain(complaint.String()))
}

// short keeps the last bytes of what a program prints.
type short struct{ bytes.Buffer }

// Write implements io.Writer.
func (s *short) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if s.Len() > maxReply {
		s.Next(s.Len() - maxReply)
	}
	return n, err
}
