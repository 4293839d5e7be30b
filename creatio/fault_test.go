package creatio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"styk/connect"
)

// outcome is what the first attempt under a fault must come to.
type outcome string

const (
	delivered outcome = "delivered"
	again     outcome = "again"     // no mark: by the ladder
	waits     outcome = "waits 2s"  // After, as the answer asked
	permanent outcome = "permanent" // this parcel needs a person
	stopped   outcome = "stopped"   // the target needs a person
)

func outcomeOf(err error) outcome {
	wait, asked := connect.Wait(err)
	switch {
	case err == nil:
		return delivered
	case connect.IsStop(err):
		return stopped
	case connect.IsPermanent(err):
		return permanent
	case asked:
		return outcome("waits " + wait.String())
	}
	return again
}

// faultTable is every position of every switch of spec/creatio.md 8 and what
// the connector makes of it. After the fault is gone the parcel is delivered.
var faultTable = []struct {
	fault string
	want  outcome
	cause string // part of what Explain says
}{
	{"csrf=BPMCSRF", delivered, ""},
	{"csrf=CRT_CSRF", delivered, ""},
	{"csrf=off", delivered, ""},
	{"csrf=late", delivered, ""},
	{"expired=401-empty", delivered, ""},
	{"expired=401-json", delivered, ""},
	{"expired=302", delivered, ""},
	{"expired=302-followed-200-html", delivered, ""},
	{"expired=403", delivered, ""},
	{"sessionid=in-login", delivered, ""},
	{"sessionid=first-call", delivered, ""},
	{"sessionid=reissue-each-call", delivered, ""},
	{"session-minutes=10", delivered, ""},
	{"expire-after-calls=1", delivered, ""},
	{"expire-after-calls=4", delivered, ""},
	{"expire-after-calls=0", again, ""},
	{"login=ok", delivered, ""},
	{"login=code1", stopped, "неверный пользователь или пароль"},
	{"login=password-expired", stopped, "Пароль пользователя CRM истёк"},
	{"login=403", stopped, "CRM не пускает (403)"},
	{"login=html", stopped, "веб-страница"},
	{"login=locked", stopped, "заблокирован"},
	{"login=licence", stopped, "нет лицензии"},
	{"number=in-201", delivered, ""},
	{"number=late", delivered, ""},
	{"number=missing-setting", permanent, ""},
	{"number=duplicate", delivered, ""},
	{"own-id=accepted", delivered, ""},
	{"own-id=refused", delivered, ""},
	{"file=ok", delivered, ""},
	{"file=too-large", delivered, ""},
	{"file=type-denied", delivered, ""},
	{"file=drop-at-chunk 2", again, "Соединение оборвалось"},
	{"file=200-empty", delivered, ""},
	{"file=no-api", delivered, ""},
	{"odata-model=ready", delivered, ""},
	{"odata-model=rebuilding", again, ""},
	{"latency=1ms", delivered, ""},
	{"rate=429", waits, "подождать"},
	{"rate=503", waits, "недоступна"},
	{"permission=Case", permanent, "Нет прав"},
	{"permission=CaseFile", permanent, "Нет прав"},
	{"platform=framework", delivered, ""},
	{"platform=net", delivered, ""},
	{"platform=bpmsoft", delivered, ""},
	{"commit-then=500", again, "Ошибка внутри системы"}, // rows are found at once, an upload is sent anew
	{"commit-then=reset", again, "Соединение оборвалось"},
}

func TestFaultTable(t *testing.T) {
	t.Parallel()
	for _, platform := range []Platform{Framework, Net, BPMSoft} {
		for _, c := range faultTable {
			t.Run(string(platform)+"/"+c.fault, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, platform, nil)
				if strings.HasPrefix(c.fault, "expired") || c.fault == "odata-model=rebuilding" && platform == Net {
					s.mustDeliver(ticket(9)) // a session and the prefix are there already
				}
				s.fault(c.fault)
				p, m := ticket(1), &connect.Memory{}
				if strings.HasPrefix(c.fault, "file=") {
					p.Ticket.Files = append(p.Ticket.Files, bigFile(1_200_000))
				}
				err := s.attempt(p, m)
				if got := outcomeOf(err); got != c.want {
					t.Fatalf("got %s, want %s: %v", got, c.want, err)
				}
				if c.want != delivered {
					if said := connect.Explain(err); said == "" || !strings.Contains(said, c.cause) {
						t.Errorf("cause %q, want %q", said, c.cause)
					}
					s.sim.Calm()
					s.to.client.Forgive()
					if err := s.attempt(p, m); err != nil {
						t.Fatalf("after the fault: %v", err)
					}
				}
				s.whole(p)
				if row := s.sim.casesOf(p.Ticket.Number)[0]; m.Number() == "" || m.Number() != row["Number"] {
					t.Errorf("number %q, the CRM has %q", m.Number(), row["Number"])
				}
				s.unbroken()
			})
		}
	}
}

// TestEverySwitchIsInTheTable keeps the table as long as the list of switches.
func TestEverySwitchIsInTheTable(t *testing.T) {
	t.Parallel()
	for name, positions := range simSwitches {
		if positions == nil {
			positions = []string{""}
		}
		for _, position := range positions {
			found := name == "commit-then" && position == "timeout" // TestCommitThen
			for _, c := range faultTable {
				found = found || strings.HasPrefix(c.fault, name+"="+position)
			}
			if !found {
				t.Errorf("%s=%s is not in the table", name, position)
			}
		}
	}
}

// A row was saved and its answer lost, at each write and in each way: the next
// attempt finds it, with ids of ours and without.
func TestCommitThen(t *testing.T) {
	t.Parallel()
	for _, ids := range []string{"auto", "never", "never, and no column"} {
		for _, write := range []string{"Account", "Contact", "Case", "SocialMessage", "UploadFile"} {
			for _, way := range []string{"500", "reset", "timeout"} {
				t.Run(ids+"/"+write+"/"+way, func(t *testing.T) {
					t.Parallel()
					settings := map[string]any{"own_ids": strings.Split(ids, ",")[0]}
					column := strings.TrimPrefix(ids, "never") == "" || ids == "auto"
					if !column {
						settings["external_id_column"] = ""
					}
					s := newSite(t, Net, settings)
					if way == "timeout" {
						transport := s.http.Transport.(*connect.Transport)
						transport.Base = &impatient{base: transport.Base, path: write}
					}
					if err := s.sim.Fault(SimFault{Name: "commit-then", Value: way, Times: 1, Entity: write}); err != nil {
						t.Fatal(err)
					}
					p, m := ticket(1), &connect.Memory{}
					if err := s.attempt(p, m); err != nil {
						if got := outcomeOf(err); got != again {
							t.Fatalf("got %s: %v", got, err)
						}
						if err := s.attempt(p, m); err != nil {
							t.Fatal(err)
						}
					}
					st := s.sim.State()
					for entity, want := range map[string]int{"Account": 2, "Contact": 1, "Case": 1, "SocialMessage": 1, "CaseFile": 2} {
						if got := len(st.Entities[entity]); got != want {
							t.Errorf("%d of %s, want %d", got, entity, want)
						}
					}
					s.unbroken()
				})
			}
		}
	}
}

// impatient gives up waiting for the first write to a path.
type impatient struct {
	base http.RoundTripper
	path string
	done atomic.Bool
}

func (i *impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/"+i.path) && !i.done.Swap(true) {
		ctx, cancel := context.WithTimeout(r.Context(), 300*time.Millisecond)
		defer cancel()
		return i.base.RoundTrip(r.Clone(ctx))
	}
	return i.base.RoundTrip(r)
}

// Two tickets of one visitor with equal words stay two where the CRM chooses
// ids and has no column for our number: the text itself carries it.
func TestEqualTicketsStayTwo(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, map[string]any{"own_ids": "never", "external_id_column": ""})
	s.mustDeliver(ticket(1))
	p, m := ticket(2), &connect.Memory{State: map[string]connect.StepState{"case": connect.StepStarted}, Done: map[string]connect.Done{}}
	if err := s.attempt(p, m); err != nil {
		t.Fatal(err)
	}
	if n := len(s.sim.State().Entities["Case"]); n != 2 {
		t.Errorf("%d cases, want 2", n)
	}
}

// Twenty deliveries meet a dead session at once: one login, in every shape of
// expiry, on every platform.
func TestParallelExpiryOneLogin(t *testing.T) {
	t.Parallel()
	for _, platform := range []Platform{Framework, Net, BPMSoft} {
		for _, shape := range simSwitches["expired"] {
			t.Run(string(platform)+"/"+shape, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, platform, nil)
				s.mustDeliver(ticket(1))
				s.fault("expired=" + shape)
				var wait sync.WaitGroup
				for i := range 20 {
					wait.Go(func() {
						p := ticket(i + 2)
						p.Ticket.Files = nil
						if err := s.attempt(p, &connect.Memory{}); err != nil {
							t.Error(err)
						}
					})
				}
				wait.Wait()
				if n := s.sim.State().Logins; n != 2 {
					t.Errorf("%d logins, want 2", n)
				}
				s.unbroken()
			})
		}
	}
}

// A session that has been idle for 80 % of its life is renewed before a call
// fails (spec/creatio.md 1.5).
func TestIdleSessionIsRenewedInTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, Framework, nil)
	s.mustDeliver(ticket(1))
	s.pass(49 * time.Minute)
	s.mustDeliver(ticket(2))
	st := s.sim.State()
	if st.Logins != 2 {
		t.Errorf("%d logins, want 2", st.Logins)
	}
	for _, c := range st.Log {
		if c.Note == "expired" {
			t.Errorf("a call met a dead session: %+v", c)
		}
	}
}

// Two rejected logins are the last, until a person tests the connection.
func TestRejectedTwiceIsTheEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	s.fault("login=code1")
	for range 5 {
		if got := outcomeOf(s.attempt(ticket(1), &connect.Memory{})); got != stopped {
			t.Fatalf("got %s", got)
		}
	}
	if n := s.sim.State().Rejects; n != 2 {
		t.Errorf("%d logins were tried, want 2", n)
	}
	s.sim.Calm()
	if err := s.attempt(ticket(1), &connect.Memory{}); !strings.Contains(connect.Explain(err), "Проверить связь") {
		t.Errorf("got %v", err)
	}
	if err := s.to.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mustDeliver(ticket(1))
}

// The password stands in no error, even where the CRM repeats it.
func TestPasswordIsNotTold(t *testing.T) {
	t.Parallel()
	l, err := parseLogin([]byte(`{"Code":1,"Message":"bad password hunter22 for api"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.explain("hunter22").Error(); strings.Contains(got, "hunter22") {
		t.Errorf("got %s", got)
	}
}

// A site that moves from .NET to .NET Framework is found again.
func TestSiteMoves(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	s.mustDeliver(ticket(1))
	s.fault("platform=framework")
	p, m := ticket(2), &connect.Memory{}
	if got := outcomeOf(s.attempt(p, m)); got != again {
		t.Fatalf("got %s", got)
	}
	if err := s.attempt(p, m); err != nil {
		t.Fatal(err)
	}
	s.whole(p)
}

// An error names no visitor: its text goes to the log.
func TestErrorsNameNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	s.mustDeliver(ticket(1))
	transport := s.http.Transport.(*connect.Transport)
	transport.Base = deaf{}
	err := s.attempt(ticket(2), &connect.Memory{})
	if err == nil || strings.Contains(err.Error(), "9001234567") || strings.Contains(err.Error(), "anna") {
		t.Errorf("got %v", err)
	}
	if said := connect.Explain(err); !strings.Contains(said, "Соединение оборвалось") {
		t.Errorf("cause %q", said)
	}
}

// deaf is a network that hangs up.
type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

// A number that never comes does not hold the parcel for ever.
func TestNumberNeverComes(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, nil)
	s.fault("number=late")
	p, m := ticket(1), &connect.Memory{}
	var errs []error
	for range 6 {
		s.hideNumber()
		errs = append(errs, s.attempt(p, m))
	}
	for i, err := range errs[:5] {
		if !errors.Is(err, errNoNumber) {
			t.Errorf("attempt %d: %v", i+1, err)
		}
	}
	if errs[5] != nil || len(s.warns) == 0 {
		t.Errorf("last attempt: %v, warnings %v", errs[5], s.warns)
	}
	s.whole(p)
}

// hideNumber makes the simulator's process never number the cases.
func (s *site) hideNumber() {
	hide := func() {
		s.sim.mu.Lock()
		defer s.sim.mu.Unlock()
		for _, row := range s.sim.tables["Case"].rows {
			row["late"] = 1000
		}
	}
	hide()
	s.to.pause = func(context.Context, time.Duration) error { hide(); return nil }
}

func TestFileOverTheCapBecomesALink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		max  string
		size int
		link bool
	}{
		"below ours":          {"1MB", 1 << 20, false},
		"above ours":          {"1MB", 1<<20 + 1, true},
		"above the CRM's own": {"100MB", 11 << 20, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Net, map[string]any{"max_file": c.max})
			p := ticket(1)
			p.Ticket.Files = []connect.File{bigFile(c.size)}
			s.mustDeliver(p)
			files := s.sim.filesOf(p.Ticket.Number)
			if len(files) != 1 || (files[0].Size == -1) != c.link {
				t.Errorf("files %v, want a link: %v", files, c.link)
			}
			s.unbroken()
		})
	}
}

// A file that can go neither way needs a person, and holds back no other.
func TestFileWithoutAWay(t *testing.T) {
	t.Parallel()
	s := newSite(t, Net, map[string]any{"max_file": "1MB"})
	p := ticket(1)
	big := bigFile(2 << 20)
	big.URL = ""
	p.Ticket.Files = append([]connect.File{big}, p.Ticket.Files...)
	m := &connect.Memory{}
	if got := outcomeOf(s.attempt(p, m)); got != permanent {
		t.Errorf("got %s", got)
	}
	if n := len(s.sim.filesOf(p.Ticket.Number)); n != 2 || m.Number() == "" {
		t.Errorf("%d files, number %q", n, m.Number())
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"commit-then=500:3":    "{commit-then 500 3 }",
		"rate=429":             "{rate 429 0 }",
		"file=drop-at-chunk 2": "{file drop-at-chunk 2 0 }",
		"rate=418":             "error", "no-such=1": "error", "rate=429:x": "error", "latency=soon": "error", "permission=Cat": "error",
	} {
		f, err := ParseFault(text)
		got := fmt.Sprint(f)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
