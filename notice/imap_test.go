package notice_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"styk/notice"
)

// mailbox is a real IMAP server with one user.
func mailbox(t *testing.T) (address string, add func(raw string)) {
	t.Helper()
	users := imapmemserver.New()
	user := imapmemserver.NewUser("help", "s3cret")
	if err := user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	users.AddUser(user)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return users.NewSession(), nil, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}}, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String(), func(raw string) {
		t.Helper()
		if _, err := user.Append("INBOX", literal{bytes.NewReader([]byte(raw))}, &imap.AppendOptions{Time: time.Now()}); err != nil {
			t.Error(err)
		}
	}
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

func reader(t *testing.T, address string) *notice.Reader {
	t.Helper()
	box, err := notice.ParseMailbox("imap://help:s3cret@" + address + "/INBOX")
	if err != nil {
		t.Fatal(err)
	}
	return &notice.Reader{Mailbox: box, Dial: new(net.Dialer).DialContext, Now: time.Now, Ask: 100 * time.Millisecond}
}

// New letters come by themselves, each until it is taken, and none again after
// a restart.
func TestReaderTakesEachLetterOnce(t *testing.T) {
	t.Parallel()
	address, add := mailbox(t)
	add("Subject: one\r\n\r\n1")
	add("Subject: two\r\n\r\n2")
	var mu sync.Mutex
	var mark notice.Mark
	var got []string
	came := make(chan string, 10)
	broken := true
	run := func(ctx context.Context) error {
		r := reader(t, address)
		r.Mark = func(context.Context) (notice.Mark, error) { mu.Lock(); defer mu.Unlock(); return mark, nil }
		r.Take = func(_ context.Context, raw []byte, behind notice.Mark) error {
			mu.Lock()
			defer mu.Unlock()
			subject, _, _ := strings.Cut(string(raw), "\r\n")
			if subject == "Subject: two" && broken {
				broken = false
				return io.ErrUnexpectedEOF // as if the process had been killed
			}
			mark, got = behind, append(got, subject)
			came <- subject
			return nil
		}
		return r.Run(ctx)
	}
	if err := run(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("the first run: %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	for i, want := range []string{"Subject: one", "Subject: two", "Subject: three"} {
		if i == 2 {
			add("Subject: three\r\n\r\n3") // it comes while we wait
		}
		select {
		case one := <-came:
			if one != want {
				t.Errorf("got %s, want %s", one, want)
			}
		case err := <-done:
			t.Fatalf("it ended before %s: %v", want, err)
		}
	}
	stop()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if len(got) != 3 {
		t.Errorf("taken: %v", got)
	}
}

func TestReaderCheck(t *testing.T) {
	t.Parallel()
	address, _ := mailbox(t)
	if err := reader(t, address).Check(t.Context()); err != nil {
		t.Error(err)
	}
	r := reader(t, address)
	r.Password = "wr0ng-word"
	if err := r.Check(t.Context()); err == nil || strings.Contains(err.Error(), "wr0ng-word") {
		t.Errorf("a wrong password: %v", err)
	}
	r = reader(t, address)
	r.Folder = "Nowhere"
	if err := r.Check(t.Context()); err == nil {
		t.Error("a folder that is not there was opened")
	}
}

func TestParseMailbox(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"imaps://help%40firm.ru:a%2Fb@imap.firm.ru":  "imaps://imap.firm.ru:993/INBOX",
		"imap://help:x@127.0.0.1:1143/Заявки/Ответы": "imap://127.0.0.1:1143/Заявки/Ответы",
		"imaps://help:x@[::1]:2993/INBOX":            "imaps://[::1]:2993/INBOX",
		"smtp://help:x@host":                         "",
		"imaps://host/INBOX":                         "",
		"imaps://help@host":                          "",
		"imaps://help:x@host:0":                      "",
		"imaps://help:x@host/?a=b":                   "",
		"imaps://help:x%0d@host":                     "",
	} {
		m, err := notice.ParseMailbox(text)
		if got := m.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "x@") {
			t.Errorf("%s: the error repeats it: %v", text, err)
		}
	}
}

// A deadline counts working time only.
func TestDeadline(t *testing.T) {
	t.Parallel()
	c, err := notice.ParseCalendar(notice.CalendarSettings{Week: map[string]string{"mon-fri": "9:00-18:00"}})
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 23, 10, 0, 0, 0, c.Zone())
	before := c.Before(monday, 4*time.Hour)
	if want := time.Date(2026, 11, 20, 15, 0, 0, 0, c.Zone()); !before.Equal(want) {
		t.Errorf("got %v, want Friday 15:00", before)
	}
	for h := range 60 {
		now := monday.Add(time.Duration(h) * time.Hour)
		if got := c.Worked(c.Before(now, 7*time.Hour), now); got != 7*time.Hour {
			t.Errorf("at %v: %v have passed", now, got)
		}
	}
	var none *notice.Calendar
	if got := none.Before(monday, time.Hour); !got.Equal(monday.Add(-time.Hour)) {
		t.Errorf("without a calendar: %v", got)
	}
}
