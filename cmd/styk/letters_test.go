package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/creatio"
	"styk/notice"
	"styk/store"
)

// outsideWorld is a CRM and a mail server, played.
type outsideWorld struct {
	crm  *creatio.Sim
	mail *notice.Sim
	yaml string
	url  string // of the CRM
}

func newWorld(t *testing.T) *outsideWorld {
	t.Helper()
	w := &outsideWorld{crm: creatio.NewSim(creatio.Net), mail: notice.NewSim(notice.SimPatience(10 * time.Millisecond))}
	server := httptest.NewServer(w.crm)
	t.Cleanup(server.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		_ = w.mail.Serve(ctx, l)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	w.url = server.URL
	w.yaml = filepath.Join(t.TempDir(), "styk.yaml")
	text := fmt.Sprintf(worldYAML, l.Addr(), server.URL)
	if err := os.WriteFile(w.yaml, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

const worldYAML = `mail: {url: "smtp://%s", from: "Ромашка <no-reply@firm.ru>", owner: boss@firm.ru, reply_to: info@firm.ru}
hours: {week: {mon-sun: "0:00-23:59"}}
targets:
  - {name: crm, kind: creatio, settings: {url: %q, user: api, password: secret, external_id_column: UsrExternalId, max_file: 1KB}}
forms:
  - name: feedback
    title: Обратная связь
    targets: [crm]
    wait: 3s
    fields:
      - {name: topic, label: Тема, type: text, required: true}
      - {name: phone, label: Телефон, type: phone, required: true}
      - {name: email, label: E-mail, type: email}
      - {name: file, label: Файл, type: file}
`

// postFeedback sends the form and gives the answer.
func postFeedback(t *testing.T, base, phone string, file []byte) (answer struct {
	Number    string
	CRMNumber *string `json:"crm_number"`
	Message   string
}) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for k, v := range map[string]string{"topic": "Касса", "phone": phone, "email": "anna@example.ru"} {
		_ = form.WriteField(k, v)
	}
	if file != nil {
		part, _ := form.CreateFormFile("file", "Чек № 5.pdf")
		_, _ = part.Write(file)
	}
	_ = form.Close()
	r, _ := http.NewRequest(http.MethodPost, base+"/f/feedback", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(text, &answer); err != nil || answer.Number == "" {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	return answer
}

// letter waits for one whose subject or text matches.
func (w *outsideWorld) letter(t *testing.T, to, pattern string) notice.SimMail {
	t.Helper()
	for range 1500 {
		for _, m := range w.mail.State().Letters {
			if m.To == to && regexp.MustCompile(pattern).MatchString(m.Subject+"\n"+m.Text) {
				return m
			}
		}
		time.Sleep(10 * time.Millisecond) // another process: there is no clock to move
	}
	t.Fatalf("no letter to %s like %q:\n%+v", to, pattern, w.mail.State().Letters)
	return notice.SimMail{}
}

// TestPeopleHearOfIt: the visitor gets a letter with his number, the owner one
// when the CRM lets nobody in, and one when it does again. A file too large for
// the CRM lies there as a link that opens it.
func TestPeopleHearOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	data := filepath.Join(t.TempDir(), "d")
	p := startStyk(t, "--data", data, "--config", w.yaml)
	file := append(placeholderPDF("a long one"), bytes.Repeat([]byte("% more\n"), 1000)...)
	answer := postFeedback(t, p.base, "+7 900 123-45-67", file)
	if answer.CRMNumber == nil || !strings.Contains(answer.Message, "сегодня") && !strings.Contains(answer.Message, "завтра") {
		t.Errorf("got %+v", answer)
	} else {
		m := w.letter(t, "anna@example.ru", regexp.QuoteMeta(*answer.CRMNumber))
		if got := m.Header["Reply-To"]; len(got) != 1 || !strings.Contains(got[0], "info@firm.ru") {
			t.Errorf("an answer goes to %v", got)
		}
		if !strings.Contains(m.Text, "Ромашка") {
			t.Errorf("unsigned: %s", m.Text)
		}
	}
	checkFileLink(t, w, p.base, file)

	w.crm.EndSessions()
	if err := w.crm.Fault(creatio.SimFault{Name: "login", Value: "code1"}); err != nil {
		t.Fatal(err)
	}
	if got := postFeedback(t, p.base, "+7 900 123-45-68", nil); got.CRMNumber != nil {
		t.Errorf("got the CRM's %s without a login", *got.CRMNumber)
	}
	w.letter(t, "boss@firm.ru", "crm")
	w.crm.Calm()
	mustStyk(t, "target", "check", "crm", "--data", data)
	mustStyk(t, "deliveries", "resume", "crm", "--data", data)
	w.letter(t, "boss@firm.ru", "снова")
	if broken := append(w.mail.State().Broken, w.crm.State().Broken...); len(broken) > 0 {
		t.Errorf("broken rules: %v", broken)
	}
}

func checkFileLink(t *testing.T, w *outsideWorld, base string, want []byte) {
	t.Helper()
	var link string
	for range 1000 {
		state, _ := json.Marshal(w.crm.State().Entities)
		if link = regexp.MustCompile(regexp.QuoteMeta(base) + linkFolder + `[0-9A-Za-z_-]+`).FindString(string(state)); link != "" {
			break
		}
		time.Sleep(10 * time.Millisecond) // another process: there is no clock to move
	}
	for address, status := range map[string]int{link: http.StatusOK, link + "x": http.StatusNotFound, base + linkFolder + "1-x": http.StatusNotFound} {
		resp, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != status || status == http.StatusOK && !bytes.Equal(body, want) {
			t.Errorf("%s: %d, %d bytes", address, resp.StatusCode, len(body))
		}
		if resp.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q", address, resp.Header.Get("Referrer-Policy"))
		}
	}
}

// TestOwnerHearsOfSilence: once for each silence, counted in working time.
func TestOwnerHearsOfSilence(t *testing.T) {
	t.Parallel()
	f := &folder{Data: newFolder(t)}
	h := openTestHouse(t, f)
	defer h.close()
	yaml := "mail: {url: \"smtp://127.0.0.1:1\", from: a@firm.ru, owner: boss@firm.ru, silence: 5h}\n" +
		"forms:\n  - {name: a, title: Форма, fields: [{name: phone, type: phone}]}\n"
	if _, err := applyYAML(t.Context(), h, "f.yaml", []byte(yaml), false); err != nil {
		t.Fatal(err)
	}
	told := func() (n int) {
		err := h.db.View(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.Deliveries(store.DeliveryFilter{})
			for _, r := range rows {
				if r.Subject == styk.SubjectNotice && strings.Contains(string(r.Content), notice.TypeSilent) {
					n++
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {4 * time.Hour, 0}, {2 * time.Hour, 1}, {20 * time.Hour, 1}} {
		now := h.db.Now().Add(step.after)
		h.db.Now = func() time.Time { return now }
		if err := h.watchSilence(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := told(); got != step.want {
			t.Fatalf("after %v: told %d times, want %d", step.after, got, step.want)
		}
	}
}
