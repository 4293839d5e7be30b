package api

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/blob"
	"styk/intake"
	"styk/staff"
	"styk/store"
)

// What is noted of work on files.
const (
	actionFile   = "file.read"
	actionUpload = "file.added"
	actionWrite  = "file.written"
)

var fileOperations = []operation{
	{id: "listCustomerFiles", method: "GET", path: "/customers/{id}/files", rights: []staff.Right{staff.SeeCustomers}, tag: "files",
		says: words{"Файлы клиента", "Files of a customer"}, answer: all[fileRow]{}, handle: (*call).listFiles},
	{id: "addCustomerFile", method: "POST", path: "/customers/{id}/files", rights: []staff.Right{staff.ChangeCustomers}, tag: "files",
		says: words{"Добавить клиенту файл: тело запроса — его байты", "Add a file to a customer: the body is its bytes"},
		query: []param{
			{name: "name", kind: "string", text: "Its file name.", eg: "договор.pdf"},
			{name: "title", kind: "string", text: "Its title; without one, the file name.", eg: "договор"},
		}, bytes: true, answer: fileRow{}, status: http.StatusCreated, once: true, handle: (*call).addFile},
	{id: "getFile", method: "GET", path: "/files/{id}", rights: []staff.Right{staff.SeeTickets, staff.SeeCustomers}, tag: "files",
		says: words{"Что известно о файле", "What is known of a file"}, answer: file{}, handle: (*call).getFile},
	{id: "readFile", method: "GET", path: "/files/{id}/content", rights: []staff.Right{staff.SeeTickets, staff.SeeCustomers}, tag: "files",
		says:  words{"Скачать файл", "Download a file"},
		query: []param{{name: "version", kind: "integer", text: "An earlier state; without it, the present one.", eg: "1"}}, answer: fileBytes{},
		handle: (*call).readFile},
	{id: "writeFile", method: "PUT", path: "/files/{id}/content", rights: []staff.Right{staff.ChangeTickets, staff.ChangeCustomers}, tag: "files",
		says:  words{"Заменить байты файла настоящими", "Overwrite a file"},
		about: "The type by content must stay the same; the name stays, the old bytes stay as an earlier version.",
		bytes: true, answer: file{}, handle: (*call).writeFile},
}

type fileRow struct {
	ID          styk.ID   `json:"id" eg:"51"`
	Title       string    `json:"title" eg:"договор"`
	Name        string    `json:"name" doc:"The real file name, or the address of a link." eg:"договор.pdf"`
	Path        string    `json:"path" doc:"Below the site's root; empty for a link." eg:"storage/2026/November/week3/0123456789abcdef0123456789abcdef.pdf"`
	Type        string    `json:"type" eg:"application/pdf"`
	Size        int64     `json:"size" doc:"Bytes." eg:"48213"`
	Sum         string    `json:"sha256"`
	Version     int64     `json:"version" eg:"2"`
	Placeholder bool      `json:"placeholder" doc:"It waits for the real file."`
	External    bool      `json:"external" doc:"It is a link to elsewhere."`
	Created     time.Time `json:"created"`
	Modified    time.Time `json:"modified"`
}

func showFileRow(d *styk.Document) fileRow {
	return fileRow{d.ID, d.Title, d.FileName, d.Path, d.Type, d.Size, d.Sum, d.Version, d.Placeholder, d.External, d.Created, d.Modified}
}

type file struct {
	fileRow
	Versions []fileVersion `json:"versions" doc:"First to last."`
}

type fileVersion struct {
	Number  int64     `json:"number" eg:"1"`
	Size    int64     `json:"size" eg:"120"`
	Sum     string    `json:"sha256"`
	Type    string    `json:"type" eg:"application/pdf"`
	Created time.Time `json:"created"`
	User    styk.ID   `json:"user,omitempty"`
	Origin  string    `json:"origin" eg:"put"`
}

func (c *call) listFiles() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	var list []*styk.Document
	err = c.view(func(tx *store.Tx) (err error) {
		if err := tx.Load(contactOf(id)); err != nil {
			return err
		}
		list, err = tx.DocumentsOf(id)
		return err
	})
	return allOf(list, showFileRow), err
}

func (c *call) addFile() (any, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, err
	}
	name := blob.CleanName(c.query["name"])
	if c.query["name"] == "" {
		return nil, styk.FieldError(styk.Missing, "name", "required", "Нужно имя файла: ?name=договор.pdf")
	}
	title := c.query["title"]
	if title == "" {
		title = name
	}
	err = c.view(func(tx *store.Tx) error { return tx.Load(contactOf(id)) })
	if err != nil {
		return nil, err
	}
	info, err := c.s.Intake.Keep(c, name, c.r.Body)
	if err != nil {
		return nil, err
	}
	d := &styk.Document{}
	err = c.change(actionUpload, id, func(tx *store.Tx) error {
		number, err := c.once(tx, name+"\n"+title+"\n"+info.Sum, func() (styk.ID, error) {
			fresh := &styk.Document{Title: title}
			fresh.Owner, fresh.Source = c.key.User, "API"
			if err := c.s.Intake.AddDocument(tx, c.by(), fresh, intake.Upload{FileName: name, Info: info}, id); err != nil {
				return 0, err
			}
			return fresh.ID, nil
		})
		if err != nil {
			return err
		}
		*d = styk.Document{}
		d.ID = number
		return tx.Load(d)
	})
	if err != nil {
		return nil, err
	}
	return showFileRow(d), c.s.Intake.PlaceDocuments(c, d)
}

// document loads the file in the address as it is now, also on disk.
func (c *call) document() (*styk.Document, []store.Version, error) {
	id, err := c.id("id")
	if err != nil {
		return nil, nil, err
	}
	d := &styk.Document{}
	err = c.view(func(tx *store.Tx) error {
		d.ID = id
		return tx.Load(d)
	})
	if err == nil && d.Path != "" {
		d, err = c.s.Intake.Document(c, d.Path)
	}
	if err != nil {
		return nil, nil, err
	}
	var versions []store.Version
	err = c.view(func(tx *store.Tx) (err error) {
		versions, err = tx.Versions(id)
		return err
	})
	return d, versions, err
}

func (c *call) getFile() (any, error) {
	d, versions, err := c.document()
	if err != nil {
		return nil, err
	}
	shown := file{showFileRow(d), []fileVersion{}}
	for _, v := range versions {
		shown.Versions = append(shown.Versions, fileVersion{v.Number, v.Size, v.Sum, v.Type, v.Created, v.CreatedBy, v.Origin})
	}
	return shown, nil
}

// readFile gives the bytes, never as something that a browser would show.
func (c *call) readFile() (any, error) {
	d, versions, err := c.document()
	if err != nil {
		return nil, err
	}
	sum := d.Sum
	if want := int64(c.query.id("version")); want != 0 {
		sum = ""
		for _, v := range versions {
			if v.Number == want {
				sum = v.Sum
			}
		}
	}
	if d.External || sum == "" {
		return nil, styk.Failed(styk.NotFound, "Таких байтов здесь нет")
	}
	if err := c.refuseFound(d.ID, sum, versions); err != nil {
		return nil, err
	}
	f, size, err := c.s.Blobs.Open(c, sum)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, styk.Failed(styk.NotFound, "Таких байтов здесь нет")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := c.note(actionFile, d.ID, 0); err != nil {
		return nil, err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", attachment(d.FileName))
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("ETag", `"`+sum+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	c.written = true
	http.ServeContent(c.w, c.r, "", d.Modified, f)
	return nil, nil //nolint:nilnil // the bytes are the answer
}

// refuseFound holds back the first bytes of a document in which a check found
// something; a later version is another file.
func (c *call) refuseFound(id styk.ID, sum string, versions []store.Version) error {
	return c.view(func(tx *store.Tx) error {
		found, err := tx.Refused(id)
		if err != nil || found == "" || len(versions) == 0 || versions[0].Sum != sum {
			return err
		}
		return styk.Failed(styk.Forbidden, "Файл не прошёл проверку («"+found+"»), поэтому не выдаётся")
	})
}

// attachment words the header that makes a program save a file under its name.
func attachment(name string) string {
	name = blob.CleanName(name)
	if header := mime.FormatMediaType("attachment", map[string]string{"filename": name}); header != "" {
		return header
	}
	return `attachment; filename="` + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, name) + `"`
}

func (c *call) writeFile() (any, error) {
	d, _, err := c.document()
	if err != nil {
		return nil, err
	}
	if d.Path == "" {
		return nil, styk.Failed(styk.Conflict, "Это ссылка, а не файл: заменять нечего")
	}
	if _, err := c.s.Intake.Overwrite(c, c.by(), d.Path, c.r.Body); err != nil {
		return nil, err
	}
	if err := c.note(actionWrite, d.ID, 0); err != nil {
		return nil, err
	}
	return c.getFile()
}
