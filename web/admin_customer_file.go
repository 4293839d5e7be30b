package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"styk"
	"styk/blob"
)

// viewable gives the type under which a browser may show a file inside a frame:
// a picture or a PDF, nothing that can hold a script of ours; "" for others.
func viewable(d *styk.Document) string {
	if !d.External && slices.Contains([]string{"application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"}, d.Type) {
		return d.Type
	}
	return ""
}

// viewFile gives a customer's file to be looked at in a frame of the customer's
// page. It comes under its own fixed type, can start nothing, and may be framed
// by nobody else. That it was read is noted.
func (a *admin) viewFile(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	d, sum, err := a.findVersion(v, id)
	if err != nil {
		return err
	}
	kind := viewable(d)
	if kind == "" {
		return styk.Failed(styk.NotFound, "")
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
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", "inline")
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	policy := "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'"
	if kind != "application/pdf" { // browsers show no PDF in a sandbox, their viewer is one
		policy += "; sandbox"
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	http.ServeContent(v.w, v.r, "", d.Modified, f)
	return nil
}
