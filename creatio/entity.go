package creatio

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"styk/connect"
)

// statusError makes the error of an answer: its number and the one useful
// sentence.
func statusError(a answer) *connect.StatusError {
	text := reason(a.body)
	if text == "" {
		text = connect.FirstWords(a.body)
	}
	return &connect.StatusError{Status: a.status, Text: text}
}

// transient is an answer that time may mend: when, where the server says so.
func (c *Client) transient(op string, a answer) error {
	err := fmt.Errorf("%s: %w", op, statusError(a))
	wait, asked := connect.RetryAfter(a.header, c.cfg.Now())
	if a.status == http.StatusTooManyRequests || asked {
		return connect.After(wait, err)
	}
	return err
}

// refused gives an answer that is no success its meaning: 4xx will not mend
// itself, but for a data model that is being rebuilt (spec/creatio.md 2.9 shape 3).
func (c *Client) refused(op string, a answer) error {
	text := strings.ToLower(reason(a.body))
	switch {
	case a.status == http.StatusNotFound && a.isHTML():
		c.forgetPrefix()
		return fmt.Errorf("%s: the web server does not know the API's address (moved, or being deployed): %w", op, statusError(a))
	case a.status == http.StatusNotFound && routing(a.body):
		return fmt.Errorf("%s: the CRM does not know the entity now (data model being rebuilt?): %w", op, statusError(a))
	case strings.Contains(text, "casecodemask") || strings.Contains(text, "caselastnumber"):
		return connect.Permanent(fmt.Errorf("%s: the CRM's numbering of cases is not set up: %w", op, statusError(a)))
	case a.status == http.StatusTooManyRequests, a.status >= 500,
		a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly:
		return c.transient(op, a)
	}
	return connect.Permanent(fmt.Errorf("%s: %w", op, statusError(a)))
}

// List reads one page of rows.
func (n *Conn) List(ctx context.Context, entity string, q Query) ([]Row, error) {
	op := "read " + entity
	a, err := n.call(ctx, request{op: op, method: http.MethodGet, path: odataPath + entity, query: q.encode()})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, n.c.refused(op, a)
	}
	var page struct{ Value []Row }
	if err := a.jsonBody(&page); err != nil || page.Value == nil {
		return nil, fmt.Errorf("%s: %w", op, connect.ErrAnswer)
	}
	return page.Value, nil
}

// Each reads all rows, page by page of q.Top rows (0 = 500), in the order of
// q.OrderBy and then of Id, so that no row is passed over at a page's edge.
func (n *Conn) Each(ctx context.Context, entity string, q Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if q.Top == 0 {
			q.Top = 500
		}
		if q.OrderBy != "" {
			q.OrderBy += ","
		}
		q.OrderBy += "Id"
		for ; ; q.Skip += q.Top {
			rows, err := n.List(ctx, entity, q)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			if len(rows) < q.Top {
				return
			}
		}
	}
}

// Get reads one row. connect.NotFound: there is none.
func (n *Conn) Get(ctx context.Context, entity string, id uuid.UUID, columns ...string) (Row, error) {
	op := "read " + entity
	a, err := n.call(ctx, request{
		op: op, method: http.MethodGet, path: odataPath + entity + "(" + id.String() + ")",
		query: Query{Select: columns}.encode(),
	})
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusNotFound && !routing(a.body) && !a.isHTML():
		return nil, connect.NotFound
	case a.status != http.StatusOK:
		return nil, n.c.refused(op, a)
	}
	var row Row
	if err := a.jsonBody(&row); err != nil || row.GUID("Id") != id {
		return nil, fmt.Errorf("%s: %w", op, connect.ErrAnswer)
	}
	return row, nil
}

// Create writes a row under the Id in values, if there is one, and gives the
// columns asked for in back. Whatever an unlucky answer says, the row itself
// has the last word: a broken connection or a 500 may hide a row that was saved,
// a 400 may be our own earlier row (spec/creatio.md 2.2, 2.9). made is false
// when the row was there already.
func (n *Conn) Create(ctx context.Context, entity string, values map[string]any, back ...string) (row Row, made bool, err error) {
	id, own := values["Id"].(uuid.UUID)
	if own && n.c.idsOff() {
		values, own = without(values, "Id"), false
	}
	op := "create " + entity
	a, err := n.post(ctx, entity, values)
	switch {
	case err == nil && created(a):
		return rowOf(a, id), true, nil
	case err == nil:
		err = n.c.refused(op, a)
	case connect.IsPermanent(err) || errors.Is(err, connect.ErrDryRun):
		return nil, false, err // it never came to the records
	}
	if !own || ctx.Err() != nil {
		return nil, false, err
	}
	row, missing := n.Get(connect.Harmless(ctx), entity, id, back...)
	if missing == nil {
		return row, false, nil
	}
	switch {
	case !errors.Is(missing, connect.NotFound):
		return nil, false, err
	case aboutKey.MatchString(reason(a.body)): // somebody is saving the same row at this moment
		return nil, false, fmt.Errorf("%s: the id is taken, but not to be read yet: %w", op, statusError(a))
	case a.status != http.StatusBadRequest || !aboutID.MatchString(reason(a.body)):
		return nil, false, err
	}
	n.c.setIDsOff()
	if a, err = n.post(ctx, entity, without(values, "Id")); err != nil {
		return nil, false, err
	}
	if !created(a) {
		return nil, false, n.c.refused(op, a)
	}
	return rowOf(a, uuid.Nil), true, nil
}

func (n *Conn) post(ctx context.Context, entity string, values map[string]any) (answer, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return answer{}, fmt.Errorf("create %s: %w", entity, err)
	}
	return n.call(ctx, request{
		op: "create " + entity, method: http.MethodPost, path: odataPath + entity,
		header: http.Header{"Content-Type": {odataType}}, body: bytesBody(data),
	})
}

func created(a answer) bool {
	return a.status == http.StatusCreated || a.status == http.StatusOK || a.status == http.StatusNoContent
}

// rowOf gives the row of a 201. A body that is missing or cut short does not
// matter when we chose the Id; else the Location header has it.
func rowOf(a answer, id uuid.UUID) Row {
	var row Row
	if a.jsonBody(&row) != nil || row.GUID("Id") == uuid.Nil {
		if id == uuid.Nil {
			id = idOf(a.header.Get("Location"))
		}
		return Row{"Id": id.String()}
	}
	return row
}

var inBrackets = regexp.MustCompile(`\(([0-9a-fA-F-]{36})\)\s*$`)

func idOf(location string) uuid.UUID {
	if m := inBrackets.FindStringSubmatch(location); m != nil {
		if id, err := uuid.Parse(m[1]); err == nil {
			return id
		}
	}
	return uuid.Nil
}

// put replaces a stream column with the whole body.
func (n *Conn) put(ctx context.Context, entity string, id uuid.UUID, column string, b *body) error {
	op := "write " + entity + "." + column
	a, err := n.call(ctx, request{
		op: op, method: http.MethodPut, path: odataPath + entity + "(" + id.String() + ")/" + column,
		header: http.Header{"Content-Type": {"application/octet-stream; IEEE754Compatible=true"}}, body: b,
	})
	if err != nil {
		return err
	}
	if a.status != http.StatusOK && a.status != http.StatusNoContent {
		return n.c.refused(op, a)
	}
	return nil
}

// aboutID recognises a site whose policy forbids identifiers of the caller's
// choice (what it says exactly is not documented); aboutKey, a row that is there
// already.
var (
	aboutID  = regexp.MustCompile(`\bId\b`)
	aboutKey = regexp.MustCompile(`(?i)primary key|duplicate key|\bPK_`)
)

func without(values map[string]any, name string) map[string]any {
	out := make(map[string]any, len(values))
	for k, v := range values {
		if k != name {
			out[k] = v
		}
	}
	return out
}

func (c *Client) idsOff() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ownIDsOff
}

func (c *Client) setIDsOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ownIDsOff = true
}

// Model is what $metadata says about columns: entity -> column -> the longest
// text it takes in runes, 0 where no limit is stated.
type Model map[string]map[string]int

// Metadata reads the model. In a grown system the answer has tens of megabytes
// and takes seconds: it is for set-up, not for a delivery.
func (n *Conn) Metadata(ctx context.Context) (Model, error) {
	const op = "read $metadata"
	a, err := n.call(ctx, request{
		op: op, method: http.MethodGet, path: odataPath + "$metadata",
		header: http.Header{"Accept": {"application/xml"}},
	})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, n.c.refused(op, a)
	}
	return parseModel(strings.NewReader(string(a.body)))
}

func parseModel(r io.Reader) (Model, error) {
	model := Model{}
	var columns map[string]int
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return model, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read $metadata: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		name := attribute(start, "Name")
		switch start.Name.Local {
		case "EntityType":
			columns = map[string]int{}
			model[name] = columns
		case "Property":
			if columns != nil {
				longest, _ := strconv.Atoi(attribute(start, "MaxLength")) // "max" and absent: no limit
				columns[name] = max(longest, 0)
			}
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
