package web

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"styk"
	"styk/blob"
	"styk/store"
)

// adminPersonPage asks once more before a person's data are given out or erased.
type adminPersonPage struct {
	adminFrame
	Address   string // of the customer
	Number    string // to be typed
	Name      string
	Wrong     bool // another number was typed
	Counts    []adminLine
	Receivers []adminLine // where it was delivered
	Kept      []adminKept
}

func plainNumber(id styk.ID) string { return strconv.FormatInt(int64(id), 10) }

// personPage reads what there is of a person.
func (a *admin) personPage(v *visit, title string) (*adminPersonPage, styk.ID, error) {
	id, err := v.number("id")
	if err != nil {
		return nil, 0, err
	}
	p := &adminPersonPage{Address: address("customers", id), Number: plainNumber(id)}
	var all store.Belongings
	receivers := map[string]int64{}
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		c, err := tx.Customer(id)
		if err != nil {
			return err
		}
		p.Name = customerPanel(v.lang, c, "").Name
		if all, err = tx.Belongings(id); err != nil {
			return err
		}
		receivers, err = tx.Receivers(all)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	p.adminFrame = a.frame(v, "/admin/customers", title)
	counts := map[string]int64{}
	for part, ids := range all {
		counts[part] = int64(len(ids))
	}
	p.Counts = countLines(v.lang, counts)
	for name, n := range receivers {
		p.Receivers = append(p.Receivers, adminLine{name, strconv.FormatInt(n, 10)})
	}
	slices.SortFunc(p.Receivers, func(a, b adminLine) int { return strings.Compare(a.Label, b.Label) })
	p.Kept = keptPanel(v.lang)
	return p, id, nil
}

// partWords name the parts of what belongs to a person, in the order shown.
var partWords = []struct{ name, ru, en string }{
	{"contact", "Карточки клиента", "Customer records"}, {"account", "ИП", "Sole trader’s account"}, {"ticket", "Обращения", "Tickets"},
	{"project", "Проекты", "Projects"}, {"document", "Документы", "Documents"}, {"file", "Файлы стёрты с диска", "Files removed from the disk"},
	{"submission", "Заявки с форм", "Form posts"}, {"delivery", "Доставки", "Deliveries"}, {"card", "Карты", "Cards"}, {"comment", "Заметки", "Notes"},
	{"call", "Вызовы в журнале API", "Calls in the API log"},
}

func countLines(lang string, counts map[string]int64) (list []adminLine) {
	for _, w := range partWords {
		if n := counts[w.name]; n > 0 {
			list = append(list, adminLine{choose(lang, w.ru, w.en), strconv.FormatInt(n, 10)})
		}
	}
	return list
}

func (a *admin) showExport(v *visit) error {
	p, _, err := a.personPage(v, choose(v.lang, "Выгрузка данных клиента", "Export of a customer’s data"))
	if err != nil {
		return err
	}
	return a.show(v, http.StatusOK, "admin_customer_export.html", p)
}

// export gives all that is kept of a person as an archive: a page to read, JSON
// for programs, and the files.
func (a *admin) export(v *visit) error {
	p, id, err := a.personPage(v, choose(v.lang, "Выгрузка данных клиента", "Export of a customer’s data"))
	if err != nil {
		return err
	}
	if strings.TrimSpace(v.r.PostForm.Get("number")) != p.Number {
		p.Wrong = true
		return a.show(v, http.StatusUnprocessableEntity, "admin_customer_export.html", p)
	}
	var dossier *store.Dossier
	var files []store.DossierFile
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if dossier, err = tx.Dossier(id); err != nil {
			return err
		}
		files, err = tx.DossierFiles(id)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionExported, id, int64(len(files))); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", attachment(fmt.Sprintf("customer-%d.zip", id)))
	archive := zip.NewWriter(v.w)
	if err := a.writeArchive(v, archive, p, dossier, files); err != nil {
		// What was sent is no whole archive, and the reader's program says so.
		a.Log.Error("export", "op", "export", "err", err)
		return nil
	}
	return archive.Close()
}

func (a *admin) writeArchive(v *visit, z *zip.Writer, p *adminPersonPage, d *store.Dossier, files []store.DossierFile) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	w, err := z.Create("data.json")
	if err == nil {
		_, err = w.Write(text)
	}
	if err != nil {
		return err
	}
	page := a.dossierPage(v.lang, p, d)
	for _, f := range files {
		for _, version := range f.Versions {
			name := archiveName(f.Document, version)
			switch err := a.writeVersion(v, z, name, version); {
			case errors.Is(err, blob.ErrNotFound):
				name = ""
			case err != nil:
				return err
			}
			page.Files = append(page.Files, dossierFile{f.Document.Title, f.Document.FileName, version.Number, name})
		}
	}
	w, err = z.Create("index.html")
	if err != nil {
		return err
	}
	return templates.ExecuteTemplate(w, "admin_dossier.html", page)
}

// archiveName gives a file a name that no other one has, and that every system
// unpacks.
func archiveName(d *styk.Document, version store.Version) string {
	name := blob.CleanName(d.FileName)
	ext := path.Ext(name)
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, strings.TrimSuffix(name, ext))
	return fmt.Sprintf("files/%d-%d %s%s", d.ID, version.Number, name, ext)
}

func (a *admin) writeVersion(v *visit, z *zip.Writer, name string, version store.Version) error {
	f, _, err := a.Intake.Blobs.Open(v.r.Context(), version.Sum)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: version.Created})
	if err == nil {
		_, err = io.Copy(w, f)
	}
	return err
}

// dossierPage is the page inside the archive: it stands for itself.
type dossierPage struct {
	Lang   string
	Name   string
	Number string
	Made   string
	Tables []dossierTable
	Files  []dossierFile
	Left   []adminKept
}

type dossierTable struct {
	Title string
	Rows  [][]adminLine
}

type dossierFile struct {
	Title, Name string
	Version     int64
	Path        string // in the archive; "" when the bytes are no more
}

// T chooses between the languages.
func (p dossierPage) T(ru, en string) string { return choose(p.Lang, ru, en) }

func (a *admin) dossierPage(lang string, p *adminPersonPage, d *store.Dossier) *dossierPage {
	page := &dossierPage{Lang: lang, Name: p.Name, Number: p.Number, Made: a.moment(lang, d.Made).Full}
	for _, part := range d.Tables {
		table := dossierTable{Title: tableWord(lang, part.Table)}
		for _, row := range part.Rows {
			table.Rows = append(table.Rows, dossierLines(lang, part, row))
		}
		page.Tables = append(page.Tables, table)
	}
	for _, left := range d.Left {
		page.Left = append(page.Left, adminKept{tableWord(lang, left.Table), left.Holds, left.Why})
	}
	return page
}

// dossierLines gives a row as lines, what tells of the person first.
func dossierLines(lang string, part store.DossierPart, row store.DossierRow) (lines []adminLine) {
	var names, rest []string
	for _, holds := range part.Holds {
		names = append(names, holds.Columns...)
	}
	for name := range row {
		if !slices.Contains(names, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	for _, name := range append(names, rest...) {
		v, ok := row[name]
		if !ok {
			continue
		}
		text := fmt.Sprint(v)
		if raw, ok := v.(json.RawMessage); ok {
			text = readableJSON(raw)
		}
		lines = append(lines, adminLine{contactWord(lang, name), text})
	}
	return lines
}

// readableJSON sets a small structure out over lines.
func readableJSON(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return string(raw)
	}
	return string(text)
}

// tableWords name the tables in which personal data lie.
var tableWords = map[string][2]string{
	"contact": {"Клиент", "Customer"}, "account": {"Организация", "Account"}, "project": {"Проекты", "Projects"}, "ticket": {"Обращения", "Tickets"},
	"document": {"Документы", "Documents"}, "document_version": {"Версии файлов", "Versions of files"}, "comment": {"Заметки", "Notes"},
	"history": {"История изменений", "History of changes"}, "sms_code": {"Коды из SMS", "SMS codes"}, "submission": {"Заявки с форм", "Form posts"},
	"delivery": {"Доставки", "Deliveries"}, "attempt": {"Попытки доставки", "Attempts to deliver"}, "suggestion": {"Значения, пришедшие с форм", "Values that forms brought"},
	"card": {"Карты", "Cards"}, "card_change": {"Изменения карт", "Changes of cards"}, "card_device": {"Телефоны с картой", "Phones with the card"},
}

func tableWord(lang, table string) string {
	if w, ok := tableWords[table]; ok {
		return choose(lang, w[0], w[1])
	}
	return table
}
