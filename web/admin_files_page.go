package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"styk"
	"styk/blob"
	"styk/staff"
	"styk/store"
)

// adminFilesPage lists customers' files.
type adminFilesPage struct {
	adminFrame
	Query   string
	Show    string // the chosen tab
	Tabs    []adminTab
	Rows    []adminFileRow
	Older   string
	First   string
	Nothing bool // there is no file at all
}

type adminFileRow struct {
	Address  string
	Name     string
	Title    string // "" when it is the name
	Path     string
	Customer string
	Person   string // address of the customer, "" for none
	Kind     string // placeholder or real
	Tone     string
	Check    string
	Verdict  string // tone of Check
	Version  string
	Size     string
	When     moment
}

// adminFilePage is one file with all its versions.
type adminFilePage struct {
	adminFrame
	File     adminFileRow
	View     string // address of the preview, "" for none
	Picture  bool
	Versions []adminVersionRow
	Links    []adminFileLink
	Link     string // outside, of a document that is no file of ours
	Change   bool
}

type adminVersionRow struct {
	Number int64
	Size   string
	Type   string
	Origin string
	When   moment
	Now    bool
	Load   string // address
}

// fileTabs are the ready filters: word in the address, what it shows.
var fileTabs = []struct{ word, ru, en string }{
	{"", "Все", "All"},
	{"waiting", "Ещё пустышки", "Still stand-ins"},
	{"refused", "Не прошли проверку", "Refused by the check"},
}

func (a *admin) showFiles(v *visit) error {
	q := v.r.URL.Query()
	p := adminFilesPage{Query: strings.TrimSpace(q.Get("q")), Show: q.Get("show")}
	p.adminFrame = a.frame(v, "/admin/files", choose(v.lang, "Файлы", "Files"))
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	f := store.FileFilter{Query: p.Query, Waiting: p.Show == "waiting", Refused: p.Show == "refused", Before: styk.ID(max(before, 0)), Limit: pageSize + 1}
	if !f.Waiting && !f.Refused {
		p.Show = ""
	}
	for _, t := range fileTabs {
		p.Tabs = append(p.Tabs, adminTab{Address: filesAddress(p.Query, t.word, 0), Text: p.T(t.ru, t.en), Here: t.word == p.Show})
	}
	var rows []*store.FileRow
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.Files(f)
		return err
	})
	if err != nil {
		return err
	}
	if len(rows) > pageSize {
		rows = rows[:pageSize]
		p.Older = filesAddress(p.Query, p.Show, rows[pageSize-1].ID)
	}
	if f.Before != 0 {
		p.First = filesAddress(p.Query, p.Show, 0)
	}
	for _, r := range rows {
		p.Rows = append(p.Rows, a.fileRow(v, r))
	}
	p.Nothing = len(rows) == 0 && p.Query == "" && p.Show == "" && f.Before == 0
	return a.show(v, http.StatusOK, "admin_files.html", p)
}

// filesAddress keeps the filters in the address.
func filesAddress(query, show string, before styk.ID) string {
	q := url.Values{}
	for name, value := range map[string]string{"q": query, "show": show} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if before != 0 {
		q.Set("before", strconv.FormatInt(int64(before), 10))
	}
	if len(q) == 0 {
		return "/admin/files"
	}
	return "/admin/files?" + q.Encode()
}

// fileAddress is the page of a file; without "about" its bytes come.
func fileAddress(id styk.ID) string { return address("files", id) + "/about" }

func (a *admin) fileRow(v *visit, r *store.FileRow) adminFileRow {
	row := adminFileRow{Address: fileAddress(r.ID), Name: r.FileName, Title: r.Title, Path: r.Path, Customer: r.Name,
		Version: strconv.FormatInt(r.Version, 10), Size: bytesWord(v.lang, r.Size), When: a.moment(v.lang, r.Modified)}
	if row.Name == "" || row.Name == row.Title {
		row.Name, row.Title = r.Title, ""
	}
	if r.Customer != 0 && v.may(staff.SeeCustomers) {
		row.Person = address("customers", r.Customer)
		if row.Customer == "" {
			row.Customer = choose(v.lang, "Имя не указано", "No name given")
		}
	}
	switch {
	case r.External:
		row.Kind, row.Size = choose(v.lang, "Ссылка", "Link"), ""
	case r.Placeholder:
		row.Kind, row.Tone = choose(v.lang, "Пустышка", "Stand-in"), "wait"
	default:
		row.Kind, row.Tone = choose(v.lang, "Настоящий", "Real"), "good"
	}
	switch {
	case r.Check.Refused != "":
		row.Check, row.Verdict = choose(v.lang, "Не прошёл: ", "Refused: ")+r.Check.Refused, "bad"
	case !r.Check.Checked.IsZero():
		row.Check, row.Verdict = choose(v.lang, "Проверен", "Checked"), "good"
	}
	return row
}

func (a *admin) showFile(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	var r *store.FileRow
	var versions []store.Version
	var links []*store.FileLink
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if r, err = tx.File(id); err != nil {
			return err
		}
		if versions, err = tx.Versions(id); err != nil {
			return err
		}
		links, err = tx.FileLinks(id)
		return err
	})
	if err != nil {
		return err
	}
	p := adminFilePage{File: a.fileRow(v, r), Links: a.linkPanel(v.lang, links, a.Now()), Change: v.may(staff.ChangeTickets) && r.Path != ""}
	p.adminFrame = a.frame(v, "/admin/files", p.File.Name)
	if kind := viewable(&r.Document); kind != "" && (r.Check.Refused == "" || r.Version > 1) {
		p.View, p.Picture = address("files", id)+"/view", strings.HasPrefix(kind, "image/")
	}
	if r.External {
		p.Link = r.FileName
	}
	for i := len(versions) - 1; i >= 0; i-- {
		o := versions[i]
		p.Versions = append(p.Versions, adminVersionRow{Number: o.Number, Size: bytesWord(v.lang, o.Size), Type: o.Type,
			Origin: originWord(v.lang, o.Origin), When: a.moment(v.lang, o.Created), Now: o.Number == r.Version,
			Load: address("files", id) + "?version=" + strconv.FormatInt(o.Number, 10)})
	}
	v.w.Header().Set("Content-Security-Policy", v.w.Header().Get("Content-Security-Policy")+"; frame-src 'self'")
	return a.show(v, http.StatusOK, "admin_file.html", p)
}

// actionVersion is noted when an earlier version of a file is put in force again.
const actionVersion = "file.restored"

// restoreVersion puts an earlier version of a file in force, as a new one: what
// was there stays among the versions.
func (a *admin) restoreVersion(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	number, _ := strconv.ParseInt(v.r.PostForm.Get("version"), 10, 64)
	d := &styk.Document{}
	d.ID = id
	var chosen *store.Version
	err = a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		chosen = nil
		if err := tx.Load(d); err != nil {
			return err
		}
		versions, err := tx.Versions(id)
		for i := range versions {
			if versions[i].Number == number {
				chosen = &versions[i]
			}
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case chosen == nil || d.Path == "":
		return styk.Failed(styk.NotFound, "")
	}
	if err := a.refuseFound(v, id, chosen.Sum); err != nil {
		return err
	}
	if chosen.Sum == d.Sum {
		return v.redirect(fileAddress(id), "same")
	}
	if _, err := a.Intake.OverwriteWith(v.r.Context(), v.by(), d.Path, blob.Info{Sum: chosen.Sum, Size: chosen.Size, Type: chosen.Type}); err != nil {
		return err
	}
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionVersion, id, number); err != nil {
		return err
	}
	return v.redirect(fileAddress(id), "version")
}
