package web

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"styk"
	"styk/intake"
	"styk/store"
	"styk/wallet"
)

func init() {
	maps.Copy(emptyPages, map[string]any{
		"admin_customers.html": adminCustomersPage{}, "admin_customer.html": adminCustomerPage{Customer: &adminCustomer{}},
		"admin_customer_merge.html": adminMergePage{}, "admin_customer_export.html": adminPersonPage{}, "admin_customer_erase.html": adminPersonPage{},
		"admin_erasures.html": adminErasuresPage{}, "admin_dossier.html": dossierPage{},
	})
}

const customerTemplate = "5be0000000000000000000c1"

// fillCustomers adds to the samples what a customer can have: a card, a project,
// a picture, a second version of a file, a double and values that differ.
func (d *desk) fillCustomers() (s samples, double styk.ID) {
	d.t.Helper()
	s = d.fill()
	by := store.By{Origin: "webservice"}
	d.update(func(tx *store.Tx) error {
		c := &styk.Contact{}
		c.ID = s.contact
		if _, err := tx.Edit(c, by, func() error {
			c.Birthday, c.Birthplace, c.TelegramID, c.Address, c.Requisites = "1986-11-15", "Саратов", "77550011", "Саратов, ул. Чапаева, 4", "р/с 40817810000000000001"
			c.Title = "бухгалтер"
			return nil
		}); err != nil {
			return err
		}
		p := &styk.Project{Name: "Возврат за тур в Анталью", Subject: "Отказ от тура из-за болезни", Contact: s.contact, Status: "in progress", AgrDate: "2026-10-02",
			AgrPrice: styk.Money{Kopecks: 2000000, Set: true}}
		if err := tx.Insert(p, by); err != nil {
			return err
		}
		t := &styk.CardTemplate{ID: customerTemplate, Name: "Карта гостя", Variables: []styk.CardVariable{
			{Name: "CLIENT_NAME", Type: styk.CardString}, {Name: "PHONE", Type: styk.CardPhone, Unique: true}, {Name: "BONUS", Type: styk.CardNumber},
			{Name: "CODE", Type: styk.CardString}}}
		if _, err := tx.SaveCardTemplate(t); err != nil {
			return err
		}
		twin := &styk.Contact{FirstName: "Семён", LastName: "Елкин", Mobile: "+7 911 123-45-67", Email: "elkin@example.ru", Birthday: "1986-11-16"}
		twin.ID = 0
		if err := tx.Insert(twin, by); err != nil {
			return err
		}
		double = twin.ID
		return nil
	})
	_, _, err := d.cards.Issue(d.t.Context(), wallet.New{Template: customerTemplate, Source: "passteam", By: by,
		Values: map[string]string{"CLIENT_NAME": "Ёлкин Семён", "PHONE": "+7 900 123-45-67", "BONUS": "1250", "CODE": "2900000000421"}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.replaceFile(s)
	return s, double
}

// replaceFile gives the sample's document another version, and the ticket a
// picture.
func (d *desk) replaceFile(s samples) {
	d.t.Helper()
	doc := &styk.Document{}
	doc.ID = s.document
	d.update(func(tx *store.Tx) error { return tx.Load(doc) })
	if _, err := d.intake.Overwrite(d.t.Context(), store.By{Origin: "put"}, doc.Path, strings.NewReader("%PDF-1.4\n% signed\n%%EOF\n")); err != nil {
		d.t.Fatal(err)
	}
	info, err := d.intake.Keep(d.t.Context(), "касса.png", bytes.NewReader(samplePicture(320, 200)))
	if err != nil {
		d.t.Fatal(err)
	}
	d.update(func(tx *store.Tx) error {
		p := &styk.Document{Title: "Фото кассы", Placeholder: false}
		return d.intake.AddDocument(tx, store.By{Origin: "form"}, p, intake.Upload{FileName: "касса.png", Info: info}, s.contact, s.ticket)
	})
}

func TestCustomerPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s, double := d.fillCustomers()
	b := d.person(styk.RoleOperator)
	a := b.get("/admin/customers?q=45-67")
	if a.status != http.StatusOK || !strings.Contains(a.body, fmt.Sprintf("/admin/customers/%d", s.contact)) {
		t.Fatalf("found by the phone's tail: %d", a.status)
	}
	for q, want := range map[string]bool{"ёлкин": true, "елкин сем": true, "643922466250": true, "semyon@": false, s.number: true, "2900000000421": true, "нет такого": false} {
		if got := strings.Contains(b.get("/admin/customers?q="+url.QueryEscape(q)).body, fmt.Sprintf(`/admin/customers/%d"`, s.contact)); got != want {
			t.Errorf("%q: got %v, want %v", q, got, want)
		}
	}
	path := fmt.Sprintf("/admin/customers/%d", s.contact)
	a = b.get(path)
	for _, want := range []string{"Ёлкин Семён", "Касса не печатает чек", "Возврат за тур в Анталью", "20000.00", "Фото кассы", "Версия 1", "настоящий файл", "1\u00a0250",
		"Согласия", "Возможно, это один человек", fmt.Sprintf("merge?with=%d", double), "SR-00000042", "semyon@firm.example", "р/с 40817810000000000001", "Отменить"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, hidden := range []string{"/export", "/erase"} {
		if strings.Contains(a.body, path+hidden) {
			t.Errorf("an operator is offered %s", hidden)
		}
	}
	if a := b.get(fmt.Sprintf("/admin/tickets/%d", s.ticket)); !strings.Contains(a.body, path) {
		t.Error("the ticket does not lead to its customer")
	}
	if a := b.get("/admin/customers?show=doubles"); !strings.Contains(a.body, fmt.Sprintf("/admin/customers/%d", double)) || strings.Contains(a.body, "Котова") {
		t.Error("the doubles are not listed alone")
	}
}

func TestFilesAreLookedAtInAFrame(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s, _ := d.fillCustomers()
	b := d.person(styk.RoleOperator)
	a := b.get(fmt.Sprintf("/admin/files/%d/view", s.document))
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/pdf" || a.header.Get("X-Frame-Options") != "SAMEORIGIN" ||
		!strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'self'") || !strings.HasPrefix(a.body, "%PDF") {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := b.get(fmt.Sprintf("/admin/customers/%d", s.contact)); !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-src 'self'") {
		t.Error("the page may not frame it")
	}
}

func TestCustomersAreMerged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s, double := d.fillCustomers()
	b := d.person(styk.RoleAdmin)
	path := fmt.Sprintf("/admin/customers/%d", s.contact)
	a := b.get(fmt.Sprintf("%s/merge?with=%d", path, double))
	for _, want := range []string{"1986-11-15", "1986-11-16", "Останется", "take.birthday"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the preview lacks %s", want)
		}
	}
	a = b.send(path+"/merge", "with", fmt.Sprint(double), "take.birthday", "loser", "take.mobile", "winner")
	if a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a = b.get(path); !strings.Contains(a.body, "1986-11-16") || !strings.Contains(a.body, "Объединён с") || strings.Contains(a.body, "Возможно, это один человек") {
		t.Error("the page after the merge")
	}
	if a = b.get(fmt.Sprintf("/admin/customers/%d", double)); a.header.Get("Location") != path {
		t.Errorf("the loser leads to %q", a.header.Get("Location"))
	}
	if a = b.send(path+"/unmerge", "with", fmt.Sprint(double)); a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a = b.get(path); !strings.Contains(a.body, "1986-11-15") {
		t.Error("parted, the winner has another's birthday")
	}
	if a = b.send(path+"/apart", "with", fmt.Sprint(double)); a.status != http.StatusSeeOther {
		t.Fatal(a.status)
	}
	if a = b.get(path); strings.Contains(a.body, "Возможно, это один человек") {
		t.Error("they are still offered for merging")
	}
}

func TestPersonIsExportedAndErased(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s, _ := d.fillCustomers()
	b := d.person(styk.RoleOwner)
	path := fmt.Sprintf("/admin/customers/%d", s.contact)
	for _, page := range []string{"/export", "/erase"} {
		if a := b.get(path + page); a.status != http.StatusOK {
			t.Fatalf("%s: %d", page, a.status)
		}
		if a := b.send(path+page, "number", "1"+fmt.Sprint(s.contact)); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Это другой номер") {
			t.Errorf("%s with another number: %d", page, a.status)
		}
	}
	a := b.send(path+"/export", "number", fmt.Sprint(s.contact))
	checkArchive(t, a)
	a = b.send(path+"/erase", "number", fmt.Sprint(s.contact))
	if !strings.HasPrefix(a.header.Get("Location"), "/admin/erasures?said=erased") {
		t.Fatalf("%d %s %s", a.status, a.header.Get("Location"), a.body)
	}
	if a = b.get("/admin/erasures"); !strings.Contains(a.body, fmt.Sprint(s.contact)) || !strings.Contains(a.body, "завершено") || !strings.Contains(a.body, "owner-person") {
		t.Error("there is no record of it")
	}
	if a = b.get(path); a.header.Get("Location") != "/admin/erasures" {
		t.Errorf("the page of an erased one: %d %s", a.status, a.header.Get("Location"))
	}
	if a = b.get("/admin/tickets?q=45-67"); strings.Contains(a.body, "Касса не печатает чек") {
		t.Error("the ticket is still found by the phone")
	}
	if a = b.get(fmt.Sprintf("/admin/tickets/%d", s.ticket)); a.status != http.StatusOK || !strings.Contains(a.body, store.Erasing) || strings.Contains(a.body, "Ёлкин") {
		t.Errorf("the ticket's page: %d", a.status)
	}
}

func checkArchive(t *testing.T, a answered) {
	t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	z, err := zip.NewReader(strings.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch f.Name {
		case "data.json":
			if !json.Valid(text) || !bytes.Contains(text, []byte("Ёлкин")) {
				t.Error("data.json is no JSON of the person")
			}
		case "index.html":
			if !bytes.Contains(text, []byte("Продлить договор")) || !bytes.Contains(text, []byte("Акт сверки")) {
				t.Errorf("index.html: %s", text)
			}
			if path := os.Getenv("STYK_TEST_SHOTS"); path != "" {
				_ = os.WriteFile(path+"/dossier.html", text, 0o600)
			}
		}
	}
	if !slices.Contains(names, "data.json") || !slices.Contains(names, "index.html") || len(names) < 6 {
		t.Errorf("the archive holds %v", names)
	}
}

// TestCustomersInBrowser finds, compares, looks at a file and erases, in a real
// Chromium, and looks at every page in both themes and three widths.
func TestCustomersInBrowser(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	d := newDesk(t)
	d.person(styk.RoleOwner)
	s, double := d.fillCustomers()
	env := []string{"STYK=" + d.url, "FOREIGN=" + d.url, "NAME=owner-person", "PASSWORD=" + deskPassword,
		fmt.Sprintf("CUSTOMER=%d", s.contact), fmt.Sprintf("DOUBLE=%d", double)}
	playAdmin(t, "testdata/admin/customer_test.js", env...)
	playAdmin(t, "testdata/admin/customer_erase_test.js", env...)
}
