package vtiger

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"slices"
	"strings"
)

// Query runs one VTQL text and gives at most the rows of one page: the server
// cuts off at 100 without a word, see Each (spec/vtiger.md 3.5).
func (c *Client) Query(ctx context.Context, vtql string) ([]Record, error) {
	result, err := c.Call(ctx, OpQuery, map[string]string{"query": vtql})
	if err != nil {
		return nil, err
	}
	return c.records(OpQuery, result)
}

// Each visits every record of a module in the order of its ids, page by page,
// so that records made or deleted meanwhile shift nothing. No columns means
// all; id always comes along. Where is the text of a VTQL condition without the
// word where, "" for all. The first error ends it.
func (c *Client) Each(ctx context.Context, module string, columns []string, where string, visit func(Record) error) error {
	page, err := newPager(module, columns, where)
	if err != nil {
		return err
	}
	for {
		records, err := c.Query(ctx, page.query())
		if err != nil {
			return err
		}
		if len(records) == 0 {
			return nil
		}
		for _, record := range records {
			if err := visit(record); err != nil {
				return err
			}
		}
		if err := page.advance(records[len(records)-1].ID()); err != nil {
			return err
		}
	}
}

// pager makes the queries of Each. Stock has no parentheses, so the condition
// on id joins each branch of an or.
type pager struct {
	pattern  Select
	branches []Expr // of the caller's where
	after    WSID
}

func newPager(module string, columns []string, where string) (*pager, error) {
	text := "select * from " + module
	if where != "" {
		text += " where " + where
	}
	pattern, err := parseVTQL(text)
	if err != nil {
		return nil, err
	}
	p := &pager{pattern: *pattern}
	if len(columns) > 0 {
		p.pattern.All, p.pattern.Columns = false, columns
		if !slices.Contains(columns, "id") {
			p.pattern.Columns = append([]string{"id"}, columns...)
		}
	}
	p.pattern.OrderBy = []string{"id"}
	p.pattern.Limit = Limit{Count: pageRows, Set: true}
	if logic, ok := pattern.Where.(*Logic); ok && logic.Or {
		p.branches = logic.Terms
	} else if pattern.Where != nil {
		p.branches = []Expr{pattern.Where}
	}
	for _, branch := range p.branches {
		if err := plainBranch(branch); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// plainBranch refuses what stock cannot read: an or below an and, our own
// operators, and the empty text, at which its lexer dies.
func plainBranch(branch Expr) error {
	if logic, ok := branch.(*Logic); ok {
		for _, term := range logic.Terms {
			if _, nested := term.(*Logic); nested {
				return queryError(ruleSyntax, "Vtiger knows no parentheses around conditions")
			}
		}
	}
	var err error
	Tests(branch, func(t *Test) {
		switch t.Op {
		case OpIsNull, OpIsNotNull, OpNotIn, OpNotLike:
			err = queryError(ruleSyntax, "Vtiger does not know the operator "+string(t.Op))
		}
		for _, value := range t.Values {
			if value == "" {
				err = queryError(ruleSyntax, "Vtiger cannot read an empty text in a query")
			}
		}
	})
	return err
}

func (p *pager) query() string {
	query := p.pattern
	if p.after.IsZero() {
		return query.String()
	}
	next := &Test{Column: "id", Op: OpGreater, Values: []string{p.after.String()}}
	if len(p.branches) == 0 {
		query.Where = next
		return query.String()
	}
	terms := make([]Expr, len(p.branches))
	for i, branch := range p.branches {
		parts := []Expr{branch}
		if logic, ok := branch.(*Logic); ok {
			parts = logic.Terms
		}
		terms[i] = &Logic{Terms: append(parts[:len(parts):len(parts)], next)}
	}
	if query.Where = terms[0]; len(terms) > 1 {
		query.Where = &Logic{Or: true, Terms: terms}
	}
	return query.String()
}

// advance goes behind the last id of a page. A server that does not keep the
// order would lead in a circle.
func (p *pager) advance(last WSID) error {
	if last.Entity == 0 || last.Record <= p.after.Record {
		return &AnswerError{Operation: OpQuery, Text: "the page is not in the order of ids"}
	}
	p.after = last
	return nil
}

// Retrieve reads one record. A record that does not exist comes as
// CodeAccessDenied in stock (spec/vtiger.md 1.7).
func (c *Client) Retrieve(ctx context.Context, id WSID) (Record, error) {
	return c.callRecord(ctx, OpRetrieve, map[string]string{"id": id.String()})
}

// Create makes a record and gives it as stored.
func (c *Client) Create(ctx context.Context, module string, fields Fields) (Record, error) {
	return c.callRecord(ctx, OpCreate, map[string]string{"elementType": module, "element": encodeElement(fields)})
}

// Revise changes the given fields only and gives the record as stored. There is
// no update: it blanks what is not sent (spec/vtiger.md 10.5).
func (c *Client) Revise(ctx context.Context, id WSID, fields Fields) (Record, error) {
	element := append(Fields{{Name: "id", Text: id.String()}}, fields...)
	return c.callRecord(ctx, OpRevise, map[string]string{"element": encodeElement(element)})
}

// RetrieveRelated reads what hangs on a record, at most 100 (spec/vtiger.md 3.1).
func (c *Client) RetrieveRelated(ctx context.Context, id WSID, relatedType, relatedLabel string) ([]Record, error) {
	result, err := c.Call(ctx, OpRetrieveRelated, map[string]string{"id": id.String(), "relatedType": relatedType, "relatedLabel": relatedLabel})
	if err != nil {
		return nil, err
	}
	return c.records(OpRetrieveRelated, result)
}

// AddRelated links two records. Success proves nothing: look with
// RetrieveRelated (spec/vtiger.md 10.10).
func (c *Client) AddRelated(ctx context.Context, source, related WSID, relationLabel string) error {
	_, err := c.Call(ctx, OpAddRelated, map[string]string{
		"sourceRecordId": source.String(), "relatedRecordId": related.String(), "relationIdLabel": relationLabel,
	})
	return err
}

func (c *Client) callRecord(ctx context.Context, operation string, params map[string]string) (Record, error) {
	result, err := c.Call(ctx, operation, params)
	if err != nil {
		return nil, err
	}
	return c.record(operation, result)
}

// Types are the modules that the user may see.
type Types struct {
	Names       []string            `json:"types"`
	Information map[string]TypeInfo `json:"information"`
}

// TypeInfo is a module's name for people.
type TypeInfo struct {
	IsEntity bool
	Label    string
	Singular string
}

// ListTypes asks for the modules.
func (c *Client) ListTypes(ctx context.Context) (Types, error) {
	var types Types
	err := c.callInto(ctx, OpListTypes, nil, &types)
	return types, err
}

// Module is what describe tells of a module (spec/vtiger.md 3.4).
type Module struct {
	Name, Label string
	Fields      []ModuleField
	IDPrefix    string
	LabelFields string
}

// ModuleField is one field of a Module.
type ModuleField struct {
	Name, Label string
	Mandatory   bool
	Nullable    bool
	Editable    bool
	Default     json.RawMessage
	Type        FieldType
}

// FieldType is a field's kind and what belongs to that kind.
type FieldType struct {
	Name           string
	RefersTo       []string
	Format         string
	PicklistValues []struct{ Label, Value string }
}

// Describe asks for a module's fields and the prefix of its ids.
func (c *Client) Describe(ctx context.Context, module string) (Module, error) {
	var m Module
	err := c.callInto(ctx, OpDescribe, map[string]string{"elementType": module}, &m)
	return m, err
}

func (c *Client) callInto(ctx context.Context, operation string, params map[string]string, into any) error {
	result, err := c.Call(ctx, operation, params)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(result, into); err != nil {
		return &AnswerError{Operation: operation, Text: "the result has another shape than expected"}
	}
	return nil
}

// Upload is a document to be made with its file.
type Upload struct {
	FileName string
	Size     int64 // bytes; 0 when not known
	// Open gives the bytes; it is called again when the session was dead.
	Open func() (io.ReadCloser, error)
	// Fields of the document. notes_title (by default the file name),
	// assigned_user_id and perhaps folderid are the caller's.
	Fields Fields
}

// CreateDocument makes a record of Documents with a file inside
// (spec/vtiger.md 3.6).
func (c *Client) CreateDocument(ctx context.Context, up Upload) (Record, error) {
	fields := append(Fields{{Name: "filelocationtype", Text: "I"}, {Name: "filestatus", Text: "1"}}, up.Fields...)
	if _, titled := fields.Text("notes_title"); !titled {
		fields = append(fields, Field{Name: "notes_title", Text: up.FileName})
	}
	result, err := c.inSession(ctx, func(session string) (json.RawMessage, error) {
		return c.sendFile(ctx, OpCreate, "filename", up, [][2]string{
			{"operation", OpCreate}, {"sessionName", session}, {"elementType", ModuleDocuments}, {"element", encodeElement(fields)},
		})
	})
	if err != nil {
		return nil, err
	}
	return c.record(OpCreate, result)
}

// fileNames are written as browsers write them.
var fileNames = strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")

// sendFile posts a multipart form whose last part, of the given name, is the
// file, as a stream.
func (c *Client) sendFile(ctx context.Context, operation, part string, up Upload, params [][2]string) (json.RawMessage, error) {
	file, err := up.Open()
	if err != nil {
		return nil, fmt.Errorf("open the file to upload: %w", err)
	}
	defer file.Close()
	var head strings.Builder
	form := multipart.NewWriter(&head)
	for _, param := range params {
		if err := form.WriteField(param[0], param[1]); err != nil {
			return nil, err
		}
	}
	head.WriteString("\r\n--" + form.Boundary() + "\r\nContent-Disposition: form-data; name=\"" + part + "\"; filename=\"" +
		fileNames.Replace(up.FileName) + "\"\r\nContent-Type: application/octet-stream\r\n\r\n")
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	length := int64(-1)
	if up.Size > 0 {
		length = int64(head.Len()) + up.Size + int64(len(tail))
	}
	body := io.MultiReader(strings.NewReader(head.String()), file, strings.NewReader(tail))
	return c.do(ctx, operation, "POST", "", form.FormDataContentType(), body, length)
}

// File is a stored file with its bytes.
type File struct {
	ID, Name, Type string
	Contents       []byte
}

// FileContents reads the files of an attachment id, as imageattachmentids of a
// document gives it. Stock 8.0–8.3 answers HTTP 500 (spec/vtiger.md 3.1).
func (c *Client) FileContents(ctx context.Context, attachment WSID) ([]File, error) {
	var wire []struct {
		FileID       json.RawMessage
		FileName     string
		FileType     string
		FileContents []byte // base64
	}
	if err := c.callInto(ctx, OpFilesRetrieve, map[string]string{"id": attachment.String()}, &wire); err != nil {
		return nil, err
	}
	files := make([]File, len(wire))
	for i, f := range wire {
		files[i] = File{ID: scalarText(f.FileID), Name: f.FileName, Type: f.FileType, Contents: f.FileContents}
	}
	return files, nil
}
