package creatio

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// simFile is one file as it grows by chunks. Only size and hash are kept.
type simFile struct {
	entity, parent, name string
	total, size          int64
	chunks               int
	running              hash.Hash
	sum                  []byte
	complete             bool
}

// simMaxFile is the shipped MaxFileSize, 10 MB (2.7).
const simMaxFile = 10 << 20

var simParents = map[string][2]string{ // entity -> parentColumnName, entity of the parent
	"CaseFile":          {"Case", "Case"},
	"FeedFile":          {"SocialMessage", "SocialMessage"},
	"PortalMessageFile": {"PortalMessage", "PortalMessage"},
}

// simChunk is one upload request taken apart.
type simChunk struct {
	id, entity, parent, name string
	from, to, total          int64
	data                     []byte
}

// serveUpload is way A of 2.7. A refusal is a 200 too.
func (s *Sim) serveUpload(w *simAnswer, r *http.Request) {
	position := ""
	if f := s.faultFor("file", ""); f != nil {
		position = f.Value
	}
	if position == "no-api" {
		w.note = "no FileApiService"
		w.WriteHeader(http.StatusNotFound)
		return
	}
	c, err := readChunk(r)
	if err != nil {
		s.offend(w, http.StatusBadRequest, "upload: %v", err)
		return
	}
	s.mu.Lock()
	denied := s.position("permission", "") == c.entity
	s.mu.Unlock()
	switch {
	case denied:
		refuseFile(w, "SecurityException", "Current user does not have permissions for object "+c.entity)
		return
	case position == "too-large" || c.total > simMaxFile:
		refuseFile(w, "MaxFileSizeExceededException", "File size exceeds the maximum of 10 MB")
		return
	case position == "type-denied":
		refuseFile(w, "", "Files of this type are not allowed")
		return
	}
	s.mu.Lock()
	err = s.storeChunk(c)
	dropped := false
	if f := s.files[c.id]; err == nil && strings.HasPrefix(position, "drop-at-chunk") {
		n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(position, "drop-at-chunk")))
		dropped = f.chunks == max(n, 1)
		if dropped {
			delete(s.faults, "file")
		}
	}
	s.mu.Unlock()
	switch {
	case err != nil:
		w.note = err.Error()
		refuseFile(w, "ItemNotFoundException", err.Error())
		s.remember(err.Error())
	case dropped:
		panic(http.ErrAbortHandler)
	case position == "200-empty":
		w.WriteHeader(http.StatusOK)
	case s.cutOff(w, r):
	default:
		writeSim(w, http.StatusOK, map[string]any{"success": true, "errorInfo": nil})
	}
}

func (s *Sim) remember(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, "upload: "+text)
}

func refuseFile(w *simAnswer, code, text string) {
	w.note = text
	writeSim(w, http.StatusOK, map[string]any{
		"success":        false,
		"errorInfo":      map[string]any{"errorCode": code, "message": text},
		"responseStatus": map[string]any{"ErrorCode": code, "Message": text},
	})
}

// readChunk checks every parameter and header of 2.7.
func readChunk(r *http.Request) (simChunk, error) {
	var c simChunk
	q, err := queryOf(r)
	if err != nil {
		return c, err
	}
	for name := range q {
		switch name {
		case "fileId", "totalFileLength", "mimeType", "fileName", "columnName", "entitySchemaName", "parentColumnName",
			"parentColumnValue", "fileTypeId", "parentEntitySchemaName", "AdditionalParams":
		default:
			return c, fmt.Errorf("parameter %s: not in the spec", name)
		}
	}
	c.id, c.entity, c.parent, c.name = strings.ToLower(q.Get("fileId")), q.Get("entitySchemaName"), strings.ToLower(q.Get("parentColumnValue")), q.Get("fileName")
	if c.total, err = strconv.ParseInt(q.Get("totalFileLength"), 10, 64); err != nil {
		return c, fmt.Errorf("totalFileLength: %w", err)
	}
	_, badID := uuid.Parse(c.id)
	parent, known := simParents[c.entity]
	switch {
	case badID != nil, !known, q.Get("parentColumnName") != parent[0], q.Get("columnName") != "Data", q.Get("mimeType") == "":
		return c, fmt.Errorf("fileId, columnName, mimeType, entitySchemaName or parentColumnName is wrong")
	case c.name == "" || !utf8.ValidString(c.name) || utf8.RuneCountInString(c.name) > 250 || strings.ContainsAny(c.name, "/\\\x00\r\n"):
		return c, fmt.Errorf("fileName %q", c.name)
	}
	return c, c.readBody(r)
}

// readBody takes raw bytes with a Content-Range, or multipart without one.
func (c *simChunk) readBody(r *http.Request) error {
	span := r.Header.Get("Content-Range")
	if span == "" {
		f, _, err := r.FormFile("files")
		if err != nil {
			return fmt.Errorf("without Content-Range: %w", err)
		}
		c.data, err = io.ReadAll(f)
		c.to = int64(len(c.data)) - 1
		if c.total != int64(len(c.data)) {
			return fmt.Errorf("totalFileLength %d, bytes %d", c.total, len(c.data))
		}
		return err
	}
	var total int64
	if _, err := fmt.Sscanf(span, "bytes %d-%d/%d", &c.from, &c.to, &total); err != nil || total != c.total {
		return fmt.Errorf("Content-Range %q does not fit totalFileLength", span)
	}
	if err := checkDisposition(r.Header.Get("Content-Disposition")); err != nil {
		return err
	}
	if r.Header.Get("Content-Type") == "" {
		return fmt.Errorf("Content-Type is missing")
	}
	var err error
	c.data, err = io.ReadAll(io.LimitReader(r.Body, 1<<20+1)) // chunks of 512 KiB to 1 MiB
	switch {
	case err != nil:
		return err
	case len(c.data) > 1<<20:
		return fmt.Errorf("chunk is longer than 1 MiB")
	case int64(len(c.data)) != c.to-c.from+1:
		return fmt.Errorf("Content-Range %q, body of %d bytes", span, len(c.data))
	}
	return nil
}

// checkDisposition: ASCII or RFC 5987 only in this header (2.7).
func checkDisposition(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool { return r > 126 || r < 32 }) {
		return fmt.Errorf("Content-Disposition is not ASCII")
	}
	kind, params, err := mime.ParseMediaType(text)
	if err != nil || kind != "attachment" || params["filename"] == "" {
		return fmt.Errorf("Content-Disposition %q", text)
	}
	return nil
}

// storeChunk: strictly in order; a range from 0 begins the same file anew.
func (s *Sim) storeChunk(c simChunk) error {
	parent := simParents[c.entity]
	if s.tables[parent[1]].byID[c.parent] == nil {
		return fmt.Errorf("parent %s %s does not exist", parent[1], c.parent)
	}
	f := s.files[c.id]
	if c.from == 0 {
		f = &simFile{entity: c.entity, parent: c.parent, name: c.name, total: c.total, running: sha256.New()}
		s.files[c.id] = f
	}
	if f == nil || f.complete || f.size != c.from || f.parent != c.parent || f.total != c.total {
		return fmt.Errorf("chunk from %d is out of order", c.from)
	}
	_, _ = f.running.Write(c.data)
	f.size += int64(len(c.data))
	f.chunks++
	f.complete = f.size == f.total
	f.sum = f.running.Sum(nil)
	t := s.tables[c.entity]
	row := t.byID[c.id]
	if row == nil {
		now := s.now()
		row = simRow{"Id": c.id, parent[0] + "Id": c.parent, "CreatedOn": now, "TypeId": "529bc2f8-0ee0-df11-971b-001d60e938c6"}
		t.add(row)
	}
	row["Name"], row["Size"], row["ModifiedOn"] = c.name, f.size, s.now()
	if f.complete {
		f.running = nil
	}
	return nil
}
