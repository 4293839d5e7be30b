package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/intake"
	"styk/store"
)

// site is a real styk with the forms of the tests.
type site struct {
	t   *testing.T
	url string
	db  *store.DB
	web http.Handler
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Database: filepath.Join(dir, "styk.db"), Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	blobs, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, db: db}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	o := Options{
		Base: func() string { return server.URL }, Version: "test", DB: db,
		Intake: &intake.Intake{DB: db, Blobs: blobs, Zone: time.FixedZone("MSK", 3*60*60), MaxFile: 20 << 20},
	}
	for _, c := range change {
		c(&o)
	}
	s.web = New(o)
	mux.Handle("/", s.web)
	s.control(mux)
	s.fill()
	return s
}

// seedFields are the fields of the seed's form, as the contract's YAML has them.
func seedFields() []styk.FormField {
	return []styk.FormField{
		{Name: "service", Label: "Коммерческий сервис", Type: "select", Options: []string{"АТОЛ Онлайн", "Кассы", "Другое"}},
		{Name: "topic", Label: "Тема обращения", Type: "text", Required: true},
		{Name: "company", Label: "Организация", Type: "text"},
		{Name: "inn", Label: "ИНН", Type: "inn"},
		{Name: "name", Label: "Имя", Type: "text", Required: true},
		{Name: "phone", Label: "Телефон", Type: "phone", Required: true},
		{Name: "email", Label: "E-mail", Type: "email", Required: true},
		{Name: "message", Label: "Описание", Type: "textarea", Required: true},
		{Name: "file", Label: "Файл", Type: "file", Required: true},
		{Name: "consent", Label: "Согласие на обработку персональных данных", Type: "consent", Required: true},
	}
}

// short is how long the tests' forms wait for the CRM.
const short = styk.Duration(300 * time.Millisecond)

func (s *site) fill() {
	s.t.Helper()
	wait := short
	rich := seedFields()
	rich[8].Accept, rich[8].Max = []string{"pdf", "jpg", "png", "docx"}, 3
	rich[9].Text = "Я даю согласие на обработку имени, телефона и адреса почты, чтобы получить ответ на это обращение."
	forms := []*styk.Form{
		{Name: "feedback", Title: "Обратная связь", Targets: []string{"crm"}, Wait: &wait, Fields: seedFields()},
		{Name: "rich", Title: "Заявка на обслуживание", Wait: &wait, After: styk.AfterReset, Fields: rich,
			Texts: map[string]string{"contact": "+7 495 123-45-67, help@example.ru", "send": "Отправить заявку", "en.send": "Send request"}},
		{Name: "short", Title: "Вопрос", Wait: &wait, Fields: []styk.FormField{
			{Name: "name", Label: "Имя", Type: "text", Required: true},
			{Name: "phone", Label: "Телефон", Type: "phone", Required: true},
			{Name: "message", Label: "Вопрос", Type: "textarea"},
		}},
		{Name: "dressed", Title: "В цветах фирмы", Wait: &wait, Theme: styk.Theme{"accent": "#8a1c4a", "dark_accent": "#ff9ac2", "dark_on_accent": "#2a0716",
			"radius": "2px", "font": "Georgia, serif", "logo": "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI0MCIgaGVpZ2h0PSI0MCI+PGNpcmNsZSBjeD0iMjAiIGN5PSIyMCIgcj0iMjAiIGZpbGw9IiM4YTFjNGEiLz48L3N2Zz4="},
			Fields: seedFields()},
		{Name: "here", Title: "Только для своих", Wait: &wait, Origins: []string{"https://firm.example"}, After: "https://firm.example/thanks",
			Fields: []styk.FormField{{Name: "name", Label: "Имя", Type: "text", Required: true}}},
	}
	targets := []string{"crm"}
	for i := range 6 { // each with a target of its own: the CRM answers for one alone
		name := fmt.Sprintf("desk%d", i)
		targets = append(targets, name)
		forms = append(forms, &styk.Form{Name: name, Title: "Обратная связь", Targets: []string{name}, Wait: &wait, Fields: seedFields()})
	}
	err := s.db.Update(s.t.Context(), func(tx *store.Tx) error {
		for _, name := range targets {
			if _, err := tx.SaveTarget(&styk.Target{Name: name, Kind: "webhook"}, nil); err != nil {
				return err
			}
		}
		if _, err := tx.SaveTarget(&styk.Target{Name: styk.MailTarget, Kind: "email"}, nil); err != nil {
			return err
		}
		for _, f := range forms {
			if err := f.Validate(); err != nil {
				return err
			}
			if _, err := tx.SaveForm(f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// deliver does what a courier does when a CRM answers: it takes what is due
// there and writes the number down.
func (s *site) deliver(name, number string) {
	err := s.db.Update(s.t.Context(), func(tx *store.Tx) error {
		target, err := tx.Target(name)
		if err != nil {
			return err
		}
		due, err := tx.ClaimDeliveries(store.Claim{Target: target.ID, Owner: "test", Limit: 100, Life: time.Minute,
			Next: func(int) time.Time { return tx.Now().Add(time.Minute) }})
		if err != nil {
			return err
		}
		for _, d := range due {
			if err := tx.StartStep(d, "case"); err != nil {
				return err
			}
			if err := tx.SaveStep(d, styk.Step{Name: "case", Done: true, Foreign: "1", Number: number}); err != nil {
				return err
			}
			d.State = styk.Delivered
			if err := tx.EndAttempt(d, &styk.Attempt{Number: d.Attempts, Outcome: styk.AttemptDone, Started: tx.Now(), Ended: tx.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
}

// from makes requests come from an address.
func from(addr string) func(*Options) {
	return func(o *Options) { o.Remote = func(*http.Request) netip.Addr { return netip.MustParseAddr(addr) } }
}

// answered is an answer read to its end.
type answered struct {
	status int
	header http.Header
	body   string
}

// do sends one request without following where it leads.
func (s *site) do(method, path, kind, body string, header ...string) answered {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answered{a.StatusCode, a.Header, string(text)}
}

const (
	urlencoded = "application/x-www-form-urlencoded"
	asJSON     = "application/json"
)

// short values of the form "short".
func values(pairs ...string) string {
	v := url.Values{"name": {"Анна"}, "phone": {"8 900 123-45-67"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}
