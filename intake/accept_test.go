package intake_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"styk"
	"styk/blob"
	"styk/intake"
	"styk/store"
	"styk/store/storetest"
)

// desk is an intake with its database and a form.
type desk struct {
	*testing.T
	in    *intake.Intake
	db    *store.DB
	form  *styk.Form
	mu    sync.Mutex
	clock time.Time
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clock
}

func (d *desk) move(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock = d.clock.Add(by)
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func eachDesk(t *testing.T, test func(d *desk)) {
	t.Helper()
	open := func(t *testing.T, address string) {
		t.Helper()
		d := &desk{T: t, clock: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
		var err error
		d.db, err = store.Open(t.Context(), store.Options{Database: address, Key: []byte(strings.Repeat("k", 32)), Now: d.now, MaxConns: 8})
		d.must(err)
		t.Cleanup(func() { _ = d.db.Close() })
		blobs, err := blob.OpenDir(t.TempDir())
		d.must(err)
		d.in = &intake.Intake{DB: d.db, Blobs: blobs, Reserve: 1}
		d.form = &styk.Form{Name: "feedback", Title: "Обратная связь", Targets: []string{"crm", "gone"}, Fields: []styk.FormField{
			{Name: "topic", Label: "Тема", Type: styk.FieldText},
			{Name: "company", Label: "Организация", Type: styk.FieldText},
			{Name: "inn", Label: "ИНН", Type: styk.FieldINN},
			{Name: "name", Label: "Имя", Type: styk.FieldText},
			{Name: "phone", Label: "Телефон", Type: styk.FieldPhone},
			{Name: "email", Label: "E-mail", Type: styk.FieldEmail},
			{Name: "file", Label: "Файл", Type: styk.FieldFile, Required: true},
			{Name: "consent", Label: "Согласие", Type: styk.FieldConsent, Required: true},
		}}
		d.must(d.db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.SaveTarget(&styk.Target{Name: "crm", Kind: "test"}, nil)
			return err
		}))
		test(d)
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); open(t, filepath.Join(t.TempDir(), "styk.db")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); open(t, storetest.Postgres(t)) })
}

// post makes a post of "name=value" pairs with one file.
func (d *desk) post(pairs ...string) intake.FormPost {
	d.Helper()
	info, err := d.in.Keep(d.Context(), "счёт.pdf", strings.NewReader("%PDF-1.4\n%%EOF\n"))
	d.must(err)
	p := intake.FormPost{
		Values: map[string]string{"topic": "Касса", "consent": "on"}, Address: "192.0.2.7", Agent: "Mozilla",
		Files: []intake.Upload{{Part: "file", FileName: "счёт.pdf", Info: info}},
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		p.Values[name] = value
	}
	return p
}

func (d *desk) accept(p intake.FormPost) *intake.Accepted {
	d.Helper()
	a, err := d.in.Accept(d.Context(), d.form, p)
	d.must(err)
	return a
}

func (d *desk) view(fn func(tx *store.Tx) error) {
	d.Helper()
	d.must(d.db.View(d.Context(), fn))
}

func (d *desk) contact(a *intake.Accepted) *styk.Contact {
	d.Helper()
	c := &styk.Contact{}
	d.view(func(tx *store.Tx) error {
		s, err := tx.Post(a.Submission)
		if err != nil {
			return err
		}
		c.ID = s.Contact
		return tx.Load(c)
	})
	return c
}

func TestAcceptStoresEverythingAtOnce(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		p := d.post("name=Анна Иванова", "phone=8 (900) 123-45-67", "email=Anna@firm.ru", "inn=7707083893", "company=ООО «Ромашка»")
		p.Suspicion, p.Reasons = 3, []string{"слишком быстро"}
		a := d.accept(p)
		if number, err := styk.ParseTicketNumber(a.Number); err != nil || number != a.Number || a.Suspicion != 3 || a.Repeated {
			d.Errorf("receipt %+v, %v", a, err)
		}
		c := d.contact(a)
		if c.FirstName != "Анна" || c.LastName != "Иванова" || c.Email != "anna@firm.ru" || c.INN != "" || c.Account == 0 {
			d.Errorf("contact %+v", c)
		}
		d.view(func(tx *store.Tx) error {
			s, err := tx.PostByStatus(a.Secret)
			if err != nil {
				return err
			}
			if len(s.Consents) != 1 || s.Consents[0].Address != "192.0.2.7" || s.Consents[0].Version == "" || len(s.Reasons) != 1 {
				d.Errorf("submission %+v", s)
			}
			ticket := &styk.Ticket{Entity: styk.Entity{ID: a.Ticket}}
			firm := &styk.Account{Entity: styk.Entity{ID: c.Account}}
			docs, fields, err := tx.PostFiles(s.ID)
			if len(docs) != 1 || docs[0].FileName != "счёт.pdf" || fields[0] != "file" {
				d.Errorf("files %+v %v", docs, fields)
			}
			list, e := tx.DeliveriesOf(styk.SubjectTicket, s.ID)
			if len(list) != 1 || !list[0].Urgent || list[0].Customer != fmt.Sprintf("contact:%d", c.ID) {
				d.Errorf("deliveries %+v", list)
			}
			err = errors.Join(err, e, tx.Load(ticket), tx.Load(firm))
			if ticket.Number != a.Number || ticket.Contact != c.ID || ticket.Account != firm.ID || !strings.Contains(ticket.Text, "Тема: Касса") {
				d.Errorf("ticket %+v", ticket)
			}
			if firm.Name != "ООО «Ромашка»" || firm.INN != "7707083893" {
				d.Errorf("firm %+v", firm)
			}
			hits, e := tx.Search(strings.ReplaceAll(a.Number, "-", " "), nil, 5)
			if len(hits) != 1 || hits[0].ID != a.Ticket {
				d.Errorf("found by number: %v", hits)
			}
			return errors.Join(err, e)
		})
	})
}

func TestRefusedPostUsesNothingUp(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		p := d.post("phone=12")
		p.Files, p.HeaderKey = nil, "key"
		_, err := d.in.Accept(d.Context(), d.form, p)
		if styk.CodeOf(err) != styk.Invalid || !strings.Contains(err.Error(), "Прикрепите файл") {
			d.Errorf("got %v", err)
		}
		good := d.post("phone=+79001234567")
		good.HeaderKey = "key"
		if a := d.accept(good); !strings.HasPrefix(a.Number, "2611-0001-") {
			d.Errorf("number %s", a.Number)
		}
	})
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		with := func(header, page string, pairs ...string) intake.FormPost {
			p := d.post(pairs...)
			p.HeaderKey, p.Key = header, page
			return p
		}
		same := func(what string, first, second intake.FormPost, want bool) {
			d.Helper()
			a, b := d.accept(first), d.accept(second)
			if got := a.Number == b.Number; got != want || b.Repeated != want || want && a.Secret != b.Secret {
				d.Errorf("%s: %s then %s, want the same: %v", what, a.Number, b.Number, want)
			}
		}
		same("header, same values", with("h1", ""), with("h1", ""), true)
		same("header beside another page's key", with("h2", "p"), with("h2", "q"), true)
		if _, err := d.in.Accept(d.Context(), d.form, with("h1", "", "topic=Другое")); styk.CodeOf(err) != styk.Conflict {
			d.Errorf("header with other values: %v", err)
		}
		same("page's key, same values", with("", "p1"), with("", "p1", "topic= Касса "), true)
		same("page's key, other values", with("", "p2"), with("", "p2", "topic=Другое"), false)
		same("no key, same values", d.post("topic=А"), d.post("topic=А"), true)
		same("no key, other values", d.post("topic=Б"), d.post("topic=В"), false)
		a := d.accept(d.post("topic=Г"))
		d.move(10*time.Minute + time.Second)
		if b := d.accept(d.post("topic=Г")); b.Number == a.Number {
			d.Errorf("the same values are the same post after ten minutes")
		}
		other := d.post("topic=Д")
		d.accept(other)
		info, err := d.in.Keep(d.Context(), "счёт.pdf", strings.NewReader("%PDF-1.4\nother\n"))
		d.must(err)
		again := d.post("topic=Д")
		again.Files[0].Info = info
		if b := d.accept(again); b.Repeated {
			d.Errorf("another file is the same post")
		}
	})
}

func TestOnePostManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		p := d.post("phone=+79001234567")
		p.Key = "double click"
		var all sync.WaitGroup
		numbers := make([]string, 16)
		for i := range numbers {
			all.Go(func() {
				a, err := d.in.Accept(d.Context(), d.form, p)
				if err != nil {
					d.Error(err)
					return
				}
				numbers[i] = a.Number
			})
		}
		all.Wait()
		for _, n := range numbers {
			if n != numbers[0] {
				d.Errorf("numbers %v", numbers)
				return
			}
		}
		d.view(func(tx *store.Tx) error {
			list, err := tx.Deliveries(store.DeliveryFilter{})
			if len(list) != 1 {
				d.Errorf("%d deliveries", len(list))
			}
			return err
		})
	})
}

func TestKnownCustomerIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		by := store.By{Origin: "test"}
		anna := &styk.Contact{FirstName: "Анна", LastName: "Иванова", Mobile: "+7 900 123-45-67"}
		boris := &styk.Contact{LastName: "Борисов", Email: "boris@firm.ru", INN: "500100732259"}
		d.must(d.db.Update(d.Context(), func(tx *store.Tx) error { return errors.Join(tx.Insert(anna, by), tx.Insert(boris, by)) }))
		c := d.contact(d.accept(d.post("name=Мария Петровна", "phone=89001234567", "email=anna@firm.ru")))
		if c.ID != anna.ID || c.FirstName != "Анна" || c.SecondName != "" || c.Email != "anna@firm.ru" {
			d.Errorf("anna became %+v", c)
		}
		d.view(func(tx *store.Tx) error {
			list, err := tx.Suggestions(anna.ID)
			if len(list) != 2 {
				d.Errorf("suggestions %+v", list)
			}
			return err
		})
		c = d.contact(d.accept(d.post("name=Иванова Анна", "phone=89001234567", "email=boris@firm.ru")))
		if c.ID != anna.ID || len(c.Warnings) != 1 || c.Warnings[0].Other != boris.ID || c.Warnings[0].Field != "email" {
			d.Errorf("keys of two people: %+v", c)
		}
		c = d.contact(d.accept(d.post("name=Борис", "phone=+79990000000", "inn=500100732259")))
		if c.ID != boris.ID || c.Mobile != "+79990000000" || c.FirstName != "" {
			d.Errorf("found by ИНН: %+v", c)
		}
		one := d.contact(d.accept(d.post("inn=7707083893", "phone=+79990000001", "company=Ромашка")))
		two := d.contact(d.accept(d.post("inn=7707083893", "phone=+79990000002", "company=Ромашка")))
		if one.ID == two.ID || one.Account != two.Account || one.Account == 0 {
			d.Errorf("two people of one firm: %+v and %+v", one, two)
		}
	})
}

func TestFullDiskIsToldBefore(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		p := d.post()
		d.in.Reserve = 1 << 62
		if _, err := d.in.Accept(d.Context(), d.form, p); styk.CodeOf(err) != styk.Full {
			d.Errorf("got %v", err)
		}
		d.view(func(tx *store.Tx) error {
			list, err := tx.Deliveries(store.DeliveryFilter{})
			if len(list) != 0 {
				d.Errorf("%d deliveries", len(list))
			}
			return err
		})
	})
}

func TestCaptureWithTargetsMakesATicket(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		form := &styk.Webform{Name: "Анкета", PublicID: strings.Repeat("0", 32), Targets: []string{"crm"}, Match: styk.MatchPhone,
			Fields: []string{"lastname", "mobile", "code"}, Files: []styk.FilePart{{Part: "file_1_1", Title: "договор"}}}
		p := d.post()
		p.Files[0].Part = "file_1_1"
		_, err := d.in.Capture(d.Context(), form, intake.Post{
			Contact: styk.Contact{LastName: "Пупкинидзе", Mobile: "+79491234511"}, Code: "795372", Files: p.Files,
			Values: map[string]string{"lastname": "Пупкинидзе", "mobile": "+79491234511"},
		})
		d.must(err)
		d.view(func(tx *store.Tx) error {
			list, err := tx.Deliveries(store.DeliveryFilter{})
			if err != nil || len(list) != 1 || list[0].TicketNumber == "" || list[0].Form != "Анкета" {
				d.Fatalf("deliveries %+v, %v", list, err)
			}
			s, err := tx.Post(list[0].About)
			if err == nil && (s.Value("lastname") != "Пупкинидзе" || s.OfType(styk.FieldPhone) != "+79491234511" || s.Value("code") != "") {
				d.Errorf("submission %+v", s)
			}
			docs, fields, e := tx.PostFiles(list[0].About)
			if len(docs) != 1 || fields[0] != "договор" {
				d.Errorf("files %+v %v", docs, fields)
			}
			return errors.Join(err, e)
		})
	})
}

func TestSplitName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, last, first, second string }{
		{"", "", "", ""}, {"Анна", "", "Анна", ""}, {"Анна Иванова", "Иванова", "Анна", ""},
		{"Анна Петровна", "", "Анна", "Петровна"}, {"Иванова Анна Петровна", "Иванова", "Анна", "Петровна"},
		{"Пётр Ильич Чайковский", "Чайковский", "Пётр", "Ильич"}, {"Алиев Али Вагиф оглы", "Али Вагиф оглы", "Алиев", ""},
		{"Jean-Luc  van der Berg", "van der Berg", "Jean-Luc", ""},
	} {
		last, first, second := intake.SplitName(c.name)
		if last != c.last || first != c.first || second != c.second {
			t.Errorf("%q: %q %q %q", c.name, last, first, second)
		}
	}
}
