package notice_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"styk/connect"
	"styk/notice"
)

// tape is a server that says its lines whatever it hears, and leaves.
type tape struct{ *bytes.Reader }

func (tape) Write(b []byte) (int, error)      { return len(b), nil }
func (tape) Close() error                     { return nil }
func (tape) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (tape) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (tape) SetDeadline(time.Time) error      { return nil }
func (tape) SetReadDeadline(time.Time) error  { return nil }
func (tape) SetWriteDeadline(time.Time) error { return nil }

// A server may answer anything.
func FuzzReply(f *testing.F) {
	f.Add([]byte("220 hi\r\n250-firm.ru\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n221 bye\r\n"))
	f.Add([]byte("220 hi\r\n250-firm.ru\r\n250 AUTH LOGIN\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n535 5.7.8 no sesame-open-1\r\n"))
	f.Add([]byte("554 5.7.1 go away\r\n"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Add([]byte("220-\r\n220-\r\n220"))
	f.Add([]byte("220 hi\r\n250 SIZE 99999999999999999999\r\n"))
	f.Add([]byte("220 hi\r\n250-x\r\n250-AUTH PLAIN\r\n250 SIZE 10\r\n235\r\n999 \r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		c, err := notice.Kind.Open(connect.Settings{
			Values: map[string]any{"url": "smtp://user:sesame-open-1@127.0.0.1", "from": "a@firm.ru"},
			Dial: func(context.Context, string, string) (net.Conn, error) {
				return tape{bytes.NewReader(said)}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		n := notice.Accepted{To: "b@firm.ru", Number: "1"}.Notice(notice.Russian)
		m := &connect.Memory{}
		seen, err := deliver(t, c, &connect.Parcel{ID: "n", Notice: &n}, m)
		if err == nil && (!bytes.Contains(said, []byte("354")) || len(m.Order) != 1) {
			t.Errorf("%q was taken for a receipt", said)
		}
		told := ""
		if err != nil {
			told = err.Error() + connect.Explain(err)
		}
		for _, x := range seen {
			told += x.Err + string(x.AnswerBody) + string(x.RequestBody)
		}
		if strings.Contains(told, "sesame-open-1") {
			t.Errorf("the password stands in %q", told)
		}
	})
}
