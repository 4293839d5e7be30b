package web

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/blob"
	"styk/store"
)

// downloadFile gives a customer's file, always to be saved and never to be
// opened by the browser as a page of ours. That it was read is noted.
func (a *admin) downloadFile(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	d, sum, err := a.findVersion(v, id)
	if err != nil {
		return err
	}
	if err := a.refuseFound(v, id, sum); err != nil {
		return err
	}
	f, size, err := a.Intake.Blobs.Open(v.r.Context(), sum)
	if errors.Is(err, blob.ErrNotFound) {
		return styk.Failed(styk.NotFound, "")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := a.Staff.Note(v.r.Context(), v.session.User.ID, actionFile, id, 0); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", attachment(d.FileName))
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	http.ServeContent(v.w, v.r, "", d.Modified, f)
	return nil
}

// refuseFound holds back the bytes in which a check found something; a later
// version of the document is another file.
func (a *admin) refuseFound(v *visit, id styk.ID, sum string) error {
	return a.DB.View(v.r.Context(), func(tx *store.Tx) error {
		found, err := tx.Refused(id)
		if err != nil || found == "" {
			return err
		}
		versions, err := tx.Versions(id)
		if err == nil && len(versions) > 0 && versions[0].Sum == sum {
			return styk.Failed(styk.Invalid, choose(v.lang, "Файл не прошёл проверку («"+found+"»), поэтому не выдаётся.",
				"The file was refused by the check (“"+found+"”), so it is not given out."))
		}
		return err
	})
}

// findVersion gives a document and the sum of the bytes that are asked for: the
// present ones, looked for on disk too, or an earlier version.
func (a *admin) findVersion(v *visit, id styk.ID) (*styk.Document, string, error) {
	d := &styk.Document{}
	d.ID = id
	want, _ := strconv.ParseInt(v.r.URL.Query().Get("version"), 10, 64)
	var versions []store.Version
	err := a.DB.View(v.r.Context(), func(tx *store.Tx) (err error) {
		if err := tx.Load(d); err != nil || want == 0 {
			return err
		}
		versions, err = tx.Versions(id)
		return err
	})
	switch {
	case err != nil:
		return nil, "", err
	case d.External:
		return nil, "", styk.Failed(styk.NotFound, "")
	case want == 0 && d.Path != "":
		now, err := a.Intake.Document(v.r.Context(), d.Path)
		if err != nil {
			return nil, "", err
		}
		return now, now.Sum, nil
	case want == 0:
		return d, d.Sum, nil
	}
	for _, version := range versions {
		if version.Number == want {
			return d, version.Sum, nil
		}
	}
	return nil, "", styk.Failed(styk.NotFound, "")
}

// attachment words the header that makes a browser save a file under its name.
func attachment(name string) string {
	name = blob.CleanName(name)
	if header := mime.FormatMediaType("attachment", map[string]string{"filename": name}); header != "" {
		return header
	}
	return `attachment; filename="` + strings.Map(plainLetter, name) + `"`
}

func plainLetter(r rune) rune {
	if r < ' ' || r > '~' || r == '"' || r == '\\' {
		return '_'
	}
	return r
}
