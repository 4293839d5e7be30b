package notice_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"styk/connect"
	"styk/connect/connecttest"
	"styk/notice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user     = "robot@firm.ru"
	password = "p@ss word/№1"
)

// serve runs a simulator and gives its address.
func serve(t *testing.T, options ...notice.SimOption) (*notice.Sim, string) {
	t.Helper()
	options = append([]notice.SimOption{notice.SimPatience(5 * time.Millisecond)}, options...)
	sim := notice.NewSim(options...)
	return sim, run(t, sim)
}

func run(t *testing.T, sim *notice.Sim) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if broken := sim.State().Broken; len(broken) > 0 {
			t.Errorf("rules of mail were broken: %q", broken)
		}
	})
	return l.Addr().String()
}

func address(scheme, at string) string {
	u := url.URL{Scheme: scheme, Host: at, User: url.UserPassword(user, password)}
	return u.String()
}

func settings(at string, more map[string]any) map[string]any {
	all := map[string]any{
		"url": address("smtp", at), "from": "Компания <no-reply@firm.ru>", "to": "sales@firm.ru",
	}
	for k, v := range more {
		all[k] = v
	}
	return all
}

func open(t *testing.T, values map[string]any) connect.Connector {
	t.Helper()
	c, err := notice.Kind.Open(connect.Settings{Values: values, Now: func() time.Time {
		return time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// deliver tries once and gives what was recorded.
func deliver(t *testing.T, c connect.Connector, p *connect.Parcel, m *connect.Memory) ([]connect.Exchange, error) {
	t.Helper()
	return deliverIn(t.Context(), c, p, m)
}

func deliverIn(ctx context.Context, c connect.Connector, p *connect.Parcel, m *connect.Memory) ([]connect.Exchange, error) {
	var seen []connect.Exchange
	e := m.Effects(nil)
	e.Record = func(x connect.Exchange) { seen = append(seen, x) }
	err := c.Deliver(ctx, p.Bind(e))
	return seen, err
}

var fileLink = regexp.MustCompile(`https://styk\.firm\.ru/d/\S+`)

func suite(more map[string]any, prepare func(*connect.Parcel)) connecttest.Case {
	scheme := "smtp"
	if s, ok := more["scheme"].(string); ok {
		scheme = s
	}
	return connecttest.Case{
		Kind:    notice.Kind,
		Prepare: prepare,
		New: func(t *testing.T) *connecttest.Sim {
			patience := 5 * time.Millisecond
			if scheme == "smtps" {
				patience = 10 * time.Second // the client speaks first: nobody waits that long
			}
			sim, at := serve(t, notice.SimUser(user, password), notice.SimPatience(patience))
			values := func(pass string) func(string) map[string]any {
				return func(string) map[string]any {
					all := settings(at, more)
					delete(all, "scheme")
					u := url.URL{Scheme: scheme, Host: at, User: url.UserPassword(user, pass)}
					all["url"], all["ca"] = u.String(), sim.CertificatePEM()
					return all
				}
			}
			return &connecttest.Sim{
				Settings: values(password),
				Wrong:    values("another password"),
				Records:  func(n string) int { return len(letters(sim, n)) },
				Files: func(n string) []connecttest.File {
					var out []connecttest.File
					for _, m := range letters(sim, n) {
						for _, f := range m.Files {
							out = append(out, connecttest.File{Name: f.Name, Size: f.Size, SHA256: f.SHA256})
						}
						for range fileLink.FindAllString(m.Text, -1) {
							out = append(out, connecttest.File{Size: -1})
						}
					}
					return out
				},
			}
		},
	}
}

// letters finds the letters about a ticket, or of a notice by its parcel.
func letters(sim *notice.Sim, number string) []notice.SimMail {
	var out []notice.SimMail
	id := (&connect.Parcel{ID: number}).UUID("mail." + addressHash("anna@firm.ru"))
	for _, m := range sim.State().Letters {
		if strings.Contains(m.Subject, number) || strings.Contains(m.MessageID, id) {
			out = append(out, m)
		}
	}
	return out
}

func addressHash(a string) string {
	sum := sha256.Sum256([]byte(a))
	return hex.EncodeToString(sum[:4])
}

func asNotice(p *connect.Parcel) {
	n := notice.Accepted{To: "Анна <anna@firm.ru>", Number: p.Ticket.Number, Promise: "Скоро ответим"}.Notice(notice.Russian)
	n.Subject = "Без номера"
	p.Ticket, p.Notice = nil, &n
}

func TestConnector(t *testing.T) {
	t.Parallel()
	cases := map[string]connecttest.Case{
		"ticket":   suite(nil, nil),
		"links":    suite(map[string]any{"attach": "0", "auth": "login"}, nil),
		"starttls": suite(map[string]any{"encryption": "required"}, nil),
		"smtps":    suite(map[string]any{"scheme": "smtps"}, nil),
		"notice":   suite(nil, asNotice),
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { t.Parallel(); connecttest.Run(t, c) })
	}
}

func TestNoAddressee(t *testing.T) {
	t.Parallel()
	c := open(t, settings("127.0.0.1:1", map[string]any{"to": ""}))
	for _, p := range []*connect.Parcel{
		connecttest.Parcel(1),
		{ID: "n", Notice: &connect.Notice{To: []string{"not an address", "a@b\r\nBcc: x@y.ru"}}},
		{ID: "c", Card: &connect.CardEvent{}},
	} {
		if _, err := deliver(t, c, p, &connect.Memory{}); !connect.IsPermanent(err) {
			t.Errorf("%s: got %v", p.SubjectName(), err)
		}
	}
}

// Each addressee has a letter of his own, and a bad one does not hold back the rest.
func TestManyAddressees(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password))
	if err := sim.Fault(notice.SimFault{Name: "550", Times: 1}); err != nil {
		t.Fatal(err)
	}
	c := open(t, settings(at, map[string]any{"to": []any{"Директор <boss@firm.ru>", "sales@firm.ru", "SALES@firm.ru"}}))
	p, m := connecttest.Parcel(1), &connect.Memory{}
	if _, err := deliver(t, c, p, m); !connect.IsPermanent(err) {
		t.Fatalf("got %v", err)
	}
	st := sim.State()
	if len(st.Letters) != 1 || st.Letters[0].To != "sales@firm.ru" || strings.Contains(string(st.Letters[0].Raw), "boss@") {
		t.Fatalf("got %d letters", len(st.Letters))
	}
	if _, err := deliver(t, c, p, m); err != nil {
		t.Fatal(err)
	}
	if st := sim.State(); len(st.Letters) != 2 || st.Repeats != 0 {
		t.Errorf("got %d letters, %d repeats", len(st.Letters), st.Repeats)
	}
}

// A server that takes less than the files weigh gets links.
func TestSmallServer(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password), notice.SimMaxSize(6000))
	p := connecttest.Parcel(1)
	p.Ticket.Files[0] = sized(p.Ticket.Files[0], 10_000)
	if _, err := deliver(t, open(t, settings(at, nil)), p, &connect.Memory{}); err != nil {
		t.Fatal(err)
	}
	m := sim.State().Letters[0]
	if len(m.Files) != 0 || len(fileLink.FindAllString(m.Text, -1)) != 2 {
		t.Errorf("got %d files and %q", len(m.Files), m.Text)
	}
	p = connecttest.Parcel(2)
	p.Ticket.Fields[7].Value = strings.Repeat("ж", 6000)
	if _, err := deliver(t, open(t, settings(at, nil)), p, &connect.Memory{}); !connect.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password))
	p := connecttest.Parcel(1)
	p.DryRun = true
	m := &connect.Memory{}
	seen, err := deliver(t, open(t, settings(at, nil)), p, m)
	if err != nil || len(sim.State().Letters) != 0 || len(m.State) != 0 {
		t.Fatalf("got %v, %d letters, steps %v", err, len(sim.State().Letters), m.State)
	}
	if len(seen) != 1 || !seen[0].DryRun || !strings.Contains(string(seen[0].RequestBody), "Не печатает касса") {
		t.Errorf("shown %+v", seen)
	}
}

// The record tells the conversation, without password, files and secret links.
func TestRecord(t *testing.T) {
	t.Parallel()
	_, at := serve(t, notice.SimUser(user, password))
	p := connecttest.Parcel(1)
	p.Ticket.Files[1] = sized(p.Ticket.Files[1], 11<<20)
	seen, err := deliver(t, open(t, settings(at, nil)), p, &connect.Memory{})
	if err != nil || len(seen) != 1 {
		t.Fatalf("got %v, %d exchanges", err, len(seen))
	}
	x := seen[0]
	talk, body := string(x.AnswerBody), string(x.RequestBody)
	for _, want := range []string{"C: MAIL FROM:<no-reply@firm.ru>", "C: RCPT TO:<sales@firm.ru>", "S: 250 "} {
		if !strings.Contains(talk, want) {
			t.Errorf("no %q in\n%s", want, talk)
		}
	}
	for _, want := range []string{"/d/•••", "application/pdf, ", "sha256"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(talk, "AUTH PLAIN A") || strings.Contains(talk, password) || x.Status != 250 || x.Timing.Total == 0 {
		t.Errorf("status %d, %v\n%s", x.Status, x.Timing, talk)
	}
	if x.URL != "smtp://"+at || !strings.HasPrefix(x.Step, "mail.") {
		t.Errorf("got %s, step %s", x.URL, x.Step)
	}
}

// A file that breaks off in the middle must not make a letter.
func TestBrokenFile(t *testing.T) {
	t.Parallel()
	sim, at := serve(t, notice.SimUser(user, password))
	p, m := connecttest.Parcel(1), &connect.Memory{}
	whole := p.Ticket.Files[0]
	p.Ticket.Files[0].Size++
	_, err := deliver(t, open(t, settings(at, nil)), p, m)
	if err == nil || connect.IsPermanent(err) || len(sim.State().Letters) != 0 {
		t.Errorf("got %v, %d letters", err, len(sim.State().Letters))
	}
	p.Ticket.Files[0] = whole
	if _, err := deliver(t, open(t, settings(at, nil)), p, m); err != nil {
		t.Fatal(err)
	}
}

// One letter with a file of 100 KB over a new connection each time.
func BenchmarkDeliver(b *testing.B) {
	sim := notice.NewSim(notice.SimPatience(0))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, l) }()
	c, err := notice.Kind.Open(connect.Settings{Values: map[string]any{
		"url": "smtp://" + l.Addr().String(), "from": "no-reply@firm.ru", "to": "sales@firm.ru",
	}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p := connecttest.Parcel(1)
		p.Ticket.Files[0] = sized(p.Ticket.Files[0], 100<<10)
		if _, err := deliverIn(ctx, c, p, &connect.Memory{}); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
