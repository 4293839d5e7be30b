package vtiger

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"styk"
	"styk/store"
)

// serveStorage reads and overwrites stored files: GET, HEAD and PUT of
// /storage/… below any prefix, with the session as a bearer. A session in the
// query is not taken: it would lie in the logs of proxies (contract 9).
func (s *Server) serveStorage(w http.ResponseWriter, r *http.Request) {
	err := s.storage(w, r)
	if err == nil {
		return
	}
	status, body := s.storageFailure(r, err)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="styk"`)
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// errMethod: a method that stored files do not know.
var errMethod = errors.New("method")

func (s *Server) storage(w http.ResponseWriter, r *http.Request) error {
	path := r.URL.Path[strings.Index(r.URL.Path, "/storage/")+1:]
	c := &call{Context: r.Context(), s: s, request: r, remote: s.Remote(r), op: operation{name: OpPutFile}}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		c.op.name = OpGetFilesList
	case http.MethodPut:
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT")
		return errMethod
	}
	if err := c.bearer(); err != nil {
		return err
	}
	if r.Method == http.MethodPut {
		return s.putStorage(w, c, path)
	}
	return s.getStorage(w, c, path)
}

// bearer authenticates by Authorization: Bearer SESSION.
func (c *call) bearer() (err error) {
	scheme, id, _ := strings.Cut(c.request.Header.Get("Authorization"), " ")
	if id = strings.TrimSpace(id); !strings.EqualFold(scheme, "Bearer") || id == "" {
		return &wireError{CodeAuthenticationRequired, MsgAuthenticationRequired + ": send the header Authorization: Bearer SESSION"}
	}
	if c.user, err = c.s.resume(c, id); err != nil {
		return err
	}
	c.session = id
	if err := c.allowed(); err != nil {
		return err
	}
	return c.mayUse(ModuleDocuments)
}

func (s *Server) putStorage(w http.ResponseWriter, c *call, path string) error {
	if c.request.ContentLength > s.Limits.File {
		return styk.FieldError(styk.TooLarge, "file", "max_bytes", "the file is larger than "+strconv.FormatInt(s.Limits.File, 10)+" bytes")
	}
	by := store.By{User: c.user.ID, Origin: "put"}
	d, err := s.Intake.Overwrite(c, by, path, http.MaxBytesReader(w, c.request.Body, s.Limits.File+1))
	if err != nil {
		return err
	}
	w.Header().Set("ETag", `"`+d.Sum+`"`)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) getStorage(w http.ResponseWriter, c *call, path string) error {
	d, err := s.Intake.Document(c, path)
	if err != nil {
		return err
	}
	f, err := s.Intake.OpenDocument(c, d)
	if err != nil {
		return err
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", d.Type)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.FileName}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+d.Sum+`"`)
	http.ServeContent(w, c.request, "", d.Modified.Truncate(time.Second), f)
	return nil
}

// storageFailure gives status and body of what went wrong with a stored file.
func (s *Server) storageFailure(r *http.Request, err error) (status int, body []byte) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = styk.FieldError(styk.TooLarge, "file", "max_bytes", "the file is larger than "+strconv.FormatInt(s.Limits.File, 10)+" bytes")
	}
	if errors.Is(err, errMethod) {
		return http.StatusMethodNotAllowed, appendFailure(nil, CodeNotSupported, "use GET, HEAD or PUT", nil)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return http.StatusBadRequest, appendFailure(nil, CodeInvalidValue, "the body ended before its announced length: nothing was changed", nil)
	}
	c := &call{Context: r.Context(), s: s, op: operation{name: "storage"}}
	body, code := c.failure(err)
	switch {
	case code == CodeAuthenticationRequired, code == CodeInvalidSession:
		return http.StatusUnauthorized, body
	case code == CodeAccessDenied:
		return http.StatusForbidden, body
	case code == CodeInternal:
		return http.StatusInternalServerError, body
	}
	switch styk.CodeOf(err) {
	case styk.NotFound:
		return http.StatusNotFound, body
	case styk.TooLarge:
		return http.StatusRequestEntityTooLarge, body
	case styk.Full:
		return http.StatusInsufficientStorage, body
	case styk.Invalid:
		return http.StatusUnsupportedMediaType, body
	}
	return http.StatusBadRequest, body
}
