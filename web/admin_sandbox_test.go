package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/creatio"
	"styk/store"
)

func init() { emptyPages["admin_sandbox.html"] = adminSandboxPage{} }

// played gives a desk with a CRM to break, and a courier that runs.
func played(t *testing.T, before ...func(*desk)) *desk {
	t.Helper()
	sim, crm := crmHere(t)
	set := func(text string) error {
		f, err := creatio.ParseFault(text)
		if err != nil {
			return err
		}
		return sim.Fault(f)
	}
	box := &Sandbox{Form: "feedback", Simulators: []Simulator{{Name: "crm", RU: "CRM", EN: "The CRM", Set: set, Calm: sim.Calm,
		Is:       func(fault string) bool { name, _, _ := strings.Cut(fault, "="); _, on := sim.Faults()[name]; return on },
		Leads:    func(t *styk.Target) bool { return t.Name == "crm" },
		Switches: []Switch{{Fault: "permission=Case", RU: "Нельзя создавать", EN: "No right"}, {Fault: "login=code1", RU: "Не пускает", EN: "Refuses"}}}}}
	var o *Options
	d := newDesk(t, func(opt *Options) { opt.Sandbox = box; o = opt })
	run := o.Courier
	if _, err := run.SaveTarget(t.Context(), &styk.Target{Name: "crm", Kind: "creatio", Settings: map[string]any{
		"url": crm, "user": "api", "password": "secret", "external_id_column": "UsrExternalId"}}); err != nil {
		t.Fatal(err)
	}
	form := deskFormTo("crm")
	d.update(func(tx *store.Tx) error { _, err := tx.SaveForm(form); return err })
	for _, do := range before {
		do(d)
	}
	d.update(func(tx *store.Tx) error { // what is there so far are samples
		last, err := tx.LastPost()
		if err != nil {
			return err
		}
		return tx.SetMeta(MetaSamples, fmt.Sprint(int64(last)))
	})
	d.intake.Wake = run.Wake
	ended := make(chan error, 1)
	go func() { ended <- run.Run(t.Context()) }()
	t.Cleanup(func() { <-ended })
	return d
}

func (d *desk) await(what string, cond func(tx *store.Tx) (bool, error)) {
	d.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		good := false
		if err := d.db.View(d.t.Context(), func(tx *store.Tx) (err error) { good, err = cond(tx); return err }); err != nil {
			d.t.Fatal(err)
		}
		if good {
			return
		}
	}
	d.t.Fatalf("%s did not come", what)
}

// TestSandboxBreaksAndMends: one click makes deliveries fail, one click mends the
// CRM and sends them again; and the path of the first day ticks itself meanwhile.
func TestSandboxBreaksAndMends(t *testing.T) {
	t.Parallel()
	d := played(t)
	b := d.person(styk.RoleIntegrator)
	steps := func() int { return strings.Count(b.get("/admin/").body, `<li class="done"`) }
	if n := steps(); n != 0 {
		t.Errorf("%d steps are done at the beginning", n)
	}
	send := func(name, phone string) {
		d.post(deskFormTo("crm"), "", "topic", "Проба", "name", name, "phone", phone, "email", "a@example.ru", "message", "Проба")
	}
	delivered := func(n int) func(tx *store.Tx) (bool, error) {
		return func(tx *store.Tx) (bool, error) {
			list, err := tx.Deliveries(store.DeliveryFilter{State: styk.Delivered})
			return len(list) == n, err
		}
	}
	send("Анна", "+7 900 111-22-33")
	d.await("the first delivery", delivered(1))
	if n := steps(); n != 2 {
		t.Errorf("%d steps are done, want 2", n)
	}
	for i, fault := range []string{"permission=Case", "login=code1"} {
		if a := b.send("/admin/sandbox/crm/break", "fault", fault); a.status != http.StatusSeeOther {
			t.Fatalf("%d\n%s", a.status, a.body)
		}
		if page := b.get("/admin/sandbox").body; !strings.Contains(page, "Сломана") || !strings.Contains(page, "Починить и отправить снова") {
			t.Errorf("the page\n%s", page)
		}
		send("Пётр", []string{"+7 900 111-22-34", "+7 900 111-22-35"}[i])
		if fault == "permission=Case" {
			d.await("a failure", func(tx *store.Tx) (bool, error) {
				n, err := tx.CountDeliveries(styk.NeedsHand, 0, 10)
				return n == 1, err
			})
		}
		if a := b.send("/admin/sandbox/crm/mend"); a.status != http.StatusSeeOther {
			t.Fatalf("%d\n%s", a.status, a.body)
		}
		d.await("what waited", delivered(2+i))
	}
	if n := steps(); n != 3 {
		t.Errorf("%d steps are done, want 3", n)
	}
	if page := b.get("/admin/").body; !strings.Contains(page, "Первый день пройден") {
		t.Error("the path does not say that it is done")
	}
	b.send("/admin/path/off")
	if page := b.get("/admin/").body; strings.Contains(page, "Первый день пройден") {
		t.Error("the path was put away and stands there")
	}
	if page := d.person(styk.RoleAdmin).get("/admin/").body; !strings.Contains(page, "Первый день пройден") {
		t.Error("one person's choice was taken for another's")
	}
	if a := b.send("/admin/sandbox/crm/break", "fault", "latency=5s"); a.status < 400 {
		t.Errorf("a fault that is not offered: %d", a.status)
	}
}

func deskFormTo(target string) *styk.Form {
	f := deskForm()
	f.Targets = []string{target}
	return f
}

// TestIntegratorInBrowser: 312 deliveries failed; he finds why and sends them
// again, tests a connection, breaks the CRM and mends it.
func TestIntegratorInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	d := played(t, func(d *desk) { d.fail(312, "Склад отвечает: закончилось место") })
	d.person(styk.RoleIntegrator)
	d.post(deskFormTo("crm"), "", "topic", "Проба", "name", "Анна", "phone", "+7 900 111-22-33", "email", "a@example.ru", "message", "Проба")
	playAdmin(t, "testdata/admin/integrator_look_test.js", "STYK="+d.url, "FOREIGN="+d.url, "PASSWORD="+deskPassword)
	playAdmin(t, "testdata/admin/integrator_test.js", "STYK="+d.url, "FOREIGN="+d.url, "PASSWORD="+deskPassword)
}
