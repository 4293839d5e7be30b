package scan

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// TooLarge is what is "found" in a file that clamd is not set to read whole
// (its StreamMaxLength).
const TooLarge = "файл больше, чем принимает антивирус"

const (
	dialTime  = 10 * time.Second
	chunkSize = 64 << 10 // bytes
	maxReply  = 4 << 10  // bytes
)

// askClamd streams a file to clamd. The command and its reply end with a zero
// byte (the "z" form); each piece comes after its length as four bytes, big end
// first, and an empty piece ends the file.
func askClamd(ctx context.Context, where string, file io.Reader) (string, error) {
	network, place, err := address(where)
	if err != nil {
		return "", err
	}
	dialer := net.Dialer{Timeout: dialTime}
	conn, err := dialer.DialContext(ctx, network, place)
	if err != nil {
		return "", fmt.Errorf("reach clamd: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	sent := stream(conn, file)
	var broken *readError
	if errors.As(sent, &broken) {
		return "", broken
	}
	// Whoever will not read on says why before hanging up.
	reply, err := bufio.NewReader(io.LimitReader(conn, maxReply)).ReadString(0)
	if err != nil {
		return "", fmt.Errorf("ask clamd: %w", errors.Join(sent, err, ctx.Err()))
	}
	found, whole, err := readReply(reply)
	if err == nil && whole && sent != nil {
		return "", fmt.Errorf("clamd judged a part: %w", sent)
	}
	return found, err
}

// readError is an error of the file, not of the scanner.
type readError struct{ err error }

func (e *readError) Error() string { return "read the file: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

func stream(conn io.Writer, file io.Reader) error {
	if _, err := io.WriteString(conn, "zINSTREAM\x00"); err != nil {
		return err
	}
	piece := make([]byte, 4+chunkSize)
	for {
		n, err := io.ReadFull(file, piece[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(piece, uint32(n))
			if _, err := conn.Write(piece[:4+n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			_, err := conn.Write([]byte{0, 0, 0, 0})
			return err
		}
		if err != nil {
			return &readError{err}
		}
	}
}

// readReply reads clamd's sentence: "stream: OK", "stream: NAME FOUND", or
// "… ERROR". whole says that the verdict is on the file to its end.
func readReply(reply string) (found string, whole bool, err error) {
	text := strings.TrimRight(reply, "\x00\r\n ")
	said := strings.TrimPrefix(text, "stream: ")
	switch name, isFound := strings.CutSuffix(said, " FOUND"); {
	case text == "stream: OK":
		return "", true, nil
	case isFound && said != text:
		if found = plain(name); found == "" {
			found = "?"
		}
		return found, false, nil
	case strings.Contains(text, "size limit exceeded"):
		return TooLarge, false, nil
	}
	return "", false, fmt.Errorf("clamd answered %q", plain(text))
}
