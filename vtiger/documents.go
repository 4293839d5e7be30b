package vtiger

import (
	"encoding/base64"
	"io"
	"strconv"
	"strings"

	"styk"
	"styk/intake"
	"styk/store"
)

// filePart is the part that carries a document's bytes (spec/vtiger.md 3.6).
const filePart = "filename"

// insertDocument makes a document of the file that came along, or of a link,
// or one without either.
func (c *call) insertDocument(tx *store.Tx, d *styk.Document, in *input) error {
	placeholder, err := c.given("placeholder")
	if err != nil {
		return err
	}
	d.Placeholder = placeholder != ""
	up, sent := c.upload()
	if !sent {
		settleLocation(d, &styk.Document{})
		d.Placeholder = false // nothing stands in for nothing
		return tx.Insert(d, c.by())
	}
	d.External = false
	return c.s.Intake.AddDocument(tx, c.by(), d, up)
}

// upload gives the file of the request: the part named filename, else the only
// one or the first.
func (c *call) upload() (intake.Upload, bool) {
	if up, ok := c.files.named(filePart); ok {
		return up, true
	}
	if all := c.files.all(); len(all) > 0 {
		return all[0], true
	}
	return intake.Upload{}, false
}

// settleLocation keeps what a document is: one with bytes does not become a
// link by a word, and its file's name stays. A link's filename is its address,
// http unless it says otherwise.
func settleLocation(d, before *styk.Document) {
	if before.Sum != "" {
		d.External, d.FileName = false, before.FileName
		return
	}
	if !d.External {
		d.FileName = ""
		return
	}
	if d.FileName != "" && !strings.Contains(d.FileName, "://") {
		d.FileName = "http://" + d.FileName
	}
}

// place writes the working copy. The document stands already: a copy that
// could not be written is written at its first reading.
func (c *call) place(d *styk.Document) {
	if err := c.s.Intake.PlaceDocuments(c, d); err != nil {
		c.s.Log.Warn("working copy not written", "op", c.op.name, "document", int64(d.ID), "err", err)
	}
}

// maxInline bounds a file inside a JSON answer, in bytes; in base64 it is a
// third longer, and it stands in memory whole.
const maxInline = 20 << 20

// filesRetrieve gives a document's bytes in base64. Its id is the one that
// stands in imageattachmentids (spec/vtiger.md 3.1).
func (c *call) filesRetrieve() (Value, error) {
	text, err := c.given("id")
	if err != nil {
		return nil, err
	}
	m, id, err := c.target(text)
	if err != nil {
		return nil, err
	}
	if m != documentsModule {
		return nil, &wireError{CodeInvalidID, MsgInvalidID}
	}
	d := &styk.Document{Entity: styk.Entity{ID: id.Record}}
	if err := c.s.DB.View(c, func(tx *store.Tx) error { return tx.Load(d) }); err != nil {
		return nil, err
	}
	if d.Path != "" { // its copy on disk may have been overwritten meanwhile
		if d, err = c.s.Intake.Document(c, d.Path); err != nil {
			return nil, err
		}
	}
	if d.Sum == "" {
		return nil, &wireError{CodeRecordNotFound, MsgRecordNotFound + ": the document has no file"}
	}
	if d.Size > maxInline {
		return nil, styk.FieldError(styk.TooLarge, "id", "max_bytes", "the file has "+strconv.FormatInt(d.Size, 10)+
			" bytes, files_retrieve gives at most "+strconv.Itoa(maxInline)+"; read it by GET /"+d.Path)
	}
	content, err := c.readAll(d)
	if err != nil {
		return nil, err
	}
	return List{Object{
		{"fileid", Text(strconv.FormatInt(int64(d.ID), 10))},
		{"filename", Text(d.FileName)},
		{"filetype", Text(d.Type)},
		{"filesize", Int(d.Size)},
		{"filecontents", Text(base64.StdEncoding.EncodeToString(content))},
	}}, nil
}

func (c *call) readAll(d *styk.Document) ([]byte, error) {
	f, err := c.s.Intake.OpenDocument(c, d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxInline+1))
}
