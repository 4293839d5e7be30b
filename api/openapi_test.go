package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"styk/staff"
)

// document reads the document as a client does.
func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(documentOf(operations, ""))
	ok(t, err)
	return doc
}

// The document is sound by the specification, every reference in it leads
// somewhere, and every example fits its schema.
func TestDocumentIsSound(t *testing.T) {
	t.Parallel()
	doc := document(t)
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	for _, name := range sortedKeys(doc.Components.Schemas) {
		if _, used := slices.BinarySearch(references(documentOf(operations, "")), "#/components/schemas/"+name); !used {
			t.Errorf("schema %s is used nowhere", name)
		}
	}
}

func references(document []byte) (list []string) {
	for _, m := range regexp.MustCompile(`"\$ref":"([^"]+)"`).FindAllSubmatch(document, -1) {
		list = append(list, string(m[1]))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Every operation of the table says all of itself.
func TestOperationsAreDescribed(t *testing.T) {
	t.Parallel()
	doc := document(t)
	ids, routes := map[string]bool{}, map[string]bool{}
	for i := range operations {
		o := &operations[i]
		if ids[o.id] || routes[o.method+o.path] {
			t.Errorf("%s: there are two of them", o.id)
		}
		ids[o.id], routes[o.method+o.path] = true, true
		op := doc.Paths.Value(o.path).GetOperation(o.method)
		if op.OperationID != o.id || o.says.ru == "" || o.says.en == "" || o.handle == nil {
			t.Errorf("%s: it does not say what it is", o.id)
		}
		if !slices.ContainsFunc(subjects, func(s struct {
			tag string
			words
		}) bool {
			return s.tag == o.tag
		}) {
			t.Errorf("%s: no part %q", o.id, o.tag)
		}
		writes := o.method == http.MethodPost || o.method == http.MethodPut || o.method == http.MethodPatch
		if !writes && (o.body != nil || o.bytes) {
			t.Errorf("%s: %s with a body", o.id, o.method)
		}
		if o.body != nil && op.RequestBody.Value.Content["application/json"].Example == nil {
			t.Errorf("%s: no example of the request", o.id)
		}
		for _, right := range o.rights {
			if scopeOf(right) == "" {
				t.Errorf("%s: %q has no scope", o.id, right)
			}
		}
		for _, p := range o.query {
			if p.text == "" || p.eg == "" {
				t.Errorf("%s: parameter %s has no text or example", o.id, p.name)
			}
		}
	}
}

// A scope is a right under another name, one for one.
func TestScopesAreRights(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../staff/right.go", nil, 0)
	ok(t, err)
	var rights []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, is := n.(*ast.ValueSpec); is {
			if name, is := v.Type.(*ast.Ident); is && name.Name == "Right" {
				rights = append(rights, strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))
			}
		}
		return true
	})
	if len(rights) < 20 {
		t.Fatalf("read only %d rights", len(rights))
	}
	names := map[string]bool{}
	for _, s := range Scopes {
		if names[s.Name] || !regexp.MustCompile(`^[a-z]+:[a-z]+$`).MatchString(s.Name) {
			t.Errorf("scope %q", s.Name)
		}
		names[s.Name] = true
	}
	for _, right := range rights {
		if n := len(slices.DeleteFunc(slices.Clone(Scopes), func(s Scope) bool { return s.Right != staff.Right(right) })); n != 1 {
			t.Errorf("right %q has %d scopes", right, n)
		}
	}
	if len(Scopes) != len(rights) {
		t.Errorf("%d scopes, %d rights", len(Scopes), len(rights))
	}
}

// What a request must have is what its schema requires: one reflection makes
// both.
func TestRequestsNeedWhatTheySay(t *testing.T) {
	t.Parallel()
	doc := document(t)
	for i := range operations {
		o := &operations[i]
		if o.body == nil {
			continue
		}
		err := decode([]byte(`{"no such field": 1}`), reflect.New(reflect.TypeOf(o.body)).Interface())
		var fields []string
		for _, f := range mistakeOf(t, err).Faults {
			if f.Rule == "required" {
				fields = append(fields, f.Field)
			}
		}
		need := doc.Paths.Value(o.path).GetOperation(o.method).RequestBody.Value.Content["application/json"].Schema.Value.Required
		slices.Sort(need)
		slices.Sort(fields)
		if !slices.Equal(fields, need) {
			t.Errorf("%s: asks for %q, the document says %q", o.id, fields, need)
		}
	}
}

// The comparison of answers with the document notices what does not fit.
func TestComparisonNotices(t *testing.T) {
	t.Parallel()
	s := schemaAt(t, "#/paths/~1deliveries~1causes/get/responses/200/content/application~1json/schema")
	for body, fits := range map[string]bool{
		`{"items": [{"target": "crm", "cause": "x", "count": 1}]}`:            true,
		`{"items": [{"target": "crm", "cause": "x", "count": "1"}]}`:          false,
		`{"items": [{"target": "crm", "cause": "x"}]}`:                        false,
		`{"items": [{"target": "crm", "cause": "x", "count": 1, "more": 2}]}`: false,
		`{"items": null}`: false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		ok(t, err)
		if err := s.Validate(v); (err == nil) != fits {
			t.Errorf("%s: %v", body, err)
		}
	}
}
