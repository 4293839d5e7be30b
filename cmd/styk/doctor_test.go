package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestDoctorLooksAtTargets: one that lets us in, one whose password is wrong, one
// that stands already and is therefore not called, and none when told so. Their
// secrets are nowhere in what it says.
func TestDoctorLooksAtTargets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := &folder{Data: newFolder(t)}
	h := openTestHouse(t, f)
	defer h.close()
	yaml := "targets:\n" +
		"  - {name: crm, kind: creatio, settings: {url: \"" + w.url + "\", user: api, password: secret}}\n" +
		"  - {name: locked, kind: creatio, settings: {url: \"" + w.url + "\", user: api, password: top-hidden}}\n" +
		"  - {name: stands, kind: creatio, settings: {url: \"" + w.url + "\", user: nobody, password: top-hidden}}\n" +
		"forms:\n  - {name: a, title: Форма, targets: [crm, stands], fields: [{name: topic, type: text}]}\n"
	if _, err := applyYAML(t.Context(), h, "f.yaml", []byte(yaml), false); err != nil {
		t.Fatal(err)
	}
	if err := h.courier.Pause(t.Context(), "stands", "CRM отвергла вход."); err != nil {
		t.Fatal(err)
	}
	postForm(t, h, "a")
	w.carried(t, h)
	now := h.now().Add(3 * time.Hour)
	h.now = func() time.Time { return now }

	said := examine(t, h, &doctorCommand{Quick: true})
	for _, want := range []string{
		"ok     target crm (creatio): logged in",
		"ok     target crm (creatio): nothing waits; last delivered ",
		"WRONG  target locked (creatio): CRM отвергла вход",
		"WRONG  target stands (creatio): it stands since ",
		"think  target stands (creatio): 1 wait, the oldest for 3 h; nothing was delivered yet",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("lacks %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "top-hidden") {
		t.Errorf("it tells a secret:\n%s", said)
	}
	if n := w.crm.State().Rejects; n != 1 {
		t.Errorf("%d rejected log-ins: a target that stands is not called", n)
	}
	calls := w.crm.State().Calls
	if said := examine(t, h, &doctorCommand{Quick: true, Offline: true}); !strings.Contains(said, "target locked (creatio): runs; not called") {
		t.Errorf("offline:\n%s", said)
	}
	if n := w.crm.State().Calls; n != calls {
		t.Errorf("%d calls offline", n-calls)
	}
}

func examine(t *testing.T, h *house, c *doctorCommand) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.work(t.Context(), h, &streams{out: &out, err: &out}); err != nil && err.Error() != exitError(exitFailed).Error() {
		t.Fatal(err)
	}
	return out.String()
}
