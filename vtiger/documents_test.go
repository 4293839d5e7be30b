package vtiger

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"styk"
	"styk/store"
)

// upload creates a document with a file in the part filename.
func (c *caller) upload(element, name, content string, pairs ...string) string {
	c.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for field, values := range c.form(OpCreate, append(pairs, "elementType", ModuleDocuments, "element", element)) {
		ok(c.t, w.WriteField(field, values[0]))
	}
	part, err := w.CreateFormFile(filePart, name)
	ok(c.t, err)
	_, err = part.Write([]byte(content))
	ok(c.t, err)
	ok(c.t, w.Close())
	r := httptest.NewRequest(http.MethodPost, "/webservice.php", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return c.send(r)
}

// A key covers the bytes too.
func TestUploadOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, b *bench) {
		me := signedIn(t, b.Server, b.api)
		first := me.upload(`{"notes_title":"скан"}`, "скан.txt", "один", "requestid", "k")
		if again := me.upload(`{"notes_title":"скан"}`, "скан.txt", "один", "requestid", "k"); again != first {
			t.Errorf("the second answer differs:\n%s\n%s", first, again)
		}
		if other := me.upload(`{"notes_title":"скан"}`, "скан.txt", "два", "requestid", "k"); !strings.Contains(other, `"rule":"reused"`) {
			t.Errorf("other bytes under the key: %s", other)
		}
		if n := me.get(OpQuery, "query", "select count(*) from Documents"); !strings.Contains(n, `"count":"1"`) {
			t.Errorf("count %s", n)
		}
	})
}

// Only a file can be a placeholder, and only when asked for.
func TestPlaceholder(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	me := signedIn(t, b.Server, b.api)
	for _, test := range []struct {
		body string
		want bool
	}{
		{me.upload(`{"notes_title":"скан"}`, "a.txt", "x", "placeholder", "1"), true},
		{me.upload(`{"notes_title":"скан"}`, "a.txt", "x", "placeholder", "0"), false},
		{me.upload(`{"notes_title":"скан"}`, "a.txt", "x"), false},
		{me.post(OpCreate, "elementType", ModuleDocuments, "element", `{"notes_title":"скан"}`, "placeholder", "1"), false},
	} {
		id, err := ParseWSID(me.record(test.body)["id"])
		ok(t, err)
		d := &styk.Document{Entity: styk.Entity{ID: id.Record}}
		ok(t, b.db.View(t.Context(), func(tx *store.Tx) error { return tx.Load(d) }))
		if d.Placeholder != test.want {
			t.Errorf("placeholder %v, want %v: %s", d.Placeholder, test.want, test.body)
		}
	}
}

// The bytes that files_retrieve gives are those that lie on disk now.
func TestFilesRetrieveSeesTheDisk(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	me := signedIn(t, b.Server, b.api)
	d := me.record(me.upload(`{"notes_title":"скан"}`, "a.txt", "старое"))
	path := filepath.Join(b.data, filepath.FromSlash(d["path"]))
	ok(t, os.WriteFile(path, []byte("новое, другой длины"), 0o600))
	ok(t, os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)))
	body := me.get(OpFilesRetrieve, "id", d["imageattachmentids"])
	if !strings.Contains(body, `"filesize":`+strconv.Itoa(len("новое, другой длины"))+",") {
		t.Errorf("got %s", body)
	}
}

// A file too large for JSON is not sent; the answer says where it is.
func TestFilesRetrieveLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t, "sqlite")
	me := signedIn(t, b.Server, b.api)
	d := &styk.Document{Title: "фильм", Sum: strings.Repeat("a", 64), Size: maxInline + 1}
	ok(t, b.db.Update(t.Context(), func(tx *store.Tx) error { return tx.Insert(d, store.By{}) }))
	if body := me.get(OpFilesRetrieve, "id", documentsModule.wsid(d.ID)); !strings.Contains(body, "files_retrieve gives at most 20971520") {
		t.Errorf("got %s", body)
	}
}
