package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"styk"
	"styk/creatio"
	"styk/notice"
	"styk/store"
)

// The canary: whatever bears one of these names is about one person. They have
// to be found before the erasure, and nowhere after it.
const (
	canaryPhone = "+7 (900) 555-31-41"
	canaryINN   = "500100732259"
)

var canaries = []string{"анарейк", "birdie", "9005553141", "1413555009", "555-31-41", canaryINN, "203.0.113.88", "77550011"}

// disguises gives the forms in which a canary may lie: as it is, escaped for
// JSON and for forms, in either case.
func disguises(canary string) (list [][]byte) {
	for _, text := range []string{canary, strings.ToUpper(canary)} {
		escaped := ""
		for _, r := range text {
			if r < 128 {
				escaped += string(r)
				continue
			}
			escaped += fmt.Sprintf(`\u%04x`, r)
		}
		percent := url.QueryEscape(text)
		for _, form := range []string{text, escaped, strings.ReplaceAll(strings.ToUpper(escaped), `\U`, `\u`), percent, strings.ToLower(percent)} {
			list = append(list, []byte(form))
		}
	}
	return list
}

const canaryYAML = `mail: {url: "smtp://%s", from: "Ромашка <no-reply@firm.ru>", owner: boss@firm.ru}
hours: {week: {mon-sun: "0:00-23:59"}}
users:
  - {name: api, role: api, access_key: TestKey000000001}
tokens:
  - {name: till, token: till-token-till-token}
targets:
  - {name: crm, kind: creatio, settings: {url: %q, user: api, password: secret, external_id_column: UsrExternalId}}
  - {name: echo, kind: webhook, settings: {url: %q, secret: [whsec_c3R5ay13ZWJob29rLWV4YW1wbGUta2V5LTAx]}}
forms:
  - name: feedback
    title: Обратная связь
    targets: [crm, echo]
    wait: 1s
    fields:
      - {name: topic, label: Тема, type: text, required: true}
      - {name: name, label: Имя, type: text}
      - {name: phone, label: Телефон, type: phone, required: true}
      - {name: email, label: E-mail, type: email}
      - {name: inn, label: ИНН, type: inn}
      - {name: message, label: Описание, type: textarea}
      - {name: file, label: Файл, type: file}
      - {name: consent, label: Согласие, type: consent, required: true}
webforms:
  - name: Анкета
    publicid: 0123456789abcdef0123456789abcdef
    module: Contacts
    fields: [firstname, secondname, lastname, mobile, email, tgid, birthday, birthplace, mailingstreet, inn, requisites, code]
    files: [{part: file_1_1, title: договор}]
    match: phone
    targets: [echo]
card_templates:
  - id: 5be000000000000000000001
    name: Карта гостя
    targets: [echo]
    variables:
      - {name: CLIENT_NAME, type: string}
      - {name: PHONE, type: phone, unique: true, required: true}
      - {name: EMAIL, type: email}
      - {name: BONUS, type: number}
      - {name: CARD_CODE, type: string, means: code}
`

// canaryWorld is styk with its outside, one person planted in all of it.
type canaryWorld struct {
	t       *testing.T
	data    string
	more    []string // flags of a database
	process *process
	card    string
}

func newCanaryWorld(t *testing.T, more ...string) *canaryWorld {
	t.Helper()
	crm := httptest.NewServer(creatio.NewSim(creatio.Net))
	t.Cleanup(crm.Close)
	// This one refuses everything and repeats what it was sent.
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(append([]byte("refused: "), body...))
	}))
	t.Cleanup(echo.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		_ = notice.NewSim(notice.SimPatience(10*time.Millisecond)).Serve(ctx, l)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	w := &canaryWorld{t: t, data: filepath.Join(t.TempDir(), "data"), more: more}
	config := filepath.Join(t.TempDir(), "styk.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, canaryYAML, l.Addr(), crm.URL, echo.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	w.process = startStyk(t, append([]string{"--data", w.data, "--config", config, "--log-level", "debug"}, more...)...)
	return w
}

// plant brings the person in through every way there is.
func (w *canaryWorld) plant() {
	w.t.Helper()
	s := mustLogIn(w.t, w.process.base)
	fields := map[string]string{"operation": "CreateContact", "firstname": "Канарейка", "secondname": "Канарейковна", "lastname": "Канарейкина",
		"mobile": canaryPhone, "email": "birdie@firm.example", "tgid": "77550011", "birthday": "1986-11-15", "birthplace": "Канарейкино",
		"mailingstreet": "ул. Канарейкина, 1", "inn": canaryINN, "requisites": "счёт канарейки", "sms": "795372"}
	var id string
	if err := s.post(fields, nil, &id); err != nil {
		w.t.Fatal(err)
	}
	fields["mailingstreet"] = "пер. Канарейкин, 2" // leaves the old one in the history
	if err := s.post(fields, nil, &id); err != nil {
		w.t.Fatal(err)
	}
	var firm, project, comment string
	must := func(fields map[string]string, into any) {
		w.t.Helper()
		if err := s.post(fields, nil, into); err != nil {
			w.t.Fatal(fields["operation"], err)
		}
	}
	must(map[string]string{"operation": "CreateAccount", "accountname": "ООО «Перевозчик»", "address": "Москва", "inn": "7707083893",
		"email": "firm@other.example", "phone": "+7 495 000-00-01", "ogrn": "1027700132195"}, &firm)
	must(map[string]string{"operation": "CreateProject", "contactid": id, "offenderid": firm, "subject": "канарейка и кот",
		"country": "Канарейкия", "hotel": "Отель «Канарейка»", "ip": "203.0.113.88"}, &project)
	remark, _ := json.Marshal(map[string]string{"commentcontent": "Звонила канарейка", "related_to": "12x" + id[strings.LastIndexByte(id, 'x')+1:], "assigned_user_id": "19x1"})
	must(map[string]string{"operation": "create", "elementType": "ModComments", "element": string(remark)}, &struct{ ID *string }{&comment})
	w.capture()
	w.feedback("Первая жалоба канарейки", "birdie@firm.example")
	w.feedback("Вторая жалоба канарейки", "birdie-two@firm.example")
	a := post1C(w.t, w.process.base, "createcard", "templateId=5be000000000000000000001&values[%CLIENT_NAME%]=Канарейкина Канарейка&values[%PHONE%]="+
		canaryPhone+"&values[%EMAIL%]=birdie@firm.example&values[%BONUS%]=10&values[%CARD_CODE%]=birdie-77")
	if w.card = a.Result.CardID; w.card == "" {
		w.t.Fatalf("no card: %+v", a)
	}
	post1C(w.t, w.process.base, "updatecard", "cardId="+w.card+"&values[%BONUS%]=20&values[%CLIENT_NAME%]=Канарейкина Птица")
	w.awaitAttempts()
}

func (w *canaryWorld) capture() {
	w.t.Helper()
	r, err := (&site{base: w.process.base}).captureAs(map[string]string{"publicid": "0123456789abcdef0123456789abcdef", "firstname": "Канарей",
		"lastname": "Канарейкин", "mobile": "8 900 555 31 41", "email": "birdie-three@firm.example", "inn": canaryINN, "code": "112233"},
		map[string][]byte{"file_1_1": []byte("%PDF-1.4\n% birdie's contract\n%%EOF\n")}, "203.0.113.88")
	if err != nil || r.StatusCode >= 400 {
		w.t.Fatal(r, err)
	}
	_ = r.Body.Close()
}

// captureAs posts as a visitor with an address of his own.
func (s *site) captureAs(fields map[string]string, files map[string][]byte, address string) (*http.Response, error) {
	return sendAs(s.base+"/modules/Webforms/capture.php", fields, files, address)
}

func (w *canaryWorld) feedback(topic, mail string) {
	w.t.Helper()
	r, err := sendAs(w.process.base+"/f/feedback", map[string]string{"topic": topic, "name": "Канарейкина Канарейка", "phone": canaryPhone, "email": mail,
		"inn": canaryINN, "message": "Кот ест канарейку", "consent": "on"},
		map[string][]byte{"file": []byte("%PDF-1.4\n% birdie's complaint: " + topic + "\n%%EOF\n")}, "203.0.113.77")
	if err != nil {
		w.t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if r.StatusCode >= 400 {
		w.t.Fatalf("%d %s", r.StatusCode, body)
	}
}

// awaitAttempts waits until everything has been tried.
func (w *canaryWorld) awaitAttempts() {
	w.t.Helper()
	for range 1500 {
		out, code := command(w.t, append([]string{"deliveries", "list", "--data", w.data}, w.more...)...)
		if code != exitWell {
			w.t.Fatal(out)
		}
		if strings.Count(out, "failed") >= 4 && !strings.Contains(out, "leased") {
			return
		}
		time.Sleep(20 * time.Millisecond) // another process: there is no clock to move
	}
	w.t.Fatal("the deliveries were not tried")
}

func (w *canaryWorld) stop() {
	w.t.Helper()
	if err := w.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		w.t.Fatal(err)
	}
	if err := w.process.cmd.Wait(); err != nil {
		w.t.Fatalf("%v\n%s", err, w.process.said)
	}
}

// find gives the contact, whom one of its keys still names.
func (w *canaryWorld) find(h *house) styk.ID {
	w.t.Helper()
	var id styk.ID
	key, _ := store.PhoneKey(styk.KindContact, canaryPhone)
	if err := h.db.View(w.t.Context(), func(tx *store.Tx) (err error) { id, err = tx.Lookup(key); return err }); err != nil || id == 0 {
		w.t.Fatal(id, err)
	}
	return id
}

// searchFolder looks into every byte of every file of the data folder.
func (w *canaryWorld) searchFolder() (found []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		found = append(found, inBytes(strings.TrimPrefix(name, w.data), body)...)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func inBytes(where string, body []byte) (found []string) {
	for _, c := range canaries {
		for _, form := range disguises(c) {
			if i := bytes.Index(body, form); i >= 0 {
				found = append(found, fmt.Sprintf("%s has %q in %q", where, form, body[max(0, i-80):min(len(body), i+80)]))
				break
			}
		}
	}
	return found
}

// searchServer looks into every text of every table.
func (w *canaryWorld) searchServer(address string) (found []string) {
	w.t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var tables []string
	rows, err := db.Query(`SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`)
	if err != nil {
		w.t.Fatal(err)
	}
	for rows.Next() {
		var name string
		_ = rows.Scan(&name)
		tables = append(tables, name)
	}
	_ = rows.Close()
	for _, table := range tables {
		rows, err := db.Query(`SELECT r::text FROM ` + table + ` r`)
		if err != nil {
			w.t.Fatal(err)
		}
		for rows.Next() {
			var text string
			_ = rows.Scan(&text)
			found = append(found, inBytes(table, []byte(text))...)
		}
		_ = rows.Close()
	}
	return found
}

func TestNothingIsLeftOfAnErasedPerson(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		eraseCanary(t, func(w *canaryWorld) []string { return w.searchFolder() })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		address := onServer(t)
		eraseCanary(t, func(w *canaryWorld) []string {
			return append(w.searchFolder(), w.searchServer(address)...)
		}, "--database", address)
	})
}

func eraseCanary(t *testing.T, search func(*canaryWorld) []string, more ...string) {
	w := newCanaryWorld(t, more...)
	w.plant()
	w.stop()
	for _, line := range inBytes("the log", []byte(w.process.said.String())) {
		t.Error(line)
	}
	f := &folder{Data: w.data}
	if len(more) > 0 {
		f.Database = more[1]
	}
	h := openTestHouse(t, f)
	defer h.close()
	contact := w.find(h)
	w.checkDossier(h, contact)
	before := search(w)
	for _, c := range canaries { // or the search would prove nothing
		if !slices.ContainsFunc(before, func(s string) bool { return strings.Contains(s, fmt.Sprintf("%q", c)) }) {
			t.Errorf("%s was not planted", c)
		}
	}
	record, err := h.intake.Erase(t.Context(), contact, store.By{User: 1})
	if err != nil {
		t.Fatal(err)
	}
	if record.Finished.IsZero() || record.Counts["ticket"] != 3 || record.Counts["file"] != 3 || record.Counts["card"] != 1 ||
		record.Counts["call"] < 3 || record.Counts["project"] != 1 || record.Counts["comment"] != 1 {
		t.Errorf("the record says %+v", record)
	}
	for _, line := range search(w) {
		t.Error("left: " + line)
	}
	w.checkKept(h, contact)
}

// checkDossier: what the person would be given holds every canary.
func (w *canaryWorld) checkDossier(h *house, contact styk.ID) {
	w.t.Helper()
	var d *store.Dossier
	err := h.db.View(w.t.Context(), func(tx *store.Tx) (err error) { d, err = tx.Dossier(contact); return err })
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, want := range []string{"Канарейкина", "birdie-two@firm.example", canaryINN, "203.0.113.88", "канарейка и кот", "Звонила канарейка", "Вторая жалоба канарейки",
		"birdie-77", "пер. Канарейкин, 2", "ул. Канарейкина, 1", `"sms_code"`, `"consents"`} {
		if !bytes.Contains(text, []byte(want)) {
			w.t.Errorf("the export lacks %s", want)
		}
	}
}

// checkKept: proof of the consent stays, and a number of the ticket; a new
// request of the same phone is a new customer's.
func (w *canaryWorld) checkKept(h *house, contact styk.ID) {
	w.t.Helper()
	err := h.db.View(w.t.Context(), func(tx *store.Tx) error {
		list, _, err := tx.SubmissionsOf(contact, 10)
		if err != nil {
			return err
		}
		proven := 0
		for _, s := range list {
			if len(s.Fields) > 0 || s.Address != "" {
				w.t.Errorf("a submission still holds %+v", s)
			}
			proven += len(s.Consents)
		}
		if proven != 2 {
			w.t.Errorf("%d proofs of consent", proven)
		}
		card, err := tx.Card(w.card)
		if err != nil || card.Deleted.IsZero() {
			w.t.Errorf("the card: %+v, %v", card, err)
		}
		tickets, err := tx.Tickets(store.TicketFilter{Contact: contact, Limit: 10})
		if len(tickets) != 3 || tickets[0].Title != store.Erasing || tickets[0].Number == "" {
			w.t.Errorf("the tickets: %+v", tickets)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
	again, err := h.intake.Erase(w.t.Context(), contact, store.By{User: 2})
	if err != nil || again.User != 1 {
		w.t.Errorf("twice: %+v, %v", again, err)
	}
}

// sendAs posts as a browser at an address behind our proxy.
func sendAs(to string, fields map[string]string, files map[string][]byte, address string) (*http.Response, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		_ = form.WriteField(name, value)
	}
	for name, content := range files {
		part, err := form.CreateFormFile(name, "Жалоба канарейки.pdf")
		if err != nil {
			return nil, err
		}
		_, _ = part.Write(content)
	}
	_ = form.Close()
	r, err := http.NewRequest(http.MethodPost, to, &body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("X-Forwarded-For", address)
	return http.DefaultClient.Do(r)
}
