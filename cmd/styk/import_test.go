package main

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"styk"
	"styk/store"
)

// TestMoveFromVtiger is the whole way: look, import with a cut in the middle,
// the files that 8.0 cannot give from its folder, and then the site's old ids.
func TestMoveFromVtiger(t *testing.T) {
	t.Parallel()
	old := newOldVtiger(t)
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"import", "vtiger", "--url", old.start(), "--user", "admin", "--access-key", "FvYxjhfenXBRj2jp", "--data", data,
		"--map", "Contacts.cf_853=inn"}

	preview := mustStyk(t, args...)
	for _, want := range []string{"Vtiger 8.0.0", "Contacts: 150 records", "83000  Василий Петров0", "cf_901 is called \"ИНН\" there: add --map Accounts.cf_901=inn",
		"kept under their own names: cf_860", "nothing was imported"} {
		if !strings.Contains(preview, want) {
			t.Errorf("the preview lacks %q:\n%s", want, preview)
		}
	}
	if n := len(contactsOf(t, &folder{Data: data})); n != 0 {
		t.Fatalf("the preview stored %d contacts", n)
	}

	args = append(args, "--map", "Accounts.cf_901=inn", "--yes")
	old.breakAt = old.queries.Load() + 11 // behind the first page of contacts
	out, code := command(t, args...)
	if code != exitFailed || !strings.Contains(out, "import Contacts (it continues from here when started again)") {
		t.Fatalf("the cut import: %d\n%s", code, out)
	}
	if n := len(contactsOf(t, &folder{Data: data})); n != 100 {
		t.Errorf("the cut import stored %d contacts, want the first page", n)
	}
	out = mustStyk(t, args...)
	for _, want := range []string{"Accounts: imported before", "Contacts: 50 stored", "files: 3 could NOT be read", "--storage DIR", "Contacts: 3 documents linked"} {
		if !strings.Contains(out, want) {
			t.Errorf("the import lacks %q:\n%s", want, out)
		}
	}

	storage := filepath.Join(t.TempDir(), "storage", "2023", "December", "week4")
	if err := os.MkdirAll(storage, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		pdf := placeholderPDF(strconv.Itoa(i))
		if err := os.WriteFile(filepath.Join(storage, strconv.Itoa(90100+i)+"_9e84c3f8.pdf"), pdf, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := mustStyk(t, append(args, "--storage", filepath.Dir(storage))...); !strings.Contains(out, "files: 3 stored") {
		t.Errorf("with the folder:\n%s", out)
	}
	checkImported(t, data)
	oldIDsWork(t, data)
}

// checkImported looks at what came: numbers, references, times, fields, files.
func checkImported(t *testing.T, data string) {
	t.Helper()
	h := openTestHouse(t, &folder{Data: data})
	defer h.close()
	c, a, p, k, m, d := &styk.Contact{}, &styk.Account{}, &styk.Project{}, &styk.Ticket{}, &styk.Comment{}, &styk.Document{}
	c.ID, a.ID, p.ID, k.ID, m.ID, d.ID = 83298, 84675, 95000, 95001, 95002, 90000
	var docs []*styk.Document
	err := h.db.View(t.Context(), func(tx *store.Tx) (err error) {
		for _, rec := range []styk.Record{c, a, p, k, m, d} {
			if err := tx.Load(rec); err != nil {
				return err
			}
		}
		docs, err = tx.DocumentsOf(83000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct{ what, got, want string }{
		{"name", c.LastName, "Петров149"}, {"renamed field", c.INN, "000000000149"}, {"own field", c.Extra["cf_860"], "VIP"},
		{"created", c.Created.Format("2006-01-02 15:04:05"), "2023-12-25 21:12:12"}, {"entities in text", a.Name, `ООО "Три бобра"`},
		{"account's INN", a.INN, "7707083893"}, {"ticket number", k.Number, "TT9"}, {"file's name", d.FileName, "договор № 1.pdf"},
		{"source", c.Source, "WEBSERVICE"},
	} {
		if one.got != one.want {
			t.Errorf("%s: got %q, want %q", one.what, one.got, one.want)
		}
	}
	if c.Account != 84675 || p.Contact != 83000 || k.Contact != 83002 || k.Account != 84675 || m.Related != 95000 {
		t.Errorf("references: %d %d %d %d %d", c.Account, p.Contact, k.Contact, k.Account, m.Related)
	}
	if len(docs) != 1 || docs[0].ID != 90000 || docs[0].Title != demoTitles[0] || len(docs[0].Warnings) != 0 {
		t.Fatalf("documents of the contact: %+v", docs)
	}
	f, err := h.intake.OpenDocument(t.Context(), docs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var content bytes.Buffer
	if _, err := content.ReadFrom(f); err != nil || !bytes.Equal(content.Bytes(), placeholderPDF("0")) {
		t.Errorf("the file differs: %v", err)
	}
	if !strings.HasPrefix(docs[0].Path, "storage/2023/December/week4/") {
		t.Errorf("path %s", docs[0].Path)
	}
}

// oldIDsWork: what the site kept goes on working, and new numbers follow.
func oldIDsWork(t *testing.T, data string) {
	t.Helper()
	mustStyk(t, "user", "add", "api", "--role", "api", "--access-key", testKey, "--data", data)
	base, _ := serveHere(t, "--data", data)
	s := mustLogIn(t, base)
	var project string
	err := s.post(map[string]string{"operation": "CreateProject", "contactid": "83298", "offenderid": "11x84675", "subject": "x"}, nil, &project)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := strconv.Atoi(project); n <= 95002 {
		t.Errorf("the new project got number %s, not one above the imported", project)
	}
	var found []struct{ ID string }
	if err := s.get("query", url.Values{"query": {"select id from Contacts where mobile='" + benchPhone(7) + "';"}}, &found); err != nil || len(found) != 1 || found[0].ID != "12x83014" {
		t.Errorf("found %v, %v", found, err)
	}
	if id, err := s.createContact(7); err != nil || id != "83014" {
		t.Errorf("CreateContact of an imported phone gave %s, %v", id, err)
	}
}

// TestFilesByTheWebService: 8.4 can give them.
func TestFilesByTheWebService(t *testing.T) {
	t.Parallel()
	old := newOldVtiger(t)
	old.files = map[string][]byte{}
	for i := range 3 {
		old.files["15x"+strconv.Itoa(90100+i)] = placeholderPDF(strconv.Itoa(i))
	}
	out := mustStyk(t, "import", "vtiger", "--url", old.start()+"/webservice.php", "--user", "admin", "--access-key", "x",
		"--data", filepath.Join(t.TempDir(), "data"), "--yes")
	if !strings.Contains(out, "files: 3 stored") || strings.Contains(out, "NOT") {
		t.Error(out)
	}
}

// TestTakenNumbersAreToldAndKept: nothing of ours is overwritten.
func TestTakenNumbersAreToldAndKept(t *testing.T) {
	t.Parallel()
	old := newOldVtiger(t)
	data := filepath.Join(t.TempDir(), "data")
	h := openTestHouse(t, &folder{Data: data})
	ours := &styk.Ticket{Title: "ours"}
	ours.ID = 83002
	if err := h.db.Update(t.Context(), func(tx *store.Tx) error { return tx.Insert(ours, store.By{}) }); err != nil {
		t.Fatal(err)
	}
	h.close()
	out := mustStyk(t, "import", "vtiger", "--url", old.start(), "--user", "admin", "--access-key", "x", "--module", "Contacts", "--data", data, "--yes")
	if !strings.Contains(out, "149 stored") || !strings.Contains(out, "1 NOT stored, their numbers are taken here: [83002]") {
		t.Error(out)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("Фамилия;Имя\nИванов;Пётр\n"))
	f.Add([]byte("lastname,firstname\r\n\"a\"\"b\",c\r\n"))
	f.Add([]byte("\ufefflastname\tmobile\n1\t2"))
	f.Add([]byte{0xd4, 0xe0, 0xec, 0xe8, 0xeb, 0xe8, 0xff, ';', 'x', '\n', 0xc8})
	f.Add([]byte("lastname\n\"open"))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := openTable(bytes.NewReader(text))
		if err != nil {
			return
		}
		defer table.close()
		c := &csvImport{command: &importCSVCommand{Module: "Contacts"}, table: table}
		if c.header(nil) != nil {
			return
		}
		for range 50 {
			row, err := table.rows.Read()
			if err != nil {
				return
			}
			_, _ = c.decode(row)
		}
	})
}

func FuzzYAML(f *testing.F) {
	for _, text := range []string{
		"users:\n  - {name: a, role: api, from: [10.0.0.0/8]}\n", "users: &a\n  - *a\n", "webforms: [{name: x, files: [{part: file_1, title: y}]}]",
		"users: 5", "- a", "users:\n- name: [a]\n", "a: !!binary x", "users:\n  - <<: {name: x}\n    role: api", "{", "\t", "users: null\ntargets: []",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = readYAML(&problems{file: "f.yaml"}, text) })
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("c\x00\x00\x00\x02{}"))
	f.Add([]byte("i\x00\x00\x00\x00"))
	f.Add([]byte("c\xff\xff\xff\xff"))
	f.Add([]byte(`c` + "\x00\x00\x00\x2e" + `{"Version":"dev","Command":"doctor","Settings":`))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = readOrder(bytes.NewReader(text)) })
}
