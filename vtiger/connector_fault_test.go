package vtiger

import (
	"strings"
	"testing"

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

// faultTable is every position of every switch and what the connector makes of
// it. After the fault is gone the parcel is delivered, each thing once.
var faultTable = []struct {
	fault string
	want  outcome
	cause string // part of what Explain says
}{
	{"session=dies:1", delivered, ""},
	{"session=dies:1@CreateProject", delivered, ""},
	{"session=dies:1@storage", delivered, ""},
	{"session=dies@CreateProject", again, "Внутренняя ошибка"},
	{"session-seconds=0", again, "Внутренняя ошибка"},
	{"session-seconds=60", delivered, ""},
	{"token=race:1", delivered, ""},
	{"token=race", stopped, "ключ доступа"},
	{"login=wrong-key", stopped, "ключ доступа"},
	{"login=no-key", stopped, "ключ доступа"},
	{"login=unknown-user", stopped, "ключ доступа"},
	{"answer=500-empty", again, "упала"},
	{"answer=500-empty:1@CreateContact", again, "упала"},
	{"answer=500-empty:1@capture", again, "упала"},
	{"answer=500-empty:1@storage", again, "упала"},
	{"answer=html-before:1@CreateProject", again, "Внутренняя ошибка"},
	{"answer=warned@CreateProject", delivered, ""},
	{"answer=warned", delivered, ""},
	{"answer=200-html:1@CreateProject", again, "не тем"},
	{"answer=200-html:1@getchallenge", again, "не тем"},
	{"answer=200-empty:1@CreateAccount", again, "не тем"},
	{"answer=cut:1@CreateProject", again, "не тем"},
	{"after=500-empty:1@CreateContact", again, "упала"},
	{"after=500-empty:1@CreateAccount", again, "упала"},
	{"after=500-empty:1@CreateProject", again, "упала"},
	{"after=500-empty:1@capture", again, "упала"},
	{"after=html-before@CreateProject", delivered, ""},
	{"after=200-html:1@CreateProject", again, "не тем"},
	{"after=200-empty:1@capture", again, "не тем"},
	{"after=cut:1@CreateProject", again, "не тем"},
	{"commit-then=reset:1@CreateProject", again, "Соединение оборвалось"},
	{"commit-then=reset:1@capture", again, "Соединение оборвалось"},
	{"commit-then=reset:1@storage", again, "Соединение оборвалось"},
	{"error=internal:1@CreateProject", again, "Внутренняя ошибка"},
	{"error=database:1@query", again, "Внутренняя ошибка"},
	{"error=denied:1@query", permanent, "query"},
	{"error=denied:1@CreateProject", permanent, "Нет прав"},
	{"error=duplicate:1@CreateAccount", permanent, "дублей"},
	{"error=owner:1@CreateContact", again, "не тем"},
	{"rate=429:1", waits, "подождать"},
	{"rate=503:1@CreateProject", waits, "недоступна"},
	{"latency=1ms", delivered, ""},
	{"custom=absent", again, "нет этой операции"},
	{"link=ignored", delivered, ""},
	{"storage=readonly", permanent, "перезаписать"},
	{"storage=put", delivered, ""},
	{"storage=folder", permanent, "401"},
	{"webform=absent", permanent, "publicid"},
	{"webform=robot", permanent, "publicid"},
	{"php=7", delivered, ""},
}

func TestFaultTable(t *testing.T) {
	t.Parallel()
	for _, c := range faultTable {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			d := newSite(t, "put", nil)
			d.fault(c.fault)
			p, m := parcel(1), &connect.Memory{}
			err := d.attempt(p, m)
			if got := outcomeOf(err); got != c.want {
				t.Fatalf("got %s, want %s: %v (%s)", got, c.want, err, connect.Explain(err))
			}
			if c.want != delivered {
				if said := connect.Explain(err); said == "" || !strings.Contains(said, c.cause) {
					t.Errorf("cause %q, want %q", said, c.cause)
				}
				d.sim.Calm()
				if err := d.attempt(p, m); err != nil {
					t.Fatalf("after the fault: %v", err)
				}
			}
			d.whole(p)
			if n := d.sim.contacts(); n != 1 {
				t.Errorf("%d contacts", n)
			}
			if n := len(d.sim.State().Modules["Accounts"]); n != 1 {
				t.Errorf("%d accounts", n)
			}
			if m.Number() == "" || m.Number() != d.sim.numberOf(p.Ticket.Number) {
				t.Errorf("number %q, the CRM has %q", m.Number(), d.sim.numberOf(p.Ticket.Number))
			}
		})
	}
}

// TestEverySwitchIsInTheTable keeps the table as long as the list of switches.
func TestEverySwitchIsInTheTable(t *testing.T) {
	t.Parallel()
	elsewhere := []string{"commit-then=timeout", "webform=file-lost"} // the suite's cuts; TestFilesLostByTheForm
	for name, positions := range simSwitches {
		if positions == nil {
			positions = []string{""}
		}
		for _, position := range positions {
			found := strings.Contains(strings.Join(elsewhere, " "), name+"="+position)
			for _, c := range faultTable {
				found = found || strings.HasPrefix(c.fault, name+"="+position)
			}
			if !found {
				t.Errorf("no outcome is expected of %s=%s", name, position)
			}
		}
	}
}
