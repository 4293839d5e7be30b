package notice_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"styk/connect"
	"styk/connect/connecttest"
	"styk/notice"
)

// What each answer of a mail server means.
func TestFaults(t *testing.T) {
	t.Parallel()
	cases := []struct {
		fault           string
		stop, permanent bool
		wait            time.Duration // 0: by the ladder
		status, kept    int
		cause           string
	}{
		{"421:1", false, false, 0, 421, 0, "временно не принимает"},
		{"450:1", false, false, 5 * time.Minute, 450, 0, "зайти позже"},
		{"451:1", false, false, 5 * time.Minute, 451, 0, "зайти позже"},
		{"452:1", false, false, 15 * time.Minute, 452, 0, "кончилось место"},
		{"552:1", false, false, time.Hour, 552, 0, "переполнен"},
		{"quota:1", false, false, time.Hour, 550, 0, "предел"},
		{"552-size:1", false, true, 0, 552, 0, "слишком велико"},
		{"550:1", false, true, 0, 550, 0, "получателя"},
		{"554:1", false, true, 0, 554, 0, "нежелательным"},
		{"553:1", true, true, 0, 553, 0, "отправителя"},
		{"535:1", true, true, 0, 535, 0, "логин и пароль"},
		{"554-hello:2", true, true, 0, 554, 0, "чёрном списке"}, // EHLO, then HELO
		{"cut-before-data:1", false, false, 0, 0, 0, "оборвалось"},
		{"cut-after-data:1", false, false, 0, 0, 1, "не подтвердил"},
		{"no-starttls:1", false, false, 0, 0, 0, "STARTTLS"},
		{"bad-cert:1", false, false, 0, 0, 0, "ертификат"},
	}
	for _, f := range cases {
		t.Run(f.fault, func(t *testing.T) {
			t.Parallel()
			sim, at := serve(t, notice.SimUser(user, password))
			fault, err := notice.ParseFault(f.fault)
			if err == nil {
				err = sim.Fault(fault)
			}
			if err != nil {
				t.Fatal(err)
			}
			c := open(t, settings(at, map[string]any{"encryption": "required", "ca": sim.CertificatePEM()}))
			p, m := connecttest.Parcel(1), &connect.Memory{}
			seen, err := deliver(t, c, p, m)
			if err == nil {
				t.Fatal("taken for success")
			}
			wait, _ := connect.Wait(err)
			if connect.IsStop(err) != f.stop || connect.IsPermanent(err) != f.permanent || wait != f.wait {
				t.Errorf("got stop %v, permanent %v, wait %v: %v", connect.IsStop(err), connect.IsPermanent(err), wait, err)
			}
			if got := connect.Explain(err); !strings.Contains(got, f.cause) {
				t.Errorf("got cause %q", got)
			}
			if len(seen) != 1 || seen[0].Status != f.status || seen[0].Err == "" {
				t.Errorf("recorded %+v", seen)
			}
			if got := len(sim.State().Letters); got != f.kept {
				t.Errorf("%d letters were kept, want %d", got, f.kept)
			}
			if _, err := deliver(t, c, p, m); err != nil { // the fault has passed
				t.Fatal(err)
			}
			st := sim.State()
			if len(st.Letters) != 1 || st.Repeats != f.kept || len(st.Letters[0].Files) != 2 {
				t.Errorf("%d letters, %d repeats", len(st.Letters), st.Repeats)
			}
		})
	}
}

func TestNoPasswordInTheClear(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password))
	_, port, _ := net.SplitHostPort(at)
	values := settings("mail.firm.ru:"+port, map[string]any{"encryption": "offered"})
	if err := sim.Fault(notice.SimFault{Name: "no-starttls"}); err != nil {
		t.Fatal(err)
	}
	c, err := notice.Kind.Open(connect.Settings{
		Values: values,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, at)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = deliver(t, c, connecttest.Parcel(1), &connect.Memory{})
	if got := connect.Explain(err); !strings.Contains(got, "Пароль не отправлен") {
		t.Errorf("got %q: %v", got, err)
	}
	if st := sim.State(); st.Logins+st.Rejects != 0 {
		t.Error("a password was sent")
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password))
	if err := sim.Fault(notice.SimFault{Name: "slow", Value: "1m"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	_, err := deliverIn(ctx, open(t, settings(at, nil)), connecttest.Parcel(1), &connect.Memory{})
	if !errors.Is(err, context.Canceled) || connect.IsPermanent(err) || time.Since(began) > time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
}

// A server that never speaks is given up, and the cause guesses why.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := open(t, settings(l.Addr().String(), map[string]any{"timeout": "1s"}))
	err = c.Check(t.Context())
	if got := connect.Explain(err); !strings.Contains(got, "молчит") || connect.IsPermanent(err) {
		t.Errorf("got %q: %v", got, err)
	}
}

// smtps:// to a port that speaks first in the clear.
func TestWrongScheme(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte("220 mail.firm.ru ESMTP\r\n"))
			_, _ = c.Read(make([]byte, 1024))
			_ = c.Close()
		}
	}()
	values := settings(l.Addr().String(), nil)
	values["url"] = address("smtps", l.Addr().String())
	if got := connect.Explain(open(t, values).Check(t.Context())); !strings.Contains(got, "без шифрования") {
		t.Errorf("got %q", got)
	}
}
