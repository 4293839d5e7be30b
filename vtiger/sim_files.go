package vtiger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
)

// simStored is a file below storage/.
type simStored struct {
	path, name string
	data       []byte
	written    int
}

func (f *simStored) state(title string) SimFileState {
	sum := sha256.Sum256(f.data)
	return SimFileState{Path: f.path, Name: f.name, Title: title, Size: int64(len(f.data)), SHA256: hex.EncodeToString(sum[:]), Written: f.written}
}

// simBanned are extensions that get .txt behind them (6).
var simBanned = []string{".php", ".phtml", ".pl", ".cgi", ".py", ".asp", ".js", ".html", ".htm", ".exe", ".bat", ".sh", ".jsp"}

// store keeps an uploaded file under a path as the seed shows it (6).
func (c *simCall) store(doc *simRecord, header *multipart.FileHeader) {
	r, err := header.Open()
	if err != nil {
		return
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return
	}
	ext := strings.ToLower(path.Ext(header.Filename))
	if slices.Contains(simBanned, ext) {
		ext = "file.txt"
	}
	c.last++ // an attachment takes a number of the same line (6)
	f := &simStored{path: StorageFolder(c.now()) + simHex(32) + ext, name: header.Filename, data: data}
	c.files[f.path] = f
	c.order[doc.number] = append(c.order[doc.number], f)
	doc.values["filename"] = header.Filename
	doc.values["filesize"] = simItoa(len(data))
	doc.values["imageattachmentids"] = "15x" + simItoa(int(c.last))
}

// attach takes any file part of a create; the name is that of the part filename
// (3.6).
func (c *simCall) attach(doc *simRecord, req *simRequest) {
	for i, part := range req.parts {
		if part != "filename" {
			c.offendLocked("create Documents: file part %s instead of filename", part)
		}
		c.store(doc, req.files[i])
	}
}

// serveStorage plays the three ways in which a site may find the files: stock's
// denies all but images (6), ours takes PUT with the session, and a folder that
// somebody has opened takes PUT from whom it knows.
func (c *simCall) serveStorage() {
	c.operation = "storage"
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		c.page(http.StatusBadRequest, "")
		return
	}
	if c.before() {
		return
	}
	status, body := c.overwrite(strings.TrimPrefix(c.r.URL.Path, "/"), data)
	if status < 300 && c.after(nil) {
		return
	}
	c.status = status
	if body != nil {
		c.w.Header().Set("Content-Type", "application/json")
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}

func (c *simCall) overwrite(name string, data []byte) (status int, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mode := c.position("storage", c.storage)
	token, bearer := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	user, password, basic := c.r.BasicAuth()
	f := c.files[name]
	switch {
	case mode == "readonly":
		return http.StatusForbidden, nil
	case c.r.Method != http.MethodPut:
		return http.StatusMethodNotAllowed, nil
	case mode == "put" && (!bearer || !c.live(token)):
		return http.StatusUnauthorized, simFailure(CodeInvalidSession, MsgInvalidSession)
	case mode == "folder" && (!basic || user != c.user || password != c.accessKey):
		return http.StatusUnauthorized, nil
	case f == nil:
		return http.StatusNotFound, simFailure(CodeRecordNotFound, MsgRecordNotFound)
	case strings.HasSuffix(name, ".pdf") && !bytes.HasPrefix(data, []byte("%PDF-")): // the type must stay (seed 4.2)
		return http.StatusUnsupportedMediaType, simFailure(CodeInvalidValue, "the content is of another type than the file it replaces")
	}
	f.data = data
	f.written++
	return http.StatusNoContent, nil
}
