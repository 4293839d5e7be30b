package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/intake"
	"styk/store"
)

// linkHouse is a house that delivers into a played Creatio, whose files become
// links.
type linkHouse struct {
	*house
	world *outsideWorld
	t     *testing.T
}

const linkBase = "https://styk.firm.example"

// eachLinkHouse runs a test on both databases, with more YAML below the world's.
func eachLinkHouse(t *testing.T, more string, test func(t *testing.T, h *linkHouse)) {
	t.Helper()
	for name, place := range map[string]func(*testing.T) string{"sqlite": inFolder, "postgres": onServer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &linkHouse{openTestHouse(t, &folder{Data: newFolder(t), Database: place(t)}), newWorld(t), t}
			text, err := os.ReadFile(h.world.yaml)
			if err == nil {
				text = append(bytes.Replace(text, []byte("max_file: 1KB"), []byte("files: link, link_days: 30"), 1), more...)
				_, err = applyYAML(t.Context(), h.house, "styk.yaml", text, false)
			}
			if err != nil {
				t.Fatal(err)
			}
			h.courier = h.newCourier(linkBase)
			h.intake.Wake = h.courier.Wake
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- h.courier.Run(ctx) }()
			t.Cleanup(func() {
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if err := h.close(); err != nil {
					t.Error(err)
				}
			})
			test(t, h)
		})
	}
}

// send posts the form with a file and gives it with its delivery.
func (h *linkHouse) send(content string) (*intake.Accepted, styk.ID) {
	h.t.Helper()
	info, err := h.intake.Keep(h.t.Context(), "Чек № 5.txt", strings.NewReader(content))
	if err != nil {
		h.t.Fatal(err)
	}
	var form *styk.Form
	if err := h.db.View(h.t.Context(), func(tx *store.Tx) (err error) { form, err = tx.Form("feedback"); return err }); err != nil {
		h.t.Fatal(err)
	}
	a, err := h.intake.Accept(h.t.Context(), form, intake.FormPost{
		Values: map[string]string{"topic": "Касса", "phone": "+7 900 123-45-67", "email": "anna@example.ru"},
		Files:  []intake.Upload{{Part: "file", FileName: "Чек № 5.txt", Info: info}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	var document styk.ID
	err = h.db.View(h.t.Context(), func(tx *store.Tx) error {
		documents, err := tx.DocumentsOf(a.Ticket)
		if err == nil && len(documents) == 1 {
			document = documents[0].ID
		}
		return err
	})
	if err != nil || document == 0 {
		h.t.Fatalf("no document: %v", err)
	}
	return a, document
}

// delivery waits until the post's delivery satisfies fit.
func (h *linkHouse) delivery(a *intake.Accepted, fit func(*styk.Delivery) bool) *styk.Delivery {
	h.t.Helper()
	var d *styk.Delivery
	for range 2000 {
		err := h.db.View(h.t.Context(), func(tx *store.Tx) error {
			list, err := tx.DeliveriesOf(styk.SubjectTicket, a.Submission)
			if err == nil {
				d = list[0]
			}
			return err
		})
		if err != nil {
			h.t.Fatal(err)
		}
		if fit(d) {
			return d
		}
		time.Sleep(10 * time.Millisecond) // the courier has no clock to move
	}
	h.t.Fatalf("waited in vain: %+v", d)
	return nil
}

func delivered(d *styk.Delivery) bool { return d.State == styk.Delivered }

// links gives the secrets that the CRM holds.
func (h *linkHouse) links() (secrets []string) {
	state, _ := json.Marshal(h.world.crm.State().Entities)
	for _, m := range regexp.MustCompile(regexp.QuoteMeta(linkBase+linkFolder)+`([0-9A-Za-z_-]+)`).FindAllSubmatch(state, -1) {
		secrets = append(secrets, string(m[1]))
	}
	return secrets
}

func (h *linkHouse) open(secret string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.serveLink(w, httptest.NewRequestWithContext(h.t.Context(), http.MethodGet, linkFolder+secret, nil))
	return w
}

func (h *linkHouse) expect(secret string, status int, text string) {
	h.t.Helper()
	if w := h.open(secret); w.Code != status || !strings.Contains(w.Body.String(), text) || w.Header().Get("Referrer-Policy") != "no-referrer" {
		h.t.Errorf("%s: got %d %s, want %d %q", secret, w.Code, w.Body, status, text)
	}
}

func (h *linkHouse) update(do func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.db.Update(h.t.Context(), do); err != nil {
		h.t.Fatal(err)
	}
}

// TestLinkInTheCRMIsClosed: a file lies in the CRM as a link; a person closes it
// and opens it again, and the same address follows. What an earlier release gave
// out works on and can be closed as well.
func TestLinkInTheCRMIsClosed(t *testing.T) {
	t.Parallel()
	eachLinkHouse(t, "", func(t *testing.T, h *linkHouse) {
		a, document := h.send("чек")
		d := h.delivery(a, delivered)
		secrets := h.links()
		if len(secrets) != 1 {
			t.Fatalf("the CRM holds %q", secrets)
		}
		secret := secrets[0]
		h.expect(secret, http.StatusOK, "чек")
		var link *store.FileLink
		h.update(func(tx *store.Tx) (err error) { link, err = tx.LinkOf(document, d.ID); return err })
		if life := link.Until.Sub(link.Created); life != 30*24*time.Hour {
			t.Errorf("it lives %v", life)
		}
		h.update(func(tx *store.Tx) error { return tx.CloseLink(link.ID) })
		h.expect(secret, http.StatusGone, "больше не действует")
		h.update(func(tx *store.Tx) error { return tx.ReopenLink(link.ID) })
		h.expect(secret, http.StatusOK, "чек")
		for _, wrong := range []string{secret + "x", secret[:len(secret)-2], "", "1-x", "L", "../x", strings.ToLower(secret)} {
			h.expect(wrong, http.StatusNotFound, "Такого файла нет")
		}

		said := func(command *targetLinksCommand) string {
			var out bytes.Buffer
			command.Name = "crm"
			if err := command.work(t.Context(), h.house, &streams{out: &out}); err != nil {
				t.Fatal(err)
			}
			return out.String()
		}
		if got := said(&targetLinksCommand{}); got != "crm: 1 links, 1 of them open\n" {
			t.Errorf("got %q", got)
		}
		if got := said(&targetLinksCommand{Close: true}); got != "crm: 1 links closed\n" {
			t.Errorf("got %q", got)
		}
		h.expect(secret, http.StatusGone, "больше не действует")
		if got := said(&targetLinksCommand{}); got != "crm: 1 links, 0 of them open\n" {
			t.Errorf("got %q", got)
		}
		h.update(func(tx *store.Tx) error { return tx.ReopenLink(link.ID) })

		old := h.oldSecret(document)
		h.expect(old, http.StatusNotFound, "Такого файла нет") // this document came later
		h.update(func(tx *store.Tx) (err error) { link, err = tx.GiveLink(document, 0, 0); return err })
		h.expect(old, http.StatusOK, "чек")
		h.update(func(tx *store.Tx) error { return tx.CloseLink(link.ID) })
		h.expect(old, http.StatusGone, "больше не действует")
		h.expect(secret, http.StatusOK, "чек")
	})
}

// evil is what playClamd finds.
const evil = "EVIL-TEST-MARKER"

// playClamd answers INSTREAM as clamd does, on an address that may be given to
// later.
func playClamd(t *testing.T, l net.Listener) {
	t.Helper()
	ended := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(conn, make([]byte, len("zINSTREAM\x00")))
			var file []byte
			for {
				var size [4]byte
				if _, err := io.ReadFull(conn, size[:]); err != nil || size == [4]byte{} {
					break
				}
				piece := make([]byte, binary.BigEndian.Uint32(size[:]))
				_, _ = io.ReadFull(conn, piece)
				file = append(file, piece...)
			}
			said := "stream: OK\x00"
			if bytes.Contains(file, []byte(evil)) {
				said = "stream: Win.Test.Evil-1 FOUND\x00"
			}
			_, _ = io.WriteString(conn, said)
			_ = conn.Close()
		}
	}()
}

// TestClamdStandsBeforeTheCRM: while nobody answers the request waits with a
// plain cause; then a clean file goes on, and one in which something was found
// stays behind and is named.
func TestClamdStandsBeforeTheCRM(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	eachLinkHouse(t, fmt.Sprintf("scan: {clamd: \"tcp://%s\"}\n", address), func(t *testing.T, h *linkHouse) {
		clean, _ := h.send("чек")
		d := h.delivery(clean, func(d *styk.Delivery) bool { return d.Cause != "" })
		if !strings.HasPrefix(d.Cause, "Антивирус не отвечает") || len(h.links()) > 0 {
			t.Fatalf("cause %q, links %q", d.Cause, h.links())
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		playClamd(t, l)
		if _, err := applyYAML(t.Context(), h.house, "scan.yaml", fmt.Appendf(nil, "scan: {clamd: \"tcp://%s\"}\n", l.Addr()), false); err != nil {
			t.Fatal(err)
		}
		h.update(func(tx *store.Tx) error { _, err := tx.SendAgain(d.ID); return ignoreConflict(err) })
		h.courier.Wake()
		h.delivery(clean, delivered)
		if len(h.links()) != 1 {
			t.Errorf("the CRM holds %q", h.links())
		}

		bad, document := h.send("чек " + evil)
		d = h.delivery(bad, delivered)
		state, _ := json.Marshal(h.world.crm.State().Entities)
		if len(h.links()) != 1 || !strings.Contains(string(state), "Win.Test.Evil-1") {
			t.Errorf("the CRM holds %q, or does not know that a file stayed behind", h.links())
		}
		var link *store.FileLink
		h.update(func(tx *store.Tx) (err error) { link, err = tx.GiveLink(document, d.ID, 0); return err })
		h.expect(h.db.LinkSecret(link), http.StatusGone, "больше не действует")
		record := &styk.Document{Entity: styk.Entity{ID: document}}
		h.update(func(tx *store.Tx) error { return tx.Load(record) })
		if f, err := h.intake.OpenDocument(t.Context(), record); styk.CodeOf(err) != styk.NotFound {
			t.Errorf("the web service gives out %v, %v", f, err)
		}
		if _, err := h.intake.Overwrite(t.Context(), store.By{Origin: "put"}, record.Path, strings.NewReader("другой")); err != nil {
			t.Fatal(err)
		}
		h.expect(h.db.LinkSecret(link), http.StatusOK, "другой")
	})
}

// ignoreConflict: the courier was faster than the person.
func ignoreConflict(err error) error {
	if styk.CodeOf(err) == styk.Conflict {
		return nil
	}
	return err
}

// TestScanIsApplied: the section comes back by export, an empty one ends it, and
// what is wrong is told with its line.
func TestScanIsApplied(t *testing.T) {
	t.Parallel()
	h := openTestHouse(t, &folder{Data: newFolder(t)})
	defer h.close()
	apply := func(text string) ([]string, error) { return applyYAML(t.Context(), h, "f.yaml", []byte(text), false) }
	for _, text := range []string{"scan: {clamd: \"unix:///run/clamav/clamd.ctl\", timeout: 30s}\n", "scan: {command: [clamscan, --no-summary, \"-\"]}\n"} {
		if changes, err := apply(text); err != nil || len(changes) != 1 {
			t.Fatalf("%s: %v, %v", text, changes, err)
		}
		if changes, err := apply(text); err != nil || len(changes) != 0 {
			t.Errorf("twice is not once: %v, %v", changes, err)
		}
		var how any
		err := h.db.View(t.Context(), func(tx *store.Tx) (err error) { how, err = exportScan(tx); return err })
		if s, ok := how.(styk.Scanning); err != nil || !ok || !s.On() {
			t.Errorf("got %+v, %v", how, err)
		}
	}
	if _, err := apply("scan: {}\n"); err != nil {
		t.Fatal(err)
	}
	if err := h.db.View(t.Context(), func(tx *store.Tx) error {
		how, err := exportScan(tx)
		if how != nil {
			t.Errorf("got %+v", how)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"scan:\n  clamd: localhost\n": "f.yaml:2:", "scan:\n  clam: x\n": "f.yaml:2:", "scan:\n  clamd: tcp://a:1\n  command: [x]\n": "f.yaml:3:",
	} {
		if _, err := apply(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
