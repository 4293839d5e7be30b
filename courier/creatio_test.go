package courier_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/connect"
	"styk/courier"
	"styk/creatio"
	"styk/intake"
)

// The whole way of the first story: a form with a file, a CRM, its number on the
// visitor's screen.
func TestFormReachesCreatio(t *testing.T) {
	t.Parallel()
	h := newHouse(t, filepath.Join(t.TempDir(), "styk.db"))
	sim := creatio.NewSim(creatio.Framework)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	h.extra = []connect.Kind{creatio.Kind}
	h.form.Fields = append(h.form.Fields, styk.FormField{Name: "company", Type: styk.FieldText})
	h.target(styk.Target{Name: "crm", Kind: "creatio", Parallel: 4, Settings: map[string]any{
		"url": server.URL, "user": "api", "password": "secret", "external_id_column": "UsrExternalId",
	}})
	before := len(sim.State().Entities["Contact"])
	h.start(h.db)
	var all []*intake.Accepted
	for i := range 8 {
		all = append(all, h.post(map[string]string{"topic": fmt.Sprint("Касса ", i), "company": "ООО «Ромашка»"}))
	}
	p := h.in.Wait(t.Context(), all[0], 15*time.Second)
	for _, a := range all {
		h.awaitState(a, styk.Delivered)
	}
	st := sim.State()
	if n := len(st.Entities["Contact"]) - before; n != 1 {
		t.Errorf("%d contacts of one new visitor", n)
	}
	if n := len(st.Files); n != len(all) || len(st.Broken) > 0 {
		t.Errorf("%d files, broken rules %v", n, st.Broken)
	}
	for _, a := range all {
		found := 0
		for _, row := range st.Entities["Case"] {
			if row["UsrExternalId"] == a.Number {
				found++
				if a == all[0] && row["Number"] != p.Number {
					t.Errorf("the visitor saw %q, the case is %v", p.Number, row["Number"])
				}
			}
		}
		if found != 1 {
			t.Errorf("%s: %d cases", a.Number, found)
		}
	}
	var posts []string // contract 15: the account before the contact before the case
	for _, c := range st.Log {
		if c.Method == "POST" && c.Status == 201 {
			name := c.Path[strings.LastIndexByte(c.Path, '/')+1:]
			if !slices.Contains(posts, name) {
				posts = append(posts, name)
			}
		}
	}
	if got := strings.Join(posts, " "); !strings.HasPrefix(got, "Account Contact Case SocialMessage") {
		t.Errorf("order on the wire: %s", got)
	}
}

// BenchmarkDrainCreatio carries tickets with a small file to the simulator.
func BenchmarkDrainCreatio(b *testing.B) {
	in := benchIntake(b, filepath.Join(b.TempDir(), "styk.db"))
	server := httptest.NewServer(creatio.NewSim(creatio.Net))
	defer server.Close()
	last := make(chan struct{}, b.N)
	c := courier.New(in.DB, in.Blobs, []connect.Kind{creatio.Kind}, courier.Options{
		Published: func(styk.ID) { last <- struct{}{} },
	})
	_, err := c.SaveTarget(b.Context(), &styk.Target{Name: "crm", Kind: "creatio", Parallel: 16, Settings: map[string]any{
		"url": server.URL, "user": "api", "password": "secret", "external_id_column": "UsrExternalId",
	}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		info, err := in.Keep(b.Context(), "a.pdf", strings.NewReader(fmt.Sprintf("%%PDF-1.4 %d\n", i)))
		if err != nil {
			b.Fatal(err)
		}
		_, err = in.Accept(b.Context(), benchForm, intake.FormPost{Key: fmt.Sprint(i), Values: map[string]string{
			"topic": "Касса", "name": "Анна Иванова", "phone": fmt.Sprintf("+7900%07d", i), "message": "Молчит",
		}, Files: []intake.Upload{{Part: "file", FileName: "a.pdf", Info: info}}})
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	over := make(chan error, 1)
	b.ResetTimer()
	go func() { over <- c.Run(ctx) }()
	for range 2 * b.N { // the number, and the end
		<-last
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "parcels/s")
	cancel()
	<-over
}
