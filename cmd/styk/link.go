package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"styk"
	"styk/blob"
	"styk/store"
)

// linkFolder is where files lie that a link in a CRM points to.
const linkFolder = "/d/"

// fileSecret names a document in a link. It is made by the key file and not
// stored: a stolen database opens no file.
func (h *house) fileSecret(id styk.ID) string {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(id))
	seal := hmac.New(sha256.New, h.key)
	seal.Write([]byte("styk file link"))
	seal.Write(number[:])
	return strconv.FormatInt(int64(id), 36) + "-" + base64.RawURLEncoding.EncodeToString(seal.Sum(nil)[:18])
}

// fileOf gives the number that a secret names; false when it is none of ours.
func (h *house) fileOf(secret string) (styk.ID, bool) {
	number, _, _ := strings.Cut(secret, "-")
	n, err := strconv.ParseInt(number, 36, 64)
	if err != nil || n <= 0 {
		return 0, false
	}
	return styk.ID(n), hmac.Equal([]byte(h.fileSecret(styk.ID(n))), []byte(secret))
}

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
	case styk.CodeOf(err) == styk.NotFound:
		sayPlain(w, http.StatusNotFound, "Такого файла нет, или ссылка неполна.")
	default:
		h.log.Error("file by link", "err", err)
		sayPlain(w, http.StatusInternalServerError, "Файл сейчас не прочитать; попробуйте позже.")
	}
}

func (h *house) linked(r *http.Request) (*styk.Document, error) {
	id, ok := h.fileOf(strings.TrimPrefix(r.URL.Path, linkFolder))
	if !ok {
		return nil, styk.Failed(styk.NotFound, "no such link")
	}
	d := &styk.Document{Entity: styk.Entity{ID: id}}
	if err := h.db.View(r.Context(), func(tx *store.Tx) error { return tx.Load(d) }); err != nil {
		return nil, err
	}
	if d.External || d.Sum == "" {
		return nil, styk.Failed(styk.NotFound, "no bytes")
	}
	if d.Path == "" {
		return d, nil
	}
	return h.intake.Document(r.Context(), d.Path)
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
