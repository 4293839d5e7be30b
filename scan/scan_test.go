package scan

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"styk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// marker is what this clamd finds, wherever it stands in a file.
const marker = "EVIL-TEST-MARKER"

// clamd plays a scanner by its public protocol: the command zINSTREAM, pieces
// after their length, an empty one at the end, one reply, then it hangs up.
type clamd struct {
	limit int // bytes of one file; 0: any
	mute  bool
}

func (c clamd) listen(t *testing.T, network, place string) (address string) {
	t.Helper()
	l, err := net.Listen(network, place)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, c.answer(conn))
			_ = conn.Close()
		}
	}()
	if network == "unix" {
		return "unix://" + place
	}
	return "tcp://" + l.Addr().String()
}

func (c clamd) answer(conn io.Reader) string {
	command := make([]byte, len("zINSTREAM\x00"))
	if _, err := io.ReadFull(conn, command); err != nil || string(command) != "zINSTREAM\x00" {
		return "UNKNOWN COMMAND\x00"
	}
	var file []byte
	for {
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return ""
		}
		n := int(binary.BigEndian.Uint32(size[:]))
		if n == 0 {
			break
		}
		if c.limit > 0 && len(file)+n > c.limit {
			return "INSTREAM size limit exceeded. ERROR\x00"
		}
		piece := make([]byte, n)
		if _, err := io.ReadFull(conn, piece); err != nil {
			return ""
		}
		file = append(file, piece...)
	}
	switch {
	case c.mute:
		_, _ = conn.Read(make([]byte, 1)) // until the other side hangs up
		return ""
	case bytes.Contains(file, []byte(marker)):
		return "stream: Win.Test.Evil-1 FOUND\x00"
	}
	return "stream: OK\x00"
}

func TestClamdOverBothSockets(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte("0123456789abcdef"), 20<<10) // several pieces
	for network, place := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "c.ctl")} {
		how := styk.Scanning{Clamd: clamd{}.listen(t, network, place)}
		for name, c := range map[string]struct {
			file []byte
			want string
		}{
			"empty":    {nil, ""},
			"clean":    {[]byte("%PDF-1.4"), ""},
			"big":      {big, ""},
			"evil":     {[]byte("a" + marker), "Win.Test.Evil-1"},
			"evil end": {append(bytes.Clone(big), marker...), "Win.Test.Evil-1"},
		} {
			got, err := File(t.Context(), how, bytes.NewReader(c.file))
			if err != nil || got != c.want {
				t.Errorf("%s, %s: got %q, %v; want %q", network, name, got, err, c.want)
			}
		}
	}
}

// TestEveryFileIsJudgedWhole: wherever the pieces are cut, what is in the file
// is seen.
func TestEveryFileIsJudgedWhole(t *testing.T) {
	t.Parallel()
	how := styk.Scanning{Clamd: clamd{}.listen(t, "tcp", "127.0.0.1:0")}
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.IntRange(0, 3*chunkSize).Draw(t, "before")
		after := rapid.IntRange(0, chunkSize).Draw(t, "after")
		evil := rapid.Bool().Draw(t, "evil")
		file := bytes.Repeat([]byte("."), before)
		want := ""
		if evil {
			file, want = append(file, marker...), "Win.Test.Evil-1"
		}
		file = append(file, bytes.Repeat([]byte("."), after)...)
		if got, err := File(context.Background(), how, bytes.NewReader(file)); err != nil || got != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	})
}

func TestClamdThatWillNotReadOn(t *testing.T) {
	t.Parallel()
	how := styk.Scanning{Clamd: clamd{limit: 1000}.listen(t, "tcp", "127.0.0.1:0")}
	if got, err := File(t.Context(), how, strings.NewReader(strings.Repeat("x", 1001))); err != nil || got != TooLarge {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestSilenceIsNoVerdict: whatever goes wrong, nobody says that a file is clean.
func TestSilenceIsNoVerdict(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	soon := styk.Duration(50 * time.Millisecond)
	file := func() io.Reader { return strings.NewReader("%PDF-1.4") }
	for name, how := range map[string]styk.Scanning{
		"nobody there": {Clamd: "tcp://" + closed.Addr().String()},
		"no answer":    {Clamd: clamd{mute: true}.listen(t, "tcp", "127.0.0.1:0"), Timeout: &soon},
		"no socket":    {Clamd: "unix:///does/not/exist"},
		"no scanner":   {},
		"no program":   {Command: []string{"/does/not/exist"}},
		"code 2":       {Command: []string{"sh", "-c", "cat >/dev/null; echo broken >&2; exit 2"}},
		"killed":       {Command: []string{"sh", "-c", "kill -9 $$"}},
		"too slow":     {Command: []string{"sleep", "60"}, Timeout: &soon},
	} {
		if got, err := File(t.Context(), how, file()); err == nil || got != "" {
			t.Errorf("%s: got %q and no error", name, got)
		}
	}
	broken := io.MultiReader(strings.NewReader("half"), &badReader{})
	how := styk.Scanning{Clamd: clamd{}.listen(t, "tcp", "127.0.0.1:0")}
	if got, err := File(t.Context(), how, broken); !errors.Is(err, errDisk) {
		t.Errorf("half a file: got %q, %v", got, err)
	}
}

var errDisk = errors.New("disk")

type badReader struct{}

func (*badReader) Read([]byte) (int, error) { return 0, errDisk }

func TestCommandSpeaksByItsExitCode(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "seen")
	how := styk.Scanning{Command: []string{"sh", "-c", `cat >"$0"; grep -q EVIL "$0" && echo checked && echo "Evil.Thing" && exit 1; exit 0`, out}}
	for file, want := range map[string]string{"clean": "", "an EVIL one": "Evil.Thing"} {
		got, err := File(t.Context(), how, strings.NewReader(file))
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v", file, got, err)
		}
		if seen, _ := os.ReadFile(out); string(seen) != file {
			t.Errorf("the program saw %q of %q", seen, file)
		}
	}
	if got, err := File(t.Context(), styk.Scanning{Command: []string{"false"}}, strings.NewReader("x")); err != nil || got != "false" {
		t.Errorf("a program that gives no reason: got %q, %v", got, err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"tcp://127.0.0.1:3310": true, "tcp://[::1]:3310": true, "unix:///run/clamav/clamd.ctl": true,
		"127.0.0.1:3310": false, "tcp://127.0.0.1": false, "http://127.0.0.1:3310": false, "unix://run/clamd": false,
		"tcp://a:1/path": false, "tcp://a:": false, "\x00": false,
	} {
		if err := Check(styk.Scanning{Clamd: text}); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Check(styk.Scanning{}); err != nil {
		t.Errorf("none is fine: %v", err)
	}
	for _, how := range []styk.Scanning{{Clamd: "tcp://a:1", Command: []string{"x"}}, {Command: []string{" "}}} {
		if Check(how) == nil {
			t.Errorf("%+v is taken", how)
		}
	}
}

// FuzzReply: only one sentence means clean, and what was found fits on a page.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		"stream: OK\x00", "stream: Eicar-Test-Signature FOUND\x00", "INSTREAM size limit exceeded. ERROR\x00", "", "\x00",
		"stream: OK FOUND\x00", "stream:  FOUND\x00", "UNKNOWN COMMAND\x00", "stream: a\nb FOUND", "OK", "stream: \xff FOUND",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		found, whole, err := readReply(reply)
		clean := err == nil && found == ""
		if clean && strings.TrimRight(reply, "\x00\r\n ") != "stream: OK" || clean != whole {
			t.Errorf("%q: found %q, whole %v, %v", reply, found, whole, err)
		}
		if err != nil && found != "" || len([]rune(found)) > maxFound || strings.ContainsAny(found, "\x00\r\n") {
			t.Errorf("%q: found %q, %v", reply, found, err)
		}
	})
}
