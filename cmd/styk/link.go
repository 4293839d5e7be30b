package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/blob"
	"styk/store"
	"styk/web"
)

// linkFolder is where files lie that a link in a CRM points to.
const linkFolder = "/d/"

// oldSecret names a document in a link as earlier releases gave it out: one for
// all deliveries. Such links work on.
func (h *house) oldSecret(id styk.ID) string {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(id))
	seal := hmac.New(sha256.New, h.key)
	seal.Write([]byte("styk file link"))
	seal.Write(number[:])
	return strconv.FormatInt(int64(id), 36) + "-" + base64.RawURLEncoding.EncodeToString(seal.Sum(nil)[:18])
}

// findLink gives the link that a secret names; styk.NotFound when it is none of
// ours.
func (h *house) findLink(tx *store.Tx, secret string) (*store.FileLink, error) {
	number, _, _ := strings.Cut(secret, "-")
	id, err := strconv.ParseInt(number, 36, 64)
	if err == nil && id > 0 && hmac.Equal([]byte(h.oldSecret(styk.ID(id))), []byte(secret)) {
		return tx.OldLink(styk.ID(id))
	}
	return tx.LinkBySecret(secret)
}

// errLinkEnded: the secret is right, but the link leads nowhere any more.
var errLinkEnded = errors.New("the link has ended")

// serveLink gives a file by its secret link: to be saved, never to be opened by
// the browser as a page of ours.
func (h *house) serveLink(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		sayPlain(w, http.StatusMethodNotAllowed, "только чтение")
		return
	}
	d, err := h.linked(r)
	if err == nil {
		err = h.sendFile(w, r, d)
	}
	switch {
	case err == nil:
	case errors.Is(err, errLinkEnded):
		web.SayOfLink(w, r, http.StatusGone)
	case styk.CodeOf(err) == styk.NotFound:
		web.SayOfLink(w, r, http.StatusNotFound)
	default:
		h.log.Error("file by link", "err", err)
		web.SayOfLink(w, r, http.StatusInternalServerError)
	}
}

func (h *house) linked(r *http.Request) (*styk.Document, error) {
	d := &styk.Document{}
	err := h.db.View(r.Context(), func(tx *store.Tx) error {
		l, err := h.findLink(tx, strings.TrimPrefix(r.URL.Path, linkFolder))
		if err != nil {
			return err
		}
		if !l.Opens(tx.Now()) {
			return errLinkEnded
		}
		*d = styk.Document{Entity: styk.Entity{ID: l.Document}}
		return tx.Load(d)
	})
	if err != nil {
		return nil, err
	}
	if d.External || d.Sum == "" {
		return nil, styk.Failed(styk.NotFound, "no bytes")
	}
	if d.Path != "" {
		if d, err = h.intake.Document(r.Context(), d.Path); err != nil {
			return nil, err
		}
	}
	found := ""
	err = h.db.View(r.Context(), func(tx *store.Tx) (err error) { found, err = tx.Withheld(d); return err })
	if err == nil && found != "" {
		err = errLinkEnded
	}
	return d, err
}

func (h *house) sendFile(w http.ResponseWriter, r *http.Request, d *styk.Document) error {
	f, _, err := h.blobs.Open(r.Context(), d.Sum)
	if err != nil {
		return err
	}
	defer f.Close()
	head := w.Header()
	head.Set("Content-Type", "application/octet-stream")
	head.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": blob.CleanName(d.FileName)}))
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "private, no-store")
	http.ServeContent(w, r, "", d.Modified, f)
	return nil
}
