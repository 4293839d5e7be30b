package vtiger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode"

	"styk/connect"
)

// sortFiles decides which files go through the web form and which by a link.
func (j *job) sortFiles() {
	mode := j.t.set.Text("files")
	if mode == "auto" {
		mode = filesLink
		if j.t.set.Text("publicid") != "" {
			mode = filesCapture
		}
	}
	parts := len(j.t.set.List("file_parts"))
	for _, f := range j.ticket.Files {
		switch {
		case mode == filesLink && f.URL == "":
			j.p.Warn("Файл не передан: на него нет ссылки.")
		case mode == filesLink, f.URL != "" && (len(j.sent) == parts || f.Size > j.t.set.Size("max_file")):
			j.links = append(j.links, f)
		case len(j.sent) == parts:
			j.p.Warn("Файл не передан: в веб-форме CRM только %d файловых поля, а ссылки на файл нет.", parts)
		default:
			j.sent = append(j.sent, f)
		}
	}
}

// code is what opens this ticket's files, with the ИНН: the form's own when it
// has one, else twelve digits that nobody can guess.
func (j *job) code() string {
	if own := j.mapped(ofContact)["code"]; own != "" {
		return own
	}
	return codeOf(j.p.UUID("code"))
}

func codeOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return fmt.Sprintf("%012d", binary.BigEndian.Uint64(sum[:])%1_000_000_000_000)
}

// register posts the web form with placeholders under the files' real names, as
// the seed asks. Stock's form always makes a contact, so it goes before
// CreateContact, which then finds that one by its phone (spec/vtiger.md 5).
func (j *job) register(ctx context.Context, values cells) error {
	if len(j.sent) == 0 {
		return nil
	}
	if values["inn"] == "" || values["lastname"] == "" {
		return lacks(ofContact, values.lacking(ofContact))
	}
	find := func(ctx context.Context) (connect.Done, error) {
		if safe, err := j.repeatable(ctx); err != nil || safe {
			return connect.Done{}, cmp.Or(err, connect.NotFound)
		}
		_, found, err := j.c.FilesList(ctx, values["inn"], j.code())
		if err == nil && !found {
			err = connect.NotFound
		}
		return connect.Done{ID: j.p.UUID("files")}, explained(err)
	}
	_, err := j.p.Step(ctx, "files", find, func(ctx context.Context) (connect.Done, error) {
		err := j.c.Capture(ctx, j.formValues(values), j.placeholders())
		return connect.Done{ID: j.p.UUID("files")}, explained(err)
	})
	return err
}

func (j *job) formValues(values cells) [][2]string {
	out := [][2]string{{"publicid", j.t.set.Text("publicid")}, {"requestid", j.p.UUID("files")}}
	own := j.contactCells() // a stand-in only where the form cannot do without
	own["lastname"], own["inn"], own["code"] = values["lastname"], values["inn"], j.code()
	for _, name := range known[ofContact] {
		value := own[name]
		if value == "" {
			continue
		}
		if as := j.t.form[name]; as != "" {
			name = as
		}
		out = append(out, [2]string{name, value})
	}
	return out
}

func (j *job) placeholders() []FormFile {
	out := make([]FormFile, len(j.sent))
	for i, f := range j.sent {
		out[i] = FormFile{Part: j.t.set.List("file_parts")[i], Name: formFileName(f), Type: "text/plain", Content: []byte("styk: файл передаётся\n")}
		if f.MIME == mimePDF {
			out[i].Type, out[i].Content = mimePDF, []byte(emptyPDF)
		}
	}
	return out
}

const (
	mimePDF = "application/pdf"

	// emptyPDF is one blank page.
	emptyPDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)

// formFileName makes a visitor's file name fit for a form: no path, no control
// characters. The stored file's type goes by its ending, so one that lies about
// a PDF gets a neutral one.
func formFileName(f connect.File) string {
	name := strings.ToValidUTF8(f.Name, "_")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	if name == "" {
		name = "file"
	}
	ending := strings.EqualFold(path.Ext(name), ".pdf")
	switch {
	case f.MIME == mimePDF && !ending:
		name = cut(name, 200) + ".pdf"
	case f.MIME != mimePDF && ending:
		name = cut(name, 200) + ".bin"
	}
	return name
}

// sendFiles puts the real files where GetFilesList says that the placeholders
// lie. The list is in the order of the form's parts; one of another length is
// not this ticket's, and nothing is overwritten.
func (j *job) sendFiles(ctx context.Context) error {
	var list []Listed
	for i, f := range j.sent {
		_, err := j.p.Step(ctx, "file."+strconv.Itoa(i+1), connect.Repeatable, func(ctx context.Context) (connect.Done, error) {
			var err error
			if list == nil {
				if list, err = j.listed(ctx); err != nil {
					return connect.Done{}, err
				}
			}
			return connect.Done{ID: list[i].Path}, explained(j.overwrite(ctx, list[i].Path, f))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *job) listed(ctx context.Context) ([]Listed, error) {
	if j.p.DryRun { // the placeholders were not handed in
		list := make([]Listed, len(j.sent))
		for i, f := range j.sent {
			list[i].Path = "storage/dry-run/" + strconv.Itoa(i+1) + path.Ext(formFileName(f))
		}
		return list, nil
	}
	values := j.contactCells()
	values.fill(j.t.defaults[ofContact])
	list, found, err := j.c.FilesList(ctx, values["inn"], j.code())
	switch {
	case err != nil:
		return nil, explained(err)
	case !found:
		return nil, connect.Because(errors.New("the CRM does not know the files handed in"),
			"CRM не находит только что сданные файлы: веб-форма должна сохранять ИНН и СМС-код контакта. Спросим ещё раз.")
	case len(list) != len(j.sent):
		return nil, connect.Because(connect.Permanentf("%d files listed, %d handed in", len(list), len(j.sent)),
			"CRM показывает не те файлы, что были сданы: ничего не перезаписано.")
	}
	for _, f := range list {
		if !storedPath(f.Path) {
			return nil, connect.Because(connect.Permanent(errors.New("a listed path is not below storage/")),
				"CRM назвала путь вне папки storage: ничего не перезаписано.")
		}
	}
	return list, nil
}

// storedPath keeps a foreign path from leading a PUT elsewhere.
func storedPath(p string) bool {
	return strings.HasPrefix(p, "storage/") && path.Clean(p) == p && !strings.ContainsAny(p, "?#%\\")
}

func (j *job) overwrite(ctx context.Context, at string, f connect.File) error {
	up := Upload{FileName: formFileName(f), Size: f.Size, Open: func() (io.ReadCloser, error) { return f.Open(ctx) }}
	switch j.t.set.Text("overwrite") {
	case overwriteOperation:
		return j.c.PutFile(ctx, at, up)
	case overwriteFolder:
		return j.c.PutFolder(ctx, j.t.set.Text("folder_url")+"/"+at, j.t.set.Text("folder_user"), j.t.set.Text("folder_password"), up)
	}
	return j.c.PutStorage(ctx, at, up)
}
